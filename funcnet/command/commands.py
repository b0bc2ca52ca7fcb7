"""The command line: run, verify, show and check experiments on the built-in data.

python -m funcnet run examples/digits.json --out runs/digits
python -m funcnet verify runs/digits
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NoReturn

import attrs
import numpy as np

from funcnet.data import Dataset
from funcnet.data.builtin import BUILTIN, builtin
from funcnet.errors import CheckpointError, NonFiniteError
from funcnet.experiments.directory import Directory
from funcnet.experiments.experiment import Experiment
from funcnet.experiments.history import DIGESTS, History
from funcnet.experiments.progress import initial_progress
from funcnet.experiments.receipt import Receipt
from funcnet.experiments.running import run
from funcnet.experiments.verification import verify
from funcnet.random import Key
from funcnet.tree import cast, named_arrays
from funcnet.values import aligned, integer
from funcnet.version import __version__

_OK, _FAILED = 0, 1
_ROWS = 12  # of a history to show


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line, and return the exit code.

    It is 1 if a run does not verify or diverges or a gradient is wrong, 2 for wrong usage, 130 after Ctrl-C, else 0.
    """
    options = _parser().parse_args(arguments)

    def command() -> int:
        for module in options.modules:
            importlib.import_module(module)
        code: int = options.command(options)
        return code

    return exit_code(command, OSError, ImportError, ValueError, TypeError, ArithmeticError, MemoryError)


# --- The commands ---


def _run(options: argparse.Namespace) -> int:
    experiment = _experiment(options.experiment)
    data = builtin(options.data or "digits", options.data_dir)
    made = run(experiment, *data, directory=options.out, progress=_has_bar(), checkpoint_every=options.checkpoint_every)
    assert made.receipt is not None
    print(_table(made.history))
    print(f"receipt {made.receipt.digest}" + (f", in {options.out}" if options.out else ""))
    return _OK


def _verify(options: argparse.Namespace) -> int:
    try:
        data = _data_of(Directory(options.directory).receipt(), options)
        found = verify(options.directory, *data, progress=_has_bar())
    except CheckpointError as error:
        print(f"error: {error}", file=sys.stderr)
        return _FAILED
    print(found)
    return _OK if found else _FAILED


def _show(options: argparse.Namespace) -> int:
    files = Directory(options.directory)
    experiment, receipt, reached = files.experiment(), files.receipt(), files.reached()
    print(experiment, end="\n\n")
    if reached is None:
        print("no epoch has been saved yet")
    else:
        progress, rows = reached
        leaves = named_arrays(progress.state.params).items()
        print(aligned([("leaf", "shape", "dtype"), *((name, str(a.shape), str(a.dtype)) for name, a in leaves)]))
        print(f"\n{_table(History.of(rows))}")
        print(f"\n{progress.epoch} of {experiment.epochs} epochs, {progress.state.step} steps")
    print(f"receipt {receipt.digest}" if receipt.state else "the run has not ended")
    for epoch, environment in receipt.environments:
        print(f"\n{aligned([(f'from epoch {epoch}', 'on'), *environment])}")
    return _OK


def _check(options: argparse.Namespace) -> int:
    from funcnet.testing.gradients import check_gradients

    experiment = _experiment(options.experiment)
    train, _ = builtin(options.data or "digits", options.data_dir)
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


# --- What the commands need ---


def _has_bar() -> bool:
    return sys.stderr.isatty() and find_spec("tqdm") is not None


