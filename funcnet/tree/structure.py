"""A tree taken apart: its leaves, and its `Structure`, which makes a tree of the same form from other leaves."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import attrs
import numpy as np

from funcnet.errors import TreeError
from funcnet.tree.arrays import NUMBERS, Array, as_array, frozen
from funcnet.tree.buffer import Buffer, Kept
from funcnet.tree.node import Tree, check_immutable, children, from_children, is_leaf, node_fields

_LEAF = "leaf"


class _Carried:
    """Takes the place of the class for a value in a tree that is neither a leaf nor made of trees."""


class Structure:
    """A tree without its leaves. Structures compare with `==`.

    >>> leaves, structure = flatten((np.array(1.0), (np.array(2.0), None)))
    >>> structure.paths(), structure.fill([np.array(3.0), np.array(4.0)])
    (['0', '1.0'], (array(3.), (array(4.), None)))
    """

    __slots__ = ("_skeleton",)

    def __init__(self, skeleton: Any) -> None:
        self._skeleton = skeleton  # _LEAF, or (class, skeletons of the children), or (_Carried, value or Kept buffer)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Structure) and bool(self._skeleton == other._skeleton)

    __hash__ = None  # type: ignore[assignment]

    def fill(self, leaves: Iterable[Array]) -> Tree:
        """The tree of this structure with these leaves, which are handed over as in `build`: they become read-only."""
        return _assembled(self._skeleton, map(frozen, leaves))

    def assemble(self, leaves: Iterable[Any]) -> Tree:
        """The tree of this structure with these leaves as they are."""
        return _assembled(self._skeleton, iter(leaves))

    def paths(self) -> list[str]:
        """The path of each leaf: names of fields and positions in tuples, joined by dots; "" for a tree of one leaf."""
        return [path for path, _ in _leaf_places(self._skeleton)]

    def leaf_fields(self) -> list[attrs.Attribute[Any] | None]:
        """For each leaf, the field of the node that holds it; None in a tuple or for a tree of one leaf."""
        return [field for _, field in _leaf_places(self._skeleton)]

    def differences(self, other: Structure, values: bool = True) -> Iterator[tuple[str, str, str]]:
        """For each difference, its path, what self has and what `other` has; carried values count only if `values`."""
        yield from _differences(self._skeleton, other._skeleton, values, "")


def flatten(tree: Tree, buffers: bool = False) -> tuple[list[Array], Structure]:
    """The leaves of `tree`, in order, and its structure; if `buffers`, their arrays count as leaves."""
    leaves: list[Array] = []
    return leaves, Structure((_skeleton_of_all if buffers else _skeleton)(tree, leaves))


def _skeleton_of_all(tree: Tree, leaves: list[Array]) -> Any:
    """Like `_skeleton`, with the arrays of buffers among the leaves."""
    parts = children(tree)
    if parts is None:
        return _skeleton(tree, leaves)
    return type(tree), [_skeleton_of_all(part, leaves) for part in parts]


def _skeleton(tree: Tree, leaves: list[Array]) -> Any:
    kind = type(tree)
    if kind is np.ndarray and tree.dtype.kind in NUMBERS:
        leaves.append(tree)
        return _LEAF
    if kind is tuple:
        return kind, [_skeleton(part, leaves) for part in tree]
    if kind is Buffer:
        return _Carried, Kept(tree)
    parts = children(tree)
    if parts is not None:
        return kind, [_skeleton(part, leaves) for part in parts]
    if is_leaf(tree):
        leaves.append(as_array(tree))
        return _LEAF
    check_immutable(tree)
    return _Carried, tree


def _assembled(skeleton: Any, leaves: Iterator[Any]) -> Tree:
    if skeleton is _LEAF:
        return next(leaves)
    kind, content = skeleton
    if kind is _Carried:
        return content.buffer if type(content) is Kept else content
    return from_children(kind, [_assembled(child, leaves) for child in content])


def _leaf_places(skeleton: Any, path: str = "", field: Any = None) -> Iterator[tuple[str, Any]]:
    if skeleton is _LEAF or skeleton[0] is Buffer:
        yield path, field
    elif skeleton[0] is not _Carried:
        for name, part, child in _named_children(*skeleton):
            yield from _leaf_places(child, f"{path}.{name}".lstrip("."), part)


def _named_children(kind: type, skeletons: Sequence[Any]) -> Iterator[tuple[str, Any, Any]]:
    """For each child, its name, the field that holds it (None in a tuple), and its skeleton."""
    names = node_fields(kind)
    if names is not None:
        fields = attrs.fields_dict(kind)  # a subclass that is not made a node has more
        yield from ((name, fields[name], child) for name, child in zip(names, skeletons, strict=True))
    else:
        yield from ((str(index), None, child) for index, child in enumerate(skeletons))


def _differences(here: Any, there: Any, values: bool, path: str) -> Iterator[tuple[str, str, str]]:
    if here is _LEAF and there is _LEAF:
        return
    if here is _LEAF or there is _LEAF or _are_unlike(here, there, values):
        yield path, _said(here), _said(there)
    elif here[0] is not _Carried:
        for (name, _, child), other in zip(_named_children(*here), there[1], strict=True):
            yield from _differences(child, other, values, f"{path}.{name}".lstrip("."))


def _are_unlike(here: Any, there: Any, values: bool) -> bool:
    """Whether two skeletons differ in class, in length or, if they carry a value and `values` is true, in the value."""
    (kind, content), (other_kind, other) = here, there
    if kind is not other_kind:
        return True
    if kind is _Carried:
        return bool(content != other) and (values or Kept in (type(content), type(other)))
    return len(content) != len(other)


def _said(skeleton: Any) -> str:
    if skeleton is _LEAF:
        return "an array"
    kind, content = skeleton
    if kind is _Carried:
        return content.form if type(content) is Kept else repr(content)
    return f"a {kind.__name__} of {len(content)}" if node_fields(kind) is None else kind.__name__


def has_leaves(tree: Tree) -> bool:
    """Whether `tree` contains a leaf."""
    return _contains(tree, buffer=False)


def has_buffers(tree: Tree) -> bool:
    """Whether `tree` contains a buffer."""
    return _contains(tree, buffer=True)


def _contains(tree: Tree, buffer: bool) -> bool:
    """Whether `tree` contains a buffer or, if not `buffer`, a leaf."""
    parts = [tree]
    while parts:
        part = parts.pop()
        if type(part) is np.ndarray:
            if not buffer:
                return True
        elif type(part) is Buffer:
            if buffer:
                return True
        elif (inside := children(part)) is not None:
            parts.extend(inside)
        elif not buffer and is_leaf(part):
            return True
    return False


def with_buffers(tree: Tree, source: Tree) -> Tree:
    """`tree` with the buffers of a tree of the same structure.

    Parameters
    ----------
    tree : Tree
        Tree that gives the leaves.
    source : Tree
        Tree that gives the buffers, such as the gradient that `value_and_grad` returns.

    Returns
    -------
    Tree
        The leaves of `tree` and the buffers of `source`.

    Raises
    ------
    TreeError
        If the trees differ in structure or shapes.

    Examples
    --------
    >>> import funcnet as fn
    >>> a, b = fn.tree.Buffer(np.array(1.0)), fn.tree.Buffer(np.array(2.0))
    >>> with_buffers((np.array(0.5), a), (np.array(0.25), b))
    (array(0.5), Buffer(value=array(2.)))
    """
    rows, structure = rows_like(source, [("the tree of leaves", tree)], "the tree of buffers")
    return structure.assemble([leaf for _, leaf in rows])


def leaves_like(tree: Tree, other: Tree, name: str = "the tree", like: str = "params") -> list[Array]:
    """The leaves of `other`, which must have the structure and the shapes of `tree`, see `rows_like`."""
    return [leaf for _, leaf in rows_like(tree, [(name, other)], like)[0]]


def rows_like(
    tree: Tree, others: Iterable[tuple[str, Tree]], like: str = "params"
) -> tuple[list[tuple[Array, ...]], Structure]:
    """For each leaf of `tree`, a row of that leaf and the leaves of `others` at its path; and the common structure.

    Raises TreeError if one of `others` differs from `tree` in structure or shapes; it reports both names and the path.
    """
    leaves, structure = flatten(tree)
    columns = [leaves]
    for name, other in others:
        found: list[Array] = []
        skeleton = _skeleton(other, found)
        if skeleton != structure._skeleton:
            path, here, there = next(structure.differences(Structure(skeleton)), ("", repr(tree), repr(other)))
            raise _difference(name, "structure", like, path, here, there)
        if [leaf.shape for leaf in leaves] != [leaf.shape for leaf in found]:
            places = zip(structure.paths(), leaves, found, strict=True)
            path, leaf, other_leaf = next(place for place in places if place[1].shape != place[2].shape)
            raise _difference(name, "shapes", like, path, f"shape {leaf.shape}", f"shape {other_leaf.shape}")
        columns.append(found)
    return list(zip(*columns, strict=True)), structure


def _difference(name: str, what: str, like: str, path: str, here: str, there: str) -> TreeError:
    place = f"at {path}" if path else "at the root"
    return TreeError(f"{name} must have the {what} of {like}: expected {here} {place}, got {there}")
