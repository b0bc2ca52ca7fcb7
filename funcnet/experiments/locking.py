"""The lock of a run's directory: one run at a time writes there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import attrs

from funcnet.errors import ExperimentError
from funcnet.experiments.directory import INITIAL, NAMES, Directory
from funcnet.experiments.nowhere import Nowhere
from funcnet.saving.files import sweep


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
    folder = os.open(directory.path, os.O_RDONLY)
    try:
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ExperimentError(f"another run is using {path}") from None
        except OSError:  # some network file systems have no locks
            pass
        for name in (*NAMES, INITIAL):
            sweep(directory.path / name)
        yield attrs.evolve(directory, locked=folder)
    finally:
        with suppress(OSError):  # where there are no locks
            fcntl.flock(folder, fcntl.LOCK_UN)  # child processes share the lock after a fork
        os.close(folder)
