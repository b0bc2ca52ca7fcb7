"""Laws that compare backward with the derivative of forward, and laws that follow from them."""

from __future__ import annotations

from functools import partial
from typing import Any

import attrs
import numpy as np

from funcnet.cache import Cache
from funcnet.layers.layer import Layer, layers_in
from funcnet.testing.cases.case import (
    Case,
    Inapplicable,
    Results,
    cast_parts,
    gradient,
    map_both,
    map_parts,
    needs,
    parts,
)
from funcnet.testing.cases.point import Point
from funcnet.testing.oracles import in_chunks
from funcnet.testing.reports.comparing import Difference, as_index, close, same_bits
from funcnet.tree import Array, Flow, map_flow

_MOST_EXACT, _MOST_NUMERIC = 4096, 64  # coordinates of a leaf that are checked in one case
_MOST_CORNERS = 8  # numbers of y


def coordinates(case: Case) -> None:
    """Every coordinate of dx and of grads is the derivative of <dy, y>."""
    point, draws = Point.of(case), case.draws("coordinates")
    is_exact = point.derivatives(point.directions([])).is_exact  # no directions: only to find out
    most = _MOST_EXACT if is_exact else _MOST_NUMERIC
    places = np.array([(i, j) for i in point.moving for j in np.sort(draws.permutation(point.leaves[i].size)[:most])])
    places = places if case.only is None else np.array([point.place(*case.only)])
    in_between = 8  # arrays of the size of the largest that forward may hold at once
    for part in in_chunks(places, in_between * max(point.dy.size, sum(leaf.size for leaf in point.leaves))):
        which, indices = part.T
        vectors = [(i, np.eye(1, point.leaves[i].size, j)) for i, j in part]
        point.compare(which.tolist(), point.directions(vectors), indices)


def adjointness(case: Case) -> None:
    """<dy, J v> = <{dx}, v> for a random v, and likewise for each leaf of params."""
    point, draws = Point.of(case), case.draws("adjointness")
    # Multiples of 1/16, so that the steps of differences are exact.
    vectors = [(which, draws.integers(-32, 32, point.leaves[which].shape) / 16 + 1 / 32) for which in point.moving]
    point.compare(point.moving, point.directions(vectors))


def kinks(case: Case) -> str | None:
    """At a tie or a corner of one number of {y}, <{dx}, v> lies between the slopes along v on its sides."""
    needs(not (isinstance(case.layer, Layer) and any(layers_in(case.layer))))  # where corners may meet
    ties = [lambda part: np.sign(np.round(part)), lambda part: np.round(part * 4) / 4]
    oracle = None  # unless a tie or a corner is met
    for x in [case.x] if case.is_given else [map_parts(tied, case.x) for tied in ties]:
        point, draws = Point.of(attrs.evolve(case, x=x)), case.draws("kinks")
        v = map_flow(partial(_quarters, draws), x)
        try:
            low, high, slack = point.slopes(v)
            oracle = "one-sided slopes" if (high - low > slack).any() else oracle
            for j in draws.permutation(low.size)[:_MOST_CORNERS]:
                place = np.unravel_index(j, low.shape)
                got = point.slope_of(place, v)
                is_known = np.isfinite([low[place], high[place], slack[place]]).all()
                if is_known and not low[place] - slack[place] <= got <= high[place] + slack[place]:
                    beside = point.slopes_beside(point.towards(v), draws)[:, *place]
                    _check_corner(case, place, got, np.array([*beside, low[place], high[place]]), float(slack[place]))
        except Difference:
            raise
        except Exception as outside:  # forward may fail near a point where it works
            raise Inapplicable from outside
    return oracle


def _quarters(draws: np.random.Generator, x: Array) -> Array:
    return np.asarray(draws.integers(1, 5, x.shape) / 4.0) if x.dtype.kind == "f" else np.zeros(x.shape)


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

    def backward(dy: Flow) -> Results:
        return gradient(*case.layer.backward(case.params, cache, map_both(_as_dtype_of, dy, case.dy)))

    first = backward(case.dy)
    needs(all(np.isfinite(leaf).all() for leaf in first.values()))
    zeros = {at: np.zeros_like(leaf) for at, leaf in first.items()}
    same_bits(_unsigned(backward(map_flow(np.zeros_like, case.dy))), zeros, "b(0) = 0")
    if isinstance(cache, Cache) and type(case.layer).backward.__module__.startswith("funcnet."):
        _check_none(case, cache, zeros)
    for k in (-20, 20):
        scaled = {at: _times_power(leaf, k) for at, leaf in first.items()}
        got = backward(map_flow(partial(_times_power, k=k), case.dy))
        for results in (got, scaled):
            results.update({at: _normal(leaf, first[at]) for at, leaf in results.items()})
        same_bits(got, scaled, f"2**{k} * b(dy)")
    draws = case.draws("linearity")
    other = map_flow(lambda part: draws.normal(size=part.shape).astype(part.dtype), case.dy)
    of_other = backward(other)
    total = backward(map_both(np.add, case.dy, other))
    close(total, {at: first[at] + of_other[at] for at in first}, case.rounding, "b(u) + b(v)")


