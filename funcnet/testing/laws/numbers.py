"""Laws about layouts in memory, dtypes and extreme numbers."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import attrs
import numpy as np

from funcnet import tree
from funcnet.testing.cases.case import Case, Results, cast_parts, floats, map_parts, named_parts, needs
from funcnet.testing.cases.snapshots import read_only
from funcnet.testing.laws.rows import of_rows
from funcnet.testing.laws.structure import same_dtypes
from funcnet.testing.reports.comparing import Difference, as_index, close, largest, same_bits
from funcnet.tree import Array, Flow, flatten, map_flow, map_new

_MOST_PLACES = 4  # of a row that get a NaN


def layout(case: Case) -> None:
    """Fortran order, strides, negative strides, read-only memory and another byte order give the same values."""
    expected = case.passes()

    def passes(laid: Callable[[Array], Array]) -> Results:
        return case.passes(map_flow(laid, case.x), map_flow(laid, case.dy))

    check_layouts(passes, expected, case, "x and dy as they were,")
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
    """float32 gives float32, as float64 does up to rounding; dx has the dtype of y, grads that of y or of params."""
    same_dtypes(case)
    needs(case.dtype == np.float32)
    results = case.passes()
    try:
        wide = case.cast(np.float64).passes()
    except TypeError:
        return  # a layer may take float32 alone
    expected = {at: array.astype(results[at].dtype) for at, array in wide.items()}
    size = max([1.0, *(largest(part) / 16 for part in floats(case.x))])  # rounding grows as products of x do
    close(results, expected, lambda *arrays: size**2 * case.rounding(*arrays), "float64")


def finite(case: Case) -> None:
    """x of magnitude 1e3 and 1e5, or near the largest float, gives finite results where the true ones fit the dtype."""
    numbers = floats(case.x)
    needs(not case.is_given and case.batch == ((1,) if case.has_independent_rows else (2,)))
    needs(any(part.size for part in numbers))
    check_magnitudes(case)
    if not floats(case.params):  # with params, the steps on the way may overflow
        most = np.finfo(case.dtype).max / (32 * sum(part.size for part in numbers))  # a sum of as many fits
        zeros = map_parts(np.zeros_like, case.x)
        for which, part in enumerate(tree.leaves(case.x)):
            if part.size and part.dtype.kind == "f":
                first = (0,) * part.ndim
                _check_finite(case, replaced(zeros, which, first, most), "a number of x near the largest float")
                _check_finite(case, replaced(zeros, which, first, -most), "one near the most negative float")


def check_magnitudes(case: Case) -> None:
    """Raise Difference if x of large numbers gives a result that is not finite though a wider dtype shows its value."""
    unit = max([1.0, *map(largest, floats(case.x))])
    for size in (1e3, 1e5):
        x = map_parts(partial(_scaled, size=size), map_parts(lambda part: part / unit, case.x))
        _check_finite(case, x, f"{case.name('x')} of magnitude {size:g}")


def _scaled(x: Array, size: float) -> Array:
    return np.asarray(x * x.dtype.type(size))


def _check_finite(case: Case, x: Flow, name: str) -> None:
    true = _in_more_digits(case, x)
    for at, array in case.passes(x).items():
        if at in true:
            representable = np.abs(true[at]) < np.finfo(array.dtype).max / 4
            lost = np.argwhere(representable & ~np.isfinite(array))
            if len(lost):
                index = as_index(lost[0])
                raise Difference(at, array[index], true[at][index], index, f"more digits, {name}")


def _in_more_digits(case: Case, x: Flow) -> Results:
    """The results in a wider dtype, which holds larger numbers; none if the layer does not take that dtype."""
    try:
        results = attrs.evolve(case.cast(case.wider), x=cast_parts(x, case.wider)).passes()
    except Exception:  # a layer may do anything with a dtype that it was not made for
        return {}
    return {at: array for at, array in results.items() if array.dtype == case.wider}


def nan(case: Case) -> None:
    """A NaN in x stays in its row of y and dx, and that row of y has a NaN if it depends on the number."""
    case.needs_rows(2)
    needs(case.has_independent_rows and not case.is_given)
    before, draws = of_rows(case.passes()), case.draws("nan")
    for which, (at, part) in enumerate(named_parts("x", case.x).items()):
        for j in draws.permutation(part[0].size)[:_MOST_PLACES] if part.dtype.kind == "f" else ():
            _check_nan(case, before, at, which, (0, *as_index(np.unravel_index(j, part.shape[1:]))))


def _check_nan(case: Case, before: Results, at: str, which: int, place: tuple[int, ...]) -> None:
    """Raise Difference where a NaN at this place of an array in x is lost, or found in a different row."""
    number = tree.leaves(case.x)[which][place]
    name, after = f"{at}[{', '.join(map(str, place))}]", of_rows(case.passes(replaced(case.x, which, place, np.nan)))
    got, expected = ({of: array[1:] for of, array in results.items()} for results in (after, before))
    same_bits(got, expected, f"no NaN at {name}")
    moved = case.passes(replaced(case.x, which, place, number + 2.0**-10 * (1 + abs(number))))
    for of in [of for of in before if of.startswith("y")]:
        if not tree.equal(moved[of][0], before[of][0]) and not np.isnan(after[of][0]).any():
            raise Difference(f"{of}[0]", "no NaN", f"NaN, as {name} is NaN and {of} depends on it")


def replaced(x: Flow, which: int, place: tuple[int, ...], number: Any) -> Flow:
    """A copy of x with a different number at one place of one array."""
    parts, structure = flatten(x)
    parts = [part.copy() for part in parts]
    parts[which][place] = number
    return structure.assemble(parts)
