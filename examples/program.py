"""What the examples have in common: their options, their exit codes, and results beside their bars."""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, NoReturn

import attrs

from funcnet.command import Parser, exit_code
from funcnet.values.table import aligned


class ExampleParser(Parser):
    """A parser that complains in one line, also about a folder for --out that can't be written to."""

    def parse_options(self) -> argparse.Namespace:
        """The command line's options; the folder is made here, before the work and not after."""
        options = self.parse_args()
        try:
            options.out.mkdir(parents=True, exist_ok=True)
            TemporaryFile(dir=options.out).close()
        except OSError as error:
            self.error(f"argument --out: {error.strerror}: {options.out}")
        return options


def example_parser(doc: str | None, out: str, mnist: bool = False) -> ExampleParser:
    """A parser of the options of an example: --seed, --out, a folder of pictures, --quick, and --data for MNIST.

    >>> example_parser("What it shows.", out="pictures").parse_args(["--seed", "3"]).seed
    3
    """
    parser = ExampleParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--seed", type=integer_from(0, 2**128 - 1), default=0, help="of all that is random (%(default)s)"
    )
    parser.add_argument("--out", type=Path, default=Path(out), help="folder of pictures (%(default)s)")
    parser.add_argument("--quick", action="store_true", help="a smaller version, of some seconds")
    if mnist:
        parser.add_argument("--data", metavar="DIR", help="folder of MNIST's files ($FUNCNET_DATA, or downloaded)")
    return parser


def exit_with(main: Callable[[], int | None]) -> NoReturn:
    """End the process with the exit code of `main`: 1 for a run that diverges, 2 for files and extras that lack.

    Those errors are told in one line.
    """
    sys.exit(exit_code(main, OSError, ImportError))


def integer_from(least: int, most: int = 10**6) -> Callable[[str], int]:
    """A type of option: whole numbers from `least` to `most`.

    >>> integer_from(1)("12")
    12
    """

    def parse(text: str) -> int:
        if not text.isdecimal() or not least <= int(text) <= most:
            raise argparse.ArgumentTypeError(f"expected a whole number from {least} to {most}, got {text!r}")
        return int(text)

    return parse


def positive(text: str) -> float:
    """A type of option: positive numbers.

    >>> positive("0.5")
    0.5
    """
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 < number < math.inf:
        raise argparse.ArgumentTypeError(f"expected a positive number, got {text!r}")
    return number


@attrs.frozen
class Result:
    """A figure of a program beside that of the document it reproduces, and whether it meets its bar."""

    what: str
    theirs: str
    ours: str
    bar: str = ""
    met: bool = True


def at_least(what: str, theirs: str, ours: float, bar: float) -> Result:
    """A result whose bar is that it is no less.

    >>> at_least("test accuracy", "0.926", 0.951, 0.95).met
    True
    """
    return Result(what, theirs, f"{ours:.4f}", f">= {bar:g}", ours >= bar)


def at_most(what: str, theirs: str, ours: float, bar: float) -> Result:
    """A result whose bar is that it is no more.

    >>> at_most("seconds", "-", 61.5, 60).met
    False
    """
    return Result(what, theirs, f"{ours:.4g}", f"<= {bar:.3g}", ours <= bar)


def print_results(results: Iterable[Result]) -> int:
    """Print the results as a table; the exit code is 0 if all bars are met, else 1.

    >>> print_results([Result("test accuracy", "0.926", "0.951", ">= 0.95"), Result("loss", "-", "0.2")])
    what           theirs   ours  bar      met
    test accuracy   0.926  0.951  >= 0.95  yes
    loss                -    0.2
    0
    """
    results = list(results)
    rows = [(r.what, r.theirs, r.ours, r.bar, ("yes" if r.met else "NO") if r.bar else "") for r in results]
    print(aligned([("what", "theirs", "ours", "bar", "met"), *rows]))
    return 0 if all(result.met for result in results) else 1


def save_figures(out: Path, figures: Mapping[str, Any]) -> None:
    """Write matplotlib figures into the folder, each under its name, and print where they lie."""
    for name, figure in figures.items():
        path = out.resolve() / f"{name}.png"
        figure.savefig(path)
        print(path)
