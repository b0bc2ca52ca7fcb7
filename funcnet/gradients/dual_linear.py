"""Rules of functions that are linear in each of their arrays: f(x + t * v) = f(x) + t * f(v).

They need no formula of their own. A function that just moves numbers moves tangents alike; any other one is applied to
the tangents of each direction.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import reduce
from itertools import pairwise
from typing import Any

import numpy as np

from funcnet.gradients.dual_calculus import dual, jumps, tangents_of, value_of
from funcnet.gradients.dual_registry import FUNCTIONS, UFUNCS, NoRuleError
from funcnet.gradients.duals import Dual, Mask, directed
from funcnet.tree import Array

Rule = Callable[..., Any]


def arrays_in(x: Any) -> Iterator[Any]:
    """The arrays in lists and tuples, however deep."""
    for part in x if isinstance(x, list | tuple) else ():
        yield from arrays_in(part)
    if not isinstance(x, list | tuple):
        yield x


def mapped(f: Callable[[Any], Any], x: Any) -> Any:
    """x with f applied to each of its arrays."""
    return type(x)(mapped(f, part) for part in x) if isinstance(x, list | tuple) else f(x)


def in_direction(x: Any, j: int) -> Any:
    """The numbers of x along direction j."""
    return x.limits[j] if isinstance(x, Dual) and x.limits is not None else value_of(x)


def by_direction(k: int, value: Array, f: Callable[[int], Any]) -> Array:
    """f(j) for each of k directions, (k, *value.shape)."""
    result = np.empty((k, *value.shape), value.dtype)
    for j in range(k):
        result[j] = f(j)
    return result


def _checked(arrays: list[Any], f: Any) -> list[Dual]:
    if any(isinstance(x, Mask) for x in arrays) or not any(isinstance(x, Dual) for x in arrays):
        raise NoRuleError(f"{f.__name__} of these arguments", operation=f"np.{f.__name__}")
    return [x for x in arrays if isinstance(x, Dual)]


def moving(f: Any) -> Rule:
    """The rule of a function that moves or copies the numbers of its first argument."""

    def rule(x: Any, *arguments: Any, **options: Any) -> Dual:
        _checked([x], f)
        return x.gathered(lambda numbers: f(numbers, *arguments, **options))  # type: ignore[no-any-return]

    return rule


def linear(f: Any) -> Rule:
    """The rule of a function that is linear in the arrays, all at once, of its first argument."""

    def rule(x: Any, *arguments: Any, **options: Any) -> Dual:
        duals = _checked(list(arrays_in(x)), f)
        k = len(duals[0].tangents)
        value = f(mapped(value_of, x), *arguments, **options)
        if not isinstance(value, np.ndarray | np.inexact):
            raise NoRuleError(f"{f.__name__} with several results", operation=f"np.{f.__name__}")
        value = np.asarray(value)

        def along(part: Any, j: int) -> Any:
            return part.tangents[j] if isinstance(part, Dual) else np.zeros_like(part, value.dtype)

        def tangents(j: int) -> Any:
            return f(mapped(lambda part: along(part, j), x), *arguments, **options)

        def limits(j: int) -> Any:
            return f(mapped(lambda part: in_direction(part, j), x), *arguments, **options)

        at = by_direction(k, value, limits) if jumps(*duals) else None
        return dual(_owned(value, duals), by_direction(k, value, tangents), at)

    return rule


def _owned(value: Array, duals: list[Dual]) -> Array:
    """The value, as a copy if it is a view of a dual: tangents are none."""
    return reduce(lambda value, x: x.apart(value), duals, value)


def multilinear(f: Any) -> Rule:
    """The rule of a product, which is linear in each of its arrays: the sum of f with one of them moved at a time."""

    def rule(*inputs: Any, **options: Any) -> Dual:
        duals = _checked(list(inputs), f)
        value = np.asarray(f(*map(value_of, inputs), **options))

        def tangents(j: int) -> Any:
            at = [in_direction(x, j) for x in inputs]
            moved = [(i, x.tangents[j]) for i, x in enumerate(inputs) if isinstance(x, Dual)]
            return sum(np.asarray(f(*at[:i], along, *at[i + 1 :], **options)) for i, along in moved)

        def limits(j: int) -> Any:
            return f(*(in_direction(x, j) for x in inputs), **options)

        k = len(duals[0].tangents)
        at = by_direction(k, value, limits) if jumps(*duals) else None
        return dual(_owned(value, duals), by_direction(k, value, tangents), at)

    return rule


def _reshaped(f: Any) -> Rule:
    """The rule of a function that gives its array another shape."""
    return lambda x, *arguments, **options: x.reshape(f(x.value, *arguments, **options).shape)


def _transposed(f: Any) -> Rule:
    """The rule of a function that gives its array's axes another order."""

    def rule(x: Dual, *arguments: Any, **options: Any) -> Dual:
        axes = f(np.broadcast_to(0.0, range(x.ndim)), *arguments, **options).shape  # each as long as its number
        return x.transpose(*axes) if axes else x

    return rule


def _split(f: Any) -> Rule:
    """The rule of a function that cuts an array along an axis into views."""

    def rule(x: Dual, sections: Any, axis: int = 0) -> list[Dual]:
        along = (slice(None),) * (axis % x.ndim)
        each = f(np.arange(x.shape[axis]), sections)
        ends = np.cumsum([0, *map(len, each)])
        whole = isinstance(sections, int | np.integer) or list(sections) == sorted(set(map(abs, sections)))
        if not whole or ends[-1] != x.shape[axis]:
            raise NoRuleError(f"{f.__name__} at places that are not in order", operation=f"np.{f.__name__}")
        return [x[(*along, slice(int(a), int(b)))] for a, b in pairwise(ends)]

    return rule


