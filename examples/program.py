"""The code that the examples share: options, exit codes, and tables of results with their bars."""

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
    """A parser that reports an error in one line, also if the folder of --out cannot be written to."""

    def parse_options(self) -> argparse.Namespace:
        """The options of the command line; the folder of --out is created here, before the work starts."""
        options = self.parse_args()
        try:
            options.out.mkdir(parents=True, exist_ok=True)
            TemporaryFile(dir=options.out).close()
        except OSError as error:
            self.error(f"argument --out: {error.strerror}: {options.out}")
        return options


def example_parser(doc: str | None, out: str, mnist: bool = False) -> ExampleParser:
    """A parser of the options of an example: --seed, --out for the pictures, --quick, and --data if `mnist`.

    >>> example_parser("What the example shows.", out="pictures").parse_args(["--seed", "3"]).seed
    3
    """
    parser = ExampleParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--seed", type=integer_from(0, 2**128 - 1), default=0, help="seed of all random numbers (%(default)s)"
    )
    parser.add_argument("--out", type=Path, default=Path(out), help="folder for the pictures (%(default)s)")
    parser.add_argument("--quick", action="store_true", help="run a smaller version, which takes seconds")
    if mnist:
        parser.add_argument("--data", metavar="DIR", help="folder of MNIST's files ($FUNCNET_DATA, or downloaded)")
    return parser


def exit_with(main: Callable[[], int | None]) -> NoReturn:
    """Exit with the exit code of `main`; 1 if a run diverges, 2 if a file or an extra is missing, 130 after Ctrl-C.

    These errors are printed in one line. Lines of output are written as they are printed, also into a pipe or a file.
    """
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    sys.exit(exit_code(main, OSError, ImportError, ValueError))  # ValueError: a file of --data is damaged


def integer_from(least: int, most: int = 10**6) -> Callable[[str], int]:
    """A type for options: whole numbers from `least` to `most`.

    >>> integer_from(1)("12")
    12
    """

    def parse(text: str) -> int:
        if not text.isdecimal() or not least <= int(text) <= most:
            raise argparse.ArgumentTypeError(f"expected a whole number from {least} to {most}, got {text!r}")
        return int(text)

    return parse


def positive(text: str) -> float:
    """A type for options: positive numbers.

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
    """A figure of a program, the figure in the document that the program reproduces, and whether the bar is met."""

    what: str
    theirs: str
    ours: str
    bar: str = ""
    met: bool = True


def at_least(what: str, theirs: str, ours: float, bar: float) -> Result:
    """A result that must be at least `bar`.

    >>> at_least("test accuracy", "0.926", 0.951, 0.95).met
    True
    """
    return Result(what, theirs, f"{ours:.4f}", f">= {bar:g}", ours >= bar)


def at_most(what: str, theirs: str, ours: float, bar: float) -> Result:
    """A result that must be at most `bar`.

    >>> at_most("seconds", "-", 61.5, 60).met
    False
    """
    return Result(what, theirs, f"{ours:.4g}", f"<= {bar:.3g}", ours <= bar)


def print_results(results: Iterable[Result]) -> int:
    """Print the results as a table, and return the exit code: 0 if all bars are met, else 1.

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
    """Save each matplotlib figure in the folder under its name, and print its path."""
    for name, figure in figures.items():
        path = out.resolve() / f"{name}.png"
        figure.savefig(path)
        print(path)
