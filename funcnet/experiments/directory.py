"""The directory of a run: `experiment.json`, `history.jsonl`, `checkpoint.npz`, `receipt.json`.

Each file is complete at every moment. Rows are on the disk before the checkpoint that relies on them, so a run that was
killed goes on from its last checkpoint and loses nothing; rows after that checkpoint are computed again.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import reduce
from pathlib import Path
from typing import Any, TypeVar

import attrs

from funcnet.errors import CheckpointError, ExperimentError
from funcnet.experiments.differences import difference
from funcnet.experiments.experiment import Experiment
from funcnet.experiments.history import Row, chained_digest, from_line, to_line
from funcnet.experiments.progress import Epochs, Progress
from funcnet.experiments.receipt import Receipt
from funcnet.saving.checkpoint import load, save
from funcnet.saving.files import beside, naming, replacing
from funcnet.values import UnregisteredError

NAMES = ("experiment.json", "history.jsonl", "checkpoint.npz", "receipt.json")
_EXPERIMENT, _HISTORY, _CHECKPOINT, _RECEIPT = NAMES
_Value = TypeVar("_Value")


def _absolute(path: str | os.PathLike[str]) -> Path:
    return Path(path).absolute()


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

    def begin(self, receipt: Receipt) -> Receipt:
        """Prepare the folder for a run, unless it is already the run's folder, and return the receipt in it.

        Raises ExperimentError if the folder belongs to a different experiment or to different data.
        """
        if not self.has(_EXPERIMENT):
            if any(self.has(name) for name in NAMES):
                raise ExperimentError(f"{self.path} has files of a run but no {_EXPERIMENT}")
            self._write(_EXPERIMENT, receipt.experiment.to_json() + "\n")
        if not self.has(_RECEIPT):
            self._check_experiment(self.experiment(), receipt)
            if self.has(_CHECKPOINT):
                raise ExperimentError(f"{self.path} has a {_CHECKPOINT} but no {_RECEIPT}, so its data are unknown")
            self.write(receipt)
        return self.check(receipt)

    def _check_experiment(self, there: Experiment, receipt: Receipt) -> None:
        if other := difference(there, receipt.experiment):
            raise ExperimentError(f"{self.path} belongs to a different experiment: {other}")

    def check(self, receipt: Receipt) -> Receipt:
        """The receipt in the folder. Raises ExperimentError if it is of a different experiment or different data."""
        there = self.receipt()
        self._check_experiment(self.experiment(), receipt)
        self._check_experiment(there.experiment, receipt)
        for name in ("train", "test"):
            if other := difference(getattr(there, name), getattr(receipt, name)):
                raise ExperimentError(f"{self.path} belongs to different data: the digest of {name} {other}")
        return there

    def checkpoint(self) -> Progress:
        """The progress of the run when it was last saved."""
        model, progress = load(self.path / _CHECKPOINT)
        if not isinstance(progress, Progress) or model != self.experiment().model:
            raise CheckpointError(f"{self.path / _CHECKPOINT} does not belong to this experiment")
        return progress

    def reached(self) -> tuple[Progress, list[Row]] | None:
        """The progress of the run when it was stopped, and its history; None if no epoch was saved."""
        if not self.has(_CHECKPOINT):
            return None
        progress = self.checkpoint()
        return progress, [row for row in self.rows() if row["epoch"] <= progress.epoch]

    def resume_point(self) -> tuple[Progress, list[Row]] | None:
        """Like `reached`, to go on from there. Raises CheckpointError if the rows do not belong to the checkpoint."""
        reached = self.reached()
        if reached and reduce(chained_digest, reached[1], "") != reached[0].history:
            raise CheckpointError(f"{self.path / _HISTORY} is damaged, or from a different run than {_CHECKPOINT}")
        return reached

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
            save(self.path / _CHECKPOINT, experiment.model, progress)
            unsaved = None

        try:
            for progress, row in epochs:
                new += [row] if row else []
                unsaved = progress
                if progress.epoch % every == 0:
                    save_all(progress)
                yield progress, row
        finally:  # a save that failed is tried again
            if unsaved is not None:
                save_all(unsaved)

    def _length(self) -> int:
        return (self.path / _HISTORY).stat().st_size if self.has(_HISTORY) else 0

    def _append(self, new: Sequence[Row], length: int) -> None:
        """Append rows to the first `length` bytes of the history, and cut off the rest, left by a failed append."""
        if not new:
            return
        with naming(self.path / _HISTORY), open(self.path / _HISTORY, "ab") as file:
            file.truncate(length)
            file.write("".join(map(to_line, new)).encode())
            file.flush()
            os.fsync(file.fileno())

    def write(self, receipt: Receipt) -> None:
        """Replace the receipt."""
        self._write(_RECEIPT, receipt.to_json())

    def has(self, name: str) -> bool:
        """Whether the folder has a file of this name."""
        return (self.path / name).exists()

    def _read(self, name: str, parse: Callable[[str], _Value]) -> _Value:
        return self._parsed(name, lambda data: parse(data.decode()), (self.path / name).read_bytes())

    def _parsed(self, name: str, parse: Callable[[Any], _Value], text: str | bytes) -> _Value:
        try:
            return parse(text)
        except UnregisteredError as error:
            raise UnregisteredError(f"{self.path / name}: {error}") from error
        except (ValueError, TypeError, AttributeError, LookupError, RecursionError) as error:
            raise CheckpointError(f"{self.path / name} is damaged: {error}") from error

    def _write(self, name: str, text: str) -> None:
        if self.has(name) and (self.path / name).read_bytes() == text.encode():
            return  # a run that has ended does not change its files
        with replacing(self.path / name) as file:
            file.write(text.encode())


class Nowhere:
    """The directory of a run that keeps no files: the methods of `Directory` that `run` calls, without effect."""

    def begin(self, receipt: Receipt) -> Receipt:
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


@contextmanager
def opened(path: str | os.PathLike[str] | None) -> Iterator[Directory | Nowhere]:
    """The directory of a run, created if necessary and locked against other runs; for None, one that keeps no files.

    Raises ExperimentError if another run is using it. The system releases the lock when the process ends, however it
    ends.
    """
    if path is None:
        yield Nowhere()
        return
    directory = Directory(path)
    directory.path.mkdir(parents=True, exist_ok=True)
    try:
        import fcntl
    except ModuleNotFoundError:  # Windows cannot lock a folder
        yield directory
        return
    folder = os.open(path, os.O_RDONLY)
    try:
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ExperimentError(f"another run is using {path}") from None
        except OSError:  # some network file systems have no locks
            pass
        for left in (left for name in NAMES for left in directory.path.glob(beside(name))):
            left.unlink(missing_ok=True)  # unfinished files of a process that was killed
        yield directory
        fcntl.flock(folder, fcntl.LOCK_UN)  # child processes share the lock after a fork
    finally:
        os.close(folder)
