"""Laws that compare backward with the derivative of forward, and laws that follow from them."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np

from funcnet.layers.layer import Layer
from funcnet.testing.cases.case import Case, Inapplicable, Results, gradient, needs
from funcnet.testing.cases.point import Point
from funcnet.testing.oracles import in_chunks
from funcnet.testing.reports.comparing import Difference, as_index, close, same_bits
from funcnet.tree import Array

_MOST_EXACT, _MOST_NUMERIC = 4096, 64  # coordinates of a leaf that are checked in one case
_MOST_CORNERS = 8  # numbers of y


def coordinates(case: Case) -> None:
    """Every coordinate of dx and of grads is the derivative of <dy, y>."""
    point, draws = Point.of(case), case.draws("coordinates")
    is_exact = point.derivatives(point.directions([])).is_exact  # no directions: only to find out
    most = _MOST_EXACT if is_exact else _MOST_NUMERIC
    places = np.array([(i, j) for i in point.moving for j in np.sort(draws.permutation(point.leaves[i].size)[:most])])
    in_between = 8  # arrays of the size of the largest that forward may hold at once
    for part in in_chunks(places, in_between * max(case.dy.size, sum(leaf.size for leaf in point.leaves))):
        which, indices = part.T
        vectors = [(i, np.eye(1, point.leaves[i].size, j)) for i, j in part]
        point.compare(which.tolist(), point.directions(vectors), indices)


def adjointness(case: Case) -> None:
    """<dy, J v> = <{dx}, v> for a random v, and likewise for each leaf of params."""
    point, draws = Point.of(case), case.draws("adjointness")
    # Multiples of 1/16, so that the steps of differences are exact.
    vectors = [(which, draws.integers(-32, 32, point.leaves[which].shape) / 16 + 1 / 32) for which in point.moving]
    point.compare(point.moving, point.directions(vectors))


def kinks(case: Case) -> None:
    """At a tie or a corner of one number of {y}, <{dx}, v> lies between the slopes along v on its sides."""
    needs(not (isinstance(case.layer, Layer) and case.layer.parts(case.input_shape)))  # where corners may meet
    ties = np.sign(np.round(case.x))
    for x in [case.x] if case.is_given else [ties, np.round(case.x * 4) / 4]:
        point, draws = Point.of(attrs.evolve(case, x=x)), case.draws("kinks")
        v = draws.integers(1, 5, x.shape) / 4.0
        try:
            low, high, slack = point.slopes(v)
            for j in draws.permutation(low.size)[:_MOST_CORNERS]:
                place = np.unravel_index(j, low.shape)
                got = float(np.sum(v * point.gradient_of(place)))
                is_known = np.isfinite([low[place], high[place], slack[place]]).all()
                if is_known and not low[place] - slack[place] <= got <= high[place] + slack[place]:
                    beside = point.slopes_beside(point.directions([(0, v)]), draws)[:, *place]
                    _check_corner(case, place, got, np.array([*beside, low[place], high[place]]), float(slack[place]))
        except Difference:
            raise
        except Exception as outside:  # forward may fail near a point where it works
            raise Inapplicable from outside


def _check_corner(case: Case, place: Any, got: float, slopes: Array, slack: float) -> None:
    """Raise Difference if <dx, v> is not between the slopes at the corner and beside it."""
    low, high = float(slopes.min()), float(slopes.max())
    slack += 1e-3 * (high - low)
    if not low - slack <= got <= high + slack:
        at = f"<{case.name('dx')}, v>, dy being 1 at {as_index(place)} and 0 elsewhere,"
        raise Difference(at, got, f"from {low:.6g} to {high:.6g}", None, "one-sided differences", slack)


def linearity(case: Case) -> None:
    """Backward b is linear in dy: b(0) = 0 and b(2**k * dy) = 2**k * b(dy) to the bit, b(u + v) = b(u) + b(v)."""
    _, cache = case.layer.forward(case.params, case.x)

    def backward(dy: Array) -> Results:
        return gradient(*case.layer.backward(case.params, cache, dy.astype(case.dy.dtype)))

    first = backward(case.dy)
    needs(all(np.isfinite(leaf).all() for leaf in first.values()))
    of_zero = {at: leaf + leaf.dtype.type(0) for at, leaf in backward(np.zeros_like(case.dy)).items()}  # for -0.0
    same_bits(of_zero, {at: np.zeros_like(leaf) for at, leaf in first.items()}, "b(0) = 0")
    for k in (-20, 20):
        scaled = {at: np.ldexp(leaf, k) if leaf.dtype.kind == "f" else leaf for at, leaf in first.items()}
        got = backward(np.ldexp(case.dy, k))
        for leaves in (got, scaled):
            leaves.update({at: _normal(leaf, first[at]) for at, leaf in leaves.items()})
        same_bits(got, scaled, f"2**{k} * b(dy)")
    other = case.draws("linearity").normal(size=case.dy.shape).astype(case.dy.dtype)
    parts = backward(other)
    close(backward(case.dy + other), {at: first[at] + parts[at] for at in first}, case.rounding, "b(u) + b(v)")


def _normal(array: Array, original: Array) -> Array:
    """The array with 0 wherever the original is too small for exact scaling by a power of two."""
    if original.dtype.kind != "f":
        return array
    return np.where(np.abs(original) < np.finfo(original.dtype).tiny * 2.0**24, 0, array).astype(array.dtype)


def symmetry(case: Case) -> None:
    """If shift-invariant, {dx} sums to 0 over each example; if homogeneous of degree k, <{dx}, {x}> = k <dy, {y}>."""
    needs(bool(case.symmetries) and case.x.size > 0)
    results = case.passes()
    y, dx = results["y"], results["dx"]
    for declared in case.symmetries:
        degree = {"scale-invariant": 0}.get(declared, declared[-1]) if declared != "shift-invariant" else None
        if degree is None:
            got, expected, moved, image = _by_example(case, dx), 0.0, case.x + 1, y
        else:
            got = _by_example(case, dx * case.x)
            expected = degree * _by_example(case, case.dy * y)
            moved, image = case.x * 2, y * 2.0**degree
        name, n = declared if isinstance(declared, str) else f"homogeneous of degree {degree}", case.x.size + y.size
        bound = case.rounding(dx * case.x, dx, case.dy * y) * n
        if not np.all(np.abs(got - expected) <= bound):
            index = as_index(np.argwhere(~(np.abs(got - expected) <= bound))[0])
            wanted = np.broadcast_to(expected, got.shape)[index]
            at = "the sum of dx" if degree is None else "<dx, x>"
            raise Difference(at, got[index], wanted, index, f"declared {name}", bound)
        if not case.is_given:
            there, _ = case.layer.forward(case.params, moved.astype(case.x.dtype))
            close({"y": np.asarray(there)}, {"y": image.astype(y.dtype)}, case.rounding, f"y, declared {name}")


def _by_example(case: Case, array: Array) -> Array:
    """The sum over each example, (*batch,)."""
    return np.asarray(array.sum(axis=tuple(range(len(case.batch), array.ndim)), dtype=np.float64))