def _check_none(case: Case, cache: Any, zeros: Results) -> None:
    """Raise Difference unless None counts as 0, for dy and for each of its elements, as it does in the library."""

    def backward(dy: Flow) -> Results:
        return _unsigned(gradient(*case.layer.backward(case.params, cache, dy)))

    same_bits(backward(None), zeros, "b(None) = 0")
    for i in range(len(case.dy)) if isinstance(case.dy, tuple) else ():
        with_zeros, with_none = list(case.dy), list(case.dy)
        with_zeros[i], with_none[i] = map_flow(np.zeros_like, case.dy[i]), None
        same_bits(backward(tuple(with_none)), backward(tuple(with_zeros)), "b with 0 for None")


def _times_power(array: Array, k: int) -> Array:
    return np.asarray(np.ldexp(array, k)) if array.dtype.kind == "f" else array


def _as_dtype_of(array: Any, like: Array) -> Array:
    return np.asarray(array, like.dtype)


def _unsigned(results: Results) -> Results:
    """The results with 0 for -0."""
    return {at: leaf + leaf.dtype.type(0) for at, leaf in results.items()}


def _normal(array: Array, original: Array) -> Array:
    """The array with 0 wherever the original is too small for exact scaling by a power of two."""
    if original.dtype.kind != "f":
        return array
    return np.where(np.abs(original) < np.finfo(original.dtype).tiny * 2.0**24, 0, array).astype(array.dtype)


def symmetry(case: Case) -> None:
    """If shift-invariant, {dx} sums to 0 over each example; if homogeneous of degree k, <{dx}, {x}> = k <dy, {y}>."""
    x = parts("dx", case.x)
    needs(bool(case.symmetries), "no symmetry is declared")
    needs(any(part.size for part in x.values()))
    results = case.passes()
    dy = parts("y", case.dy)
    y = {at: results[at] for at in dy}
    dx = {at: results[at] for at in x if at in results}
    weighed, values = {at: dx[at] * x[at] for at in dx}, {at: dy[at] * y[at] for at in y}
    for declared in case.symmetries:
        degree = {"scale-invariant": 0}.get(declared, declared[-1]) if declared != "shift-invariant" else None
        if degree is None:
            got, expected, moved, scale = _by_example(case, dx), 0.0, map_parts(lambda part: part + 1, case.x), 1.0
        else:
            got, expected = _by_example(case, weighed), degree * _by_example(case, values)
            moved, scale = map_parts(lambda part: part * 2, case.x), 2.0**degree
        name = declared if isinstance(declared, str) else f"homogeneous of degree {degree}"
        n = sum(part.size for part in (*x.values(), *y.values()))
        bound = case.rounding(*weighed.values(), *dx.values(), *values.values()) * n
        if not np.all(np.abs(got - expected) <= bound):
            index = as_index(np.argwhere(~(np.abs(got - expected) <= bound))[0])
            wanted = np.broadcast_to(expected, got.shape)[index]
            at = "the sum of dx" if degree is None else "<dx, x>"
            raise Difference(at, got[index], wanted, index, f"declared {name}", bound)
        if not case.is_given:
            there, _ = case.layer.forward(case.params, cast_parts(moved, case.dtype))
            image = {at: (part * scale).astype(part.dtype) for at, part in y.items()}
            close(parts("y", there), image, case.rounding, f"y, declared {name}")


def _by_example(case: Case, arrays: Results) -> Array:
    """The sum over each example, (*batch,)."""
    sums = [
        np.asarray(array.sum(axis=tuple(range(len(case.batch), array.ndim)), dtype=np.float64))
        for array in arrays.values()
    ]
    return np.asarray(sum(sums[1:], sums[0]) if sums else np.zeros(case.batch))
