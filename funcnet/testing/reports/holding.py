"""Running laws on cases, treating exempted laws, and making violations."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import attrs
import numpy as np

from funcnet.testing.cases.case import Inapplicable
from funcnet.testing.reports.comparing import Difference
from funcnet.testing.reports.source import script, written
from funcnet.testing.reports.violation import LawViolation


@attrs.frozen(eq=False)
class Kind:
    """The laws of layers, of losses or of optimizers by name, and how a violation reports a case.

    `check` is the name of the function that asks one law. `arguments` gives its arguments for a case by name, first the
    layer, loss or optimizer; `options` gives its keyword arguments, where None leaves one out.
    """

    laws: Mapping[str, Callable[[Any], None]]
    check: str
    arguments: Callable[[Any], dict[str, Any]]
    options: Callable[[Any], dict[str, Any]] = lambda case: {}
    diagnosis: Callable[[Difference, Any], str] = lambda difference, case: difference.diagnosis
    shrunk: Callable[[Any, Callable[[Any], bool]], Any] = lambda case, fails: case

    def of_one(self, law: str) -> Kind:
        """The kind with this law alone, whose case is not shrunk. Raises ValueError for an unknown law."""
        if law not in self.laws:
            raise ValueError(f"unknown law {law!r}; the laws are {', '.join(self.laws)}")
        return attrs.evolve(self, laws={law: self.laws[law]}, shrunk=lambda case, fails: case)


def hold(kind: Kind, cases: Iterable[Any], exempt: Mapping[str, str]) -> None:
    """Ask every law on every case. Raises LawViolation for a broken law, and for an exempted law that holds."""
    __tracebackhide__ = True  # pytest then shows the line that asked
    _check_exempt(kind, exempt)
    held, broken, case = set(), set(), None
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for case in cases:
            for law in [law for law in kind.laws if law not in broken]:
                error = _failure(kind, law, case)
                if error is None:
                    held.add(law)
                elif isinstance(error, Inapplicable):
                    continue
                elif law in exempt:
                    broken.add(law)
                else:
                    cause = error.__cause__ if isinstance(error, Difference) else error
                    raise _violation(kind, law, case, error) from cause
    if idle := sorted((held & set(exempt)) - broken):
        needless = f"holds, as do all of {', '.join(idle)}" if len(idle) > 1 else "holds"
        difference = Difference("exempt", needless, f"a violation, because exempt says: {exempt[idle[0]]!r}")
        raise attrs.evolve(_written(kind, idle[0], case, difference, ""), case="")


def _failure(kind: Kind, law: str, case: Any) -> Exception | None:
    """The exception that the law raises on the case, if any: an error of the passes themselves breaks the law too."""
    try:
        kind.laws[law](case)
    except Exception as error:
        return error
    return None


def _violation(kind: Kind, law: str, case: Any, error: Exception) -> LawViolation:
    """The violation on the shrunk case; the diagnosis is that of the case before it was shrunk, if there is one."""
    diagnosis = kind.diagnosis(_difference(error), case)
    case = kind.shrunk(case, lambda other: _is_like(_failure(kind, law, other), error))
    difference = _difference(_failure(kind, law, case) or error)
    return _written(kind, law, case, difference, diagnosis or kind.diagnosis(difference, case))


def _written(kind: Kind, law: str, case: Any, difference: Difference, diagnosis: str) -> LawViolation:
    arguments, names = kind.arguments(case), {"x": "x", "y": "y", "dx": "dx", **getattr(case, "names", {})}
    options = [f"{name}={value}" for name, value in kind.options(case).items() if value is not None]
    call = f"fn.testing.{kind.check}({', '.join([repr(law), *arguments, *options])})"
    return LawViolation(
        law=law,
        statement=" ".join(inspect.cleandoc(kind.laws[law].__doc__ or "").split()).format_map(names),
        layer=written(next(iter(arguments.values()))),
        at=names.get(difference.at, difference.at),
        index=difference.index,
        got=difference.got,
        expected=difference.expected,
        oracle=difference.oracle,
        bound=difference.bound,
        diagnosis=diagnosis,
        case=script(arguments, call),
    )


def _difference(error: Exception) -> Difference:
    return (
        error if isinstance(error, Difference) else Difference("", f"{type(error).__name__}: {error}", "no exception")
    )


def _is_like(error: Exception | None, original: Exception) -> bool:
    """Whether both errors say that the same result is wrong."""
    return type(error) is type(original) and getattr(error, "at", "") == getattr(original, "at", "")


def _check_exempt(kind: Kind, exempt: Mapping[str, str]) -> None:
    if not isinstance(exempt, Mapping):
        raise TypeError(f"exempt must map laws to reasons, such as {{'nan': 'why'}}, got {exempt!r}")
    for law, reason in exempt.items():
        if law not in kind.laws:
            raise ValueError(f"unknown law {law!r} in exempt; the laws are {', '.join(kind.laws)}")
        if not isinstance(reason, str) or not reason.strip():
            raise ValueError(f"the exemption of {law!r} needs a reason, got {reason!r}")
