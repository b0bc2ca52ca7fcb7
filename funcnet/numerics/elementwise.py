"""Formulas that act on each number by itself."""

from __future__ import annotations

import math

import numpy as np

from funcnet.numerics.kernel import kernel
from funcnet.numerics.sums import FLOATS, is_large, wide_floating
from funcnet.tree import Array, as_array, as_dtype

erfc = np.frompyfunc(math.erfc, 1, 1)


def zero(x: Array) -> Array:
    """0 in the dtype of x, with which NumPy begins sooner than with a number of Python's."""
    return np.zeros((), x.dtype)


@kernel
def positive(x: Array) -> Array:
    """max(x, 0). NumPy's maximum of an array and a number is not vectorized; its clip is, behind a slower start.

    >>> positive(np.array([-1.0, -0.0, 2.0]))
    array([0., 0., 2.])
    """
    if not is_large(x):
        return np.maximum(x, zero(x))
    y = np.clip(x, 0, np.inf)
    y += 0  # of -0.0 it is 0.0, as it is of the maximum
    return y


def sigmoid(x: Array) -> Array:
    """1 / (1 + exp(-x)), to rounding at both ends and without overflow.

    >>> sigmoid(np.array([-1000.0, 0.0, 1000.0]))
    array([0. , 0.5, 1. ])
    """
    decay = np.exp(-np.abs(x))
    y: Array = np.where(x >= 0, 1, decay) / (1 + decay)
    return y


def softplus(x: Array) -> Array:
    """log(1 + exp(x)), to rounding at both ends and without overflow.

    >>> softplus(np.array([-1000.0, 1000.0]))
    array([   0., 1000.])
    """
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def descended(p: Array, g: Array, rate: float) -> Array:
    """p - rate * g in the dtype of p, computed in float32 where that is float16. Only one array of its size is made.

    Raises DTypeError unless p is of floating-point numbers.

    >>> descended(np.array([1.0, 2.0]), np.array([1.0, -1.0]), 0.5)
    array([0.5, 2.5])
    """
    dtype = p.dtype if p.dtype in FLOATS else wide_floating(p.dtype)
    new = as_array(g, dtype) * np.asarray(-rate, dtype)  # it takes longer to convert a number of Python's
    new += p
    return as_dtype(new, p.dtype)
