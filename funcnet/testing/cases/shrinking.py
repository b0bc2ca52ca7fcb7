"""Shrinking a case that breaks a law to a small one that breaks it too: fewer rows, then zeros, then simpler numbers.

What is tried does not depend on luck or on the time that it takes, so the same case is shown on every machine.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs
import numpy as np

from funcnet.testing.cases.case import Case
from funcnet.testing.reports.comparing import Difference
from funcnet.tree import Array, flatten

_TRIES = 400  # smaller cases on which the law is asked
_ROUNDS = 4


def shrunk(case: Case, fails: Callable[[Case], Exception | None]) -> Case:
    """A case with fewer rows and simpler numbers that fails too; `case` itself if none is found.

    `fails` gives the exception of a case that fails in the same way.
    """
    tries = _Tries(fails)
    case = _of_fewer_rows(case, tries)
    focused = attrs.evolve(case, only=_place(fails(case)))
    simple = attrs.evolve(_simplest(focused, tries), only=None)
    return simple if fails(simple) else case


@attrs.define
class _Tries:
    """Whether a case fails, as often as that may be asked; then no case does."""

    fails: Callable[[Case], Exception | None]
    left: int = _TRIES

    def __call__(self, case: Case) -> bool:
        if not self.left:
            return False
        self.left -= 1
        return self.fails(case) is not None


def _place(error: Exception | None) -> tuple[str, tuple[int, ...]] | None:
    """The one coordinate of dx or of grads that is wrong: the others need not be asked."""
    if not isinstance(error, Difference) or error.index is None:
        return None
    return error.at, error.index


def _of_fewer_rows(case: Case, fails: _Tries) -> Case:
    """The case without every row, dropped in halves down to one at a time, that it does not need to fail."""
    step = case.batch[0] if len(case.batch) == 1 else 0
    while step := step // 2:
        start = 0
        while start < case.batch[0]:
            rows = np.delete(np.arange(case.batch[0]), slice(start, start + step))
            if len(rows) and fails(fewer := case.of_rows(rows)):
                case = fewer
            else:
                start += step
    return case


def _simplest(case: Case, fails: _Tries) -> Case:
    """The case with the simplest floating-point numbers in dy, in x unless it is given, and in params."""
    for turn in range(_ROUNDS):  # a number may become simpler once others are
        before = case
        for name in ("dy", "params") if case.is_given else ("dy", "x", "params"):
            for i in range(len(flatten(getattr(case, name))[0])):
                case = _simplified(case, name, i, fails, is_whole=turn == 0)
        if turn and case is before:
            break
    return case


def _simplified(case: Case, name: str, i: int, fails: _Tries, is_whole: bool) -> Case:
    """The case with simpler numbers in array i of its field of this name: in all of it, or down to each one."""
    arrays, structure = flatten(getattr(case, name))
    for change in _SIMPLER if arrays[i].dtype.kind == "f" else ():
        step = 0 if _is_same(change(arrays[i]), arrays[i]) else arrays[i].size
        while step:
            for start in range(0, arrays[i].size if fails.left else 0, step):
                part = arrays[i].reshape(-1)[start : start + step]
                if not _is_same(change(part), part):
                    array = arrays[i].copy()
                    array.reshape(-1)[start : start + step] = change(part)
                    simpler = [*arrays[:i], array, *arrays[i + 1 :]]
                    other = attrs.evolve(case, **{name: structure.assemble(simpler)})
                    if fails(other):
                        case, arrays = other, simpler
            step = 0 if is_whole else step // 2
    return case


def _is_same(a: Array, b: Array) -> bool:
    return np.array_equal(a, b, equal_nan=True)


_SIMPLER: tuple[Callable[[Array], Any], ...] = (
    np.zeros_like,
    lambda a: np.sign(np.round(a)),  # as the law of kinks rounds x
    np.sign,
    np.round,
    lambda a: np.round(a * 4) / 4,
    lambda a: np.round(a * 16) / 16,
)
