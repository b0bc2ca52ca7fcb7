"""The parts that losses share: their protocol, averaging, and the check that targets have the shape of y."""

from __future__ import annotations

import math
from typing import Any, Protocol

import numpy as np

from funcnet.numerics.sums import wide_sum
from funcnet.numerics.targets import check_same_shape
from funcnet.tree import Array, Shape, as_array, as_dtype, as_floating, to_array
from funcnet.values import one_of


class Loss(Protocol):
    """Protocol of losses: `forward(y, target) -> (value, cache)` and `backward(cache) -> dy`."""

    def forward(self, y: Array, target: Array) -> tuple[Any, Any]:
        """The loss, a scalar, and a cache for `backward`."""

    def backward(self, cache: Any) -> Array:
        """The gradient of the loss with respect to y, of the shape and dtype of y."""


is_reduction = one_of("mean", "batch", "sum")


def divisor_of(reduction: str, shape: Shape) -> int:
    """N, the number by which the sum of the losses of a y of this shape is divided; ValueError if it is 0."""
    count = 1 if reduction == "sum" else math.prod(shape if reduction == "mean" else shape[:-1])
    if count == 0:
        raise ValueError(f'cannot average over an empty batch: y has shape {shape}; use reduction="sum"')
    return count


def reduced(losses: Array, divisor: int, dtype: np.dtype[Any]) -> Any:
    """Sum of `losses` divided by `divisor`, as a scalar of `dtype`."""
    value = wide_sum(losses) / divisor
    return value if type(value) is dtype.type else as_dtype(value, dtype)[()]


def same_shape(y: Any, target: Any) -> tuple[Array, Array]:
    """y as floating-point numbers and the target in the dtype of y; ShapeError if their shapes differ."""
    y = as_floating(y)
    numbers = as_array(target, y.dtype)
    if y.shape != numbers.shape:
        check_same_shape(y, to_array(target))
    return y, numbers


def takes_logits(loss: Loss, end: object) -> str:
    """The message for a model that ends with a layer that makes probabilities, before a loss of logits."""
    return f"{loss!r} takes logits, not probabilities: leave out the {end} at the end of the model"
