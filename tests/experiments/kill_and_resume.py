"""Kills runs at random and resumes them: `python -m tests.experiments.kill_and_resume [--times 100] [--seed 0]`.

They are ended by SIGKILL, SIGTERM, or Ctrl-C once or twice. Whatever moment it was, the files that are there must be
whole, no epoch that was saved may be lost, and what comes of the run in the end must be the straight run's to the bit,
in a folder without anything else. The exit code is 1 where it is not.
"""

import argparse
import random
import signal
import sys
import time
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

import attrs

import funcnet as fn
from funcnet.experiments.directory import NAMES, Directory
from funcnet.experiments.history import without_seconds
from tests.children import child
from tests.experiments.cases import ADAM, MOMENTUM, STATISTICS, run

SIGNALS = {
    "SIGKILL": [signal.SIGKILL],
    "SIGTERM": [signal.SIGTERM],
    "Ctrl-C": [signal.SIGINT],
    "Ctrl-C twice": [signal.SIGINT, signal.SIGINT],
}
LONGEST = 0.15  # seconds from a sign of life to the kill: some epochs, each with its saving
LONG = {
    "momentum": attrs.evolve(MOMENTUM, epochs=60),
    "Adam": attrs.evolve(  # which stops early, at epoch 89
        ADAM,
        epochs=100,
        optimizer=fn.Adam(fn.schedules.warmup(4, fn.schedules.cosine(0.004, 600))),
        early_stopping=fn.EarlyStopping("test loss", "min", patience=12),
    ),
    "AdamW": attrs.evolve(STATISTICS, epochs=60),
}


@attrs.frozen
class Found:
    """What a killed run left: how it was, the epoch of its checkpoint, whether a save was going on, what is wrong."""

    how: str
    epoch: int
    saving: bool
    wrong: tuple[str, ...]


def found(folder, experiment, straight, epoch, pid, how):
    """Look at every file that the killed process has left, after an epoch that was reached before."""
    files, wrong = Directory(folder), []
    strays = {path.name for path in folder.iterdir()} - set(NAMES) if folder.exists() else set()
    if any(not stray.startswith(tuple(f".{name}." for name in NAMES)) for stray in strays):
        wrong.append(f"there are files of another name: {strays}")
    if files.has("experiment.json") and files.experiment() != experiment:
        wrong.append("experiment.json is of another experiment")
    if files.has("receipt.json") and files.receipt().experiment != experiment:
        wrong.append("receipt.json is of another experiment")
    rows, whole = files.rows(), straight.history
    if [row["epoch"] for row in rows] != list(range(1, len(rows) + 1)):
        wrong.append("the epochs in history.jsonl are not consecutive")
    if list(map(without_seconds, rows)) != list(map(without_seconds, whole.rows()[: len(rows)])):
        wrong.append("the rows of history.jsonl are not those of the straight run")
    progress = files.checkpoint() if files.has("checkpoint.npz") else None
    reached = progress.epoch if progress else 0
    if reached < epoch:
        wrong.append(f"epoch {epoch} had been reached, and now it is {reached}")
    if len(rows) < reached:
        wrong.append(f"the checkpoint is of epoch {reached}, but there are {len(rows)} rows")
    saving = len(rows) > reached or any(f".{pid}-" in stray for stray in strays)
    if how == "Ctrl-C" and strays:
        wrong.append(f"Ctrl-C has left {strays}")
    return Found(how, reached, saving, tuple(wrong))


def ended(folder, straight):
    """What of an ended run is not as in the straight one."""
    files = Directory(folder)
    progress, receipt, history = files.checkpoint(), files.receipt(), straight.history
    expected = {
        "receipt's digest": (receipt.digest, straight.receipt.digest),
        "params": (progress.state.params, straight.state.params),
        "optimizer's state": (progress.state.optimizer_state, straight.state.optimizer_state),
        "best params": (straight.params if progress.best is None else progress.best, straight.params),
        "history": tuple(list(map(without_seconds, rows)) for rows in (files.rows(), history.rows())),
    }
    unlike = tuple(f"the {name} is not the straight run's" for name, (a, b) in expected.items() if a != b)
    strays = {path.name for path in folder.iterdir()} - set(NAMES)
    return (*unlike, f"{strays} are left") if strays else unlike


def command(name, folder, every):
    """What starts or resumes a run in a process of its own, which tells when it has begun."""
    return [sys.executable, "-m", "tests.experiments.kill_and_resume", "--child", name, folder, every]


def kill(process, checkpoint, draws):
    """End a child at a random moment, after it has begun or, mostly, after its first checkpoint: in which way."""
    if draws.random() < 0.75:
        before = inode(checkpoint)
        while inode(checkpoint) == before and process.poll() is None:
            time.sleep(0.001)
    time.sleep(draws.uniform(0, LONGEST))
    how = draws.choice([*SIGNALS])
    for number in SIGNALS[how]:
        process.send_signal(number)
        time.sleep(draws.uniform(0, 0.02))
    return how


def inode(path):
    return path.stat().st_ino if path.exists() else None


def killed_run(name, folder, straight, most, draws):
    """Run an experiment to its end, killing it at most so many times: what was found after each kill."""
    kills, every = [], draws.choice([1, 1, 3])
    for left in range(most, -1, -1):
        with child(command(name, folder, every)) as process:
            process.stdout.readline()
            how = kill(process, folder / "checkpoint.npz", draws) if left else ""
            _, errors = process.communicate(timeout=60)
        if process.returncode > 0 and "KeyboardInterrupt" not in errors:
            raise RuntimeError(f"a run that was to go on failed:\n{errors}")
        if process.returncode == 0:
            break
        epoch = kills[-1].epoch if kills else 0
        kills.append(found(folder, LONG[name], straight, epoch, process.pid, how))
    return kills


def main(times, seed):
    """Kill so many times, over as many runs as it takes; whether all was well."""
    draws, began, kills, wrong, runs = random.Random(seed), time.perf_counter(), [], [], 0
    straight = {name: run(experiment) for name, experiment in LONG.items()}
    while len(kills) < times:
        name = list(LONG)[runs % len(LONG)]
        runs += 1
        with TemporaryDirectory() as parent:
            folder = Path(parent, "run")
            here = killed_run(name, folder, straight[name], times - len(kills), draws)
            problems = [*(each for kill in here for each in kill.wrong), *ended(folder, straight[name])]
        kills, wrong = kills + here, wrong + problems
        epochs = ", ".join(f"{kill.epoch}{'*' if kill.saving else ''}" for kill in here)
        print(f"run {runs}, {name}: killed at epochs {epochs or '-'}; {'; '.join(problems) or 'identical'}", flush=True)
    saving, ways = sum(kill.saving for kill in kills), Counter(kill.how for kill in kills)
    print(", ".join(f"{how}: {ways[how]}" for how in SIGNALS))
    print(f"{len(kills)} kills, {saving} of them in the midst of a save (*), of {runs} runs in", end=" ")
    print(f"{time.perf_counter() - began:.0f} s: {len(wrong)} faults")
    return not wrong


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--child", nargs=3, metavar=("NAME", "FOLDER", "EVERY"), help="what the script calls itself by")
    options = parser.parse_args()
    if options.child:
        name, folder, every = options.child
        print("begun", flush=True)
        run(LONG[name], folder, checkpoint_every=int(every))
    else:
        sys.exit(0 if main(options.times, options.seed) else 1)
