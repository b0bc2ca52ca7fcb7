"""The names of classes and functions in files: `register` gives them, and reading looks them up here.

A name must lead to one thing, in every process that reads a file. So an item goes by its own name only where that leads
to it, and a name that is in use is not given to a different thing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from importlib import import_module
from types import BuiltinMethodType, MethodType
from typing import Any, TypeVar, overload

import attrs
import numpy as np

from funcnet.errors import QuotingError, shown
from funcnet.values.sameness import is_findable, is_same, place

T = TypeVar("T")


class UnregisteredError(QuotingError):
    """What a value to write, or JSON to read, names is not known: a class or function, or a field of a class."""


_BY_NAME: dict[str, Any] = {f"np.{f.__name__}": f for f in vars(np).values() if isinstance(f, np.ufunc)}
_NAMES: dict[Any, str] = {}
_WRITTEN = ("initializers", "metrics", "schedules")  # modules, also of users, whose names stand before their items'


@overload
def register(item: T, *, name: str | None = None, aliases: Iterable[str] = ()) -> T: ...


@overload
def register(*, name: str | None = None, aliases: Iterable[str] = ()) -> Callable[[T], T]: ...


def register(item: Any = attrs.NOTHING, *, name: str | None = None, aliases: Iterable[str] = ()) -> Any:
    """Give values of an attrs class, or a function, a JSON form: `@register`, `@register(name=...)` or a plain call.

    Experiments, receipts and checkpoints can hold registered items only. In them an item goes by its name, which must
    lead to it in every process: what another function makes, a lambda or a bound method needs a `name`.

    Parameters
    ----------
    item : attrs class or callable, optional
        Class, without a field called type, or function; without it, a decorator is returned.
    name : str, optional
        Name in files; by default the item's own name. Two modules with classes of one name must name one of them.
    aliases : iterable of str, optional
        Names that are read as this item too, such as the one that it had before it was renamed.

    Returns
    -------
    attrs class or callable
        The item itself; without an item, the decorator.

    Raises
    ------
    TypeError
        If the item is neither an attrs class nor callable, or name and aliases are not strings.
    ValueError
        If a different item has the name, the item needs a name, or a field is called type. A definition that runs
        again, as a cell of a notebook does, replaces the item that it made before.

    Examples
    --------
    >>> import attrs, funcnet as fn
    >>> @fn.register
    ... @attrs.frozen
    ... class Half(fn.Layer):
    ...     times: int = 1
    >>> from funcnet.values import from_json, to_json
    >>> from_json(to_json(fn.sequential(Half(2), fn.ReLU())))
    sequential(Half(times=2), ReLU())

    A function that another one made, and a class that was called Third:

    >>> def power(exponent):
    ...     return lambda x: x**exponent
    >>> square = fn.register(power(2), name="square")
    >>> fn.Elementwise(square, np.sign)
    Elementwise(function=square, derivative=np.sign)
    >>> @fn.register(aliases=["Third"])
    ... @attrs.frozen
    ... class Part(fn.Layer):
    ...     of: int = 3
    >>> from_json('{"type": "Third", "of": 6}')
    Part(of=6)
    """
    others = _checked_names(name, aliases)
    if isinstance(item, str):
        raise TypeError(f"expected an attrs class or a function, got {item!r}: write @register(name={item!r})")
    if item is attrs.NOTHING:
        return lambda item: register(item, name=name, aliases=others)
    _check_item(item)
    name = name or _own_name(item)
    for each in (name, *others):
        _check_free(each, item)
    _BY_NAME.update(dict.fromkeys((name, *others), item))
    if _is_hashable(item):
        _NAMES[item] = name
    return item


def _checked_names(name: Any, aliases: Any) -> tuple[str, ...]:
    """The aliases. Raises TypeError unless they, and the name if there is one, are strings with letters in them."""
    others = () if isinstance(aliases, str) or not isinstance(aliases, Iterable) else tuple(aliases)
    if (not others and aliases not in ((), [])) or not all(each and isinstance(each, str) for each in others):
        raise TypeError(f'aliases must be a list of names, such as ["OldName"], got {aliases!r}')
    if name is not None and not (name and isinstance(name, str)):
        raise TypeError(f"name must be a string, got {name!r}")
    return others


def _check_item(item: Any) -> None:
    if isinstance(item, type):
        _check_class(item)
    elif attrs.has(type(item)):
        raise TypeError(f"expected an attrs class or a function, got the value {item!r}: register its class")
    elif not callable(item):
        raise TypeError(f"expected an attrs class or a function, got {item!r}")


def _check_class(cls: type) -> None:
    """Raise TypeError for a class whose fields attrs does not know, ValueError for a field that is called type."""
    known = "__attrs_attrs__" in vars(cls) or (attrs.has(cls) and not _has_fields(cls))
    if not known:
        raise TypeError(
            f"expected an attrs class or a function, got {cls!r}: write @attrs.frozen between @register and the class"
        )
    if any(field.alias == "type" for field in attrs.fields(cls)):
        raise ValueError(f"{cls.__name__} must not have a field called type: JSON uses that name for the class")


def _has_fields(cls: type) -> bool:
    """Whether the body of a class that attrs did not make has an `__init__` or fields."""
    annotated = getattr(cls, "__annotations__", {}).values()
    return "__init__" in vars(cls) or any("ClassVar" not in str(each) for each in annotated)


def _own_name(item: Any) -> str:
    """The name by which the item is found in every process. Raises ValueError if there is none."""
    name = code(item)
    if not is_findable(item) and _BY_NAME.get(name) is not item:  # ufuncs have no module in NumPy 1
        raise ValueError(
            f"{name} does not lead back to this object, as the name of a class or function of a module does: "
            f'register it by a name, register(..., name="...")'
        )
    return name


def _check_free(name: str, item: Any) -> None:
    taken = _BY_NAME.get(name)
    if taken is not None and not is_same(taken, item):
        there, here = _described(taken), _described(item)
        there = f"a different {there}" if there == here else there
        raise ValueError(
            f'the name {name!r} is taken by {there}: register {here} by a name of its own, register(..., name="...")'
        )


def _described(item: Any) -> str:
    module, name = place(item)
    return f"{module}.{name}" if hasattr(item, "__qualname__") and module else repr(item)


def _is_hashable(item: Any) -> bool:
    try:
        hash(item)
    except TypeError:
        return False
    return True


def _given_name(item: Any) -> str | None:
    """The name under which the item was registered, perhaps before a different one replaced it; else None."""
    if _is_hashable(item):
        return _NAMES.get(item)
    return next((name for name, each in _BY_NAME.items() if each is item), None)


def public_name(item: Any) -> str:
    """The name under which a class or a function of the library, of NumPy or of a user is printed and registered.

    >>> import funcnet as fn
    >>> public_name(fn.Linear), public_name(fn.initializers.zeros), public_name(np.sin), public_name(np.linalg.norm)
    ('Linear', 'initializers.zeros', 'np.sin', 'np.linalg.norm')
    """
    if given := _given_name(item):
        return given
    name = str(getattr(item, "__qualname__", None) or item.__name__)
    if getattr(np, name, None) is item:  # ufuncs have no module in NumPy 1
        return f"np.{name}"
    module = str(getattr(item, "__module__", None) or "").removeprefix("funcnet.")
    if module.partition(".")[0] == "numpy":
        return f"np{module.removeprefix('numpy')}.{name}"
    is_in_a_module = isinstance(item, BuiltinMethodType) and module not in ("builtins", "")
    return (f"{module}." if is_in_a_module or module in _WRITTEN else "") + name


def code(value: Any) -> str:
    """`repr(value)`, but a function prints as its public name, and infinity as code that can be typed in.

    >>> code(0.5), code(math.inf), code(len), code(math.sin), code(np.sin)
    ('0.5', "float('inf')", 'len', 'math.sin', 'np.sin')
    """
    if isinstance(value, float) and not math.isfinite(value):
        return f"float('{value}')"
    if not callable(value) or hasattr(type(value), "__attrs_attrs__"):
        return repr(value)
    return public_name(value) if hasattr(value, "__name__") else _given_name(value) or repr(value)


def registered_name(item: Any) -> str:
    """The name of a class or function in JSON. Raises UnregisteredError if it is not registered."""
    name = code(item)
    found = _BY_NAME.get(name)
    if found is item or (isinstance(item, MethodType | BuiltinMethodType) and found == item):
        return name
    if found is not None and _given_name(item):
        raise UnregisteredError(f"{name} is not registered as it was: it was defined again, so make the value again")
    options = "" if is_findable(item) else '(name="...")'
    raise UnregisteredError(f"{name} is not registered: decorate it with @funcnet.register{options}")


def public_items() -> dict[str, Any]:
    """The public names of the library and their values, loaded at the first call."""
    return vars(import_module("funcnet.public"))


def registered(name: Any, kind: str, at: str = "") -> Any:
    """The class or function registered as `name`. Raises UnregisteredError if there is none of this kind."""
    if isinstance(name, str) and name not in _BY_NAME:
        public_items()  # registers the classes and functions of the library
    item = _BY_NAME.get(name) if isinstance(name, str) else None
    if item is None or isinstance(item, type) != (kind == "class"):
        raise UnregisteredError(
            f"{kind} {shown(name)}{at} is not registered: import the module that registers it, "
            f"or, if it was renamed, register it with aliases=[{shown(name)}]"
        )
    return item
