"""The directory of a run: `experiment.json`, `history.jsonl`, `checkpoint.npz`, `receipt.json`.

Each file is whole at every moment. Rows are on the disk before the checkpoint that counts on them, so that a run which
is killed goes on from its last checkpoint with nothing lost; rows that are ahead of it are computed again.
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
from funcnet.saving.files import beside, replacing
from funcnet.values import UnregisteredError

NAMES = ("experiment.json", "history.jsonl", "checkpoint.npz", "receipt.json")
_EXPERIMENT, _HISTORY, _CHECKPOINT, _RECEIPT = NAMES
_Value = TypeVar("_Value")


def _absolute(path: str | os.PathLike[str]) -> Path:
    return Path(path).absolute()


@attrs.frozen
class Directory:
    """The files of a run in a folder."""

    path: Path = attrs.field(converter=_absolute)

    def experiment(self) -> Experiment:
        """The experiment. Raises FileNotFoundError where there is none."""
        return self._read(_EXPERIMENT, Experiment.from_json)

    def receipt(self) -> Receipt:
        """The receipt, of a run that may not have ended."""
        return self._read(_RECEIPT, Receipt.from_json)

    def rows(self) -> list[Row]:
        """The history; a last line that was cut off when the process was killed is left out."""
        text = self._read(_HISTORY, str) if self.has(_HISTORY) else ""
        return [self._parsed(_HISTORY, from_line, line) for line in text.split("\n")[:-1] if line]

    def begin(self, receipt: Receipt) -> Receipt:
        """Make this the directory of a run, if it is not that already; the receipt that it has.

        Raises ExperimentError for the directory of another experiment or of other data.
        """
        if not self.has(_EXPERIMENT):
            if any(self.has(name) for name in NAMES):
                raise ExperimentError(f"{self.path} has files of a run, but no {_EXPERIMENT}")
            self._write(_EXPERIMENT, receipt.experiment.to_json() + "\n")
        if not self.has(_RECEIPT):
            self._check_experiment(self.experiment(), receipt)
            if self.has(_CHECKPOINT):
                raise ExperimentError(f"{self.path} has a {_CHECKPOINT}, but no {_RECEIPT} that tells of which data")
            self.write(receipt)
        return self.check(receipt)

    def _check_experiment(self, there: Experiment, receipt: Receipt) -> None:
        if other := difference(there, receipt.experiment):
            raise ExperimentError(f"{self.path} is the directory of another experiment: {other}")

    def check(self, receipt: Receipt) -> Receipt:
        """The receipt that is here. Raises ExperimentError if it is of another experiment or of other data."""
        there = self.receipt()
        self._check_experiment(self.experiment(), receipt)
        self._check_experiment(there.experiment, receipt)
        for name in ("train", "test"):
            if other := difference(getattr(there, name), getattr(receipt, name)):
                raise ExperimentError(f"{self.path} is the directory of other data: the digest of {name} {other}")
        return there

    def checkpoint(self) -> Progress:
        """How far the run was when it was last saved."""
        model, progress = load(self.path / _CHECKPOINT)
        if not isinstance(progress, Progress) or model != self.experiment().model:
            raise CheckpointError(f"{self.path / _CHECKPOINT} is not of this experiment's run")
        return progress

    def reached(self) -> tuple[Progress, list[Row]] | None:
        """How far the run was when it was stopped, and its history; None if it made no epoch."""
        if not self.has(_CHECKPOINT):
            return None
        progress = self.checkpoint()
        return progress, [row for row in self.rows() if row["epoch"] <= progress.epoch]

    def resume_point(self) -> tuple[Progress, list[Row]] | None:
        """As `reached`, for a run to go on from. Raises CheckpointError for rows that are not the checkpoint's."""
        reached = self.reached()
        if reached and reduce(chained_digest, reached[1], "") != reached[0].history:
            raise CheckpointError(f"{self.path / _HISTORY} is damaged, or of another run than {_CHECKPOINT}")
        return reached

    def write_resumed(self, receipt: Receipt, rows: Sequence[Row]) -> None:
        """Write down that a run goes on from here, with the history of as far as it is."""
        self.write(receipt)
        self._write(_HISTORY, "".join(map(to_line, rows)))

    def checkpointing(self, epochs: Epochs, experiment: Experiment, every: int) -> Epochs:
        """Let the epochs pass, and save them: each `every` epochs, and, whatever ends them, the last."""
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
        finally:  # also after a save that failed, which is made again
            if unsaved is not None:
                save_all(unsaved)

    def _length(self) -> int:
        return (self.path / _HISTORY).stat().st_size if self.has(_HISTORY) else 0

    def _append(self, new: Sequence[Row], length: int) -> None:
        """Write rows after the first `length` bytes of the history, in place of what an append that failed has left."""
        if not new:
            return
        with open(self.path / _HISTORY, "ab") as file:
            file.truncate(length)
            file.write("".join(map(to_line, new)).encode())
            file.flush()
            os.fsync(file.fileno())

    def write(self, receipt: Receipt) -> None:
        """Write the receipt in place of what was there."""
        self._write(_RECEIPT, receipt.to_json())

    def has(self, name: str) -> bool:
        """Whether there is a file of this name."""
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
            return  # a run that ended and is read leaves its files alone
        with replacing(self.path / name) as file:
            file.write(text.encode())


class Nowhere:
    """Where a run that keeps no files has them: with the methods of a `Directory` that a run calls."""

    def begin(self, receipt: Receipt) -> Receipt:
        """The receipt as it is."""
        return receipt

    def resume_point(self) -> None:
        """None: nothing was kept."""

    def checkpointing(self, epochs: Epochs, experiment: Experiment, every: int) -> Epochs:
        """The epochs as they are."""
        return epochs

    def write_resumed(self, receipt: Receipt, rows: Sequence[Row]) -> None:
        """Write nothing."""

    def write(self, receipt: Receipt) -> None:
        """Write nothing."""


@contextmanager
def opened(path: str | os.PathLike[str] | None) -> Iterator[Directory | Nowhere]:
    """The directory of a run, made if need be, in which nobody else can run meanwhile; None keeps nothing.

    Raises ExperimentError if another run is in it. The system drops the lock when a process ends, however it does.
    """
    if path is None:
        yield Nowhere()
        return
    directory = Directory(path)
    directory.path.mkdir(parents=True, exist_ok=True)
    try:
        import fcntl
    except ModuleNotFoundError:  # Windows has other locks, and those not for folders
        yield directory
        return
    folder = os.open(path, os.O_RDONLY)
    try:
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ExperimentError(f"another run is in {path} at this moment") from None
        except OSError:  # some network's folders can't be locked
            pass
        for left in (left for name in NAMES for left in directory.path.glob(beside(name))):
            left.unlink(missing_ok=True)  # what a process was writing when it was killed
        yield directory
        fcntl.flock(folder, fcntl.LOCK_UN)  # for children, which a fork gave the lock too
    finally:
        os.close(folder)
