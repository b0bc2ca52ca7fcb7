"""Layers that normalize each example by itself: `LayerNorm`, `RMSNorm`, `GroupNorm`. For batches see `batch_norm`."""

from __future__ import annotations

import attrs
import numpy as np

from funcnet.cache import Cache, opened
from funcnet.errors import ShapeError
from funcnet.layers.checks import check_no_params, check_params, with_features
from funcnet.layers.layer import Layer
from funcnet.layers.norm_params import check_features, epsilon_field, scaled, scaled_backward
from funcnet.numerics.normalization import scaled_to_one, standardized
from funcnet.numerics.underflow import past_underflow
from funcnet.random import Key
from funcnet.tree import Array, DType, Shape, Tree, as_dtype, as_numpy_dtype, node, one_array, static
from funcnet.values import at_least, is_bool, register, specification


@register
@node
class NormParams:
    """The params of `LayerNorm` and `RMSNorm`: a weight, and a bias or None.

    Parameters
    ----------
    weight : ndarray (n,)
        Factor of each feature.
    bias : ndarray (n,), optional
        Bias of each feature.

    Examples
    --------
    >>> import funcnet as fn
    >>> fn.LayerNorm().init(fn.Key(0), (2,))
    NormParams(weight=array([1., 1.], dtype=float32), bias=array([0., 0.], dtype=float32))
    """

    weight: Array
    bias: Array | None = None


@register
@specification
class LayerNorm(Layer):
    """Layer normalization: each row of the last axis gets mean 0 and variance 1, then a weight and a bias.

    y = z * weight + bias, z = (x - mean) / sqrt(variance + epsilon), with x and y (..., n), weight and bias (n,), and
    mean and variance along the last axis. With g = dy * weight, dx = (g - mean(g) - z * mean(g * z)) / sqrt(variance +
    epsilon); summed over the batch, grads.weight = sum of dy * z and grads.bias = sum of dy.

    Parameters
    ----------
    epsilon : float, default 1e-5
        Number added to the variance, above 0.
    affine : bool, default True
        Whether there are a weight and a bias; without them the params are `()`.

    Raises
    ------
    ShapeError
        If x does not have n features.
    TreeError
        If params are not those that `init` makes.
    TypeError
        If epsilon is not a number, or affine not a bool.
    ValueError
        If epsilon is not above 0.

    References
    ----------
    J. L. Ba, J. R. Kiros, G. E. Hinton: Layer normalization. arXiv 1607.06450, 2016.

    Examples
    --------
    >>> import funcnet as fn
    >>> layer = LayerNorm()
    >>> layer.apply(layer.init(fn.Key(0), (3,), float), np.array([[1e200, 0.0, -1e200], [5.0, 5.0, 5.0]])).round(4)
    array([[ 1.2247,  0.    , -1.2247],
           [ 0.    ,  0.    ,  0.    ]])
    """

    takes_integers = True
    epsilon: float = epsilon_field(1e-5)
    affine: bool = attrs.field(default=True, validator=is_bool)

    def output_shape(self, input_shape: Shape) -> Shape:
        return with_features(input_shape, self)

    def init(self, key: Key, input_shape: Shape, dtype: DType = np.float32) -> Tree:
        n = self.output_shape(input_shape)[-1]
        return NormParams(np.ones(n, as_numpy_dtype(dtype)), np.zeros(n, dtype)) if self.affine else ()

    @past_underflow
    def forward(self, params: Tree, x: Array) -> tuple[Array, Cache]:
        self._check(params)
        if self.affine:
            x, dtype = one_array(self, x, params.weight.dtype)
            check_features(x, len(params.weight))
        else:
            x, dtype = one_array(self, x)
            with_features(x.shape)
        normalized, _, _ = standardized(x, (x.ndim - 1,), self.epsilon)
        y = scaled(params, normalized.y, x.dtype)
        return y, Cache(self, y.shape, normalized, dtype)

    @past_underflow
    def backward(self, params: Tree, cache: Cache, dy: Array) -> tuple[Array, Tree]:
        self._check(params)
        normalized, dy = opened(self, cache, dy)
        g, grads = scaled_backward(params, normalized.y, dy)
        return cache.dx(as_dtype(normalized.dx(g), dy.dtype)), grads

    def _check(self, params: Tree) -> None:
        if self.affine:
            check_params(params, NormParams, {"weight": ("n",), "bias": ("n",)})
        else:
            check_no_params(params)


