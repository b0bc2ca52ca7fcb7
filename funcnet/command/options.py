"""The options of the command line."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from os.path import expanduser
from typing import Any

from funcnet.command.exits import Parser
from funcnet.data.builtin import BUILTIN
from funcnet.version import __version__

Command = Callable[[argparse.Namespace], int]


def parser(run: Command, verify: Command, show: Command, check: Command, laws: Command) -> Parser:
    """The parser, whose options have the function of their command as `command`."""
    made = Parser(
        prog="python -m funcnet",
        description="Run experiments, replay them bit for bit, and look at them.",
        epilog="Exit codes: 0, 1 if a run does not verify or diverges or a gradient is wrong, 2 for wrong usage.",
    )
    made.add_argument("--version", action="version", version=f"funcnet {__version__}")
    commands = made.add_subparsers(required=True, metavar="COMMAND")

    a_run = _command(commands, "run", run, "train what EXPERIMENT.json describes", "examples/digits.json --out runs/a")
    a_run.add_argument("experiment", type=expanduser, metavar="EXPERIMENT.json", help="made by Experiment.to_json")
    kept = "keep the run there, or go on with one that was stopped"
    a_run.add_argument("--out", type=expanduser, metavar="DIR", help=kept)
    a_run.add_argument("--checkpoint-every", type=int, default=1, metavar="N", help="save every N epochs (1)")
    a_run.add_argument("--threads", type=int, metavar="N", help="threads of BLAS (one where products are small)")
    changes = "go on with a run although the source of its layers or metrics has changed"
    a_run.add_argument("--accept-changes", action="store_true", help=changes)
    _add_data(a_run, "data to train on (digits)")

    a_verification = _command(commands, "verify", verify, "replay the run in DIR, and compare every bit", "runs/a")
    a_verification.add_argument("directory", type=expanduser, metavar="DIR")
    _add_data(a_verification, "data of the run (those that it was on, where they still are)")

    a_view = _command(commands, "show", show, "print experiment, history and receipt of the run in DIR", "runs/a")
    a_view.add_argument("directory", type=expanduser, metavar="DIR")

    a_check = _command(commands, "check", check, "check the gradient of the first step", "examples/digits.json")
    a_check.add_argument("experiment", type=expanduser, metavar="EXPERIMENT.json", help="made by Experiment.to_json")
    a_check.add_argument("--examples", type=int, default=5, metavar="N", help="check on the first N examples (5)")
    _add_data(a_check, "data with the examples (digits)")

    some_laws = _command(
        commands, "laws", laws, "print what layers, losses and optimizers are checked for", "batch.sum"
    )
    some_laws.add_argument("law", nargs="?", metavar="LAW", help="print this law alone")
    return made


def _command(commands: Any, name: str, command: Command, does: str, example: str) -> argparse.ArgumentParser:
    description, epilog = f"{does[0].upper()}{does[1:]}.", f"Example: python -m funcnet {name} {example}"
    parser: argparse.ArgumentParser = commands.add_parser(name, help=does, description=description, epilog=epilog)
    why = (
        "import MODULE, or the .py file with this path, first, to register your own layers; may be given several "
        "times; a run in a folder names its modules, and they are imported with it"
    )
    parser.add_argument("--import", "-i", dest="modules", action="append", default=[], metavar="MODULE", help=why)
    parser.set_defaults(command=command)
    return parser


def _add_data(parser: argparse.ArgumentParser, meaning: str) -> None:
    accepted = (
        f"one of {', '.join(BUILTIN)}; a .csv file with a row of names, with --target; an .npz file with the arrays x "
        "and y, or x_train, y_train, x_test and y_test; or MODULE:FUNCTION, which returns a Dataset or (train, test)"
    )
    parser.add_argument("--data", type=expanduser, metavar="DATA", help=f"{meaning}: {accepted}")
    parser.add_argument("--target", metavar="COLUMN", help="column of the .csv file with the targets")
    parser.add_argument("--drop", metavar="COLUMN", action="append", help="column to leave out; may be given again")
    parser.add_argument("--test", type=expanduser, metavar="DATA", help="test data, of the kind of --data")
    parser.add_argument("--split", metavar="FRACTION", type=float, help="share to train on, 0.8 say; test on the rest")
    parser.add_argument("--data-dir", type=expanduser, metavar="DIR", help="folder of MNIST's files")
