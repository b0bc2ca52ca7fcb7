"""The epochs of an experiment, one after the other, from the start or from any epoch: pure and lazy."""

from __future__ import annotations

import math
from collections.abc import Generator, Iterable, Iterator, Sequence
from functools import reduce
from time import perf_counter
from typing import Any

import numpy as np

from funcnet.data import Dataset, steps_per_epoch, stream
from funcnet.errors import NonFiniteError, needs
from funcnet.experiments.datasets import Datasets
from funcnet.experiments.evaluation import evaluate, metrics_of
from funcnet.experiments.experiment import Experiment
from funcnet.experiments.history import Row, chained_digest, digests
from funcnet.experiments.stopping import Best, kept_by
from funcnet.random import Key
from funcnet.schedules import learning_rate_at
from funcnet.training import LOOKED_AT_EVERY, TrainState, is_finite, not_finite
from funcnet.training import train as training_steps
from funcnet.tree import Tree, build, is_leaf, node, static
from funcnet.tree.node import children
from funcnet.values import register


@register
@node
class Progress:
    """The progress of a run: epochs so far, state after them, best params so far (or None), digest of the history."""

    epoch: int = static()
    state: TrainState
    best: Tree
    history: str = static()


Epochs = Generator[tuple[Progress, Row | None], None, None]


def initial_progress(experiment: Experiment, train: Dataset, start: Tree = None) -> Progress:
    """The progress of a run before its first epoch, with the params that the seed gives, or with `start`."""
    params = initial_params(experiment, train) if start is None else start
    state = build(TrainState, 0, params, experiment.optimizer.init(params))
    return build(Progress, 0, state, None, "")


def can_go_on(progress: Progress, experiment: Experiment) -> bool:
    """Whether the optimizer can go on from a progress, and the best params are as those of the state.

    Whether the params are those of the model, only a pass tells.
    """
    state = progress.state
    try:
        expected = experiment.optimizer.init(state.params)
    except (TypeError, ValueError):  # params that are no tree
        return False
    kinds = [getattr(each, "kind", "") for each in (state.optimizer_state, expected)]
    if kinds[0] not in ("", kinds[1]) or not _are_alike(state.optimizer_state, expected):
        return False
    return progress.best is None or _are_alike(progress.best, state.params)


def _are_alike(a: Tree, b: Tree) -> bool:
    """Whether two trees have the same structure, shapes and types of what is neither an array nor made of them."""
    parts, others = children(a), children(b)
    if type(a) is not type(b) or parts is None or others is None:
        return type(a) is type(b) and (not is_leaf(a) or a.shape == b.shape)
    return len(parts) == len(others) and all(map(_are_alike, parts, others))


def initial_params(experiment: Experiment, train: Dataset) -> Tree:
    """The params that the seed gives."""
    return experiment.model.init(Key(experiment.seed).fold_in("init"), train.input_shape, experiment.dtype)


def is_over(experiment: Experiment, progress: Progress, rows: Sequence[Row]) -> bool:
    """Whether a run with this progress and history has no epochs left."""
    stopping = reduce(Best.after, rows, Best(experiment.early_stopping))
    return progress.epoch >= experiment.epochs or stopping.should_stop


def is_due(experiment: Experiment, epoch: int) -> bool:
    """Whether the model is evaluated after this epoch, for a row of the history."""
    return epoch % experiment.evaluate_every == 0 or epoch == experiment.epochs


def epochs(experiment: Experiment, data: Datasets, progress: Progress, rows: Sequence[Row]) -> Epochs:
    """Yield the progress after each remaining epoch, and the epoch's row of the history or None.

    `rows` are the history so far. Raises NonFiniteError, with the epoch and the last state that is finite, when a loss
    or a param is NaN or infinite.
    """
    epoch, state, best, history = progress.epoch, progress.state, progress.best, progress.history
    metrics = metrics_of(experiment, data)
    keeping = reduce(Best.after, rows, Best(kept_by(experiment)))
    stopping = reduce(Best.after, rows, Best(experiment.early_stopping))
    steps, began, good = _steps(experiment, data.train, state), perf_counter(), state
    while epoch < experiment.epochs and not stopping.should_stop:
        row, epoch = None, epoch + 1
        try:
            with np.errstate(all="ignore"):  # a loss that is not finite is an error below
                for _ in range(steps_per_epoch(data.train, experiment.batch_size)):
                    before, (state, value) = state, next(steps)
        except NonFiniteError as error:
            last = _last_finite(experiment, data.train, good, error.state, error.step - 1)
            raise NonFiniteError(last, error.value, error.step, epoch, error.leaves) from None
        if is_due(experiment, epoch):
            with np.errstate(all="ignore"):
                values = evaluate(experiment, metrics, state.params, data)
            row = _row(experiment, epoch, state, values)
        value = row["loss"] if row else float(value)
        if not math.isfinite(value) or not is_finite(state.params):
            last = _last_finite(experiment, data.train, good, before, state.step - 1)
            raise NonFiniteError(last, value, state.step, epoch, not_finite(state))
        if (row or state.step - good.step >= LOOKED_AT_EVERY) and is_finite(state.optimizer_state):
            good = state
        if row:
            row["seconds"] = perf_counter() - began
            keeping, stopping = keeping.after(row), stopping.after(row)
            best = state.params if keeping.epoch == epoch else best
            history = chained_digest(history, row)
        yield build(Progress, epoch, state, best, history), row
        began = perf_counter() if row else began


def _row(experiment: Experiment, epoch: int, state: TrainState, values: dict[str, float]) -> Row:
    rate = getattr(experiment.optimizer, "learning_rate", None)
    return {
        "epoch": epoch,
        "step": state.step,
        "learning_rate": None if rate is None else learning_rate_at(rate, state.step - 1),
        **values,
        **digests(state.params),
    }


def _last_finite(experiment: Experiment, train: Dataset, good: TrainState, before: TrainState, step: int) -> TrainState:
    """The last state up to `step` that is finite: `before`, or one of the steps from `good` on, made once more."""
    if before.step == step and is_finite(before):
        return before
    last = good if is_finite(good) else before
    try:
        with np.errstate(all="ignore"):
            for state, _ in _steps(experiment, train, good):
                if state.step > step or not is_finite(state):
                    break
                last = state
    except NonFiniteError:
        pass  # the loss of `last` is the one that is not finite
    return last


def _steps(experiment: Experiment, train: Dataset, state: TrainState) -> Iterator[tuple[TrainState, Any]]:
    """The training steps from a state on, with the batches and dropout masks that the seed gives."""
    key = Key(experiment.seed)
    batches = stream(train, experiment.batch_size, key.fold_in("shuffle"), state.step)
    model, loss, optimizer, penalty = experiment.model, experiment.loss, experiment.optimizer, experiment.penalty
    training_key, gradient = key.fold_in("training"), experiment.gradient
    return training_steps(model, loss, optimizer, state, batches, training_key, penalty, gradient)


def with_bar(coming: Iterable[tuple[Progress, Row | None]], total: int, initial: int) -> Epochs:
    """Pass the epochs on, and show a progress bar with the loss."""
    with needs("tqdm", extra="experiments"):
        from tqdm import tqdm  # type: ignore[import-untyped]
    with tqdm(total=total, initial=initial, unit="epoch") as bar:
        for progress, row in coming:
            bar.update()
            if row:
                bar.set_postfix(loss=f"{row['loss']:.4g}", refresh=False)
            yield progress, row
