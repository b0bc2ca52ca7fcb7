"""The layer with a weight matrix."""

from __future__ import annotations

import math
import operator

import attrs
import numpy as np

from funcnet import initializers
from funcnet.errors import ShapeError, TreeError
from funcnet.initializers import Initializer
from funcnet.layer import Cache, Layer, Shape, as_array, opened
from funcnet.random import Key
from funcnet.specification import specification
from funcnet.tree import Array, DType, build, node


@node
class LinearParams:
    """The params of `Linear`: weight (n_in, n_out), and bias (n_out,) or None."""

    weight: Array
    bias: Array | None = None


@specification
class Linear(Layer):
    """An affine map of the last axis, `n_in` features to `n_out`; `n_in` is found at `init`.

    y = x @ weight + bias, with x (..., n_in) and y (..., n_out).
    dx = dy @ weight.T; over the batch axes' rows, grads.weight = x.T @ dy and grads.bias = sum of dy.

    Raises ShapeError if x has not n_in features, TreeError if params are not those of such a layer.
    Rumelhart, Hinton, Williams: Learning representations by back-propagating errors, Nature 323, 1986.

    >>> import numpy as np, funcnet as fn
    >>> layer = fn.Linear(1)
    >>> params = fn.LinearParams(weight=np.array([[2.0], [3.0]]), bias=np.array([1.0]))
    >>> y, cache = layer.forward(params, np.array([[1.0, 1.0], [0.0, 10.0]]))
    >>> y
    array([[ 6.],
           [31.]])
    >>> dx, grads = layer.backward(params, cache, np.ones((2, 1)))
    >>> grads
    LinearParams(weight=array([[ 1.],
           [11.]]), bias=array([2.]))
    """

    n_out: int = attrs.field(converter=operator.index, validator=attrs.validators.ge(0))
    bias: bool = True
    weight_init: Initializer = initializers.glorot_uniform
    bias_init: Initializer = initializers.zeros

    def output_shape(self, input_shape: Shape) -> Shape:
        if not input_shape:
            raise ShapeError("expected an input shape of at least one axis, the features, got ()")
        return (*input_shape[:-1], self.n_out)

    def init(self, key: Key, input_shape: Shape, dtype: DType = np.float32) -> LinearParams:
        shape = (input_shape[-1], *self.output_shape(input_shape)[-1:])
        weight = self.weight_init(key.fold_in("weight"), shape, dtype)
        bias = self.bias_init(key.fold_in("bias"), shape[1:], dtype) if self.bias else None
        return LinearParams(weight, bias)

    def forward(self, params: LinearParams, x: Array) -> tuple[Array, Cache]:
        weight, bias = self._arrays(params)
        x = as_array(x, weight.dtype)
        if x.shape[-1:] != weight.shape[:1]:
            raise ShapeError(f"expected x of shape (..., n_in={weight.shape[0]}), got {x.shape}")
        y = _rows(x) @ weight
        if bias is not None:
            y += bias
        y = y.reshape(*x.shape[:-1], self.n_out)
        return y, Cache(self, y.shape, x)

    def backward(self, params: LinearParams, cache: Cache, dy: Array) -> tuple[Array, LinearParams]:
        x, dy = opened(self, cache, dy)
        weight, _ = self._arrays(params)
        dx = (_rows(dy) @ weight.T).astype(dy.dtype, copy=False)
        return dx.reshape(x.shape), self._grads(params, x, dy)

    def params_backward(self, params: LinearParams, cache: Cache, dy: Array) -> LinearParams:
        return self._grads(params, *opened(self, cache, dy))

    def _grads(self, params: LinearParams, x: Array, dy: Array) -> LinearParams:
        weight, bias = self._arrays(params)
        rows = _rows(dy)
        dweight = (_rows(x).T @ rows).astype(weight.dtype, copy=False)
        dbias = None if bias is None else _sum_of_rows(rows).astype(bias.dtype, copy=False)
        return build(LinearParams, dweight, dbias)

    def _arrays(self, params: LinearParams) -> tuple[Array, Array | None]:
        if not isinstance(params, LinearParams) or (params.bias is not None) != self.bias:
            raise TreeError(f"expected LinearParams {'with a' if self.bias else 'without'} bias, got {_kind(params)}")
        weight, bias = params.weight, params.bias
        if weight.ndim != 2 or weight.shape[1] != self.n_out or (bias is not None and bias.shape != weight.shape[1:]):
            raise TreeError(f"expected weight (n_in, {self.n_out}) and bias ({self.n_out},)")
        return weight, bias


def _kind(params: object) -> str:
    without = isinstance(params, LinearParams) and params.bias is None
    return f"{type(params).__name__}{' without bias' if without else ''}"


def _rows(x: Array) -> Array:
    """x as a matrix, its batch axes made one; a shape with a zero in it leaves -1 nothing to be."""
    return x if x.ndim == 2 else x.reshape(math.prod(x.shape[:-1]), x.shape[-1])


def _sum_of_rows(rows: Array) -> Array:
    """The sum over axis 0; in float16 it would stall at 2048 ones."""
    wide = np.float32 if rows.dtype == np.float16 else None
    total: Array = rows.sum(axis=0, dtype=wide)
    return total
