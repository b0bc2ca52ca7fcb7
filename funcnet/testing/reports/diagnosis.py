"""Guesses at the mistake behind a wrong gradient, from comparing it with the right one."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, TypeAlias

import attrs
import numpy as np

from funcnet.testing.cases.case import Case, Results
from funcnet.testing.cases.case import leaves as named
from funcnet.testing.laws.derivatives import coordinates
from funcnet.testing.laws.structure import two
from funcnet.testing.reports.amounts import added, clipped, constant_ratio, factor, rough, same_along
from funcnet.testing.reports.comparing import Difference, nearly
from funcnet.testing.reports.orders import reordered
from funcnet.testing.reports.places import where
from funcnet.tree import Array, flatten, is_integer, leaves, map_flow

_ROWS = 16  # among which some numbers are negative

Look: TypeAlias = Callable[[Array, Array, str, Case], str]


def diagnosis(difference: Difference, case: Case) -> str:
    """A sentence on how got differs from expected; empty if the difference looks like no known mistake."""
    if difference.diagnosis:
        return difference.diagnosis
    if text := _tried(_of_calls, case):
        return text
    if difference.arrays is None:
        return _of_number(difference)
    text = _of_arrays(difference, case)
    if re.match(r"\d+ of", text) and (closer := _tried(_of_more_rows, difference.at, case)):
        return closer
    return text


def _of_arrays(difference: Difference, case: Case) -> str:
    got, expected = (np.asarray(array, np.float64) for array in difference.arrays or ())
    if got.shape != expected.shape or not got.size:
        return ""
    return next((text for look in _LOOKS if (text := _tried(look, got, expected, difference.at, case))), "")


def _of_more_rows(at: str, case: Case) -> str:
    """What is said where dx has more numbers, of which enough may be negative to tell."""
    draws = case.draws("more rows")

    def numbers(part: Array) -> Array:
        return draws.normal(size=(_ROWS, *part.shape[1:])).astype(part.dtype)

    if case.is_given or len(case.batch) != 1 or not at.startswith("dx") or any(map(is_integer, leaves(case.x))):
        return ""
    case = attrs.evolve(case, x=map_flow(numbers, case.x), dy=map_flow(numbers, case.dy))
    try:
        coordinates(case)
    except Difference as difference:
        if difference.at == at and difference.arrays is not None:
            text = _of_arrays(difference, case)
            return "" if re.match(r"\d+ of", text) else text
    return ""


def _tried(look: Callable[..., str], *arguments: Any) -> str:
    try:
        return look(*arguments)
    except Exception:  # the layer may fail in passes that are made to look closer
        return ""


def _of_calls(case: Case) -> str:
    """What is wrong with the passes as calls: what they return, and whether they return it again."""
    layer = case.layer
    try:
        _, cache = two(layer.forward(case.params, case.x), "forward", "(y, cache)")
        two(layer.backward(case.params, cache, case.dy), "backward", "(dx, grads)")
    except Difference as difference:
        return difference.diagnosis
    if not case.gives(case.passes()):
        return "the same call gave something else: it draws random numbers, or keeps something from call to call"
    return ""


def _of_number(difference: Difference) -> str:
    """What is said of one wrong number alone."""
    if isinstance(difference.got, float | np.floating) and not np.isfinite(difference.got):
        return "a division by 0, or a number too large for its dtype"
    if "dy being 1 at" not in difference.at:
        return ""
    low, high = map(float, difference.expected.removeprefix("from ").split(" to "))
    is_corner = high - low > 1e-4 * max(abs(low), abs(high))  # elsewhere they are apart by the error of the slopes
    return "at a tie or a corner masks overlap, or none is set, or a sign is 0" if is_corner else ""


def _not_finite(got: Array, expected: Array, at: str, case: Case) -> str:
    bad = ~np.isfinite(got) & np.isfinite(expected)
    return f"{int(bad.sum())} of {got.size} numbers are NaN or infinite" if bad.any() else ""


def _zero(got: Array, expected: Array, at: str, case: Case) -> str:
    return "it is all zeros" if not got.any() and np.count_nonzero(expected) > 2 else ""


def _passed_through(got: Array, expected: Array, at: str, case: Case) -> str:
    dys = [dy for dy in leaves(case.dy) if dy.size and np.ptp(dy) > 0] if at.startswith("dx") else []
    return "dy is passed through as it is" if any(nearly(got, np.asarray(dy, np.float64)) for dy in dys) else ""


def _ignores_dy(got: Array, expected: Array, at: str, case: Case) -> str:
    """Whether the gradient is the same with a different dy."""
    if at.startswith("y"):
        return ""
    other = case.passes(dy=map_flow(lambda dy: dy * dy.dtype.type(-2) + dy.dtype.type(1), case.dy))
    is_unused = expected.any() and np.array_equal(np.asarray(other[at]), got)
    return "dy is not used: a different dy gives the same" if is_unused else ""


def _of_other(got: Array, expected: Array, at: str, case: Case) -> str:
    """Whether the gradient is that of a different array, or is to be found in its place."""
    others = {name: array for name, array in _gradients(case).items() if name != at}
    for name, other in others.items():
        if np.ptp(expected) > 0 and nearly(np.asarray(other, np.float64), expected):
            return f"{at} and {name} seem to be swapped"
        if np.ptp(got) > 0 and nearly(got, np.asarray(other, np.float64)):
            return f"it is the gradient of {name}"
    return ""


def _gradients(case: Case) -> Results:
    return {name: array for name, array in case.passes().items() if not name.startswith("y")}


def _turned_weight(got: Array, expected: Array, at: str, case: Case) -> str:
    """Whether backward would be right if a square param were transposed."""
    arrays, structure = flatten(case.params)
    for i, (name, array) in enumerate(named("params", case.params).items()):
        if array.ndim > 1 and array.shape[-1] == array.shape[-2] and at.startswith("dx"):
            turned = structure.assemble([*arrays[:i], np.swapaxes(array, -1, -2), *arrays[i + 1 :]])
            if nearly(np.asarray(attrs.evolve(case, params=turned).passes()[at], np.float64), expected):
                return f"{name} is not transposed in it"
    return ""


def _one_row(got: Array, expected: Array, at: str, case: Case) -> str:
    """Whether grads are those of the first or the last row alone, as found by passes of each row."""
    if not at.startswith("grads") or len(case.batch) != 1 or case.batch[0] < 2 or not case.has_independent_rows:
        return ""
    rows = [np.asarray(case.of_rows([i]).passes()[at], np.float64) for i in range(case.batch[0])]
    if nearly(sum(rows[1:], rows[0]), expected) and (nearly(got, rows[0]) or nearly(got, rows[-1])):
        return "the sum over the batch is missing: it is the gradient of one row"
    return ""


_LOOKS: tuple[Look, ...] = (
    _not_finite,
    _zero,
    _passed_through,
    _ignores_dy,
    _of_other,
    reordered,
    _one_row,
    constant_ratio,
    _turned_weight,
    clipped,
    factor,
    added,
    same_along,
    rough,
    where,
)
