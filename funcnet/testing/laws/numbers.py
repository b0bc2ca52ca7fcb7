"""Laws about layouts in memory, dtypes and extreme numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs
import numpy as np

from funcnet import tree
from funcnet.testing.cases.case import Case, Results, floats, needs
from funcnet.testing.cases.snapshots import read_only
from funcnet.testing.laws.rows import of_rows
from funcnet.testing.reports.comparing import Difference, as_index, close, largest, same_bits, same_form
from funcnet.tree import Array, map_new

_MOST_PLACES = 4  # of a row that get a NaN


def layout(case: Case) -> None:
    """Fortran order, strides, negative strides, read-only memory and another byte order give the same values."""
    expected = case.passes()
    check_layouts(lambda laid: case.passes(laid(case.x), laid(case.dy)), expected, case, "x and dy as they were,")
    for name in ("Fortran order", "strides", "negative strides"):
        other = attrs.evolve(case, params=map_new(LAYOUTS[name], case.params))
        close(other.passes(), expected, case.rounding, f"params as they were, before {name}")


def check_layouts(
    passes: Callable[[Callable[[Array], Array]], Results], expected: Results, case: Case, of: str
) -> None:
    """Raise Difference where the passes with arrays in some layout give values other than expected."""
    for name, laid in LAYOUTS.items():
        try:
            results = passes(laid)
        except TypeError:
            if name == "another byte order":  # a layer or a loss may refuse it
                continue
            raise
        close(results, expected, case.rounding, f"{of} before {name}")


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


LAYOUTS: dict[str, Callable[[Array], Array]] = {
    "Fortran order": lambda array: np.array(array, order="F"),
    "strides": _strided,
    "negative strides": _reversed,
    "read-only memory": read_only,
    "another byte order": lambda array: array.astype(array.dtype.newbyteorder("S")),
}


def dtype(case: Case) -> None:
    """float32 in gives float32 out, with the values of float64 up to rounding."""
    needs(case.x.dtype == np.float32)
    results = case.passes()
    for at, array in results.items():
        if array.dtype == np.float64:
            same_form(at, array, case.x, "dtype")
    try:
        wide = case.cast(np.float64).passes()
    except TypeError:
        return  # a layer may take float32 alone
    close(results, {at: array.astype(results[at].dtype) for at, array in wide.items()}, case.rounding, "float64")


def finite(case: Case) -> None:
    """x of magnitude 1e3 and 1e5, or near the largest float, gives finite results where the true ones fit the dtype."""
    needs(not case.is_given and case.batch == (1,) and case.x.size > 0)
    check_magnitudes(case)
    if not floats(case.params):  # with params, the steps on the way may overflow
        alone = np.zeros_like(case.x)
        alone.flat[0] = np.finfo(case.x.dtype).max / 4
        _check_finite(case, alone, "a number of x near the largest float")
        _check_finite(case, -alone, "one near the most negative float")


def check_magnitudes(case: Case) -> None:
    """Raise Difference if x of large numbers gives a result that is not finite though a wider dtype shows its value."""
    unit = case.x / max(largest(case.x), 1.0)
    for size in (1e3, 1e5):
        _check_finite(case, unit * case.x.dtype.type(size), f"{case.name('x')} of magnitude {size:g}")


def _check_finite(case: Case, x: Array, name: str) -> None:
    true = _in_more_digits(case, x)
    for at, array in case.passes(x).items():
        if at in true:
            representable = np.abs(true[at]) < np.finfo(array.dtype).max / 4
            lost = np.argwhere(representable & ~np.isfinite(array))
            if len(lost):
                index = as_index(lost[0])
                raise Difference(at, array[index], true[at][index], index, f"more digits, {name}")


def _in_more_digits(case: Case, x: Array) -> Results:
    """The results in a wider dtype, which holds larger numbers; none if the layer does not take that dtype."""
    try:
        more = np.float64 if x.dtype == np.float32 else np.longdouble
        wide = attrs.evolve(case.cast(more), x=x.astype(more))
        results = wide.passes()
    except Exception:  # a layer may do anything with a dtype that it was not made for
        return {}
    return {at: array for at, array in results.items() if array.dtype == more}


def nan(case: Case) -> None:
    """A NaN in x stays in its row of y and dx, and that row of y has a NaN if it depends on the number."""
    case.needs_rows(2)
    needs(not case.is_given)
    before = of_rows(case.passes())
    for j in case.draws("nan").permutation(case.x[0].size)[:_MOST_PLACES]:
        place = (0, *as_index(np.unravel_index(j, case.input_shape)))
        with_nan, moved = case.x.copy(), case.x.copy()
        with_nan[place] = np.nan
        moved[place] += 2.0**-10 * (1 + abs(moved[place]))
        name, after = f"x[{', '.join(map(str, place))}]", of_rows(case.passes(with_nan))
        got, expected = ({at: array[1:] for at, array in results.items()} for results in (after, before))
        same_bits(got, expected, f"no NaN at {name}")
        y = case.passes(moved)["y"]
        if not tree.equal(y[0], before["y"][0]) and not np.isnan(after["y"][0]).any():
            raise Difference("y[0]", "no NaN", f"NaN, as {name} is NaN and y depends on it")
