"""Which broken law comes first: one mistake breaks several laws, and most of them only say so again."""

from __future__ import annotations

from collections.abc import Mapping

from funcnet.testing.reports.holding import Answer

_FIRST = ("determinism", "structure", "purity", "interleaving")  # passes that break one of these may break any law
_FOLLOWING = {
    "coordinates": ("adjointness", "kinks", "linearity", "symmetry", "shapes"),
    "adjointness": ("kinks", "symmetry"),
    "batch.rows": ("batch.permutation", "batch.sum", "batch.single", "batch.axes"),
    "batch.permutation": ("batch.sum", "batch.axes"),
    "batch.sum": ("batch.reductions", "batch.single", "batch.axes", "batch.empty"),
    "dtype": ("integers",),
    "descent": ("steadiness",),
}


def causes(broken: Mapping[str, Answer]) -> dict[str, str]:
    """For each broken law the one that it may follow from, "" if there is none; the first causes come first."""
    order = sorted(broken, key=lambda law: _FIRST.index(law) if law in _FIRST else len(_FIRST))
    firsts = {law: [first for first in order if _may_follow(law, first, broken)] for law in order}
    found = {law: min(firsts[law], key=lambda first: bool(firsts[first]), default="") for law in order}
    return dict(sorted(found.items(), key=lambda pair: bool(pair[1])))


def _may_follow(law: str, first: str, broken: Mapping[str, Answer]) -> bool:
    """Whether the one law may be broken because the other is."""
    if repr(broken[law].error) == repr(broken[first].error):  # an error of a pass
        return [*broken].index(first) < [*broken].index(law)
    if first in _FIRST:
        return law not in _FIRST or _FIRST.index(first) < _FIRST.index(law)
    return law not in _FIRST and law in _FOLLOWING.get(first, ())
