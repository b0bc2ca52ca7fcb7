"""Whether a gradient is the derivative that an oracle gives, or one that it may be: by rounding, or at a corner."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import attrs
import numpy as np

from funcnet.testing.cases.case import floats
from funcnet.testing.cases.corners import between
from funcnet.testing.cases.point import Derivatives, Point
from funcnet.testing.cases.rounding import SPREADS, neighbours
from funcnet.testing.oracles import UNSURE, without_corner
from funcnet.testing.reports.comparing import Difference, as_index
from funcnet.tree import Array

_ROUNDING = 1024  # how many roundings of its terms a derivative may be off
_NUMERIC = 1e-10  # how far off extrapolated differences may always be: the least of many estimates is a lucky one
_CLOSER = 2.0**-14, 2.0**-26  # smaller steps, with which differences must agree: wide ones may pass over a corner


def wrong(
    point: Point, moved: Sequence[int], directions: list[Array], indices: Array | None = None
) -> Iterator[Difference]:
    """The differences between <gradient, direction> and the derivative in it.

    `moved` says which leaf each direction moves, and `indices` which number of that leaf, if just one.
    """
    expected = point.derivatives(directions)
    got, terms = _products(point, moved, directions, indices)
    eps = np.array([point.eps(which) for which in moved])
    sizes = np.where(np.isfinite(got), terms, 0) + expected.terms
    bounds = (_ROUNDING * eps + (0 if expected.is_exact else _NUMERIC)) * sizes + UNSURE * expected.errors
    for i in map(int, np.flatnonzero(~(np.abs(got - expected.values) <= bounds))):
        one = [d[[i]] if d.any() else d[:1] for d in directions]
        value, bound = _weighed(point, moved[i], one, float(expected.values[i]), float(bounds[i]))
        is_known = np.isfinite(value) and expected.errors[i] <= max(1e-2 * abs(value), 1e-6)
        if is_known and not _is_near(point, float(got[i]), value, bound, one, expected):
            difference = Difference("", float(got[i]), value, None, expected.oracle, bound)
            yield _placed(point, difference, moved, i, indices, expected)


def _is_near(
    point: Point, got: float, value: float, bound: float, direction: list[Array], expected: Derivatives
) -> bool:
    """Whether a derivative may be what was got: it is near the value, smaller steps prefer it, or there is a corner."""
    if not np.isfinite(got):
        return False
    if abs(got - value) <= bound:
        return True
    for scale in () if expected.is_exact else _CLOSER:
        closer = point.differences(direction, expected.why_not, scale)
        slack = bound + UNSURE * float(closer.errors[0])
        off, of_got = abs(value - closer.values[0]), abs(got - closer.values[0])
        if not off <= slack or of_got <= min(slack, off / 2):
            return True
    return _is_corner(point, direction, got, value, bound)


def _products(
    point: Point, moved: Sequence[int], directions: Sequence[Array], indices: Array | None
) -> tuple[Array, Array]:
    """<gradient, direction> for each direction, and the sums of the magnitudes of their terms."""
    if indices is not None:
        got = np.array([point.gradients[which].flat[index] for which, index in zip(moved, indices, strict=True)])
        return got, np.abs(got)
    terms = [(directions[which][i] * point.gradients[which]).ravel() for i, which in enumerate(moved)]
    return np.array([np.sum(each) for each in terms]), np.array([np.sum(np.abs(each)) for each in terms])


def _placed(
    point: Point, difference: Difference, moved: Sequence[int], i: int, indices: Array | None, expected: Derivatives
) -> Difference:
    """The difference with the name of the leaf that direction i moves and, for one coordinate, its place there."""
    which = moved[i]
    name = point.names[which]
    g = point.gradients[which]
    if indices is None:
        return attrs.evolve(difference, at=f"<{point.case.name(name)}, v>")
    index = as_index(np.unravel_index(indices[i], g.shape))
    values = expected.values[np.asarray(moved) == which]
    whole = (g, values.reshape(g.shape)) if len(values) == g.size else None
    return attrs.evolve(difference, at=name, index=index, arrays=whole)


def _weighed(point: Point, which: int, direction: list[Array], value: float, bound: float) -> tuple[float, float]:
    """The derivative and its bound, with the rounding of backward and of the oracle as a wider dtype shows it."""
    there = _in_long_double(point)
    if there is None:
        return value, bound + point.case.rounding(point.gradients[which]) + _spread(point, which, direction, value)
    exact = there.derivatives(direction)
    noise = abs(np.sum(direction[which] * (there.gradients[which] - point.gradients[which])))
    bound += UNSURE * float(noise) + there.case.rounding(there.dy)  # the wider dtype can't show this part
    if not exact.is_exact or not np.isfinite(exact.values[0]):
        return value, bound
    return float(exact.values[0]), bound + UNSURE * abs(float(exact.values[0]) - value)


def _in_long_double(point: Point) -> Point | None:
    """The point in long double; None if the layer does not compute in that."""
    try:
        there = Point.at(point.case.cast(np.longdouble))
    except Exception:  # as that of `np.linalg`, which refuses it
        return None
    return there if there.precision < point.precision else None


def _spread(point: Point, which: int, direction: list[Array], value: float) -> float:
    """How far apart derivatives and gradients are where numbers are an ulp or two away, which rounding may do too."""
    apart = []
    for there in map(Point.at, neighbours(point.case)):
        apart.append(abs(np.sum(direction[which] * (there.gradients[which] - point.gradients[which]))))
        derivative = there.derivatives(direction)
        apart += [abs(derivative.values[0] - value)] if derivative.is_exact else []
    return SPREADS * float(max(apart))


def _is_corner(point: Point, direction: list[Array], got: float, value: float, bound: float) -> bool:
    """Whether y or a derivative of y jumps here, so that the law `kinks` applies instead."""
    low, high, error = point.one_sided(direction)
    if (high - low > without_corner(high, low, error)).any():
        return True
    y = point.along([v[0] for v in direction])
    change = np.maximum(*(np.abs(y(step) - y(0.0)) for step in (-(2.0**-40), 2.0**-40)))
    if (change > 64 * point.eps(0) * np.abs(y(0.0)) + 2.0**-16).any():  # a slope would be above 2**24
        return True
    if all(len(np.unique(x)) == x.size for x in floats(point.case.x)):
        return False
    least, most = between(point, direction, point.dy, got, (value, value), bound)
    return least <= got <= most
