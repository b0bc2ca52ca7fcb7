"""Copies of trees and caches, for laws that a pass leaves them as they were."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from typing import Any

import attrs
import numpy as np

from funcnet import tree
from funcnet.testing.cases.case import Case, Inapplicable
from funcnet.testing.reports.comparing import Difference
from funcnet.tree import Array, Tree, flatten


def read_only(array: Array) -> Array:
    """A copy that can't be written to."""
    array = np.array(array, order="K")
    array.flags.writeable = False
    return array


def writable(value: Tree) -> Tree:
    """A copy of an array or a tree in which every array can be written to, even in nodes."""
    leaves, structure = flatten(value)
    return structure.assemble([np.array(leaf, order="K") for leaf in leaves])


def fresh(case: Case) -> Case:
    """The case with copies of its arrays that can be written to."""
    return attrs.evolve(case, x=writable(case.x), dy=writable(case.dy), params=writable(case.params))


def protected(case: Case) -> Case:
    """The case with copies of its arrays that can't be written to."""
    x, dy, params = (tree.map(read_only, value) for value in (case.x, case.dy, case.params))
    return attrs.evolve(case, x=x, dy=dy, params=params)


def snapshot(value: Any) -> Any:
    """Everything in `value`, in a form that compares with `==`."""
    if isinstance(value, np.ndarray | np.generic):
        return value.dtype.str, value.shape, value.tobytes()
    if isinstance(value, tuple | list):
        return type(value), [snapshot(item) for item in value]
    if isinstance(value, dict):
        return dict, [(key, snapshot(item)) for key, item in value.items()]
    if attrs.has(type(value)):
        return type(value), [snapshot(getattr(value, field.name)) for field in attrs.fields(type(value))]
    if isinstance(value, bool | int | float | complex | str | bytes):
        return type(value), repr(value)
    return type(value), snapshot(vars(value)) if hasattr(value, "__dict__") and not callable(value) else id(value)


def unchanged(before: Mapping[str, Any], values: Mapping[str, Any], by: str) -> None:
    """Raise Difference where a value differs from its snapshot in `before`."""
    for name, was in before.items():
        if snapshot(values[name]) != was:
            raise Difference(name, f"changed by {by}", "as it was")


def copied(value: Any) -> Any:
    """`value` through pickle. Raises Inapplicable for a class or function made in a function: pickle can't find it."""
    try:
        return pickle.loads(pickle.dumps(value))
    except Exception as error:
        if any(sign in str(error) for sign in ("<locals>", "<lambda>", "attribute lookup")):
            raise Inapplicable from error
        raise
