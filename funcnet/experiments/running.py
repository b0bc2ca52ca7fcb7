"""`run`: trains the model of an experiment, from the start or from where an earlier run was stopped."""

from __future__ import annotations

import errno
import os
from contextlib import closing
from typing import Any

import attrs

from funcnet.data import Dataset
from funcnet.errors import CheckpointError, NonFiniteError
from funcnet.experiments.code import check_code, code_of
from funcnet.experiments.datasets import Datasets, datasets
from funcnet.experiments.directory import Directory
from funcnet.experiments.environment import blas_threads, facts
from funcnet.experiments.evaluation import metrics_of
from funcnet.experiments.experiment import Experiment
from funcnet.experiments.history import History, Row, digests
from funcnet.experiments.locking import opened
from funcnet.experiments.nowhere import Nowhere
from funcnet.experiments.progress import Progress, epochs, initial_progress, is_over, with_bar
from funcnet.experiments.receipt import Receipt
from funcnet.experiments.result import Run
from funcnet.experiments.stopping import kept_by
from funcnet.experiments.threads import threads_for
from funcnet.experiments.trial import check_depth, check_experiment, check_params, tried
from funcnet.tree import Tree
from funcnet.values import integer


@attrs.frozen
class Options:
    """How a run is made: see the parameters of `run`."""

    progress: bool = False
    checkpoint_every: int = 1
    threads: int | None = None
    choose_threads: bool = True
    check_data: bool = True
    accept_changes: bool = False


