"""Losses of regression that outliers do not rule: the absolute error, and Huber's, which is smooth at 0."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np

from funcnet.cache import Cache, saved_by
from funcnet.losses.loss import divisor_of, is_reduction, reduced, same_shape
from funcnet.numerics.sums import wide
from funcnet.numerics.underflow import past_underflow
from funcnet.tree import Array, as_dtype
from funcnet.values import real, register, specification


@register
@specification
class MeanAbsoluteError:
    """Mean absolute error, the loss of regression towards the median.

    value = sum(abs(y - target)) / N, with y and target (...); dy = sign(y - target) / N, 0 where they are equal.

    Parameters
    ----------
    reduction : {"mean", "batch", "sum"}, default "mean"
        N is the number of elements of y, the number of examples (all axes but the last), or 1, in that order.

    Raises
    ------
    CacheError
        If `backward` gets the cache of a different loss.
    DTypeError
        If y or target are not numbers.
    ShapeError
        If y and target differ in shape.
    ValueError
        If `reduction` is not one of the three, or the batch to average over is empty.

    Examples
    --------
    >>> loss = MeanAbsoluteError()
    >>> value, cache = loss.forward(np.array([1.0, 3.0]), np.array([1.0, 1.0]))
    >>> float(value), loss.backward(cache)
    (1.0, array([0. , 0.5]))
    """

    reduction: str = attrs.field(default="mean", validator=is_reduction)

    @past_underflow
    def forward(self, y: Array, target: Array) -> tuple[Any, Cache]:
        y, target = same_shape(y, target)
        divisor, error = divisor_of(self.reduction, y.shape), y - target
        return reduced(np.abs(error), divisor, y.dtype), Cache(self, y.shape, (error, divisor))

    @past_underflow
    def backward(self, cache: Cache) -> Array:
        error, divisor = saved_by(self, cache)
        dy: Array = np.sign(error) * (1 / divisor)
        return as_dtype(dy, error.dtype)


@register
@specification
class Huber:
    """Huber's loss of regression: half the squared error up to `delta`, linear beyond it, so that outliers pull less.

    value = sum(c * (e - c / 2)) / N, with e = y - target and c = e clipped to [-delta, delta], for y and target (...):
    e**2 / 2 where abs(e) <= delta, else delta * (abs(e) - delta / 2). dy = c / N.

    Parameters
    ----------
    reduction : {"mean", "batch", "sum"}, default "mean"
        N is the number of elements of y, the number of examples (all axes but the last), or 1, in that order.
    delta : float, default 1.0
        Error from which the loss is linear; above 0.

    Raises
    ------
    CacheError
        If `backward` gets the cache of a different loss.
    DTypeError
        If y or target are not numbers.
    ShapeError
        If y and target differ in shape.
    TypeError
        If delta is not a number.
    ValueError
        If delta is not above 0, `reduction` is not one of the three, or the batch to average over is empty.

    References
    ----------
    P. J. Huber: Robust estimation of a location parameter. Annals of Mathematical Statistics 35, 1964.

    Examples
    --------
    >>> loss = Huber(delta=1.0)
    >>> value, cache = loss.forward(np.array([0.5, 3.0]), np.array([0.0, 0.0]))
    >>> float(value), loss.backward(cache)
    (1.3125, array([0.25, 0.5 ]))
    """

    reduction: str = attrs.field(default="mean", validator=is_reduction)
    delta: float = attrs.field(default=1.0, converter=real, validator=attrs.validators.gt(0))

    @past_underflow
    def forward(self, y: Array, target: Array) -> tuple[Any, Cache]:
        y, target = same_shape(y, target)
        divisor = divisor_of(self.reduction, y.shape)
        error = as_dtype(y, wide(y.dtype)) - target
        clipped = np.minimum(np.maximum(error, -self.delta), self.delta)
        losses = clipped * (error - clipped / 2)
        return reduced(losses, divisor, y.dtype), Cache(self, y.shape, (clipped, y.dtype, divisor))

    @past_underflow
    def backward(self, cache: Cache) -> Array:
        clipped, dtype, divisor = saved_by(self, cache)
        return as_dtype(clipped * (1 / divisor), dtype)
