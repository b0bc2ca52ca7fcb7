"""Laws that compare backward with the derivative of forward, and laws that follow from them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from functools import partial
from itertools import islice
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
    floats,
    gradient,
    map_both,
    map_floats,
    map_parts,
    needs,
    parts,
    unsigned,
)
from funcnet.testing.cases.corners import between
from funcnet.testing.cases.judging import wrong
from funcnet.testing.cases.point import Point
from funcnet.testing.oracles import in_chunks
from funcnet.testing.reports.comparing import Difference, as_index, close, same_bits
from funcnet.tree import Array, Flow, map_flow

_MOST_EXACT, _MOST_NUMERIC = 4096, 64  # coordinates of a leaf that are checked in one case
_LEAST_NUMERIC, _NUMBERS = 8, 2**14  # fewer where y is large: differences take some twenty passes for each
_MOST_CORNERS = 8  # numbers of y
_MOST_COUNTED = 200  # wrong coordinates


def coordinates(case: Case) -> str:
    """Every coordinate of {dx} and of grads is the derivative of <dy, y>."""
    point, draws = Point.of(case), case.draws("coordinates")
    none = point.derivatives(point.directions([]))  # no directions: only to find out which oracle judges
    of_differences = min(_MOST_NUMERIC, max(_LEAST_NUMERIC, _NUMBERS // max(1, point.dy.size)))
    most = _MOST_EXACT if none.is_exact else of_differences
    places = np.array([(i, j) for i in point.moving for j in np.sort(draws.permutation(point.leaves[i].size)[:most])])
    places = places if case.only is None else np.array([point.place(*case.only)])
    differences = _wrong_coordinates(point, places)
    if (first := next(differences, None)) is not None:
        raise attrs.evolve(first, counts=_counts(case, point, places, [first, *islice(differences, _MOST_COUNTED)]))
    return none.oracle


def _wrong_coordinates(point: Point, places: Array) -> Iterator[Difference]:
    in_between = 8  # arrays of the size of the largest that forward may hold at once
    for part in in_chunks(places, in_between * max(point.dy.size, sum(leaf.size for leaf in point.leaves))):
        which, indices = part.T
        vectors = [(i, np.eye(1, point.leaves[i].size, j)) for i, j in part]
        yield from wrong(point, which.tolist(), point.directions(vectors), indices)


def _counts(case: Case, point: Point, places: Array, found: list[Difference]) -> dict[str, tuple[int, int]]:
    """For each leaf, how many of its coordinates are wrong, of how many; unknown where too many are wrong to count."""
    if case.only is not None or len(found) > _MOST_COUNTED:
        return {}
    of_each = Counter(difference.at for difference in found)
    asked = Counter(point.names[which] for which, _ in places.tolist())
    return {at: (of_each[at], n) for at, n in asked.items()}


def adjointness(case: Case) -> str:
    """<dy, J v> = <{dx}, v> for a random v, and likewise for each leaf of params."""
    point, draws = Point.of(case), case.draws("adjointness")
    # Multiples of 1/16, so that the steps of differences are exact.
    vectors = [(which, draws.integers(-32, 32, point.leaves[which].shape) / 16 + 1 / 32) for which in point.moving]
    for difference in wrong(point, point.moving, point.directions(vectors)):
        raise difference
    return point.derivatives(point.directions([])).oracle


def kinks(case: Case) -> str | None:
    """At a tie or a corner of one number of {y}, <{dx}, v> lies between the slopes along v on its sides."""
    needs(not (isinstance(case.layer, Layer) and any(layers_in(case.layer))))  # where corners may meet
    met = [_check_corners(tied, of_params) for tied, of_params in _tied(case)]
    return "one-sided slopes" if any(met) else None  # unless a tie or a corner was met


def _tied(case: Case) -> Iterator[tuple[Case, bool]]:
    """The case with equal numbers in x and, as the second ones say, in params too, with which x then moves."""
    if case.is_given:
        yield case, False
        return
    has_params, axes = bool(floats(case.params)), len(case.batch)
    signs, quarters, plain = (map_parts(tied, case.x) for tied in (_signs, _in_quarters, np.asarray))
    if has_params:
        signs, quarters, plain = (map_parts(partial(_without_zeros, axes), x) for x in (signs, quarters, plain))
    yield attrs.evolve(case, x=signs), False
    yield attrs.evolve(case, x=quarters), False
    if has_params:
        yield attrs.evolve(case, x=signs, params=map_floats(_in_quarters, case.params)), True
        case = attrs.evolve(case, x=plain)
        yield attrs.evolve(case, params=map_floats(partial(_alike, case.draws("alike")), case.params)), True


def _without_zeros(axes: int, part: Array) -> Array:
    """The examples, with a first number of 1 in those that are all zeros, for which all products would be equal."""
    rows = np.array(part).reshape(*part.shape[:axes], math.prod(part.shape[axes:]))
    if rows.size:
        rows[~rows.any(axis=-1), 0] = 1
    return rows.reshape(part.shape)


def _signs(part: Array) -> Array:
    return np.asarray(np.sign(np.round(part)))


def _in_quarters(part: Array) -> Array:
    return np.asarray(np.round(part * 4) / 4)


def _alike(draws: np.random.Generator, leaf: Array) -> Array:
    """The leaf with equal numbers along one of its axes."""
    if not leaf.size or not leaf.ndim:
        return leaf
    return np.array(np.broadcast_to(leaf.take([0], int(draws.integers(leaf.ndim))), leaf.shape))


def _check_corners(case: Case, of_params: bool) -> bool:
    """Whether a tie or a corner was met; raises Difference if the gradient there is not between the slopes."""
    try:
        point, draws = Point.of(case), case.draws("kinks")
        moved = point.leaves if of_params else point.leaves[: point.n_inputs]
        direction = point.towards([_from_quarter_to_1(draws, leaf) for leaf in moved])
        low, high, slack = point.slopes(direction)
        for j in draws.permutation(low.size)[:_MOST_CORNERS]:
            place = np.unravel_index(j, low.shape)
            sides = float(low[place]), float(high[place])
            if np.isfinite(np.array([*sides, slack[place]])).all():
                _check_corner(point, direction, place, sides, float(slack[place]))
    except Difference:
        raise
    except Exception as outside:  # forward may fail near a point where it works
        raise Inapplicable from outside
    return bool((high - low > slack).any())


def _from_quarter_to_1(draws: np.random.Generator, x: Array) -> Array:
    return np.asarray(draws.integers(1, 5, x.shape) / 4.0) if x.dtype.kind == "f" else np.zeros(x.shape)


def _check_corner(point: Point, direction: list[Array], place: Any, sides: tuple[float, float], slack: float) -> None:
    """Raise Difference if the slope by the gradient is not between those on the two sides and beside the point."""
    got = point.slope_of(place, direction)
    low, high = between(point, direction, point.one(place), got, sides, slack)
    if not low <= got <= high:
        case, moved = point.case, [along.any() for along in direction]
        names = [f"<{case.name(name)}, v>" for name, is_moved in zip(point.names, moved, strict=True) if is_moved]
        at = f"{' + '.join(names)}, dy being 1 at {as_index(place)} and 0 elsewhere,"
        raise Difference(at, got, f"from {low:.6g} to {high:.6g}", None, "one-sided differences")


def linearity(case: Case) -> None:
    """Backward b is linear in dy: b(0) = 0, b(2**k * dy) = 2**k * b(dy), b(u + v) = b(u) + b(v)."""
    _, cache = case.layer.forward(case.params, case.x)

    def backward(dy: Flow) -> Results:
        return gradient(*case.layer.backward(case.params, cache, map_both(_as_dtype_of, dy, case.dy)))

    first = backward(case.dy)
    needs(all(np.isfinite(leaf).all() for leaf in first.values()))
    zeros = {at: np.zeros_like(leaf) for at, leaf in first.items()}
    same_bits(unsigned(backward(map_flow(np.zeros_like, case.dy))), zeros, "b(0) = 0")
    if isinstance(cache, Cache) and type(case.layer).backward.__module__.startswith("funcnet."):
        _check_none(case, cache, zeros)
    for k in (-20, 20):
        got = backward(map_flow(partial(_times_power, k=k), case.dy))
        back = {at: _normal(_times_power(leaf, -k), first[at]) for at, leaf in got.items()}
        same_bits(back, {at: _normal(leaf, leaf) for at, leaf in first.items()}, f"b(2**{k} * dy) = 2**{k} * b(dy)")
    draws = case.draws("linearity")
    other = map_flow(lambda part: draws.normal(size=part.shape).astype(part.dtype), case.dy)
    of_other = backward(other)
    total = backward(map_both(np.add, case.dy, other))
    close(total, {at: first[at] + of_other[at] for at in first}, case.rounding, "b(u) + b(v)")


def _check_none(case: Case, cache: Any, zeros: Results) -> None:
    """Raise Difference unless None counts as 0, for dy and for each of its elements, as it does in the library."""

    def backward(dy: Flow) -> Results:
        return unsigned(gradient(*case.layer.backward(case.params, cache, dy)))

    same_bits(backward(None), zeros, "b(None) = 0")
    for i in range(len(case.dy)) if isinstance(case.dy, tuple) else ():
        with_zeros, with_none = list(case.dy), list(case.dy)
        with_zeros[i], with_none[i] = map_flow(np.zeros_like, case.dy[i]), None
        same_bits(backward(tuple(with_none)), backward(tuple(with_zeros)), "b with 0 for None")


def _times_power(array: Array, k: int) -> Array:
    return np.asarray(np.ldexp(array, k)) if array.dtype.kind == "f" else array


def _as_dtype_of(array: Any, like: Array) -> Array:
    return np.asarray(array, like.dtype)


def _normal(array: Array, original: Array) -> Array:
    """The array with 0 wherever the original is too small or too large for exact scaling by a power of two."""
    if original.dtype.kind != "f":
        return array
    info, size = np.finfo(original.dtype), np.abs(original)
    return np.where((size < info.tiny * 2.0**24) | (size > info.max * 2.0**-24), 0, array).astype(array.dtype)


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
