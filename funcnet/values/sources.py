"""Digests of the source of classes and functions that users have written, to notice when code was edited.

The digest of a class or a function covers its source without blank lines and lines of comments, its bases, and what its
code reads by name: functions and classes of its own package or of modules that are not installed, numbers, arrays. Code
without source, such as a compiled function, has the version of its package in its place.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from contextlib import suppress
from dis import get_instructions
from functools import partial
from hashlib import sha256
from textwrap import dedent
from types import CodeType, FunctionType, ModuleType
from typing import Any

import attrs
import numpy as np

from funcnet.values.registry import public_name

_KNOWN = frozenset({"funcnet", "numpy", *sys.stdlib_module_names}) - {"__main__"}
_PLAIN = (bool, int, float, complex, str, bytes, type(None))


def sources(value: Any) -> dict[str, str]:
    """The digest of each class and function in a value that belongs neither to funcnet nor to NumPy, by its name.

    >>> import funcnet as fn
    >>> sources(fn.sequential(fn.Linear(2), fn.ReLU()))
    {}
    """
    found = {}
    for item in _items(value):
        if _root(item) not in _KNOWN:
            hashed = sha256()
            for text in _texts(item, _root(item), []):
                hashed.update(text.encode() + b"\0")
            found[public_name(item)] = hashed.hexdigest()[:16]
    return found


def _items(value: Any) -> Iterator[Any]:
    """The classes and functions in a value, those in its fields among them."""
    if isinstance(value, tuple):
        for part in value:
            yield from _items(part)
    elif isinstance(value, type) or hasattr(value, "__code__"):
        yield value
    elif isinstance(value, partial):
        yield from _items((value.func, value.args, tuple(value.keywords.values())))
    elif not isinstance(value, _PLAIN):
        yield type(value)
        if attrs.has(type(value)):
            yield from _items(tuple(getattr(value, field.name) for field in attrs.fields(type(value))))


def _root(item: Any) -> str:
    """The package, or the module outside packages, that an item belongs to."""
    module = item.__name__ if isinstance(item, ModuleType) else getattr(item, "__module__", None)
    return str(module or "builtins").partition(".")[0]


def _is_own(item: Any, root: str) -> bool:
    """Whether the source of an item counts: it is of the package `root`, or of a module that is not installed."""
    here = _root(item)
    file = str(getattr(sys.modules.get(here), "__file__", None) or "site-packages")
    is_installed = "site-packages" in file or "dist-packages" in file
    return not isinstance(item, ModuleType) and (here == root or not (here in _KNOWN or is_installed))


def _texts(item: Any, root: str, seen: list[Any]) -> Iterator[str]:
    """The texts that determine what an item of the package `root` computes; `seen` has the items before it."""
    if isinstance(item, _PLAIN):
        yield repr(item)
    elif isinstance(item, np.ndarray):
        yield f"{item.dtype} {item.shape} {sha256(item.tobytes()).hexdigest()}"
    elif isinstance(item, tuple):
        for part in item:
            yield from _texts(part, root, seen)
    elif _is_own(item, root) and not any(item is other for other in seen):
        seen.append(item)
        if isinstance(item, type):
            yield _source(item)
            yield from _texts(item.__bases__, root, seen)
            for part in vars(item).values():
                yield from _texts_of_code(part, root, seen)
        elif hasattr(item, "__code__"):
            yield _source(item)
            yield from _texts_of_code(item, root, seen)
        else:
            yield from _texts(type(item), root, seen)


def _texts_of_code(part: Any, root: str, seen: list[Any]) -> Iterator[str]:
    """The texts of what a function, or the function in an attribute of a class, reads by name."""
    functions = [part, *(getattr(part, name, None) for name in ("__func__", "fget", "func", "__wrapped__"))]
    for function in functions:
        if isinstance(function, FunctionType):
            names = function.__globals__ | dict(_closure(function))
            for value in (*(function.__defaults__ or ()), *_read(function.__code__, names)):
                yield from _texts(value, root, seen)


def _closure(function: FunctionType) -> Iterator[tuple[str, Any]]:
    """The names and values in the closure of a function."""
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        with suppress(ValueError):  # a cell that is not filled yet
            yield name, cell.cell_contents


def _read(code: CodeType, names: dict[str, Any]) -> Iterator[Any]:
    """The values of the names that code reads and does not assign, and of their attributes where they are modules."""
    assigned = {each.argval for each in get_instructions(code) if each.opname in ("STORE_GLOBAL", "STORE_DEREF")}
    for name in dict.fromkeys((*code.co_names, *code.co_freevars)):
        value = names.get(name)
        if isinstance(value, ModuleType):
            yield from (vars(value)[attribute] for attribute in code.co_names if attribute in vars(value))
        elif name in names and name not in assigned:
            yield value
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _read(constant, names)


def _source(item: Any) -> str:
    """The source without blank lines and comments; else that of a class's methods, a version, or the code itself."""
    try:
        lines = inspect.getsource(item).splitlines()
    except (OSError, TypeError, IndexError):
        parts = vars(item).values() if isinstance(item, type) else ()
        methods = [each for each in map(_function, parts) if each is not None]
        if methods:  # a class of a notebook has no source, and its methods have
            return "\n".join(map(_source, methods))
        version = getattr(sys.modules.get(_root(item)), "__version__", None)
        return str(version) if version or not hasattr(item, "__code__") else _instructions(item.__code__)
    kept = [line.rstrip() for line in lines if line.strip() and not line.strip().startswith("#")]
    return dedent("\n".join(kept))


def _function(part: Any) -> FunctionType | None:
    """The function in an attribute of a class; None for one that attrs has made."""
    part = getattr(part, "__func__", part)
    return part if isinstance(part, FunctionType) and not part.__code__.co_filename.startswith("<attrs") else None


def _instructions(code: CodeType) -> str:
    constants = [_instructions(each) if isinstance(each, CodeType) else _ordered(each) for each in code.co_consts]
    return f"{code.co_code.hex()} {code.co_names} {constants}"


def _ordered(constant: Any) -> str:
    """A constant as text that is the same in every process."""
    return str(sorted(map(repr, constant))) if isinstance(constant, frozenset) else repr(constant)
