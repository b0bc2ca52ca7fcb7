"""The loss of directions: one minus the cosine of the angle between prediction and target."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np

from funcnet.cache import Cache, saved_by
from funcnet.errors import ShapeError
from funcnet.losses.loss import divisor_of, is_reduction, reduced, same_shape
from funcnet.numerics.normalization import magnitude
from funcnet.numerics.sums import wide, wide_sum
from funcnet.numerics.underflow import past_underflow
from funcnet.tree import Array, as_dtype
from funcnet.values import register, specification


def _of_length_1(rows: Array) -> tuple[Array, Array, Array]:
    """Rows (..., n) over their lengths, these lengths (..., 1), and whether they are as long as they count."""
    shortest = 1e-4 if rows.dtype.char == "e" else 1e-8  # PyTorch's, whose inverse is too large for float16
    rows = as_dtype(rows, wide(rows.dtype))
    size = magnitude(rows, (rows.ndim - 1,))
    scaled, least = rows / size, (shortest / size) ** 2
    square = wide_sum(scaled * scaled, axis=-1, keepdims=True)
    length = np.sqrt(np.maximum(square, least))
    return scaled / length, length * size, square > least


@register
@specification
class CosineSimilarity:
    """One minus the cosine of the angle between y and target: 0 for the same direction, 2 for the opposite one.

    value = sum(1 - u . v) / N with u = y / |y| and v = t / |t|, for rows y and targets t (..., n);
    dy = ((u . v) * u - v) / |y| / N. A row shorter than 1e-8 (1e-4 in float16) counts as that
    long, so that zeros have the value 1.

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
        If y is a single number, or y and target differ in shape.
    ValueError
        If `reduction` is not one of the three, or the batch to average over is empty.

    Examples
    --------
    >>> loss = CosineSimilarity()
    >>> value, cache = loss.forward(np.array([[3.0, 4.0]]), np.array([[1.0, 0.0]]))
    >>> round(float(value), 6), loss.backward(cache).round(4)
    (0.4, array([[-0.128,  0.096]]))
    """

    reduction: str = attrs.field(default="mean", validator=is_reduction)

    @past_underflow
    def forward(self, y: Array, target: Array) -> tuple[Any, Cache]:
        y, target = same_shape(y, target)
        if y.ndim == 0:
            raise ShapeError("expected y of shape (..., n), got ()")
        divisor = divisor_of("sum" if self.reduction == "sum" else "batch", y.shape)
        (u, length, is_long), (v, _, is_target_long) = _of_length_1(y), _of_length_1(target)
        apart = u - v
        half_square = wide_sum(apart * apart, axis=-1, keepdims=True) / 2  # is 1 - u . v, without its cancellation
        losses = np.where(is_long & is_target_long, half_square, 1 - wide_sum(u * v, axis=-1, keepdims=True))
        saved = u, v, losses, length, is_long, y.dtype, divisor
        return reduced(losses, divisor, y.dtype), Cache(self, y.shape, saved)

    @past_underflow
    def backward(self, cache: Cache) -> Array:
        u, v, losses, length, is_long, dtype, divisor = saved_by(self, cache)
        towards = np.where(is_long, (u - v) - losses * u, -v)  # (1 - losses) * u - v
        return as_dtype(towards / length * (1 / divisor), dtype)
