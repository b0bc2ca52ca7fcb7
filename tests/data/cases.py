"""Datasets and keys that the tests draw from."""

import hypothesis.strategies as st
import numpy as np

import funcnet as fn
from funcnet.data import Dataset

KEY = fn.Key(0)
keys = st.builds(fn.Key, st.integers(0, 2**64))


def numbered(n):
    """A dataset whose rows tell which they are."""
    return Dataset(np.arange(2.0 * n).reshape(n, 2), np.arange(n))


def several(n):
    """A dataset of three inputs, the second and third in a tuple of their own, whose rows tell which they are."""
    number = np.arange(n)
    x = numbered(n).x.astype(np.float32), (number.astype(np.uint8), np.int16([-number, number]).T.reshape(n, 1, 2))
    return Dataset(x, number)
