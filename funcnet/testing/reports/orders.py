"""Whether a wrong gradient has the right numbers in the wrong order."""

from __future__ import annotations

from itertools import permutations

import numpy as np

from funcnet.testing.cases.case import Case
from funcnet.testing.reports.comparing import nearly
from funcnet.tree import Array


def reordered(got: Array, expected: Array, at: str, case: Case) -> str:
    """Say that it is transposed, flipped, rolled or shifted along an axis, or in some other order."""
    if len(np.unique(expected)) < 2 or nearly(got, expected):
        return ""
    if got.ndim > 1 and nearly(np.swapaxes(got, -1, -2), expected):
        return "it is transposed"
    for axis in range(got.ndim):
        if nearly(np.flip(got, axis), expected):
            return f"it is flipped along axis {axis}"
    for axis in range(got.ndim):
        if text := _moved(got, expected, axis):
            return text
    for order in permutations(range(got.ndim)) if 2 < got.ndim < 6 else ():
        if order != tuple(range(got.ndim)) and nearly(got.transpose(order), expected):
            return f"its axes are in the wrong order: transpose{order} gives the right one"
    is_same = len(np.unique(expected)) > 2 and nearly(np.sort(got, axis=None), np.sort(expected, axis=None))
    return "the same numbers are in a different order" if is_same else ""


def _moved(got: Array, expected: Array, axis: int) -> str:
    """Whether it is further along the axis by some places: all around it or, by one place, with an end cut off."""
    length = got.shape[axis]
    for by in range(1, length):
        if nearly(np.roll(got, -by, axis), expected):
            return f"it is rolled by {by} along axis {axis}"
    early, late = np.arange(length - 1), np.arange(1, length)
    for by, ours, theirs in ((1, late, early), (-1, early, late)) if length > 2 else ():
        right = expected.take(theirs, axis)
        if np.ptp(right) > 0 and nearly(got.take(ours, axis), right):
            return f"it is shifted by {by} along axis {axis}"
    return ""
