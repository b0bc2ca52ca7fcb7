"""Numbers made to have mean 0 and variance 1, or mean square 1, along some axes; exact for constants and huge numbers.

Numbers are first divided by a power of two, which changes no digit, so that no square overflows; and the first of
them is subtracted before the mean, so that equal numbers give 0 and not what rounding leaves.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from funcnet.numerics.kernel import kernel
from funcnet.numerics.sums import wide
from funcnet.tree import Array, as_dtype

Axes = tuple[int, ...]


def _plain_magnitude(x: Array, axes: Axes) -> Array:
    if x.dtype.kind != "f":
        return np.ones((), x.dtype)
    sizes = np.max(np.abs(x), axis=axes, keepdims=True, initial=1)
    return np.ldexp(np.ones((), x.dtype), np.frexp(np.where(np.isfinite(sizes), sizes, 1))[1] - 1)  # type: ignore[no-any-return]


@kernel(_plain_magnitude)
def magnitude(x: Array, axes: Axes) -> Array:
    """A power of two near the largest number along the axes, at least 1; it counts as a constant.

    >>> magnitude(np.array([[0.25, -0.5], [3.0, -5.0]]), (1,))
    array([[1.],
           [4.]])
    """
    return np.ones((), x.dtype)


class Normalized(NamedTuple):
    """Numbers y = (x - mean) / deviation, and the parts; `deviation` and y are arrays of the wide dtype."""

    y: Array
    deviation: Array
    axes: Axes

    def dx(self, dy: Array, is_centered: bool = True) -> Array:
        """The gradient with respect to x, given that with respect to y."""
        count = _count(self.y, self.axes)
        along = (dy * self.y).sum(axis=self.axes, keepdims=True) / count
        dx = dy - self.y * along
        if is_centered:
            dx = dx - dy.sum(axis=self.axes, keepdims=True) / count
        result: Array = dx / self.deviation
        return result


def standardized(x: Array, axes: Axes, epsilon: float) -> tuple[Normalized, Array, Array]:
    """(x - mean) / sqrt(variance + epsilon), and the mean and the variance along the axes, whose length becomes 1.

    >>> y = standardized(np.array([1e200, 0.0, -1e200]), (0,), 1e-5)[0].y
    >>> np.round(y, 4)
    array([ 1.2247,  0.    , -1.2247])
    >>> standardized(np.array([1e200, 1e200]), (0,), 1e-5)[0].y
    array([0., 0.])
    """
    x = as_dtype(x, wide(x.dtype))
    size, count = magnitude(x, axes), _count(x, axes)
    scaled = x / size
    first = scaled[tuple(slice(1) if axis in axes else slice(None) for axis in range(x.ndim))]
    from_first = scaled - first if x.size else scaled
    shift = from_first.sum(axis=axes, keepdims=True) / count
    from_mean = from_first - shift
    variance = (from_mean * from_mean).sum(axis=axes, keepdims=True) / count
    root = _root(variance, epsilon, size)
    y, deviation = from_mean / root, _unscaled(root, size, variance, epsilon)
    with np.errstate(over="ignore"):
        return Normalized(y, deviation, axes), (first + shift) * size, variance * size * size


def scaled_to_one(x: Array, axes: Axes, epsilon: float) -> Normalized:
    """x / sqrt(mean of x**2 + epsilon) along the axes.

    >>> scaled_to_one(np.array([3e200, 4e200]), (0,), 1e-6).y.round(4)
    array([0.8485, 1.1314])
    """
    x = as_dtype(x, wide(x.dtype))
    size = magnitude(x, axes)
    scaled = x / size
    deviation = _root((scaled * scaled).sum(axis=axes, keepdims=True) / _count(x, axes), epsilon, size)
    return Normalized(scaled / deviation, deviation * size, axes)


def _root(square: Array, epsilon: float, size: Array) -> Array:
    """sqrt(square + epsilon / size**2), where epsilon counts even if its quotient is too small for the dtype."""
    least = np.finfo(size.dtype).tiny if size.dtype.kind == "f" else 0
    root: Array = np.sqrt(square + np.maximum(epsilon / size / size, least))
    return root


def _plain_unscaled(root: Array, size: Array, variance: Array, epsilon: float) -> Array:
    with np.errstate(over="ignore"):
        deviation: Array = root * size
    if size.dtype.kind == "f":
        deviation[variance == 0] = math.sqrt(epsilon)  # of large equal numbers, whose root is not that of epsilon
    return deviation


@kernel(_plain_unscaled)
def _unscaled(root: Array, size: Array, variance: Array, epsilon: float) -> Array:
    """The deviation of the numbers before they were divided by `size`."""
    return root * size


def _count(x: Any, axes: Axes) -> int:
    """The number of numbers along the axes; 1 where there are none, whose sums are 0."""
    return max(1, math.prod([int(x.shape[axis]) for axis in axes]))
