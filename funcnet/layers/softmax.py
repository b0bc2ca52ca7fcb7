"""Layers that normalize the last axis: each row becomes a probability distribution, or its logarithm."""

from __future__ import annotations

import numpy as np

from funcnet.arrays import SHORT_ROW, Array, Shape, as_dtype, as_floating, is_large, wide_sum
from funcnet.errors import ShapeError
from funcnet.layer import Cache, Layer, check_no_params, opened, with_features
from funcnet.specification import specification
from funcnet.tree import Tree


def shifted(x: Array, axis: int = -1) -> Array:
    """x minus the largest along the axis, (..., n): softmax is the same, and no exponential overflows.

    Raises ShapeError if x has no axis to be a row.

    >>> shifted(np.array([[1e4, -1e4]]))
    array([[     0., -20000.]])
    """
    if x.ndim == 0:
        raise ShapeError("expected x of shape (..., n), got ()")
    with np.errstate(over="ignore"):  # a spread beyond the largest float is as good as infinite
        y: Array = x - _largest(x, axis)
    return y


def _largest(x: Array, axis: int) -> Array:
    """The largest along the axis, whose length becomes 1. Short rows go column by column: an eighth of the time."""
    if axis == -1 and is_large(x) and x.ndim == 2 and 0 < x.shape[1] < SHORT_ROW:
        columns: Array = np.ascontiguousarray(x.T)
        return columns.max(axis=0)[:, None]  # type: ignore[no-any-return]
    largest: Array = x.max(axis=axis, keepdims=True, initial=-np.inf)
    return largest


def sum_of_others(logits: Array, exponentials: Array) -> Array:
    """The sum of each row of exponentials but for one of the largest, which is 1: (..., 1), from `shifted` logits.

    Near p = 1, log(1 + others) and 1 - p lose digits; log1p(others) and others / (1 + others) do not.

    >>> float(sum_of_others(np.array([0.0, -50.0]), np.exp([0.0, -50.0]))[0])
    1.9287498479639178e-22
    """
    largest = logits == 0
    smaller = wide_sum(np.where(largest, 0, exponentials), axis=-1, keepdims=True)
    ties = np.maximum(largest.sum(axis=-1, keepdims=True, dtype=smaller.dtype) - 1, 0)
    others: Array = smaller + ties
    return others


def _at_largest(dy: Array, y: Array) -> Array:
    """dy where y is largest, (..., 1); nothing to take, and 0, where there are no features."""
    if y.shape[-1] == 0:
        return np.zeros((*y.shape[:-1], 1), dy.dtype)
    return np.take_along_axis(dy, np.argmax(y, axis=-1)[..., None], axis=-1)


@specification
class Softmax(Layer):
    """y = exp(x) / sum(exp(x)) along the last axis, x (..., n); dx = y * (dy - sum(y * dy)).

    Bridle: Probabilistic interpretation of feedforward classification network outputs, Neurocomputing, 1990.

    >>> Softmax().apply((), np.array([1e4, 1e4, -1e4]))
    array([0.5, 0.5, 0. ])
    """

    def output_shape(self, input_shape: Shape) -> Shape:
        return with_features(input_shape)

    def forward(self, params: Tree, x: Array) -> tuple[Array, Cache]:
        check_no_params(params)
        exponentials = np.exp(shifted(as_floating(x)))
        y = as_dtype(exponentials / wide_sum(exponentials, axis=-1, keepdims=True), exponentials.dtype)
        y.flags.writeable = False  # the cache has it too
        return y, Cache(self, y.shape, y)

    def backward(self, params: Tree, cache: Cache, dy: Array) -> tuple[Array, Tree]:
        y, dy = opened(self, cache, dy)
        dy = dy - _at_largest(dy, y)  # changes no dx, but spares the digits of one near y = 1
        return as_dtype(y * (dy - wide_sum(y * dy, axis=-1, keepdims=True)), dy.dtype), ()


@specification
class LogSoftmax(Layer):
    """y = x - log(sum(exp(x))) along the last axis, x (..., n); dx = dy - exp(y) * sum(dy).

    >>> LogSoftmax().apply((), np.array([0.0, -1e4]))
    array([     0., -10000.])
    """

    def output_shape(self, input_shape: Shape) -> Shape:
        return with_features(input_shape)

    def forward(self, params: Tree, x: Array) -> tuple[Array, Cache]:
        check_no_params(params)
        x = shifted(as_floating(x))
        y = as_dtype(x - np.log1p(sum_of_others(x, np.exp(x))), x.dtype)
        y.flags.writeable = False  # the cache has it too
        return y, Cache(self, y.shape, y)

    def backward(self, params: Tree, cache: Cache, dy: Array) -> tuple[Array, Tree]:
        y, dy = opened(self, cache, dy)
        others = wide_sum(dy, axis=-1, keepdims=True) - dy
        return as_dtype(-np.expm1(y) * dy - np.exp(y) * others, dy.dtype), ()
