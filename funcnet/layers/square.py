"""The layer that squares."""

from __future__ import annotations

from funcnet.cache import Cache, opened
from funcnet.layers.layer import Layer, check_no_params
from funcnet.tree import Array, Tree, as_dtype, as_floating
from funcnet.values import register, specification


@register
@specification
class Square(Layer):
    """y = x**2; dx = 2 * x * dy.

    Examples
    --------
    >>> import numpy as np, funcnet as fn
    >>> fn.Square().apply((), np.array([-3.0, 2.0]))
    array([9., 4.])
    """

    def forward(self, params: Tree, x: Array) -> tuple[Array, Cache]:
        check_no_params(params)
        x = as_floating(x)
        return as_dtype(x * x, x.dtype), Cache(self, x.shape, x)

    def backward(self, params: Tree, cache: Cache, dy: Array) -> tuple[Array, Tree]:
        x, dy = opened(self, cache, dy)
        return as_dtype(2 * x * dy, dy.dtype), ()
