"""Arrays of dual numbers, and the masks that comparing them gives; the rules of calculus are in `dual_rules`.

At a tie, such as max(x, 0) at x = 0, the slope of a function depends on the direction. So each direction v is
differentiated separately: the derivative along v is that of f(x + t * v) at t = 0 from above, which every continuous
function here has.

References
----------
A. Griewank, A. Walther: Evaluating Derivatives, 2nd edition, 2008, chapters 3 and 14.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from types import SimpleNamespace
from typing import Any, NoReturn

import numpy as np

from funcnet.gradients.dual_registry import (
    FUNCTIONS,
    KINDS,
    METHODS,
    OF_METHODS,
    UFUNCS,
    NoRuleError,
    check_float,
    unknown,
)
from funcnet.tree import Array, DType


class Dual(np.lib.mixins.NDArrayOperatorsMixin):
    """Numbers that carry derivatives: value (...), and tangents (k, ...), the slope of each number in k directions.

    limits (k, ...) are the numbers just along each direction where they jump, as sign(x) does at 0; None without jumps.
    Slopes are taken at the limits: sign(x) * |x| is smooth, though its first factor is not.

    >>> x = Dual(np.array([1.0, 2.0]), np.array([[1.0, 0.0], [0.0, 1.0]]))
    >>> np.sum(x * x).tangents
    array([2., 4.])
    >>> np.abs(Dual(np.array(0.0), np.array([2.0, -2.0]))).tangents
    array([2., 2.])
    >>> np.linalg.eigh(x)
    Traceback (most recent call last):
    ...
    funcnet.gradients.dual_registry.NoRuleError: there is no rule for the derivative of eigh
    """

    __slots__ = ("limits", "memory", "tangents", "value")

    kind, ufuncs, functions = "f", UFUNCS, FUNCTIONS

    def __new__(cls, value: Any, *arguments: Any) -> Dual:
        return object.__new__(KINDS.get(np.asarray(value).dtype.kind, cls))  # type: ignore[no-any-return]

    def __init__(self, value: Any, tangents: Array, limits: Array | None = None) -> None:
        self.value: Array = np.asarray(value)
        if self.value.dtype.kind != self.kind:
            raise NoRuleError(f"numbers of {self.value.dtype}")
        shape = (len(tangents), *self.value.shape)
        self.tangents: Array = tangents if tangents.shape == shape else np.broadcast_to(tangents, shape)
        self.limits: Array | None = limits if limits is None else np.broadcast_to(limits, shape)
        self.memory = SimpleNamespace(is_open=True)  # to writes; views share it

    def __reduce__(self) -> Any:
        return Dual, (self.value, self.tangents, self.limits)

    shape = property(lambda self: self.value.shape)
    ndim = property(lambda self: self.value.ndim)
    size = property(lambda self: self.value.size)
    dtype = property(lambda self: self.value.dtype)
    flags = property(lambda self: SimpleNamespace(writeable=False))
    T = property(lambda self: self.transpose())
    real = property(lambda self: np.real(self))
    imag = property(lambda self: np.imag(self))

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        if method != "__call__":
            if method not in OF_METHODS or ufunc not in self.ufuncs:
                raise unknown(ufunc, method)
            return OF_METHODS[method](ufunc, *inputs, **options)
        (out,) = options.pop("out", (None,))
        where = options.pop("where", True)
        check_float(options.pop("dtype", None))
        if options or ufunc not in self.ufuncs or (where is not True and not isinstance(out, Dual)):
            raise unknown(ufunc)
        if where is True:
            result = self.ufuncs[ufunc](*inputs)
        else:
            with np.errstate(all="ignore"):  # of numbers that are not chosen
                result = FUNCTIONS[np.where](where, self.ufuncs[ufunc](*inputs), out)
        return result if out is None else _written_into(out, result, ufunc.__name__)

    def __array_function__(self, function: Any, types: Any, inputs: Any, options: Any) -> Any:
        if function not in self.functions:
            raise unknown(function)
        return self.functions[function](*inputs, **options)

    def __array__(self, dtype: Any = None, copy: Any = None) -> Array:
        raise NoRuleError("dual numbers to an array", "cannot convert")

    def __getattr__(self, name: str) -> Any:
        rule = self.functions.get(getattr(np, name, name)) if name in METHODS else None
        if rule is None:
            raise NoRuleError(name, operation=f"ndarray.{name}" if hasattr(np.ndarray, name) else "")
        return partial(rule, self)

    def setflags(self, write: bool | None = None) -> None:
        """Do nothing: views are read-only already."""

    def __len__(self) -> int:
        return len(self.value)

    def __bool__(self) -> bool:
        return bool(self != 0)

    def __getitem__(self, index: Any) -> Dual:
        parts = index_parts(index)
        if all(part is None or part is Ellipsis or _is_plain(part) for part in parts):
            return self.along(self.value[index], lambda numbers: numbers[(slice(None), *parts)])
        return self.gathered(lambda numbers: numbers[index])

    def __setitem__(self, index: Any, numbers: Any) -> None:
        """Write numbers, which may be dual or plain; those at a comparison that ties are written where it is true."""
        if isinstance(index, Mask) and index.value.shape == self.shape:
            index, numbers = ..., FUNCTIONS[np.where](index, numbers, self)
        self.check_writeable(numbers)
        parts = index_parts(index)
        self.value[index] = numbers.value if isinstance(numbers, Dual) else numbers
        for j, tangents in enumerate(self.tangents):
            tangents[parts] = numbers.tangents[j] if isinstance(numbers, Dual) else 0

    def check_writeable(self, numbers: Any = 0.0) -> None:
        """Raise NoRuleError unless the numbers, which must not jump, can be written into these."""
        still = self.limits is None and (not isinstance(numbers, Dual) or numbers.limits is None)
        fits = not isinstance(numbers, Mask) and (self.kind == "c" or not np.iscomplexobj(numbers))
        is_open = self.memory.is_open and self.value.flags.writeable and self.tangents.flags.writeable
        if not (still and fits and is_open):
            raise NoRuleError("into dual numbers that are read-only or jump", "cannot write")

    def gathered(self, f: Callable[[Array], Array]) -> Dual:
        """f of these numbers, for a function f that just moves or copies numbers, whatever they are."""
        value, places = self.apart(np.asarray(f(self.value))), f(np.arange(self.size).reshape(self.shape))
        return self.along(value, lambda numbers: numbers.reshape(len(numbers), self.size)[:, places])

    def apart(self, value: Array) -> Array:
        """The value, as a copy if it is a view, of which tangents are none: then writes into either are refused."""
        if not np.may_share_memory(value, self.value):
            return value
        self.memory.is_open = False
        value = value.copy()
        value.flags.writeable = False
        return value

    def along(self, value: Array, f: Callable[[Array], Array]) -> Dual:
        """Dual numbers of this value, with f applied to the tangents and to the limits, both (k, ...)."""
        result = Dual(value, f(self.tangents), None if self.limits is None else f(self.limits))
        if np.may_share_memory(value, self.value):
            result.memory = self.memory
        return result

    def view(self) -> Dual:
        """The same numbers, read-only: layers take views of arrays that they must not change."""
        value = self.value.view()
        value.flags.writeable = False
        return self.along(value, lambda numbers: numbers)

    def copy(self) -> Dual:
        return self.along(self.value.copy(), np.copy)

    def astype(self, dtype: DType, copy: bool = True) -> Dual:
        check_float(dtype)
        value = self.value.astype(dtype, copy=copy)
        return self if value is self.value else self.along(value, np.copy)

    def reshape(self, *shape: Any) -> Dual:
        value = self.value.reshape(*shape)
        result = self.along(value, lambda numbers: numbers.reshape(len(numbers), *value.shape))
        if result.memory is not self.memory or not np.may_share_memory(result.tangents, self.tangents):
            self.memory.is_open = False  # a write into one might reach the other one in arrays
            result.memory = self.memory
        return result

    def transpose(self, *axes: Any) -> Dual:
        order = np.ravel(axes).astype(int) % self.ndim if axes else np.arange(self.ndim)[::-1]
        return self.along(self.value.transpose(order), lambda numbers: numbers.transpose(0, *(order + 1)))

    def axes(self, axis: Any) -> tuple[int, ...]:
        axes = range(self.ndim) if axis is None else np.ravel(axis)
        return tuple(int(a) % self.ndim for a in axes)


class Mask(np.lib.mixins.NDArrayOperatorsMixin):
    """A comparison with ties: value (...) as in arrays, and directions (k, ...), its truth along each direction.

    A mask chooses in `np.where`, counts in sums, and multiplies; NoRuleError where one truth value would be needed.

    >>> x = Dual(np.array(0.0), np.array([1.0, -1.0]))
    >>> (x > 0).directions
    array([ True, False])
    >>> np.where(x > 0, x, 3 * x).tangents
    array([ 1., -3.])
    """

    __slots__ = ("directions", "value")

    def __init__(self, value: Array, directions: Array) -> None:
        self.value, self.directions = value, directions

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        if method == "__call__" and not options:
            if ufunc in _LOGICAL:
                return _combined(ufunc, inputs)
            if ufunc is np.multiply:
                return UFUNCS[ufunc](*inputs)
        raise NoRuleError(f"{ufunc.__name__} of a comparison that ties")

    def __array_function__(self, function: Any, types: Any, inputs: Any, options: Any) -> Any:
        if function not in (np.where, np.sum, np.select):
            raise NoRuleError(f"{function.__name__} of a comparison that ties")
        return FUNCTIONS[function](*inputs, **options)

    def sum(self, axis: Any = None, dtype: DType | None = None, out: None = None, keepdims: bool = False) -> Dual:
        """The number of true entries, as dual numbers, since it jumps."""
        check_float(dtype)
        numbers: Dual = self * np.ones((), dtype)
        return numbers.sum(axis, None, out, keepdims)  # type: ignore[no-any-return]

    def __array__(self, dtype: Any = None, copy: Any = None) -> Array:
        raise NoRuleError("a comparison that ties to an array", "cannot convert")

    def __bool__(self) -> NoReturn:
        raise NoRuleError("a comparison that ties to a bool", "cannot convert")

    def __getattr__(self, name: str) -> Any:
        raise NoRuleError(f"{name} of a comparison that ties")


_LOGICAL = (np.logical_and, np.logical_or, np.logical_not, np.bitwise_and, np.bitwise_or, np.invert)


def _combined(logical: np.ufunc, masks: tuple[Any, ...]) -> Array | Mask:
    """A logical function of masks and arrays of bool, along each direction."""
    value = np.asarray(logical(*(mask.value if isinstance(mask, Mask) else mask for mask in masks)))
    if value.dtype != bool:
        raise NoRuleError(f"{logical.__name__} of a comparison that ties and numbers")
    return decided(value, logical(*(directed(mask, value.ndim) for mask in masks)))


def decided(value: Array, directions: Array) -> Array | Mask:
    """A mask, or the plain value if it stays the same along every direction."""
    return value if (directions == value).all() else Mask(value, directions)


def directed(x: Any, ndim: int) -> Any:
    """The numbers or truth values of x just along each direction, ready to broadcast with arrays of `ndim` axes."""
    if isinstance(x, Mask):
        return aligned(x.directions, ndim)
    if isinstance(x, Dual):
        return x.value if x.limits is None else aligned(x.limits, ndim)
    return x


def aligned(along: Array, ndim: int) -> Array:
    """An array (k, ...) of one entry for each direction, ready to broadcast with arrays of `ndim` axes."""
    k, *shape = along.shape
    return along.reshape(k, *(1,) * (ndim - len(shape)), *shape)


def _is_plain(part: Any) -> bool:
    """Whether a part of an index gives a view: a slice or an integer, which True and False are not."""
    return isinstance(part, slice | np.integer) or type(part) is int


def index_parts(index: Any) -> tuple[Any, ...]:
    """The parts of an index, each for one axis or more."""
    parts = index if isinstance(index, tuple) else (index,)
    if any(isinstance(part, Dual | Mask) for part in parts):
        raise NoRuleError("an index that moves", operation="an index that moves")
    return parts


def _written_into(out: Any, result: Any, name: str) -> Dual:
    """`out` with the result written into its memory, which its views share, as for arrays."""
    if not (isinstance(out, Dual) and isinstance(result, Dual)) or (out.kind, out.shape) != (result.kind, result.shape):
        raise NoRuleError(f"the result of {name} into an array that cannot hold it", "cannot write")
    out.check_writeable(result)
    out.value[...], out.tangents[...] = result.value, result.tangents
    return out
