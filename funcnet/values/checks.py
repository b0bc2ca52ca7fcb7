"""Checks of the fields of values: converters that return a plain number, validators that raise."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable
from numbers import Real
from typing import Any

import numpy as np

from funcnet.errors import shown
from funcnet.values.registry import code
from funcnet.values.suggestions import instead_of


def real(value: Any) -> float:
    """`value` as a float: a NumPy scalar would promote the arrays it meets, and its repr could not be typed in.

    Raises TypeError unless it is a real number, ValueError if it is too large for a float.

    >>> real(np.float32(0.5)), real(1)
    (0.5, 1.0)
    """
    if type(value) is float:
        return value
    if not isinstance(value, Real) or isinstance(value, bool):
        raise TypeError(f"expected a real number, got {shown(value)}")
    try:
        return float(value)
    except OverflowError:
        raise ValueError("number too large for a float") from None


_LARGEST = 2**63 - 1  # beyond it neither NumPy nor the system can count, and no float may hold it


def integer(value: Any, name: str, least: int, most: int = _LARGEST) -> int:
    """`value` as an int.

    Raises TypeError unless it is an integer, ValueError unless it is from `least` to `most`; errors call it `name`.

    >>> integer(np.int64(3), "bits", 1, 20)
    3
    """
    if isinstance(value, bool | np.bool_) or not hasattr(value, "__index__"):
        raise TypeError(f"{name} must be an integer, got {shown(value)}")
    number = operator.index(value)
    if not least <= number <= most:
        limits = f"of at least {least}" if most == _LARGEST and number < least else f"from {least} to {most}"
        got = number if abs(number) <= 2**128 else f"one of {number.bit_length()} bits"
        raise ValueError(f"{name} must be an integer {limits}, got {got}")
    return number


def at_least(least: int, name: str) -> Callable[[Any], int]:
    """A converter to an int of at least `least`, see `integer`.

    >>> at_least(1, "epochs")(3)
    3
    """

    def convert(value: int) -> int:
        return integer(value, name, least)

    return convert


def strings(value: Any, expected: str) -> tuple[str, ...]:
    """One string or several, as a tuple; a string is never taken for its letters.

    Raises TypeError for anything else; errors say what is `expected`.

    >>> strings("numpy", "a module or modules"), strings(["numpy", "math"], "a module or modules")
    (('numpy',), ('numpy', 'math'))
    """
    each = (value,) if isinstance(value, str) else tuple(value) if isinstance(value, Iterable) else (None,)
    if not all(isinstance(item, str) for item in each):
        raise TypeError(f"expected {expected}, got {shown(value)}")
    return each


def one_of(*options: str) -> Callable[[object, Any, object], None]:
    """A validator: the value must be one of the strings `options`."""
    *others, last = [f'"{option}"' for option in options]
    listed = f"{', '.join(others)} or {last}"

    def check(instance: object, attribute: Any, value: object) -> None:
        if value not in options:
            raise ValueError(f"{attribute.name} must be {listed}, got {shown(value)}")

    return check


def check_methods(name: str, value: object, *methods: str, otherwise: str = "") -> None:
    """Raise TypeError unless `value` is an instance with these methods; `otherwise` says what else it may be."""
    if isinstance(value, type) or not all(callable(getattr(value, method, None)) for method in methods):
        allowed = f"an instance with the methods {', '.join(methods[:-1])} and {methods[-1]}{otherwise}"
        raise TypeError(f"{name} must be {allowed}, got {shown(value)}{instead_of(value)}")


def is_bool(instance: object, attribute: Any, value: object) -> None:
    """A validator: the value must be True or False."""
    if not isinstance(value, bool):
        raise TypeError(f"'{attribute.name}' must be True or False, got {shown(value)}")


def is_no_class(instance: object, attribute: Any, value: object) -> None:
    """A validator: the value must not be a class, as `initializers.normal` in place of `initializers.normal(0.1)`."""
    if isinstance(value, type):
        raise TypeError(f"'{attribute.name}' is the class {code(value)}: write {code(value)}(...)")
