"""The directory of a run: `experiment.json`, `history.jsonl`, `checkpoint.npz`, `receipt.json`.

Where a run starts from given params, `initial.npz` has them.

Each file is complete at every moment. Rows are on the disk before the checkpoint that relies on them, so a run that was
killed goes on from its last checkpoint and loses nothing; rows after that checkpoint are computed again.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import reduce
from pathlib import Path
from typing import TypeVar

import attrs

from funcnet.errors import CheckpointError, ExperimentError
from funcnet.experiments.agreement import (
    check_best,
    is_progress,
    is_recorded,
    most_columns,
    unlike_history,
    unlike_rows,
)
from funcnet.experiments.differences import difference
from funcnet.experiments.experiment import Experiment
from funcnet.experiments.history import Row, chained_digest, read_rows, to_line
from funcnet.experiments.progress import Epochs, Progress, can_go_on, is_due, is_over
from funcnet.experiments.receipt import Receipt
from funcnet.saving.checkpoint import read_checkpoint, write_checkpoint
from funcnet.saving.files import naming, replacing
from funcnet.saving.opening import opening
from funcnet.tree import Tree
from funcnet.values import UnregisteredError, as_path, too_many

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
    locked: int | None = None  # the descriptor of the folder that the run has locked

    def experiment(self) -> Experiment:
        """The experiment. Raises FileNotFoundError if the folder has none."""
        return self._read(_EXPERIMENT, Experiment.from_json)

    def receipt(self) -> Receipt:
        """The receipt; the run may not have ended yet."""
        return self._read(_RECEIPT, Receipt.from_json)

    def rows(self, last: float = math.inf) -> list[Row]:
        """The rows of the history up to epoch `last`."""
        if not self.has(_HISTORY):
            return []
        most = most_columns(self.experiment())
        with opening(self.path / _HISTORY, links=False) as file, self._telling(_HISTORY):
            return read_rows(file, last, most)

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
        if not self.has(_RECEIPT):
            if receipt.initial:
                write_checkpoint(self.path / INITIAL, receipt.experiment.model, initial, links=False)
            self.write(receipt)
        return self._extended(receipt.experiment, self.receipt())

    def _extended(self, experiment: Experiment, there: Receipt) -> Receipt:
        """The receipt of the run in the folder once it is as long as the experiment."""
        epochs = experiment.epochs  # all else is the same, as `check_fits` has found
        if there.experiment.epochs != epochs and (reached := self.reached()):
            self._check_end(there, *reached)  # which the longer receipt no longer tells
            check_best(*reached, experiment)
        if self.experiment().epochs != epochs:
            self._write(_EXPERIMENT, experiment.to_json() + "\n")
        if there.experiment.epochs != epochs:
            there = there.longer(epochs)
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
        if not is_progress(progress) or difference(model, self.experiment().model):
            raise CheckpointError(f"{self.path / _CHECKPOINT} does not belong to this experiment")
        return progress

    def reached(self) -> tuple[Progress, list[Row]] | None:
        """The progress of the run when it was stopped, and its history; None if no epoch was saved."""
        if not self.has(_CHECKPOINT):
            return None
        progress = self.checkpoint()
        rows = self.rows(progress.epoch)
        if wrong := unlike_rows(self.experiment(), rows):
            raise CheckpointError(f"{self.path / _HISTORY} is damaged: {wrong}")
        return progress, rows

    def resume_point(self) -> tuple[Progress, list[Row]] | None:
        """Like `reached`, to go on from there, without rows that an extended run does not have.

        Raises CheckpointError if history, checkpoint and the receipt of a run that has ended do not agree.
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
        if wrong := unlike_history(experiment, progress, due):
            raise CheckpointError(f"{self.path / _CHECKPOINT} {wrong}")
        self._check_end(self.receipt(), progress, rows)
        return attrs.evolve(progress, history=history), due  # type: ignore[misc]

    def _check_end(self, receipt: Receipt, progress: Progress, rows: Sequence[Row]) -> None:
        """Raise CheckpointError if the run has ended otherwise than its receipt says."""
        if receipt.state and is_over(receipt.experiment, progress, rows) and not is_recorded(receipt, progress, rows):
            raise CheckpointError(f"{self.path}: history or checkpoint differ from what the receipt recorded")

    def write_resumed(self, receipt: Receipt, rows: Sequence[Row]) -> None:
        """Write the receipt and the history of a run that goes on from here."""
        self.write(receipt)
        self._write(_HISTORY, "".join(map(to_line, rows)))

    def checkpointing(self, epochs: Epochs, receipt: Receipt, every: int, rows: Sequence[Row]) -> Epochs:
        """Pass the epochs on, and save every `every`th of them, and the last one, whatever ends the run.

        `rows` are those of the history so far. Files that were deleted meanwhile are written again.
        """
        known, saved, left = [*rows], len(rows), self._left()
        last: Progress | None = None
        is_saved = True

        def save_all(progress: Progress) -> None:
            nonlocal saved, left, is_saved
            self.check_here()
            if not (self.has(_EXPERIMENT) and self.has(_RECEIPT)):
                self.write(receipt)
            if left is not None and self._left() == left:
                self._append(known[saved:])
            else:  # an append failed, or a program that synchronizes files has put an older history there
                self._write(_HISTORY, "".join(map(to_line, known)))
            saved, left = len(known), self._left()
            write_checkpoint(self.path / _CHECKPOINT, receipt.experiment.model, progress, links=False)
            is_saved = True

        try:
            for progress, row in epochs:
                known += [row] if row else []
                last, is_saved = progress, False
                yield progress, row  # first, so that the run has this epoch, too, if the disk is full
                if progress.epoch % every == 0:
                    save_all(progress)
        finally:  # a save that failed is tried again
            if last is not None and not (is_saved and all(self.has(name) for name in NAMES)):
                save_all(last)

    def _left(self) -> tuple[int, ...] | None:
        """What tells whether the history is as this run left it; None if the file has a name elsewhere, too."""
        if not self.has(_HISTORY):
            return ()
        about = (self.path / _HISTORY).lstat()
        return (about.st_ino, about.st_size, about.st_mtime_ns) if about.st_nlink == 1 else None

    def _append(self, new: Sequence[Row]) -> None:
        if not new:
            return
        with naming(self.path / _HISTORY), opening(self.path / _HISTORY, "ab", links=False) as file:
            file.write("".join(map(to_line, new)).encode())
            file.flush()
            os.fsync(file.fileno())

    def check_here(self) -> None:
        """Raise ExperimentError if the folder that is locked is not at its path: another run may have begun there."""
        if self.locked is None:
            return
        try:
            is_here = os.path.samestat(os.fstat(self.locked), self.path.stat())
        except FileNotFoundError:
            is_here = False
        if not is_here:
            raise ExperimentError(
                f"{self.path} was moved away or deleted while this run went on, so nothing more is written there: "
                "call `run` with the folder's new path, and it goes on from the last checkpoint in it"
            )

    def write(self, receipt: Receipt) -> None:
        """Replace the receipt, and write the experiment if it is not there."""
        if not self.has(_EXPERIMENT):
            self._write(_EXPERIMENT, receipt.experiment.to_json() + "\n")
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
        with self._telling(name):
            return parse(self._text(name))

    def _text(self, name: str) -> str:
        """The text of a file. Raises ValueError, before memory is taken, for one that would take too much of it."""
        data = self._bytes(name)
        if not data.isascii() and (many := too_many(data)):
            raise ValueError(many)
        return data.decode()

    def _bytes(self, name: str) -> bytes:
        with opening(self.path / name, links=False) as file:
            return file.read()

    @contextmanager
    def _telling(self, name: str) -> Iterator[None]:
        """A context in which errors of a file's content become a CheckpointError that names the file."""
        try:
            yield
        except UnregisteredError as error:
            raise UnregisteredError(f"{self.path / name}: {error}") from error
        except (ValueError, TypeError, AttributeError, LookupError, RecursionError) as error:
            raise CheckpointError(f"{self.path / name} is damaged: {error}") from error

    def _write(self, name: str, text: str) -> None:
        self.check_here()
        if self.has(name) and self._bytes(name) == text.encode():
            return  # a run that has ended does not change its files
        with replacing(self.path / name, links=False) as file:
            file.write(text.encode())
