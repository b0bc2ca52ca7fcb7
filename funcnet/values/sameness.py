"""Whether two classes or functions are the same thing: one definition that was run again, as a notebook's cell is."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from types import (
    CellType,
    CodeType,
    FunctionType,
    GetSetDescriptorType,
    MappingProxyType,
    MemberDescriptorType,
    MethodType,
    ModuleType,
)
from typing import Any

import attrs
import numpy as np

_Pairs = tuple[tuple[int, int], ...]
_OF_ANNOTATIONS = ("__annotate__", "__annotate_func__", "__annotations_cache__")  # fields are compared themselves


def is_findable(item: Any) -> bool:
    """Whether the module and the qualified name of an item lead to it, and to nothing else.

    >>> is_findable(len), is_findable(lambda x: x), is_findable("".join), is_findable(partial(pow, 2))
    (True, False, False, False)
    """
    module, name = getattr(item, "__module__", None), getattr(item, "__qualname__", None)
    owner = getattr(item, "__self__", None)  # of a method that is bound to an instance, to a class, or in a module
    is_named = isinstance(module, str) and isinstance(name, str) and "<" not in name
    return is_named and (owner is None or isinstance(owner, type | ModuleType))


def place(item: Any) -> tuple[Any, Any]:
    """The module and the qualified name of a class or function, or those of the class of any other object."""
    named = item if hasattr(item, "__qualname__") else type(item)
    return getattr(named, "__module__", None), named.__qualname__


def is_same(old: Any, new: Any) -> bool:
    """Whether two items are one definition, run twice.

    An item that is found by its name may have been edited in between, unless it is a second item of a loop, whose code
    is the very same object. Any other, such as one that a function returns, must have equal code and hold equal values.
    """
    if old is new:
        return True
    if place(old) != place(new):
        return False
    if is_findable(new) and not {*_codes(old)} & {*_codes(new)}:
        return True
    return _holds_the_same(old, new)


def _codes(item: Any) -> Iterator[int]:
    """The identities of the code objects of a function, or of the methods that the body of a class defines."""
    if isinstance(item, FunctionType):
        yield id(item.__code__)
    for name, value in vars(item).items() if isinstance(item, type) else ():
        if _is_of(item, value) and value.__qualname__ == f"{item.__qualname__}.{name}":
            yield id(value.__code__)


def _is_of(cls: type, value: Any) -> bool:
    """Whether a value in a class is a function of the module of the class, and not one that attrs made."""
    return isinstance(value, FunctionType) and value.__globals__.get("__name__") == cls.__module__


def _holds_the_same(a: Any, b: Any, seen: _Pairs = ()) -> bool:
    if a is b or (id(a), id(b)) in seen:
        return True
    seen = (*seen, (id(a), id(b)))
    if type(a) is not type(b) and not _holds_the_same(type(a), type(b), seen):
        return False
    parts, others = _parts(a), _parts(b)
    if parts is None or others is None:
        return _is_equal(a, b) or _have_equal_states(a, b, seen)
    return len(parts) == len(others) and all(
        _holds_the_same(part, other, seen) for part, other in zip(parts, others, strict=True)
    )


def _is_equal(a: Any, b: Any) -> bool:
    try:
        return bool(a == b)
    except Exception:  # `==` may do anything
        return False


def _have_equal_states(a: Any, b: Any, seen: _Pairs) -> bool:
    """Whether two objects without `==`, or with a `==` that does not look into functions, would be pickled alike."""
    if type(a).__module__ == "builtins":  # of which `==` has said all
        return False
    try:
        states = a.__reduce_ex__(2), b.__reduce_ex__(2)
    except Exception:  # not every object can be pickled
        return False
    return _holds_the_same(*states, seen)


def _parts(value: Any) -> list[Any] | None:
    """What makes up a value; None for a value that `==` compares."""
    match value:
        case FunctionType():
            held = [value.__defaults__, value.__kwdefaults__, value.__closure__, value.__dict__]
            return [bare(value.__code__), *held]
        case type():
            return [place(value), value.__bases__, _body(value)]
        case CellType():
            return [value.cell_contents] if _is_filled(value) else []
        case MethodType():
            return [value.__func__, value.__self__]
        case partial():
            return [value.func, value.args, value.keywords]
        case staticmethod() | classmethod():
            return [value.__func__]
        case property():
            return [value.fget, value.fset, value.fdel]
        case attrs.Attribute():
            return [getattr(value, name) for name in attrs.Attribute.__slots__]  # type: ignore[attr-defined]
        case tuple() | list():
            return [*value]
        case dict() | MappingProxyType():
            return [part for key in sorted(value, key=repr) for part in (key, value[key])]
        case np.ndarray() if not value.dtype.hasobject:
            return [value.dtype, value.shape, value.tobytes()]
        case float() | complex():
            return [repr(value)]  # tells 0.0 from -0.0, and not NaN from NaN
    return None


def _is_filled(cell: CellType) -> bool:
    try:
        _ = cell.cell_contents
    except ValueError:
        return False
    return True


def _body(cls: type) -> dict[str, Any]:
    """What the body of a class defines: methods, fields, and attributes without underscores."""
    body = {}
    for name, value in vars(cls).items():
        is_slot = isinstance(value, MemberDescriptorType | GetSetDescriptorType)
        is_defined = _is_of(cls, value) or not name.startswith("__") or name == "__attrs_attrs__"
        if is_defined and not is_slot and name not in _OF_ANNOTATIONS:
            body[name] = tuple(value) if name == "__attrs_attrs__" else value  # each class has its own class of tuples
    return body


def bare(code: CodeType) -> CodeType:
    """The code without its file and lines, which differ where it was moved."""
    constants = tuple(bare(each) if isinstance(each, CodeType) else each for each in code.co_consts)
    return code.replace(co_filename="", co_firstlineno=1, co_linetable=b"", co_consts=constants)
