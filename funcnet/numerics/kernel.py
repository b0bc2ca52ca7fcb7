"""What a kernel is: a formula that takes the fastest way NumPy has for plain arrays.

Arrays that carry more than numbers, such as dual numbers, have a rule for a kernel, as they have one for `np.exp`.
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
    """Make `f` a kernel: for an x of a class with `__array_function__`, that is asked for the result.

    What answers NotImplemented, since it has no rule for this kernel, is given to `f` itself.

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