@register
@specification
class RMSNorm(Layer):
    """Root mean square normalization: each row of the last axis gets mean square 1, then a weight.

    y = z * weight, z = x / sqrt(mean(x**2) + epsilon), with x and y (..., n), weight (n,), and the mean along the last
    axis. With g = dy * weight, dx = (g - z * mean(g * z)) / sqrt(mean(x**2) + epsilon); grads.weight = sum of dy * z.

    Parameters
    ----------
    epsilon : float, default 1e-6
        Number added to the mean square, above 0.

    Raises
    ------
    ShapeError
        If x does not have n features.
    TreeError
        If params are not those that `init` makes.
    TypeError
        If epsilon is not a number.
    ValueError
        If epsilon is not above 0.

    References
    ----------
    B. Zhang, R. Sennrich: Root mean square layer normalization. NeurIPS 2019.

    Examples
    --------
    >>> import funcnet as fn
    >>> RMSNorm().apply(RMSNorm().init(fn.Key(0), (2,), float), np.array([3e200, 4e200])).round(4)
    array([0.8485, 1.1314])
    """

    takes_integers = True
    epsilon: float = epsilon_field(1e-6)

    def output_shape(self, input_shape: Shape) -> Shape:
        return with_features(input_shape, self)

    def init(self, key: Key, input_shape: Shape, dtype: DType = np.float32) -> NormParams:
        return NormParams(np.ones(self.output_shape(input_shape)[-1], as_numpy_dtype(dtype)))

    @past_underflow
    def forward(self, params: NormParams, x: Array) -> tuple[Array, Cache]:
        check_params(params, NormParams, {"weight": ("n",), "bias": None})
        x, dtype = one_array(self, x, params.weight.dtype)
        check_features(x, len(params.weight))
        normalized = scaled_to_one(x, (x.ndim - 1,), self.epsilon)
        y = scaled(params, normalized.y, x.dtype)
        return y, Cache(self, y.shape, normalized, dtype)

    @past_underflow
    def backward(self, params: NormParams, cache: Cache, dy: Array) -> tuple[Array, Tree]:
        check_params(params, NormParams, {"weight": ("n",), "bias": None})
        normalized, dy = opened(self, cache, dy)
        g, grads = scaled_backward(params, normalized.y, dy)
        return cache.dx(as_dtype(normalized.dx(g, is_centered=False), dy.dtype)), grads


@register
@node
class GroupNormParams:
    """The params of `GroupNorm`: a weight, a bias, and the number of axes of an example.

    Parameters
    ----------
    weight : ndarray (n,)
        Factor of each feature.
    bias : ndarray (n,)
        Bias of each feature.
    n_axes : int
        Number of axes of one example of x, which `init` finds.

    Examples
    --------
    >>> import funcnet as fn
    >>> fn.GroupNorm(2).init(fn.Key(0), (8, 8, 4)).n_axes
    3
    """

    weight: Array
    bias: Array
    n_axes: int = static()


@register
@specification
class GroupNorm(Layer):
    """Group normalization: each group of features of an example gets mean 0 and variance 1, then a weight and a bias.

    y = z * weight + bias, z = (x - mean) / sqrt(variance + epsilon), with x and y batch + (..., n), weight and bias
    (n,); mean and variance are those of an example over n / groups features and all axes before them, as pixels.
    With g = dy * weight, dx = (g - mean(g) - z * mean(g * z)) / sqrt(variance + epsilon); grads.weight = sum of dy * z,
    and grads.bias = sum of dy.

    Parameters
    ----------
    groups : int
        Number of groups, at least 1, which divides n.
    epsilon : float, default 1e-5
        Number added to the variance, above 0.

    Raises
    ------
    ShapeError
        If the groups do not divide n, or x does not have n features and the axes of the `input_shape` of `init`.
    TreeError
        If params are not those that `init` makes.
    TypeError
        If groups is not an integer, or epsilon not a number.
    ValueError
        If groups is below 1, or epsilon not above 0.

    References
    ----------
    Y. Wu, K. He: Group normalization. ECCV 2018.

    Examples
    --------
    >>> import funcnet as fn
    >>> layer = GroupNorm(2)
    >>> layer.apply(layer.init(fn.Key(0), (4,), float), np.array([1.0, 3.0, 10.0, 30.0])).round(4)
    array([-1.,  1., -1.,  1.])
    """

    takes_integers = True
    groups: int = attrs.field(converter=at_least(1, "groups"))
    epsilon: float = epsilon_field(1e-5)

    def output_shape(self, input_shape: Shape) -> Shape:
        if with_features(input_shape, self)[-1] % self.groups:
            raise ShapeError(f"{self.groups} groups do not divide n={input_shape[-1]} features")
        return input_shape

    def init(self, key: Key, input_shape: Shape, dtype: DType = np.float32) -> GroupNormParams:
        n = self.output_shape(input_shape)[-1]
        return GroupNormParams(np.ones(n, as_numpy_dtype(dtype)), np.zeros(n, dtype), len(input_shape))

    @past_underflow
    def forward(self, params: GroupNormParams, x: Array) -> tuple[Array, Cache]:
        check_params(params, GroupNormParams, {"weight": ("n",), "bias": ("n",)})
        x, dtype = one_array(self, x, params.weight.dtype)
        check_features(x, len(params.weight))
        self.output_shape(x.shape)  # raises if the groups do not divide the features
        if x.ndim < params.n_axes:
            raise ShapeError(f"expected x with {params.n_axes} axes after those of the batch, got {x.shape}")
        first = x.ndim - params.n_axes
        normalized, _, _ = standardized(self._grouped(x), (*range(first, x.ndim - 1), x.ndim), self.epsilon)
        y = scaled(params, normalized.y.reshape(x.shape), x.dtype)
        return y, Cache(self, y.shape, normalized, dtype)

    @past_underflow
    def backward(self, params: GroupNormParams, cache: Cache, dy: Array) -> tuple[Array, Tree]:
        check_params(params, GroupNormParams, {"weight": ("n",), "bias": ("n",)})
        normalized, dy = opened(self, cache, dy)
        g, grads = scaled_backward(params, normalized.y.reshape(dy.shape), dy)
        return cache.dx(as_dtype(normalized.dx(self._grouped(g)).reshape(dy.shape), dy.dtype)), grads

    def _grouped(self, x: Array) -> Array:
        """x (..., n) as (..., groups, n / groups)."""
        return x.reshape(*x.shape[:-1], self.groups, x.shape[-1] // self.groups)
