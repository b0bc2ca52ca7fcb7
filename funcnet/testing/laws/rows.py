"""Laws about the rows of a batch: each row is independent, and grads are summed over the rows."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from functools import partial

import numpy as np

from funcnet.errors import UsageWarning
from funcnet.testing.cases.case import Case, Results, named, needs, take, unsigned
from funcnet.testing.reports.comparing import Difference, close, same_bits
from funcnet.tree import Array, dtypes_in, is_integer, map_flow, without_integers


def rows(case: Case) -> None:
    """A row of y and of dx depends on that row of x and dy alone."""
    n = case.needs_rows(2)
    needs(case.has_independent_rows)
    before = of_rows(case.passes())
    for changed in {0, n - 1}:
        x = map_flow(partial(_with_other_row, row=changed, is_given=case.is_given), case.x)
        dy = map_flow(partial(_with_other_dy, row=changed), case.dy)
        others = np.arange(n) != changed
        after = of_rows(case.passes(x, dy))
        got, expected = ({at: array[others] for at, array in results.items()} for results in (after, before))
        same_bits(got, expected, f"before row {changed} of x and dy changed")


def _with_other_row(x: Array, row: int, is_given: bool) -> Array:
    """The array with other numbers in a row: those of the row before, where no new ones may be chosen."""
    return _with_row(x, row, x[row - 1] if is_given or is_integer(x) else x[row] * -0.5 + 0.25)


def _with_other_dy(dy: Array, row: int) -> Array:
    return _with_row(dy, row, dy[row] * 0.5 + 0.25)


def _with_row(array: Array, row: int, numbers: Array) -> Array:
    array = array.copy()
    array[row] = numbers
    return array


def permutation(case: Case) -> None:
    """Rows of x and dy in a different order give the rows of y and dx in that order, and the same grads."""
    order = np.roll(np.arange(case.needs_rows(2)), 1)
    moved = case.passes(take(case.x, order), take(case.dy, order))
    back = by_rows(moved, lambda array: array[np.argsort(order)])
    close(back, case.passes(), case.rounding, "the rows before they changed places")


def sums(case: Case) -> None:
    """Rows one at a time give the rows of y and dx, and grads that sum to those of the batch."""
    needs(case.has_independent_rows)
    slices = [slice(i, i + 1) for i in range(case.needs_rows())]
    each = [case.passes(take(case.x, row), take(case.dy, row)) for row in slices]
    expected = {at: (np.concatenate if has_rows(at) else _total)([row[at] for row in each]) for at in each[0]}
    close(case.passes(), expected, case.rounding, "the rows one at a time")


def _total(arrays: list[Array]) -> Array:
    return np.asarray(np.sum(arrays, axis=0))


def single(case: Case) -> None:
    """An example without a batch axis gives the results of a batch of one."""
    case.needs_rows()
    needs(case.has_independent_rows and not case.is_given)
    batch, example = slice(0, 1), (0, ...)
    expected = by_rows(case.passes(take(case.x, batch), take(case.dy, batch)), lambda array: array[example])
    close(case.passes(take(case.x, example), take(case.dy, example)), expected, case.rounding, "a batch of one")


def axes(case: Case) -> None:
    """Several batch axes give the results of the same rows on one axis."""
    axes = len(case.batch)
    needs(axes > 1 or (axes == 1 and not case.is_given))  # those that are given may be all that the layer takes
    batch = case.batch if axes > 1 else (1, *case.batch)

    def passes(*batch: int) -> Results:
        laid = (map_flow(lambda part: part.reshape(*batch, *part.shape[axes:]), flow) for flow in (case.x, case.dy))
        return case.passes(*laid)

    expected = by_rows(passes(math.prod(batch)), lambda array: array.reshape(*batch, *array.shape[1:]))
    close(passes(*batch), expected, case.rounding, "the same rows on one batch axis")


def empty(case: Case) -> None:
    """An empty batch keeps its shapes, has grads of exactly zero, 0 or -0, and warns of nothing."""
    needs(len(case.batch) > 0)
    x, dy = take(case.x, slice(0)), take(case.dy, slice(0))
    with warnings.catch_warnings(record=True) as heard, np.errstate(all="warn"):
        warnings.simplefilter("always")
        warnings.simplefilter("ignore", UsageWarning)  # of an inference model, which is asked on purpose
        results = case.passes(x, dy)
    expected = {at: np.zeros_like(array) for at, array in results.items() if not has_rows(at)}
    no_rows = named(dy, without_integers(x, dtypes_in(x)), ())
    expected |= {at: array.astype(results[at].dtype) for at, array in no_rows.items()}
    same_bits(unsigned(results), expected, "no rows")
    if heard:
        raise Difference("an empty batch", f"the warning {str(heard[0].message)!r}", "no warning")


def by_rows(results: Results, f: Callable[[Array], Array]) -> Results:
    """The results with f applied to y and dx, which have rows, and grads as they are."""
    return {at: f(array) if has_rows(at) else array for at, array in results.items()}


def of_rows(results: Results) -> Results:
    """The results that have rows."""
    return {at: array for at, array in results.items() if has_rows(at)}


def has_rows(at: str) -> bool:
    """Whether the result of this name is a part of y or dx."""
    return at.partition(".")[0] in ("y", "dx")
