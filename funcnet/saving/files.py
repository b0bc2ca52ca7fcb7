"""Files that are complete at every moment, even if the process is killed or the disk is full.

A process that writes a file holds a lock on it, which its death releases; so what a killed process left is told from
what another process, here or on another machine, is writing.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from glob import escape
from pathlib import Path
from secrets import token_hex
from typing import IO

from funcnet.saving.opening import check_not_a_link, opening

try:
    import fcntl
except ModuleNotFoundError:  # Windows, where a file that is open cannot be removed
    fcntl = None  # type: ignore[assignment]

_LONGEST = 255  # bytes in the name of a file, on most systems
_ROOM = len("..-") + 10 + 8  # for the number of a process and a token
_NOT_FLUSHED = (errno.EINVAL, errno.EBADF, errno.EACCES, errno.ENOSYS, errno.ENOTSUP)


def _short(name: str) -> str:
    """As much of a name as leaves room in the name of an unfinished file."""
    return os.fsdecode(os.fsencode(name)[: _LONGEST - _ROOM]) if len(os.fsencode(name)) > _LONGEST - _ROOM else name


@contextmanager
def naming(path: Path, unfinished: Path | None = None) -> Iterator[None]:
    """A context that adds `path` to errors of the system that name no file, such as that of a full disk.

    >>> with naming(Path("notes")):
    ...     raise OSError(28, "No space left on device")
    Traceback (most recent call last):
    ...
    OSError: [Errno 28] No space left on device: 'notes'
    """
    try:
        yield
    except OSError as error:
        if error.errno is None or error.filename not in (None, str(unfinished)):
            raise
        raise OSError(error.errno, error.strerror, str(path)) from error


@contextmanager
def replacing(path: Path, *, links: bool = True) -> Iterator[IO[bytes]]:
    """Open a new file that replaces `path` once it is written, flushed and renamed; on an error the old file stays.

    `links` says whether `path` may be a link, which is kept; without it, a link is an OSError.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     with replacing(Path(folder, "notes")) as file:
    ...         _ = file.write(b"all of it")
    ...     Path(folder, "notes").read_bytes()
    b'all of it'
    """
    if not links:
        check_not_a_link(path)
    path = path.resolve()  # a link is kept, and its target replaced
    _check_replaceable(path)
    sweep(path)
    new = path.with_name(f".{_short(path.name)}.{os.getpid()}-{token_hex(4)}")
    try:
        with naming(path, new):
            with open(new, "xb") as file:
                _lock(file)
                yield file
                file.flush()
                os.fsync(file.fileno())
            if path.exists():
                shutil.copymode(path, new)
            os.replace(new, path)
    except BaseException:
        with suppress(OSError):  # the first error is told
            new.unlink()
        raise
    if hasattr(os, "O_DIRECTORY"):  # other systems cannot flush a folder
        _flush_folder(path.parent)


def _check_replaceable(path: Path) -> None:
    """Raise OSError for a device, which root could replace, and for a file that the system does not let be written."""
    if not path.exists() or path.is_dir():
        return
    if not path.is_file():
        raise OSError(errno.EINVAL, "This is a device or a pipe, and no file can take its place", str(path))
    try:
        if not path.stat().st_mode & 0o222:  # which root may write to
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        os.close(os.open(path, os.O_WRONLY))
    except PermissionError as error:
        words = "The file is read-only: make it writable, or use another name"
        raise PermissionError(error.errno, words, str(path)) from error


def _flush_folder(folder: Path) -> None:
    """Flush a folder to the disk, so that a rename in it survives a power cut, where the file system can do that."""
    try:
        descriptor = os.open(folder, os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        if error.errno not in _NOT_FLUSHED:  # which FUSE, CIFS and folders that may not be read give
            raise


# --- Unfinished files of processes that were killed ---


def sweep(path: Path) -> None:
    """Delete the unfinished files of `replacing` beside `path` that dead processes left."""
    with suppress(OSError):  # a folder that may not be read
        for left in path.parent.glob(f".{escape(_short(path.name))}.[0-9]*-????????"):
            with suppress(OSError, ValueError, OverflowError):  # another was faster, or it only looks like one of ours
                if not _is_written(left):
                    left.unlink()


def _is_written(unfinished: Path) -> bool:
    """Whether a process may still be writing the file: one of its number runs here, or its lock cannot be had."""
    if fcntl is None:
        return False
    process = int(unfinished.name.rpartition(".")[2].partition("-")[0])
    with suppress(ProcessLookupError):
        os.kill(process, 0)
        return True
    with opening(unfinished, "ab", links=False) as file:
        return not _lock(file)


def _lock(file: IO[bytes]) -> bool:
    """Lock a file until it is closed; False if another process has the lock, or the file system has no locks."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (OSError, AttributeError):
        return False
    return True
