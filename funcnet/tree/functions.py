"""What users do with trees: map them, take their leaves, join them to one vector, measure them."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import accumulate, pairwise
from typing import Any

import numpy as np

from funcnet.errors import DTypeError, ShapeError
from funcnet.tree.arrays import Array, DType
from funcnet.tree.node import Tree
from funcnet.tree.structure import flatten, leaves_like, rows_like


def map(f: Callable[..., Any], tree: Tree, *rest: Tree) -> Tree:
    """The tree of `f(leaf, *rest_leaves)`, leaf by leaf.

    Raises TreeError where one of `rest` differs from `tree` in structure or shapes: the first path at which it does.

    >>> params = (np.array([1.0, 2.0]), ())
    >>> map(lambda p, g: p - 0.5 * g, params, (np.array([2.0, 2.0]), ()))
    (array([0., 1.]), ())
    """
    return map_new(lambda *leaves: np.array(f(*leaves), order="K"), tree, *rest)


def map_new(f: Callable[..., Array], tree: Tree, *rest: Tree, name: str = "each tree", like: str = "the first") -> Tree:
    """As `map`, for an f that gives an array of its own each time: it is not copied.

    `name` and `like` are what an error calls the rest and the tree.
    """
    rows, structure = rows_like(tree, [(name, other) for other in rest], like)
    return structure.fill([f(*row) for row in rows])


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
    leaves, structure = flatten(tree)
    return dict(zip(structure.paths(), leaves, strict=True))


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
        return structure.fill(vector[a:b].reshape(leaf.shape).astype(leaf.dtype) for leaf, (a, b) in rows)

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
    pairs = zip(leaves(a), leaves_like(a, b, "each tree", like="the first"), strict=True)
    return all(np.allclose(x, y, rtol=rtol, atol=atol) for x, y in pairs)
