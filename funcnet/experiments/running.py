"""`run`: trains the model of an experiment, from the start or from where an earlier run was stopped."""

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
    """The result of an experiment; runs are equal if their experiments and receipts are.

    Parameters
    ----------
    experiment : Experiment
        The experiment.
    params : Tree
        Trained params: of the best epoch if the experiment has `keep_best`, else of the last.
    history : History
        Loss, metrics and digests of each evaluated epoch, by name.
    receipt : Receipt
        Digests of data, params and history; None if the run failed.
    state : TrainState
        State in which training stopped; None if the run failed before training.
    error : Exception, optional
        Error that ended the run, in a sweep; params, history and state are then those of the epochs before it.

    Examples
    --------
    >>> import funcnet as fn
    >>> experiment = fn.Experiment(fn.Linear(2), fn.SoftmaxCrossEntropy(), fn.SGD(0.5), batch_size=4, epochs=3)
    >>> run = fn.run(experiment, fn.data.parity(3))
    >>> run.history["epoch"], run.state.step, run.error
    ((1, 2, 3), 6, None)
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
    """Train the model of an experiment, and evaluate it on the training and the test data as it goes.

    Parameters
    ----------
    experiment : Experiment
        Model, loss, optimizer and all else that determines the run.
    train : Dataset
        Data to train on.
    test : Dataset, optional
        Data that the model is evaluated on, too.
    directory : path, optional
        Folder in which the run keeps `experiment.json`, `history.jsonl`, `checkpoint.npz` and `receipt.json`. A
        stopped run resumes from there, with the bits of a run that never stopped; one that ended is only read.
    progress : bool, default False
        Whether to show a progress bar.
    checkpoint_every : int, default 1
        Number of epochs from one checkpoint to the next, at least 1.

    Returns
    -------
    Run
        Params, history, receipt and state.

    Raises
    ------
    CheckpointError
        If a file in the directory is damaged.
    ExperimentError
        If the directory belongs to a different experiment or to different data, or another run is using it.
    MissingExtraError
        If a progress bar is asked for and tqdm is not installed.
    NonFiniteError
        If a loss is NaN or infinite; the error has the last good state.
    TypeError
        If train or test is not a Dataset, or a metric does not return a number.
    UnregisteredError
        If a class or function in the experiment is not registered with `fn.register`.
    ValueError
        If a dataset is empty, metrics share a name, or a watched metric does not exist.

    Examples
    --------
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
    """Like `run`; but if a loss is not finite, the run up to there, with the error."""
    integer(checkpoint_every, "checkpoint_every", 1)
    metrics_of(experiment, train, test)  # so that mistakes are found before any work is done
    receipt = Receipt.begun(experiment, train, test)
    with opened(directory) as files, ExitStack() as stack:
        receipt = files.begin(receipt)
        reached, rows = files.resume_point() or (initial_progress(experiment, train), [])
        if not is_over(experiment, reached, rows):
            receipt = receipt.on(facts(), reached.epoch + 1)
            files.write_resumed(receipt, rows)
        coming = epochs(experiment, train, test, reached, rows)
        # Whatever happens, the epochs are closed, and so saved, while the folder is still locked.
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