def _experiment(path: str) -> Experiment:
    try:
        return Experiment.from_json(Path(path).read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def _data_of(receipt: Receipt, options: argparse.Namespace) -> tuple[Dataset, Dataset | None]:
    """The data that --data names, else built-in data with the receipt's digest; MNIST only if its files are here."""
    if options.data:
        return builtin(options.data, options.data_dir)
    has_mnist = options.data_dir or "FUNCNET_DATA" in os.environ
    for name in [name for name in BUILTIN if name != "mnist" or has_mnist]:
        train, test = builtin(name, options.data_dir)
        if train.digest == receipt.train:
            return train, test
    raise ValueError("the run was on data that are not built in: name them with --data, or call funcnet.verify")


def _table(history: History) -> str:
    """The history as a table; the middle of a long one is left out."""
    names = [name for name in history if name not in DIGESTS]
    rows = [tuple(map(_cell, row)) for row in zip(*(history[name] for name in names), strict=True)]
    if len(rows) > _ROWS:
        half = _ROWS // 2
        rows = [*rows[:half], tuple("..." for _ in names), *rows[-half:]]
    return aligned([tuple(names), *rows]) if rows else "no epoch has a row in the history"


def _cell(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


# --- The options ---


def _parser() -> Parser:
    parser = Parser(
        prog="python -m funcnet",
        description="Run experiments, replay them bit for bit, and look at them.",
        epilog="Exit codes: 0, 1 if a run does not verify or diverges or a gradient is wrong, 2 for wrong usage.",
    )
    parser.add_argument("--version", action="version", version=f"funcnet {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    a_run = _command(commands, "run", _run, "train what EXPERIMENT.json describes", "examples/digits.json --out runs/a")
    a_run.add_argument("experiment", metavar="EXPERIMENT.json", help="made by Experiment.to_json")
    a_run.add_argument("--out", metavar="DIR", help="keep the run there, or go on with one that was stopped")
    a_run.add_argument("--checkpoint-every", type=int, default=1, metavar="N", help="save every N epochs (1)")
    _add_data(a_run, "data to train on (digits)")

    a_verification = _command(commands, "verify", _verify, "replay the run in DIR, and compare every bit", "runs/a")
    a_verification.add_argument("directory", metavar="DIR")
    _add_data(a_verification, "data of the run (recognized by their digest)")

    a_view = _command(commands, "show", _show, "print experiment, history and receipt of the run in DIR", "runs/a")
    a_view.add_argument("directory", metavar="DIR")

    a_check = _command(commands, "check", _check, "check the gradient of the first step", "examples/digits.json")
    a_check.add_argument("experiment", metavar="EXPERIMENT.json", help="made by Experiment.to_json")
    a_check.add_argument("--examples", type=int, default=5, metavar="N", help="check on the first N examples (5)")
    _add_data(a_check, "data with the examples (digits)")
    return parser


def _command(
    commands: Any, name: str, command: Callable[[argparse.Namespace], int], does: str, example: str
) -> argparse.ArgumentParser:
    description, epilog = f"{does[0].upper()}{does[1:]}.", f"Example: python -m funcnet {name} {example}"
    parser: argparse.ArgumentParser = commands.add_parser(name, help=does, description=description, epilog=epilog)
    why = "import MODULE first, to register your own layers; may be given several times"
    parser.add_argument("--import", "-i", dest="modules", action="append", default=[], metavar="MODULE", help=why)
    parser.set_defaults(command=command)
    return parser


def _add_data(parser: argparse.ArgumentParser, meaning: str) -> None:
    parser.add_argument("--data", choices=BUILTIN, help=meaning)
    parser.add_argument("--data-dir", metavar="DIR", help="folder of MNIST's files")


class Parser(argparse.ArgumentParser):
    """A parser of options that reports an error in one line."""

    def error(self, message: str) -> NoReturn:
        """Print the message, and exit with code 2."""
        self.exit(2, f"{self.prog}: error: {message}\n")


def exit_code(main: Callable[[], int | None], *usage_errors: type[Exception]) -> int:
    """The exit code of `main`; errors are printed in one line: 1 if a loss is not finite, 2 for `usage_errors`.

    >>> exit_code(lambda: 0, OSError)
    0
    """
    try:
        return main() or 0
    except NonFiniteError as error:
        return _fail(1, f"the loss is {error.value} at {error.place}: a lower learning rate may help")
    except KeyboardInterrupt:
        return _fail(130, "stopped")
    except BrokenPipeError:  # the reader, such as `head`, has closed the pipe
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except usage_errors as error:
        of_a_file = isinstance(error, OSError) and error.filename
        message = f"{error.filename}: {error.strerror}" if of_a_file else str(error)  # type: ignore[attr-defined]
        return _fail(2, message or repr(error))


def _fail(code: int, message: str) -> int:
    print(f"error: {' '.join(message.split())}", file=sys.stderr)
    return code
