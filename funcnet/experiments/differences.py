"""Differences between experiments, or other values, and labels that distinguish them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import attrs

from funcnet.values import code


def difference(there: Any, here: Any) -> str:
    """The first field in which two values differ, in words; "" if the values are equal.

    >>> import funcnet as fn
    >>> difference(fn.sequential(fn.Linear(2)), fn.sequential(fn.Linear(3)))
    'layers.0.n_out is 2 there and 3 here'
    """
    return next((f"{path} is {a} there and {b} here".lstrip() for path, (a, b) in _varying([there, here])), "")


def labels(values: Iterable[Any]) -> list[str]:
    """A label for each experiment, or other value: the fields in which they differ, and what it has there.

    Parameters
    ----------
    values : iterable
        Experiments, such as those of a `grid`; or other values, such as optimizers.

    Returns
    -------
    list of str
        A label for each value, with all that varies, also where it is the default; "" where all are equal.

    Examples
    --------
    >>> import funcnet as fn
    >>> fn.labels([fn.SGD(0.1), fn.SGD(0.1, momentum=0.9), fn.SGD(0.2)])
    ['learning_rate=0.1, momentum=0.0', 'learning_rate=0.1, momentum=0.9', 'learning_rate=0.2, momentum=0.0']
    >>> [fn.Adam(0.01), fn.Adam(0.001)], fn.labels([fn.Adam(0.01), fn.Adam(0.001)])
    ([Adam(learning_rate=0.01), Adam()], ['learning_rate=0.01', 'learning_rate=0.001'])
    """
    values = tuple(values)
    varying = list(_varying(values))
    return [", ".join(f"{_short(path)}={codes[i]}" for path, codes in varying) for i in range(len(values))]


def _varying(values: Sequence[Any], path: str = "") -> Iterator[tuple[str, list[str]]]:
    """Each path at which the values are not all equal, with the code of what each value has there."""
    kinds = {type(value) for value in values}
    if len(kinds) <= 1 and all(value == values[0] or _are_nan(value, values[0]) for value in values):
        return
    if len(kinds) == 1 and attrs.has(kind := kinds.pop()):
        children = [(field.name, [getattr(value, field.name) for value in values]) for field in attrs.fields(kind)]
    elif all(isinstance(value, tuple) and len(value) == len(values[0]) for value in values):
        children = [(str(index), list(column)) for index, column in enumerate(zip(*values, strict=True))]
    else:
        yield path, [code(value) for value in values]
        return
    for name, column in children:
        yield from _varying(column, f"{path}.{name}".lstrip("."))


def _are_nan(a: Any, b: Any) -> bool:
    return isinstance(a, float) and isinstance(b, float) and math.isnan(a) and math.isnan(b)


def _short(path: str) -> str:
    """The end of a path: of "model.layers.0.n_out" it is "0.n_out"."""
    *before, last = path.split(".")
    return f"{before[-1]}.{last}" if before and before[-1].isdecimal() else last
