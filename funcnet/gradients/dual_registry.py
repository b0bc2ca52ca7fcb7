"""What has a rule for dual numbers, and the error where there is none.

The rules are in modules of their own, which fill these tables: `dual_rules` has imported all of them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np

from funcnet.tree import DType

UFUNCS: dict[np.ufunc, Callable[..., Any]] = {}
OF_METHODS: dict[str, Callable[..., Any]] = {}  # of ufuncs, such as reduce
FUNCTIONS: dict[Any, Callable[..., Any]] = {}
KINDS: dict[str, Any] = {}  # the class of dual numbers of a kind of dtype, where it has its own
METHODS = {  # that arrays have, with the arguments of NumPy's functions of the same names
    *("all", "any", "argmax", "argmin", "argpartition", "argsort", "clip", "conj", "conjugate", "cumprod"),
    *("cumsum", "diagonal", "dot", "flatten", "max", "mean", "min", "prod", "ptp", "ravel", "repeat", "round"),
    *("squeeze", "std", "sum", "swapaxes", "take", "trace", "var"),
}


class NoRuleError(TypeError, AttributeError):
    """An operation on dual numbers has no rule here, or names an attribute that they do not have.

    `operation` is what was asked for, such as "np.linalg.eigh"; "" where that has no name.
    """

    def __init__(self, what: str, problem: str = "there is no rule for the derivative of", operation: str = "") -> None:
        super().__init__(f"{problem} {what}")
        self.operation = operation


def unknown(function: Any, method: str = "") -> NoRuleError:
    """The error of a function of NumPy, or of a method of a ufunc, that has no rule."""
    if isinstance(function, np.ufunc):
        module = "np" if getattr(np, function.__name__, None) is function else ""
    else:
        module = re.sub(r"^numpy\b", "np", getattr(function, "__module__", None) or "")
    name = ".".join(filter(None, (function.__name__, method)))
    return NoRuleError(name, operation=".".join(filter(None, (module, name))))


def check_float(dtype: DType | None) -> None:
    """Raise NoRuleError for a dtype that cannot hold derivatives."""
    if dtype is not None and np.dtype(dtype).kind != "f":
        raise NoRuleError(f"dual numbers to {np.dtype(dtype)}", "cannot convert")
