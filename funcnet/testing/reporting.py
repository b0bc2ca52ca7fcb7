"""`report`: what comes of every law, where a check stops at the first that is broken."""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import attrs

from funcnet.testing.budgets import made
from funcnet.testing.layers import check_layer
from funcnet.testing.losses import check_loss
from funcnet.testing.optimizers import check_optimizer
from funcnet.testing.reports.causes import causes
from funcnet.testing.reports.holding import (
    Check,
    Tally,
    answers,
    needless_exemption,
    quietly,
    subject_of,
    violation,
)
from funcnet.testing.reports.lines import Lines
from funcnet.testing.reports.report import LawReport, LawResult


def report(subject: Any, input_shape: Any = None, *, budget: str | None = None, **options: Any) -> LawReport:
    """Ask every law, and report which hold, which are broken, and on what.

    Parameters
    ----------
    subject : Layer, Loss, Optimizer, object or tuple of two functions
        What `check_layer`, `check_loss` or `check_optimizer` takes.
    input_shape : tuple of int, or tuple of shapes, optional
        Shape of one example, for a layer.
    budget : str, optional
        Time such as "1s" or "2min", in which cases are drawn one after another, at least 14, though a law that has
        taken this long is asked on no further case; by default the number of cases of the check.
    **options
        The options of the check: `params`, `x`, `exempt`, `examples`, `seed` and others.

    Returns
    -------
    LawReport
        It prints as a table; `.ok` says whether the check passes, `.score` how many laws hold.

    Raises
    ------
    TypeError
        If `subject` is not a layer, loss or optimizer, or for an option that its check does not have.
    ValueError
        For a wrong budget, or for what the check refuses.

    Examples
    --------
    >>> import numpy as np, funcnet as fn
    >>> def forward(params, x):
    ...     return np.sin(x), x
    >>> def backward(params, cache, dy):
    ...     return dy * np.sin(cache), ()
    >>> found = report((forward, backward), (3,), examples=4)
    >>> found.ok, found.results[0].law, found["adjointness"].status, found["adjointness"].cause
    (False, 'coordinates', 'broken', 'coordinates')
    >>> report(fn.Adam(0.1)).score
    1.0
    """
    start, drawn = time.perf_counter(), count()
    if input_shape is not None:
        options["input_shape"] = input_shape
    check = made(_check_of(subject), subject, options, budget)
    check = attrs.evolve(check, cases=(case for case, _ in zip(check.cases, drawn, strict=False)))
    tallies = {law: Tally() for law in check.kind.laws}
    with quietly():
        with Lines.of(subject) as lines:
            for answer in answers(check):
                tallies[answer.law].add(answer)
        results = tuple(_results(check, tallies))
    name = next(subject_of(check.kind, tally.last) for tally in tallies.values())
    return LawReport(name, results, next(drawn), time.perf_counter() - start, (*lines, *_unmet(results)))


def _check_of(subject: Any) -> Callable[..., None]:
    """The check of the subject's kind; objects with a backward of the cache alone are losses."""
    if hasattr(subject, "update"):
        return check_optimizer
    backward = getattr(subject, "backward", None)
    needed = inspect.signature(backward).parameters.values() if callable(backward) else ()
    return check_loss if sum(each.default is each.empty for each in needed) == 1 else check_layer


def _results(check: Check, tallies: dict[str, Tally]) -> Iterator[LawResult]:
    """The results; broken laws come first."""
    broken = {law: tally.broken for law, tally in tallies.items() if tally.broken and law not in check.exempt}
    of_broken = causes(broken)
    for law in [*of_broken, *(law for law in tallies if law not in of_broken)]:
        tally, cause = tallies[law], of_broken.get(law, "")
        statement = check.kind.statement(law, getattr(tally.last, "names", {}))
        held = LawResult(law, statement, "held", tally.cases, tally.seconds, ", ".join(tally.oracles), cause=cause)
        yield attrs.evolve(held, **_outcome(check, law, tally, cause))


def _outcome(check: Check, law: str, tally: Tally, cause: str) -> dict[str, Any]:
    """The status of a law, and what there is to say about it."""
    reason = check.exempt.get(law, "")
    if tally.broken and reason:
        return {"status": "exempt", "reason": reason}
    if tally.broken:
        kind = check.kind.of_one(law) if cause else check.kind  # only the cause's case is shrunk
        return {"status": "broken", "violation": violation(kind, tally.broken)}
    if not tally.cases:
        return {"status": "not asked", "reason": tally.reason}
    return {"violation": needless_exemption(check, [law], tally.last)} if reason else {}


def _unmet(results: tuple[LawResult, ...]) -> list[str]:
    """What a law would have said if a case had met it."""
    met = [result.oracle for result in results if result.law == "kinks" and result.status == "held"]
    return ["no tie or corner was met"] if "" in met else []
