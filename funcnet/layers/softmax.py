"""Layers that normalize the last axis: each row becomes a probability distribution, or its logarithm."""

from __future__ import annotations

import numpy as np

from funcnet.cache import Cache, opened
from funcnet.layers.checks import check_no_params, with_features
from funcnet.layers.layer import Layer
from funcnet.numerics.softmax import shifted, sum_of_others
from funcnet.numerics.sums import wide_sum
from funcnet.numerics.underflow import past_underflow
from funcnet.tree import Array, Shape, Tree, as_dtype, one_array
from funcnet.values import register, specification


def _at_largest(dy: Array, y: Array) -> Array:
    """dy where y is largest, (..., 1); 0 where there are no features to choose from."""
    if y.shape[-1] == 0:
        return np.zeros((*y.shape[:-1], 1), dy.dtype)
    return np.take_along_axis(dy, np.argmax(y, axis=-1)[..., None], axis=-1)


@register
@specification
class Softmax(Layer):
    """Softmax: each row of the last axis becomes a probability distribution.

    y = exp(x) / sum(exp(x)), with x and y (..., n) and sums along the last axis; dx = y * (dy - sum(y * dy)).

    Raises
    ------
    ShapeError
        If x has no axis.

    References
    ----------
    J. S. Bridle: Probabilistic interpretation of feedforward classification network outputs. Neurocomputing, 1990.

    Examples
    --------
    >>> Softmax().apply((), np.array([1e4, 1e4, -1e4]))
    array([0.5, 0.5, 0. ])
    """

    takes_integers = True

    def output_shape(self, input_shape: Shape) -> Shape:
        return with_features(input_shape, self)

    @past_underflow
    def forward(self, params: Tree, x: Array) -> tuple[Array, Cache]:
        check_no_params(params)
        x, dtype = one_array(self, x)
        exponentials = np.exp(shifted(x))
        y = as_dtype(exponentials / wide_sum(exponentials, axis=-1, keepdims=True), exponentials.dtype)
        y.flags.writeable = False  # the cache holds it too
        return y, Cache(self, y.shape, y, dtype)

    @past_underflow
    def backward(self, params: Tree, cache: Cache, dy: Array) -> tuple[Array, Tree]:
        y, dy = opened(self, cache, dy)
        dy = dy - _at_largest(dy, y)  # dx stays the same, and keeps its digits where y is near 1
        return cache.dx(as_dtype(y * (dy - wide_sum(y * dy, axis=-1, keepdims=True)), dy.dtype)), ()


@register
@specification
class LogSoftmax(Layer):
    """Logarithm of the softmax of each row, exact where the softmax itself would round to 0.

    y = x - log(sum(exp(x))), with x and y (..., n) and sums along the last axis; dx = dy - exp(y) * sum(dy).

    Raises
    ------
    ShapeError
        If x has no axis.

    Examples
    --------
    >>> LogSoftmax().apply((), np.array([0.0, -1e4]))
    array([     0., -10000.])
    """

    takes_integers = True

    def output_shape(self, input_shape: Shape) -> Shape:
        return with_features(input_shape, self)

    @past_underflow
    def forward(self, params: Tree, x: Array) -> tuple[Array, Cache]:
        check_no_params(params)
        x, dtype = one_array(self, x)
        x = shifted(x)
        y = as_dtype(x - np.log1p(sum_of_others(x, np.exp(x))), x.dtype)
        y.flags.writeable = False  # the cache holds it too
        return y, Cache(self, y.shape, y, dtype)

    @past_underflow
    def backward(self, params: Tree, cache: Cache, dy: Array) -> tuple[Array, Tree]:
        y, dy = opened(self, cache, dy)
        others = wide_sum(dy, axis=-1, keepdims=True) - dy
        return cache.dx(as_dtype(-np.expm1(y) * dy - np.exp(y) * others, dy.dtype)), ()
