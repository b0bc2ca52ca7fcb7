"""Guesses at the mistake behind a wrong gradient, from comparing it with the right one."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from funcnet.testing.cases.case import Case, parts
from funcnet.testing.reports.comparing import Difference, largest
from funcnet.tree import Array, leaves, map_flow

Look: TypeAlias = Callable[[Array, Array, str, Case], str]


def diagnosis(difference: Difference, case: Case) -> str:
    """A sentence on how got differs from expected; empty if the difference looks like no known mistake."""
    if difference.diagnosis or difference.arrays is None:
        return difference.diagnosis
    got, expected = (np.asarray(array, np.float64) for array in difference.arrays)
    if got.shape != expected.shape or not got.size:
        return ""
    return next((text for looks in _LOOKS if (text := _said(looks, got, expected, difference.at, case))), "")


def _said(looks: Look, got: Array, expected: Array, at: str, case: Case) -> str:
    try:
        return looks(got, expected, at, case)
    except Exception:  # the layer may fail in passes that are made to look closer
        return ""


def _is_close(a: Array, b: Array) -> bool:
    return a.shape == b.shape and bool(np.allclose(a, b, rtol=1e-4, atol=1e-6 * largest(b), equal_nan=True))


def _not_finite(got: Array, expected: Array, at: str, case: Case) -> str:
    bad = ~np.isfinite(got) & np.isfinite(expected)
    return f"{int(bad.sum())} of {got.size} numbers are NaN or infinite" if bad.any() else ""


def _zero(got: Array, expected: Array, at: str, case: Case) -> str:
    return "it is all zeros" if not got.any() else ""


def _constant_ratio(got: Array, expected: Array, at: str, case: Case) -> str:
    where = np.abs(expected) > 1e-9 * largest(expected)
    ratios = got[where] / expected[where]
    if (where.sum() < 2 and got.size > 1) or not ratios.size or not _is_close(ratios, np.full(ratios.shape, ratios[0])):
        return ""
    ratio, n = float(ratios[0]), math.prod(case.batch)
    if not _is_close(got, ratio * expected):
        return ""
    names = {1.0: "", -1.0: "the sign is wrong", 2.0: "a factor of 2 too many", 0.5: "a factor of 2 is missing"}
    if n > 2 or (n == 2 and at.startswith("grads")):
        names[float(n)] = f"{n} times too large, and there are {n} rows: a mean was not taken"
        names[1.0 / n] = f"{n} times too small, and there are {n} rows: a mean was taken instead of the sum"
    known = (text for factor, text in names.items() if math.isclose(ratio, factor, rel_tol=1e-4))
    return next(known, f"every number is {ratio:.6g} times the expected one")


def _transposed(got: Array, expected: Array, at: str, case: Case) -> str:
    return "it is transposed" if got.ndim > 1 and _is_close(np.swapaxes(got, -1, -2), expected) else ""


def _passed_through(got: Array, expected: Array, at: str, case: Case) -> str:
    dys = [dy for dy in leaves(case.dy) if dy.size and np.ptp(dy) > 0] if at.startswith("dx") else []
    return "dy is passed through as it is" if any(_is_close(got, np.asarray(dy, np.float64)) for dy in dys) else ""


def _ignores_dy(got: Array, expected: Array, at: str, case: Case) -> str:
    """Whether the gradient is the same with a different dy."""
    other = case.passes(dy=map_flow(lambda dy: dy * dy.dtype.type(-2) + dy.dtype.type(1), case.dy))
    is_unused = expected.any() and np.array_equal(np.asarray(other[at]), got)
    return "dy is not used: a different dy gives the same" if is_unused else ""


def _one_row(got: Array, expected: Array, at: str, case: Case) -> str:
    """Whether grads are those of the first or the last row alone, as found by passes of each row."""
    if not at.startswith("grads") or len(case.batch) != 1 or case.batch[0] < 2 or not case.has_independent_rows:
        return ""
    rows = [np.asarray(case.of_rows([i]).passes()[at], np.float64) for i in range(case.batch[0])]
    if _is_close(sum(rows[1:], rows[0]), expected) and (_is_close(got, rows[0]) or _is_close(got, rows[-1])):
        return "the sum over the batch is missing: it is the gradient of one row"
    return ""


def _places(got: Array, expected: Array, at: str, case: Case) -> str:
    wrong = ~np.isclose(got, expected, rtol=1e-6, atol=0)
    if wrong.all() or not wrong.any():
        return ""
    numbers = parts("dx", case.x).get(at)
    if numbers is None or wrong.shape != numbers.shape:
        return f"{int(wrong.sum())} of {wrong.size} numbers are wrong"
    x, size = at.replace("dx", case.name("x")), np.abs(np.asarray(numbers, np.float64))
    if not size[wrong].any() and size[~wrong].all():
        return f"it is wrong only where {x} is 0"
    if size[wrong].min() > max(3, size[~wrong].max()):
        return f"it is wrong only in the tails, from |{x}| = {size[wrong].min():.3g} on"
    if size[wrong].max() < min(1e-2, size[~wrong].min()):
        return f"it is wrong only near 0, up to |{x}| = {size[wrong].max():.3g}"
    for sign, name in ((1, "positive"), (-1, "negative")):
        if (np.sign(numbers[wrong]) == sign).all() and not (np.sign(numbers[~wrong]) == sign).any():
            return f"it is wrong only where {x} is {name}"
    return f"{int(wrong.sum())} of {wrong.size} numbers are wrong"


_LOOKS = (_not_finite, _zero, _passed_through, _ignores_dy, _transposed, _one_row, _constant_ratio, _places)
