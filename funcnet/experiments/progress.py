"""An experiment's epochs, one after the other, from wherever it was left: pure, and as lazy as they are asked for."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator, Sequence
from functools import reduce
from itertools import chain as chain_of
from itertools import islice
from time import perf_counter
from typing import Any

import numpy as np

from funcnet.data import Dataset, steps_per_epoch, stream
from funcnet.errors import NonFiniteError
from funcnet.experiments.experiment import Best, Experiment, Metric, evaluate, metrics_of
from funcnet.experiments.history import Row, chain, digests
from funcnet.random import Key
from funcnet.registry import register
from funcnet.schedules import learning_rate_at
from funcnet.training import TrainState
from funcnet.training import train as training_steps
from funcnet.tree import Tree, build, node


@register
@node
class Progress:
    """How far a run is: how many epochs were made, the state after them, the best params so far, or None, and the
    digest of the history."""

    epoch: int
    state: TrainState
    best: Tree
    history: str


def begin(experiment: Experiment, train: Dataset) -> Progress:
    """A run that has made no epoch: its params are as the seed has them."""
    key = Key(experiment.seed).fold_in("init")
    params = experiment.model.init(key, train.x.shape[1:], experiment.dtype)
    state = build(TrainState, 0, params, experiment.optimizer.init(params))
    return build(Progress, 0, state, None, "")


def is_over(experiment: Experiment, progress: Progress, rows: Sequence[Row]) -> bool:
    """Whether a run with this history has come to its end."""
    stopping = reduce(Best.after, rows, Best(experiment.early_stopping))
    return progress.epoch >= experiment.epochs or stopping.is_enough


def epochs(
    experiment: Experiment, train: Dataset, test: Dataset | None, progress: Progress, rows: Sequence[Row]
) -> Iterator[tuple[Progress, Row | None]]:
    """The progress after each epoch that is left, and the epoch's row of the history if it has one.

    `rows` are those of the history so far. Raises NonFiniteError, with the epoch, when a loss is NaN or infinite.
    """
    epoch, state, best, history = progress.epoch, progress.state, progress.best, progress.history
    metrics = metrics_of(experiment, train, test)
    keeping, stopping = (
        reduce(Best.after, rows, Best(watch)) for watch in (experiment.keep_best, experiment.early_stopping)
    )
    steps = _steps(experiment, train, state)
    while epoch < experiment.epochs and not stopping.is_enough:
        began, row, epoch = perf_counter(), None, epoch + 1
        try:
            with np.errstate(over="ignore", invalid="ignore"):  # a loss that is not finite says it all
                made = islice(steps, steps_per_epoch(train, experiment.batch_size))
                before, state = deque(chain_of([state], (after for after, _ in made)), maxlen=2)
        except NonFiniteError as error:
            raise NonFiniteError(error.state, error.value, epoch) from None
        if epoch % experiment.evaluate_every == 0 or epoch == experiment.epochs:
            row = _row(experiment, metrics, epoch, state, train, test)
            row["seconds"] = perf_counter() - began
            if not math.isfinite(row["loss"]):
                raise NonFiniteError(before, row["loss"], epoch)
            keeping, stopping = keeping.after(row), stopping.after(row)
            best = state.params if keeping.epoch == epoch else best
            history = chain(history, row)
        yield build(Progress, epoch, state, best, history), row


def _row(
    experiment: Experiment,
    metrics: dict[str, Metric],
    epoch: int,
    state: TrainState,
    train: Dataset,
    test: Dataset | None,
) -> Row:
    rate = getattr(experiment.optimizer, "learning_rate", None)
    with np.errstate(over="ignore", invalid="ignore"):
        values = evaluate(experiment, metrics, state.params, train, test)
    return {
        "epoch": epoch,
        "step": state.step,
        "learning_rate": None if rate is None else learning_rate_at(rate, state.step - 1),
        **values,
        **digests(state.params),
    }


def _steps(experiment: Experiment, train: Dataset, state: TrainState) -> Iterator[tuple[TrainState, Any]]:
    """The training steps from a state on; batches and masks are those of the seed."""
    key = Key(experiment.seed)
    batches = stream(train, experiment.batch_size, key.fold_in("shuffle"), state.step)
    model, loss, optimizer, penalty = experiment.model, experiment.loss, experiment.optimizer, experiment.penalty
    return training_steps(model, loss, optimizer, state, batches, key.fold_in("training"), penalty)
