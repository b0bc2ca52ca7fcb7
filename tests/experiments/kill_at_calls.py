"""Kills a run at each of its system calls: `python -m tests.experiments.kill_at_calls [--calls fsync] [--step 1]`.

strace delivers a signal at the first write, at the second, and so on to the last, then at each fsync and each rename,
or it lets the call fail. The files that are there must be whole, and the run goes on from them to the straight end, in
a folder without anything else. The exit code is 1 where it does not.
"""

import argparse
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import attrs

import funcnet as fn
from tests.children import finished
from tests.experiments.cases import MOMENTUM, run
from tests.experiments.kill_and_resume import ended, found

CALLS = ["write", "fsync", "rename", "mkdir", "flock"]
FAULTS = ["signal=SIGKILL", "signal=SIGTERM", "signal=SIGINT", "error=ENOSPC", "error=EIO"]
SHORT = attrs.evolve(MOMENTUM, epochs=3, keep_best=fn.KeepBest("loss", "min"))
CHILD = "import sys; from tests.experiments.kill_at_calls import SHORT, run; run(SHORT, sys.argv[1])"


def traced(folder, log, *expressions):
    """Run the experiment in a process that strace watches, and return the exit code."""
    options = [word for expression in expressions for word in ("-e", expression)]
    command = [sys.executable, "-B", "-c", CHILD, folder]
    return finished(["strace", "-qq", "-o", log, *options, *command]).returncode


def count(call):
    """How many times a run that nobody disturbs makes the call."""
    with TemporaryDirectory() as parent:
        log = Path(parent, "log")
        assert traced(Path(parent, "run"), log, f"trace={call}", "signal=none") == 0
        return len(log.read_text().splitlines())


def wrong_after(call, fault, at, straight):
    """What is wrong after a run whose call number `at` was tampered with, and after the run that went on from it."""
    with TemporaryDirectory() as parent:
        folder = Path(parent, "run")
        traced(folder, Path(parent, "log"), f"inject={call}:{fault}:when={at}", f"trace={call}")
        left = found(folder, SHORT, straight, 0, 0, fault).wrong
        same = run(SHORT, folder) == straight
        wrong = [*left, *ended(folder, straight), *([] if same else ["the run is not the straight one"])]
    return [f"{call} {at}, {fault}: {each}" for each in wrong]


def main(calls, faults, step):
    """Tamper with the calls; whether all was well."""
    straight, times, wrong = run(SHORT), 0, []
    for call in calls:
        moments = range(1, count(call) + 1, step)
        for fault in faults:
            here = [each for at in moments for each in wrong_after(call, fault, at, straight)]
            times, wrong = times + len(moments), wrong + here
            print(f"{call}, {fault}: {len(moments)} times; {'; '.join(here) or 'identical'}", flush=True)
    print(f"{times} calls: {len(wrong)} faults")
    return not wrong


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", nargs="*", default=CALLS)
    parser.add_argument("--faults", nargs="*", default=FAULTS)
    parser.add_argument("--step", type=int, default=1, help="1 for every call, 5 for every fifth")
    options = parser.parse_args()
    sys.exit(0 if main(options.calls, options.faults, options.step) else 1)
