"""Rules of orderings: the largest, sorting, quantiles, and searches. Where numbers tie, directions order them apart.

What gives places, such as argsort, jumps where numbers that move apart are equal, and is refused there.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from funcnet.gradients.dual_calculus import dual, reduced, value_of
from funcnet.gradients.dual_registry import FUNCTIONS, UFUNCS, NoRuleError
from funcnet.gradients.duals import Dual
from funcnet.tree import Array


def _max(x: Dual, axis: Any = None, out: None = None, keepdims: bool = False, initial: float = -math.inf) -> Dual:
    """The largest number along axes; at a tie, each direction follows the number that grows most along it."""
    if out is not None:
        raise NoRuleError("a maximum into `out`", "cannot write")
    axes = x.axes(axis)
    result = _largest(_rows(x, axes), initial).reshape(reduced(x.shape, axes, keepdims))
    return result if initial == -math.inf else UFUNCS[np.maximum](result, initial)


def _rows(x: Dual, axes: tuple[int, ...]) -> Dual:
    """The numbers along these axes on one last axis."""
    if axes == (x.ndim - 1,):
        return x
    kept = [a for a in range(x.ndim) if a not in axes]
    ordered = x.transpose(*kept, *axes) if x.ndim else x
    return ordered.reshape(*reduced(x.shape, axes, keepdims=False), math.prod(x.shape[a] for a in axes))


def _largest(x: Dual, initial: float) -> Dual:
    """The largest number along the last axis, which is kept; the initial one where there are none."""
    if not x.shape[-1]:
        return Dual(np.full((*x.shape[:-1], 1), initial, x.dtype), np.zeros((len(x.tangents), *x.shape[:-1], 1)))
    value = np.max(x.value, axis=-1, keepdims=True)
    numbers = x.value[None] if x.limits is None else x.limits
    first = np.argmax(numbers, axis=-1, keepdims=True)
    largest, tangents = (np.take_along_axis(a, first, -1) for a in (numbers, x.tangents))
    ties = numbers == largest
    if (ties.sum(axis=-1) > 1).any():
        tangents = np.where(ties, x.tangents, tangents).max(axis=-1, keepdims=True)
    return Dual(value, tangents, None if x.limits is None else largest)


def _min(x: Dual, axis: Any = None, out: None = None, keepdims: bool = False, initial: float = math.inf) -> Dual:
    return -_max(-x, axis, out, keepdims, -initial)  # type: ignore[no-any-return]


def _refuse_ties(x: Dual, is_tied: Array, operation: str) -> None:
    if is_tied.any():
        raise NoRuleError(f"{operation} of numbers that are equal but move apart", operation=f"np.{operation}")


def _still(x: Dual, operation: str) -> Dual:
    if x.limits is not None:
        raise NoRuleError(f"{operation} of numbers that jump", operation=f"np.{operation}")
    return x


def _place_of(best: Any) -> Callable[..., Any]:
    """The rule of argmax or argmin; equal numbers that move together stay equal."""

    def rule(x: Dual, axis: int | None = None, out: None = None, *, keepdims: bool = False) -> Any:
        name = best.__name__
        along = -1 if axis is None else axis
        rows = _still(x, name) if axis is not None else x.reshape(x.size)
        place = best(rows.value, axis=along, keepdims=True)
        at, slopes = rows.gathered(lambda numbers: np.take_along_axis(numbers, place, along)), rows.tangents
        _refuse_ties(x, (rows.value == at.value) & (slopes != at.tangents), name)
        return best(x.value, axis=axis, keepdims=keepdims)

    return rule


def _order(x: Dual, axis: int, kind: Any = None) -> Array:
    """The places of the numbers in ascending order, refused where it depends on the direction."""
    order = np.argsort(x.value, axis=axis, kind=kind)
    value = np.moveaxis(np.take_along_axis(x.value, order, axis), axis, -1)
    sorted_slopes = np.take_along_axis(x.tangents, order[None], axis if axis < 0 else axis + 1)
    slopes = np.moveaxis(sorted_slopes, axis if axis < 0 else axis + 1, -1)
    ties = value[..., 1:] == value[..., :-1]
    _refuse_ties(x, ties & (slopes[..., 1:] != slopes[..., :-1]), "argsort")
    return order


def _argsort(x: Dual, axis: int | None = -1, kind: Any = None, order: None = None, *, stable: Any = None) -> Array:
    rows = _still(x, "argsort") if axis is not None else _still(x, "argsort").reshape(x.size)
    return _order(rows, -1 if axis is None else axis, "stable" if stable else kind)


def _argpartition(x: Dual, kth: Any, axis: int | None = -1, kind: Any = "introselect", order: None = None) -> Array:
    _argsort(x, axis)  # refuses ties
    return np.argpartition(x.value, kth, axis, kind)


def _sort(x: Dual, axis: int | None = -1, kind: Any = None, order: None = None, *, stable: Any = None) -> Dual:
    """The numbers in ascending order, those that are equal by their slopes."""
    rows, along = (x, axis % x.ndim + 1) if axis is not None else (x.reshape(x.size), 1)
    numbers = np.broadcast_to(rows.value[None] if rows.limits is None else rows.limits, rows.tangents.shape)
    places = np.lexsort((rows.tangents, numbers), axis=along)
    tangents, limits = (np.take_along_axis(each, places, along) for each in (rows.tangents, numbers))
    return dual(np.sort(rows.value, axis=along - 1), tangents, limits if rows.limits is not None else None)


def _partition(x: Dual, kth: Any, axis: int | None = -1, kind: Any = "introselect", order: None = None) -> Dual:
    rows = x if axis is not None else x.reshape(x.size)
    along = -1 if axis is None else axis
    places = _argpartition(rows, kth, along, kind)
    result: Dual = FUNCTIONS[np.take_along_axis](rows, places, along)
    if not np.array_equal(result.value, np.partition(rows.value, kth, along, kind), equal_nan=True):
        raise NoRuleError("partition, whose order differs from that of argpartition", operation="np.partition")
    return result


def _quantile(scale: float, f: Any) -> Callable[..., Any]:
    """The rule of quantile or percentile: a mean of the two sorted numbers next to the place."""

    def rule(x: Any, q: Any, axis: Any = None, out: None = None, *, keepdims: bool = False, **options: Any) -> Any:
        if not isinstance(x, Dual) or isinstance(q, Dual) or out is not None or set(options) - {"method"}:
            raise NoRuleError(f"{f.__name__} with these arguments", operation=f"np.{f.__name__}")
        if options.get("method", "linear") != "linear":
            raise NoRuleError(f"{f.__name__} by method {options['method']!r}", operation=f"np.{f.__name__}")
        rows = _sort(_rows(x, x.axes(axis)))
        at = np.asarray(q, np.float64) / scale * (rows.shape[-1] - 1)
        below = np.floor(at).astype(int)
        low, high = rows[..., below], rows[..., np.minimum(below + 1, rows.shape[-1] - 1)]
        between = low + (high - low) * (at - below).astype(x.dtype)
        front = np.moveaxis(between, range(between.ndim - at.ndim, between.ndim), range(at.ndim))
        value = np.asarray(f(x.value, q, axis=axis, keepdims=keepdims))
        if between.limits is not None:
            raise NoRuleError(f"{f.__name__} of numbers that jump", operation=f"np.{f.__name__}")
        return Dual(value, front.tangents.reshape(len(x.tangents), *value.shape))

    return rule


def _median(x: Dual, axis: Any = None, out: None = None, overwrite_input: bool = False, keepdims: bool = False) -> Dual:
    result: Dual = np.quantile(x, 0.5, axis=axis, out=out, keepdims=keepdims)
    return Dual(np.median(x.value, axis=axis, keepdims=keepdims), result.tangents)


def _ptp(x: Dual, axis: Any = None, out: None = None, keepdims: bool = False) -> Any:
    return _max(x, axis, out, keepdims) - _min(x, axis, out, keepdims)


def _searched(f: Any, which: int) -> Callable[..., Any]:
    """The rule of searchsorted or digitize, refused where a number is at an edge."""

    def rule(*arguments: Any, **options: Any) -> Any:
        x, edges = value_of(arguments[which]), value_of(arguments[1 - which])
        if np.equal(np.asarray(x)[..., None], edges).any():
            raise NoRuleError(f"{f.__name__} at an edge", operation=f"np.{f.__name__}")
        return f(*map(value_of, arguments), **options)

    return rule


FUNCTIONS.update(
    {
        np.max: _max,
        np.amax: _max,
        np.min: _min,
        np.amin: _min,
        np.ptp: _ptp,
        np.argmax: _place_of(np.argmax),
        np.argmin: _place_of(np.argmin),
        np.sort: _sort,
        np.argsort: _argsort,
        np.partition: _partition,
        np.argpartition: _argpartition,
        np.quantile: _quantile(1, np.quantile),
        np.percentile: _quantile(100, np.percentile),
        np.median: _median,
        np.searchsorted: _searched(np.searchsorted, 1),
        np.digitize: _searched(np.digitize, 0),
    }
)
