"""Functions of trees: map them, list their leaves, measure them."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from funcnet.tree.arrays import Array, DType, as_numpy_dtype, unmasked
from funcnet.tree.node import Tree
from funcnet.tree.structure import flatten, leaves_like, rows_like


def map(f: Callable[..., Any], tree: Tree, *rest: Tree) -> Tree:
    """The tree of `f(leaf, *rest_leaves)`, leaf by leaf.

    Parameters
    ----------
    f : callable
        Function of as many arrays as there are trees; its result is copied to an array.
    tree : Tree
        Tree that gives the structure of the result.
    *rest : Tree
        Further trees, of the structure and the shapes of `tree`.

    Returns
    -------
    Tree
        The results, in the structure of `tree`.

    Raises
    ------
    DTypeError
        If a result has masked entries.
    TreeError
        If one of `rest` differs from `tree` in structure or shapes; it reports the first path that differs.
    TypeError
        If a result is None.

    Examples
    --------
    >>> params = (np.array([1.0, 2.0]), ())
    >>> map(lambda p, g: p - 0.5 * g, params, (np.array([2.0, 2.0]), ()))
    (array([0., 1.]), ())
    """
    return map_new(lambda *leaves: _own_array(f(*leaves)), tree, *rest)


def _own_array(result: Any) -> Array:
    """A copy of what a function returned for a leaf; raises TypeError for None, DTypeError for masked entries."""
    if result is None:
        raise TypeError("the function must return an array for each leaf, got None: write `return`")
    return np.array(result if type(result) is np.ndarray else unmasked(result), order="K")


def map_new(f: Callable[..., Array], tree: Tree, *rest: Tree, name: str = "each tree", like: str = "the first") -> Tree:
    """Like `map`, but f must return a new array each time, which is not copied.

    Errors call the trees of `rest` by `name`, and `tree` by `like`.
    """
    rows, structure = rows_like(tree, [(name, other) for other in rest], like)
    return structure.fill([f(*row) for row in rows])


def leaves(tree: Tree) -> list[Array]:
    """The arrays of `tree`, in order.

    Parameters
    ----------
    tree : Tree
        Tree of arrays.

    Returns
    -------
    list of ndarray
        The leaves.

    Examples
    --------
    >>> leaves((np.array(1.0), (np.array(2.0), None)))
    [array(1.), array(2.)]
    """
    return flatten(tree)[0]


def named_leaves(tree: Tree) -> dict[str, Array]:
    """The arrays of `tree` by their paths: names of fields and positions in tuples, joined by dots.

    Parameters
    ----------
    tree : Tree
        Tree of arrays.

    Returns
    -------
    dict of str to ndarray
        The leaves, in order; the path of a tree that is one array is "".

    Examples
    --------
    >>> import funcnet as fn
    >>> params = fn.sequential(fn.Linear(3), fn.ReLU()).init(fn.Key(0), (2,))
    >>> {path: leaf.shape for path, leaf in named_leaves(params).items()}
    {'0.weight': (2, 3), '0.bias': (3,)}
    """
    leaves, structure = flatten(tree)
    return dict(zip(structure.paths(), leaves, strict=True))


def named_buffers(tree: Tree) -> dict[str, Array]:
    """The arrays of the buffers of `tree` by their paths, as in `named_leaves`.

    Parameters
    ----------
    tree : Tree
        Tree of arrays and buffers.

    Returns
    -------
    dict of str to ndarray
        The arrays, in order.

    Examples
    --------
    >>> import funcnet as fn
    >>> params = fn.sequential(fn.Linear(3), fn.BatchNorm()).init(fn.Key(0), (2,))
    >>> {path: array.shape for path, array in named_buffers(params).items()}
    {'1.running_mean': (3,), '1.running_var': (3,)}
    """
    leaves = named_leaves(tree)
    return {path: array for path, array in named_arrays(tree).items() if path not in leaves}


def named_arrays(tree: Tree) -> dict[str, Array]:
    """The leaves and the arrays of the buffers of `tree` by their paths, in order."""
    arrays, structure = flatten(tree, buffers=True)
    return dict(zip(structure.paths(), arrays, strict=True))


def cast(tree: Tree, dtype: DType) -> Tree:
    """`tree` with every leaf, and every buffer of floating-point numbers, converted to `dtype`.

    Parameters
    ----------
    tree : Tree
        Tree of arrays.
    dtype : dtype
        The dtype of the result.

    Returns
    -------
    Tree
        A copy in `dtype`, in the structure of `tree`.

    Examples
    --------
    >>> cast((np.array([1.5, 2.0]),), np.float32)
    (array([1.5, 2. ], dtype=float32),)
    """
    dtype = as_numpy_dtype(dtype)
    with np.errstate(under="ignore"):
        leaves, structure = flatten(map(lambda leaf: leaf.astype(dtype), tree), buffers=True)
        return structure.fill(leaf.astype(dtype if leaf.dtype.kind == "f" else leaf.dtype) for leaf in leaves)


def zeros_like(tree: Tree) -> Tree:
    """A tree of zeros with the structure, shapes and dtypes of `tree`.

    Parameters
    ----------
    tree : Tree
        Tree of arrays.

    Returns
    -------
    Tree
        The zeros.

    Examples
    --------
    >>> zeros_like((np.array([1.5, 2.0]), None))
    (array([0., 0.]), None)
    """
    return map(np.zeros_like, tree)


def size(tree: Tree) -> int:
    """The number of entries in all arrays of `tree`.

    Parameters
    ----------
    tree : Tree
        Tree of arrays.

    Returns
    -------
    int
        The sum of the sizes of the leaves.

    Examples
    --------
    >>> size((np.zeros((3, 2)), np.zeros(2)))
    8
    """
    return sum(leaf.size for leaf in leaves(tree))


def norm(tree: Tree) -> float:
    """The Euclidean norm of all numbers of `tree`, summed in float64.

    norm = sqrt(sum of |number|**2), without overflow or underflow of the squares.

    Parameters
    ----------
    tree : Tree
        Tree of arrays.

    Returns
    -------
    float
        The norm; 0.0 for a tree without numbers.

    Examples
    --------
    >>> norm((np.array([3.0, 0.0]), np.array(4.0)))
    5.0
    """
    magnitudes = [np.abs(leaf.astype(np.promote_types(leaf.dtype, np.float64))) for leaf in leaves(tree)]
    largest = float(np.max([np.max(magnitude, initial=0) for magnitude in magnitudes], initial=0))
    if largest == 0 or not math.isfinite(largest):
        return largest
    # Relative to the largest, no square overflows, and those that vanish are too small to count.
    with np.errstate(under="ignore"):
        return largest * math.sqrt(sum(float(np.square(magnitude / largest).sum()) for magnitude in magnitudes))


def allclose(a: Tree, b: Tree, rtol: float = 1e-5, atol: float = 1e-8) -> bool:
    """Whether |a - b| <= atol + rtol * |b| for all numbers, also those of buffers, as in `np.allclose`.

    Parameters
    ----------
    a, b : Tree
        Trees of the same structure and shapes.
    rtol : float, default 1e-5
        Relative tolerance.
    atol : float, default 1e-8
        Absolute tolerance.

    Returns
    -------
    bool
        Whether all numbers are that close.

    Raises
    ------
    TreeError
        If the structures or the shapes differ.

    Examples
    --------
    >>> allclose((np.array([1.0]),), (np.array([1.0 + 1e-9]),))
    True
    """
    leaves_like(a, b, "each tree", like="the first")
    pairs = zip(named_arrays(a).values(), named_arrays(b).values(), strict=True)
    return all(np.allclose(x, y, rtol=rtol, atol=atol) for x, y in pairs)
