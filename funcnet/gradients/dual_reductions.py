"""Rules of sums, means, variances, products and norms along axes, and of the methods of ufuncs such as reduce."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from funcnet.gradients.dual_calculus import jumps, reduced, tangents_of, value_of
from funcnet.gradients.dual_linear import linear
from funcnet.gradients.dual_registry import FUNCTIONS, OF_METHODS, UFUNCS, NoRuleError, check_float
from funcnet.gradients.duals import Dual, Mask


def _sum(x: Any, axis: Any = None, dtype: Any = None, out: None = None, keepdims: bool = False, **more: Any) -> Dual:
    if isinstance(x, Mask):
        return x.sum(axis, dtype, out, keepdims)
    check_float(dtype)
    chosen = more.pop("where", True)
    if out is not None or more or not isinstance(x, Dual):
        raise NoRuleError("a sum into `out`, or with other options", "cannot write", "np.sum with options")
    x = x if chosen is True else FUNCTIONS[np.where](chosen, x, np.zeros((), x.dtype))
    axes = x.axes(axis)
    along = tuple(a + 1 for a in axes)
    value = x.value.sum(axis=axes, keepdims=keepdims)
    return x.along(value, lambda numbers: numbers.sum(axis=along, keepdims=keepdims))  # type: ignore[no-any-return]


def _mean(x: Any, axis: Any = None, dtype: Any = None, out: None = None, keepdims: bool = False, **more: Any) -> Dual:
    total = _sum(x, axis, dtype, out, keepdims, **more)
    if "where" not in more:
        return total / math.prod(x.shape[a] for a in x.axes(axis))  # type: ignore[no-any-return]
    count = np.sum(np.broadcast_to(more["where"], x.shape), axis, keepdims=keepdims)
    return total / np.asarray(count, x.dtype)  # type: ignore[no-any-return]


def _only(x: Any, name: str) -> Dual:
    if not isinstance(x, Dual):
        raise NoRuleError(f"{name} of these arguments", operation=f"np.{name}")
    return x


def _var(
    x: Dual, axis: Any = None, dtype: Any = None, out: None = None, ddof: float = 0, keepdims: bool = False, **more: Any
) -> Dual:
    if more:
        raise NoRuleError(f"var with {', '.join(more)}", operation="np.var")
    centred = x - x.mean(axis, keepdims=True)
    count = x.size // max(1, x.sum(axis).size)
    return (centred * centred).sum(axis, dtype, out, keepdims) / (count - ddof)  # type: ignore[no-any-return]


def _std(
    x: Dual, axis: Any = None, dtype: Any = None, out: None = None, ddof: float = 0, keepdims: bool = False, **more: Any
) -> Dual:
    """The norm of what is left of the mean: where all numbers are equal, too, it has a slope in each direction."""
    if more or dtype is not None or out is not None:
        raise NoRuleError("std with these options", operation="np.std")
    count = x.size // max(1, x.sum(axis).size)
    return length(x - x.mean(axis, keepdims=True), axis, keepdims) / math.sqrt(count - ddof)  # type: ignore[no-any-return]


def length(x: Dual, axis: Any = None, keepdims: bool = False) -> Dual:
    """The root of the sum of squares; where this is 0, it grows by that of the tangents."""
    if x.limits is not None:
        raise NoRuleError("the length of numbers that jump", operation="np.linalg.norm")
    axes = x.axes(axis)
    value = np.sqrt((x.value * x.value).sum(axis=axes, keepdims=True))
    along = tuple(a + 1 for a in axes)
    with np.errstate(divide="ignore", invalid="ignore"):
        slopes = (x.value / value * x.tangents).sum(axis=along, keepdims=True)
    tangents = np.where(value == 0, np.sqrt((x.tangents**2).sum(axis=along, keepdims=True)), slopes)
    result = Dual(value, tangents)
    return result.reshape(reduced(x.shape, axes, keepdims))


def _hypot(x: Any, y: Any) -> Dual:
    value = np.asarray(np.hypot(value_of(x), value_of(y)))
    if jumps(x, y):
        raise NoRuleError("hypot of numbers that jump", operation="np.hypot")
    a, b = tangents_of(x, value.ndim), tangents_of(y, value.ndim)
    with np.errstate(divide="ignore", invalid="ignore"):
        slopes = value_of(x) / value * a + value_of(y) / value * b
    return Dual(value, np.where(value == 0, np.hypot(a, b), slopes))


def _average(x: Any, axis: Any = None, weights: Any = None, returned: bool = False, *, keepdims: bool = False) -> Any:
    if returned:
        raise NoRuleError("average with returned", operation="np.average")
    if weights is None:
        return np.mean(x, axis, keepdims=keepdims)
    if np.ndim(weights) != np.ndim(x):
        if np.ndim(weights) != 1 or not isinstance(axis, int):
            raise NoRuleError("average with weights of several axes", operation="np.average")
        weights = np.expand_dims(weights, tuple(a for a in range(np.ndim(x)) if a != axis % np.ndim(x)))
    total = np.sum(np.broadcast_to(weights, np.shape(x)), axis, keepdims=keepdims)
    return np.sum(x * weights, axis, keepdims=keepdims) / total


def _rows(x: Any, axis: int) -> list[Any]:
    front = np.moveaxis(x, axis, 0)
    return [front[i] for i in range(len(front))]


def _folded(ufunc: np.ufunc, x: Any, axis: int) -> list[Any]:
    """The results of the ufunc after one row, two rows, and so on, along an axis."""
    rows = _rows(x, axis)
    for i in range(1, len(rows)):
        rows[i] = ufunc(rows[i - 1], rows[i])
    return rows


def _reduce(
    ufunc: np.ufunc, x: Any, axis: Any = 0, dtype: Any = None, out: Any = None, keepdims: bool = False, **more: Any
) -> Any:
    """ufunc.reduce, by the rule of a function where there is one, else by that of the ufunc, row by row."""
    if more or dtype is not None or out not in (None, (None,)):
        raise NoRuleError(f"{ufunc.__name__}.reduce with these options", operation=f"np.{ufunc.__name__}.reduce")
    known: dict[np.ufunc, Callable[..., Any]] = {np.add: np.sum, np.maximum: np.max, np.minimum: np.min}
    if ufunc in known:
        return known[ufunc](x, axis=axis, keepdims=keepdims)
    x = _only(x, f"{ufunc.__name__}.reduce")
    if not x.size:
        raise NoRuleError(f"{ufunc.__name__}.reduce of nothing", operation=f"np.{ufunc.__name__}.reduce")
    axes = x.axes(axis)
    kept = [a for a in range(x.ndim) if a not in axes]
    rows = x.transpose(*axes, *kept).reshape(-1, *reduced(x.shape, axes, keepdims=False))
    return _folded(ufunc, rows, 0)[-1].reshape(reduced(x.shape, axes, keepdims))


def _accumulate(ufunc: np.ufunc, x: Any, axis: int = 0, dtype: Any = None, out: Any = None) -> Any:
    if dtype is not None or out not in (None, (None,)):
        raise NoRuleError(f"{ufunc.__name__}.accumulate with these options")
    x = _only(x, f"{ufunc.__name__}.accumulate")
    if ufunc is np.add:
        return np.cumsum(x, axis)
    return np.stack(_folded(ufunc, x, axis), axis) if x.size else x


def _outer(ufunc: np.ufunc, x: Any, y: Any) -> Any:
    x = x if isinstance(x, Dual) else np.asarray(x)
    return ufunc(x.reshape(*x.shape, *(1,) * np.ndim(y)), y)


def _reduceat(ufunc: np.ufunc, x: Any, indices: Any, axis: int = 0, dtype: Any = None, out: Any = None) -> Any:
    if ufunc is not np.add or dtype is not None or out not in (None, (None,)):
        raise NoRuleError(f"{ufunc.__name__}.reduceat", operation=f"np.{ufunc.__name__}.reduceat")
    return linear(np.add.reduceat)(x, indices, axis)


def _add_at(ufunc: np.ufunc, x: Any, index: Any, numbers: Any) -> None:
    """Add numbers at places, which may be named twice, of dual numbers."""
    if ufunc not in (np.add, np.subtract) or not isinstance(x, Dual):
        raise NoRuleError(f"{ufunc.__name__}.at into these numbers", operation=f"np.{ufunc.__name__}.at")
    x.check_writeable(numbers)
    ufunc.at(x.value, index, value_of(numbers))
    if isinstance(numbers, Dual):
        for along, more in zip(x.tangents, numbers.tangents, strict=True):
            ufunc.at(along, index, more)


def _prod(x: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: bool = False) -> Any:
    return _reduce(np.multiply, x, axis, dtype, out, keepdims)


def _cumprod(x: Any, axis: int | None = None, dtype: Any = None, out: Any = None) -> Any:
    return _accumulate(np.multiply, np.ravel(x) if axis is None else x, axis or 0, dtype, out)


def _nan_as(number: float, f: Callable[..., Any]) -> Callable[..., Any]:
    return lambda x, *arguments, **options: f(np.where(np.isnan(x), number, x), *arguments, **options)


UFUNCS[np.hypot] = _hypot
OF_METHODS.update(
    {
        "reduce": _reduce,
        "accumulate": _accumulate,
        "outer": _outer,
        "reduceat": _reduceat,
        "at": _add_at,
    }
)
FUNCTIONS.update(
    {
        np.sum: _sum,
        np.mean: _mean,
        np.var: _var,
        np.std: _std,
        np.average: _average,
        np.prod: _prod,
        np.cumprod: _cumprod,
        np.nansum: _nan_as(0.0, np.sum),
        np.nanmean: lambda x, axis=None, **options: _mean(x, axis, where=~np.isnan(x), **options),
        np.nanprod: _nan_as(1.0, np.prod),
    }
)
