"""Opening files that may come from elsewhere: only regular files are opened, and in a run's folder no links."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import IO, Literal

# A pipe would block its reader until somebody writes into it; systems without these flags have no pipes as files.
_NO_WAITING = getattr(os, "O_NONBLOCK", 0)
_NO_LINKS = getattr(os, "O_NOFOLLOW", 0)
_NOT_REGULAR = "This is a device, a pipe or a socket: expected a regular file"
_LINK = "This is a link, and a link in the folder of a run is not followed: put a copy of the file in its place"


def opening(path: Path, mode: Literal["rb", "ab"] = "rb", *, links: bool) -> IO[bytes]:
    """Open a regular file for reading or appending; `links` says whether `path` itself may be a link to one.

    Raises OSError for anything that is not a regular file: a device may never end, and a pipe may never begin.

    >>> opening(Path(os.devnull), links=True)
    Traceback (most recent call last):
    ...
    OSError: [Errno 22] This is a device, a pipe or a socket: expected a regular file: '/dev/null'
    """
    if not links:
        check_not_a_link(path)  # also where the system has no flag that refuses links

    def regular(name: str, flags: int) -> int:
        file = os.open(name, flags | _NO_WAITING | (0 if links else _NO_LINKS), 0o666)
        if stat.S_ISREG(kind := os.fstat(file).st_mode) or stat.S_ISDIR(kind):  # `open` refuses folders by itself
            return file
        os.close(file)
        raise OSError(errno.EINVAL, _NOT_REGULAR, name)

    try:
        return open(path, mode, opener=regular)
    except OSError as error:
        if error.errno in (errno.ENXIO, errno.ENODEV):  # a socket, or a pipe that nobody reads
            raise OSError(errno.EINVAL, _NOT_REGULAR, str(path)) from error
        raise


def check_not_a_link(path: Path) -> None:
    """Raise OSError, which says what to do, if `path` itself is a link."""
    if path.is_symlink():
        raise OSError(errno.ELOOP, _LINK, str(path))
