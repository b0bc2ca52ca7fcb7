"""Asking laws on cases, treating exempted laws, and making violations."""

from __future__ import annotations

import functools
import inspect
import math
import re
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, ParamSpec

import attrs
import numpy as np

from funcnet.testing.cases.case import Inapplicable
from funcnet.testing.reports.comparing import Difference
from funcnet.testing.reports.source import script, written
from funcnet.testing.reports.violation import LawViolation

_BY_NAME = "like", "derivative_of"  # arguments that may be left out


@attrs.frozen(eq=False)
class Kind:
    """The laws of layers, of losses or of optimizers by name, and how a violation reports a case.

    `check` is the name of the function that asks one law. `arguments` gives its arguments for a case by name, first the
    layer, loss or optimizer; `options` gives its keyword arguments, where None leaves one out.
    """

    laws: Mapping[str, Callable[[Any], Any]]
    check: str
    arguments: Callable[[Any], dict[str, Any]]
    options: Callable[[Any], dict[str, Any]] = lambda case: {}
    diagnosis: Callable[[Difference, Any], str] = lambda difference, case: difference.diagnosis
    shrunk: Callable[[Any, Callable[[Any], Exception | None]], Any] = lambda case, fails: case

    def of_one(self, law: str) -> Kind:
        """The kind with this law alone, whose case is not shrunk. Raises ValueError for an unknown law."""
        if law not in self.laws:
            raise ValueError(f"unknown law {law!r}; the laws are {', '.join(self.laws)}")
        return attrs.evolve(self, laws={law: self.laws[law]}, shrunk=lambda case, fails: case)

    def statement(self, law: str, names: Mapping[str, str] = {}) -> str:
        """The law in words, with the names of x, y and dx where they are not these."""
        words = " ".join(inspect.cleandoc(self.laws[law].__doc__ or "").split())
        return words.format_map({"x": "x", "y": "y", "dx": "dx", **names})


@attrs.frozen(eq=False)
class Check:
    """What a check asks: the laws of a kind, on each case, but for those with a reason why they need not hold.

    A law that has taken more than `most_seconds` is asked on no further case.
    """

    kind: Kind
    cases: Iterable[Any]
    exempt: Mapping[str, str] = attrs.field(factory=dict)
    most_seconds: float = math.inf

    def __attrs_post_init__(self) -> None:
        if not isinstance(self.exempt, Mapping):
            raise TypeError(f"exempt must map laws to reasons, such as {{'nan': 'why'}}, got {self.exempt!r}")
        for law, reason in self.exempt.items():
            if law not in self.kind.laws:
                raise ValueError(f"unknown law {law!r} in exempt; the laws are {', '.join(self.kind.laws)}")
            if not isinstance(reason, str) or not reason.strip():
                raise ValueError(f"the exemption of {law!r} needs a reason, got {reason!r}")

    def of_law(self, law: str) -> Check:
        """The check of one law alone."""
        kind, exempt = self.kind, {name: reason for name, reason in self.exempt.items() if name == law}
        return attrs.evolve(self, kind=attrs.evolve(kind, laws={law: kind.laws[law]}), exempt=exempt)


@attrs.frozen(eq=False)
class Answer:
    """What came of a law on a case: the oracle that judged, if any, the exception raised, if any, and the time."""

    law: str
    case: Any
    oracle: str
    error: Exception | None
    seconds: float

    @property
    def is_broken(self) -> bool:
        return self.error is not None and not isinstance(self.error, Inapplicable)


@attrs.define
class Tally:
    """What came of one law so far: on how many cases, by which oracles, and the answer that it is broken."""

    cases: int = 0
    seconds: float = 0.0
    oracles: dict[str, None] = attrs.Factory(dict)  # in order
    last: Any = None  # case
    broken: Answer | None = None
    reason: str = "it applies to none of the cases"  # why it was not asked

    @property
    def has_held(self) -> bool:
        return self.cases > 0 and self.broken is None

    def add(self, answer: Answer) -> None:
        self.last = answer.case
        self.seconds += answer.seconds
        if isinstance(answer.error, Inapplicable):
            self.reason = str(answer.error) or self.reason
            return
        self.cases += 1
        self.broken = answer if answer.is_broken else None
        if answer.oracle:
            self.oracles[answer.oracle] = None


_P = ParamSpec("_P")


def raising(check: Callable[_P, Check]) -> Callable[_P, None]:
    """The function that makes this check and raises LawViolation for a broken law; `inspect.unwrap` gives `check`."""

    @functools.wraps(check)
    def raise_violations(*args: _P.args, **kwargs: _P.kwargs) -> None:
        __tracebackhide__ = True  # pytest then shows the line that asked
        hold(check(*args, **kwargs))

    signature = inspect.signature(check).replace(return_annotation=None)
    raise_violations.__signature__ = signature  # type: ignore[attr-defined]
    return raise_violations