def _matmul(x: Any, y: Any) -> Dual:
    """The product rule: d(x @ y) = dx @ y + x @ dy, for all directions at once."""
    if np.ndim(x) < 2 or np.ndim(y) < 2:
        return multilinear(np.matmul)(x, y)  # type: ignore[no-any-return]
    value = value_of(x) @ value_of(y)
    a, b = directed(x, value.ndim), directed(y, value.ndim)
    terms = [tangents_of(x, value.ndim) @ b] if isinstance(x, Dual) else []
    terms += [a @ tangents_of(y, value.ndim)] if isinstance(y, Dual) else []
    return dual(value, sum(terms[1:], terms[0]), a @ b if jumps(x, y) else None)


def _dot(x: Any, y: Any) -> Dual:
    return _matmul(x, y) if np.ndim(x) == np.ndim(y) == 2 else multilinear(np.dot)(x, y)


def _like(f: Any) -> Rule:
    """The rule of zeros_like and the like: dual numbers without slopes, which others can be written into."""

    def rule(x: Any, *arguments: Any, **options: Any) -> Any:
        inputs = [value_of(each) for each in arguments]
        value = f(value_of(x), *inputs, **options)
        fills = [each for each in arguments if isinstance(each, Dual)]
        if fills or value.dtype.kind not in "fc":
            return value if not fills else np.broadcast_to(fills[0], value.shape).copy()
        return Dual(value, np.zeros((len(x.tangents), *value.shape), value.dtype))

    return rule


def _append(x: Any, values: Any, axis: int | None = None) -> Any:
    parts = [x, values] if axis is not None else [part.reshape(-1) for part in map(_plain_or_dual, (x, values))]
    return np.concatenate(parts, 0 if axis is None else axis)


def _plain_or_dual(x: Any) -> Any:
    return x if isinstance(x, Dual) else np.asarray(x)


def _ravel(x: Dual, order: str = "C") -> Dual:
    if order not in "CF":
        raise NoRuleError(f"ravel in order {order!r}", operation="np.ravel")
    return (x if order == "C" else x.T).reshape(x.size)


def _pad(x: Any, width: Any, mode: Any = "constant", **options: Any) -> Dual:
    """Constants that are padded have no derivative; copies of numbers have that of the numbers."""
    if mode in ("edge", "reflect", "symmetric", "wrap") and not options:
        return moving(np.pad)(x, width, mode)  # type: ignore[no-any-return]
    if mode != "constant" or any(isinstance(each, Dual) for each in arrays_in(options.get("constant_values", 0))):
        raise NoRuleError(f"pad in mode {mode!r} with {options}", operation="np.pad")
    value = np.pad(x.value, width, **options)
    limits = None if x.limits is None else [np.pad(each, width, **options) for each in x.limits]
    tangents = by_direction(len(x.tangents), value, lambda j: np.pad(x.tangents[j], width))
    return dual(value, tangents, None if limits is None else np.array(limits))


def _copy(x: Any, *arguments: Any, **options: Any) -> Dual:
    return x.copy()  # type: ignore[no-any-return]


def _broadcast_arrays(*arrays: Any, **options: Any) -> Any:
    shape = np.broadcast_shapes(*map(np.shape, arrays))
    return tuple(np.broadcast_to(x, shape) for x in arrays)


MOVING = [
    *(np.flip, np.fliplr, np.flipud, np.rot90, np.roll, np.repeat, np.tile, np.resize, np.broadcast_to),
    *(np.take, np.take_along_axis, np.delete, np.diagonal),
    np.lib.stride_tricks.sliding_window_view,
]
LINEAR = [
    *(np.concatenate, np.stack, np.vstack, np.hstack, np.dstack, np.column_stack, np.block),
    *(np.cumsum, np.diff, np.trace, np.diag, np.diagflat, np.tril, np.triu, np.gradient, np.ediff1d),
    *(np.fft.fftshift, np.fft.ifftshift, np.nancumsum),
]
PRODUCTS = [
    *(np.einsum, np.tensordot, np.inner, np.outer, np.vdot, np.kron, np.convolve, np.correlate, np.cross),
]

UFUNCS[np.matmul] = _matmul
_OF_FUNCTIONS: dict[Any, Callable[..., Any]] = {
    np.dot: _dot,
    np.reshape: lambda x, *arguments, **options: x.reshape(*arguments, **options),
    np.transpose: lambda x, axes=None: x.transpose() if axes is None else x.transpose(*axes),
    np.append: _append,
    np.copy: _copy,
    np.broadcast_arrays: _broadcast_arrays,
    np.insert: lambda x, at, values, axis=None: linear(lambda both: np.insert(both[0], at, both[1], axis))((x, values)),
    np.pad: _pad,
    np.ravel: _ravel,
    "flatten": lambda x, order="C": _ravel(x.copy(), order),
    np.compress: lambda condition, x, axis=None: x.gathered(lambda numbers: np.compress(condition, numbers, axis)),
    np.linalg.multi_dot: lambda arrays: reduce(np.matmul, arrays),
    **{f: moving(f) for f in MOVING},
    **{f: linear(f) for f in LINEAR},
    **{f: multilinear(f) for f in PRODUCTS},
    **{f: _reshaped(f) for f in (np.squeeze, np.expand_dims, np.atleast_1d, np.atleast_2d, np.atleast_3d)},
    **{f: _transposed(f) for f in (np.swapaxes, np.moveaxis, np.rollaxis)},
    **{f: _split(f) for f in (np.split, np.array_split)},
    **{f: _like(f) for f in (np.zeros_like, np.ones_like, np.empty_like, np.full_like)},
}
FUNCTIONS.update(_OF_FUNCTIONS)
