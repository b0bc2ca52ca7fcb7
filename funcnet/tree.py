"""Immutable trees of arrays: what parameters, gradients and optimizer states are made of.

A tree is an array (a leaf), a tuple of trees, a `node` (a frozen attrs class whose fields are trees) or None.
Any other value in a field, a step count or a name, is no leaf: it belongs to the tree's structure and is carried
along unchanged. The arrays of a node are read-only and nobody else can write to their memory.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from itertools import accumulate, pairwise
from typing import Any, NoReturn

import numpy as np

from funcnet.arrays import NUMBERS, Array, DType, as_array
from funcnet.errors import DTypeError, ShapeError, TreeError
from funcnet.node import Tree, build, check_immutable, children, equal, from_children, frozen, is_leaf, node

__all__ = [
    "Tree",
    "allclose",
    "build",
    "cast",
    "equal",
    "leaves",
    "map",
    "named_leaves",
    "node",
    "norm",
    "ravel",
    "size",
    "zeros_like",
]

# --- A tree is its leaves and its structure: LEAF, (class, structures of the children) or (Carried, value) ---

LEAF = "leaf"


class Carried:
    """Marks a value in a structure that is no tree."""


def flatten(tree: Tree) -> tuple[list[Array], Any]:
    """The leaves of `tree`, in order, and its structure, which compares with `==`."""
    leaves: list[Array] = []
    return leaves, _structure(tree, leaves)


def _structure(tree: Tree, leaves: list[Array]) -> Any:
    kind = type(tree)
    if kind is np.ndarray and tree.dtype.kind in NUMBERS:
        leaves.append(tree)
        return LEAF
    parts = tree if kind is tuple else children(tree)
    if parts is not None:
        return kind, [_structure(part, leaves) for part in parts]
    if is_leaf(tree):
        leaves.append(as_array(tree))
        return LEAF
    check_immutable(tree)
    return Carried, tree


def unflatten(structure: Any, leaves: Iterator[Array]) -> Tree:
    """The tree of this structure from leaves that are handed over, see `build`."""
    if structure is LEAF:
        return frozen(next(leaves))
    kind, content = structure
    if kind is Carried:
        return content
    return from_children(kind, [unflatten(child, leaves) for child in content])


def has_leaves(tree: Tree) -> bool:
    """Whether there is any array in the tree."""
    return is_leaf(tree) or any(has_leaves(part) for part in children(tree) or ())


def leaves_like(tree: Tree, other: Tree, name: str = "tree") -> list[Array]:
    """The leaves of `other`, which must have the structure and the shapes of `tree`, see `rows_like`."""
    return [leaf for _, leaf in rows_like(tree, [(name, other)])[0]]


def rows_like(tree: Tree, others: Iterable[tuple[str, Tree]]) -> tuple[list[tuple[Array, ...]], Any]:
    """For each leaf of `tree`, it and the leaf of each of the others at its place; and the structure of them all.

    Raises TreeError for another tree of other structure or shapes; it gives its name, and where it first differs.
    """
    leaves, structure = flatten(tree)
    columns = [leaves]
    for name, other in others:
        found, other_structure = flatten(other)
        same = structure == other_structure
        if not same or [leaf.shape for leaf in leaves] != [leaf.shape for leaf in found]:
            _raise_difference(tree, other, name, shapes=same)
        columns.append(found)
    return list(zip(*columns, strict=True)), structure


def _raise_difference(tree: Tree, other: Tree, name: str, shapes: bool) -> NoReturn:
    path, here, there = next(_differences(tree, other, shapes), ("", repr(tree), repr(other)))
    raise TreeError(f"{name} of another structure: at {path or 'the root'} expected {here}, got {there}")


def _differences(tree: Tree, other: Tree, shapes: bool, path: str = "") -> Iterator[tuple[str, str, str]]:
    parts, others = _named_children(tree), _named_children(other)
    if parts is None or others is None or type(tree) is not type(other) or len(parts) != len(others):
        here, there = _describe(tree, shapes), _describe(other, shapes)
        if here != there:
            yield path, here, there
        return
    for (name, child), (_, other_child) in zip(parts, others, strict=True):
        yield from _differences(child, other_child, shapes, f"{path}.{name}" if path else name)


def _named_children(tree: Tree) -> list[tuple[str, Tree]] | None:
    check_immutable(tree)
    parts = children(tree)
    if parts is None:
        return None
    names = getattr(type(tree), "__node_fields__", None) or [str(index) for index in range(len(parts))]
    return list(zip(names, parts, strict=True))


def _describe(tree: Tree, shapes: bool) -> str:
    if is_leaf(tree):
        return f"an array of shape {tree.shape}" if shapes else "an array"
    if isinstance(tree, tuple):
        return f"a {type(tree).__name__} of {len(tree)}"
    return type(tree).__name__ if hasattr(type(tree), "__node_fields__") else repr(tree)


# --- What users do with trees ---


def map(f: Callable[..., Any], tree: Tree, *rest: Tree) -> Tree:
    """The tree of `f(leaf, *rest_leaves)`, leaf by leaf.

    Raises TreeError where one of `rest` differs from `tree` in structure or shapes: the first path at which it does.

    >>> params = (np.array([1.0, 2.0]), ())
    >>> map(lambda p, g: p - 0.5 * g, params, (np.array([2.0, 2.0]), ()))
    (array([0., 1.]), ())
    """
    return map_new(lambda *leaves: np.array(f(*leaves), order="K"), tree, *rest)


def map_new(f: Callable[..., Array], tree: Tree, *rest: Tree, name: str = "tree") -> Tree:
    """As `map`, for an f that gives an array of its own each time: it is not copied. `name` is that of the rest."""
    rows, structure = rows_like(tree, [(name, other) for other in rest])
    return unflatten(structure, iter([f(*row) for row in rows]))


def leaves(tree: Tree) -> list[Array]:
    """The arrays of `tree`, in order.

    >>> leaves((np.array(1.0), (np.array(2.0), None)))
    [array(1.), array(2.)]
    """
    return flatten(tree)[0]


def named_leaves(tree: Tree) -> dict[str, Array]:
    """The arrays of `tree` by their paths: names of fields and positions in tuples, joined by dots.

    >>> import funcnet as fn
    >>> params = fn.sequential(fn.Linear(3), fn.ReLU()).init(fn.Key(0), (2,))
    >>> {path: leaf.shape for path, leaf in named_leaves(params).items()}
    {'0.weight': (2, 3), '0.bias': (3,)}
    """
    parts = _named_children(tree)
    if parts is None:
        return {"": as_array(tree)} if is_leaf(tree) else {}
    return {
        f"{name}.{path}" if path else name: leaf for name, child in parts for path, leaf in named_leaves(child).items()
    }


def ravel(tree: Tree) -> tuple[Array, Callable[[Array], Tree]]:
    """All numbers of `tree` as one vector (size,), and the function that makes such a vector a tree again.

    The vector is a copy, in the dtype to which the leaves' dtypes promote; `unravel` gives every leaf its own dtype
    back. It raises ShapeError for a vector of another size, DTypeError for one that a cast would truncate.

    >>> vector, unravel = ravel((np.array([1.0, 2.0]), np.array([[3.0]])))
    >>> vector, unravel(vector + 1)
    (array([1., 2., 3.]), (array([2., 3.]), array([[4.]])))
    """
    parts, structure = flatten(tree)
    ends = list(accumulate((leaf.size for leaf in parts), initial=0))
    joined = np.concatenate([leaf.ravel() for leaf in parts] or [np.zeros(0)])

    def unravel(vector: Array) -> Tree:
        vector = np.asarray(vector)
        if vector.shape != joined.shape:
            raise ShapeError(f"expected a vector of shape {joined.shape}, got {vector.shape}")
        if not np.can_cast(vector.dtype, joined.dtype, "same_kind"):
            raise DTypeError(f"expected a vector of {joined.dtype}, got {vector.dtype}")
        rows = zip(parts, pairwise(ends), strict=True)
        return unflatten(structure, (vector[a:b].reshape(leaf.shape).astype(leaf.dtype) for leaf, (a, b) in rows))

    return joined, unravel


def cast(tree: Tree, dtype: DType) -> Tree:
    """`tree` with every leaf converted to `dtype`.

    >>> cast((np.array([1.5, 2.0]),), np.float32)
    (array([1.5, 2. ], dtype=float32),)
    """
    return map(lambda leaf: leaf.astype(dtype), tree)


def zeros_like(tree: Tree) -> Tree:
    """A tree of zeros with the structure, shapes and dtypes of `tree`.

    >>> zeros_like((np.array([1.5, 2.0]), None))
    (array([0., 0.]), None)
    """
    return map(np.zeros_like, tree)


def size(tree: Tree) -> int:
    """How many numbers there are in `tree`.

    >>> size((np.zeros((3, 2)), np.zeros(2)))
    8
    """
    return sum(leaf.size for leaf in leaves(tree))


def norm(tree: Tree) -> float:
    """The Euclidean norm of all numbers of `tree`, summed in float64.

    >>> norm((np.array([3.0, 0.0]), np.array(4.0)))
    5.0
    """
    magnitudes = [np.abs(leaf.astype(np.promote_types(leaf.dtype, np.float64))) for leaf in leaves(tree)]
    largest = float(np.max([np.max(magnitude, initial=0) for magnitude in magnitudes], initial=0))
    if largest == 0 or not math.isfinite(largest):
        return largest
    # Relative to the largest, no square overflows or vanishes.
    return largest * math.sqrt(sum(float(np.square(magnitude / largest).sum()) for magnitude in magnitudes))


def allclose(a: Tree, b: Tree, rtol: float = 1e-5, atol: float = 1e-8) -> bool:
    """Whether |a - b| <= atol + rtol * |b| for all numbers, as `np.allclose` has it.

    Raises TreeError if the structures or the shapes differ.

    >>> allclose((np.array([1.0]),), (np.array([1.0 + 1e-9]),))
    True
    """
    pairs = zip(leaves(a), leaves_like(a, b), strict=True)
    return all(np.allclose(x, y, rtol=rtol, atol=atol) for x, y in pairs)
