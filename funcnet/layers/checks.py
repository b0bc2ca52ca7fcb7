"""Checks that layers share: of input shapes, and of params where there are none, of drawn arrays."""

from __future__ import annotations

from typing import Any

from funcnet.errors import ShapeError, TreeError
from funcnet.initializers import Initializer
from funcnet.random import Key
from funcnet.tree import MERGE, Array, DType, Shape, Tree, as_array, is_nested, listed
from funcnet.values import code


def check_inputs(layer: Any, shape: Any) -> None:
    """Raise ShapeError unless the shape of x, or the tuple of shapes, is one that the layer takes."""
    n = layer.n_inputs
    if n is None or (len(shape) == n > 1 if is_nested(shape) else n == 1):
        return
    wanted = "one array" if n == 1 else f"a tuple of {n}"
    got = f"a tuple of shapes {listed(shape)}: {MERGE}" if is_nested(shape) else f"one array of shape {shape}"
    raise ShapeError(f"{layer!r} takes {wanted}, got {got}")


def checked_shape(input_shape: Shape, layer: Any = None) -> Shape:
    """`input_shape` itself, the shape of one array; raises TypeError or ShapeError, which names the layer, if not."""
    if layer is not None:
        check_inputs(layer, input_shape)
    if not isinstance(input_shape, tuple):
        raise TypeError(f"input_shape must be a tuple such as (784,), got {input_shape!r}")
    if is_nested(input_shape):
        raise ShapeError(f"expected the shape of one array, got those of a tuple, {input_shape}")
    return input_shape


def with_features(input_shape: Shape, layer: Any = None) -> Shape:
    """`input_shape` itself; raises ShapeError if it has no axis of features."""
    if not checked_shape(input_shape, layer):
        raise ShapeError("input_shape must have at least one axis, that of the features, got ()")
    return input_shape


def check_no_params(params: Tree) -> None:
    """Raise TreeError unless params are `()`, the params of a layer without params."""
    if type(params) is not tuple or params:
        raise TreeError(f"the layer has no params: expected (), got {type(params).__name__}")


def drawn(initializer: Initializer, key: Key, shape: Shape, dtype: DType) -> Array:
    """The array of an initializer; raises ShapeError if it does not have the shape."""
    array = as_array(initializer(key, shape, dtype), dtype)
    if array.shape != shape:
        raise ShapeError(f"{code(initializer)} must return an array of shape {shape}, got {array.shape}")
    return array
