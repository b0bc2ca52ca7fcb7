"""What flows between layers: an array, or a tuple of what flows. Its shape is a shape, or a tuple of such shapes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

from funcnet.errors import DTypeError, ShapeError
from funcnet.tree.arrays import Array, DType, Shape, as_array, as_floating, read_only, to_array

Flow: TypeAlias = Any
_OF_INTEGERS = np.dtype(np.float32)  # has every number of 16 bits, and sums of them


def map_flow(f: Callable[[Any], Any], x: Flow) -> Any:
    """f of an array, or the tuple of f of each array in a tuple.

    >>> map_flow(np.shape, (np.zeros(3), (np.zeros(()), np.zeros((2, 1)))))
    ((3,), ((), (2, 1)))
    """
    return tuple([map_flow(f, part) for part in x]) if isinstance(x, tuple) else f(x)


def shape_of(x: Flow) -> Any:
    """The shape of an array, or the tuple of the shapes in a tuple."""
    return map_flow(np.shape, x) if isinstance(x, tuple) else x.shape


def is_nested(shape: Any) -> bool:
    """Whether a shape is a tuple of shapes, and so that of a tuple; `()` is the shape of one number.

    >>> is_nested((3,)), is_nested(((3,), (2, 1))), is_nested(())
    (False, True, False)
    """
    return isinstance(shape, tuple) and bool(shape) and isinstance(shape[0], tuple)


def is_integer(x: Any) -> bool:
    """Whether an array holds integers or bools, which have no gradient."""
    return x.dtype.kind in "biu"


def one_array(layer: object, x: Any, dtype: DType | None = None) -> tuple[Array, Any]:
    """The one input of `layer` as floating-point numbers, and their dtype; for integers, without gradient, None.

    The numbers are of `dtype`, that of the params; without one, integers become float32. Raises ShapeError for a tuple.
    """
    if type(x) is np.ndarray:
        own = x.dtype
        if own is dtype or (dtype is None and own.kind == "f" and own.isnative):
            return x, own
    if isinstance(x, tuple):
        raise ShapeError(f"{layer!r} takes one array, got a tuple of shapes {listed(shape_of(x))}: {MERGE}")
    numbers = as_floating(x, _OF_INTEGERS) if dtype is None else as_array(x, dtype)
    return numbers, None if is_integer(to_array(x)) else numbers.dtype


MERGE = "merge them first, as fn.Concatenate() does; a layer of your own that takes a tuple declares n_inputs"


def listed(shapes: Any) -> str:
    """Shapes in a sentence."""
    return " and ".join(map(str, shapes))


def converted(x: Flow, dtype: DType = _OF_INTEGERS) -> Flow:
    """x with its integers as floating-point numbers of `dtype`; x itself if it has none."""
    if isinstance(x, tuple):
        parts = tuple([converted(part, dtype) for part in x])
        return x if all(a is b for a, b in zip(parts, x, strict=True)) else parts
    x = as_array(x)
    return x.astype(dtype) if is_integer(x) else x


def passed_on(x: Flow) -> Flow:
    """x as read-only arrays, which the next layer cannot write to; None stays None."""
    if isinstance(x, tuple):
        return map_flow(passed_on, x)
    return None if x is None else read_only(as_array(x))


def dtypes_in(x: Flow) -> Any:
    """The dtype of each array; None for integers, which have no gradient."""
    if isinstance(x, tuple):
        return tuple(map(dtypes_in, x))
    try:
        dtype = x.dtype
    except AttributeError:
        raise DTypeError(f"expected an array in each place of a tuple, got {x!r}") from None
    return None if dtype.kind in "biu" else dtype


def without_integers(dx: Flow, dtypes: Any) -> Flow:
    """The gradient dx with None for each array of integers in x; `dtypes` are what `dtypes_in` found in x."""
    if isinstance(dtypes, tuple):
        return tuple(map(without_integers, dx, dtypes))
    return None if dtypes is None else dx


def added(a: Flow, b: Flow) -> Flow:
    """The sum of two gradients, array by array; None, the gradient of integers, adds nothing.

    >>> added((np.array(1.0), None, None), (np.array(2.0), np.array(3.0), None))
    (array(3.), array(3.), None)
    """
    if a is None or b is None:
        return b if a is None else a
    if isinstance(a, tuple):
        return tuple(map(added, a, b))
    return as_array(np.add(a, b))  # a sum of 0-d arrays is a scalar


def zeros_of(shape: Any, dtype: DType, batch: Shape = ()) -> Flow:
    """Zeros of a shape, or a tuple of them for a tuple of shapes, with the axes of a batch before each shape."""
    if is_nested(shape):
        return tuple([zeros_of(each, dtype, batch) for each in shape])
    return np.zeros((*batch, *shape), dtype)
