"""The JSON form of layers, losses, optimizers, schedules, initializers, keys, and of values that users register.

The JSON form of a value is {"type": name of its class, and its fields}, that of a function {"function": its name}.
Fields with their default value are written too, because a default may change; but not a field that a class got later,
with ADDED_LATER as its metadata: the JSON, and so the digest, of older values stays as it was. A field that is missing
from the JSON gets its default. Reading looks names up in the registry only: it imports nothing that the JSON names, and
runs nothing but constructors of registered classes.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Hashable
from importlib import import_module
from types import BuiltinFunctionType
from typing import Any, TypeVar

import attrs
import numpy as np

T = TypeVar("T")


class UnregisteredError(ValueError):
    """A class or function, in a value to write or in JSON to read, is not registered."""


ADDED_LATER = {"added_later": True}
_BY_NAME: dict[str, Any] = {f"np.{f.__name__}": f for f in vars(np).values() if isinstance(f, np.ufunc)}
_NAMES: dict[Any, str] = {}
_WRITTEN = ("initializers", "metrics", "schedules")  # modules, also of users, whose names stand before their items'


def register(item: T) -> T:
    """A decorator for an attrs class or a function: it gives values of the class, or the function, a JSON form.

    In JSON the item goes by its own name. Experiments, receipts and checkpoints can hold registered items only.

    Parameters
    ----------
    item : attrs class or function
        Class, without a field called type, or function.

    Returns
    -------
    attrs class or function
        The item itself.

    Raises
    ------
    TypeError
        If the item is neither an attrs class nor a function.
    ValueError
        If a different item is registered under the name, or a field is called type.

    Examples
    --------
    >>> import attrs, funcnet as fn
    >>> @fn.register
    ... @attrs.frozen
    ... class Half(fn.Layer):
    ...     times: int = 1
    >>> from_json(to_json(fn.sequential(Half(2), fn.ReLU())))
    sequential(Half(times=2), ReLU())
    """
    return register_as(public_name(item) if hasattr(item, "__name__") else "")(item)


def register_as(name: str) -> Callable[[T], T]:
    """Like `register`, but under the given `name`, such as "initializers.normal"."""

    def registered_item(item: T) -> T:
        is_function = callable(item) and hasattr(item, "__name__") and not isinstance(item, type)
        if not is_function and not hasattr(item, "__attrs_attrs__"):
            raise TypeError(f"expected an attrs class or a function, got {item!r}")
        if any(field.alias == "type" for field in getattr(item, "__attrs_attrs__", ())):
            raise ValueError(f"{name} must not have a field called type: JSON uses that name for the class")
        if name in _BY_NAME and _place(_BY_NAME[name]) != _place(item):
            raise ValueError(f"the name {name!r} is taken by {_BY_NAME[name]!r}")
        _BY_NAME[name] = item  # a notebook's cell that runs again replaces the item it defined before
        if isinstance(item, Hashable):
            _NAMES[item] = name
        return item

    return registered_item


def _place(item: Any) -> tuple[Any, ...]:
    return getattr(item, "__module__", None), getattr(item, "__qualname__", item)


def public_name(item: Any) -> str:
    """The name under which a class or a function of the library, of NumPy or of a user is printed and registered.

    >>> import funcnet as fn
    >>> public_name(fn.Linear), public_name(fn.initializers.zeros), public_name(np.sin)
    ('Linear', 'initializers.zeros', 'np.sin')
    """
    module = (getattr(item, "__module__", None) or "numpy").removeprefix("funcnet.")  # ufuncs had none in NumPy 1
    if module.partition(".")[0] == "numpy":
        return f"np.{item.__name__}"
    name = _NAMES.get(item) if isinstance(item, Hashable) else None
    is_in_a_module = isinstance(item, BuiltinFunctionType) and module != "builtins"
    return name or (f"{module}." if is_in_a_module or module in _WRITTEN else "") + str(item.__qualname__)


def code(value: Any) -> str:
    """`repr(value)`, but a function prints as its public name, and infinity as code that can be typed in.

    >>> code(0.5), code(math.inf), code(len), code(math.sin), code(np.sin)
    ('0.5', "float('inf')", 'len', 'math.sin', 'np.sin')
    """
    if isinstance(value, float) and not math.isfinite(value):
        return f"float('{value}')"
    named = callable(value) and hasattr(value, "__name__") and not hasattr(type(value), "__attrs_attrs__")
    return public_name(value) if named else repr(value)


def to_json(value: Any, indent: int | None = 2) -> str:
    """The JSON form of `value`.

    Raises UnregisteredError for a class or function that is not registered, TypeError for an object without JSON form.

    >>> import funcnet as fn
    >>> print(to_json(fn.sequential(fn.LeakyReLU(0.1), fn.ReLU()), indent=None))
    {"type": "Sequential", "layers": [{"type": "LeakyReLU", "slope": 0.1}, {"type": "ReLU"}]}
    """
    return json.dumps(to_plain(value), indent=indent, allow_nan=False, ensure_ascii=False)


def from_json(text: str) -> Any:
    """The value with the JSON form `text`.

    Raises UnregisteredError for a name that is not registered, and ValueError, which says where, for other wrong JSON.

    >>> from_json('{"type": "Linear", "n_out": 10}')
    Linear(n_out=10)
    """
    try:
        return from_plain(json.loads(text, parse_constant=_no_constant))
    except RecursionError:
        raise ValueError("the JSON is nested too deeply") from None


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not valid JSON")


def to_plain(value: Any) -> Any:
    """The JSON form of `value` as dicts, lists, strings, numbers, bools and None."""
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else {"float": str(value)}
    if isinstance(value, tuple):
        return [to_plain(item) for item in value]
    if isinstance(value, type):
        return {"class": registered_name(value)}
    if attrs.has(type(value)):
        items = [(f, getattr(value, f.name)) for f in attrs.fields(type(value)) if f.init]
        fields = {f.alias: to_plain(item) for f, item in items if not (f.metadata == ADDED_LATER and item == f.default)}
        return {"type": registered_name(type(value)), **fields}
    if callable(value):
        return {"function": registered_name(value)}
    raise TypeError(f"a {type(value).__name__} has no JSON form: {value!r}")


def registered_name(item: Any) -> str:
    """The name of a class or function in JSON. Raises UnregisteredError if it is not registered."""
    name = public_name(item) if hasattr(item, "__name__") else repr(item)
    if _BY_NAME.get(name) is not item:
        raise UnregisteredError(f"{name} is not registered: decorate it with @funcnet.register")
    return name


def from_plain(plain: Any, path: str = "") -> Any:
    """The value that `to_plain` turned into `plain`; errors report its place in the JSON, which is `path`."""
    if isinstance(plain, list):
        return tuple(from_plain(item, f"{path}[{i}]") for i, item in enumerate(plain))
    if not isinstance(plain, dict):
        return plain
    place = f" at {path}" if path else ""
    if plain.keys() == {"float"} and plain["float"] in ("inf", "-inf", "nan"):
        return float(plain["float"])
    for kind in ("class", "function"):
        if plain.keys() == {kind}:
            return registered(plain[kind], kind, place)
    if "type" not in plain:
        raise ValueError(f'expected a "type", "class", "function" or "float"{place}, got {sorted(plain)}')
    cls = registered(plain["type"], "class", place)
    arguments = {name: from_plain(item, f"{path}.{name}".lstrip(".")) for name, item in plain.items() if name != "type"}
    try:
        return cls(**arguments)
    except Exception as error:  # constructors may raise anything
        raise ValueError(f"{plain['type']}{place}: {error}") from error


def public_items() -> dict[str, Any]:
    """The public names of the library and their values, loaded at the first call."""
    return vars(import_module("funcnet.public"))


def registered(name: Any, kind: str, place: str = "") -> Any:
    """The class or function registered as `name`. Raises UnregisteredError if there is none of this kind."""
    if isinstance(name, str) and name not in _BY_NAME:
        public_items()  # registers the classes and functions of the library
    item = _BY_NAME.get(name) if isinstance(name, str) else None
    if item is None or isinstance(item, type) != (kind == "class"):
        raise UnregisteredError(f"{kind} {name!r}{place} is not registered: import the module that registers it")
    return item
