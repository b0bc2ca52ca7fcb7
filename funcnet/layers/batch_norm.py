"""Batch normalization, the layer that keeps running statistics: `track` gives the params that know the last batch."""

from __future__ import annotations

import math

import attrs
import numpy as np

from funcnet.cache import Cache, opened, saved_by
from funcnet.layers.checks import check_params, with_features
from funcnet.layers.inputs import warn_in_inference
from funcnet.layers.layer import Layer
from funcnet.layers.norm_params import check_features, epsilon_field, scaled, scaled_backward
from funcnet.numerics.normalization import Normalized, standardized
from funcnet.numerics.sums import wide
from funcnet.numerics.underflow import past_underflow
from funcnet.random import Key, checked_key
from funcnet.tree import Array, Buffer, DType, Shape, as_dtype, as_numpy_dtype, build, node, one_array
from funcnet.values import is_bool, real, register, specification


@register
@node
class BatchNormParams:
    """The params of `BatchNorm`: a weight and a bias, and the running statistics, which are buffers.

    Parameters
    ----------
    weight, bias : ndarray (n,), optional
        Factor and bias of each feature; None for a layer without them.
    running_mean, running_var : Buffer (n,)
        Running mean and variance of each feature.

    Examples
    --------
    >>> import funcnet as fn
    >>> params = fn.BatchNorm().init(fn.Key(0), (2,))
    >>> [*fn.tree.named_leaves(params)], [*fn.tree.named_buffers(params)]
    (['weight', 'bias'], ['running_mean', 'running_var'])
    """

    weight: Array | None
    bias: Array | None
    running_mean: Buffer
    running_var: Buffer


