"""Layers that normalize the last axis: each row becomes a probability distribution, or its logarithm."""

from __future__ import annotations

import numpy as np

from funcnet.errors import ShapeError
from funcnet.layer import Cache, Layer, Shape, as_floating, check_no_params, opened
from funcnet.specification import specification
from funcnet.tree import Array, Tree


def shifted(x: Array) -> Array:
    """x minus the largest of its row, (..., n): softmax is the same, and no exponential overflows.

    Raises ShapeError if x has no axis to be a row.

    >>> shifted(np.array([[1e4, -1e4]]))
    array([[     0., -20000.]])
    """
    if x.ndim == 0:
        raise ShapeError("expected x of shape (..., n), got ()")
    with np.errstate(over="ignore"):  # a spread beyond the largest float is as good as infinite
        y: Array = x - np.max(x, axis=-1, keepdims=True, initial=-np.inf)
    return y


@specification
class Softmax(Layer):
    """y = exp(x) / sum(exp(x)) along the last axis, x (..., n); dx = y * (dy - sum(y * dy)).

    Bridle: Probabilistic interpretation of feedforward classification network outputs, Neurocomputing, 1990.

    >>> Softmax().apply((), np.array([1e4, 1e4, -1e4]))
    array([0.5, 0.5, 0. ])
    """

    def output_shape(self, input_shape: Shape) -> Shape:
        return _with_features(input_shape)

    def forward(self, params: Tree, x: Array) -> tuple[Array, Cache]:
        check_no_params(params)
        exponentials = np.exp(shifted(as_floating(x)))
        y = exponentials / exponentials.sum(axis=-1, keepdims=True)
        y.flags.writeable = False  # the cache has it too
        return y, Cache(self, y.shape, y)

    def backward(self, params: Tree, cache: Cache, dy: Array) -> tuple[Array, Tree]:
        y, dy = opened(self, cache, dy)
        return y * (dy - (y * dy).sum(axis=-1, keepdims=True)), ()


@specification
class LogSoftmax(Layer):
    """y = x - log(sum(exp(x))) along the last axis, x (..., n); dx = dy - exp(y) * sum(dy).

    >>> LogSoftmax().apply((), np.array([0.0, -1e4]))
    array([     0., -10000.])
    """

    def output_shape(self, input_shape: Shape) -> Shape:
        return _with_features(input_shape)

    def forward(self, params: Tree, x: Array) -> tuple[Array, Cache]:
        check_no_params(params)
        x = shifted(as_floating(x))
        y = x - np.log(np.exp(x).sum(axis=-1, keepdims=True))
        y.flags.writeable = False  # the cache has it too
        return y, Cache(self, y.shape, y)

    def backward(self, params: Tree, cache: Cache, dy: Array) -> tuple[Array, Tree]:
        y, dy = opened(self, cache, dy)
        return dy - np.exp(y) * dy.sum(axis=-1, keepdims=True), ()


def _with_features(input_shape: Shape) -> Shape:
    if not input_shape:
        raise ShapeError("expected an input shape of at least one axis, the features, got ()")
    return input_shape
