"""Exit codes, and errors in one line; the programs in `examples` have theirs from here too."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from typing import NoReturn

from funcnet.errors import NonFiniteError, cut, printable


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
        code = main() or 0
        flush()
        return code
    except NonFiniteError as error:
        return _fail(1, f"{error.reason}: a lower learning rate may help")
    except KeyboardInterrupt:
        return _fail(130, "stopped")
    except BrokenPipeError:
        flush()
        return 0
    except RecursionError:
        return _fail(2, "the experiment is nested too deeply for Python's stack")
    except usage_errors as error:
        of_a_file = isinstance(error, OSError) and error.filename
        message = f"{error.filename}: {error.strerror}" if of_a_file else str(error)  # type: ignore[attr-defined]
        return _fail(2, message or repr(error))


def flush() -> None:
    """Write what has been printed; nothing if the reader, such as `head`, has closed the pipe."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # so that Python, as it ends, can flush


def _fail(code: int, message: str) -> int:
    flush()
    print(f"error: {printable(cut(' '.join(message.split())))}", file=sys.stderr)
    return code
