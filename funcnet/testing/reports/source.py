"""A case as Python code that runs when it is pasted into a file or a terminal."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

import attrs
import numpy as np

from funcnet.tree import Array, is_leaf, node_fields
from funcnet.values import code, public_items

_MODULES = ("initializers", "metrics", "schedules")  # whose names are written with the module's


def script(assignments: dict[str, Any], last: str) -> str:
    """Code that assigns each value to its name, with the imports it needs, and then the last line.

    >>> import funcnet as fn
    >>> print(script({"layer": fn.Linear(2), "x": np.array([0.5])}, "layer"))
    import numpy as np
    from funcnet import Linear
    <BLANKLINE>
    layer = Linear(n_out=2)
    x = np.array([0.5])
    layer
    """
    lines = [f"{name} = {written(value)}" for name, value in assignments.items()]
    imports = _imports("\n".join([*lines, last]), [*assignments.values()])
    return "\n".join([*imports, "", *lines, last])


def written(value: Any) -> str:
    """The code of a value: a tree of arrays, an instance of an attrs class, a function, or one whose repr is code."""
    if is_leaf(value):
        return _array(np.asarray(value))
    if hasattr(value, "code"):
        return value.code(written)  # type: ignore[no-any-return]
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return _call(value, value._asdict())
    if isinstance(value, tuple):
        return f"({', '.join(map(written, value))}{',' if len(value) == 1 else ''})"
    if isinstance(value, list):
        return f"[{', '.join(map(written, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key!r}: {written(item)}' for key, item in value.items())}}}"
    if node_fields(type(value)) is not None or (attrs.has(type(value)) and not _is_code(repr(value))):
        return _call(value, {f.alias: getattr(value, f.name) for f in attrs.fields(type(value)) if f.init})
    if not _is_code(code(value)) and not getattr(value, "__dict__", None) and not callable(value):
        return f"{type(value).__name__}()"
    return code(value)


def _call(value: Any, arguments: dict[str, Any]) -> str:
    return f"{type(value).__name__}({', '.join(f'{name}={written(item)}' for name, item in arguments.items())})"


def _is_code(text: str) -> bool:
    try:
        ast.parse(text)
    except SyntaxError:
        return False
    return True


def _array(array: Array) -> str:
    dtype = "" if array.dtype in (np.float64, np.int64, np.bool_) and array.size else f", np.{array.dtype.name}"
    if not array.size:
        return f"np.zeros({array.shape}{dtype})"
    numbers = repr(array.tolist()).replace("nan", "np.nan").replace("inf", "np.inf")
    return f"np.array({numbers}{dtype})"


def _imports(text: str, values: list[Any]) -> list[str]:
    """The imports for the names in the text: NumPy, funcnet, and the classes and functions in the values."""
    if _is_code(text):
        names = {node.id for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Name)}
    else:  # the repr of a layer is not code, <a layer at 0x...>
        names = {name for name in ("np", "fn") if f"{name}." in text}
    modules = {"np": "import numpy as np", "math": "import math", "fn": "import funcnet as fn"}
    lines = [line for name, line in modules.items() if name in names]
    known = {item.__name__: item for value in values for item in _definitions(value)}
    homes: dict[str, list[str]] = {}
    for name in sorted(names - set(modules)):
        item = known.get(name)
        if name in _MODULES or (name in public_items() and (item is None or item.__module__.startswith("funcnet."))):
            homes.setdefault("funcnet", []).append(name)
        elif item is not None and "<locals>" in item.__qualname__:
            lines.append(f"# {name} is made inside {item.__qualname__.partition('.<locals>')[0]} in {item.__module__}")
        elif item is not None and item.__module__ != "builtins":
            homes.setdefault(item.__module__, []).append(name)
    return [*lines, *(f"from {home} import {', '.join(each)}" for home, each in homes.items())]


def _definitions(value: Any) -> Iterator[Any]:
    """The classes and functions in a value."""
    if isinstance(value, tuple | list | dict):
        if type(value) not in (tuple, list, dict):
            yield type(value)
        for item in value.values() if isinstance(value, dict) else value:
            yield from _definitions(item)
    elif attrs.has(type(value)):
        yield type(value)
        for field in attrs.fields(type(value)):
            yield from _definitions(getattr(value, field.name))
    elif callable(value) and hasattr(value, "__name__") and hasattr(value, "__qualname__"):
        yield value
    elif not is_leaf(value):
        yield type(value)
