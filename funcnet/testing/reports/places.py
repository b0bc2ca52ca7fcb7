"""Where a gradient is wrong, and what is found there."""

from __future__ import annotations

import math

import numpy as np

from funcnet.testing.cases.case import Case, parts
from funcnet.testing.reports.amounts import ratio_of
from funcnet.tree import Array


def where(got: Array, expected: Array, at: str, case: Case) -> str:
    """Say which numbers are wrong, if not all are, and by which factor."""
    wrong = ~np.isclose(got, expected, rtol=1e-6, atol=0)
    if wrong.all() or not wrong.any():
        return ""
    numbers = parts("dx", case.x).get(at)
    place = "" if numbers is None or wrong.shape != numbers.shape else _by_size(wrong, numbers, at, case)
    place = place or _by_index(wrong) or f"{int(wrong.sum())} of {wrong.size} numbers are wrong"
    there = _there(got[wrong], expected[wrong])
    return f"{place}; there {there}" if there else place


def _by_size(wrong: Array, numbers: Array, at: str, case: Case) -> str:
    """Where by the sizes and signs of x."""
    x, size = at.replace("dx", case.name("x")), np.abs(np.asarray(numbers, np.float64))
    if not size[wrong].any() and size[~wrong].all():
        return f"it is wrong only where {x} is 0"
    if size[wrong].min() > max(3, size[~wrong].max()):
        return f"it is wrong only in the tails, from |{x}| = {size[wrong].min():.3g} on"
    if size[wrong].max() < min(1e-2, size[~wrong].min()):
        return f"it is wrong only near 0, up to |{x}| = {size[wrong].max():.3g}"
    for sign, name in ((1, "positive"), (-1, "negative")):
        is_alone = wrong.sum() < 2 or (~wrong).sum() < 2  # one number has a sign by chance
        if not is_alone and np.array_equal(np.sign(numbers) == sign, wrong):
            return f"it is wrong only where {x} is {name}"
    return ""


def _by_index(wrong: Array) -> str:
    """Where by one index, such as the first step of time."""
    for axis in range(wrong.ndim):
        some = wrong.any(axis=tuple(i for i in range(wrong.ndim) if i != axis))
        indices = np.flatnonzero(some)
        if wrong.take(indices, axis).all() and min(wrong.sum(), (~wrong).sum()) > 3:  # fewer may be chance
            return f"it is wrong only at {_said(indices)} of axis {axis}"
    return ""


def _said(indices: Array) -> str:
    if len(indices) == 1:
        return f"index {indices[0]}"
    if (np.diff(indices) == 1).all():
        return f"indices {indices[0]} to {indices[-1]}"
    return f"indices {', '.join(map(str, indices))}"


def _there(got: Array, expected: Array) -> str:
    """What the wrong numbers have in common."""
    if not got.any():
        return "it is 0"
    if not expected.any():
        return "it should be 0"
    ratio = ratio_of(got, expected) if got.size > 1 else None
    if ratio is None:
        return ""
    return "the sign is wrong" if math.isclose(ratio, -1, rel_tol=1e-4) else f"it is {ratio:.6g} times the right one"
