"""Arrays as the rest of funcnet wants them: of numbers, of a dtype, summed without overflow, read-only."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import DTypeLike, NDArray

from funcnet.errors import DTypeError

Array: TypeAlias = NDArray[Any]
DType: TypeAlias = DTypeLike
Shape: TypeAlias = tuple[int, ...]
NUMBERS = "biufcO"  # the kinds of dtypes that count as numbers, bool and object among them


def as_array(x: Any, dtype: DType | None = None) -> Array:
    """`x` as an array of numbers, converted to `dtype` where one is given.

    Raises DTypeError for strings and the like, and where the conversion would lose more than precision.
    """
    if type(x) is np.ndarray and (x.dtype is dtype or (dtype is None and x.dtype.kind in NUMBERS)):
        return x
    array = to_array(x)
    if array.dtype.kind in NUMBERS:
        if dtype is None or array.dtype == dtype:
            return array
        if np.can_cast(array.dtype, dtype, "same_kind"):
            return array.astype(dtype)
    raise DTypeError(f"expected numbers{'' if dtype is None else f' of {np.dtype(dtype)}'}, got {array.dtype}")


def is_array(x: Any) -> bool:
    """Whether x is an array, or of a class that takes part in NumPy's functions as one, such as dual numbers."""
    return type(x) is np.ndarray or (hasattr(x, "__array_function__") and not isinstance(x, np.ndarray))


def to_array(x: Any) -> Array:
    """`x` as an array of whatever it holds; one that carries more than numbers stays as it is."""
    return x if is_array(x) else np.asarray(x)


def as_floating(x: Any) -> Array:
    """`x` as an array of floating-point (or complex, or object) numbers in this machine's byte order."""
    if type(x) is np.ndarray and x.dtype.kind == "f" and x.dtype.isnative:
        return x
    array = as_array(x)
    if array.dtype.kind in "biu":
        return array.astype(np.float64)
    return array if array.dtype.isnative else array.astype(array.dtype.newbyteorder("="))


def as_dtype(y: Any, dtype: DType) -> Array:
    """`y` in `dtype`, and an array even where a function of a 0-d array gave a scalar."""
    if type(y) is np.ndarray and y.dtype is dtype:
        return y
    return to_array(y).astype(dtype, copy=False)


def canonical(array: Array) -> bytes:
    """An array's dtype and shape and its little-endian numbers in C order: the same on every machine, in any layout."""
    dtype = array.dtype.newbyteorder("<")
    return f"{dtype.str} {array.shape}\n".encode() + array.astype(dtype, copy=False).tobytes()


def read_only(array: Array) -> Array:
    """A view that can't be written through, for an output that shares memory with an input or a cache."""
    view = array.view()
    view.setflags(write=False)
    return view


def frozen(array: Array) -> Array:
    """A read-only view of `array`, which becomes read-only too; the view can't be made writable again."""
    array.setflags(write=False)
    return array.view()
