"""The loss of classification among n classes."""

from __future__ import annotations

from typing import Any

import attrs

from funcnet.cache import Cache, saved_by
from funcnet.errors import ShapeError
from funcnet.losses.loss import divisor_of, is_reduction, reduced
from funcnet.numerics.labels import label_surprisal
from funcnet.numerics.softmax import distribution_surprisal
from funcnet.tree import Array, as_dtype, as_floating, to_array
from funcnet.values import register, specification


@register
@specification
class SoftmaxCrossEntropy:
    """sum(-t * log(softmax(y))) / N, logits y (..., n).

    The target is integer labels (...,), for which t is 1 at the label and 0 elsewhere, or the t (..., n) themselves;
    they need not sum to 1. dy = (sum(t) * softmax(y) - t) / N, computed so that no digits are lost where the two are
    close. Raises ValueError for a label outside 0..n-1, ShapeError or TypeError for targets of another form.

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
        if y.ndim == 0:
            raise ShapeError("expected logits of shape (..., n), got ()")
        divisor = divisor_of("sum" if self.reduction == "sum" else "batch", y.shape)
        surprisal = distribution_surprisal if target.shape == y.shape else label_surprisal
        losses, gradient = surprisal(y, target)
        return reduced(losses, divisor, y.dtype), Cache(self, y.shape, (gradient, y.dtype, divisor))

    def backward(self, cache: Cache) -> Array:
        gradient, dtype, divisor = saved_by(self, cache)
        return as_dtype(gradient.dy(1 / divisor), dtype).reshape(cache.shape)
