"""Softmax cross-entropy, the loss of classification among n classes."""

from __future__ import annotations

from typing import Any

import attrs

from funcnet.cache import Cache, saved_by
from funcnet.errors import ShapeError, warn_user
from funcnet.losses.loss import divisor_of, is_reduction, reduced, takes_logits
from funcnet.numerics.labels import label_surprisal
from funcnet.numerics.softmax import distribution_surprisal
from funcnet.numerics.targets import are_softmaxed, check_one_hot, probabilities
from funcnet.numerics.underflow import ignoring_underflow
from funcnet.tree import Array, Shape, as_array, as_dtype, as_floating, to_array
from funcnet.values import register, specification

_TOO_FEW = (), (1,)  # ends of the shapes of logits without a class, or with one


def _too_few(shape: Shape) -> ShapeError:
    if not shape:
        return ShapeError("expected logits of shape (..., n), got ()")
    return ShapeError(
        f"expected logits of at least 2 classes, got y of shape {shape}: the softmax of one number is always 1; for "
        "one logit for each example use SigmoidBinaryCrossEntropy, whose targets of 0 and 1 have the shape of y"
    )


def _surprisal(y: Array, target: Array) -> tuple[Array, Any]:
    """The losses and the record of their gradient; raises ValueError unless the target has labels or probabilities."""
    if target.shape != y.shape:
        return label_surprisal(y, target)
    if target.dtype.kind in "biu":
        check_one_hot("targets of the shape of y", target)
        return distribution_surprisal(y, target)
    return distribution_surprisal(y, probabilities("targets", as_array(target, y.dtype)))


def _value(y: Array, target: Array, divisor: int) -> tuple[Any, Any]:
    losses, gradient = _surprisal(y, target)
    return reduced(losses, divisor, y.dtype), gradient


@register
@specification
class SoftmaxCrossEntropy:
    """Cross-entropy of logits of n classes: a softmax and its loss in one, the loss of classification.

    value = sum(-t * log(softmax(y))) / N, with logits y (..., n). The target is t (..., n) in [0, 1], whose rows need
    not sum to 1 unless they are integers, or integer labels (...), for which t is 1 at the label and 0 elsewhere.
    dy = (sum(t) * softmax(y) - t) / N, computed so that no digits are lost where the two terms are close.

    Parameters
    ----------
    reduction : {"mean", "batch", "sum"}, default "mean"
        N is the number of examples (all axes but the last) for "mean" and "batch", 1 for "sum".

    Raises
    ------
    CacheError
        If `backward` gets the cache of a different loss.
    DTypeError
        If y or target are not numbers.
    ShapeError
        If y has fewer than two classes, or the target is neither integer labels (...) nor of the shape of y.
    ValueError
        If a label is not in 0..n-1, a target is outside [0, 1] by more than rounding (1e-6), a row of integers of the
        shape of y is not one-hot, `reduction` is not one of the three, or the batch to average over is empty.

    Warns
    -----
    UsageWarning
        If the rows of y are probabilities, as if the model ended with a `Softmax`.

    Examples
    --------
    >>> import numpy as np
    >>> loss = SoftmaxCrossEntropy()
    >>> value, cache = loss.forward(np.array([[0.0, 0.0], [0.0, 0.0]]), np.array([0, 1]))
    >>> round(float(value), 6), loss.backward(cache)
    (0.693147, array([[-0.25,  0.25],
           [ 0.25, -0.25]]))
    """

    reduction: str = attrs.field(default="mean", validator=is_reduction)

    def forward(self, y: Array, target: Array) -> tuple[Any, Cache]:
        y, target = as_floating(y), to_array(target)
        if y.shape[-1:] in _TOO_FEW:
            raise _too_few(y.shape)
        if are_softmaxed(y):
            warn_user(takes_logits(self, "Softmax()"))
        divisor = divisor_of("sum" if self.reduction == "sum" else "batch", y.shape)
        try:
            value, gradient = _value(y, target, divisor)
        except FloatingPointError:
            value, gradient = ignoring_underflow(_value, y, target, divisor)
        return value, Cache(self, y.shape, (gradient, y.dtype, divisor))

    def backward(self, cache: Cache) -> Array:
        gradient, dtype, divisor = saved_by(self, cache)
        try:
            dy = gradient.dy(1 / divisor)
        except FloatingPointError:
            dy = ignoring_underflow(gradient.dy, 1 / divisor)
        return as_dtype(dy, dtype).reshape(cache.shape)
