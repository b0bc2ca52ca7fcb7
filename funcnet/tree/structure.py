"""A tree taken apart: its leaves, and its `Structure`, which makes a tree of the same form from other leaves."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import attrs
import numpy as np

from funcnet.errors import DTypeError, FuncnetError, LeafError, TreeError
from funcnet.tree.arrays import Array, as_array, frozen
from funcnet.tree.buffer import Buffer, Kept
from funcnet.tree.node import Tree, children, from_children, is_leaf, node_fields, node_statics
from funcnet.tree.refusals import check_carried, checked_entries

_LEAF = "leaf"
_NUMBERS = "biufc"  # the kinds of dtypes whose entries need no look


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

    def places(self) -> Iterator[tuple[str, attrs.Attribute[Any] | None]]:
        """The path of each leaf and the field that holds it, one after the other, for trees from files."""
        return _leaf_places(self._skeleton)

    def differences(self, other: Structure, values: bool = True) -> Iterator[tuple[str, str, str]]:
        """For each difference, its path, what self has and what `other` has; carried values count only if `values`."""
        yield from _differences(self._skeleton, other._skeleton, values, "")


def flatten(tree: Tree, buffers: bool = False) -> tuple[list[Array], Structure]:
    """The leaves of `tree`, in order, and its structure; if `buffers`, their arrays count as leaves.

    Raises LeafError, or DTypeError for an array that is not of numbers, with the path of what the tree cannot hold.
    """
    leaves: list[Array] = []
    try:
        return leaves, Structure((_skeleton_of_all if buffers else _skeleton)(tree, leaves))
    except (LeafError, DTypeError) as error:
        raise _with_path(error, tree) from None


def checked_tree(tree: Tree) -> Tree:
    """`tree` itself; raises what `flatten` raises."""
    flatten(tree)
    return tree


def _with_path(error: FuncnetError, tree: Tree, where: str = "") -> FuncnetError:
    """The error that a part of the tree has raised, with the path of the part."""
    path = ""
    while inside := dict(_trees_in(tree)):
        for name, part in inside.items():
            try:
                _skeleton(part, [])
            except (LeafError, DTypeError):
                path, tree = f"{path}.{name}".lstrip("."), part
                break
        else:
            break
    return type(error)(f"{where}at {path or 'the root'}: {error}")


def _trees_in(tree: Tree) -> Iterator[tuple[str, Tree]]:
    """The children of a tuple or a node by their names, without those that are static."""
    parts, names = children(tree) or (), node_fields(type(tree))
    statics = node_statics(type(tree)) or (False,) * len(parts)
    for name, part, is_static in zip(names or map(str, range(len(parts))), parts, statics, strict=True):
        if not is_static:
            yield name, part


def _skeleton_of_all(tree: Tree, leaves: list[Array]) -> Any:
    """Like `_skeleton`, with the arrays of buffers among the leaves."""
    parts = children(tree)
    if parts is None:
        return _skeleton(tree, leaves)
    if statics := node_statics(type(tree)):
        return type(tree), _skeletons(parts, statics, leaves, _skeleton_of_all)
    return type(tree), [_skeleton_of_all(part, leaves) for part in parts]


def _skeletons(
    parts: tuple[Tree, ...], statics: tuple[bool, ...], leaves: list[Array], of: Callable[..., Any]
) -> list[Any]:
    """The skeletons of the fields of a node, some of which are static."""
    rows = zip(parts, statics, strict=True)
    return [_static_skeleton(part) if is_static else of(part, leaves) for part, is_static in rows]


def _static_skeleton(value: Any) -> Any:
    if isinstance(value, tuple):
        return type(value), [_static_skeleton(part) for part in value]
    return _Carried, value


def _skeleton(tree: Tree, leaves: list[Array]) -> Any:
    kind = type(tree)
    if kind is np.ndarray and tree.dtype.kind in _NUMBERS:
        leaves.append(tree)
        return _LEAF
    if kind is tuple:
        return kind, [_skeleton(part, leaves) for part in tree]
    if kind is Buffer:
        return _Carried, Kept(tree)
    children_of = getattr(kind, "__node_children__", None)  # as `children`, without a call
    if children_of is not None:
        if statics := kind.__node_statics__:
            return kind, _skeletons(children_of(tree), statics, leaves, _skeleton)
        return kind, [_skeleton(part, leaves) for part in children_of(tree)]
    if isinstance(tree, tuple):
        return kind, [_skeleton(part, leaves) for part in tree]
    if is_leaf(tree):
        leaves.append(checked_entries(as_array(tree)))
        return _LEAF
    check_carried(tree)
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
        try:
            skeleton = _skeleton(other, found)
        except (LeafError, DTypeError) as error:
            raise _with_path(error, other, f"in {name} ") from None
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
    if here == there:
        there = f"one of a different class {there}, which was defined again: make params and states again"
    return TreeError(f"{name} must have the {what} of {like}: expected {here} {place}, got {there}")
