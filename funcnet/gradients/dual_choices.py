"""Rules of functions with corners and jumps: comparisons, choices, signs, and steps such as floor."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from funcnet.gradients.dual_calculus import dual, jumps, of_two, tangents_of, value_of
from funcnet.gradients.dual_registry import FUNCTIONS, UFUNCS, NoRuleError
from funcnet.gradients.duals import Dual, Mask, decided, directed
from funcnet.tree import Array

_times = of_two(np.multiply, lambda a, b: b, lambda a, b: a)


def _product(x: Any, y: Any) -> Dual:
    if isinstance(x, Mask):
        return where(x, y, np.multiply(y, 0))
    return _product(y, x) if isinstance(y, Mask) else _times(x, y)


def _compared(compare: np.ufunc) -> Callable[[Any, Any], Any]:
    """The rule of x > y and the like: along each direction, whether x + t * v > y + t * w for small t > 0.

    Equal numbers with equal slopes stay equal: second derivatives, which would part x**2 and 0 at 0, are not seen.
    """

    def rule(x: Any, y: Any) -> Any:
        value = compare(value_of(x), value_of(y))
        a, b = directed(x, value.ndim), directed(y, value.ndim)
        ties = np.equal(a, b)
        if not ties.any() and not jumps(x, y):
            return value
        tangents = compare(tangents_of(x, value.ndim), tangents_of(y, value.ndim))
        return decided(value, np.where(ties & np.isfinite(a), tangents, compare(a, b)))

    return rule


def where(condition: Any, x: Any = None, y: Any = None) -> Dual:
    """The rule of where, whose condition may tie: each direction chooses by itself."""
    if isinstance(condition, Dual) or x is None or y is None or isinstance(x, Mask) or isinstance(y, Mask):
        raise NoRuleError("where with a dual condition, without choices, or with comparisons that tie as choices")
    plain = condition.value if isinstance(condition, Mask) else condition
    value = np.asarray(np.where(plain, value_of(x), value_of(y)))
    if value.dtype.kind in "iu":
        value = value.astype(np.float64)
    chosen = directed(condition, value.ndim)
    tangents = np.where(chosen, tangents_of(x, value.ndim), tangents_of(y, value.ndim))
    limits = np.where(chosen, *(directed(a, value.ndim) for a in (x, y))) if jumps(condition, x, y) else None
    return dual(value, tangents, limits)


def _larger(f: np.ufunc, is_first: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Dual]:
    """The rule of maximum or minimum: at a tie, each direction follows the number that becomes first along it."""

    def rule(x: Any, y: Any) -> Dual:
        value = np.asarray(f(value_of(x), value_of(y)))
        limits = f(directed(x, value.ndim), directed(y, value.ndim)) if jumps(x, y) else None
        return dual(value, where(is_first(x, y), x, y).tangents, limits)

    return rule


def _sign(x: Dual) -> Dual:
    limits = _signs(x) if jumps(x) or np.any(x.value == 0) else None
    return dual(np.sign(x.value), np.zeros((len(x.tangents), *(1,) * x.ndim)), limits)


def _absolute(x: Dual) -> Dual:
    return dual(np.abs(x.value), _signs(x) * x.tangents, np.abs(x.limits) if x.limits is not None else None)


def _signs(x: Dual) -> Array:
    """The sign of x; where x is 0, the sign that x takes along each direction."""
    at = directed(x, x.ndim)
    zero = np.equal(at, 0)
    return np.where(zero, np.sign(x.tangents), np.sign(at)) if zero.any() else np.sign(at)


def _step(f: Callable[[Any], Any]) -> Callable[..., Any]:
    """The rule of floor and the like, which jump: along a direction they are what they are at the next number."""

    def rule(x: Dual) -> Dual:
        at = directed(x, x.ndim)
        beyond = np.nextafter(at, np.copysign(np.inf, x.tangents).astype(x.dtype))
        return dual(f(x.value), np.zeros_like(x.tangents), f(np.where(x.tangents == 0, at, beyond)))

    return rule


def _round(x: Dual, decimals: int = 0) -> Dual:
    if decimals == 0:
        return UFUNCS[np.rint](x)  # type: ignore[no-any-return]
    power = 10.0 ** abs(decimals)
    return _round(x * power) / power if decimals > 0 else _round(x / power) * power  # type: ignore[no-any-return]


def _heaviside(x: Any, at_0: Any) -> Dual:
    if isinstance(at_0, Dual):
        raise NoRuleError("heaviside by its number at 0", operation="np.heaviside")
    return _step(lambda numbers: np.heaviside(numbers, at_0))(x)  # type: ignore[no-any-return]


def _copysign(x: Any, y: Any) -> Any:
    return abs(x) * (_signed_one(y) if isinstance(y, Dual) else np.copysign(1.0, y))


def _quotient(x: Any, y: Any) -> Dual:
    """floor(x / y); refused where rounding of x / y reaches an integer that the quotient does not."""
    result: Dual = np.floor(np.divide(x, y))
    if not np.array_equal(result.value, np.floor_divide(value_of(x), value_of(y)), equal_nan=True):
        raise NoRuleError("floor_divide next to a jump", operation="np.floor_divide")
    return result


def _remainder(x: Any, y: Any) -> Dual:
    whole = np.floor_divide(x, y)
    result: Dual = x - y * whole
    if result.limits is None:
        return Dual(np.remainder(value_of(x), value_of(y)), result.tangents)
    return result


def _without_nan(f: np.ufunc, larger: np.ufunc) -> Callable[[Any, Any], Dual]:
    """The rule of fmax or fmin, which ignore NaN."""

    def rule(x: Any, y: Any) -> Dual:
        return where(np.isnan(x), y, where(np.isnan(y), x, larger(x, y)))

    return rule


def _nan_to_num(x: Dual, copy: bool = True, nan: float = 0.0, posinf: Any = None, neginf: Any = None) -> Dual:
    """Numbers for what is not finite, which have no derivative."""
    value = np.nan_to_num(x.value, True, nan, posinf, neginf)
    return x.along(value, lambda numbers: np.where(np.isfinite(x.value), numbers, 0))


def _select(conditions: Any, choices: Any, default: Any = 0) -> Any:
    for condition, choice in zip(reversed(conditions), reversed(choices), strict=True):
        default = np.where(condition, choice, default)
    return default


def _any(x: Any, *arguments: Any, **options: Any) -> Any:
    return np.any(x != 0, *arguments, **options)


def _all(x: Any, *arguments: Any, **options: Any) -> Any:
    return np.all(x != 0, *arguments, **options)


def _clip(x: Any, a_min: Any = None, a_max: Any = None, out: None = None, *, min: Any = None, max: Any = None) -> Any:
    if out is not None:
        raise NoRuleError("clip into `out`", "cannot write")
    low, high = a_min if min is None else min, a_max if max is None else max
    x = x if low is None else np.maximum(x, low)
    return x if high is None else np.minimum(x, high)


def _logical(f: np.ufunc) -> Callable[..., Any]:
    """The rule of a logical function: a number counts as true where it is not 0."""
    return lambda *inputs: f(*(x != 0 if isinstance(x, Dual) else x for x in inputs))


_signed_one = _step(lambda numbers: np.copysign(np.ones((), numbers.dtype), numbers))

_OF_UFUNCS: dict[np.ufunc, Callable[..., Any]] = {
    np.multiply: _product,
    np.maximum: _larger(np.maximum, np.greater),
    np.minimum: _larger(np.minimum, np.less),
    np.fmax: _without_nan(np.fmax, np.maximum),
    np.fmin: _without_nan(np.fmin, np.minimum),
    np.absolute: _absolute,
    np.fabs: _absolute,
    np.sign: _sign,
    np.heaviside: _heaviside,
    np.copysign: _copysign,
    np.floor_divide: _quotient,
    np.remainder: _remainder,
    np.divmod: lambda x, y: (np.floor_divide(x, y), np.remainder(x, y)),
    np.signbit: lambda x: _signed_one(x) < 0,
    **{f: _step(f) for f in (np.floor, np.ceil, np.trunc, np.rint)},
    **{f: _logical(f) for f in (np.logical_and, np.logical_or, np.logical_not, np.logical_xor)},
    **{f: _compared(f) for f in (np.greater, np.greater_equal, np.less, np.less_equal, np.equal, np.not_equal)},
}
UFUNCS.update(_OF_UFUNCS)
FUNCTIONS.update(
    {
        np.where: where,
        np.select: _select,
        np.clip: _clip,
        np.round: _round,
        np.around: _round,
        np.fix: np.trunc,
        np.nan_to_num: _nan_to_num,
        np.any: _any,
        np.all: _all,
        np.count_nonzero: lambda x, axis=None: np.count_nonzero(x != 0, axis),
    }
)
