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
from collections.abc import Callable, Collection
from typing import Any

import numpy as np

from funcnet.gradients.dual_registry import FUNCTIONS, UFUNCS
from funcnet.gradients.duals import Dual, Mask, aligned, directed
from funcnet.numerics.elementwise import erfc
from funcnet.numerics.normalization import magnitude
from funcnet.tree import Array, Shape


def value_of(x: Any) -> Any:
    """The value of dual numbers; anything else as it is."""
    return x.value if isinstance(x, Dual) else x


def tangents_of(x: Any, ndim: int) -> Any:
    """The tangents of x, ready to broadcast with arrays of `ndim` axes; 0 for a plain array."""
    return aligned(x.tangents, ndim) if isinstance(x, Dual) else 0.0


def jumps(*inputs: Any) -> bool:
    """Whether one of the inputs jumps along some direction."""
    return any(isinstance(x, Mask) or (isinstance(x, Dual) and x.limits is not None) for x in inputs)


def dual(value: Array, tangents: Array, limits: Any) -> Dual:
    """Dual numbers, without limits if these equal the value: jumps may cancel."""
    return Dual(value, tangents, None if limits is None or np.all(limits == value) else limits)


def reduced(shape: Shape, axes: Collection[int], keepdims: bool) -> Shape:
    """The shape that is left where these axes are reduced.

    >>> reduced((2, 3, 4), (1,), False), reduced((2, 3, 4), (1,), True)
    ((2, 4), (2, 1, 4))
    """
    return tuple(1 if axis in axes else n for axis, n in enumerate(shape) if keepdims or axis not in axes)


def of_one(f: Callable[[Any], Any], derivative: Callable[[Any], Any]) -> Callable[[Dual], Dual]:
    """The rule of f(x) from its derivative."""

    def rule(x: Dual) -> Dual:
        at = directed(x, x.ndim)
        return dual(f(x.value), _scaled(derivative, (at,), x.tangents), f(at) if jumps(x) else None)

    return rule


def _scaled(partial: Callable[..., Any], at: tuple[Any, ...], tangents: Array) -> Array:
    """partial(at) * tangents, where a tangent of 0 stays 0 even if the partial derivative is infinite."""
    with np.errstate(divide="ignore", invalid="ignore"):
        slope = partial(*at)
        product = np.asarray(slope * tangents)
        return product if np.isfinite(slope).all() else np.where(tangents == 0, 0, product)


def of_two(
    f: Callable[[Any, Any], Any], by_x: Callable[[Any, Any], Any], by_y: Callable[[Any, Any], Any]
) -> Callable[[Any, Any], Dual]:
    """The rule of f(x, y) from its partial derivatives; x or y may be a plain array."""

    def rule(x: Any, y: Any) -> Dual:
        value = np.asarray(f(value_of(x), value_of(y)))
        at = _as_wide(directed(x, value.ndim), value), _as_wide(directed(y, value.ndim), value)
        terms = [
            _scaled(partial, at, tangents_of(argument, value.ndim))
            for argument, partial in ((x, by_x), (y, by_y))
            if isinstance(argument, Dual)
        ]
        return dual(value, sum(terms[1:], terms[0]), f(*at) if jumps(x, y) else None)

    return rule


def _as_wide(x: Any, value: Array) -> Any:
    """A plain x in the dtype of the value: 1 / x of a float32 would lose digits."""
    return np.asarray(x, value.dtype) if isinstance(x, np.generic | np.ndarray) else x


def _sech_squared(x: Any) -> Any:
    """The derivative of tanh; not that of the layers, since an oracle must not share code with the layers it checks."""
    decay = np.exp(-np.abs(x))
    return (2 * decay / (1 + decay * decay)) ** 2


def _power_by_exponent(a: Any, b: Any) -> Any:
    """a**b * log(a), which is 0 where a is 0 and b above 0."""
    return np.where((a == 0) & (b > 0), 0.0, np.power(a, b) * np.log(a))


def on_values(f: Callable[..., Any]) -> Callable[..., Any]:
    """The rule of a function that looks at values alone and stays the same nearby."""
    return lambda *inputs, **options: f(*(value_of(x) for x in inputs), **options)


