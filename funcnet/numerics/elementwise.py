"""Formulas that act on each number by itself."""

from __future__ import annotations

import math

import numpy as np

from funcnet.numerics.kernel import kernel
from funcnet.numerics.sums import FLOATS, is_large, wide_floating
from funcnet.numerics.underflow import ignoring_underflow
from funcnet.tree import Array, as_array, as_dtype

erfc = np.frompyfunc(math.erfc, 1, 1)


def zero(x: Array) -> Array:
    """0 in the dtype of x; NumPy starts sooner with it than with a Python number."""
    return np.zeros((), x.dtype)


def _plain_positive(x: Array) -> Array:
    """By np.clip, which starts slowly, where x is large: np.maximum of an array and a number is not vectorized."""
    if not is_large(x):
        return np.maximum(x, zero(x))
    y = np.clip(x, 0, np.inf)
    y += 0  # turns -0.0 into 0.0, as the maximum does
    return y


@kernel(_plain_positive)
def positive(x: Array) -> Array:
    """max(x, 0).

    >>> positive(np.array([-1.0, -0.0, 2.0]))
    array([0., 0., 2.])
    """
    return np.maximum(x, zero(x))


def without_subnormals(x: Array) -> Array:
    """x with 0 for the numbers below the smallest normal one, with which processors compute many times as slowly.

    >>> without_subnormals(np.array([1e-310, -1e-310, 1e-300]))
    array([ 0.e+000, -0.e+000,  1.e-300])
    """
    if x.dtype.kind != "f":
        return x
    y: Array = (np.abs(x) >= np.finfo(x.dtype).smallest_normal).astype(x.dtype)
    y *= x  # faster than np.where; NaN stays
    return y


def where_positive(x: Array, dy: Array) -> Array:
    """dy where x > 0, else 0, in the dtype of dy: converting booleans first is faster than multiplying by them.

    >>> where_positive(np.array([-1.0, 0.0, 2.0]), np.array([5.0, 6.0, 7.0]))
    array([0., 0., 7.])
    """
    dx: Array = (x > zero(x)).astype(dy.dtype)
    dx *= dy
    return dx


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


def moved(p: Array, g: Array, rate: float) -> Array:
    """p - rate * g in the dtype of g. Only one array of that size is made.

    >>> moved(np.array([1.0, 2.0]), np.array([1.0, -1.0]), 0.5)
    array([0.5, 2.5])
    """
    factor = np.asarray(-rate, g.dtype)  # NumPy converts a Python number more slowly
    try:
        new: Array = g * factor
    except FloatingPointError:
        new = ignoring_underflow(np.multiply, g, factor)
    new += p
    return new


def descended(rate: float, p: Array, g: Array) -> Array:
    """`moved` in the dtype of p, with float16 computed in float32; DTypeError unless p has a floating-point dtype.

    >>> descended(0.5, np.array([1.0, 2.0]), np.array([1, -1]))
    array([0.5, 2.5])
    """
    dtype = p.dtype if p.dtype in FLOATS else wide_floating(p.dtype)
    factor = np.asarray(-rate, dtype)
    g = g if g.dtype is dtype else as_array(g, dtype)
    try:
        new = g * factor
    except FloatingPointError:
        new = ignoring_underflow(np.multiply, g, factor)
    new += p
    return as_dtype(new, p.dtype)
