"""How far off results may be by rounding, where a bound made of x alone does not know what happens inside a layer."""

from __future__ import annotations

from functools import wraps

import attrs
import numpy as np

from funcnet.testing.cases.case import Case, Law, Results, map_floats, map_parts
from funcnet.testing.reports.comparing import Difference, largest, precision
from funcnet.tree import Array

_NEIGHBOURS = 4  # of a case, each number of which is an ulp or two away
SPREADS = 64  # how many times as much as between neighbours rounding may change a result
_SHRINKS = 2.0**-8  # by so much at least more digits make a rounding error smaller: long double has 11 bits more


def forgiving(law: Law) -> Law:
    """The law, which is asked in more digits before it blames a difference that may be rounding."""

    @wraps(law)
    def asked(case: Case) -> str | None:
        try:
            return law(case)
        except Difference as difference:
            if not _is_rounding(law, case, difference):
                raise
        return None

    return asked


def _is_rounding(law: Law, case: Case, difference: Difference) -> bool:
    """Whether the difference is far smaller in more digits or, where there are none, no larger than neighbours show."""
    if difference.arrays is None:
        return False
    off, wide = _apart(difference), in_more_digits(case)
    if wide is not None:
        try:
            law(wide)
            return True
        except Difference as there:
            if there.at == difference.at and largest(_apart(there)) <= _SHRINKS * largest(off):
                return True
        except Exception:  # a law or a layer may refuse the dtype
            pass
    return bool(np.all(off <= np.fmax(difference.bound, SPREADS * spread(case).get(difference.at, np.zeros(())))))


def _apart(difference: Difference) -> Array:
    """How far the numbers are apart; infinity where one of them is not finite."""
    got, expected = (np.asarray(array, np.longdouble) for array in difference.arrays or ((), ()))
    return np.asarray(np.nan_to_num(np.abs(got - expected), nan=np.inf))


def in_more_digits(case: Case) -> Case | None:
    """The case in the next wider dtype; None if the layer does not compute in that."""
    try:
        wide = case.cast(case.wider)
        is_more_precise = precision(*wide.passes().values()) < precision(*case.passes().values())
    except Exception:  # a layer may do anything with a dtype that it was not made for
        return None
    return wide if is_more_precise else None


def neighbours(case: Case) -> list[Case]:
    """The case with every number moved by an ulp or two of its results, which changes these about as rounding does.

    Equal numbers of an array stay equal, since ties have laws of their own.
    """
    draws, eps = case.draws("neighbours"), precision(*case.passes().values())

    def moved(array: Array) -> Array:
        numbers, which = np.unique(array, return_inverse=True)
        scales = 1 + draws.integers(-2, 3, numbers.shape) * eps
        return np.asarray(array * scales[which].reshape(array.shape), array.dtype)

    def neighbour() -> Case:
        x, dy = map_parts(moved, case.x), map_parts(moved, case.dy)
        return attrs.evolve(case, x=x, params=map_floats(moved, case.params), dy=dy)

    return [neighbour() for _ in range(_NEIGHBOURS)]


def spread(case: Case) -> Results:
    """How far each number of the results on neighbours is from that on the case, at most; {} for random passes."""
    here, there = case.passes(), [each.passes() for each in neighbours(case)]
    if not case.gives(here):
        return {}
    return {case.name(at): np.max([np.abs(results[at] - here[at]) for results in there], axis=0) for at in here}
