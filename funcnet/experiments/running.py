"""`run`: an experiment on its data, from the start or from where it was left."""

from __future__ import annotations

import os
from contextlib import ExitStack, closing

import attrs

from funcnet.data import Dataset
from funcnet.errors import NonFiniteError
from funcnet.experiments.directory import opened
from funcnet.experiments.environment import facts
from funcnet.experiments.evaluation import metrics_of
from funcnet.experiments.experiment import Experiment
from funcnet.experiments.history import History, Row, digests
from funcnet.experiments.progress import Progress, epochs, initial_progress, is_over, with_bar
from funcnet.experiments.receipt import Receipt
from funcnet.training import TrainState
from funcnet.tree import Tree
from funcnet.values import integer


@attrs.frozen
class Run:
    """What came of an experiment: params, the best where `keep_best` says so, history and receipt.

    `state` is where training stopped. Of a run that failed, in a sweep, `error` says why, the receipt is None, and the
    others are what there was of it until then. Runs are equal if experiments and receipts are: those tell all but the
    times and the machine.
    """

    experiment: Experiment
    params: Tree = attrs.field(eq=False, repr=False)
    history: History = attrs.field(eq=False, repr=False)
    receipt: Receipt | None = attrs.field(repr=False)
    state: TrainState | None = attrs.field(eq=False, repr=False)
    error: Exception | None = attrs.field(default=None, eq=False)


def run(
    experiment: Experiment,
    train: Dataset,
    test: Dataset | None = None,
    *,
    directory: str | os.PathLike[str] | None = None,
    progress: bool = False,
    checkpoint_every: int = 1,
) -> Run:
    """Train the experiment's model on `train`, evaluating it on both datasets as it goes.

    In a `directory` the run keeps `experiment.json`, `history.jsonl`, `checkpoint.npz`, written after every
    `checkpoint_every` epochs, and `receipt.json`; where the same run was stopped there, by whatever, it goes on, and
    where it ended, it is read. The bits are those of a run that was never stopped. `progress` shows a bar.

    Raises ExperimentError for a directory of another experiment or other data, CheckpointError for damaged files,
    NonFiniteError, which has the last good state, when a loss is NaN or infinite, UnregisteredError for a class or a
    function that `fn.register` was not told of, MissingExtraError where a bar needs tqdm.

    >>> import funcnet as fn
    >>> model = fn.sequential(fn.Linear(8), fn.Tanh(), fn.Linear(2))
    >>> experiment = fn.Experiment(model, fn.SoftmaxCrossEntropy(), fn.Adam(0.1), batch_size=4, epochs=10)
    >>> run = fn.run(experiment, fn.data.parity(3))
    >>> run.history["epoch"][-1], run.history["accuracy"][-1]
    (10, 1.0)
    >>> run == fn.run(experiment, fn.data.parity(3))
    True
    """
    ended = attempt(experiment, train, test, directory, progress, checkpoint_every)
    if ended.error is not None:
        raise ended.error
    return ended


def attempt(
    experiment: Experiment,
    train: Dataset,
    test: Dataset | None,
    directory: str | os.PathLike[str] | None = None,
    progress: bool = False,
    checkpoint_every: int = 1,
) -> Run:
    """As `run`, but where a loss is not finite, the run that there was until then, with the error."""
    integer(checkpoint_every, "checkpoint_every", 1)
    metrics_of(experiment, train, test)  # raises what is wrong before the work
    receipt = Receipt.begun(experiment, train, test)
    with opened(directory) as files, ExitStack() as stack:
        receipt = files.begin(receipt)
        reached, rows = files.resume_point() or (initial_progress(experiment, train), [])
        if not is_over(experiment, reached, rows):
            receipt = receipt.on(facts(), reached.epoch + 1)
            files.write_resumed(receipt, rows)
        coming = epochs(experiment, train, test, reached, rows)
        # Closed, and so saved, while the folder is locked, whatever happens.
        coming = stack.enter_context(closing(files.checkpointing(coming, experiment, checkpoint_every)))
        if progress:
            coming = with_bar(coming, experiment.epochs, reached.epoch)
        try:
            for reached, row in coming:  # noqa: B007, the last is needed
                rows += [row] if row else []
        except NonFiniteError as error:
            return _ended(experiment, None, reached, rows, error)
        receipt = receipt.after(rows, digests(reached.state)["params"])
        files.write(receipt)
        return _ended(experiment, receipt, reached, rows)


def _ended(
    experiment: Experiment, receipt: Receipt | None, reached: Progress, rows: list[Row], error: Exception | None = None
) -> Run:
    params = reached.state.params if reached.best is None else reached.best
    return Run(experiment, params, History.of(rows), receipt, reached.state, error)
