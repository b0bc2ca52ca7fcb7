"""Watching a metric of a run: when to stop, and which params are best."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import attrs

from funcnet.values import ADDED_LATER, at_least, one_of, real, register, specification

_is_goal: Any = one_of("min", "max")


def _is_better(value: float, other: float, goal: str) -> bool:
    return value > other if goal == "max" else value < other


@register
@specification
class KeepBest:
    """Keep the params of the epoch at which a metric was best, the first of several such epochs.

    Parameters
    ----------
    metric : str
        Column of the history, such as "test loss".
    goal : {"min", "max"}
        Whether the metric is best where it is smallest or where it is largest.

    Raises
    ------
    ValueError
        If goal is neither "min" nor "max".

    Examples
    --------
    >>> import funcnet as fn
    >>> fn.KeepBest("test loss", "min")
    KeepBest(metric='test loss', goal='min')
    """

    metric: str
    goal: str = attrs.field(validator=_is_goal)


@register
@specification
class EarlyStopping:
    """Stop after the epoch at which a metric reaches `target`, or has not improved for `patience` epochs.

    Parameters
    ----------
    metric : str
        Column of the history, such as "test loss".
    goal : {"min", "max"}
        Whether the metric is best where it is smallest or where it is largest.
    patience : int, optional
        Number of epochs without improvement after which training stops, at least 1.
    target : float, optional
        Value of the metric at which training stops.
    keep : {"last", "best"}, default "last"
        Whether the run returns the params of its last epoch, or those of the epoch at which the metric was best.

    Raises
    ------
    TypeError
        If patience is not an integer or target is not a number.
    ValueError
        If goal or keep is not one of its options, patience is below 1, or both patience and target are None.

    References
    ----------
    L. Prechelt: Early stopping, but when? Neural Networks: Tricks of the Trade, 1998.

    Examples
    --------
    >>> import funcnet as fn
    >>> fn.EarlyStopping("validation loss", "min", patience=5, keep="best")
    EarlyStopping(metric='validation loss', goal='min', patience=5, keep='best')
    """

    metric: str
    goal: str = attrs.field(validator=_is_goal)
    patience: int | None = attrs.field(default=None, converter=attrs.converters.optional(at_least(1, "patience")))
    target: float | None = attrs.field(default=None, converter=attrs.converters.optional(real))
    keep: str = attrs.field(default="last", validator=one_of("last", "best"), metadata=ADDED_LATER)

    def __attrs_post_init__(self) -> None:
        if self.patience is None and self.target is None:
            raise ValueError("EarlyStopping needs a patience or a target")


def kept_by(experiment: Any) -> KeepBest | EarlyStopping | None:
    """The field of the experiment that says which params are kept; None for those of the last epoch."""
    stopping = experiment.early_stopping
    return experiment.keep_best or (stopping if stopping is not None and stopping.keep == "best" else None)


@attrs.frozen
class Best:
    """The epoch at which the watched metric was best so far, the first of several such epochs. NaN is never best.

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
        """The best epoch once this row of the history is known."""
        if self.watch is None:
            return self
        epoch, value = row["epoch"], row[self.watch.metric]
        is_first = math.isnan(self.value) and not math.isnan(value)
        is_best = is_first or _is_better(value, self.value, self.watch.goal)
        return Best(self.watch, epoch, value, epoch) if is_best else attrs.evolve(self, latest=epoch)

    @property
    def should_stop(self) -> bool:
        """Whether the target is reached, or patience has run out."""
        stopping = self.watch
        if not isinstance(stopping, EarlyStopping):
            return False
        target, patience = stopping.target, stopping.patience
        reached = target is not None and (self.value == target or _is_better(self.value, target, stopping.goal))
        return reached or (patience is not None and self.latest - self.epoch >= patience)
