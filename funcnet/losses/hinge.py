"""The hinge loss, the loss of classification with a margin."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np

from funcnet.cache import Cache, saved_by
from funcnet.losses.loss import divisor_of, is_reduction, reduced, same_shape
from funcnet.numerics.targets import first_index
from funcnet.numerics.underflow import past_underflow
from funcnet.tree import Array, as_dtype
from funcnet.values import register, specification


def _check_signs(target: Array) -> None:
    """Raise ValueError, which names the first wrong target, unless each is -1 or 1."""
    index = first_index(np.abs(target) != 1)
    if index is not None:
        is_bit = bool(((target == 0) | (target == 1)).all())
        remedy = ": for targets of 0 and 1 write 2 * target - 1" if is_bit else ""
        raise ValueError(f"expected targets of -1 and 1, got {target[index]} at index {index}{remedy}")


@register
@specification
class Hinge:
    """Hinge loss of two classes, -1 and 1: 0 where the score has the sign of its target and is at least 1 in size.

    value = sum(max(0, 1 - t * y)) / N, with scores y and targets t (...); dy = -t / N where t * y < 1, else 0.

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
        If a target is neither -1 nor 1, `reduction` is not one of the three, or the batch to average over is empty.

    References
    ----------
    C. Cortes, V. Vapnik: Support-vector networks. Machine Learning 20, 1995.

    Examples
    --------
    >>> loss = Hinge()
    >>> value, cache = loss.forward(np.array([0.5, 2.0]), np.array([1, 1]))
    >>> float(value), loss.backward(cache)
    (0.25, array([-0.5,  0. ]))
    """

    reduction: str = attrs.field(default="mean", validator=is_reduction)

    @past_underflow
    def forward(self, y: Array, target: Array) -> tuple[Any, Cache]:
        y, target = same_shape(y, target)
        _check_signs(target)
        divisor, margin = divisor_of(self.reduction, y.shape), 1 - target * y
        losses = np.maximum(margin, 0)
        return reduced(losses, divisor, y.dtype), Cache(self, y.shape, (margin, target, divisor))

    @past_underflow
    def backward(self, cache: Cache) -> Array:
        margin, target, divisor = saved_by(self, cache)
        dy: Array = np.heaviside(margin, 0) * -target * (1 / divisor)  # NaN stays NaN
        return as_dtype(dy + 0, target.dtype)  # without -0.0
