"""Files that are whole at every moment, whatever happens to the process or to the disk."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex
from typing import IO


def beside(name: str) -> str:
    """A pattern of what `replacing` writes before it is whole; files of this kind that are left are of no use.

    >>> beside("notes")
    '.notes.[0-9]*-????????'
    """
    return f".{name}.[0-9]*-????????"


@contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """A new file that takes the place of the old one when all is written, flushed and renamed; if not, the old stays.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     with replacing(Path(folder, "notes")) as file:
    ...         _ = file.write(b"all of it")
    ...     Path(folder, "notes").read_bytes()
    b'all of it'
    """
    path = path.resolve()  # a link stays one
    new = path.with_name(f".{path.name}.{os.getpid()}-{token_hex(4)}")
    try:
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
    if hasattr(os, "O_DIRECTORY"):  # elsewhere folders can't be flushed
        folder = os.open(path.parent, os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
