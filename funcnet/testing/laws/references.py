"""The law that a layer or a loss agrees with a reference, such as a fast one with a plain one."""

from __future__ import annotations

from functools import partial

import attrs
import numpy as np

from funcnet.random import Key
from funcnet.testing.cases.case import Case, Results, leaves, map_parts, named, needs
from funcnet.testing.reports.comparing import Difference, close
from funcnet.tree import Array, Tree, flatten, leaves_like

_ASIDE = 2.0**-6  # how far beside a tie the gradients are compared again: at it, both may be right


def like(case: Case) -> None:
    """{y}, {dx} and grads are those of the reference, up to rounding."""
    needs(case.like is not None, "no reference is given: like=")
    try:
        _agree(case)
    except Difference as difference:
        if case.is_given or difference.at.startswith("y") or not _agrees_aside(case):
            raise


def _agree(case: Case) -> None:
    """Raise Difference where a result is not that of the reference."""
    close(case.passes(), _expected(case), case.rounding, "the reference")


def _agrees_aside(case: Case) -> bool:
    """Whether the results agree at an x next to this one, without its ties and corners."""
    try:
        _agree(attrs.evolve(case, x=map_parts(partial(_moved, case.draws("like")), case.x)))
    except Difference:
        return False
    return True


def _moved(draws: np.random.Generator, part: Array) -> Array:
    return np.asarray(part + _ASIDE * draws.normal(size=part.shape), part.dtype)


def _expected(case: Case) -> Results:
    """The results of the reference by the names that the layer's have."""
    params = _params(case)
    y, cache = case.like.forward(params, case.x)
    dx, grads = case.like.backward(params, cache, case.dy)
    of_leaves = leaves_like(params, grads, "grads of the reference")
    return {**named(y, dx, ()), **dict(zip(leaves("grads", case.params), of_leaves, strict=True))}


def _params(case: Case) -> Tree:
    """The params as the reference has them: its own structure, if it has `init`, with the leaves in order."""
    if not hasattr(case.like, "init"):
        return case.params
    own, structure = flatten(case.like.init(Key(0), case.input_shape, case.dtype), buffers=True)
    given, _ = flatten(case.params, buffers=True)
    got, expected = ([leaf.shape for leaf in each] for each in (given, own))
    if got != expected:
        raise Difference("params", f"leaves of shapes {got}", f"leaves of shapes {expected}", oracle="the reference")
    return structure.assemble(given)
