"""Layers in the form of other libraries: two functions, and params in dicts and lists."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from keyword import iskeyword
from typing import Any

import attrs
import numpy as np

from funcnet import tree
from funcnet.tree import Array, Tree, is_leaf
from funcnet.tree.node import node_fields


class Adapter:
    """What makes a layer of what a user gave, and declares what that, its `declaring`, declares."""

    __slots__ = ()
    declaring: Any

    @property
    def statistics(self) -> Any:
        return getattr(self.declaring, "statistics", None)

    @property
    def takes_integers(self) -> bool:
        return bool(getattr(self.declaring, "takes_integers", False))


@attrs.frozen
class Pair(Adapter):
    """A layer given as two functions."""

    forward: Callable[[Any, Array], tuple[Array, Any]]
    backward: Callable[[Any, Any, Array], tuple[Array, Any]]

    @property
    def declaring(self) -> Any:
        return self.forward


@attrs.frozen
class ForwardAlone:
    """A function of params and x as a layer without a backward pass."""

    function: Callable[[Any, Any], Any]

    def forward(self, params: Any, x: Any) -> tuple[Any, None]:
        return self.function(params, x), None


@attrs.frozen
class OneFunction:
    """A loss given as one function of y and target, which returns the value and dy."""

    function: Callable[[Array, Any], tuple[Any, Array]]

    def forward(self, y: Array, target: Any) -> tuple[Any, Array]:
        return self.function(y, target)

    def backward(self, dy: Array) -> Array:
        return np.array(dy)


@attrs.frozen(eq=False)
class WithContainers(Adapter):
    """A layer whose params hold dicts and lists, turned into a layer whose params are a tree."""

    layer: Any

    @property
    def declaring(self) -> Any:
        return self.layer

    def forward(self, params: Tree, x: Array) -> tuple[Array, Any]:
        return self.layer.forward(with_containers(params), x)  # type: ignore[no-any-return]

    def backward(self, params: Tree, cache: Any, dy: Array) -> tuple[Array, Tree]:
        given = with_containers(params)
        dx, grads = self.layer.backward(given, cache, dy)
        return dx, as_tree(formed_like(given, grads))


def as_tree(params: Any) -> Tree:
    """`params` with dicts and lists turned into nodes, whose fields are the keys and positions, and floats into arrays.

    >>> import numpy as np
    >>> fields = as_tree({"w": np.zeros(2), "layers": [1.0]})
    >>> [*tree.named_leaves(fields)], with_containers(fields)["layers"]
    (['w', 'layers.item_0'], [array(1.)])
    """
    if type(params) is float:
        return np.array(params)
    if isinstance(params, dict):
        return tree.build(_node("dict", tuple(params)), *map(as_tree, params.values()))
    if isinstance(params, list):
        return tree.build(_node("list", tuple(f"item_{i}" for i in range(len(params)))), *map(as_tree, params))
    return tuple(map(as_tree, params)) if type(params) is tuple else params


def with_containers(params: Tree) -> Any:
    """The params with dicts and lists of which `as_tree` made this tree."""
    if type(params) is tuple:
        return tuple(map(with_containers, params))
    kind, names = getattr(type(params), "__container__", (None, ()))
    if kind is None:
        return params
    values = [with_containers(getattr(params, name)) for name in node_fields(type(params)) or ()]
    return values if kind == "list" else dict(zip(names, values, strict=True))


def formed_like(like: Any, value: Any) -> Any:
    """`value` with the order of keys and the dtypes of floats of `like`, so that both become trees of one structure."""
    if isinstance(like, dict) and isinstance(value, dict) and like.keys() == value.keys():
        return {key: formed_like(like[key], value[key]) for key in like}
    if type(like) in (list, tuple) and type(value) is type(like) and len(value) == len(like):
        return type(like)(formed_like(a, b) for a, b in zip(like, value, strict=True))
    return np.asarray(value, np.asarray(like).dtype) if type(value) is float and is_leaf(like) else value


@cache
def _node(kind: str, names: tuple[Any, ...]) -> type:
    """The node class for dicts with these keys, or for lists of this length; the same class each time."""
    fields = [name if _is_name(name) else f"item_{i}" for i, name in enumerate(names)]
    cls: type = tree.node(attrs.make_class(kind, fields, frozen=True, eq=False))
    cls.__name__ = f"a dict of {list(names)}" if kind == "dict" else f"a list of {len(names)}"  # for errors
    cls.__container__ = kind, names  # type: ignore[attr-defined]
    return cls


def _is_name(key: Any) -> bool:
    return isinstance(key, str) and key.isidentifier() and not iskeyword(key) and not key.startswith("_")
