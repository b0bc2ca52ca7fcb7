"""Derivatives that know nothing of any backward pass, to hold backward passes against.

Each takes a scalar function of a tree, the tree, and which coordinates of each leaf are asked for (indices into the
leaf as a vector); it gives their derivatives, leaf by leaf.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from funcnet import tree
from funcnet.arrays import Array
from funcnet.testing.duals import Dual
from funcnet.tree import Tree

_NUMBERS = 2**22  # that a chunk of tangents may have: 32 MB


def exact(f: Callable[[Tree], Any], params: Tree, coordinates: Sequence[Array]) -> list[Array]:
    """By dual numbers: to rounding. Raises TypeError where f does something that has no rule.

    >>> exact(lambda params: np.sum(params[0] ** 2), (np.array([1.0, 3.0]),), [np.array([0, 1])])
    [array([2., 6.])]
    """
    leaves, structure = tree.flatten(params)

    def derivatives(which: int, indices: Array) -> Array:
        k = len(indices)
        tangents = np.zeros((k, leaves[which].size))
        tangents[np.arange(k), indices] = 1
        duals: list[Any] = [
            Dual(leaf, tangents.reshape(k, *leaf.shape) if i == which else np.zeros((k, *(1,) * leaf.ndim)))
            for i, leaf in enumerate(leaves)
        ]
        value = f(tree.unflatten(structure, iter(duals)))
        if np.shape(value) != () or not isinstance(value, Dual | np.number | int | float):
            raise TypeError(f"expected one real number as the value, got {value!r}")
        return value.tangents if isinstance(value, Dual) else np.zeros(k)

    def in_chunks(which: int, indices: Array) -> Array:
        length = max(1, _NUMBERS // max(1, leaves[which].size))
        chunks = [derivatives(which, indices[i : i + length]) for i in range(0, len(indices), length)]
        return np.concatenate(chunks or [np.zeros(0)])

    return [in_chunks(which, indices) for which, indices in enumerate(coordinates)]


def central(f: Callable[[Tree], Any], params: Tree, coordinates: Sequence[Array], step: float = 1e-5) -> list[Array]:
    """By central differences, (f(p + step) - f(p - step)) / (2 * step): to about 1e-9 at step 1e-5.

    >>> bool(abs(central(lambda p: p[0][0] ** 2, (np.array([3.0]),), [np.array([0])])[0][0] - 6) < 1e-8)
    True
    """
    return _one_by_one(lambda difference, p: difference(step), f, params, coordinates)


def richardson(f: Callable[[Tree], Any], params: Tree, coordinates: Sequence[Array]) -> list[Array]:
    """By central differences at steps halved again and again, extrapolated to step 0: to about 1e-11.

    Of the extrapolations that one is taken whose last change, together with what rounding may do to it, is least. So
    steps that cross a corner of f lose to smaller ones; but what is much narrower than the first step, 1/16 or |p| / 16
    if that is more, can be stepped over unseen.
    Ridders: Accurate computation of F'(x) and F'(x) F''(x), Advances in Engineering Software 4, 1982.

    >>> bool(abs(richardson(lambda p: np.exp(p[0][0]), (np.array([1.0]),), [np.array([0])])[0][0] - np.e) < 1e-10)
    True
    """
    rounding = 2.0**-52 * abs(float(f(params)))

    def extrapolated(difference: Callable[[float], float], p: float) -> float:
        step = 2.0**-4 * max(1.0, abs(p))
        best, least, above = np.nan, np.inf, [difference(step)]
        for _ in range(12):
            step /= 2
            row = [difference(step)]
            for column, previous in enumerate(above, start=1):
                row.append(row[-1] + (row[-1] - previous) / (4**column - 1))
                error = max(abs(row[-1] - row[-2]), abs(row[-1] - previous)) + rounding / step
                if error < least:
                    best, least = row[-1], error
            above = row
        return float(best)

    return _one_by_one(extrapolated, f, params, coordinates)


def _one_by_one(
    derivative: Callable[[Callable[[float], float], float], float],
    f: Callable[[Tree], Any],
    params: Tree,
    coordinates: Sequence[Array],
) -> list[Array]:
    """The derivative by each coordinate, from the central difference of f as a function of the step, and its value."""
    vector, unravel = tree.ravel(params)

    def moved(index: int, step: float) -> float:
        there = vector.copy()
        there[index] += step
        return float(f(unravel(there)))

    def by(index: int) -> float:
        return derivative(lambda h: (moved(index, h) - moved(index, -h)) / (2 * h), float(vector[index]))

    starts = np.cumsum([0, *(leaf.size for leaf in tree.leaves(params))])
    return [
        np.array([by(int(start + i)) for i in indices]) for start, indices in zip(starts, coordinates, strict=False)
    ]
