"""What normalizing layers share: a weight and a bias after the normalization, and checks of params and x."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np

from funcnet.errors import ShapeError, TreeError
from funcnet.numerics.sums import column_sums, rows_of, wide
from funcnet.tree import Array, Buffer, Tree, as_dtype, build, read_only
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
    grads = as_dtype(column_sums(rows_of(dy * y)), weight.dtype)
    bias_grads = None if bias is None else as_dtype(column_sums(rows_of(dy)), bias.dtype)
    return dy * weight, tree_of(params, grads, bias_grads)


def tree_of(params: Any, *grads: Array | None) -> Tree:
    """Grads like params, whose first fields are the given ones."""
    others = [getattr(params, field.name) for field in attrs.fields(type(params))[len(grads) :]]
    return build(type(params), *grads, *others)


def check_norm_params(layer: Any, params: Any, kind: type, affine: bool = True, bias: bool = True) -> None:
    """Raise TreeError unless params are of the class that the layer's `init` makes, with a weight and a bias or not.

    All arrays must have the same shape (n,): others would be broadcast.
    """
    if isinstance(params, kind):
        parts: list[Any] = [getattr(params, name) for name in ("weight", "bias")]
        running = [getattr(params, name) for name in ("running_mean", "running_var") if hasattr(params, name)]
        if [part is not None for part in parts] == [affine, affine and bias] and all(map(_is_buffer, running)):
            shapes = {np.shape(part) for part in parts if part is not None} | {each.value.shape for each in running}
            if len(shapes) == 1 and len(*shapes) == 1:
                return
    raise TreeError(f"expected the {kind.__name__} that init of {layer!r} makes, got {params!r}")


def _is_buffer(part: Any) -> bool:
    return isinstance(part, Buffer)


def check_features(x: Array, n: int) -> None:
    """Raise ShapeError unless x has n features."""
    if x.shape[-1:] != (n,):
        raise ShapeError(f"expected x of shape (..., n={n}), got {x.shape}")
