"""Binary cross-entropy, the loss of targets in [0, 1]: of logits, which lose no digits, and of probabilities."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np

from funcnet.cache import Cache, saved_by
from funcnet.losses.loss import divisor_of, is_reduction, reduced, same_shape
from funcnet.numerics.elementwise import sigmoid, softplus
from funcnet.numerics.targets import check_probabilities, probabilities
from funcnet.numerics.underflow import past_underflow
from funcnet.tree import Array
from funcnet.values import register, specification


@register
@specification
class SigmoidBinaryCrossEntropy:
    """Binary cross-entropy of logits: a sigmoid and its loss in one, exact where probabilities round to 0 or 1.

    value = sum(-(t * log(p) + (1 - t) * log(1 - p))) / N with p = sigmoid(y), logits y and targets t (...).
    dy = (p - t) / N, computed so that no digits are lost where p is close to t.

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
        If a target is outside [0, 1] by more than rounding (1e-6), `reduction` is not one of the three, or the batch to
        average over is empty.

    Examples
    --------
    >>> loss = SigmoidBinaryCrossEntropy()
    >>> value, cache = loss.forward(np.array([0.0]), np.array([1.0]))
    >>> round(float(value), 6), loss.backward(cache)
    (0.693147, array([-0.5]))
    """

    reduction: str = attrs.field(default="mean", validator=is_reduction)

    @past_underflow
    def forward(self, y: Array, target: Array) -> tuple[Any, Cache]:
        y, target = same_shape(y, target)
        target = probabilities("targets", target)
        divisor = divisor_of(self.reduction, y.shape)
        losses = target * softplus(-y) + (1 - target) * softplus(y)
        return reduced(losses, divisor, y.dtype), Cache(self, y.shape, (y, target, divisor))

    @past_underflow
    def backward(self, cache: Cache) -> Array:
        y, target, divisor = saved_by(self, cache)
        dy: Array = ((1 - target) * sigmoid(y) - target * sigmoid(-y)) * (1 / divisor)
        return dy


@register
@specification
class BinaryCrossEntropy:
    """Binary cross-entropy of probabilities. For logits, use `SigmoidBinaryCrossEntropy`, which loses no digits.

    value = sum(-(t * log(p) + (1 - t) * log(1 - p))) / N, with probabilities p = y and targets t (...).
    dy = ((1 - t) / (1 - p) - t / p) / N.

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
        If a number of y is not in [0, 1], or one of target by more than rounding (1e-6), `reduction` is not one of the
        three, or the batch to average over is empty.

    Notes
    -----
    A probability below the smallest normal number of its dtype (1.2e-38 in float32) counts as that number, in the
    logarithm and in the quotient: the loss of p = 0 with target 1 is large, not infinite.

    Examples
    --------
    >>> loss = BinaryCrossEntropy()
    >>> value, cache = loss.forward(np.array([0.5]), np.array([1.0]))
    >>> round(float(value), 6), loss.backward(cache)
    (0.693147, array([-2.]))
    """

    reduction: str = attrs.field(default="mean", validator=is_reduction)

    @past_underflow
    def forward(self, y: Array, target: Array) -> tuple[Any, Cache]:
        y, target = same_shape(y, target)
        check_probabilities("y", y)
        target = probabilities("targets", target)
        divisor, least = divisor_of(self.reduction, y.shape), np.finfo(y.dtype).tiny
        p, q = np.maximum(y, least), np.maximum(1 - y, least)
        log_q = np.where(y < 0.5, np.log1p(-np.minimum(y, 0.5)), np.log(q))  # 1 - y has lost the digits of a small y
        losses = -(target * np.log(p) + (1 - target) * log_q)
        return reduced(losses, divisor, y.dtype), Cache(self, y.shape, (p, q, target, divisor))

    @past_underflow
    def backward(self, cache: Cache) -> Array:
        p, q, target, divisor = saved_by(self, cache)
        dy: Array = ((1 - target) / q - target / p) * (1 / divisor)
        return dy
