"""Paths as users give them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from funcnet.errors import shown


def as_path(path: Any, name: str = "path") -> Path:
    """`path` as a Path, in which a "~" or "~user" at the start is the home folder, as in a shell.

    Raises TypeError unless it is a path, ValueError if it is empty or has a null character; errors call it `name`.

    >>> as_path("~/model.npz") == Path.home() / "model.npz", as_path("model~.npz").name
    (True, 'model~.npz')
    """
    if not isinstance(path, str | os.PathLike):
        raise TypeError(f"{name} must be a path, such as 'model.npz', got a {type(path).__name__}")
    if not os.fspath(path):
        raise ValueError(f"{name} must be a path, such as 'model.npz', got an empty string")
    if "\0" in str(path):  # of which the system would not say where it is
        raise ValueError(
            f"{name} must be a path, such as 'model.npz', got {shown(str(path))}, which has a null character"
        )
    return Path(os.path.expanduser(path))