def run(
    experiment: Experiment,
    train: Dataset,
    *held_out: Dataset | None,
    validation: Dataset | None = None,
    test: Dataset | None = None,
    directory: str | os.PathLike[str] | None = None,
    params: Tree = None,
    progress: bool = False,
    checkpoint_every: int = 1,
    threads: int | None = None,
    check_data: bool = True,
    accept_changes: bool = False,
) -> Run:
    """Train the model of an experiment, and evaluate it on the training and the held-out data as it goes.

    Parameters
    ----------
    experiment : Experiment
        Model, loss, optimizer and all else that determines the run.
    train : Dataset
        Data to train on.
    *held_out : Dataset
        One more dataset: the test data or, if `test` is given too, the validation data.
    validation : Dataset, optional
        Data that the model is evaluated on, for early stopping and `keep_best`; columns "validation loss", ...
    test : Dataset, optional
        Data that the model is evaluated on, too; columns "test loss", ...
    directory : path, optional
        Folder in which the run keeps `experiment.json`, `history.jsonl`, `checkpoint.npz` and `receipt.json`. A
        stopped run resumes from there, with the bits of a run that never stopped; one that ended is only read, or goes
        on if the experiment has more epochs now.
    params : Tree, optional
        Params to start from in place of those that the seed gives; the receipt has their digest.
    progress : bool, default False
        Whether to show a progress bar.
    checkpoint_every : int, default 1
        Number of epochs from one checkpoint to the next, at least 1.
    threads : int, optional
        Number of threads of BLAS. By default one where products are small, else as many as BLAS has; a run that
        resumes has as many as it began with. It takes threadpoolctl to set the number.
    check_data : bool, default True
        Whether to refuse data with NaN or infinite numbers.
    accept_changes : bool, default False
        Whether a run may go on with classes or functions whose source has changed since it began.

    Returns
    -------
    Run
        Params, history, receipt and state.

    Raises
    ------
    CheckpointError
        If a file in the directory is damaged, or the files do not agree: nothing is written then.
    ExperimentError
        If the directory belongs to a different experiment, to different data or to different code, another run is using
        it, or it is moved away or deleted while the run goes on.
    MissingExtraError
        If a progress bar or a number of threads is asked for, and tqdm or threadpoolctl is not installed.
    NonFiniteError
        If a loss or a param is NaN or infinite; the error has the last state that is finite, the optimizer's part too.
    OSError
        If a file in the directory is a link, a device or a pipe, or the disk is full.
    TreeError
        If params do not fit the model.
    TypeError
        If a dataset is not a Dataset, or a metric does not return a number.
    UnregisteredError
        If a class or function in the experiment is not registered with `fn.register`.
    ValueError
        If a dataset is empty or has NaN, metrics share a name, a watched metric does not exist, or the experiment is
        nested too deeply for Python to print it.

    Notes
    -----
    All targets, the shortest batch and the first checkpoint are tried before the first step. Whatever ends the run
    later, Ctrl-C too, the exception has an attribute `run`: the `Run` up to there.

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
    data = datasets(train, held_out, validation, test)
    options = Options(
        progress=progress,
        checkpoint_every=integer(checkpoint_every, "checkpoint_every", 1),
        threads=threads,
        check_data=check_data,
        accept_changes=accept_changes,
    )
    ended = attempt(experiment, data, directory, params, options)
    if ended.error is not None:
        raise _with_run(ended.error, ended)
    return ended


def attempt(
    experiment: Experiment,
    data: Datasets,
    directory: str | os.PathLike[str] | None = None,
    params: Tree = None,
    options: Options = Options(),
) -> Run:
    """Like `run`; but if a loss is not finite, the run up to there, with the error."""
    check_experiment(experiment)
    metrics_of(experiment, data)  # so that mistakes are found before any work is done
    if params is not None:
        check_params(experiment, data.train, params)
    receipt = Receipt.begun(experiment, data, params)
    if directory is not None:
        check_depth(experiment)
    with opened(directory) as files:
        files.check_fits(receipt)
        start: Any = None if files.has_epochs() else initial_progress(experiment, data.train, params)
        if start is not None and not is_over(experiment, start, []):
            tried(experiment, data, start, options.check_data, directory is not None)
        receipt = files.begin(receipt, params)
        if not options.accept_changes:
            check_code(receipt, experiment, directory)
        reached, rows = files.resume_point() or (start, [])
        chosen = threads_for(reached.state.params, experiment.batch_size, options.threads, receipt)
        with blas_threads(chosen if options.choose_threads else None):
            return _run(experiment, data, files, receipt, reached, rows, options)


def _run(
    experiment: Experiment,
    data: Datasets,
    files: Directory | Nowhere,
    receipt: Receipt,
    reached: Progress,
    rows: list[Row],
    options: Options,
) -> Run:
    """The run from a progress and its rows on."""
    try:
        if not is_over(experiment, reached, rows):
            receipt = receipt.on({**facts(), **code_of(experiment)}, reached.epoch + 1)
            files.write_resumed(receipt, rows)
        # Whatever happens, the epochs are closed, and so saved, while the folder is still locked.
        made = epochs(experiment, data, reached, rows)
        coming = files.checkpointing(made, receipt, options.checkpoint_every, rows)
        shown = with_bar(coming, experiment.epochs, reached.epoch) if options.progress else coming
        with closing(coming):
            for reached, row in shown:  # noqa: B007, the last is needed
                rows += [row] if row else []
        _check_kept(experiment, reached, rows)
    except NonFiniteError as error:
        return _ended(receipt, reached, rows, error)
    except BaseException as error:
        raise _with_run(error, _ended(receipt, reached, rows, error)) from error.__cause__
    if not receipt.state:  # else it has ended before, as `resume_point` has found
        receipt = receipt.after(rows, digests(reached.state)["params"])
        files.write(receipt)
    return _ended(receipt, reached, rows)


def _ended(receipt: Receipt, reached: Progress, rows: list[Row], error: BaseException | None = None) -> Run:
    params = reached.state.params if reached.best is None else reached.best
    has_ended = bool(receipt.state) and error is None
    return Run(
        experiment=receipt.experiment,
        params=params,
        history=History.of(rows, error),
        receipt=receipt if has_ended else None,
        state=reached.state,
        error=error,
        names=receipt.names,
    )


def _check_kept(experiment: Experiment, reached: Progress, rows: list[Row]) -> None:
    """Raise ValueError if there were epochs to choose the best from, and none was."""
    watch = kept_by(experiment)
    if watch is not None and rows and reached.best is None:
        raise ValueError(f"{watch!r} has no best epoch to keep: {watch.metric!r} was NaN in each of them")


def _with_run(error: BaseException, run: Run) -> BaseException:
    """The error, with the run up to there as its attribute `run`."""
    error.run = run  # type: ignore[attr-defined]
    return error


def read(directory: str | os.PathLike[str]) -> Run:
    """The run in a directory, without its data.

    Parameters
    ----------
    directory : path
        Directory that `run` wrote; it is only read.

    Returns
    -------
    Run
        The run. If it has not ended, its receipt is None, and params, history and state are those of the last
        checkpoint.

    Raises
    ------
    CheckpointError
        If a file in the directory is damaged or was changed, the files do not agree, or no epoch has been saved yet.
    FileNotFoundError
        If the directory has no run.
    OSError
        If a file in the directory is a link, a device or a pipe.
    UnregisteredError
        If the module that registers a class or function of the run has not been imported.

    Examples
    --------
    >>> import funcnet as fn
    >>> from tempfile import TemporaryDirectory
    >>> experiment = fn.Experiment(fn.Linear(2), fn.SoftmaxCrossEntropy(), fn.SGD(0.5), batch_size=4, epochs=3)
    >>> with TemporaryDirectory() as folder:
    ...     run = fn.run(experiment, fn.data.parity(3), directory=folder)
    ...     fn.read(folder) == run
    True
    """
    files = Directory(directory)
    if not files.has_run():
        raise FileNotFoundError(errno.ENOENT, "there is no run here", str(files.path))
    receipt, resumable = files.receipt(), files.resume_point()
    if resumable is None:
        raise CheckpointError(f"{files.path} has a run of which no epoch has been saved yet")
    reached, rows = resumable
    if receipt.state and not is_over(receipt.experiment, reached, rows):
        raise CheckpointError(f"{files.path} has the receipt of an ended run, but a checkpoint before its end")
    return _ended(receipt, reached, rows)
