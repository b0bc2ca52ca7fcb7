"""The errors of funcnet, its warning, and `Place`, which adds to an error the path of the layer that raised it.

Each class here is also a built-in exception (`ValueError`, `TypeError`), so code that does not know funcnet can
catch it.
"""

from __future__ import annotations

import math
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from reprlib import Repr
from typing import Any


class FuncnetError(Exception):
    """Base class of errors that report the path of the layer they came from.

    Parameters
    ----------
    message : str
        Description of the problem.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.path: tuple[str, ...] = ()
        self.model = ""
        self.layer = ""

    def __str__(self) -> str:
        place = f"in layer {'.'.join(self.path)} of {self.model} ({self.layer}): " if self.path else ""
        return place + str(self.args[0])


class ShapeError(FuncnetError, ValueError):
    """The shape of an array does not fit the layer or the other arrays.

    Parameters
    ----------
    message : str
        Description of the problem.
    """


class TreeError(FuncnetError, ValueError):
    """A tree does not have the expected structure; for instance, params were made for a different model.

    Parameters
    ----------
    message : str
        Description of the problem.
    """


class LeafError(TreeError, TypeError):
    """A value in a tree is neither an array nor made of arrays, such as a list, a float or an undecorated class.

    Parameters
    ----------
    message : str
        Description of the problem.
    """


class CacheError(FuncnetError, ValueError):
    """A cache was made by a different layer or loss than the one that should use it.

    Parameters
    ----------
    message : str
        Description of the problem.
    """


class DTypeError(FuncnetError, TypeError):
    """An array or an argument has a dtype that cannot be computed with.

    Parameters
    ----------
    message : str
        Description of the problem.
    """


_LONGEST = 20_000  # characters of a message: a forged file can name what is as long as itself
_SHOWN = Repr()
_SHOWN.maxstring = _SHOWN.maxother = _SHOWN.maxlong = 300
_SHOWN.maxlist = _SHOWN.maxtuple = _SHOWN.maxdict = 50
_SHOWN.maxlevel = 2  # what is deeper would be 50 times as long at each level


def shown(value: object) -> str:
    """`repr(value)`, without the middle of long texts and the rest of long lists, of which no memory is taken.

    >>> shown("ReLU"), len(shown("x" * 10**6)), len(shown([0] * 10**6))
    ("'ReLU'", 300, 155)
    """
    return _SHOWN.repr(value)


def cut(message: str) -> str:
    """The message, or the beginning of one that is too long to be read."""
    return message if len(message) <= _LONGEST else f"{message[:_LONGEST]} ..."


def printable(text: str) -> str:
    r"""`text` with escapes, as `repr` has them, for whatever a terminal would obey or hide; line ends stay.

    >>> print(printable("a\x1b[2Jb\tc"))
    a\x1b[2Jb\tc
    """
    if text.isprintable():
        return text
    return "".join(
        each if each.isprintable() or each == "\n" else each.encode("unicode_escape").decode() for each in text
    )


class QuotingError(ValueError):
    """Base class of errors that quote files, perhaps of somebody who means harm: printable, and not too long."""

    def __str__(self) -> str:
        return printable(cut(super().__str__()))


class CheckpointError(QuotingError):
    """A file is damaged or is not a checkpoint; the message lists every problem found."""


class ExperimentError(QuotingError):
    """A directory belongs to a different experiment, to different data, or to a run in another process."""


class NonFiniteError(ArithmeticError):
    """The loss, or a param, became NaN or infinite in training.

    Parameters
    ----------
    state : object
        The last good training state before the step: its params and the state of the optimizer are finite.
    value : float
        The loss.
    step : int
        The training step that computed the loss, counted from 1.
    epoch : int, optional
        The epoch of the step, counted from 1, where it is known.
    leaves : tuple of str, default ()
        Names of the leaves that are not finite, such as "params.0.bias".
    """

    def __init__(
        self, state: Any, value: float, step: int, epoch: int | None = None, leaves: tuple[str, ...] = ()
    ) -> None:
        super().__init__(state, value, step, epoch, leaves)  # pickle calls the class with these arguments
        self.state = state
        self.value = value
        self.step = step
        self.epoch = epoch
        self.leaves = leaves

    @property
    def place(self) -> str:
        """The step, and the epoch where it is known, in words."""
        return f"step {self.step}" + (f" (epoch {self.epoch})" if self.epoch else "")

    @property
    def reason(self) -> str:
        """What is not finite, and where, in words."""
        more = f" and {len(self.leaves) - 3} more" if len(self.leaves) > 3 else ""
        leaves = f"{', '.join(self.leaves[:3])}{more} {'is' if len(self.leaves) == 1 else 'are'} not finite"
        if self.leaves and math.isfinite(self.value):
            return f"{leaves} at {self.place}, although the loss is {self.value}"
        return f"the loss is {self.value} at {self.place}" + (f", and {leaves}" if self.leaves else "")

    def __str__(self) -> str:
        return f"{self.reason}; the last good state is this error's attribute `state`"


class MissingExtraError(ImportError):
    """A package that an optional part of funcnet needs is not installed.

    Parameters
    ----------
    package : str
        Name of the package.
    extra : str
        The extra of funcnet that installs the package, such as "plot".
    """

    def __init__(self, package: str, extra: str) -> None:
        super().__init__(package, extra, name=package)  # pickle calls the class with these arguments

    def __str__(self) -> str:
        return '{} is not installed: python -m pip install "funcnet[{}]"'.format(*self.args)


class UsageWarning(UserWarning):
    """What is computed is right and almost surely not what was meant; the message has the line that is missing.

    Python shows it once for each line. Where it is meant, as the gradient of an inference model for a picture of
    saliency is, `warnings.simplefilter("ignore", fn.UsageWarning)` silences it.

    Parameters
    ----------
    message : str
        Description of the problem.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message)


def warn_user(message: str) -> None:
    """Issue a UsageWarning that points to the line outside the library from which the library was called."""
    frame, level = sys._getframe(1), 2
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] == __package__:
        frame, level = frame.f_back, level + 1
    warnings.warn(message, UsageWarning, stacklevel=level)


@contextmanager
def needs(package: str, extra: str) -> Iterator[None]:
    """A context for the import of an optional package; raises MissingExtraError if the import fails.

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
    """A context that adds the layer's place to an error: layer `index` of the combinator."""

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
            note_unpacking(error)
            error.add_note(f"in layer {self.index} of {name} ({layer!r})")


_UNPACKING = "too many values to unpack", "not enough values to unpack", "cannot unpack non-iterable"


def note_unpacking(error: Exception) -> None:
    """Add a note to an error of funcnet's own unpacking: a pass of a layer did not return two things."""
    traceback = error.__traceback__
    while traceback is not None and traceback.tb_next is not None:
        traceback = traceback.tb_next
    if traceback is None or not str(error).startswith(_UNPACKING):
        return
    note = "a layer's forward must return (y, cache), and its backward (dx, grads)"
    if traceback.tb_frame.f_globals.get("__name__", "").startswith("funcnet.") and note not in _notes(error):
        error.add_note(note)


def _notes(error: Exception) -> list[str]:
    return getattr(error, "__notes__", [])
