"""`verify`: a run is replayed, and every bit that it left behind compared."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from importlib.util import find_spec
from itertools import islice, zip_longest
from typing import Any

import attrs
import numpy as np

from funcnet.data import Dataset
from funcnet.errors import NonFiniteError
from funcnet.experiments.directory import Directory
from funcnet.experiments.environment import blas_threads, facts
from funcnet.experiments.experiment import Experiment
from funcnet.experiments.history import DIGESTS, Row, digests, to_line, without_seconds
from funcnet.experiments.progress import Progress, epochs, initial_progress, with_bar
from funcnet.experiments.receipt import Receipt
from funcnet.tree import Array, Tree, equal, named_leaves
from funcnet.values import aligned

Difference = tuple[str, Any, Any]  # what, as it was recorded, as it is now
_MOST_ROWS = 12
_TINY = float(np.finfo(np.float64).tiny)


@attrs.frozen
class Verification:
    """What a replay found: true if every bit came back; it prints as a short table.

    Of the experiment's epochs `epochs` were compared. `epoch` is the first that differs, and `differences` are what
    does there: values of the history, digests of leaves. `distances` are by how much leaves differ at the end: the
    largest difference over the leaf's largest entry, or None for another form. `environment` are the facts of the
    machine that are others now.
    """

    directory: str
    epochs: int
    epoch: int | None = None
    differences: tuple[Difference, ...] = ()
    distances: tuple[tuple[str, float | None], ...] = ()
    environment: tuple[Difference, ...] = ()

    @property
    def identical(self) -> bool:
        """Whether all came back bit for bit."""
        return not (self.differences or self.distances)

    def __bool__(self) -> bool:
        return self.identical

    def __str__(self) -> str:
        if self.identical:
            result = f"{self.directory}: identical, {self.epochs} epochs"
        else:
            begins = "in what is beside the history" if self.epoch is None else f"from epoch {self.epoch} on"
            result = f"{self.directory}: different {begins}, of {self.epochs} epochs"
        rows = [(f"  {what}", str(there), str(here)) for what, there, here in self.differences]
        rows += [(f"  {leaf} in the checkpoint", "", _written(distance)) for leaf, distance in self.distances]
        left_out = [(f"  and {len(rows) - _MOST_ROWS} more", "", "")] if len(rows) > _MOST_ROWS else []
        rows = [*rows[:_MOST_ROWS], *left_out, *((f"  {fact}", there, here) for fact, there, here in self.environment)]
        return "\n".join([result, *([aligned([("", "recorded", "now"), *rows])] if rows else [])])


def _written(distance: float | None) -> str:
    if distance is None:
        return "of another form"
    return f"off by {distance:.1e} of its largest" if math.isfinite(distance) else "not finite"


def verify(
    directory: str | os.PathLike[str], train: Dataset, test: Dataset | None = None, *, progress: bool = False
) -> Verification:
    """Run the directory's experiment again, as far as it was run, and compare params, history, state and receipt.

    BLAS gets as many threads as it began with, where threadpoolctl is installed, since they change how sums round.
    The directory is only read. `progress` shows a bar. Raises ExperimentError for other data, CheckpointError for
    damaged files, FileNotFoundError where there is no run.

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
    receipt = files.check(Receipt.begun(experiment, train, test))
    recorded, found = files.reached() or (initial_progress(experiment, train), [])
    rows = [without_seconds(row) for row in found]
    with blas_threads(_threads_of(receipt)):
        replayed, made = _replayed(experiment, train, test, recorded.epoch, progress)
        environment = _other_facts(receipt, facts())
    there, here = _first_other(rows, made)
    epoch = {**here, **there}.get("epoch")
    differences = _in_a_row(there, here, tuple(named_leaves(recorded.state.params)))
    differences += _unlike_counts(recorded, replayed)
    if receipt.state and not differences:
        after = receipt.after(made, digests(replayed.state)["params"])
        differences = () if after == receipt else (("receipt's digest", receipt.digest, after.digest),)
    distances = _distances(recorded, replayed)
    return Verification(os.fspath(directory), recorded.epoch, epoch, differences, distances, environment)


