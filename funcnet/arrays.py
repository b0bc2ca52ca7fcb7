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
FLOATS = frozenset({np.dtype(np.float32), np.dtype(np.float64)})  # of which NumPy's and BLAS's loops are fast
SHORT_ROW = 2**6  # numbers; of shorter rows, NumPy is faster column by column


def as_array(x: Any, dtype: DType | None = None) -> Array:
    """`x` as an array of numbers, converted to `dtype` where one is given.

    Raises DTypeError for strings and the like, and where the conversion would lose more than precision.
    """
    if type(x) is np.ndarray and (x.dtype is dtype or (dtype is None and x.dtype.kind in NUMBERS)):
        return x
    array: Array = x if is_array(x) else np.asarray(x)
    if array.dtype.kind in NUMBERS:
        if dtype is None or array.dtype == dtype:
            return array
        if np.can_cast(array.dtype, dtype, "same_kind"):
            return array.astype(dtype)
    raise DTypeError(f"expected numbers{'' if dtype is None else f' of {np.dtype(dtype)}'}, got {array.dtype}")


def is_array(x: Any) -> bool:
    """Whether x is an array, or of a class that takes part in NumPy's functions as one, such as dual numbers."""
    return type(x) is np.ndarray or (hasattr(x, "__array_function__") and not isinstance(x, np.ndarray))


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
    array: Array = y if is_array(y) else np.asarray(y)
    return array.astype(dtype, copy=False)


def wide_sum(x: Array, axis: int | None = None, keepdims: bool = False) -> Array:
    """The sum of x; that of float16 in float32, where it does not stall at 2048 ones or overflow at 65,520."""
    if type(x) is np.ndarray:  # what x.sum comes to, without its detour through Python
        return np.add.reduce(x, axis=axis, keepdims=keepdims, dtype=wide(x.dtype))  # type: ignore[call-overload,no-any-return]
    total: Array = x.sum(axis=axis, keepdims=keepdims, dtype=wide(x.dtype))
    return total


def column_sums(x: Array) -> Array:
    """The sum of each column of a matrix (n, k), as (k,): ones @ x, which takes less time than NumPy's sum."""
    is_product = type(x) is np.ndarray and x.dtype in FLOATS
    sums: Array = np.dot(np.ones(len(x), x.dtype), x) if is_product else wide_sum(x, axis=0)
    return sums


def is_large(x: Array) -> bool:
    """Whether x is so large that a faster loop pays for a slower start, as that of `np.clip` beside `np.maximum`."""
    return type(x) is np.ndarray and x.size > 2**14 and x.dtype in FLOATS


def wide(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The dtype to compute in where `dtype` may be too narrow: float32 for float16, else itself."""
    return np.dtype(np.float32) if dtype.char == "e" else dtype


def canonical(array: Array) -> bytes:
    """An array's dtype and shape and its little-endian numbers in C order: the same on every machine, in any layout."""
    dtype = array.dtype.newbyteorder("<")
    return f"{dtype.str} {array.shape}\n".encode() + array.astype(dtype, copy=False).tobytes()


def read_only(array: Array) -> Array:
    """A view that can't be written through, for an output that shares memory with an input or a cache."""
    view = array.view()
    view.setflags(write=False)
    return view
