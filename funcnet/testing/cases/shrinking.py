"""Shrinking a case that breaks a law to a small one that breaks it too: first fewer rows, then simpler numbers.

Hypothesis finds the simpler numbers; without it the case stays as it is.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from random import Random
from typing import Any

import attrs
import numpy as np

from funcnet.testing.cases.case import Case, map_floats, map_parts
from funcnet.testing.cases.drawing import with_dy
from funcnet.testing.reports.comparing import largest
from funcnet.tree import Array

_SECONDS = 20.0  # most time for it
_TRIES = 500


def shrunk(case: Case, fails: Callable[[Case], bool]) -> Case:
    """A case with fewer rows and simpler numbers that fails too; `case` itself if none is found."""
    try:
        import hypothesis

        from funcnet.testing import strategies
    except ImportError:
        return case
    end = time.monotonic() + _SECONDS

    def fails_in_time(case: Case) -> bool:
        return time.monotonic() < end and fails(case)

    case = _of_fewer_rows(case, fails_in_time)

    def like(draw: Any, array: Array, rows: int | None) -> Array:
        """An array of simple numbers of the same magnitude."""
        shape = array.shape if rows is None else (rows, *array.shape[1:])
        scale = 2.0 ** math.ceil(math.log2(largest(array) / 4)) if largest(array) else 1.0
        drawn: Array = draw(strategies.arrays(shape, scale=scale))
        return drawn.astype(array.dtype)

    @hypothesis.strategies.composite
    def simpler(draw: Any) -> Case:
        rows = draw(hypothesis.strategies.integers(0, case.batch[0])) if case.batch else None
        x = case.x if case.is_given else map_parts(lambda part: like(draw, part, rows), case.x)
        params = case.params
        if not case.is_given:  # drawn in any case: Hypothesis takes fewer draws for simpler, whatever they are
            simple = map_floats(lambda leaf: like(draw, leaf, None), params)
            params = params if draw(hypothesis.strategies.booleans()) else simple
        return with_dy(attrs.evolve(case, x=x, params=params), lambda _, shape: draw(strategies.arrays(shape)), None)

    ignored = list(hypothesis.HealthCheck)
    settings = hypothesis.settings(max_examples=_TRIES, database=None, deadline=None, suppress_health_check=ignored)
    try:
        found: Case = hypothesis.find(simpler(), fails_in_time, settings=settings, random=Random(0))
    except hypothesis.errors.HypothesisException:  # none was found, or a case that failed once did not fail again
        return case
    return found


def _of_fewer_rows(case: Case, fails: Callable[[Case], bool]) -> Case:
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
