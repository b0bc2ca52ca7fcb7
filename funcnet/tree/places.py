"""One place in a tree, by its path: what is there, and the tree with something else there."""

from __future__ import annotations

from funcnet.tree.node import Tree, children, from_children, node_fields


def at(tree: Tree, path: str) -> Tree:
    """The part of `tree` at a path, such as "0.weight"; KeyError if there is none.

    >>> import numpy as np
    >>> at(((np.array(1.0), None), ()), "0.0")
    array(1.)
    """
    for name in path.split("."):
        tree = _named(tree)[name]
    return tree


def placed(tree: Tree, path: str, value: Tree) -> Tree:
    """The tree with `value`, whose arrays are `frozen` already, at a path; KeyError if there is no such place.

    >>> placed(((1, 2), ()), "0.1", None)
    ((1, None), ())
    """
    name, _, rest = path.partition(".")
    named = _named(tree)
    named[name] = placed(named[name], rest, value) if rest else value
    return from_children(type(tree), list(named.values()))


def _named(tree: Tree) -> dict[str, Tree]:
    parts = children(tree) or ()
    names = node_fields(type(tree)) or map(str, range(len(parts)))
    return dict(zip(names, parts, strict=True))
