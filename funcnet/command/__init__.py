"""The command line: run, verify, show and check experiments on built-in data or on your own; list the laws.

python -m funcnet run examples/digits.json --out runs/digits
python -m funcnet verify runs/digits
"""

from __future__ import annotations

from collections.abc import Sequence

from funcnet.command.commands import check, laws, run, show, verify
from funcnet.command.exits import Parser, exit_code, flush
from funcnet.command.imports import import_all
from funcnet.command.options import parser
from funcnet.values import UnregisteredError

__all__ = ["Parser", "exit_code", "main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line, and return the exit code.

    It is 1 if a run does not verify or diverges or a gradient is wrong, 2 for wrong usage, 130 after Ctrl-C, else 0.
    """
    try:
        options = parser(run, verify, show, check, laws).parse_args(arguments)
    except SystemExit:  # the help was asked for, or an option is wrong
        flush()
        raise
    except BrokenPipeError:  # the reader of the help has gone
        flush()
        return 0

    def command() -> int:
        try:
            import_all(options)
            code: int = options.command(options)
        except UnregisteredError as error:
            raise ValueError(f"{error}; --import MODULE imports it") from error
        return code

    return exit_code(command, OSError, ImportError, ValueError, TypeError, ArithmeticError, MemoryError)
