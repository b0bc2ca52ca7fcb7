"""What funcnet raises, and how an error comes to name the layer in which it arose.

Every class here is a built-in exception too (`ValueError`, `TypeError`), so that code which knows nothing of
funcnet can catch it.
"""

from __future__ import annotations

from typing import Any


class FuncnetError(Exception):
    """An error that knows its place: the path of the layer in the model, once `locate` has told it."""

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


def locate(error: Exception, combinator: Any, index: int) -> None:
    """Tell `error` that it arose in layer `index` of the combinator."""
    layer = combinator.layers[index]
    if isinstance(error, FuncnetError):
        error.layer = error.layer or repr(layer)
        error.path = (str(index), *error.path)
        error.model = combinator.name
    else:
        error.add_note(f"in layer {index} of {combinator.name} ({layer!r})")
