"""Facts about the machine on which the bits of a run may depend, and the number of threads that BLAS uses."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from funcnet.errors import needs
from funcnet.values import lock_across_forks
from funcnet.version import __version__

_LOCK = lock_across_forks()  # held around whatever takes locks itself: `platform`, and the linker for threadpoolctl
UNKNOWN = "unknown (threadpoolctl is not installed)"


def facts() -> dict[str, str]:
    """Facts about the machine: Python, system, processor, SIMD features that NumPy found, NumPy, BLAS and funcnet.

    >>> facts()["NumPy"] == np.__version__
    True
    """
    with _LOCK:
        return _facts()


def _facts() -> dict[str, str]:
    built: dict[str, Any] = np.show_config(mode="dicts")  # type: ignore[assignment,call-arg,unused-ignore]
    simd = built.get("SIMD Extensions", {})
    return {
        "Python": f"{platform.python_implementation()} {platform.python_version()}",
        "system": platform.platform(),
        "processor": f"{_processor()}, {os.cpu_count()} cores",
        "SIMD": " ".join([*simd.get("baseline", []), *simd.get("found", [])]),
        "NumPy": np.__version__,
        **_blas(built),
        "funcnet": __version__,
        "funcnet's commit": _commit() or "none",
    }


def _processor() -> str:
    """The name of the processor; on Linux only /proc/cpuinfo has it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        name = next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        name = platform.processor()
    return f"{name} ({platform.machine()})".lstrip()


def _blas(built: dict[str, Any]) -> dict[str, str]:
    try:
        import threadpoolctl  # type: ignore[import-untyped]
    except ModuleNotFoundError:
        blas = built.get("Build Dependencies", {}).get("blas", {})
        return {
            "BLAS": f"{blas.get('name', 'unknown')} {blas.get('version', '')}".rstrip(),
            "BLAS kernel": UNKNOWN,
            "BLAS threads": UNKNOWN,
        }
    # The BLAS in SciPy's folder computes nothing for funcnet; one that SciPy shares with NumPy is elsewhere.
    pools = [
        pool
        for pool in threadpoolctl.threadpool_info()
        if pool["user_api"] == "blas" and "scipy.libs" not in pool["filepath"]
    ]
    return {
        "BLAS": ", ".join(f"{pool['internal_api']} {pool['version']}" for pool in pools),
        "BLAS kernel": ", ".join(str(pool.get("architecture", "unknown")) for pool in pools),
        "BLAS threads": ", ".join(str(pool["num_threads"]) for pool in pools),
    }


_counts: list[int] = []  # the limits in force; BLAS itself has a single limit for the whole process
_original: Any = None


def blas_threads(count: int | None) -> AbstractContextManager[None]:
    """Context manager that limits BLAS to `count` threads in this process; None changes nothing.

    If several limits are in force, nested or in several threads of a program, the smallest one applies.
    Raises MissingExtraError if threadpoolctl is not installed.

    >>> with blas_threads(1):
    ...     facts()["BLAS threads"]
    '1'
    """
    if count is None:
        return nullcontext()
    with needs("threadpoolctl", extra="experiments"):
        from threadpoolctl import threadpool_limits
    return _limited(count, threadpool_limits)


@contextmanager
def _limited(count: int, threadpool_limits: Any) -> Iterator[None]:
    global _original
    with _LOCK:
        _original = _original if _counts else threadpool_limits(None, user_api="blas")
        threadpool_limits(min(*_counts, count) if _counts else count, user_api="blas")
        _counts.append(count)  # once BLAS has accepted it
    try:
        yield
    finally:
        with _LOCK:
            _counts.remove(count)
            if _counts:
                threadpool_limits(min(_counts), user_api="blas")
            else:
                _original.restore_original_limits()


@cache
def _commit() -> str | None:
    """The git commit of funcnet's source, with a "+" if files differ from it; None outside a repository."""
    folder = Path(__file__).parent.parent
    try:
        _git(folder, "ls-files", "--error-unmatch", "__init__.py")
        changed = _git(folder, "status", "--porcelain", "--", ".")
        return _git(folder, "rev-parse", "HEAD") + ("+" if changed else "")
    except (OSError, subprocess.SubprocessError):
        return None


def _git(folder: Path, *arguments: str) -> str:
    # Without optional locks: `git status` would write the index, and a process that is killed leave it locked.
    command = ["git", "--no-optional-locks", "-C", str(folder), *arguments]
    return subprocess.run(command, capture_output=True, check=True, text=True, timeout=10).stdout.strip()
