"""The layer with a weight matrix. It multiplies by `np.dot`, which starts faster than `@`."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np

from funcnet import initializers
from funcnet.cache import Cache, opened
from funcnet.errors import CacheError, ShapeError
from funcnet.initializers import Initializer
from funcnet.initializers.distributions import is_initializer
from funcnet.layers.checks import drawn, unfit, with_features
from funcnet.layers.layer import Layer
from funcnet.numerics.sums import column_sums, rows_of
from funcnet.numerics.underflow import product
from funcnet.random import Key, checked_key
from funcnet.tree import Array, DType, Shape, as_dtype, build, leaf, node, one_array
from funcnet.values import at_least, is_bool, register, specification


@register
@node
class LinearParams:
    """The params of `Linear`: a weight, and a bias or None.

    Parameters
    ----------
    weight : ndarray (n_in, n_out)
        Weight.
    bias : ndarray (n_out,), optional
        Bias; None for a layer without one.

    Examples
    --------
    >>> import numpy as np, funcnet as fn
    >>> fn.LinearParams(weight=np.array([[2.0], [3.0]]), bias=np.array([1.0]))
    LinearParams(weight=array([[2.],
           [3.]]), bias=array([1.]))
    """

    weight: Array = leaf(torch_axes=(1, 0))
    bias: Array | None = None


def _is_bias(layer: Linear, attribute: Any, value: object) -> None:
    """A validator: True or False; a number is the n_out of someone who gave n_in first."""
    if isinstance(value, int) and not isinstance(value, bool):
        raise TypeError(
            f"'bias' must be True or False, got {value}: Linear takes n_out alone, and finds n_in at `init`; for "
            f"{layer.n_out} inputs and {value} outputs write Linear({value})"
        )
    is_bool(layer, attribute, value)


@register
@specification
class Linear(Layer):
    """An affine map of the last axis, `n_in` features to `n_out`; `n_in` is found at `init`.

    y = x @ weight + bias, with x (..., n_in) and y (..., n_out).
    dx = dy @ weight.T; summed over the batch, grads.weight = x.T @ dy and grads.bias = sum of dy.

    Parameters
    ----------
    n_out : int
        Number of output features; 0 is allowed.
    bias : bool, default True
        Whether to add a bias.
    weight_init : callable, default initializers.glorot_uniform
        Initializer `(key, shape, dtype) -> array` of the weight.
    bias_init : callable, default initializers.zeros
        Initializer `(key, shape, dtype) -> array` of the bias.

    Raises
    ------
    ShapeError
        If x does not have n_in features, or an initializer returns a different shape.
    TreeError
        If params are not LinearParams with n_out columns, or only one of layer and params has a bias.
    TypeError
        If n_out is not an integer, bias is not a bool, or an initializer is a class.
    ValueError
        If n_out is negative.

    References
    ----------
    D. E. Rumelhart, G. E. Hinton, R. J. Williams: Learning representations by back-propagating errors. Nature 323,
    1986.

    Examples
    --------
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

    takes_integers = True
    n_out: int = attrs.field(converter=at_least(0, "n_out"))
    bias: bool = attrs.field(default=True, validator=_is_bias)
    weight_init: Initializer = attrs.field(default=initializers.glorot_uniform, validator=is_initializer)
    bias_init: Initializer = attrs.field(default=initializers.zeros, validator=is_initializer)

    def output_shape(self, input_shape: Shape) -> Shape:
        return (*with_features(input_shape, self)[:-1], self.n_out)

    def init(self, key: Key, input_shape: Shape, dtype: DType = np.float32) -> LinearParams:
        n_out = self.output_shape(input_shape)[-1]
        weight = drawn(self.weight_init, checked_key(key).fold_in("weight"), (input_shape[-1], n_out), dtype)
        bias = drawn(self.bias_init, key.fold_in("bias"), (n_out,), dtype) if self.bias else None
        return LinearParams(weight, bias)

    def forward(self, params: LinearParams, x: Array) -> tuple[Array, Cache]:
        weight, bias = self._arrays(params)
        x, dtype = one_array(self, x, weight.dtype)
        if x.shape[-1:] != weight.shape[:1]:
            raise ShapeError(f"expected x of shape (..., n_in={weight.shape[0]}), got {x.shape}")
        rows = rows_of(x)
        try:
            y = np.dot(rows, weight)
        except FloatingPointError:
            y = product(rows, weight)
        if bias is not None:
            y += bias
        if x.ndim != 2:
            y = y.reshape(*x.shape[:-1], self.n_out)
        return y, Cache(self, y.shape, x, dtype)

    def backward(self, params: LinearParams, cache: Cache, dy: Array) -> tuple[Array, LinearParams]:
        grads, rows = self._grads(params, cache, dy)
        try:
            dx = np.dot(rows, params.weight.T)
        except FloatingPointError:
            dx = product(rows, params.weight.T)
        dx, shape = as_dtype(dx, rows.dtype), cache.saved.shape
        return cache.dx(dx if dx.shape == shape else dx.reshape(shape)), grads

    def params_backward(self, params: LinearParams, cache: Cache, dy: Array) -> LinearParams:
        return self._grads(params, cache, dy)[0]

    def _grads(self, params: LinearParams, cache: Cache, dy: Array) -> tuple[LinearParams, Array]:
        """The grads, and dy with its batch axes merged: a matrix."""
        weight, bias = self._arrays(params)
        x, dy = opened(self, cache, dy)
        if x.shape[-1] != weight.shape[0]:
            raise CacheError(f"expected a cache for x of shape (..., n_in={weight.shape[0]}), got one for {x.shape}")
        rows, columns = rows_of(dy), rows_of(x).T
        try:
            weight_grad = np.dot(columns, rows)
        except FloatingPointError:
            weight_grad = product(columns, rows)
        weight_grad = as_dtype(weight_grad, weight.dtype)
        bias_grad = None if bias is None else as_dtype(column_sums(rows), bias.dtype)
        return build(LinearParams, weight_grad, bias_grad), rows

    def _arrays(self, params: LinearParams) -> tuple[Array, Array | None]:
        """Weight and bias; raises TreeError if params do not fit the layer."""
        columns = (self.n_out,)
        expected = columns if self.bias else None
        if isinstance(params, LinearParams):
            weight, bias = params.weight, params.bias
            if getattr(weight, "shape", ())[1:] == columns and getattr(bias, "shape", None) == expected:
                return weight, bias
        raise unfit(params, LinearParams, {"weight": ("n_in", self.n_out), "bias": expected})