def _arctan2(by: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    return lambda a, b: by(a, b) / (a * a + b * b)


POWER = (np.power, lambda a, b: b * a ** np.where(b == 0, 0.0, b - 1.0), _power_by_exponent)
_OF_UFUNCS: dict[np.ufunc, Callable[..., Any]] = {
    np.add: of_two(np.add, lambda a, b: 1.0, lambda a, b: 1.0),
    np.subtract: of_two(np.subtract, lambda a, b: 1.0, lambda a, b: -1.0),
    np.divide: of_two(np.divide, lambda a, b: 1 / b, lambda a, b: -a / b**2),
    np.logaddexp: of_two(np.logaddexp, lambda a, b: 1 / (1 + np.exp(b - a)), lambda a, b: 1 / (1 + np.exp(a - b))),
    np.logaddexp2: of_two(np.logaddexp2, lambda a, b: 1 / (1 + 2 ** (b - a)), lambda a, b: 1 / (1 + 2 ** (a - b))),
    np.power: of_two(*POWER),
    np.float_power: of_two(np.float_power, *POWER[1:]),
    np.arctan2: of_two(np.arctan2, _arctan2(lambda a, b: b), _arctan2(lambda a, b: -a)),
    np.negative: of_one(np.negative, lambda a: -1.0),
    np.positive: of_one(np.positive, lambda a: 1.0),
    np.conjugate: of_one(np.positive, lambda a: 1.0),
    np.deg2rad: of_one(np.deg2rad, lambda a: math.pi / 180),
    np.radians: of_one(np.deg2rad, lambda a: math.pi / 180),
    np.rad2deg: of_one(np.rad2deg, lambda a: 180 / math.pi),
    np.degrees: of_one(np.rad2deg, lambda a: 180 / math.pi),
    np.exp: of_one(np.exp, np.exp),
    np.exp2: of_one(np.exp2, lambda a: math.log(2) * np.exp2(a)),
    np.expm1: of_one(np.expm1, np.exp),
    np.log: of_one(np.log, lambda a: 1 / a),
    np.log2: of_one(np.log2, lambda a: 1 / (math.log(2) * a)),
    np.log10: of_one(np.log10, lambda a: 1 / (math.log(10) * a)),
    np.log1p: of_one(np.log1p, lambda a: 1 / (1 + a)),
    np.sqrt: of_one(np.sqrt, lambda a: 0.5 / np.sqrt(a)),
    np.cbrt: of_one(np.cbrt, lambda a: 1 / (3 * np.cbrt(a) ** 2)),
    np.square: of_one(np.square, lambda a: 2 * a),
    np.reciprocal: of_one(np.reciprocal, lambda a: -1 / a**2),
    np.sin: of_one(np.sin, np.cos),
    np.cos: of_one(np.cos, lambda a: -np.sin(a)),
    np.tan: of_one(np.tan, lambda a: 1 / np.cos(a) ** 2),
    np.arcsin: of_one(np.arcsin, lambda a: 1 / np.sqrt((1 - a) * (1 + a))),
    np.arccos: of_one(np.arccos, lambda a: -1 / np.sqrt((1 - a) * (1 + a))),
    np.arctan: of_one(np.arctan, lambda a: 1 / (1 + a * a)),
    np.sinh: of_one(np.sinh, np.cosh),
    np.cosh: of_one(np.cosh, np.sinh),
    np.tanh: of_one(np.tanh, _sech_squared),
    np.arcsinh: of_one(np.arcsinh, lambda a: 1 / np.sqrt(1 + a * a)),
    np.arccosh: of_one(np.arccosh, lambda a: 1 / np.sqrt((a - 1) * (a + 1))),
    np.arctanh: of_one(np.arctanh, lambda a: 1 / ((1 - a) * (1 + a))),
    erfc: of_one(lambda a: np.asarray(erfc(a), np.float64), lambda a: -2 / math.sqrt(math.pi) * np.exp(-np.square(a))),
    **{f: on_values(f) for f in (np.isnan, np.isfinite, np.isinf)},
}
UFUNCS.update(_OF_UFUNCS)
_OF_FUNCTIONS: dict[Any, Callable[..., Any]] = {
    **{f: on_values(f) for f in (np.shape, np.ndim, np.size, np.result_type, np.iscomplexobj, np.isrealobj)},
    **{f: lambda x: x for f in (np.real, np.real_if_close, np.conjugate)},
    np.imag: lambda x: x * 0.0,
}
FUNCTIONS.update(_OF_FUNCTIONS)
magnitude.rules[Dual] = lambda x, axes: magnitude(x.value, axes)  # type: ignore[attr-defined]
