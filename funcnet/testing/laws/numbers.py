"""Laws about rows, layouts, precisions and extreme numbers."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

import attrs
import numpy as np

from funcnet import tree
from funcnet.arrays import Array
from funcnet.testing.case import Case, Difference, Results, close, floats, largest, same_bits
from funcnet.testing.snapshots import read_only


def rows(case: Case) -> None:
    """A row of y and of dx depends on that row of x and dy alone."""
    n = case.needs_rows(2)
    before = _of_rows(case.passes())
    for changed in {0, n - 1}:
        x, dy = case.x.copy(), case.dy.copy()
        x[changed] = case.x[changed - 1] if case.is_given else x[changed] * -0.5 + 0.25
        dy[changed] = dy[changed] * 0.5 + 0.25
        others = np.arange(n) != changed
        after = _of_rows(case.passes(x, dy))
        same_bits(
            {at: array[others] for at, array in after.items()},
            {at: array[others] for at, array in before.items()},
            f"before row {changed} of x and dy changed",
        )


def permutation(case: Case) -> None:
    """Rows of x and dy in another order give the rows of y and dx in that order, and the same grads."""
    order = np.roll(np.arange(case.needs_rows(2)), 1)
    expected = case.passes()
    close(
        case.passes(case.x[order], case.dy[order]),
        {at: array[order] if at in ("y", "dx") else array for at, array in expected.items()},
        case,
        "the rows before they changed places",
    )


def sums(case: Case) -> None:
    """Rows one at a time give the rows of y and dx, and grads that sum to those of the batch."""
    n = case.needs_rows()
    each = [case.passes(case.x[i : i + 1], case.dy[i : i + 1]) for i in range(n)]
    expected: Results = {
        at: np.concatenate([row[at] for row in each])
        if at in ("y", "dx")
        else np.sum([row[at] for row in each], axis=0)
        for at in each[0]
    }
    close(case.passes(), expected, case, "the rows one at a time")


def single(case: Case) -> None:
    """An example without a batch axis gives what a batch of one gives."""
    case.needs_rows()
    case.needs(not case.is_given)
    one = case.passes(case.x[:1], case.dy[:1])
    expected = {at: array[0] if at in ("y", "dx") else array for at, array in one.items()}
    close(case.passes(case.x[0, ...], case.dy[0, ...]), expected, case, "a batch of one")


def axes(case: Case) -> None:
    """Several batch axes give what their rows on one axis give."""
    case.needs(len(case.batch) > 1)
    n = math.prod(case.batch)
    flat = case.passes(case.x.reshape(n, *case.input_shape), case.dy.reshape(n, *case.dy.shape[len(case.batch) :]))
    expected = {
        at: array.reshape(*case.batch, *array.shape[1:]) if at in ("y", "dx") else array for at, array in flat.items()
    }
    close(case.passes(), expected, case, "the same rows on one batch axis")


def empty(case: Case) -> None:
    """An empty batch keeps its shapes, has grads of exactly zero, and warns of nothing."""
    case.needs(len(case.batch) > 0)
    x, dy = case.x[:0], case.dy[:0]
    with warnings.catch_warnings(record=True) as heard, np.errstate(all="warn"):
        warnings.simplefilter("always")
        results = case.passes(x, dy)
    expected = {at: np.zeros_like(array) for at, array in results.items()}
    same_bits(results, {**expected, "y": dy.astype(results["y"].dtype), "dx": x.astype(results["dx"].dtype)}, "no rows")
    if heard:
        raise Difference("an empty batch", f"the warning {str(heard[0].message)!r}", "no warning")


def layout(case: Case) -> None:
    """Fortran order, strides, negative strides, read-only memory and another byte order give the same values."""
    expected = case.passes()
    for name, laid in LAYOUTS.items():
        other = attrs.evolve(case, x=laid(case.x), dy=laid(case.dy))
        try:
            results = other.passes()
        except TypeError:
            if name == "another byte order":  # which a layer may refuse
                continue
            raise
        close(results, expected, case, f"x and dy as they were, before {name}")
    other = attrs.evolve(case, params=tree.map(lambda leaf: np.array(leaf, order="F"), case.params))
    close(other.passes(), expected, case, "params as they were, before Fortran order")


def _strided(array: Array) -> Array:
    """The same numbers with gaps between them on every axis."""
    wide = np.full([2 * n for n in array.shape], np.nan, array.dtype)
    every_other: Any = (..., *(slice(None, None, 2) for _ in array.shape))
    wide[every_other] = array
    view: Array = wide[every_other]
    return view


def _reversed(array: Array) -> Array:
    """The same numbers with negative strides."""
    backwards: Any = (..., *(slice(None, None, -1) for _ in array.shape))
    reversed_twice: Array = array[backwards].copy()[backwards]
    return reversed_twice


_MOST_PLACES = 4  # where NaN is put
LAYOUTS: dict[str, Callable[[Array], Array]] = {
    "Fortran order": lambda array: np.array(array, order="F"),
    "strides": _strided,
    "negative strides": _reversed,
    "read-only memory": read_only,
    "another byte order": lambda array: array.astype(array.dtype.newbyteorder("S")),
}


def dtype(case: Case) -> None:
    """float32 in, float32 out, as in float64 but for rounding."""
    case.needs(case.x.dtype == np.float32)
    results = case.passes()
    for at, array in results.items():
        if array.dtype == np.float64:
            raise Difference(at, array.dtype, np.dtype(np.float32), oracle="float32 in, float32 out")
    try:
        wide = case.cast(np.float64).passes()
    except TypeError:
        return  # a layer may take float32 alone
    close(results, {at: array.astype(results[at].dtype) for at, array in wide.items()}, case, "float64")


def finite(case: Case) -> None:
    """x of magnitude 1e3 and 1e5, or near the largest float, gives finite numbers wherever the dtype has them."""
    case.needs(not case.is_given and case.batch == (1,) and case.x.size > 0)
    unit = case.x / max(largest(case.x), 1.0)
    extremes = {f"x of magnitude {size:g}": unit * case.x.dtype.type(size) for size in (1e3, 1e5)}
    if not floats(case.params):  # or what is in between may overflow
        alone = np.zeros_like(unit)
        alone.flat[0] = np.finfo(case.x.dtype).max / 4
        extremes |= {"a number of x near the largest float": alone, "one near the most negative float": -alone}
    for name, x in extremes.items():
        check_finite(case, x, name)


def check_finite(case: Case, x: Array, name: str) -> None:
    """Raise Difference if a wider dtype shows that a result at this x, which is not finite, has a finite value."""
    true = _in_more_digits(case, x)
    for at, array in case.passes(x).items():
        if at in true:
            representable = np.abs(true[at]) < np.finfo(array.dtype).max / 4
            lost = np.argwhere(representable & ~np.isfinite(array))
            if len(lost):
                index = tuple(map(int, lost[0]))
                raise Difference(at, array[index], true[at][index], index, f"more digits, {name}")


def _in_more_digits(case: Case, x: Array) -> Results:
    """The results in a wider dtype, which has room for larger numbers; none if the layer does not take it."""
    try:
        more = np.float64 if x.dtype == np.float32 else np.longdouble
        wide = attrs.evolve(case.cast(more), x=x.astype(more))
        results = wide.passes()
    except Exception:  # whatever a layer makes of numbers that it was not made for
        return {}
    return {at: array for at, array in results.items() if array.dtype == more}


def nan(case: Case) -> None:
    """A NaN stays in its row of y and dx, and is not swallowed where y depends on its place."""
    case.needs_rows(2)
    case.needs(not case.is_given)
    before = _of_rows(case.passes())
    for j in case.draws("nan").permutation(case.x[0].size)[:_MOST_PLACES]:
        place = (0, *map(int, np.unravel_index(j, case.input_shape)))
        with_nan, moved = case.x.copy(), case.x.copy()
        with_nan[place] = np.nan
        moved[place] += 2.0**-10 * (1 + abs(moved[place]))
        name, after = f"x[{', '.join(map(str, place))}]", _of_rows(case.passes(with_nan))
        got, expected = ({at: array[1:] for at, array in results.items()} for results in (after, before))
        same_bits(got, expected, f"no NaN at {name}")
        y = case.passes(moved)["y"]
        if not tree.equal(y[0], before["y"][0]) and not np.isnan(after["y"][0]).any():
            raise Difference("y[0]", "no NaN", f"NaN, as {name} is NaN and y depends on it")


def _of_rows(results: Results) -> Results:
    return {at: results[at] for at in ("y", "dx")}
