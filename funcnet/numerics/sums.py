"""Sums that neither overflow where the dtype is narrow nor take longer than they must."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from funcnet.errors import DTypeError
from funcnet.numerics.kernel import kernel
from funcnet.numerics.underflow import product
from funcnet.tree import Array

FLOATS = frozenset({np.dtype(np.float32), np.dtype(np.float64)})  # dtypes whose loops are fast in NumPy and BLAS
SHORT_ROW = 2**6  # numbers in a row, below which NumPy is faster column by column
_OFTEN = 32  # rows with the same index, above which they are summed by themselves
_LARGE = 2**14  # numbers in an array, above which a faster loop pays for a slower start


def wide(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The dtype to compute in: float32 for float16, which is too narrow, else `dtype` itself.

    >>> wide(np.dtype(np.float16)), wide(np.dtype(np.float64))
    (dtype('float32'), dtype('float64'))
    """
    return np.dtype(np.float32) if dtype.char == "e" else dtype


def wide_floating(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """`wide` for the dtype of params; DTypeError unless that is a floating-point one."""
    if dtype.kind not in "fcO":
        raise DTypeError(f"params must have a floating-point dtype, got {dtype}")
    return wide(dtype)


def is_large(x: Array) -> bool:
    """Whether x is so large that a faster loop pays for a slower start, as `np.clip` does beside `np.maximum`."""
    return x.size > _LARGE and x.dtype in FLOATS


def _plain_sum(x: Array, axis: int | None = None, keepdims: bool = False) -> Array:
    # x.sum calls this too, after a detour through Python.
    return np.add.reduce(x, axis=axis, keepdims=keepdims, dtype=wide(x.dtype))  # type: ignore[call-overload,no-any-return]


@kernel(_plain_sum)
def wide_sum(x: Array, axis: int | None = None, keepdims: bool = False) -> Array:
    """The sum of x; float16 is summed in float32, where sums neither stall at 2048 ones nor overflow at 65,520.

    >>> float(wide_sum(np.ones(70_000, np.float16)))
    70000.0
    """
    return x.sum(axis=axis, keepdims=keepdims, dtype=wide(x.dtype))  # type: ignore[no-any-return]


def _plain_column_sums(x: Array) -> Array:
    if x.dtype not in FLOATS:
        return wide_sum(x, axis=0)
    ones = np.empty(len(x), x.dtype)
    ones.fill(1)  # in half the time of np.ones
    try:
        return np.dot(ones, x)  # type: ignore[no-any-return]
    except FloatingPointError:
        return product(ones, x)


@kernel(_plain_column_sums)
def column_sums(x: Array) -> Array:
    """The sum of each column of a matrix x (n, k), as (k,): ones @ x, which takes less time than NumPy's sum.

    >>> column_sums(np.array([[1.0, 2.0], [3.0, 4.0]]))
    array([4., 6.])
    """
    return wide_sum(x, axis=0)


def rows_of(x: Array) -> Array:
    """x with its batch axes merged: a matrix; reshape(-1, n) would fail where n is 0."""
    return x if x.ndim == 2 else x.reshape(math.prod(x.shape[:-1]), x.shape[-1])


def sums_by_index(index: Array, rows: Array, count: int) -> Array:
    """For each i below `count`, the sum of the rows (m, n) whose index (m,) is i, as (count, n).

    Rows of an index that occurs often are summed at once; of the others, first all first rows are added, then all
    second ones, and so on. Both take a fraction of the time of `np.add.at`.

    >>> sums_by_index(np.array([2, 0, 2]), np.array([[1.0], [2.0], [3.0]]), 3)
    array([[2.],
           [0.],
           [4.]])
    """
    sums = np.zeros((count, rows.shape[1]), wide(rows.dtype))
    # Sorting 16 bits takes a tenth of the time.
    order = np.argsort(index.astype(np.uint16) if count <= 2**16 else index, kind="stable")
    counts = np.bincount(index, minlength=count)
    starts = np.cumsum(counts) - counts
    for i in np.flatnonzero(counts > _OFTEN).tolist():
        sums[i] = wide_sum(rows.take(order[starts[i] : starts[i] + counts[i]], axis=0), axis=0)
    rare, done = np.flatnonzero((counts > 0) & (counts <= _OFTEN)), 0
    while len(rare):
        sums[rare] += rows.take(order[starts[rare] + done], axis=0)
        done += 1
        rare = rare[counts[rare] > done]
    return sums
