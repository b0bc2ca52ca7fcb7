"""Checks that layers share: of input shapes, of params, and of the arrays that initializers return."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from funcnet.errors import ShapeError, TreeError
from funcnet.initializers import Initializer
from funcnet.random import Key
from funcnet.tree import MERGE, Array, DType, Shape, Tree, as_array, as_numpy_dtype, is_nested, listed
from funcnet.values import code

Shapes: TypeAlias = Mapping[str, tuple[int | str, ...] | None]  # by path, such as {"weight": ("n_in", 3), "bias": (3,)}


def check_inputs(layer: Any, shape: Any) -> None:
    """Raise ShapeError unless the shape of x, or the tuple of shapes, is one that the layer takes."""
    n = layer.n_inputs
    if n is None or (len(shape) == n > 1 if is_nested(shape) else n == 1):
        return
    wanted = "one array" if n == 1 else f"a tuple of {n}"
    got = f"a tuple of shapes {listed(shape)}: {MERGE}" if is_nested(shape) else described(shape)
    raise ShapeError(f"{layer!r} takes {wanted}, got {got}")


def check_reached(layer: Any, name: str, held: Any, kind: type) -> None:
    """Raise TypeError for layers in a list or a dict in a field of a layer, which `training` does not look into."""
    parts = held.values() if isinstance(held, dict) else held
    if isinstance(held, list | dict) and any(isinstance(part, kind) for part in parts):
        where = f"the {type(held).__name__} {name} of {type(layer).__name__}"
        raise TypeError(f"training does not reach the layers in {where}: write a tuple")


def described(shape: Any) -> str:
    """The shape of one array, or the shapes in a tuple, as an error says what it got."""
    return f"a tuple of {len(shape)} with shapes {shape}" if is_nested(shape) else f"one array of shape {shape}"


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


def check_params(params: Any, kind: type, shapes: Shapes) -> None:
    """Raise TreeError unless params are of the class, and the array at each path has the shape.

    A name in the shapes, such as "n", stands for the same size in all of them; None stands for no array.
    """
    sizes: dict[str, int] = {}
    if not isinstance(params, kind):
        raise unfit(params, kind, shapes)
    for path, shape in shapes.items():
        array = getattr(params, path, None)
        if getattr(array, "shape", array) != shape and not _fits(_shape_at(params, path), shape, sizes):
            raise unfit(params, kind, shapes)


def _fits(found: Shape | None, shape: tuple[int | str, ...] | None, sizes: dict[str, int]) -> bool:
    if found is None or shape is None or len(found) != len(shape):
        return False
    for n, size in zip(found, shape, strict=True):  # not all(...): a cell is checked at each step of time
        if n != (sizes.setdefault(size, n) if isinstance(size, str) else size):
            return False
    return True


def _shape_at(params: Any, path: str) -> Shape | None:
    for name in path.split("."):
        params = getattr(params, name, None)
    return None if params is None else getattr(params, "shape", ())


def unfit(params: Any, kind: type, shapes: Shapes) -> TreeError:
    """The error for params that are not of the class, or whose arrays do not have the shapes."""
    is_kind = isinstance(params, kind)
    got = _in_words({path: _shape_at(params, path) for path in shapes}) if is_kind else type(params).__name__
    return TreeError(f"expected {kind.__name__} with {_in_words(shapes)}, got {got}")


def _in_words(shapes: Shapes) -> str:
    """Shapes in words: weight (n_in, 3) and bias (3,)."""
    *others, last = [f"{path} {shape}".replace("'", "") for path, shape in shapes.items()]
    return f"{', '.join(others)} and {last}" if others else last


def drawn(initializer: Initializer, key: Key, shape: Shape, dtype: DType) -> Array:
    """The array of an initializer; raises ShapeError if it does not have the shape."""
    as_numpy_dtype(dtype)
    array = as_array(initializer(key, shape, dtype), dtype)
    if array.shape != shape:
        raise ShapeError(f"{code(initializer)} must return an array of shape {shape}, got {array.shape}")
    return array
