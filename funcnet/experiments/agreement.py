"""What the files of a run must agree on: a history has digests of what the checkpoint holds, a receipt of both."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import TypeGuard

from funcnet.errors import ExperimentError
from funcnet.experiments.experiment import Experiment
from funcnet.experiments.history import NOT_METRICS, Row, digests
from funcnet.experiments.progress import Progress, is_due
from funcnet.experiments.receipt import Receipt
from funcnet.experiments.stopping import Best, kept_by
from funcnet.training import TrainState
from funcnet.tree import Tree


def is_progress(found: object) -> TypeGuard[Progress]:
    """Whether what a checkpoint holds is the progress of a run, with fields of the types that they should have."""
    return (
        isinstance(found, Progress)
        and isinstance(found.state, TrainState)
        and isinstance(found.history, str)
        and all(type(number) is int and number >= 0 for number in (found.epoch, found.state.step))
    )


def most_columns(experiment: Experiment) -> int:
    """The number of columns, at most, in the history of an experiment: a loss and metrics on each of three datasets."""
    return len(NOT_METRICS) + 3 * (1 + len(experiment.metrics or "1"))  # by default there is a metric or none


def unlike_rows(experiment: Experiment, rows: Sequence[Row]) -> str:
    """What of some rows is not as in the history of an experiment, in words; "" if all is."""
    watched = [watch.metric for watch in (experiment.early_stopping, experiment.keep_best) if watch is not None]
    for row in rows:
        if other := [name for name in watched if not isinstance(row.get(name), float | int)]:
            return f"the row of epoch {row['epoch']} has no number {', '.join(other)}, which the experiment watches"
    return ""


def unlike_history(experiment: Experiment, progress: Progress, rows: Sequence[Row]) -> str:
    """What of a checkpoint is not that of which the rows have the digest, in words; "" if all is."""
    best = reduce(Best.after, rows, Best(kept_by(experiment))).epoch
    kept = [row["params"] for row in rows if row["epoch"] == best]
    last = [row["params"] for row in rows if row["epoch"] == progress.epoch]
    if kept != _digest(progress.best):
        return f"has best params that are not those of epoch {best} in the history"
    if last and last != _digest(progress.state.params):
        return f"has params that are not those of epoch {progress.epoch} in the history"
    return ""


def _digest(params: Tree) -> list[str]:
    return [] if params is None else [digests(params)["params"]]


def is_recorded(receipt: Receipt, progress: Progress, rows: Sequence[Row]) -> bool:
    """Whether a run that has ended has this progress and these rows."""
    return receipt == receipt.after(rows, digests(progress.state)["params"])


def check_best(progress: Progress, rows: Sequence[Row], longer: Experiment) -> None:
    """Raise ExperimentError if the params that were kept are of an epoch that the longer run would not evaluate."""
    best = reduce(Best.after, rows, Best(kept_by(longer)))
    if progress.best is not None and not is_due(longer, best.epoch):
        raise ExperimentError(
            f"the run cannot be extended to {longer.epochs} epochs: its best params are those of epoch {best.epoch}, "
            f"which a run of {longer.epochs} epochs with evaluate_every={longer.evaluate_every} does not evaluate"
        )
