"""Files that are complete at every moment, even if the process is killed or the disk is full."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex
from typing import IO

from funcnet.saving.opening import check_not_a_link


def beside(name: str) -> str:
    """A pattern that matches the unfinished files of `replacing`; one that a killed process left may be deleted.

    >>> beside("notes")
    '.notes.[0-9]*-????????'
    """
    return f".{name}.[0-9]*-????????"


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
    if path.exists() and not (path.is_file() or path.is_dir()):  # such as /dev/null, which root could replace
        raise OSError(errno.EINVAL, "This is a device or a pipe, and no file can take its place", str(path))
    new = path.with_name(f".{path.name}.{os.getpid()}-{token_hex(4)}")
    try:
        with naming(path, new):
            with open(new, "xb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            if path.exists():
                shutil.copymode(path, new)
            os.replace(new, path)
    except BaseException:
        new.unlink(missing_ok=True)
        raise
    if hasattr(os, "O_DIRECTORY"):  # other systems cannot flush a folder
        folder = os.open(path.parent, os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
