"""The slopes of a layer beside a corner or a tie: a derivative there lies between the least and the largest of them.

At a corner with more than two sides, the one-sided slopes are just two of those that a derivative may take.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from typing import Literal

import numpy as np

from funcnet.testing.cases.point import Point
from funcnet.testing.reports.comparing import largest
from funcnet.tree import Array

_MOST = 512  # points beside a corner, before a derivative is blamed
_WIDTH = 64  # how many steps of a difference a point is away from the next side: rounding then leaves six digits


def between(
    point: Point, direction: Sequence[Array], dy: Array, got: float, sides: tuple[float, float], slack: float
) -> tuple[float, float]:
    """The least and the largest slope of <dy, y> along the direction, on its two sides and beside the point.

    They are given some slack. Points are tried until `got` is between the two.
    """
    v, (low, high) = [along[0] for along in direction], sides
    for offsets in _beside(point):
        allowed = slack + 1e-3 * (high - low)
        if low - allowed <= got <= high + allowed:
            break
        slope = _slope(point, offsets, v, dy)
        low, high = np.fmin(low, slope), np.fmax(high, slope)
    return float(low - allowed), float(high + allowed)


def _slope(point: Point, offsets: Sequence[Array], v: Sequence[Array], dy: Array) -> float:
    """The slope of <dy, y> along v at the point moved by the offsets."""
    step = _distance(point) / _WIDTH
    pairs = [*zip(offsets, v, strict=True)]
    up, down = (point.moved([offset + sign * step * along for offset, along in pairs]) for sign in (1, -1))
    return float(np.sum(dy * (up - down)) / (2 * step))


def _distance(point: Point) -> float:
    """How far away beside is: little, but far more than the rounding of the numbers that are moved."""
    scale = np.clip(max([1.0, *map(largest, point.leaves)]), 1.0, 2.0**10)
    return float(np.sqrt(point.precision) * scale)


def _beside(point: Point) -> Iterator[list[Array]]:
    """Offsets of the leaves to points beside: first ramps, which order numbers that are equal, and then random ones."""
    distance, draws = _distance(point), point.case.draws("beside")
    leaves, n = point.leaves, point.n_inputs
    for order, sign, of_params in product(_ORDERS, (1, -1), (0, 1, -1)):
        scales = [sign] * n + [sign * of_params] * (len(leaves) - n)
        yield [distance * scale * order(leaf) for scale, leaf in zip(scales, leaves, strict=True)]
    for _ in range(_MOST):
        yield [distance * draws.normal(size=leaf.shape) for leaf in leaves]


def _ascending(leaf: Array, order: Literal["C", "F"] = "C") -> Array:
    """1, 2, 3 and so on, in the shape of the leaf."""
    return np.arange(1.0, leaf.size + 1).reshape(leaf.shape, order=order)


_ORDERS = (
    _ascending,
    lambda leaf: leaf.size + 1 - _ascending(leaf),
    lambda leaf: _ascending(leaf, "F"),
    lambda leaf: leaf.size + 1 - _ascending(leaf, "F"),
)
