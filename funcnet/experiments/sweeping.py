"""`sweep`: runs many experiments on the same data, one after the other or on the workers of an executor."""

from __future__ import annotations

import os
import pickle
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, wait

import attrs

from funcnet.data import Dataset
from funcnet.errors import MissingExtraError
from funcnet.experiments.datasets import Datasets, datasets
from funcnet.experiments.environment import blas_threads
from funcnet.experiments.experiment import Experiment
from funcnet.experiments.history import History
from funcnet.experiments.result import Run
from funcnet.experiments.running import Options, attempt
from funcnet.random import Key


def sweep(
    experiments: Iterable[Experiment],
    train: Dataset,
    test: Dataset | None = None,
    executor: Executor | None = None,
    *,
    validation: Dataset | None = None,
) -> Iterator[tuple[Experiment, Run]]:
    """Run experiments, and yield the runs in the same order, each once it and all runs before it have ended.

    Parameters
    ----------
    experiments : iterable of Experiment
        Experiments to run. They are taken one at a time, or with an executor a few ahead of its workers.
    train : Dataset
        Data to train on.
    test : Dataset, optional
        Data that the models are evaluated on, too.
    executor : concurrent.futures.Executor, optional
        Executor whose workers run the experiments; without one they run here, one after the other.
    validation : Dataset, optional
        Data that the models are evaluated on, for early stopping and `keep_best`.

    Yields
    ------
    tuple of (Experiment, Run)
        An experiment and its run. If the run failed, it has an `error`; the other runs go on.

    Raises
    ------
    MissingExtraError
        If threadpoolctl is not installed.
    TypeError
        If `experiments` is a single one.

    Notes
    -----
    BLAS has one thread in each run, since the runs share the cores. The bits are therefore the same with any executor
    and without one; the receipts record the number. The workers of a thread pool share one BLAS with the rest of the
    process, which keeps this limit until the sweep ends. Start the processes of a pool by "spawn" or "forkserver", as
    in `ProcessPoolExecutor(mp_context=multiprocessing.get_context("spawn"))`: a forked process copies locks that other
    threads hold at that moment, those of other libraries too. An error of the iterable of experiments is raised after
    the runs before it.

    Examples
    --------
    >>> import funcnet as fn
    >>> experiment = fn.Experiment(fn.Linear(2), fn.SoftmaxCrossEntropy(), fn.SGD(0.5), batch_size=4, epochs=9)
    >>> experiments = fn.grid(experiment, **{"optimizer.learning_rate": [0.01, 1.0]})
    >>> for experiment, run in fn.sweep(experiments, fn.data.parity(3)):
    ...     print(experiment.optimizer, run.history["accuracy"][-1])
    SGD(learning_rate=0.01) 0.75
    SGD(learning_rate=1.0) 1.0
    """
    data = datasets(train, (), validation, test)
    if isinstance(experiments, Experiment):
        raise TypeError("experiments must be several, such as those of fn.grid, got one: write [experiment]")
    if executor is None:
        return ((experiment, _attempted(experiment, data, None)) for experiment in experiments)
    return _on(executor, experiments, data)


def _on(executor: Executor, experiments: Iterable[Experiment], data: Datasets) -> Iterator[tuple[Experiment, Run]]:
    ahead = 2 * getattr(
        executor, "_max_workers", os.cpu_count() or 1
    )  # no worker is idle while the caller looks at a run
    waiting: deque[tuple[Experiment, Future[Run]]] = deque()
    Key(0).fold_in("").generator()  # imports what is loaded late: a process forked during an import waits for ever
    failed: list[Exception] = []  # which ends the sweep after the runs before it, as without an executor
    with blas_threads(1):
        try:
            for experiment in _until_error(experiments, failed):
                waiting.append((experiment, _submitted(executor, experiment, data)))
                while len(waiting) > ahead:
                    running = [future for _, future in waiting if not future.done()]
                    if waiting[0][1].done():
                        yield _result(*waiting.popleft())
                    elif len(running) > ahead:
                        wait(running, return_when=FIRST_COMPLETED)
                    else:
                        break  # the first is slow: give the workers more experiments
            while waiting:
                yield _result(*waiting.popleft())
            if failed:
                raise failed[0]
        finally:
            for _, future in waiting:
                future.cancel()


def _until_error(experiments: Iterable[Experiment], failed: list[Exception]) -> Iterator[Experiment]:
    """The experiments until their iterable raises an error, which is added to `failed`."""
    try:
        yield from experiments
    except Exception as error:
        failed.append(error)


def _submitted(executor: Executor, experiment: Experiment, data: Datasets) -> Future[Run]:
    try:
        return executor.submit(_attempted, experiment, data, os.getpid())
    except BrokenExecutor as error:  # a worker died: its run and all later ones fail with this error
        failed: Future[Run] = Future()
        failed.set_exception(error)
        return failed


def _attempted(experiment: Experiment, data: Datasets, submitter: int | None) -> Run:
    """The run, which may have failed. In the submitting process BLAS is limited already."""
    try:
        with blas_threads(None if submitter == os.getpid() else 1):
            return attempt(experiment, data, options=Options(choose_threads=False))
    except Exception as error:
        run = vars(error).pop("run", None)
        portable = error if submitter in (None, os.getpid()) else _portable(error)
        return _failed(experiment, portable) if run is None else attrs.evolve(run, error=portable)


def _portable(error: Exception) -> Exception:
    """The error, or a RuntimeError with its message if it cannot be pickled and unpickled."""
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error


def _result(experiment: Experiment, future: Future[Run]) -> tuple[Experiment, Run]:
    """The run of a future, which has failed if its worker died or it could not be pickled."""
    try:
        return experiment, future.result()
    except Exception as error:
        return experiment, _failed(experiment, error)


def _failed(experiment: Experiment, error: Exception) -> Run:
    """A failed run. A MissingExtraError ends the sweep instead: without threadpoolctl every run would fail."""
    if isinstance(error, MissingExtraError):
        raise error
    return Run(experiment, None, History.of([], error), None, None, error)
