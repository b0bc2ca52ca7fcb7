"""The directory of a run: `experiment.json`, `history.jsonl`, `checkpoint.npz`, `receipt.json`.

Where a run starts from given params, `initial.npz` has them.

Each file is complete at every moment. Rows are on the disk before the checkpoint that relies on them, so a run that was
killed goes on from its last checkpoint and loses nothing; rows after that checkpoint are computed again.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import reduce
from pathlib import Path
from typing import Any, TypeVar

import attrs

from funcnet.errors import CheckpointError, ExperimentError
from funcnet.experiments.differences import difference
from funcnet.experiments.experiment import Experiment
from funcnet.experiments.history import Row, chained_digest, from_line, to_line
from funcnet.experiments.progress import Epochs, Progress, can_go_on, is_due, is_progress
from funcnet.experiments.receipt import Receipt
from funcnet.experiments.stopping import Best, kept_by
from funcnet.saving.checkpoint import read_checkpoint, write_checkpoint
from funcnet.saving.files import naming, replacing
from funcnet.saving.opening import opening
from funcnet.tree import Tree
from funcnet.values import UnregisteredError, as_path

NAMES = ("experiment.json", "history.jsonl", "checkpoint.npz", "receipt.json")
_EXPERIMENT, _HISTORY, _CHECKPOINT, _RECEIPT = NAMES
INITIAL = "initial.npz"
_Value = TypeVar("_Value")


def _absolute(path: str | os.PathLike[str]) -> Path:
    return as_path(path, "directory").absolute()


@attrs.frozen
class Directory:
    """The folder of a run, and the files in it."""

    path: Path = attrs.field(converter=_absolute)

    def experiment(self) -> Experiment:
        """The experiment. Raises FileNotFoundError if the folder has none."""
        return self._read(_EXPERIMENT, Experiment.from_json)

    def receipt(self) -> Receipt:
        """The receipt; the run may not have ended yet."""
        return self._read(_RECEIPT, Receipt.from_json)

    def rows(self) -> list[Row]:
        """The rows of the history, without a last line that was cut off when the process was killed."""
        text = self._read(_HISTORY, str) if self.has(_HISTORY) else ""
        return [self._parsed(_HISTORY, from_line, line) for line in text.split("\n")[:-1] if line]

    def check_fits(self, receipt: Receipt) -> None:
        """Raise ExperimentError if the run cannot begin or go on here: the folder belongs to a different run.

        A run that is to have more epochs than it had fits.
        """
        if not self.has(_EXPERIMENT):
            if any(self.has(name) for name in NAMES):
                raise ExperimentError(f"{self.path} has files of a run but no {_EXPERIMENT}")
        elif self.has(_RECEIPT):
            self.check(receipt, may_be_longer=True)
        else:
            self._check_experiment(self.experiment(), receipt, may_be_longer=True)
            if self.has(_CHECKPOINT):
                raise ExperimentError(f"{self.path} has a {_CHECKPOINT} but no {_RECEIPT}, so its data are unknown")

    def begin(self, receipt: Receipt, initial: Tree = None) -> Receipt:
        """Prepare the folder for a run that fits, and return the receipt in it; a longer run is extended."""
        if not self.has(_EXPERIMENT):
            self._write(_EXPERIMENT, receipt.experiment.to_json() + "\n")
        if not self.has(_RECEIPT):
            if receipt.initial:
                write_checkpoint(self.path / INITIAL, receipt.experiment.model, initial, links=False)
            self.write(receipt)
        return self._extended(receipt.experiment, self.receipt())

    def _extended(self, experiment: Experiment, there: Receipt) -> Receipt:
        """The receipt of the run in the folder once it is as long as the experiment."""
        if self.experiment() != experiment:
            _check_best(self.reached(), experiment)
            self._write(_EXPERIMENT, experiment.to_json() + "\n")
        if there.experiment != experiment:
            there = there.longer(experiment.epochs)
            self.write(there)
        return there

    def _check_experiment(self, there: Experiment, receipt: Receipt, may_be_longer: bool) -> None:
        here = receipt.experiment
        if may_be_longer and here.epochs > there.epochs:
            here = attrs.evolve(here, epochs=there.epochs)  # type: ignore[misc]
        if other := difference(there, here):
            raise ExperimentError(f"{self.path} belongs to a different experiment: {other}")

    def check(self, receipt: Receipt, may_be_longer: bool = False) -> Receipt:
        """The receipt in the folder. Raises ExperimentError unless it is of the same experiment and data.

        If it `may_be_longer`, the experiment may have more epochs than the one in the folder.
        """
        there, written = self.receipt(), self.experiment()
        self._check_experiment(written, receipt, may_be_longer)
        self._check_experiment(there.experiment, receipt, may_be_longer)
        if written.epochs < there.experiment.epochs:
            raise ExperimentError(f"{self.path} has an {_EXPERIMENT} of fewer epochs than its {_RECEIPT}")
        for name in ("train", "validation", "test"):
            if other := difference(getattr(there, name), getattr(receipt, name)):
                raise ExperimentError(f"{self.path} belongs to different data: the digest of {name} {other}")
        if other := there.names.difference(receipt.names):
            raise ExperimentError(f"{self.path} belongs to different data: {other}")
        if other := difference(there.initial, receipt.initial):
            raise ExperimentError(f"{self.path} began from different params: the digest of `params` {other}")
        return there

    def initial(self) -> Tree:
        """The params that the run was given to start from; None if it was given none."""
        return read_checkpoint(self.path / INITIAL, links=False)[1] if self.has(INITIAL) else None

    def checkpoint(self) -> Progress:
        """The progress of the run when it was last saved."""
        model, progress, _ = read_checkpoint(self.path / _CHECKPOINT, links=False)
        if not is_progress(progress) or model != self.experiment().model:
            raise CheckpointError(f"{self.path / _CHECKPOINT} does not belong to this experiment")
        return progress  # type: ignore[no-any-return]

    def reached(self) -> tuple[Progress, list[Row]] | None:
        """The progress of the run when it was stopped, and its history; None if no epoch was saved."""
        if not self.has(_CHECKPOINT):
            return None
        progress = self.checkpoint()
        return progress, [row for row in self.rows() if row["epoch"] <= progress.epoch]

    def resume_point(self) -> tuple[Progress, list[Row]] | None:
        """Like `reached`, to go on from there, without rows that an extended run does not have.

        Raises CheckpointError if the rows do not belong to the checkpoint.
        """
        reached = self.reached()
        if reached is None:
            return None
        (progress, rows), experiment = reached, self.experiment()
        if not can_go_on(progress, experiment):
            raise CheckpointError(f"{self.path / _CHECKPOINT} does not belong to this experiment")
        due = [row for row in rows if is_due(experiment, row["epoch"])]
        if progress.history not in (reduce(chained_digest, rows, ""), history := reduce(chained_digest, due, "")):
            raise CheckpointError(f"{self.path / _HISTORY} is damaged, or from a different run than {_CHECKPOINT}")
        return attrs.evolve(progress, history=history), due  # type: ignore[misc]

    def write_resumed(self, receipt: Receipt, rows: Sequence[Row]) -> None:
        """Write the receipt and the history of a run that goes on from here."""
        self.write(receipt)
        self._write(_HISTORY, "".join(map(to_line, rows)))

    def checkpointing(self, epochs: Epochs, experiment: Experiment, every: int) -> Epochs:
        """Pass the epochs on, and save every `every`th of them, and the last one, whatever ends the run."""
        new: list[Row] = []
        unsaved, length = None, self._length()

        def save_all(progress: Progress) -> None:
            nonlocal new, length, unsaved
            self._append(new, length)
            new, length = [], self._length()
            write_checkpoint(self.path / _CHECKPOINT, experiment.model, progress, links=False)
            unsaved = None

        try:
            for progress, row in epochs:
                new += [row] if row else []
                unsaved = progress
                yield progress, row  # first, so that the run has this epoch, too, if the disk is full
                if progress.epoch % every == 0:
                    save_all(progress)
        finally:  # a save that failed is tried again
            if unsaved is not None:
                save_all(unsaved)

    def _length(self) -> int:
        return (self.path / _HISTORY).lstat().st_size if self.has(_HISTORY) else 0

    def _append(self, new: Sequence[Row], length: int) -> None:
        """Append rows to the first `length` bytes of the history, and cut off the rest, left by a failed append."""
        if not new:
            return
        with naming(self.path / _HISTORY), opening(self.path / _HISTORY, "ab", links=False) as file:
            file.truncate(length)
            file.write("".join(map(to_line, new)).encode())
            file.flush()
            os.fsync(file.fileno())

    def write(self, receipt: Receipt) -> None:
        """Replace the receipt."""
        self._write(_RECEIPT, receipt.to_json())

    def has_run(self) -> bool:
        """Whether the folder has an experiment."""
        return self.has(_EXPERIMENT)

    def has_epochs(self) -> bool:
        """Whether the folder has a checkpoint."""
        return self.has(_CHECKPOINT)

    def has(self, name: str) -> bool:
        """Whether the folder has a file of this name."""
        return os.path.lexists(self.path / name)  # a link that leads nowhere is there, and is refused when it is read

    def _read(self, name: str, parse: Callable[[str], _Value]) -> _Value:
        return self._parsed(name, lambda data: parse(data.decode()), self._bytes(name))

    def _bytes(self, name: str) -> bytes:
        with opening(self.path / name, links=False) as file:
            return file.read()

    def _parsed(self, name: str, parse: Callable[[Any], _Value], text: str | bytes) -> _Value:
        try:
            return parse(text)
        except UnregisteredError as error:
            raise UnregisteredError(f"{self.path / name}: {error}") from error
        except (ValueError, TypeError, AttributeError, LookupError, RecursionError) as error:
            raise CheckpointError(f"{self.path / name} is damaged: {error}") from error

    def _write(self, name: str, text: str) -> None:
        if self.has(name) and self._bytes(name) == text.encode():
            return  # a run that has ended does not change its files
        with replacing(self.path / name, links=False) as file:
            file.write(text.encode())


class Nowhere:
    """The directory of a run that keeps no files: the methods of `Directory` that `run` calls, without effect."""

    def has_epochs(self) -> bool:
        """Return False."""
        return False

    def check_fits(self, receipt: Receipt) -> None:
        """Every run fits."""

    def begin(self, receipt: Receipt, initial: Tree = None) -> Receipt:
        """Return the receipt as it is."""
        return receipt

    def resume_point(self) -> None:
        """Return None: there is nothing to go on from."""

    def checkpointing(self, epochs: Epochs, experiment: Experiment, every: int) -> Epochs:
        """Return the epochs as they are."""
        return epochs

    def write_resumed(self, receipt: Receipt, rows: Sequence[Row]) -> None:
        """Write nothing."""

    def write(self, receipt: Receipt) -> None:
        """Write nothing."""


def _check_best(reached: tuple[Progress, list[Row]] | None, longer: Experiment) -> None:
    """Raise ExperimentError if the params that were kept are of an epoch that the longer run would not evaluate."""
    progress, rows = reached or (None, [])
    best = reduce(Best.after, rows, Best(kept_by(longer)))
    if progress is not None and progress.best is not None and not is_due(longer, best.epoch):
        raise ExperimentError(
            f"the run cannot be extended to {longer.epochs} epochs: its best params are those of epoch {best.epoch}, "
            f"which a run of {longer.epochs} epochs with evaluate_every={longer.evaluate_every} does not evaluate"
        )
