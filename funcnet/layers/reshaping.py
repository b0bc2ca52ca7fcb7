"""Layers that pass numbers on unchanged. The outputs are read-only views: nothing is copied."""

from __future__ import annotations

import math

import numpy as np

from funcnet.cache import Cache, opened, opened_flow
from funcnet.errors import ShapeError, TreeError
from funcnet.layers.checks import check_inputs, check_no_params, checked_shape
from funcnet.layers.layer import Layer
from funcnet.random import Key
from funcnet.tree import (
    Array,
    DType,
    Flow,
    Shape,
    Tree,
    as_array,
    dtypes_in,
    is_integer,
    node,
    passed_on,
    read_only,
    shape_of,
    static,
)
from funcnet.values import register, specification


@register
@specification
class Identity(Layer):
    """The identity: y is x, an array or a tuple.

    y = x, with x and y (...); dx = dy.

    Examples
    --------
    >>> Identity().apply((), np.array([1.0, 2.0]))
    array([1., 2.])
    """

    n_inputs = None
    takes_integers = True

    def forward(self, params: Tree, x: Flow) -> tuple[Flow, Cache]:
        check_no_params(params)
        y = passed_on(x)
        return y, Cache(self, shape_of(y), None, dtypes_in(y))

    def backward(self, params: Tree, cache: Cache, dy: Flow) -> tuple[Flow, Tree]:
        _, dy = opened_flow(self, cache, dy)
        return passed_on(dy), ()


@register
@node
class FlattenParams:
    """The params of `Flatten`: the input shape found at `init`, and no arrays.

    Parameters
    ----------
    input_shape : tuple of int
        Shape of one example of x.

    Examples
    --------
    >>> import funcnet as fn
    >>> fn.Flatten().init(fn.Key(0), (2, 3))
    FlattenParams(input_shape=(2, 3))
    """

    input_shape: Shape = static()


@register
@specification
class Flatten(Layer):
    """Merges the feature axes into one; `init` finds which axes are features.

    y = x reshaped, with x (batch + input_shape) and y (batch + (product of input_shape,)); dx = dy in the shape of x.

    Raises
    ------
    ShapeError
        If the shape of x does not end in input_shape.
    TreeError
        If params are not the FlattenParams that `init` makes.

    Notes
    -----
    The params hold the input shape, without which batch axes and feature axes look alike.

    Examples
    --------
    >>> import funcnet as fn
    >>> params = Flatten().init(fn.Key(0), (2, 3))
    >>> Flatten().apply(params, np.zeros((2, 3))).shape, Flatten().apply(params, np.zeros((7, 5, 2, 3))).shape
    ((6,), (7, 5, 6))
    """

    takes_integers = True

    def output_shape(self, input_shape: Shape) -> Shape:
        return (math.prod(checked_shape(input_shape, self)),)

    def init(self, key: Key, input_shape: Shape, dtype: DType = np.float32) -> FlattenParams:
        return FlattenParams(checked_shape(input_shape, self))

    def forward(self, params: FlattenParams, x: Array) -> tuple[Array, Cache]:
        _check_flatten(params)
        if isinstance(x, tuple):
            check_inputs(self, shape_of(x))
        x, features = as_array(x), params.input_shape
        batch = x.shape[: x.ndim - len(features)]
        if batch + features != x.shape:
            raise ShapeError(f"expected x of shape (..., {', '.join(map(str, features))}), got {x.shape}")
        y = read_only(x.reshape(*batch, math.prod(features)))
        return y, Cache(self, y.shape, x.shape, None if is_integer(x) else x.dtype)

    def backward(self, params: FlattenParams, cache: Cache, dy: Array) -> tuple[Array, FlattenParams]:
        _check_flatten(params)
        x_shape, dy = opened(self, cache, dy)
        return cache.dx(read_only(dy.reshape(x_shape))), params  # params without leaves are their own gradient


def _check_flatten(params: object) -> None:
    if not isinstance(params, FlattenParams):
        raise TreeError(f"expected the FlattenParams that init makes, got {params!r}")
