"""The structure of a tree as JSON, and as a template, which is filled with the leaves once they have been read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from funcnet.errors import CheckpointError, shown
from funcnet.tree import PLAIN_NUMBERS, Array, Structure, Tree, build, flatten, is_leaf, named_arrays
from funcnet.tree.node import children, node_fields, static_defaults
from funcnet.values import UnregisteredError, from_plain, registered, registered_name, to_plain

ROOT = "leaf"  # the name of the leaf of a tree that is one leaf
MOST = 100  # problems that an error lists
_ORDER = "write save(path, model, params)"
_PLACE_OF_A_LEAF = np.empty(0)


def named(params: Tree) -> dict[str, Array]:
    """The leaves and buffers by their paths. Raises TypeError for one that is not an array of numbers."""
    leaves = {name or ROOT: leaf for name, leaf in named_arrays(params).items()}
    for name, leaf in leaves.items():
        if leaf.dtype.kind not in PLAIN_NUMBERS:
            raise TypeError(f"the leaf {name} must be an array of numbers, got {leaf.dtype}")
    return leaves


def check_order(model: Any, params: Tree) -> None:
    """Raise TypeError if the model has arrays or params are not a tree, as when the two are swapped."""
    if _holds_arrays(model):
        raise TypeError(f"model must be a value without arrays, got a {type(model).__name__}: {_ORDER}")
    check_tree(params, "params")


def _holds_arrays(value: Any) -> bool:
    parts = children(value)
    return is_leaf(value) if parts is None else any(map(_holds_arrays, parts))


def check_tree(tree: Any, name: str) -> None:
    """Raise TypeError if what is given for a tree is a layer, a path or a different value that cannot have arrays."""
    is_tree = is_leaf(tree) or isinstance(tree, tuple) or node_fields(type(tree)) is not None or tree is None
    if not is_tree and not isinstance(tree, list | dict):  # of which `flatten` says more
        order = _ORDER if name == "params" else "write load(path, like=params)"
        raise TypeError(
            f"{name} must be a tree of arrays, as model.init(key, input_shape) returns, got {repr(tree)[:99]}: {order}"
        )


def described(params: Tree, path: str = "") -> Any:
    """The structure of a tree: {"node": class, "fields": ...}, [...] for a tuple, {"leaf": true} or {"value": ...}."""
    if is_leaf(params):
        return {"leaf": True}
    names = node_fields(type(params))
    if names is not None:
        fields = {name: described(getattr(params, name), _inner(path, name)) for name in names}
        return {"node": registered_name(type(params)), "fields": fields}
    if type(params) is tuple:
        return [described(child, _inner(path, index)) for index, child in enumerate(params)]
    return {"value": _plain(params, path)}


def _plain(value: Any, path: str) -> Any:
    """The JSON form of a value in a tree. Raises TypeError for a NamedTuple, which would come back as a tuple."""
    if isinstance(value, tuple):
        kind, place = type(value).__name__, f"at {path} of the tree" if path else "the tree"
        raise TypeError(
            f"{place}: a {kind} would come back from a file as a plain tuple; make {kind} a node, by @fn.register and "
            "@fn.tree.node over a class, or save tuple(...) of it"
        )
    try:
        return to_plain(value)
    except TypeError as error:
        raise TypeError(f"at {path} of the tree: {error}" if path else str(error)) from error


def _inner(path: str, name: str | int) -> str:
    return f"{path}.{name}" if path else str(name)


def rebuilt(described: Any, like: Tree, path: str, unknown: list[str]) -> Tree:
    """A template of the tree, in which `like`, at the same path, stands for nodes that are added to `unknown`."""
    if isinstance(described, list):
        parts = like if type(like) is tuple and len(like) == len(described) else [None] * len(described)
        return tuple(rebuilt(child, parts[i], _inner(path, i), unknown) for i, child in enumerate(described))
    if not isinstance(described, dict) or not described.keys() & {"leaf", "value", "node"}:
        raise CheckpointError(f"at {path or 'the root'}, {shown(described)} does not describe a part of a tree")
    if "leaf" in described:
        return _PLACE_OF_A_LEAF
    if "value" in described:
        return read_value(described["value"], like, path, unknown)
    fields = described.get("fields")
    if not isinstance(fields, dict):
        raise CheckpointError(f"at {path or 'the root'}, a node has no fields but {shown(fields)}")
    cls, problem = _node(described["node"], fields, path)
    if problem:
        note(unknown, problem)
        cls = type(like)  # of a node that was renamed, the fields are the same
        if set(node_fields(cls) or [None]) != fields.keys():
            return like
    defaults = static_defaults(cls)
    names = [(name, getattr(like, name, None), _inner(path, name)) for name in node_fields(cls) or ()]
    parts = [
        rebuilt(fields[name], part, there, unknown) if name in fields else defaults[name] for name, part, there in names
    ]
    return build(cls, *parts)


def read_value(plain: Any, like: Any, path: str, unknown: list[str]) -> Any:
    """The value of a JSON form, or `like` if it cannot be made; why is then added to `unknown`."""
    try:
        return from_plain(plain, path)
    except ValueError as error:
        note(unknown, str(error))
    return like


def note(unknown: list[str], problem: str) -> None:
    """Add a problem to those that are unknown, up to as many as an error lists: a file may name a million."""
    if len(unknown) <= MOST:
        unknown.append(problem)


def _node(name: Any, fields: Mapping[str, Any], path: str) -> tuple[type, str]:
    """The node class of this name, or a problem: there is none, or none with these fields."""
    place = f" at {path}" if path else " at the root"
    try:
        cls = registered(name, "class", f"{place} of the tree")
    except UnregisteredError as error:
        return object, str(error)
    names = node_fields(cls)
    if names is None:
        raise CheckpointError(f"{name}{place} of the tree is not a node")
    if set(names) - static_defaults(cls).keys() <= fields.keys() <= set(names):
        return cls, ""
    return cls, (
        f"{name}{place} of the tree has the fields {', '.join(names)}, and in the file {', '.join(fields)}: "
        "a different version of it wrote this"
    )


def filled(template: Tree, arrays: Mapping[str, Array]) -> Tree:
    """The tree with the structure of `template` and with `arrays`, by their paths, which are handed over."""
    return structure_of(template).fill(arrays[name] for name in named(template))


def structure_of(tree: Tree) -> Structure:
    """The structure of a tree, in which the arrays of buffers are leaves, since they are saved like those."""
    return flatten(tree, buffers=True)[1]


def check_structure(template: Tree, like: Tree) -> None:
    """Raise CheckpointError, which lists all places, if the trees hold the leaves in different nodes or tuples.

    Other values, such as a step count, may differ: they are part of the state, not of the structure.
    """
    differences = structure_of(template).differences(structure_of(like), values=False)
    problems = [f"at {path or 'the root'} it has {here}, but `like` has {there}" for path, here, there in differences]
    if problems:
        raise CheckpointError("; ".join(problems))
