"""The report of a check: what came of each law, as a table, as JSON and as HTML."""

from __future__ import annotations

import json
from collections.abc import Iterator
from html import escape
from typing import Any

import attrs

from funcnet.testing.reports.violation import LawViolation, number
from funcnet.values import aligned

_COLUMNS = ("law", "status", "cases", "seconds", "oracle", "")


@attrs.frozen(eq=False)
class LawResult:
    """What came of one law.

    Parameters
    ----------
    law : str
        Name of the law.
    statement : str
        The law in words.
    status : str
        "held", "broken", "exempt" or "not asked".
    cases : int
        Number of cases that the law applied to; a law that is broken is not asked again.
    seconds : float
        Time that the law took.
    oracle : str, default ""
        Source of the expected values, where the law says it.
    reason : str, default ""
        Reason of an exemption, or why the law was not asked.
    cause : str, default ""
        Name of the broken law that this one may follow from.
    violation : LawViolation, optional
        The counter-example of a broken law, or that of a law that is exempt and holds.

    Examples
    --------
    >>> LawResult("nan", "NaN stays in its row.", "exempt", 24, 0.1, reason="rows are averaged").note
    'rows are averaged'
    """

    law: str
    statement: str
    status: str
    cases: int
    seconds: float
    oracle: str = ""
    reason: str = ""
    cause: str = ""
    violation: LawViolation | None = None

    @property
    def note(self) -> str:
        """What a table says of the law."""
        if self.cause:
            return f"may follow from {self.cause}"
        if self.violation is not None and self.status == "held":
            return "exempt, though it holds"
        return self.violation.leaves if self.violation is not None else self.reason


@attrs.frozen(eq=False)
class LawReport:
    """What came of every law; first those that are broken, and of these the ones that others may follow from.

    Parameters
    ----------
    subject : str
        Code of the layer, loss or optimizer.
    results : tuple of LawResult
        A result for each law.
    cases : int
        Number of cases that were drawn.
    seconds : float
        Time of the check.
    unexercised : tuple of str, default ()
        What no case met, such as a line of backward that never ran.

    Examples
    --------
    >>> held = LawResult("nan", "NaN stays in its row.", "held", 24, 0.01)
    >>> report = LawReport("Tanh()", (held,), cases=56, seconds=0.02)
    >>> report.ok, report.score, report["nan"].cases
    (True, 1.0, 24)
    >>> print(report)
    Tanh(): 1 of 1 laws hold, 56 cases, 0.0 s
    <BLANKLINE>
    law  status  cases  seconds  oracle
    nan  held       24     0.01
    """

    subject: str
    results: tuple[LawResult, ...]
    cases: int
    seconds: float
    unexercised: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether the check passes: no law is broken, and none that is exempt holds."""
        return all(result.violation is None for result in self.results)

    @property
    def score(self) -> float:
        """The share of laws that hold, from 0 to 1, among those that were asked and are not exempt."""
        held, broken = self._count("held"), self._count("broken")
        return held / (held + broken) if held else 0.0

    def __getitem__(self, law: str) -> LawResult:
        return {result.law: result for result in self.results}[law]

    def __str__(self) -> str:
        return "\n\n".join([self._head(), aligned([_COLUMNS, *map(_cells, self.results)]), *self._below()])

    def to_json(self) -> str:
        """The report as JSON.

        Returns
        -------
        str
            An object with the fields of the report, `ok` and `score`.
        """
        plain = attrs.asdict(self, value_serializer=_plain) | {"ok": self.ok, "score": self.score}
        return json.dumps(plain, indent=2)

    def _repr_html_(self) -> str:
        rows = [f"<th>{escape(name)}</th>" for name in _COLUMNS], *map(_html_cells, self.results)
        table = "".join(f"<tr>{''.join(row)}</tr>" for row in rows)
        below = "".join(f"<pre>{escape(text)}</pre>" for text in self._below())
        return f"<p>{escape(self._head())}</p><table>{table}</table>{below}"

    def _head(self) -> str:
        held, asked = self._count("held"), self._count("held") + self._count("broken")
        return f"{self.subject}: {held} of {asked} laws hold, {self.cases} cases, {self.seconds:.1f} s"

    def _below(self) -> Iterator[str]:
        """The violations that follow from no other, and what was not exercised."""
        for result in self.results:
            if result.violation is not None and not result.cause:
                yield str(result.violation)
        if self.unexercised:
            yield "\n".join(["Not exercised:", *(f"    {each}" for each in self.unexercised)])

    def _count(self, status: str) -> int:
        return sum(result.status == status for result in self.results)


def _plain(_: Any, field: Any, value: Any) -> Any:
    """A field's value as JSON has it: numbers that a violation is about become text, as they may be NaN."""
    return number(value) if field is not None and field.name in ("got", "expected", "bound") else value


def _cells(result: LawResult) -> tuple[str, ...]:
    numbers = (str(result.cases), f"{result.seconds:.2f}") if result.cases else ("", "")
    return (result.law, result.status, *numbers, result.oracle, result.note)


def _html_cells(result: LawResult) -> list[str]:
    return [f"<td>{escape(cell)}</td>" for cell in _cells(result)]
