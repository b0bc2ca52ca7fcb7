"""Mean squared error, the loss of regression."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np

from funcnet.cache import Cache, saved_by
from funcnet.losses.loss import divisor_of, is_reduction, reduced, same_shape
from funcnet.numerics.sums import wide
from funcnet.numerics.underflow import past_underflow
from funcnet.tree import Array
from funcnet.values import register, specification


@register
@specification
class MeanSquaredError:
    """Mean squared error, the loss of regression.

    value = sum((y - target)**2) / N, with y and target (...); dy = 2 * (y - target) / N.

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
    >>> loss = MeanSquaredError()
    >>> value, cache = loss.forward(np.array([1.0, 3.0]), np.array([1.0, 1.0]))
    >>> float(value), loss.backward(cache)
    (2.0, array([0., 2.]))
    """

    reduction: str = attrs.field(default="mean", validator=is_reduction)

    @past_underflow
    def forward(self, y: Array, target: Array) -> tuple[Any, Cache]:
        y, target = same_shape(y, target)
        divisor, error = divisor_of(self.reduction, y.shape), y - target
        squares = np.square(error, dtype=wide(y.dtype))
        return reduced(squares, divisor, y.dtype), Cache(self, y.shape, (error, divisor))

    @past_underflow
    def backward(self, cache: Cache) -> Array:
        error, divisor = saved_by(self, cache)
        dy: Array = error * (2 / divisor)
        return dy