def hold(check: Check) -> dict[str, Tally]:
    """Ask every law on every case. Raises LawViolation for a broken law, and for an exempted law that holds."""
    __tracebackhide__ = True
    tallies = {law: Tally() for law in check.kind.laws}
    with quietly():
        for answer in answers(check):
            tallies[answer.law].add(answer)
            if answer.is_broken and answer.law not in check.exempt:
                raise violation(check.kind, answer) from cause_of(answer.error)
    if idle := sorted(law for law in check.exempt if tallies[law].has_held):
        raise needless_exemption(check, idle, tallies[idle[0]].last)
    return tallies


def answers(check: Check) -> Iterator[Answer]:
    """The answer of every law on every case; a law that is broken is not asked again. To be asked `quietly`."""
    broken, seconds = set(), dict.fromkeys(check.kind.laws, 0.0)
    for case in check.cases:
        for law in check.kind.laws:
            if law not in broken and seconds[law] <= check.most_seconds:
                answer = _ask(check.kind, law, case)
                seconds[law] += answer.seconds
                if answer.is_broken:
                    broken.add(law)
                yield answer


@contextmanager
def quietly() -> Iterator[None]:
    """A context without warnings, of NumPy or others."""
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _ask(kind: Kind, law: str, case: Any) -> Answer:
    """The answer of the law; an error of the passes themselves breaks the law too."""
    start, oracle, error = time.perf_counter(), None, None
    try:
        oracle = kind.laws[law](case)
    except Exception as raised:
        error = raised
    return Answer(law, case, oracle or "", error, time.perf_counter() - start)


def violation(kind: Kind, answer: Answer) -> LawViolation:
    """The violation on the shrunk case.

    The diagnosis, and how many numbers are wrong, are those of the case before: among zeros much looks alike.
    """
    law, error = answer.law, answer.error
    original = _difference(error)
    diagnosis = "; ".join(filter(None, [kind.diagnosis(original, answer.case), _advice(law)]))

    def fails(case: Any) -> Exception | None:
        found = _ask(kind, law, case).error
        return found if _signature(found) == _signature(error) else None

    case = kind.shrunk(answer.case, fails)
    difference = attrs.evolve(_difference(_ask(kind, law, case).error or error), counts=original.counts)
    return _written(kind, law, case, difference, diagnosis)


def _advice(law: str) -> str:
    """What to write where batches of a form are not meant to be taken."""
    if law not in _FORMS:
        return ""
    return f'where {_FORMS[law]} is not meant to be taken, say so: exempt={{"{law}": "why"}}'


_FORMS = {
    "batch.single": "an example without a batch axis",
    "batch.axes": "a batch of several axes",
    "batch.empty": "a batch without examples",
}


def cause_of(error: Exception | None) -> BaseException | None:
    """The exception of the user's code behind a broken law, if any, from the user's code on."""
    cause = error.__cause__ if isinstance(error, Difference) else error
    if cause is None:
        return None
    traceback = cause.__traceback__
    while traceback is not None and traceback.tb_frame.f_globals.get("__name__", "").startswith("funcnet.testing."):
        traceback = traceback.tb_next
    return cause.with_traceback(traceback or cause.__traceback__)


def needless_exemption(check: Check, idle: list[str], case: Any) -> LawViolation:
    """The violation that these exempted laws hold."""
    holds = f"holds, as do all of {', '.join(idle)}" if len(idle) > 1 else "holds"
    difference = Difference("exempt", holds, f"a violation, because exempt says: {check.exempt[idle[0]]!r}")
    return attrs.evolve(_written(check.kind, idle[0], case, difference, ""), case="")


def _written(kind: Kind, law: str, case: Any, difference: Difference, diagnosis: str) -> LawViolation:
    arguments, names = kind.arguments(case), getattr(case, "names", {})
    options = [f"{name}={value}" for name, value in kind.options(case).items() if value is not None]
    given = [f"{name}={name}" if name in _BY_NAME else name for name in arguments]
    call = f"fn.testing.{kind.check}({', '.join([repr(law), *given, *options])})"
    return LawViolation(
        law=law,
        statement=kind.statement(law, names),
        layer=subject_of(kind, case),
        at=names.get(difference.at, difference.at),
        index=difference.index,
        got=difference.got,
        expected=difference.expected,
        oracle=difference.oracle,
        bound=difference.bound,
        diagnosis=diagnosis,
        case=script(arguments, call),
        counts={names.get(at, at): count for at, count in difference.counts.items()},
    )


def subject_of(kind: Kind, case: Any) -> str:
    """Code of the layer, loss or optimizer of a case."""
    return written(next(iter(kind.arguments(case).values())))


def _difference(error: Exception | None) -> Difference:
    if isinstance(error, Difference):
        return error
    return Difference("", f"{type(error).__name__}: {error}", "no exception")


def _signature(error: Exception | None) -> tuple[Any, ...]:
    """What a smaller case has to show too: which result is wrong, and whether it and the right one are finite."""
    place = re.sub(r"\(.*?\)", "", getattr(error, "at", ""))  # an index in it depends on the case
    return type(error), place, *(_is_finite(getattr(error, name, None)) for name in ("got", "expected"))


def _is_finite(value: Any) -> bool:
    return isinstance(value, float | np.floating) and bool(np.isfinite(value))
