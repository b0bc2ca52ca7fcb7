"""Digests of the source of classes and functions that users have written, to notice when code was edited.

The digest of a class or a function covers its source without layout, comments and docstrings, its bases, and what its
code reads by name: functions and classes of its own package or of modules that are not installed, numbers, arrays, and
of values that change as they are used, such as a dict, the statements that make them. Code without source, such as a
compiled function, has the version of its package in its place.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dis import get_instructions
from functools import lru_cache, partial
from hashlib import sha256
from types import CodeType, FunctionType, ModuleType
from typing import Any

import attrs
import numpy as np

from funcnet.values.locks import lock_across_forks
from funcnet.values.registry import public_name
from funcnet.values.statements import changes, is_current, origin, plain_text, statements

_LOCK = lock_across_forks()  # Python's parser fails where two threads parse at once
_KNOWN = frozenset({"funcnet", "numpy", *sys.stdlib_module_names}) - {"__main__"}
_STORES = ("STORE_GLOBAL", "STORE_DEREF")
_PLAIN = (bool, int, float, complex, str, bytes, type(None))


def sources(value: Any) -> dict[str, str]:
    """The digest of each class and function in a value that belongs neither to funcnet nor to NumPy, by its name.

    >>> import funcnet as fn
    >>> sources(fn.sequential(fn.Linear(2), fn.ReLU()))
    {}
    """
    items = [item for item in _items(value) if _root(item) not in _KNOWN]
    with _LOCK:
        return {public_name(item): _digest(item) for item in items}


def _digest(item: Any) -> str:
    hashed = sha256()
    for text in _texts(item, _root(item), []):
        hashed.update(text.encode() + b"\0")
    return hashed.hexdigest()[:16]


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
    return _root(item) == root or _is_edited(item)


def _is_edited(item: Any) -> bool:
    """Whether an item is of a module that users edit: one that is not installed, such as a program or a notebook."""
    here = _root(item)
    file = str(getattr(sys.modules.get(here), "__file__", None) or ("" if here == "__main__" else "site-packages"))
    return not (here in _KNOWN or "site-packages" in file or "dist-packages" in file)


def _is_plain(value: Any) -> bool:
    """Whether a value says itself what it does, as a number or a function; not a list, nor an object with fields."""
    if isinstance(value, tuple):
        return all(map(_is_plain, value))
    return isinstance(value, (*_PLAIN, np.generic, np.ndarray, type)) or hasattr(value, "__code__")


def _texts(item: Any, root: str, seen: list[Any]) -> Iterator[str]:
    """The texts that determine what an item of the package `root` computes; `seen` has the items before it."""
    if isinstance(item, (*_PLAIN, np.generic)):
        yield repr(item)
    elif isinstance(item, np.ndarray):
        yield f"{item.dtype} {item.shape} {sha256(item.tobytes()).hexdigest()}"
    elif isinstance(item, tuple):
        for part in item:
            yield from _texts(part, root, seen)
    elif isinstance(item, partial):
        yield from _texts((item.func, item.args, *item.keywords.items()), root, seen)
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
        elif hasattr(item, "__wrapped__"):  # by functools.cache
            yield from _texts(item.__wrapped__, root, seen)
        else:
            yield from _texts(type(item), root, seen)


def _texts_of_code(part: Any, root: str, seen: list[Any]) -> Iterator[str]:
    """The texts of what a function, or the function in an attribute of a class, reads by name."""
    functions = [part, *(getattr(part, name, None) for name in ("__func__", "fget", "func", "__wrapped__"))]
    for function in functions:
        if isinstance(function, FunctionType):
            defaults = (*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values())
            yield from _texts((*defaults, *dict(_closure(function)).values()), root, seen)
            module = sys.modules.get(function.__module__)
            for name, where in _read(function.__code__, module, function.__globals__):
                names = function.__globals__ if where is module else vars(where)
                yield from _texts_of_name(name, where, names, root, seen)


def _texts_of_name(name: str, module: Any, names: dict[str, Any], root: str, seen: list[Any]) -> Iterator[str]:
    """The texts of the value of a name in a module: of one that may change, the statements that make it."""
    value = names[name]
    if module is None or not _is_edited(module):
        yield from _texts(value, root, seen)
        return
    is_changed = changes(module, name)
    if is_changed or not _is_plain(value):
        yield from _texts_of_statements(*origin(module, name), root, seen)
    if not is_changed:
        yield from _texts(value, root, seen)


def _texts_of_statements(module: Any, name: str, root: str, seen: list[Any]) -> Iterator[str]:
    place = f"{getattr(module, '__name__', None)}:{name}"
    if module is None or not _is_edited(module) or any(isinstance(each, str) and each == place for each in seen):
        return
    seen.append(place)
    text, read = statements(module, name)
    yield text
    for each in read:
        if each in vars(module) and not isinstance(vars(module)[each], ModuleType):
            yield from _texts_of_name(each, module, vars(module), root, seen)


def _closure(function: FunctionType) -> Iterator[tuple[str, Any]]:
    """The names and values in the closure of a function, without those that the function assigns."""
    assigned = _stored(function.__code__)
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        with suppress(ValueError):  # a cell that is not filled yet
            if name not in assigned:
                yield name, cell.cell_contents


@lru_cache(maxsize=4096)
def _stored(code: CodeType) -> frozenset[str]:
    """The global names and the names of closures that code assigns."""
    return frozenset(each.argval for each in get_instructions(code) if each.opname in _STORES)


def _read(code: CodeType, module: Any, names: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """The names that code reads and does not assign, each with its module; also those in modules that it reads."""
    assigned = _stored(code)
    for name in dict.fromkeys(code.co_names):
        if isinstance(value := names.get(name), ModuleType):
            yield from _attributes(value, code.co_names, [])
        elif name in names and name not in assigned and not (name.startswith("__") and name.endswith("__")):
            yield name, module
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _read(constant, module, names)


def _attributes(module: ModuleType, names: Sequence[str], seen: list[ModuleType]) -> Iterator[tuple[str, Any]]:
    """The names that a module, or a module in it, has."""
    for name in names:
        value = vars(module).get(name)
        if isinstance(value, ModuleType) and value not in seen:
            seen.append(value)
            yield from _attributes(value, names, seen)
        elif name in vars(module):
            yield name, module


def _source(item: Any) -> str:
    """The source, see `plain_text`; else that of a class's methods, a version, or the code itself.

    Code that was edited since it was imported has other source than what runs: it is the code itself, too.
    """
    try:
        source = inspect.getsource(item)
    except (OSError, TypeError, IndexError, SyntaxError):
        source = ""
    methods = [each for each in map(_function, vars(item).values() if isinstance(item, type) else ()) if each]
    codes = [item.__code__] if isinstance(item, FunctionType) else [each.__code__ for each in methods]
    if source and (not _is_edited(item) or all(map(is_current, codes))):
        return plain_text(source)
    if methods:  # a class of a notebook has no source, and its methods have
        return "\n".join(map(_source, methods))
    version = getattr(sys.modules.get(_root(item)), "__version__", None)
    return str(version) if version or not hasattr(item, "__code__") else _instructions(item.__code__)


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
