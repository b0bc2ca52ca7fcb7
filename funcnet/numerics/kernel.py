"""Kernels: formulas that take the fastest way NumPy has for plain arrays.

Arrays that carry more than numbers, such as dual numbers, have a rule for a kernel, just as they have one for `np.exp`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec

import numpy as np

from funcnet.tree import Array

P = ParamSpec("P")
_PLAIN = (np.ndarray, np.generic)


def kernel(f: Callable[P, Array]) -> Callable[P, Array]:
    """A decorator that makes `f` a kernel: an x that is not a plain array is asked for the result.

    Its `__array_function__` is called; where that has no rule and returns NotImplemented, `f` computes the result.

    >>> @kernel
    ... def doubled(x):
    ...     return x + x
    >>> doubled(np.array([1.5]))
    array([3.])
    """

    @wraps(f)
    def dispatched(*args: P.args, **options: P.kwargs) -> Array:
        x: Any = args[0]
        if type(x) is np.ndarray or isinstance(x, _PLAIN):
            return f(*args, **options)
        result = x.__array_function__(dispatched, (type(x),), args, options)
        return f(*args, **options) if result is NotImplemented else result

    return dispatched
