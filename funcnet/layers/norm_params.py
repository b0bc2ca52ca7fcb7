"""What normalizing layers share: a weight and a bias after the normalization, and checks of epsilon and x."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np

from funcnet.errors import ShapeError
from funcnet.numerics.sums import column_sums, rows_of, wide
from funcnet.tree import Array, Tree, as_dtype, build, read_only
from funcnet.values import real


def epsilon_field(default: float) -> Any:
    """The field of a layer for the number added to a variance: above 0, so that constant rows have an output."""
    return attrs.field(default=default, converter=real, validator=attrs.validators.gt(0))


def scaled(params: Any, y: Array, dtype: np.dtype[Any]) -> Array:
    """y * weight + bias in the dtype of x, as far as there are a weight and a bias."""
    weight, bias = getattr(params, "weight", None), getattr(params, "bias", None)
    if weight is None:
        return read_only(as_dtype(y, dtype))  # the cache holds it too
    y = y * weight
    return as_dtype(y if bias is None else y + bias, dtype)


def scaled_backward(params: Any, y: Array, dy: Array) -> tuple[Array, Tree]:
    """The gradient with respect to the normalized y, and that with respect to params."""
    weight, bias = getattr(params, "weight", None), getattr(params, "bias", None)
    dy = as_dtype(dy, wide(dy.dtype))  # its sums over features may overflow
    if weight is None:
        return dy, params  # params without leaves are their own gradient
    weight_grads = as_dtype(column_sums(rows_of(dy * y)), weight.dtype)
    bias_grads = None if bias is None else as_dtype(column_sums(rows_of(dy)), bias.dtype)
    others = [getattr(params, field.name) for field in attrs.fields(type(params))[2:]]  # buffers, or a number of axes
    return dy * weight, build(type(params), weight_grads, bias_grads, *others)


def check_features(x: Array, n: int) -> None:
    """Raise ShapeError unless x has n features."""
    if x.shape[-1:] != (n,):
        raise ShapeError(f"expected x of shape (..., n={n}), got {x.shape}")