def _first_other(recorded: list[Row], replayed: list[Row]) -> tuple[Row, Row]:
    """The first pair of rows that differ; two empty ones if none do."""
    pairs: Iterator[tuple[Row, Row]] = zip_longest(recorded, replayed, fillvalue={})
    return next(((there, here) for there, here in pairs if to_line(there) != to_line(here)), ({}, {}))


def _replayed(
    experiment: Experiment, train: Dataset, test: Dataset | None, until: int, bar: bool
) -> tuple[Progress, list[Row]]:
    """The progress and the rows of the first epochs; where a loss is not finite, of those before, and its epoch."""
    progress, rows = initial_progress(experiment, train), []
    coming = islice(epochs(experiment, train, test, progress, []), max(until, 0))
    try:
        for progress, row in with_bar(coming, until, 0) if bar else coming:  # noqa: B007, the last is needed
            rows += [without_seconds(row)] if row else []
    except NonFiniteError as error:
        rows.append({"epoch": error.epoch, "loss": error.value})
    return progress, rows


def _threads_of(receipt: Receipt) -> int | None:
    """How many threads of BLAS the run began with, if that is known and they can be given."""
    known = [dict(facts).get("BLAS threads", "") for _, facts in receipt.environments][:1]
    is_count = known and known[0].isdecimal() and 0 < int(known[0]) < 1000
    return int(known[0]) if is_count and find_spec("threadpoolctl") else None


def _unlike_counts(recorded: Progress, replayed: Progress) -> tuple[Difference, ...]:
    """How many epochs and steps were made, where the checkpoint has others."""
    epochs, steps = (recorded.epoch, replayed.epoch), (recorded.state.step, replayed.state.step)
    return tuple((name, *pair) for name, pair in (("epochs", epochs), ("steps", steps)) if pair[0] != pair[1])


def _in_a_row(there: Row, here: Row, leaves: tuple[str, ...]) -> tuple[Difference, ...]:
    """What differs in a row of the history: its values, then the digests of leaves."""
    names = [name for name in {**there, **here} if name not in DIGESTS]
    values = [(name, there.get(name), here.get(name)) for name in names]
    digests = zip(leaves, there.get("leaves", ()), here.get("leaves", ()), strict=False)
    return tuple(each for each in [*values, *digests] if repr(each[1]) != repr(each[2]))


def _distances(recorded: Tree, replayed: Tree) -> tuple[tuple[str, float | None], ...]:
    """For each leaf of which a bit differs, the largest difference over the leaf's largest entry."""
    there, here = named_leaves(recorded), named_leaves(replayed)
    pairs = {name: (there.get(name), here.get(name)) for name in {**there, **here}}
    return tuple((name, _distance(*pair)) for name, pair in pairs.items() if not equal(*pair))


def _distance(there: Array | None, here: Array | None) -> float | None:
    """The largest difference over the largest entry; None between what can't be compared."""
    if there is None or here is None or (there.shape, there.dtype) != (here.shape, here.dtype):
        return None
    before, after = (a.astype(np.promote_types(a.dtype, np.float64)) for a in (there, here))
    with np.errstate(all="ignore"):
        return float(np.max(np.abs(before - after), initial=0)) / max(float(np.max(np.abs(before), initial=0)), _TINY)


def _other_facts(receipt: Receipt, now: dict[str, str]) -> tuple[Difference, ...]:
    """The facts of which any environment of the receipt had another."""
    recorded = [(fact, value) for _, facts in receipt.environments for fact, value in facts]
    return tuple((fact, value, now.get(fact, "")) for fact, value in dict.fromkeys(recorded) if now.get(fact) != value)
