"""What layers, losses, optimizers, schedules, initializers and keys have in common: they are values.

A specification is a frozen attrs class without arrays. It compares, hashes and pickles, and it prints as the
code that makes it.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from numbers import Real
from types import BuiltinFunctionType
from typing import Any, TypeVar, dataclass_transform

import attrs
import numpy as np

T = TypeVar("T")


@dataclass_transform(frozen_default=True, field_specifiers=(attrs.field,))
def specification(cls: type[T]) -> type[T]:
    """Make `cls` a frozen attrs class whose `repr` leaves out the fields that have their default.

    >>> import funcnet as fn
    >>> fn.Linear(10), fn.Linear(10, bias=False), fn.Linear(10, weight_init=fn.initializers.he_normal)
    (Linear(n_out=10), Linear(n_out=10, bias=False), Linear(n_out=10, weight_init=initializers.he_normal))
    """
    if "__repr__" not in vars(cls):
        cls.__repr__ = _repr  # type: ignore[method-assign]
    return attrs.frozen(repr=False)(cls)


def real(value: Any) -> float:
    """A number as a float: NumPy's would promote the arrays it meets, and print as what can't be typed in.

    >>> real(np.float32(0.5)), real(1)
    (0.5, 1.0)
    """
    if type(value) is float:
        return value
    if not isinstance(value, Real) or isinstance(value, bool):
        raise TypeError(f"expected a real number, got {value!r}")
    try:
        return float(value)
    except OverflowError:
        raise ValueError("expected a real number, got one that no float holds") from None


def integer(value: Any, name: str, least: int, most: int | None = None) -> int:
    """`value` as an int. Raises TypeError if it is no integer, ValueError if it is not from `least` to `most`.

    >>> integer(np.int64(3), "bits", 1, 20)
    3
    """
    if isinstance(value, bool | np.bool_) or not hasattr(value, "__index__"):
        raise TypeError(f"{name} must be an integer, got {value!r}")
    if value < least or (most is not None and value > most):
        limits = f"of at least {least}" if most is None else f"from {least} to {most}"
        raise ValueError(f"{name} must be an integer {limits}, got {value}")
    return operator.index(value)


def at_least(least: int, name: str) -> Callable[[Any], int]:
    """A converter: an integer that is no less, see `integer`.

    >>> at_least(1, "epochs")(3)
    3
    """
    return lambda value: integer(value, name, least)


def is_no_class(instance: object, attribute: Any, value: object) -> None:
    """A validator against `initializers.normal` where `initializers.normal(0.1)` is meant."""
    if isinstance(value, type):
        raise TypeError(f"'{attribute.name}' is the class {code(value)}: write {code(value)}(...)")


def _repr(self: Any) -> str:
    values = [(field, getattr(self, field.name)) for field in attrs.fields(type(self))]
    arguments = [f"{field.alias}={code(value)}" for field, value in values if value != field.default]
    return f"{public_name(type(self))}({', '.join(arguments)})"


def code(value: Any) -> str:
    """`repr(value)`, but a function prints as the name that finds it, and infinity as what can be typed in.

    >>> code(0.5), code(math.inf), code(len), code(math.sin), code(np.sin)
    ('0.5', "float('inf')", 'len', 'math.sin', 'np.sin')
    """
    if isinstance(value, float) and not math.isfinite(value):
        return f"float('{value}')"
    named = callable(value) and hasattr(value, "__name__") and not hasattr(type(value), "__attrs_attrs__")
    return public_name(value) if named else repr(value)


def public_name(value: Any) -> str:
    """The name under which a class or a function of the library, of NumPy or of a user is written.

    >>> import funcnet as fn
    >>> public_name(fn.Linear), public_name(fn.initializers.zeros), public_name(np.sin)
    ('Linear', 'initializers.zeros', 'np.sin')
    """
    module = (getattr(value, "__module__", None) or "numpy").removeprefix("funcnet.")  # ufuncs had none in NumPy 1
    if module.partition(".")[0] == "numpy":
        return f"np.{value.__name__}"
    public = module in ("initializers", "metrics", "schedules") or (
        isinstance(value, BuiltinFunctionType) and module != "builtins"
    )
    return f"{module}.{value.__qualname__}" if public else str(value.__qualname__)


def is_bool(instance: object, attribute: Any, value: object) -> None:
    """A validator: True or False."""
    if not isinstance(value, bool):
        raise TypeError(f"'{attribute.name}' must be True or False, got {value!r}")
