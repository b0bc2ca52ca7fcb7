"""`verify`: replays a run, and compares every bit that the run recorded."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from itertools import islice, zip_longest
from typing import Any

import attrs
import numpy as np

from funcnet.data import Dataset
from funcnet.errors import NonFiniteError, printable
from funcnet.experiments.code import code_of
from funcnet.experiments.datasets import Datasets, datasets
from funcnet.experiments.directory import Directory
from funcnet.experiments.environment import blas_threads, facts
from funcnet.experiments.experiment import Experiment
from funcnet.experiments.history import DIGESTS, Row, digests, to_line, without_seconds
from funcnet.experiments.progress import Progress, epochs, initial_progress, with_bar
from funcnet.experiments.receipt import Receipt
from funcnet.experiments.threads import threads_of
from funcnet.tree import Array, Tree, equal, named_arrays
from funcnet.values import aligned

Difference = tuple[str, Any, Any]  # name, recorded value, value now
_MOST_ROWS = 12
_TINY = float(np.finfo(np.float64).tiny)


@attrs.frozen
class Verification:
    """The result of a replay: true if every bit is the same; prints as a short table.

    Parameters
    ----------
    directory : str
        Directory of the run.
    epochs : int
        Number of epochs that were compared.
    epoch : int, optional
        First epoch that differs.
    differences : tuple of (str, object, object), default ()
        Differing values of the history and digests of leaves at that epoch: name, recorded value, value now.
    distances : tuple of (str, float), default ()
        Differing leaves of the final checkpoint: name, and largest difference divided by the leaf's largest entry,
        or None if the leaf is missing or has a different shape or dtype.
    environment : tuple of (str, str, str), default ()
        Facts about the machine that have changed: name, recorded fact, fact now. They are not counted as differences.

    Examples
    --------
    >>> import funcnet as fn
    >>> print(fn.Verification("runs/digits", epochs=3, epoch=2, differences=(("loss", 0.5, 0.25),)))
    runs/digits: differs from epoch 2 on, 3 epochs
            recorded   now
      loss       0.5  0.25
    """

    directory: str
    epochs: int
    epoch: int | None = None
    differences: tuple[Difference, ...] = ()
    distances: tuple[tuple[str, float | None], ...] = ()
    environment: tuple[Difference, ...] = ()

    @property
    def identical(self) -> bool:
        """Whether every bit is the same."""
        return not (self.differences or self.distances)

    def __bool__(self) -> bool:
        return self.identical

    def __str__(self) -> str:
        if self.identical:
            result = f"{self.directory}: identical, {self.epochs} epochs"
        else:
            where = "outside the history" if self.epoch is None else f"from epoch {self.epoch} on"
            result = f"{self.directory}: differs {where}, {self.epochs} epochs"
        rows = [(f"  {what}", str(there), str(here)) for what, there, here in self.differences]
        rows += [(f"  {leaf} in the checkpoint", "", _written(distance)) for leaf, distance in self.distances]
        left_out = [(f"  and {len(rows) - _MOST_ROWS} more", "", "")] if len(rows) > _MOST_ROWS else []
        rows = [*rows[:_MOST_ROWS], *left_out, *((f"  {fact}", there, here) for fact, there, here in self.environment)]
        return "\n".join([printable(result), *([aligned([("", "recorded", "now"), *rows])] if rows else [])])


def _written(distance: float | None) -> str:
    if distance is None:
        return "missing, or of different shape or dtype"
    return f"off by {distance:.1e} of its largest entry" if math.isfinite(distance) else "not finite"


def verify(
    directory: str | os.PathLike[str],
    train: Dataset,
    *held_out: Dataset | None,
    validation: Dataset | None = None,
    test: Dataset | None = None,
    progress: bool = False,
) -> Verification:
    """Run the experiment of a directory again, as far as it was run, and compare params, history, state and receipt.

    Parameters
    ----------
    directory : path
        Directory that `run` wrote; it is only read.
    train : Dataset
        Training data of the run.
    *held_out : Dataset
        The test data of the run or, if `test` is given too, its validation data.
    validation, test : Dataset, optional
        Validation data and test data of the run.
    progress : bool, default False
        Whether to show a progress bar.

    Returns
    -------
    Verification
        Whether the replay is identical, and the differences.

    Raises
    ------
    CheckpointError
        If a file in the directory is damaged.
    ExperimentError
        If the directory belongs to different data.
    FileNotFoundError
        If the directory has no run.
    MissingExtraError
        If a progress bar is asked for and tqdm is not installed.
    OSError
        If a file in the directory is a link, a device or a pipe.

    Notes
    -----
    The number of BLAS threads changes how sums round. If threadpoolctl is installed, BLAS therefore gets as many
    threads as it had when the run began.

    Examples
    --------
    >>> import funcnet as fn
    >>> from tempfile import TemporaryDirectory
    >>> experiment = fn.Experiment(fn.Linear(2), fn.SoftmaxCrossEntropy(), fn.SGD(0.5), batch_size=4, epochs=3)
    >>> with TemporaryDirectory() as folder:
    ...     run = fn.run(experiment, fn.data.parity(3), directory=folder)
    ...     verification = fn.verify(folder, fn.data.parity(3))
    >>> verification.identical, verification.epochs
    (True, 3)
    """
    files = Directory(directory)
    experiment = files.experiment()
    data, initial = datasets(train, held_out, validation, test), files.initial()
    receipt = files.check(Receipt.begun(experiment, data, initial))
    start = initial_progress(experiment, data.train, initial)
    recorded, found = files.reached() or (start, [])
    rows = [without_seconds(row) for row in found]
    with blas_threads(threads_of(receipt)):
        replayed, made = _replayed(experiment, data, start, recorded.epoch, progress)
        environment = _other_facts(receipt, {**facts(), **code_of(experiment)})
    there, here = _first_other(rows, made)
    epoch = {**here, **there}.get("epoch")
    differences = _in_a_row(there, here, tuple(named_arrays(recorded.state.params)))
    differences += _unlike_counts(recorded, replayed)
    if receipt.state and not differences:
        after = receipt.after(made, digests(replayed.state)["params"])
        differences = () if after == receipt else (("receipt's digest", receipt.digest, after.digest),)
    distances = _distances(recorded, replayed)
    return Verification(os.fspath(directory), recorded.epoch, epoch, differences, distances, environment)


def _first_other(recorded: list[Row], replayed: list[Row]) -> tuple[Row, Row]:
    """The first pair of rows that differ; two empty rows if none do."""
    pairs: Iterator[tuple[Row, Row]] = zip_longest(recorded, replayed, fillvalue={})
    return next(((there, here) for there, here in pairs if to_line(there) != to_line(here)), ({}, {}))


def _replayed(
    experiment: Experiment, data: Datasets, progress: Progress, until: int, bar: bool
) -> tuple[Progress, list[Row]]:
    """Progress and rows after `until` epochs; or, if a loss is not finite, up to there, and a row with that loss."""
    rows: list[Row] = []
    coming = islice(epochs(experiment, data, progress, []), max(until, 0))
    try:
        for progress, row in with_bar(coming, until, 0) if bar else coming:  # noqa: B007, the last is needed
            rows += [without_seconds(row)] if row else []
    except NonFiniteError as error:
        rows.append({"epoch": error.epoch, "loss": error.value})
    return progress, rows


def _unlike_counts(recorded: Progress, replayed: Progress) -> tuple[Difference, ...]:
    """The numbers of epochs and steps, each if the checkpoint has a different one."""
    epochs, steps = (recorded.epoch, replayed.epoch), (recorded.state.step, replayed.state.step)
    return tuple((name, *pair) for name, pair in (("epochs", epochs), ("steps", steps)) if pair[0] != pair[1])


def _in_a_row(there: Row, here: Row, leaves: tuple[str, ...]) -> tuple[Difference, ...]:
    """The differences between two rows of the history: values, then digests of leaves."""
    names = [name for name in {**there, **here} if name not in DIGESTS]
    values = [(name, there.get(name), here.get(name)) for name in names]
    digests = zip(leaves, there.get("leaves", ()), here.get("leaves", ()), strict=False)
    return tuple(each for each in [*values, *digests] if repr(each[1]) != repr(each[2]))


def _distances(recorded: Tree, replayed: Tree) -> tuple[tuple[str, float | None], ...]:
    """For each leaf that differs in a bit, the largest difference divided by the leaf's largest entry."""
    there, here = named_arrays(recorded), named_arrays(replayed)
    pairs = {name: (there.get(name), here.get(name)) for name in {**there, **here}}
    return tuple((name, _distance(*pair)) for name, pair in pairs.items() if not equal(*pair))


def _distance(there: Array | None, here: Array | None) -> float | None:
    """The largest difference divided by the largest entry; None if shapes or dtypes differ."""
    if there is None or here is None or (there.shape, there.dtype) != (here.shape, here.dtype):
        return None
    before, after = (a.astype(np.promote_types(a.dtype, np.float64)) for a in (there, here))
    with np.errstate(all="ignore"):
        return float(np.max(np.abs(before - after), initial=0)) / max(float(np.max(np.abs(before), initial=0)), _TINY)


def _other_facts(receipt: Receipt, now: dict[str, str]) -> tuple[Difference, ...]:
    """The facts that differ now from an environment of the receipt."""
    recorded = [(fact, value) for _, facts in receipt.environments for fact, value in facts]
    return tuple((fact, value, now.get(fact, "")) for fact, value in dict.fromkeys(recorded) if now.get(fact) != value)
