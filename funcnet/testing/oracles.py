"""Oracles: derivatives found without any backward pass, to hold backward passes against.

`pushed` differentiates any function of a tree in given directions. `exact`, `central` and `richardson` take a scalar
function, the tree, and the coordinates of each leaf to differentiate by (indices into the leaf as a vector), and give
the derivatives leaf by leaf.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from funcnet import tree
from funcnet.gradients.dual_rules import Dual, NoRuleError
from funcnet.tree import Array, Tree, flatten

UNSURE = 4  # how many times its estimate the error of differences may be
_NUMBERS = 2**22  # most numbers in a chunk of tangents: 32 MB


def pushed(f: Callable[[Tree], Any], point: Tree, directions: Sequence[Array]) -> Array:
    """The derivatives of y = f(point) in k directions, (k, *y.shape), by dual numbers: exact but for rounding.

    Directions are given for each leaf, (k, *leaf.shape) or an array that broadcasts to it. Raises TypeError where an
    operation of f has no rule.

    >>> pushed(lambda point: point[0] ** 2, (np.array([1.0, 3.0]),), [np.array([[1.0, 0.0], [0.0, 1.0]])])
    array([[2., 0.],
           [0., 6.]])
    """
    leaves, structure = flatten(point)
    moved = zip(leaves, directions, strict=True)
    duals: list[Any] = [Dual(leaf, tangents) if leaf.dtype.kind == "f" else leaf for leaf, tangents in moved]
    y = f(structure.fill(duals))
    if isinstance(y, Dual) and y.dtype.kind == "f":
        return y.tangents
    if isinstance(y, Dual) or np.asarray(y).dtype.kind not in "biuf":
        raise TypeError(f"the function must give real numbers, got {y!r}")
    return np.zeros((max(map(len, directions), default=0), *np.shape(y)))


def directions(leaves: Sequence[Array], vectors: Sequence[tuple[int, Array]]) -> list[Array]:
    """Directions as `pushed` takes them: the i-th moves one leaf, along the i-th vector.

    >>> directions([np.zeros(3), np.zeros((2, 2))], [(0, np.array([0.0, 1.0, 2.0]))])
    [array([[0., 1., 2.]]), array([[[0.]]])]
    """
    moved = [which for which, _ in vectors]
    each = [
        np.zeros((len(vectors), *(leaf.shape if i in moved else (1,) * leaf.ndim)), leaf.dtype)
        for i, leaf in enumerate(leaves)
    ]
    for row, (which, vector) in enumerate(vectors):
        each[which][row] = vector.reshape(leaves[which].shape)
    return each


def in_chunks(indices: Array, numbers: int) -> list[Array]:
    """The indices in parts whose tangents, of so many numbers for each index, fit into little memory."""
    length = max(1, _NUMBERS // max(1, numbers))
    return [indices[start : start + length] for start in range(0, len(indices), length)]


def exact(f: Callable[[Tree], Any], params: Tree, coordinates: Sequence[Array], side: int = 1) -> list[Array]:
    """Derivatives by dual numbers: exact but for rounding. Raises TypeError where an operation of f has no rule.

    At a corner this gives the derivative from above or, with `side` -1, from below.

    >>> exact(lambda params: np.sum(params[0] ** 2), (np.array([1.0, 3.0]),), [np.array([0, 1])])
    [array([2., 6.])]
    >>> exact(lambda params: np.abs(params[0][0]), (np.array([0.0]),), [np.array([0])], side=-1)
    [array([-1.])]
    """
    leaves = tree.leaves(params)

    def real(params: Tree) -> Any:
        value = f(params)
        if np.shape(value) != () or not isinstance(value, Dual | np.number | int | float):
            raise TypeError(f"the function must give one real number, got {value!r}")
        return value

    def derivatives(which: int, part: Array) -> Array:
        each = directions(leaves, [(which, np.eye(1, leaves[which].size, j)) for j in part])
        return side * pushed(real, params, [side * v for v in each])

    return [
        np.concatenate([np.zeros(0), *(derivatives(which, part) for part in in_chunks(indices, leaves[which].size))])
        for which, indices in enumerate(coordinates)
    ]


def central(f: Callable[[Tree], Any], params: Tree, coordinates: Sequence[Array], step: float = 1e-5) -> list[Array]:
    """Derivatives by central differences, (f(p + step) - f(p - step)) / (2 * step): to about 1e-9 at step 1e-5.

    >>> bool(abs(central(lambda p: p[0][0] ** 2, (np.array([3.0]),), [np.array([0])])[0][0] - 6) < 1e-8)
    True
    """
    return [np.array([difference(along, step) for along, _ in leaf]) for leaf in lines(f, params, coordinates)]


def richardson(f: Callable[[Tree], Any], params: Tree, coordinates: Sequence[Array]) -> list[Array]:
    """Derivatives by central differences at ever smaller steps, extrapolated to step 0: to about 1e-11, see `slope`.

    Features of f much narrower than the first step, the larger of 1/16 and |p| / 16, can be stepped over unseen.

    >>> bool(abs(richardson(lambda p: np.exp(p[0][0]), (np.array([1.0]),), [np.array([0])])[0][0] - np.e) < 1e-10)
    True
    """
    rounding = 2.0**-52 * abs(float(f(params)))
    each = lines(f, params, coordinates)
    return [np.array([float(slope(along, rounding, size)[0]) for along, size in leaf]) for leaf in each]


def slope(along: Callable[[float], Any], rounding: Any, size: float = 1.0) -> tuple[Any, Any]:
    """The derivative of along(t) at t = 0 by extrapolated central differences, and a bound on its error.

    `rounding` is how far off a value of the function may be; the steps go from size / 16 down. The extrapolation is
    chosen whose last change plus the effect of rounding is least: steps that cross a corner lose to smaller ones.
    C. J. F. Ridders: Accurate computation of F'(x) and F'(x) F''(x). Advances in Engineering Software 4, 1982.

    >>> derivative, error = slope(np.sin, 1e-16)
    >>> bool(abs(derivative - 1) <= error < 1e-12)
    True
    """
    return _extrapolated(partial(difference, along), 4, rounding, size)


def one_sided(along: Callable[[float], Any], rounding: Any, size: float = 1.0) -> tuple[Any, Any]:
    """The derivative of along(t) for t from 0 upwards, where it may have a corner, and a bound on its error.

    For an array along(t), the derivative of each number; `rounding` is then an array too.

    >>> derivative, error = one_sided(abs, 0.0)
    >>> float(derivative)
    1.0
    """
    start = along(0.0)
    return _extrapolated(lambda step: (along(step) - start) / step, 2, rounding, size)


def without_corner(up: Any, down: Any, error: Any) -> Any:
    """How far apart slopes on two sides, of these errors together, may be without a corner."""
    return UNSURE * error + 1e-6 * (np.abs(up) + np.abs(down))


def difference(along: Callable[[float], Any], step: float) -> Any:
    """The central difference (along(step) - along(-step)) / (2 * step)."""
    return (along(step) - along(-step)) / (2 * step)


def _extrapolated(at: Callable[[float], Any], factor: int, rounding: Any, size: float) -> tuple[Any, Any]:
    """The limit of at(step) at step 0; its error is a series in the step (factor 2) or its square (4)."""
    step = 2.0**-4 * size
    above = [at(step)]
    best, least = np.full(np.shape(above[0]), np.nan), np.full(np.shape(above[0]), np.inf)
    for _ in range(12):
        step /= 2
        if np.all(rounding / step >= least):  # smaller steps can only be worse
            break
        row = [at(step)]
        for column, previous in enumerate(above, start=1):
            row.append(row[-1] + (row[-1] - previous) / (factor**column - 1))
            error = np.maximum(abs(row[-1] - row[-2]), abs(row[-1] - previous)) + rounding / step
            best, least = np.where(error < least, row[-1], best), np.fmin(error, least)
        above = row
    return best, least


def lines(
    f: Callable[[Tree], Any], params: Tree, coordinates: Sequence[Array]
) -> list[list[tuple[Callable[[float], float], float]]]:
    """For each coordinate, f as a function of how far the coordinate moves, and the size of its number, at least 1.

    >>> (((along, size),),) = lines(lambda params: params[0][0] ** 2, (np.array([3.0]),), [np.array([0])])
    >>> along(0.0), along(1.0), size
    (9.0, 16.0, 3.0)
    """
    vector, unravel = tree.ravel(params)

    def moved(index: int, step: float) -> float:
        there = vector.copy()
        there[index] += step
        return float(f(unravel(there)))

    starts = np.cumsum([0, *(leaf.size for leaf in tree.leaves(params))])
    places = [[int(start + i) for i in indices] for start, indices in zip(starts[:-1], coordinates, strict=True)]
    return [[(partial(moved, index), max(1.0, abs(float(vector[index])))) for index in leaf] for leaf in places]


def why(error: Exception) -> str:
    """Why dual numbers did not judge, for "differences, as ...".

    >>> why(NoRuleError("eigh", operation="np.linalg.eigh")), why(ValueError("no"))
    ('np.linalg.eigh has no rule', 'forward of dual numbers raised ValueError: no')
    """
    if isinstance(error, NoRuleError) and error.operation:
        return f"{error.operation} has no rule"
    return f"forward of dual numbers raised {type(error).__name__}: {error}".partition("\n")[0][:200]