@register
@specification
class BatchNorm(Layer):
    """Batch normalization: each feature gets mean 0 and variance 1 over the batch, then a weight and a bias.

    y = z * weight + bias, z = (x - mean) / sqrt(variance + epsilon), with x and y (..., n), weight and bias (n,). In
    training, mean and variance are those over all axes but the last, and with g = dy * weight,
    dx = (g - mean(g) - z * mean(g * z)) / sqrt(variance + epsilon). In inference they are the running ones, and
    dx = g / sqrt(variance + epsilon). grads.weight = sum of dy * z, grads.bias = sum of dy.
    `track` moves running statistics: running = (1 - momentum) * running + momentum * that of the batch, whose variance
    is the unbiased one.

    Parameters
    ----------
    momentum : float, default 0.1
        Share of the batch in the running statistics, from 0 to 1.
    epsilon : float, default 1e-5
        Number added to the variance, above 0.
    affine : bool, default True
        Whether there are a weight and a bias.
    in_training : bool, default False
        Whether statistics are those of the batch; see `training`.

    Raises
    ------
    ShapeError
        If x does not have n features.
    TreeError
        If params are not those that `init` makes.
    TypeError
        If a number is not real, or `affine` or `in_training` not a bool.
    ValueError
        If momentum is not from 0 to 1, or epsilon not above 0; in training, if there is one row in all, whose variance
        is 0 whatever x is.

    Warns
    -----
    UsageWarning
        If a gradient is computed in inference.

    References
    ----------
    S. Ioffe, C. Szegedy: Batch normalization: accelerating deep network training by reducing internal covariate shift.
    ICML 2015.

    Examples
    --------
    >>> import funcnet as fn
    >>> layer, x = fn.BatchNorm(), np.array([[1.0, 5.0], [3.0, 5.0]])
    >>> params = layer.init(fn.Key(0), (2,), float)
    >>> in_training = layer.training(fn.Key(0))
    >>> y, cache = in_training.forward(params, x)
    >>> y.round(4)
    array([[-1.,  0.],
           [ 1.,  0.]])
    >>> in_training.track(params, cache).running_mean
    Buffer(value=array([0.2, 0.5]))
    """

    takes_integers = True
    momentum: float = attrs.field(
        default=0.1, converter=real, validator=[attrs.validators.ge(0), attrs.validators.le(1)]
    )
    epsilon: float = epsilon_field(1e-5)
    affine: bool = attrs.field(default=True, validator=is_bool)
    in_training: bool = attrs.field(default=False, validator=is_bool)

    @property
    def statistics(self) -> str | None:  # type: ignore[override]
        """In training "batch", in inference None."""
        return "batch" if self.in_training else None

    def training(self, key: Key) -> BatchNorm:
        checked_key(key)
        return attrs.evolve(self, in_training=True)

    def output_shape(self, input_shape: Shape) -> Shape:
        return with_features(input_shape, self)

    def init(self, key: Key, input_shape: Shape, dtype: DType = np.float32) -> BatchNormParams:
        n = self.output_shape(input_shape)[-1]
        ones, zeros = np.ones(n, as_numpy_dtype(dtype)), np.zeros(n, dtype)
        weight, bias = (ones, zeros) if self.affine else (None, None)
        return BatchNormParams(weight, bias, running_mean=Buffer(zeros), running_var=Buffer(ones))

    @past_underflow
    def forward(self, params: BatchNormParams, x: Array) -> tuple[Array, Cache]:
        self._check(params)
        mean, variance = params.running_mean.value, params.running_var.value
        x, dtype = one_array(self, x, mean.dtype if params.weight is None else params.weight.dtype)
        check_features(x, len(mean))
        if self.in_training:
            normalized, seen = self._of_batch(x)
        else:
            normalized, seen = _of_running(x, mean, variance, self.epsilon), None
        y = scaled(params, normalized.y, x.dtype)
        return y, Cache(self, y.shape, (normalized, seen), dtype)

    def _of_batch(self, x: Array) -> tuple[Normalized, tuple[Array, Array] | None]:
        """x normalized over the batch, and the batch's mean and unbiased variance; None if it is empty."""
        rows = math.prod(x.shape[:-1])
        if rows == 1:
            raise ValueError(
                f"batch normalization cannot be trained on one row, whose variance is 0, got x of shape {x.shape}: "
                "choose a batch size that leaves no batch, and no part of an accumulated one, of one row"
            )
        normalized, mean, variance = standardized(x, tuple(range(x.ndim - 1)), self.epsilon)
        if rows == 0:
            return normalized, None
        return normalized, (mean.reshape(-1), variance.reshape(-1) * (rows / (rows - 1)))

    @past_underflow
    def backward(self, params: BatchNormParams, cache: Cache, dy: Array) -> tuple[Array, BatchNormParams]:
        self._check(params)
        (normalized, _), dy = opened(self, cache, dy)
        self.warn_in_inference()
        g, grads = scaled_backward(params, normalized.y, dy)
        dx = normalized.dx(g) if self.in_training else g / normalized.deviation
        return cache.dx(as_dtype(dx, dy.dtype)), grads

    def warn_in_inference(self) -> None:
        """Warn that a gradient is computed with the running statistics, unless the layer is in training."""
        if not self.in_training:
            warn_in_inference(self, "uses its running statistics, which no batch then moves")

    def _check(self, params: BatchNormParams) -> None:
        n, affine = ("n",), ("n",) if self.affine else None
        shapes = {"weight": affine, "bias": affine, "running_mean.value": n, "running_var.value": n}
        check_params(params, BatchNormParams, shapes)

    @past_underflow
    def track(self, params: BatchNormParams, cache: Cache) -> BatchNormParams:
        _, seen = saved_by(self, cache)
        if seen is None:
            return params
        running = params.running_mean.value, params.running_var.value
        moved = [
            as_dtype((1 - self.momentum) * old + self.momentum * new, old.dtype)
            for old, new in zip(running, seen, strict=True)
        ]
        return build(BatchNormParams, params.weight, params.bias, *map(Buffer, moved))


def _of_running(x: Array, mean: Array, variance: Array, epsilon: float) -> Normalized:
    """x normalized by the running statistics."""
    mean, variance = (as_dtype(running, wide(x.dtype)) for running in (mean, variance))
    deviation = np.sqrt(variance + epsilon)
    return Normalized((x - mean) / deviation, deviation, ())
