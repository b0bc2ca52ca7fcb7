"""What a tree does not hold: the values that are not leaves, and the error that says what to write instead."""

from __future__ import annotations

from array import array
from dataclasses import is_dataclass
from enum import Enum
from numbers import Number
from types import BuiltinFunctionType, FunctionType
from typing import Any

import attrs
import numpy as np

from funcnet.errors import LeafError
from funcnet.tree.arrays import PLAIN_NUMBERS, Array
from funcnet.values import code

_WITHOUT_NUMBERS = str, bytes, type, FunctionType, BuiltinFunctionType, np.ufunc, Enum
_MEMORY = bytearray, memoryview, array
_STATIC = "hold it in a field declared with fn.tree.static()"


def check_carried(value: Any) -> None:
    """Raise LeafError for a value that may hold numbers; None, names, functions and classes pass."""
    if not _has_no_numbers(value):
        raise LeafError(_refusal(value))


def _has_no_numbers(value: Any) -> bool:
    if value is None or (isinstance(value, _WITHOUT_NUMBERS) and not isinstance(value, Number)):
        return True
    kind = type(value)
    return attrs.has(kind) and all(_has_no_numbers(getattr(value, field.name)) for field in attrs.fields(kind))


def _refusal(value: Any) -> str:
    if isinstance(value, list | dict | set | frozenset):
        return "lists and dicts cannot be trees because they are mutable; use a tuple or a node"
    kind, name = _named(type(value)), type(value).__name__
    if isinstance(value, Number):
        return f"expected an array, got the {kind} {value!r}: write np.array({code(value)}), or {_STATIC}"
    if is_library_array(value) or isinstance(value, _MEMORY):
        return f"expected an array of NumPy, got a {kind}: write np.asarray(...)"
    if hasattr(value, "toarray"):
        return f"expected an array of NumPy, got a {kind}: write its .toarray()"
    if is_dataclass(value):
        return f"expected a node, got the dataclass {kind}: write @fn.tree.node in place of @dataclass"
    if callable(value) or type(value).__module__.partition(".")[0] in ("builtins", "funcnet"):
        return f"expected an array, a tuple or a node, got {value!r}: {_STATIC}"
    if attrs.has(type(value)):
        return f"expected a node, got the attrs class {kind}: decorate {name} with @fn.tree.node, or {_STATIC}"
    return f"expected an array, a tuple or a node, got a {kind}: decorate {name} with @fn.tree.node, or {_STATIC}"


def _named(kind: type) -> str:
    """The name of a class with that of its package, such as torch.Tensor."""
    package = kind.__module__.partition(".")[0]
    return kind.__name__ if package in ("builtins", "__main__") else f"{package}.{kind.__name__}"


def is_library_array(value: Any) -> bool:
    """Whether a value that is not a leaf is an array of a different library, such as a tensor of PyTorch."""
    kind = type(value)
    return (hasattr(kind, "__array__") or hasattr(kind, "__dlpack__")) and not issubclass(kind, np.generic)


def of_library(value: Any) -> Array:
    """The array of a different library as a new one of NumPy; raises LeafError where it cannot be exactly that."""
    try:
        read = np.asarray(value) if hasattr(type(value), "__array__") else np.from_dlpack(value)
    except Exception as error:  # each library has its own: on a GPU, part of a graph of gradients, without this dtype
        raise LeafError(f"a {_named(type(value))} that NumPy cannot read: {error}") from error
    if read.dtype.kind not in PLAIN_NUMBERS:
        raise LeafError(f"expected numbers, got a {_named(type(value))} that NumPy reads as {read.dtype}")
    return read.copy(order="K")


def checked_entries(array: Array) -> Array:
    """`array` itself; raises LeafError for an array of objects of which one is None, a name or a container."""
    if type(array) is np.ndarray and array.dtype.kind == "O":
        for index, entry in np.ndenumerate(array):
            if entry is None or isinstance(entry, str | bytes | list | tuple | dict | set | np.ndarray):
                raise LeafError(f"expected numbers, got an array of objects that has {code(entry)} at index {index}")
    return array


def static_value(value: Any) -> Any:
    """The value of a field declared `static`: a scalar of NumPy as a plain number. LeafError for arrays and lists."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, tuple):
        parts = [static_value(part) for part in value]
        return tuple(parts) if type(value) is tuple else value
    if isinstance(value, np.ndarray) or is_library_array(value):
        raise LeafError("the field is static, which holds no arrays: leave out fn.tree.static(), or use a tuple")
    if isinstance(value, list | dict | set):
        raise LeafError(_refusal(value))
    return value
