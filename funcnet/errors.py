"""What funcnet raises, and how an error comes to name the layer in which it arose.

Every class here is a built-in exception too (`ValueError`, `TypeError`), so that code which knows nothing of
funcnet can catch it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class FuncnetError(Exception):
    """Base class of errors that report the path of the layer they came from."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.path: tuple[str, ...] = ()
        self.model = ""
        self.layer = ""

    def __str__(self) -> str:
        place = f"in layer {'.'.join(self.path)} of {self.model} ({self.layer}): " if self.path else ""
        return place + str(self.args[0])


class ShapeError(FuncnetError, ValueError):
    """Arrays whose shapes do not fit the layer or each other."""


class TreeError(FuncnetError, ValueError):
    """Trees of different structure, such as params that another model made."""


class CacheError(FuncnetError, ValueError):
    """A cache that the forward pass of another layer made."""


class DTypeError(FuncnetError, TypeError):
    """An array whose dtype can't be computed with."""


class CheckpointError(ValueError):
    """A file that is damaged, or is no checkpoint; it lists all that is wrong."""


class ExperimentError(ValueError):
    """A directory that another experiment or other data is in, or that another process runs in."""


class NonFiniteError(ArithmeticError):
    """A loss that is NaN or infinite at `step`; `state` is the last good one. `epoch`, if known, counts from 1."""

    def __init__(self, state: Any, value: float, step: int, epoch: int | None = None) -> None:
        super().__init__(state, value, step, epoch)  # the arguments, so that pickle can call this again
        self.state = state
        self.value = value
        self.step = step
        self.epoch = epoch

    @property
    def place(self) -> str:
        """The step, and the epoch if it is known, in words."""
        return f"step {self.step}" + (f" (epoch {self.epoch})" if self.epoch else "")

    def __str__(self) -> str:
        return f"the loss is {self.value} at {self.place}; the state before it is on this error as `state`"


class MissingExtraError(ImportError):
    """A package that an optional part of funcnet needs is not installed."""

    def __init__(self, package: str, extra: str) -> None:
        super().__init__(package, extra, name=package)  # the arguments, so that pickle can call this again

    def __str__(self) -> str:
        return '{} is not installed: python -m pip install "funcnet[{}]"'.format(*self.args)


@contextmanager
def needs(package: str, extra: str) -> Iterator[None]:
    """Inside it, the import of a package that an optional part of funcnet needs; MissingExtraError if it fails.

    >>> with needs("a_package", extra="plot"):
    ...     import a_package
    Traceback (most recent call last):
    ...
    funcnet.errors.MissingExtraError: a_package is not installed: python -m pip install "funcnet[plot]"
    """
    try:
        yield
    except ImportError as error:
        raise MissingExtraError(package, extra) from error


class Place:
    """Inside it, an error is told in which layer of the combinator it arose: the one that `index` says."""

    __slots__ = ("combinator", "index")

    def __init__(self, combinator: Any) -> None:
        self.combinator = combinator
        self.index = 0

    def __enter__(self) -> Place:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: object) -> None:
        if not isinstance(error, Exception):
            return
        layer, name = self.combinator.layers[self.index], self.combinator.name
        if isinstance(error, FuncnetError):
            error.layer = error.layer or repr(layer)
            error.path = (str(self.index), *error.path)
            error.model = name
        else:
            error.add_note(f"in layer {self.index} of {name} ({layer!r})")
