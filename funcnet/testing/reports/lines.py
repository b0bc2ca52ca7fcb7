"""The lines of a user's passes that never ran."""

from __future__ import annotations

import inspect
import linecache
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from types import CodeType, FrameType, FunctionType
from typing import Any

import attrs

from funcnet.layers.layer import Layer, layers_in


@attrs.define
class Lines:
    """A context that watches the methods of an object, or the functions of a tuple, and knows the lines that never ran.

    The methods of funcnet's own classes are not watched. Whatever traces Python already, such as a debugger or a
    measurement of coverage, goes on doing so.
    """

    codes: tuple[CodeType, ...]
    missing: dict[int, set[int]]
    outer: Any = None  # what traces Python outside of the context

    @classmethod
    def of(cls, subject: Any) -> Lines:
        codes = tuple(dict.fromkeys(_codes(subject)))
        return cls(codes, {id(code): _lines(code) for code in codes})

    def __enter__(self) -> Lines:
        self.outer = sys.gettrace()
        if self.codes:
            sys.settrace(self._call)
        return self

    def __exit__(self, *error: object) -> None:
        if self.codes:
            sys.settrace(self.outer)

    def _call(self, frame: FrameType, event: str, arg: Any) -> Any:
        outer = self.outer and self.outer(frame, event, arg)
        if self.outer:
            sys.settrace(self._call)  # coverage traces in place of its caller
        missing = self.missing.get(id(frame.f_code))
        return partial(_line, missing, [outer]) if missing else outer

    def __iter__(self) -> Iterator[str]:
        """A sentence for each block of lines that never ran, of functions that did."""
        for code in self.codes:
            missing = self.missing[id(code)]
            for line in sorted(missing) if missing != _lines(code) else ():
                if line - 1 not in missing:
                    text = linecache.getline(code.co_filename, line).strip()
                    place = f"line {line} of {code.co_name} in {Path(code.co_filename).name}"
                    yield f"{place} never ran: {text}" if text else f"{place} never ran"


def _line(missing: set[int], outer: list[Any], frame: FrameType, event: str, arg: Any) -> Any:
    """Trace a line: it is not missing, and whatever else traces its function may look at it."""
    missing.discard(frame.f_lineno)
    if outer[0]:
        outer[0] = outer[0](frame, event, arg)
    return partial(_line, missing, outer)


def _codes(subject: Any) -> Iterator[CodeType]:
    """The code of the functions that the subject and the layers in it are made of, but for funcnet's."""
    subject = getattr(subject, "watched", subject)
    if isinstance(subject, Layer):
        for layer in layers_in(subject):
            yield from _codes(layer)
    classes = [cls for cls in type(subject).__mro__ if not cls.__module__.startswith("funcnet.")]
    own = [f for cls in classes for name, f in vars(cls).items() if not name.startswith("__")]
    for function in map(inspect.unwrap, subject if isinstance(subject, tuple) else own):
        if isinstance(function, FunctionType) and not str(function.__module__).startswith("funcnet."):
            yield function.__code__


def _lines(code: CodeType) -> set[int]:
    """The numbers of the lines that have code, without that of `def`."""
    return {line for _, _, line in code.co_lines() if line is not None and line != code.co_firstlineno}
