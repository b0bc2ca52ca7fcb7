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
