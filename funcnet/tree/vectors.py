"""A tree as one vector, which any optimizer that wants a vector can move, and back."""

from __future__ import annotations

from collections.abc import Callable
from itertools import accumulate, pairwise
from typing import Any

import numpy as np

from funcnet.errors import DTypeError, ShapeError
from funcnet.tree.arrays import Array, to_array
from funcnet.tree.node import Tree
from funcnet.tree.structure import flatten


def ravel(tree: Tree) -> tuple[Array, Callable[[Array], Tree]]:
    """All numbers of `tree` as one vector (size,), and the function that turns a vector back into a tree.

    Parameters
    ----------
    tree : Tree
        Tree of arrays.

    Returns
    -------
    vector : ndarray (size,)
        A copy of all numbers, in the dtype to which the dtypes of the leaves promote.
    unravel : callable
        Function `vector -> tree` that restores the structure, shapes and dtypes of `tree`. It raises ShapeError for a
        vector of a different size, and DTypeError for numbers that the dtype of a leaf would truncate.

    Examples
    --------
    >>> vector, unravel = ravel((np.array([1.0, 2.0]), np.array([[3.0]])))
    >>> vector, unravel(vector + 1)
    (array([1., 2., 3.]), (array([2., 3.]), array([[4.]])))
    """
    parts, structure = flatten(tree)
    ends = list(accumulate((leaf.size for leaf in parts), initial=0))
    joined = np.concatenate([leaf.ravel() for leaf in parts] or [np.zeros(0)])

    def unravel(vector: Array) -> Tree:
        vector = to_array(vector)
        if vector.shape != joined.shape:
            raise ShapeError(f"expected a vector of shape {joined.shape}, got {vector.shape}")
        if not np.can_cast(vector.dtype, joined.dtype, "same_kind"):
            raise DTypeError(f"expected a vector of {joined.dtype}, got {vector.dtype}")
        rows = zip(parts, pairwise(ends), strict=True)
        return structure.fill(_exactly(vector[a:b].reshape(leaf.shape), leaf.dtype) for leaf, (a, b) in rows)

    return joined, unravel


def _exactly(vector: Array, dtype: np.dtype[Any]) -> Array:
    """A copy in `dtype`; DTypeError if it would lose more than precision, such as fractions or imaginary parts."""
    if dtype.kind not in "biu" and np.can_cast(vector.dtype, dtype, "same_kind"):
        with np.errstate(under="ignore"):
            return vector.astype(dtype)
    with np.errstate(invalid="ignore", under="ignore"):
        cast = (vector if dtype.kind == "c" else vector.real).astype(dtype)
    lost = vector[(cast != vector) & (cast == cast)]
    if lost.size:
        raise DTypeError(f"expected entries that a leaf of {dtype} can hold, got {lost[0]}")
    return cast
