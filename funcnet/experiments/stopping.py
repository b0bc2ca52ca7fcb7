"""What of a run is watched: when it is good enough to stop, and which params are best."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import attrs

from funcnet.values import at_least, one_of, real, register, specification

_is_goal: Any = one_of("min", "max")


def _is_better(value: float, other: float, goal: str) -> bool:
    return value > other if goal == "max" else value < other


@register
@specification
class KeepBest:
    """The params of a run are those of the epoch at which a metric was best, the first of several.

    `metric` is a column of the history, such as "test loss"; `goal` says whether it is best at its "min" or "max".
    """

    metric: str
    goal: str = attrs.field(validator=_is_goal)


@register
@specification
class EarlyStopping:
    """Stop after the epoch at which a metric reaches `target`, or has not become better for `patience` epochs.

    Raises ValueError without either. Prechelt: Early stopping, but when? Neural Networks: Tricks of the Trade, 1998.

    >>> EarlyStopping("test loss", "min", patience=5)
    EarlyStopping(metric='test loss', goal='min', patience=5)
    """

    metric: str
    goal: str = attrs.field(validator=_is_goal)
    patience: int | None = attrs.field(default=None, converter=attrs.converters.optional(at_least(1, "patience")))
    target: float | None = attrs.field(default=None, converter=attrs.converters.optional(real))

    def __attrs_post_init__(self) -> None:
        if self.patience is None and self.target is None:
            raise ValueError("early stopping needs a patience or a target")


@attrs.frozen
class Best:
    """The epoch, of those so far, at which what is watched was best, the first of several. NaN is never best.

    >>> from functools import reduce
    >>> rows = [{"epoch": 1, "loss": 2.0}, {"epoch": 2, "loss": 1.0}, {"epoch": 3, "loss": 1.0}]
    >>> best = reduce(Best.after, rows, Best(EarlyStopping("loss", "min", patience=2)))
    >>> best.epoch, best.should_stop
    (2, False)
    """

    watch: KeepBest | EarlyStopping | None
    epoch: int = 0
    value: float = math.nan
    latest: int = 0

    def after(self, row: Mapping[str, Any]) -> Best:
        """The best once this row of the history has come."""
        if self.watch is None:
            return self
        epoch, value = row["epoch"], row[self.watch.metric]
        is_first = math.isnan(self.value) and not math.isnan(value)
        is_best = is_first or _is_better(value, self.value, self.watch.goal)
        return Best(self.watch, epoch, value, epoch) if is_best else attrs.evolve(self, latest=epoch)

    @property
    def should_stop(self) -> bool:
        """Whether the target is reached, or patience is over."""
        stopping = self.watch
        if not isinstance(stopping, EarlyStopping):
            return False
        target, patience = stopping.target, stopping.patience
        reached = target is not None and (self.value == target or _is_better(self.value, target, stopping.goal))
        return reached or (patience is not None and self.latest - self.epoch >= patience)
