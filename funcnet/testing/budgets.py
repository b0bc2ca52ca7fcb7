"""Checks of a subject with their options, one of which is a budget of time in place of a number of cases."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from inspect import unwrap
from typing import Any

import attrs

from funcnet.testing.reports.holding import Check

_UNITS = {"s": 1, "min": 60, "h": 3600}
_LEAST = 14  # cases: one for each shape of a batch and each dtype


def made(check: Callable[..., None], subject: Any, options: Mapping[str, Any], budget: str | None) -> Check:
    """What `check_layer` or another check asks of the subject."""
    if budget is None:
        return unwrap(check)(subject, **options)  # type: ignore[no-any-return]
    seconds = _seconds(budget)
    if "examples" in options:
        raise TypeError("give either examples, a number of cases, or budget, a time")
    found: Check = unwrap(check)(subject, **options, examples=sys.maxsize)
    return attrs.evolve(found, cases=_until(found.cases, seconds), most_seconds=seconds)


def _seconds(budget: str) -> float:
    found = re.fullmatch(r"(\d+(?:\.\d+)?) ?(s|min|h)", budget) if isinstance(budget, str) else None
    seconds = float(found[1]) * _UNITS[found[2]] if found else 0
    if not seconds:
        raise ValueError(f'budget must be a time such as "1s", "2min" or "1h", got {budget!r}')
    return seconds


def _until(cases: Iterable[Any], seconds: float) -> Iterator[Any]:
    """The cases until time is up, but at least the first of them."""
    end = time.monotonic() + seconds
    for i, case in enumerate(cases):
        if i >= _LEAST and time.monotonic() > end:
            return
        yield case
