"""The error that reports a broken law."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import Any

import attrs
import numpy as np


@attrs.define(eq=False, slots=False)
class LawViolation(AssertionError):  # noqa: N818, it reads as what it is
    """Raised where a layer, loss or optimizer breaks a law.

    Parameters
    ----------
    law : str
        Name of the law.
    statement : str
        The law in words.
    layer : str
        Code of the layer, loss or optimizer.
    at : str
        Result that is wrong, such as "y", "dx" or "grads.weight".
    index : tuple of int, or None
        Index of the wrong number in that result.
    got, expected : object
        Value there, and the value that the law asks for.
    oracle : str
        Source of the expected value.
    bound : float
        Largest difference of the two that the law accepts.
    diagnosis : str
        Guess at the mistake; "" if there is none.
    case : str
        Code that breaks the law again when it is run.
    counts : mapping of str to (int, int), default {}
        For each leaf that was compared, how many of its numbers are wrong, and how many it has.
    """

    law: str
    statement: str
    layer: str
    at: str
    index: tuple[int, ...] | None
    got: Any
    expected: Any
    oracle: str
    bound: float
    diagnosis: str
    case: str
    counts: Mapping[str, tuple[int, int]] = {}

    @property
    def leaves(self) -> str:
        """Which leaves are wrong, in words, such as "dx wrong in 12 of 24; grads.bias right"."""
        return "; ".join(
            f"{at} wrong in {wrong} of {size}" if wrong else f"{at} right" for at, (wrong, size) in self.counts.items()
        )

    def __str__(self) -> str:
        place = self.at + (f"[{', '.join(map(str, self.index))}]" if self.index else "")
        expected = f"{number(self.expected)}{f', give or take {self.bound:.2g}' if self.bound else ''}"
        rows = {"at": place, "got": number(self.got), "expected": expected}
        rows |= {"oracle": self.oracle, "leaves": self.leaves, "diagnosis": self.diagnosis}
        lines = [f"{self.layer} breaks the law {self.law!r}:", *textwrap.wrap(self.statement, 110), ""]
        lines += [f"    {name:<9}  {text}" for name, text in rows.items() if text]
        case = ["", "The case, as code that runs:", "", textwrap.indent(self.case, "    ")] if self.case else []
        return "\n".join([*lines, *case])


def number(value: Any) -> str:
    """A number as a violation prints it."""
    if isinstance(value, np.longdouble):
        return repr(float(value))
    return value if isinstance(value, str) else repr(value.item() if hasattr(value, "item") else value)
