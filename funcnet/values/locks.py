"""Locks that a forked process may use: those of `threading` are copied as they stand, locked by threads it lacks."""

from __future__ import annotations

import os
from threading import Lock


def lock_across_forks() -> Lock:
    """A lock that is free in a forked process: a fork waits until no thread holds it.

    >>> with lock_across_forks() as is_held:
    ...     is_held
    True
    """
    lock = Lock()
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(before=lock.acquire, after_in_parent=lock.release, after_in_child=lock.release)
    return lock
