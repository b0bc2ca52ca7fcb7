"""Laws about the rows of a batch: each row is independent, and grads are summed over the rows."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable

import numpy as np

from funcnet.testing.cases.case import Case, Results, needs
from funcnet.testing.reports.comparing import Difference, close, same_bits
from funcnet.tree import Array


def rows(case: Case) -> None:
    """A row of y and of dx depends on that row of x and dy alone."""
    n = case.needs_rows(2)
    before = of_rows(case.passes())
    for changed in {0, n - 1}:
        x, dy = case.x.copy(), case.dy.copy()
        x[changed] = case.x[changed - 1] if case.is_given else x[changed] * -0.5 + 0.25
        dy[changed] = dy[changed] * 0.5 + 0.25
        others = np.arange(n) != changed
        after = of_rows(case.passes(x, dy))
        got, expected = ({at: array[others] for at, array in results.items()} for results in (after, before))
        same_bits(got, expected, f"before row {changed} of x and dy changed")


def permutation(case: Case) -> None:
    """Rows of x and dy in a different order give the rows of y and dx in that order, and the same grads."""
    order = np.roll(np.arange(case.needs_rows(2)), 1)
    expected = by_rows(case.passes(), lambda array: array[order])
    close(case.passes(case.x[order], case.dy[order]), expected, case.rounding, "the rows before they changed places")


def sums(case: Case) -> None:
    """Rows one at a time give the rows of y and dx, and grads that sum to those of the batch."""
    each = [case.passes(case.x[i : i + 1], case.dy[i : i + 1]) for i in range(case.needs_rows())]
    expected = {at: np.sum([row[at] for row in each], axis=0) for at in each[0]}
    expected |= {at: np.concatenate([row[at] for row in each]) for at in ("y", "dx")}
    close(case.passes(), expected, case.rounding, "the rows one at a time")


def single(case: Case) -> None:
    """An example without a batch axis gives the results of a batch of one."""
    case.needs_rows()
    needs(not case.is_given)
    expected = by_rows(case.passes(case.x[:1], case.dy[:1]), lambda array: array[0, ...])
    close(case.passes(case.x[0, ...], case.dy[0, ...]), expected, case.rounding, "a batch of one")


def axes(case: Case) -> None:
    """Several batch axes give the results of the same rows on one axis."""
    axes = len(case.batch)
    needs(axes > 1)
    n = math.prod(case.batch)
    flat = case.passes(case.x.reshape(n, *case.input_shape), case.dy.reshape(n, *case.dy.shape[axes:]))
    expected = by_rows(flat, lambda array: array.reshape(*case.batch, *array.shape[1:]))
    close(case.passes(), expected, case.rounding, "the same rows on one batch axis")


def empty(case: Case) -> None:
    """An empty batch keeps its shapes, has grads of exactly zero, and warns of nothing."""
    needs(len(case.batch) > 0)
    x, dy = case.x[:0], case.dy[:0]
    with warnings.catch_warnings(record=True) as heard, np.errstate(all="warn"):
        warnings.simplefilter("always")
        results = case.passes(x, dy)
    expected = {at: np.zeros_like(array) for at, array in results.items()}
    same_bits(results, {**expected, "y": dy.astype(results["y"].dtype), "dx": x.astype(results["dx"].dtype)}, "no rows")
    if heard:
        raise Difference("an empty batch", f"the warning {str(heard[0].message)!r}", "no warning")


def by_rows(results: Results, f: Callable[[Array], Array]) -> Results:
    """The results with f applied to y and dx, which have rows, and grads as they are."""
    return {at: f(array) if at in ("y", "dx") else array for at, array in results.items()}


def of_rows(results: Results) -> Results:
    """The results that have rows."""
    return {at: results[at] for at in ("y", "dx")}
