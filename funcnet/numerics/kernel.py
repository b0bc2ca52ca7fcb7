"""Kernels: formulas that have a faster way for plain arrays.

Every other class of array, such as dual numbers, gets the formula itself, or the rule of its own in `rules`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec

import numpy as np

from funcnet.tree import Array

P = ParamSpec("P")


def kernel(plain: Callable[P, Array]) -> Callable[[Callable[P, Array]], Callable[P, Array]]:
    """Make a formula a kernel, which plain arrays compute by `plain`: the class of its first argument decides.

    >>> @kernel(lambda x: np.add(x, x))
    ... def doubled(x):
    ...     return x + x
    >>> doubled(np.array([1.5])), doubled(2)
    (array([3.]), 4)
    """

    def decorate(formula: Callable[P, Array]) -> Callable[P, Array]:
        rules: dict[type, Any] = {}

        @wraps(formula)
        def dispatched(*args: P.args, **options: P.kwargs) -> Array:
            if type(args[0]) is np.ndarray:
                return plain(*args, **options)
            return rules.get(type(args[0]), formula)(*args, **options)  # type: ignore[no-any-return]

        dispatched.rules = rules  # type: ignore[attr-defined]
        return dispatched

    return decorate
