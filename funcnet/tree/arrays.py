"""Conversions and checks of arrays: to numbers, to a dtype, to canonical bytes, to read-only arrays."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import DTypeLike, NDArray

from funcnet.errors import DTypeError, ShapeError

Array: TypeAlias = NDArray[Any]
DType: TypeAlias = DTypeLike
Shape: TypeAlias = tuple[int, ...]
PLAIN_NUMBERS = "biufc"  # the kinds of dtypes that files hold, bool among them
NUMBERS = PLAIN_NUMBERS + "O"  # those that can be computed with


def as_array(x: Any, dtype: DType | None = None) -> Array:
    """`x` as an array of numbers, converted to `dtype` if one is given.

    Raises DTypeError if x is not made of numbers, or if the conversion would lose more than precision.
    """
    if type(x) is np.ndarray and (x.dtype is dtype or (dtype is None and x.dtype.kind in NUMBERS)):
        return x
    array = to_array(x)
    if array.dtype.kind in NUMBERS:
        if dtype is None or array.dtype == dtype:
            return array
        if np.can_cast(array.dtype, dtype, "same_kind"):
            return array.astype(dtype)
    wanted = "numbers" if dtype is None else f"numbers of {np.dtype(dtype)}"
    raise DTypeError(f"expected {wanted}, got {array.dtype}{_remedy(array)}")


def _remedy(array: Array) -> str:
    """What to write for a sparse matrix, and for numbers that are objects, as those of pandas' nullable types are."""
    if array.dtype.kind != "O":
        return ""
    if array.ndim:
        return ": write its .astype(float)"
    return f", a {type(array.item()).__name__}: write its .toarray()" if hasattr(array.item(), "toarray") else ""


def is_array(x: Any) -> bool:
    """Whether x is an array, or an instance of a class that NumPy's functions accept as one, such as dual numbers."""
    return type(x) is np.ndarray or (hasattr(x, "__array_function__") and not isinstance(x, np.ndarray))


def to_array(x: Any) -> Array:
    """`x` as an array of any dtype; an array of a class of its own, such as dual numbers, stays as it is.

    Raises ShapeError for a tuple of arrays, which are several inputs or outputs: NumPy would stack them; and for lists
    of different lengths.
    """
    if is_array(x):
        return x  # type: ignore[no-any-return]
    if isinstance(x, tuple) and any(isinstance(part, tuple | np.ndarray) or is_array(part) for part in x):
        shapes = [np.shape(part) if hasattr(part, "shape") else "a tuple" for part in x]
        raise ShapeError(f"expected one array, got a tuple of {len(x)}: {' and '.join(map(str, shapes))}")
    try:
        return np.asarray(unmasked(x))
    except ValueError as error:
        raise ShapeError(f"expected one array: {error}; write several inputs as a tuple of arrays") from error


def unmasked(x: Any) -> Any:
    """`x` itself; raises DTypeError for an array with masked entries, which NumPy would use as if they were data."""
    if isinstance(x, list):
        for part in x:
            if isinstance(part, np.ma.MaskedArray):
                unmasked(part)
    if isinstance(x, np.ma.MaskedArray) and np.ma.is_masked(x):
        masked = int(np.ma.getmaskarray(x).sum())
        raise DTypeError(f"{masked} of {x.size} entries are masked: write x.filled(value), or leave them out")
    return x


def as_floating(x: Any, of_integers: DType = np.float64) -> Array:
    """`x` as an array of floating-point (or complex, or object) numbers in this machine's byte order."""
    if type(x) is np.ndarray and x.dtype.kind == "f" and x.dtype.isnative:
        return x
    array = as_array(x)
    if array.dtype.kind in "biu":
        return array.astype(of_integers)
    return array if array.dtype.isnative else array.astype(array.dtype.newbyteorder("="))


def as_dtype(y: Any, dtype: DType) -> Array:
    """`y` as an array of `dtype`; a scalar, as functions of 0-d arrays return it, becomes an array too."""
    if type(y) is np.ndarray and y.dtype is dtype:
        return y
    return to_array(y).astype(dtype, copy=False)


def as_numpy_dtype(dtype: DType) -> np.dtype[Any]:
    """`dtype` as one of NumPy; raises DTypeError for the dtypes of other libraries, such as torch.float32.

    >>> as_numpy_dtype("float32"), as_numpy_dtype(float)
    (dtype('float32'), dtype('float64'))
    """
    try:
        return np.dtype(dtype)
    except TypeError:
        name = str(dtype).rpartition(".")[2]
        own = name if hasattr(np, name) else "float32"
        raise DTypeError(f"dtype must be a dtype of NumPy, got {dtype!r}: write np.{own}") from None


def canonical(array: Array) -> bytes:
    """The dtype, shape and little-endian numbers of `array` in C order: equal on every machine and in any layout."""
    dtype = array.dtype.newbyteorder("<")
    return f"{dtype.str} {array.shape}\n".encode() + array.astype(dtype, copy=False).tobytes()


def read_only(array: Array) -> Array:
    """A read-only view of `array`, for an output that shares memory with an input or a cache."""
    view = array.view()
    view.setflags(write=False)
    return view


def frozen(array: Array) -> Array:
    """A read-only view of `array`, which becomes read-only too; the view cannot be made writable again."""
    array.setflags(write=False)
    return array.view()
