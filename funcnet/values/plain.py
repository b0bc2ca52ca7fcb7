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
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

import attrs

from funcnet.errors import shown
from funcnet.values.parsing import parsed
from funcnet.values.registry import UnregisteredError, registered, registered_name

ADDED_LATER = {"added_later": True}


def to_json(value: Any, indent: int | None = 2) -> str:
    """The JSON form of `value`.

    Raises UnregisteredError for a class or function that is not registered, TypeError for an object without JSON form,
    ValueError for a value that is nested too deeply.

    >>> import funcnet as fn
    >>> print(to_json(fn.sequential(fn.LeakyReLU(0.1), fn.ReLU()), indent=None))
    {"type": "Sequential", "layers": [{"type": "LeakyReLU", "slope": 0.1}, {"type": "ReLU"}]}
    """
    try:
        return json.dumps(to_plain(value), indent=indent, allow_nan=False, ensure_ascii=False)
    except RecursionError:
        raise ValueError("the value is nested too deeply to be written as JSON") from None


def from_json(text: str) -> Any:
    """The value with the JSON form `text`.

    Raises UnregisteredError for a name that is not registered, and ValueError, which says where, for other wrong JSON.

    >>> from_json('{"type": "Linear", "n_out": 10}')
    Linear(n_out=10)
    """
    try:
        return from_plain(parsed(text))
    except RecursionError:
        raise ValueError("the JSON is nested too deeply") from None


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


def from_plain(plain: Any, path: str = "") -> Any:
    """The value that `to_plain` turned into `plain`; errors report its place in the JSON, which is `path`.

    Raises UnregisteredError for the name of a class, function or field that is not known, ValueError for wrong values.
    """
    return _value(plain, (None, path))


_Place = tuple[Any, Any]  # the place around and a name or an index in it: paths are long, and made for errors alone


def _value(plain: Any, place: _Place) -> Any:
    if isinstance(plain, list):
        return tuple([_value(item, (place, i)) for i, item in enumerate(plain)])
    if not isinstance(plain, dict):
        return plain
    if plain.keys() == {"float"} and plain["float"] in ("inf", "-inf", "nan"):
        return float(plain["float"])
    for kind in ("class", "function"):
        if plain.keys() == {kind}:
            return _named(plain[kind], kind, place)
    if "type" not in plain:
        raise ValueError(f'expected a "type", "class", "function" or "float"{_at(place)}, got {shown(sorted(plain))}')
    cls = _named(plain["type"], "class", place)
    _check_fields(cls, plain, place)
    arguments = {name: _value(item, (place, name)) for name, item in plain.items() if name != "type"}
    try:
        return cls(**arguments)
    except Exception as error:  # constructors may raise anything
        problem = _misfit(tuple(arguments.items()), place) or error
        raise ValueError(f"{plain['type']}{_at(place)}: {problem}") from error


def _named(name: Any, kind: str, place: _Place) -> Any:
    with suppress(UnregisteredError):
        return registered(name, kind)
    return registered(name, kind, _at(place))


def _at(place: _Place) -> str:
    names: list[str] = []
    around: _Place | None = place
    while around is not None:
        around, name = around
        names.append(f"[{name}]" if isinstance(name, int) else f".{name}" if name else "")
    return f" at {path}" if (path := "".join(reversed(names)).lstrip(".")) else ""


def _misfit(parts: Iterable[tuple[str | int, Any]], place: _Place) -> str:
    """What a constructor that needs hashable arguments cannot take, such as params, and where; "" if nothing is it."""
    for name, part in parts:
        if isinstance(part, tuple) and (problem := _misfit(enumerate(part), (place, name))):
            return problem
        if not isinstance(part, tuple) and type(part).__hash__ is None:
            return f"{type(part).__name__} does not fit{_at((place, name))}: it cannot be hashed, as values can"
    return ""


def _check_fields(cls: type, plain: dict[str, Any], place: _Place) -> None:
    fields = [field.alias for field in attrs.fields(cls) if field.init]
    if unknown := [name for name in plain if name not in ("type", *fields)]:
        there = f"its fields are {', '.join(fields)}" if fields else "it has none"
        raise UnregisteredError(
            f"{plain['type']}{_at(place)} has no field {shown(unknown[0])}: {there}; "
            "a newer version of it may have written this"
        )
