"""`sweep`: many experiments on the same data, one after the other or on the workers of an executor."""

from __future__ import annotations

import os
import pickle
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, wait

from funcnet.data import Dataset
from funcnet.errors import MissingExtraError
from funcnet.experiments.environment import blas_threads
from funcnet.experiments.experiment import Experiment
from funcnet.experiments.history import History
from funcnet.experiments.running import Run, attempt


def sweep(
    experiments: Iterable[Experiment], train: Dataset, test: Dataset | None = None, executor: Executor | None = None
) -> Iterator[tuple[Experiment, Run]]:
    """Each experiment and its run, in their order, as soon as it and those before it have ended.

    A run that fails has the `error`, and the others go on. Experiments are taken as they are needed: one at a time, or
    a few ahead of the executor's workers. Each run has one thread of BLAS, since the runs share the cores, and so
    the bits are the same on any executor and on none; the receipts say so. An executor of threads has one BLAS for all
    of them, which is limited until the sweep ends.

    Raises MissingExtraError without threadpoolctl.

    >>> import funcnet as fn
    >>> experiment = fn.Experiment(fn.Linear(2), fn.SoftmaxCrossEntropy(), fn.SGD(0.5), batch_size=4, epochs=9)
    >>> experiments = fn.grid(experiment, **{"optimizer.learning_rate": [0.01, 1.0]})
    >>> for experiment, run in fn.sweep(experiments, fn.data.parity(3)):
    ...     print(experiment.optimizer, run.history["accuracy"][-1])
    SGD(learning_rate=0.01) 0.75
    SGD(learning_rate=1.0) 1.0
    """
    if executor is None:
        return ((experiment, _attempted(experiment, train, test, None)) for experiment in experiments)
    return _on(executor, experiments, train, test)


def _on(
    executor: Executor, experiments: Iterable[Experiment], train: Dataset, test: Dataset | None
) -> Iterator[tuple[Experiment, Run]]:
    ahead = 2 * getattr(executor, "_max_workers", os.cpu_count() or 1)  # no worker waits while a run is looked at
    waiting: deque[tuple[Experiment, Future[Run]]] = deque()
    with blas_threads(1):
        try:
            for experiment in experiments:
                waiting.append((experiment, _submitted(executor, experiment, train, test)))
                while len(waiting) > ahead:
                    running = [future for _, future in waiting if not future.done()]
                    if waiting[0][1].done():
                        yield _result(*waiting.popleft())
                    elif len(running) > ahead:
                        wait(running, return_when=FIRST_COMPLETED)
                    else:
                        break  # the first is slow: the workers get more meanwhile
            while waiting:
                yield _result(*waiting.popleft())
        finally:
            for _, future in waiting:
                future.cancel()


def _submitted(executor: Executor, experiment: Experiment, train: Dataset, test: Dataset | None) -> Future[Run]:
    try:
        return executor.submit(_attempted, experiment, train, test, os.getpid())
    except BrokenExecutor as error:  # a worker died; what it had, and all to come, fails with this
        failed: Future[Run] = Future()
        failed.set_exception(error)
        return failed


def _attempted(experiment: Experiment, train: Dataset, test: Dataset | None, submitter: int | None) -> Run:
    """The run, whatever comes of it. Threads of the submitting process leave BLAS alone, which is limited there."""
    try:
        with blas_threads(None if submitter == os.getpid() else 1):
            return attempt(experiment, train, test)
    except Exception as error:
        return _failed(experiment, error if submitter in (None, os.getpid()) else _portable(error))


def _portable(error: Exception) -> Exception:
    """The error, or what it says, if it would not survive the way to another process."""
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error


def _result(experiment: Experiment, future: Future[Run]) -> tuple[Experiment, Run]:
    """The run of a future; one whose worker died, or that could not be sent, has failed."""
    try:
        return experiment, future.result()
    except Exception as error:
        return experiment, _failed(experiment, error)


def _failed(experiment: Experiment, error: Exception) -> Run:
    """A run without results. Without threadpoolctl all would fail, and so the sweep does."""
    if isinstance(error, MissingExtraError):
        raise error
    return Run(experiment, None, History.of([]), None, None, error)
