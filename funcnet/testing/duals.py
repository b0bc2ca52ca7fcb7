"""Dual numbers, an array at a time: a value and its derivatives in many directions, through NumPy's own functions.

A `Dual` is value + tangents * eps, with eps**2 = 0. Whatever NumPy computes with it, it computes with both, by the
rules of calculus; so a forward pass that knows nothing of this gives its own derivative, exact but for rounding.
Where there is no rule TypeError is raised: a derivative is never guessed.
Griewank, Walther: Evaluating Derivatives, 2nd edition, 2008, chapter 3.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np

from funcnet.arrays import Array, DType
from funcnet.layers.activations import erfc


class Dual(np.lib.mixins.NDArrayOperatorsMixin):
    """value (...) and tangents (k, ...): the derivative of each number in each of k directions.

    >>> x = Dual(np.array([1.0, 2.0]), np.array([[1.0, 0.0], [0.0, 1.0]]))
    >>> np.sum(x * x).tangents
    array([2., 4.])
    >>> np.round(x)
    Traceback (most recent call last):
    ...
    funcnet.testing.duals.NoRuleError: there is no rule for the derivative of round
    """

    __slots__ = ("tangents", "value")

    def __init__(self, value: Any, tangents: Array) -> None:
        self.value: Array = np.asarray(value)
        if self.value.dtype.kind != "f":
            raise NoRuleError(f"there is no rule for the derivative of numbers of {self.value.dtype}")
        shape = (len(tangents), *self.value.shape)
        self.tangents: Array = tangents if tangents.shape == shape else np.broadcast_to(tangents, shape)

    shape = property(lambda self: self.value.shape)
    ndim = property(lambda self: self.value.ndim)
    size = property(lambda self: self.value.size)
    dtype = property(lambda self: self.value.dtype)
    flags = property(lambda self: SimpleNamespace(writeable=False))
    T = property(lambda self: self.transpose())

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        (out,) = options.pop("out", (None,))
        _check_float(options.pop("dtype", None))
        if method != "__call__" or options or ufunc not in _UFUNCS:
            raise NoRuleError(f"there is no rule for the derivative of {ufunc.__name__}")
        result = _UFUNCS[ufunc](*inputs)
        return result if out is None else _written_into(out, result, ufunc.__name__)

    def __array_function__(self, function: Any, types: Any, inputs: Any, options: Any) -> Any:
        if function not in _FUNCTIONS:
            raise NoRuleError(f"there is no rule for the derivative of {function.__name__}")
        return _FUNCTIONS[function](*inputs, **options)

    def __array__(self, dtype: Any = None, copy: Any = None) -> Array:
        raise NoRuleError("there is no rule for the derivative of an array made from dual numbers")

    def __getattr__(self, name: str) -> Any:
        raise NoRuleError(f"there is no rule for the derivative of {name}")

    def __len__(self) -> int:
        return len(self.value)

    def __getitem__(self, index: Any) -> Dual:
        parts = index if isinstance(index, tuple) else (index,)
        plain = all(part is None or part is Ellipsis or isinstance(part, int | slice) for part in parts)
        if not plain and not (len(parts) == 1 and isinstance(index, np.ndarray)):
            raise NoRuleError("there is no rule for the derivative of an index of lists or of several arrays")
        return Dual(self.value[index], self.tangents[(slice(None), *parts)])

    def view(self) -> Dual:
        """The same, read-only: layers take views of what they must not change."""
        value = self.value.view()
        value.flags.writeable = False
        return Dual(value, self.tangents)

    def copy(self) -> Dual:
        return Dual(self.value.copy(), self.tangents.copy())

    def astype(self, dtype: DType, copy: bool = True) -> Dual:
        _check_float(dtype)
        value = self.value.astype(dtype, copy=copy)
        return self if value is self.value else Dual(value, self.tangents.copy())

    def reshape(self, *shape: Any) -> Dual:
        value = self.value.reshape(*shape)
        tangents = self.tangents.reshape(len(self.tangents), *value.shape)
        if not np.may_share_memory(tangents, self.tangents):
            value = value.copy()
            value.flags.writeable = False  # what is written into it would not reach self, as it might in an array
        return Dual(value, tangents)

    def transpose(self, *axes: Any) -> Dual:
        order = np.ravel(axes).astype(int) % self.ndim if axes else np.arange(self.ndim)[::-1]
        return Dual(self.value.transpose(order), self.tangents.transpose(0, *(order + 1)))

    def sum(self, axis: Any = None, dtype: DType | None = None, out: None = None, keepdims: bool = False) -> Dual:
        _check_float(dtype)
        _check_no_out(out)
        axes = _axes(self, axis)
        value = self.value.sum(axis=axes, keepdims=keepdims)
        return Dual(value, self.tangents.sum(axis=tuple(a + 1 for a in axes), keepdims=keepdims))

    def mean(self, axis: Any = None, dtype: DType | None = None, out: None = None, keepdims: bool = False) -> Dual:
        count = math.prod(self.shape[a] for a in _axes(self, axis))
        return self.sum(axis, dtype, out, keepdims) / count  # type: ignore[no-any-return]

    def max(self, axis: int, out: None = None, keepdims: bool = False, initial: float = -math.inf) -> Dual:
        """The largest along an axis and the derivative of the first of them, as if no other were as large."""
        _check_no_out(out)
        if initial != -math.inf:
            raise NoRuleError("there is no rule for the derivative of max with an initial value")
        if not self.shape[axis]:
            value = np.max(self.value, axis=axis, keepdims=keepdims, initial=initial)
            return Dual(value, np.zeros((len(self.tangents), *value.shape)))
        first = np.argmax(self.value, axis=axis, keepdims=True)
        picked = np.take_along_axis(self.value, first, axis)
        tangents = np.take_along_axis(self.tangents, first[None], axis % self.ndim + 1)
        largest = Dual(picked, tangents)
        return largest if keepdims else largest.reshape(np.delete(picked.shape, axis))


class NoRuleError(TypeError, AttributeError):
    """What was done with dual numbers has no rule here, or is nothing that they have."""


def _check_float(dtype: DType | None) -> None:
    if dtype is not None and np.dtype(dtype).kind != "f":
        raise NoRuleError(f"there is no rule for the derivative of a conversion to {np.dtype(dtype)}")


def _check_no_out(out: None) -> None:
    if out is not None:
        raise NoRuleError("there is no rule for the derivative of what is written into an array")


def _written_into(out: Any, result: Dual, name: str) -> Dual:
    """`out` with the result written into its memory, which its views share, as an array would have it."""
    writable = isinstance(out, Dual) and out.value.flags.writeable and out.tangents.flags.writeable
    if not writable or out.shape != result.shape:
        raise NoRuleError(f"there is no rule for the derivative of {name} into what can't be written to")
    out.value[...], out.tangents[...] = result.value, result.tangents
    return out  # type: ignore[no-any-return]


def _value(x: Any) -> Any:
    return x.value if isinstance(x, Dual) else x


def _axes(x: Dual, axis: Any) -> tuple[int, ...]:
    axes = range(x.ndim) if axis is None else np.ravel(axis)
    return tuple(int(a) % x.ndim for a in axes)


def _tangents(x: Dual, ndim: int) -> Array:
    """The tangents of x as they broadcast with arrays of `ndim` axes."""
    return x.tangents.reshape(len(x.tangents), *(1,) * (ndim - x.ndim), *x.shape)


def _of_one(f: Callable[[Any], Any], derivative: Callable[[Any], Any]) -> Callable[[Dual], Dual]:
    return lambda x: Dual(f(x.value), _scaled(derivative, (x.value,), x.tangents))


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
        a, b = _value(x), _value(y)
        value = np.asarray(f(a, b))
        terms = [
            _scaled(partial, (a, b), _tangents(argument, value.ndim))
            for argument, partial in ((x, by_x), (y, by_y))
            if isinstance(argument, Dual)
        ]
        return Dual(value, sum(terms[1:], terms[0]))

    return rule


def _matmul(x: Any, y: Any) -> Dual:
    """The product rule: d(x @ y) = dx @ y + x @ dy."""
    a, b = _value(x), _value(y)
    if np.ndim(a) < 2 or np.ndim(b) < 2:
        raise NoRuleError("there is no rule for the derivative of matmul with vectors: make them matrices")
    value = a @ b
    terms = [_tangents(x, value.ndim) @ b] if isinstance(x, Dual) else []
    terms += [a @ _tangents(y, value.ndim)] if isinstance(y, Dual) else []
    return Dual(value, sum(terms[1:], terms[0]))


def _where(condition: Any, x: Any = None, y: Any = None) -> Dual:
    if isinstance(condition, Dual) or x is None or y is None:
        raise NoRuleError("there is no rule for the derivative of where with a condition of dual numbers")
    value = np.asarray(np.where(condition, _value(x), _value(y)))
    x_tangents, y_tangents = (_tangents(a, value.ndim) if isinstance(a, Dual) else 0.0 for a in (x, y))
    return Dual(value, np.where(condition, x_tangents, y_tangents))


def _largest(f: Any, is_first: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Dual]:
    """The rule of maximum or minimum. Of two equal dual numbers the second counts, of a tie with an array neither."""
    of_duals = _of_two(f, is_first, lambda a, b: ~is_first(a, b))
    of_one = _of_two(f, is_first, lambda a, b: is_first(b, a))
    return lambda x, y: (of_duals if isinstance(x, Dual) and isinstance(y, Dual) else of_one)(x, y)


def _concatenate(arrays: Any, axis: int = 0) -> Dual:
    k = next(len(x.tangents) for x in arrays if isinstance(x, Dual))
    duals = [x if isinstance(x, Dual) else Dual(x, np.zeros((k, *np.shape(x)))) for x in arrays]
    tangents = np.concatenate([x.tangents for x in duals], axis if axis < 0 else axis + 1)
    return Dual(np.concatenate([x.value for x in duals], axis), tangents)


def _sech_squared(x: Any) -> Any:
    """The derivative of tanh; not that of the layers, since an oracle is to share nothing with what it checks."""
    decay = np.exp(-np.abs(x))
    return (2 * decay / (1 + decay * decay)) ** 2


def _power(x: Any, y: Any) -> Dual:
    if isinstance(y, Dual):
        return np.exp(y * np.log(x))  # type: ignore[no-any-return]
    return _of_two(np.power, lambda a, b: b * a ** np.where(b == 0, 0.0, b - 1.0), lambda a, b: 0.0)(x, y)


def _on_values(f: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *inputs, **options: f(*(_value(x) for x in inputs), **options)


def _zero(x: Any) -> Any:
    return np.zeros_like(x)


_UFUNCS: dict[np.ufunc, Callable[..., Any]] = {
    np.add: _of_two(np.add, lambda a, b: 1.0, lambda a, b: 1.0),
    np.subtract: _of_two(np.subtract, lambda a, b: 1.0, lambda a, b: -1.0),
    np.multiply: _of_two(np.multiply, lambda a, b: b, lambda a, b: a),
    np.divide: _of_two(np.divide, lambda a, b: 1 / b, lambda a, b: -a / b**2),
    np.maximum: _largest(np.maximum, np.greater),
    np.minimum: _largest(np.minimum, np.less),
    np.logaddexp: _of_two(np.logaddexp, lambda a, b: 1 / (1 + np.exp(b - a)), lambda a, b: 1 / (1 + np.exp(a - b))),
    np.matmul: _matmul,
    np.power: _power,
    np.negative: _of_one(np.negative, lambda a: -1.0),
    np.positive: _of_one(np.positive, lambda a: 1.0),
    np.absolute: _of_one(np.absolute, np.sign),
    np.sign: _of_one(np.sign, _zero),
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
    **{f: _on_values(f) for f in (np.greater, np.greater_equal, np.less, np.less_equal, np.equal, np.not_equal)},
    **{f: _on_values(f) for f in (np.isnan, np.isfinite, np.isinf)},
}

_FUNCTIONS: dict[Any, Callable[..., Any]] = {
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
