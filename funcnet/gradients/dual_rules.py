"""The rules of calculus for arrays of dual numbers, one for each of NumPy's functions and funcnet's kernels.

A `Dual` is value + tangents * eps, with eps**2 = 0. NumPy's functions compute both parts, by the rules below; so a
forward pass that knows nothing of dual numbers gives its own derivative, exact but for rounding. An operation without a
rule raises TypeError: a derivative is never guessed.

References
----------
A. Griewank, A. Walther: Evaluating Derivatives, 2nd edition, 2008, chapter 3.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from funcnet.gradients.duals import FUNCTIONS, UFUNCS, Dual, Mask, NoRuleError, aligned, decided, directed
from funcnet.numerics.elementwise import erfc
from funcnet.numerics.normalization import magnitude
from funcnet.tree import Array, converted

__all__ = ["Dual", "Mask", "NoRuleError"]


def _value(x: Any) -> Any:
    return x.value if isinstance(x, Dual) else x


def _tangents(x: Any, ndim: int) -> Any:
    """The tangents of x, ready to broadcast with arrays of `ndim` axes; 0 for a plain array."""
    return aligned(x.tangents, ndim) if isinstance(x, Dual) else 0.0


def _jumps(*inputs: Any) -> bool:
    """Whether one of the inputs jumps along some direction."""
    return any(isinstance(x, Mask) or (isinstance(x, Dual) and x.limits is not None) for x in inputs)


def _dual(value: Array, tangents: Array, limits: Any) -> Dual:
    """Dual numbers, without limits if these equal the value: jumps may cancel."""
    return Dual(value, tangents, None if limits is None or np.all(limits == value) else limits)


def _of_one(f: Callable[[Any], Any], derivative: Callable[[Any], Any]) -> Callable[[Dual], Dual]:
    """The rule of f(x) from its derivative."""

    def rule(x: Dual) -> Dual:
        at = directed(x, x.ndim)
        return _dual(f(x.value), _scaled(derivative, (at,), x.tangents), f(at) if _jumps(x) else None)

    return rule


def _scaled(partial: Callable[..., Any], at: tuple[Any, ...], tangents: Array) -> Array:
    """partial(at) * tangents, where a tangent of 0 stays 0 even if the partial derivative is infinite."""
    with np.errstate(divide="ignore", invalid="ignore"):
        slope = partial(*at)
        product = np.asarray(slope * tangents)
        return product if np.isfinite(slope).all() else np.where(tangents == 0, 0, product)


def _of_two(
    f: Callable[[Any, Any], Any], by_x: Callable[[Any, Any], Any], by_y: Callable[[Any, Any], Any]
) -> Callable[[Any, Any], Dual]:
    """The rule of f(x, y) from its partial derivatives; x or y may be a plain array."""

    def rule(x: Any, y: Any) -> Dual:
        value = np.asarray(f(_value(x), _value(y)))
        at = directed(x, value.ndim), directed(y, value.ndim)
        terms = [
            _scaled(partial, at, _tangents(argument, value.ndim))
            for argument, partial in ((x, by_x), (y, by_y))
            if isinstance(argument, Dual)
        ]
        return _dual(value, sum(terms[1:], terms[0]), f(*at) if _jumps(x, y) else None)

    return rule


_times = _of_two(np.multiply, lambda a, b: b, lambda a, b: a)


def _product(x: Any, y: Any) -> Dual:
    if isinstance(x, Mask):
        return _where(x, y, np.multiply(y, 0))
    return _product(y, x) if isinstance(y, Mask) else _times(x, y)


def _matmul(x: Any, y: Any) -> Dual:
    """The product rule: d(x @ y) = dx @ y + x @ dy."""
    if np.ndim(x) < 2 or np.ndim(y) < 2:
        raise NoRuleError("matmul with vectors: make them matrices")
    value = _value(x) @ _value(y)
    a, b = directed(x, value.ndim), directed(y, value.ndim)
    terms = [_tangents(x, value.ndim) @ b] if isinstance(x, Dual) else []
    terms += [a @ _tangents(y, value.ndim)] if isinstance(y, Dual) else []
    return _dual(value, sum(terms[1:], terms[0]), a @ b if _jumps(x, y) else None)


def _dot(x: Any, y: Any) -> Dual:
    if np.ndim(x) > 2 or np.ndim(y) > 2:
        raise NoRuleError("dot of arrays with more than two axes: use matmul")
    return _matmul(x, y)


def _compared(compare: np.ufunc) -> Callable[[Any, Any], Any]:
    """The rule of x > y and the like: along each direction, whether x + t * v > y + t * w for small t > 0.

    Equal numbers with equal slopes stay equal: second derivatives, which would part x**2 and 0 at 0, are not seen.
    """

    def rule(x: Any, y: Any) -> Any:
        value = compare(_value(x), _value(y))
        a, b = directed(x, value.ndim), directed(y, value.ndim)
        ties = np.equal(a, b)
        if not ties.any() and not _jumps(x, y):
            return value
        tangents = compare(_tangents(x, value.ndim), _tangents(y, value.ndim))
        return decided(value, np.where(ties & np.isfinite(a), tangents, compare(a, b)))

    return rule


def _where(condition: Any, x: Any = None, y: Any = None) -> Dual:
    if isinstance(condition, Dual) or x is None or y is None or isinstance(x, Mask) or isinstance(y, Mask):
        raise NoRuleError("where with a dual condition, without choices, or with comparisons that tie as choices")
    plain = condition.value if isinstance(condition, Mask) else condition
    value = np.asarray(np.where(plain, _value(x), _value(y)))
    if value.dtype.kind in "iu":
        value = value.astype(np.float64)
    chosen = directed(condition, value.ndim)
    tangents = np.where(chosen, _tangents(x, value.ndim), _tangents(y, value.ndim))
    limits = np.where(chosen, *(directed(a, value.ndim) for a in (x, y))) if _jumps(condition, x, y) else None
    return _dual(value, tangents, limits)


def _larger(f: np.ufunc, is_first: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Dual]:
    """The rule of maximum or minimum: at a tie, each direction follows the number that becomes first along it."""

    def rule(x: Any, y: Any) -> Dual:
        value = np.asarray(f(_value(x), _value(y)))
        limits = f(directed(x, value.ndim), directed(y, value.ndim)) if _jumps(x, y) else None
        return _dual(value, _where(is_first(x, y), x, y).tangents, limits)

    return rule


def _sign(x: Dual) -> Dual:
    limits = _signs(x) if _jumps(x) or np.any(x.value == 0) else None
    return _dual(np.sign(x.value), np.zeros((len(x.tangents), *(1,) * x.ndim)), limits)


def _absolute(x: Dual) -> Dual:
    return _dual(np.abs(x.value), _signs(x) * x.tangents, np.abs(x.limits) if x.limits is not None else None)


def _signs(x: Dual) -> Array:
    """The sign of x; where x is 0, the sign that x takes along each direction."""
    at = directed(x, x.ndim)
    zero = np.equal(at, 0)
    return np.where(zero, np.sign(x.tangents), np.sign(at)) if zero.any() else np.sign(at)


def _concatenate(arrays: Any, axis: int = 0) -> Dual:
    k = next(len(x.tangents) for x in arrays if isinstance(x, Dual))
    duals = [x if isinstance(x, Dual) else Dual(converted(x, np.float64), np.zeros((k, *np.shape(x)))) for x in arrays]
    along = axis if axis < 0 else axis + 1
    tangents = np.concatenate([x.tangents for x in duals], along)
    value = np.concatenate([x.value for x in duals], axis)
    if not _jumps(*duals):
        return Dual(value, tangents)
    limits = [np.broadcast_to(directed(x, x.ndim), x.tangents.shape) for x in duals]
    return Dual(value, tangents, np.concatenate(limits, along))


def _sech_squared(x: Any) -> Any:
    """The derivative of tanh; not that of the layers, since an oracle must not share code with the layers it checks."""
    decay = np.exp(-np.abs(x))
    return (2 * decay / (1 + decay * decay)) ** 2


def _power(x: Any, y: Any) -> Dual:
    if isinstance(y, Dual):
        return np.exp(y * np.log(x))  # type: ignore[no-any-return]
    return _of_two(np.power, lambda a, b: b * a ** np.where(b == 0, 0.0, b - 1.0), lambda a, b: 0.0)(x, y)


def _on_values(f: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *inputs, **options: f(*(_value(x) for x in inputs), **options)


_OF_UFUNCS: dict[np.ufunc, Callable[..., Any]] = {
    np.add: _of_two(np.add, lambda a, b: 1.0, lambda a, b: 1.0),
    np.subtract: _of_two(np.subtract, lambda a, b: 1.0, lambda a, b: -1.0),
    np.multiply: _product,
    np.divide: _of_two(np.divide, lambda a, b: 1 / b, lambda a, b: -a / b**2),
    np.maximum: _larger(np.maximum, np.greater),
    np.minimum: _larger(np.minimum, np.less),
    np.logaddexp: _of_two(np.logaddexp, lambda a, b: 1 / (1 + np.exp(b - a)), lambda a, b: 1 / (1 + np.exp(a - b))),
    np.matmul: _matmul,
    np.power: _power,
    np.negative: _of_one(np.negative, lambda a: -1.0),
    np.positive: _of_one(np.positive, lambda a: 1.0),
    np.absolute: _absolute,
    np.sign: _sign,
    np.exp: _of_one(np.exp, np.exp),
    np.expm1: _of_one(np.expm1, np.exp),
    np.log: _of_one(np.log, lambda a: 1 / a),
    np.log1p: _of_one(np.log1p, lambda a: 1 / (1 + a)),
    np.sqrt: _of_one(np.sqrt, lambda a: 0.5 / np.sqrt(a)),
    np.square: _of_one(np.square, lambda a: 2 * a),
    np.reciprocal: _of_one(np.reciprocal, lambda a: -1 / a**2),
    np.sin: _of_one(np.sin, np.cos),
    np.cos: _of_one(np.cos, lambda a: -np.sin(a)),
    np.tanh: _of_one(np.tanh, _sech_squared),
    np.arctan: _of_one(np.arctan, lambda a: 1 / (1 + a * a)),
    erfc: _of_one(lambda a: np.asarray(erfc(a), np.float64), lambda a: -2 / math.sqrt(math.pi) * np.exp(-np.square(a))),
    **{f: _compared(f) for f in (np.greater, np.greater_equal, np.less, np.less_equal, np.equal, np.not_equal)},
    **{f: _on_values(f) for f in (np.isnan, np.isfinite, np.isinf)},
}

_OF_FUNCTIONS: dict[Any, Callable[..., Any]] = {
    np.dot: _dot,
    np.where: _where,
    np.concatenate: _concatenate,
    np.clip: lambda x, low, high: np.minimum(np.maximum(x, low), high),
    np.sum: lambda x, *arguments, **options: x.sum(*arguments, **options),
    np.mean: lambda x, *arguments, **options: x.mean(*arguments, **options),
    np.max: lambda x, *arguments, **options: x.max(*arguments, **options),
    np.reshape: lambda x, *arguments, **options: x.reshape(*arguments, **options),
    np.transpose: lambda x, *axes: x.transpose(*axes),
    **{f: _on_values(f) for f in (np.shape, np.ndim, np.size, np.argmax, np.argmin, np.zeros_like, np.ones_like)},
}

magnitude.rules[Dual] = lambda x, axes: magnitude(x.value, axes)  # type: ignore[attr-defined]
UFUNCS.update(_OF_UFUNCS)
FUNCTIONS.update(_OF_FUNCTIONS)
