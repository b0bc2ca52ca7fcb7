"""From a case that breaks a law to a small one that breaks it too, by Hypothesis; as it is where that is missing."""

from __future__ import annotations

import math
from collections.abc import Callable
from random import Random
from typing import Any

import attrs

from funcnet import tree
from funcnet.arrays import Array
from funcnet.testing.case import Case
from funcnet.testing.comparing import largest
from funcnet.testing.drawing import with_dy


def shrunk(case: Case, fails: Callable[[Case], bool]) -> Case:
    """A case of fewer rows and simpler numbers that fails too; this one if none is found."""
    try:
        import hypothesis
        from hypothesis import strategies as st

        from funcnet.testing import strategies
    except ImportError:
        return case

    def like(draw: Any, array: Array, rows: int | None) -> Array:
        """An array of the same magnitude, of simple numbers."""
        shape = array.shape if rows is None else (rows, *array.shape[1:])
        scale = 2.0 ** math.ceil(math.log2(largest(array) / 4)) if largest(array) else 1.0
        drawn: Array = draw(strategies.arrays(shape, scale=scale))
        return drawn.astype(array.dtype)

    @st.composite
    def simpler(draw: Any) -> Case:
        rows = draw(st.integers(0, case.batch[0])) if case.batch else None
        x = case.x if case.is_given else like(draw, case.x, rows)
        params = case.params
        if not case.is_given and not draw(st.booleans()):
            params = tree.map(lambda leaf: like(draw, leaf, None) if leaf.dtype.kind == "f" else leaf, params)
        return with_dy(attrs.evolve(case, x=x, params=params), lambda _, shape: draw(strategies.arrays(shape)), None)

    tries = min(500, 20 + 100_000 // (1 + case.x.size + tree.size(case.params)))
    settings = hypothesis.settings(
        max_examples=tries, database=None, deadline=None, suppress_health_check=list(hypothesis.HealthCheck)
    )
    try:
        found: Case = hypothesis.find(simpler(), fails, settings=settings, random=Random(0))
    except hypothesis.errors.HypothesisException:  # none was found, or what failed once does not fail again
        return case
    return found
