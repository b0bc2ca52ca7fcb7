"""Underflow, which is right where numbers are as good as 0, also where `np.seterr(all="raise")` makes it an error."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

import numpy as np

from funcnet.tree import Array

P = ParamSpec("P")
T = TypeVar("T")


def past_underflow(f: Callable[P, T]) -> Callable[P, T]:
    """A decorator for a pure function: where an underflow raises, the function is computed again and underflow ignored.

    Trying costs a fifth of what `np.errstate` costs. Other errors of NumPy are raised as ever.

    >>> with np.errstate(all="raise"):
    ...     float(past_underflow(np.exp)(-1000.0))
    0.0
    """

    @wraps(f)
    def tried(*args: P.args, **options: P.kwargs) -> T:
        try:
            return f(*args, **options)
        except FloatingPointError:
            return ignoring_underflow(f, *args, **options)

    return tried


def ignoring_underflow(f: Callable[P, T], *args: P.args, **options: P.kwargs) -> T:
    """f(*args, **options), in which underflow raises nothing."""
    with np.errstate(under="ignore"):
        return f(*args, **options)


def product(a: Array, b: Array) -> Array:
    """np.dot(a, b) after it raised: BLAS also counts numbers beside the arrays, so that an invalid one may be no NaN.

    >>> with np.errstate(all="raise"):
    ...     product(np.array([1e-200]), np.array([1e-200]))
    array(0.)
    """
    with np.errstate(under="ignore", invalid="ignore"):
        result = np.asarray(np.dot(a, b))
    return np.asarray(ignoring_underflow(np.dot, a, b)) if np.isnan(result).any() else result
