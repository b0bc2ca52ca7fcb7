"""Copies of trees and of whatever a cache holds, for laws that ask what was changed."""

from __future__ import annotations

import pickle
from typing import Any

import attrs
import numpy as np

from funcnet import tree
from funcnet.arrays import Array
from funcnet.node import from_children
from funcnet.testing.case import Inapplicable
from funcnet.tree import Tree


def read_only(array: Array) -> Array:
    """A copy that can't be written to."""
    array = np.array(array, order="K")
    array.flags.writeable = False
    return array


def writable(value: Tree) -> Tree:
    """A copy of an array or a tree whose arrays can all be written to, those of nodes too."""
    found, structure = tree.flatten(value)
    copies = [np.array(leaf, order="K") for leaf in found]
    return _rebuilt(structure, iter(copies))


def _rebuilt(structure: Any, leaves: Any) -> Tree:
    if structure is tree.LEAF:
        return next(leaves)
    kind, content = structure
    if kind is tree.Carried:
        return content
    return from_children(kind, [_rebuilt(part, leaves) for part in content])


def snapshot(value: Any) -> Any:
    """All there is in `value`, as something that compares with `==`."""
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


def copied(value: Any) -> Any:
    """`value` through pickle; Inapplicable for a class or function made inside a function, which no name can find."""
    try:
        return pickle.loads(pickle.dumps(value))
    except Exception as error:
        if any(sign in str(error) for sign in ("<locals>", "<lambda>", "attribute lookup")):
            raise Inapplicable from error
        raise
