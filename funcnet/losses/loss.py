"""What losses have in common: the protocol, how losses of examples are averaged, targets of the shape of y."""

from __future__ import annotations

import math
from typing import Any, Protocol

import numpy as np

from funcnet.errors import ShapeError
from funcnet.numerics.sums import wide_sum
from funcnet.tree import Array, Shape, as_array, as_dtype, as_floating
from funcnet.values import one_of


class Loss(Protocol):
    """`forward(y, target) -> (value, cache)` and `backward(cache) -> dy`."""

    def forward(self, y: Array, target: Array) -> tuple[Any, Any]:
        """The loss, a scalar, and what `backward` needs."""

    def backward(self, cache: Any) -> Array:
        """Its gradient with respect to y, of the shape and dtype of y."""


is_reduction = one_of("mean", "batch", "sum")


def divisor_of(reduction: str, shape: Shape) -> int:
    """By what the sum of the losses of y of this shape is divided."""
    count = 1 if reduction == "sum" else math.prod(shape if reduction == "mean" else shape[:-1])
    if count == 0:
        raise ValueError(f'cannot average over an empty batch: y has shape {shape}; use reduction="sum"')
    return count


def reduced(losses: Array, divisor: int, dtype: np.dtype[Any]) -> Any:
    """Sum of `losses` divided by `divisor`, as a scalar of `dtype`."""
    value = wide_sum(losses) / divisor
    return value if type(value) is dtype.type else as_dtype(value, dtype)[()]


def same_shape(y: Any, target: Any) -> tuple[Array, Array]:
    """y, and the target in its dtype."""
    y = as_floating(y)
    target = as_array(target, y.dtype)
    if y.shape != target.shape:
        raise ShapeError(f"expected y and target of one shape, got {y.shape} and {target.shape}")
    return y, target
