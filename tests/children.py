"""How tests start child processes: each heeds Ctrl-C, and none outlives its time.

Shells start background jobs, pytest among them, so that they and their children ignore Ctrl-C.
"""

import os
import signal
import subprocess
import sys
from contextlib import contextmanager, suppress
from pathlib import Path

ROOT = Path(__file__).parents[1]


@contextmanager
def child(command, stdout=subprocess.PIPE):
    """A child in a session of its own, whose outputs are pipes; it and its own children are killed at the end."""
    with _heeding_ctrl_c():
        process = subprocess.Popen(
            [*map(str, command)], stdout=stdout, stderr=subprocess.PIPE, text=True, cwd=ROOT, start_new_session=True
        )
    with process:
        try:
            yield process
        finally:
            _kill(process)


def finished(command, timeout=120, stdout=subprocess.PIPE):
    """What a child has printed, and its exit code; raises TimeoutExpired if it takes longer than `timeout` seconds."""
    with child(command, stdout) as process:
        out, err = process.communicate(timeout=timeout)
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def python(*arguments, timeout=120, stdout=subprocess.PIPE):
    """What Python has printed when it was called with these arguments, and its exit code; see `finished`."""
    return finished([sys.executable, *arguments], timeout, stdout)


@contextmanager
def _heeding_ctrl_c():
    """What is started here has the system's own handler of Ctrl-C: a handler of Python's is not handed on."""
    before = signal.getsignal(signal.SIGINT)
    if before is not signal.SIG_IGN:
        yield
        return
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _kill(process):
    if os.name == "nt":
        process.kill()
        return
    with suppress(ProcessLookupError):  # all have ended
        os.killpg(process.pid, signal.SIGKILL)
