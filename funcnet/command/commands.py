"""The commands: each gets the options, prints what was found, and returns the exit code."""

from __future__ import annotations

import argparse
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import attrs
import numpy as np

from funcnet.command.imports import recorded
from funcnet.command.sources import Source, data_of, data_of_run
from funcnet.errors import CheckpointError
from funcnet.experiments.directory import Directory
from funcnet.experiments.experiment import Experiment
from funcnet.experiments.progress import initial_progress
from funcnet.experiments.running import read
from funcnet.experiments.running import run as run_experiment
from funcnet.experiments.verification import verify as verify_directory
from funcnet.random import Key
from funcnet.saving.opening import opening
from funcnet.tree import cast, named_arrays
from funcnet.values import UnregisteredError, aligned, integer

_OK, _FAILED = 0, 1


def run(options: argparse.Namespace) -> int:
    """Train, and print the history and the receipt."""
    experiment, source = _with_imports(_experiment(options.experiment), options), _source(options)
    data = data_of(source, experiment)
    if options.out:
        source.record(options.out)
    made = run_experiment(
        experiment,
        *data,
        directory=options.out,
        progress=_has_bar(),
        checkpoint_every=options.checkpoint_every,
        threads=options.threads,
        accept_changes=options.accept_changes,
    )
    assert made.receipt is not None
    print(made.history)
    print(f"receipt {made.receipt.digest}" + (f", in {options.out}" if options.out else ""))
    return _OK


def verify(options: argparse.Namespace) -> int:
    """Replay a run, and print the differences."""
    try:
        files = Directory(options.directory)
        data = data_of_run(options.directory, files.experiment(), files.receipt(), options)
        found = verify_directory(options.directory, *data, progress=_has_bar())
    except CheckpointError as error:
        print(f"error: {error}", file=sys.stderr)
        return _FAILED
    print(found)
    return _OK if found else _FAILED


def show(options: argparse.Namespace) -> int:
    """Print what is in the folder of a run."""
    files = Directory(options.directory)
    experiment, receipt = files.experiment(), files.receipt()
    print(experiment, end="\n\n")
    if files.has_epochs():
        found = read(options.directory)  # raises if the history is not the one that the receipt recorded
        leaves = named_arrays(found.params).items()
        print(aligned([("leaf", "shape", "dtype"), *((name, str(a.shape), str(a.dtype)) for name, a in leaves)]))
        print(f"\n{found.history}\n\n{found.end}")
    elif receipt.epochs:
        raise CheckpointError(f"{files.path} has a receipt of {len(receipt.epochs)} epochs, but no checkpoint.npz")
    else:
        print("no epoch has been saved yet")
    print(f"\n{receipt}")
    return _OK


def check(options: argparse.Namespace) -> int:
    """Check a gradient, and print the report."""
    from funcnet.testing.gradients import check_gradients

    experiment = _experiment(options.experiment)
    train, _ = data_of(_source(options), experiment)
    integer(options.examples, "--examples", 1)
    few = train.take(slice(None, options.examples))
    wide: Any = attrs.evolve(experiment, dtype="float64")  # type: ignore[misc]
    in_training = experiment.model.training(Key(experiment.seed).fold_in("training").fold_in(0))
    params = initial_progress(wide, few).state.params
    wide_x = cast(few.x, np.float64)
    report = check_gradients(in_training, experiment.loss, params, wide_x, few.y, experiment.penalty)
    is_right = report.ok(1e-10 if report.method == "exact" else 1e-7)
    print(f"{report}\n{'right' if is_right else 'wrong'} on {len(few)} examples, by the method {report.method}")
    return _OK if is_right else _FAILED


def laws(options: argparse.Namespace) -> int:
    """Print every law, or the one of this name."""
    from funcnet.testing.listing import listed

    print(listed(options.law))
    return _OK


def _has_bar() -> bool:
    return sys.stderr.isatty() and find_spec("tqdm") is not None


def _experiment(path: str) -> Experiment:
    try:
        with opening(Path(path), links=True) as file:
            return Experiment.from_json(file.read().decode())
    except UnregisteredError as error:
        raise UnregisteredError(f"{path}: {error}") from error
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def _source(options: argparse.Namespace) -> Source:
    source = Source.of(options)
    return source if source.data else attrs.evolve(source, data="digits")


def _with_imports(experiment: Experiment, options: argparse.Namespace) -> Experiment:
    """The experiment with the modules of --import; with those on record, if the run is in its folder already."""
    if not options.out:
        return experiment
    if Path(options.out, "experiment.json").exists():
        modules = recorded(Path(options.out))
    else:
        modules = tuple(dict.fromkeys((*experiment.imports, *(Path(each).as_posix() for each in options.modules))))
    evolved: Experiment = attrs.evolve(experiment, imports=modules)  # type: ignore[misc]
    return evolved
