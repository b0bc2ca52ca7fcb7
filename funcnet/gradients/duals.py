"""Arrays of dual numbers, and the masks that comparing them gives; the rules of calculus are in `dual_rules`.

At a tie, such as max(x, 0) at x = 0, the slope of a function depends on the direction. So each direction v is
differentiated separately: the derivative along v is that of f(x + t * v) at t = 0 from above, which every continuous
function here has.

References
----------
A. Griewank, A. Walther: Evaluating Derivatives, 2nd edition, 2008, chapters 3 and 14.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, NoReturn

import numpy as np

from funcnet.tree import Array, DType

# The rules. They need the classes below, so `dual_rules`, which imports these, fills them in.
UFUNCS: dict[np.ufunc, Callable[..., Any]] = {}
FUNCTIONS: dict[Any, Callable[..., Any]] = {}


class NoRuleError(TypeError, AttributeError):
    """An operation on dual numbers has no rule here, or names an attribute that they do not have."""

    def __init__(self, what: str, problem: str = "there is no rule for the derivative of") -> None:
        super().__init__(f"{problem} {what}")


class Dual(np.lib.mixins.NDArrayOperatorsMixin):
    """Numbers that carry derivatives: value (...), and tangents (k, ...), the slope of each number in k directions.

    limits (k, ...) are the numbers just along each direction where they jump, as sign(x) does at 0; None without jumps.
    Slopes are taken at the limits: sign(x) * |x| is smooth, though its first factor is not.

    >>> x = Dual(np.array([1.0, 2.0]), np.array([[1.0, 0.0], [0.0, 1.0]]))
    >>> np.sum(x * x).tangents
    array([2., 4.])
    >>> np.abs(Dual(np.array(0.0), np.array([2.0, -2.0]))).tangents
    array([2., 2.])
    >>> np.round(x)
    Traceback (most recent call last):
    ...
    funcnet.gradients.duals.NoRuleError: there is no rule for the derivative of round
    """

    __slots__ = ("limits", "tangents", "value")

    def __init__(self, value: Any, tangents: Array, limits: Array | None = None) -> None:
        self.value: Array = np.asarray(value)
        if self.value.dtype.kind != "f":
            raise NoRuleError(f"numbers of {self.value.dtype}")
        shape = (len(tangents), *self.value.shape)
        self.tangents: Array = tangents if tangents.shape == shape else np.broadcast_to(tangents, shape)
        self.limits: Array | None = limits if limits is None else np.broadcast_to(limits, shape)

    shape = property(lambda self: self.value.shape)
    ndim = property(lambda self: self.value.ndim)
    size = property(lambda self: self.value.size)
    dtype = property(lambda self: self.value.dtype)
    flags = property(lambda self: SimpleNamespace(writeable=False))
    T = property(lambda self: self.transpose())

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        (out,) = options.pop("out", (None,))
        check_float(options.pop("dtype", None))
        if method != "__call__" or options or ufunc not in UFUNCS:
            raise NoRuleError(ufunc.__name__)
        result = UFUNCS[ufunc](*inputs)
        return result if out is None else _written_into(out, result, ufunc.__name__)

    def __array_function__(self, function: Any, types: Any, inputs: Any, options: Any) -> Any:
        if function not in FUNCTIONS:
            raise NoRuleError(function.__name__)
        return FUNCTIONS[function](*inputs, **options)

    def __array__(self, dtype: Any = None, copy: Any = None) -> Array:
        raise NoRuleError("dual numbers to an array", "cannot convert")

    def __getattr__(self, name: str) -> Any:
        raise NoRuleError(name)

    def setflags(self, write: bool | None = None) -> None:
        """Do nothing: views are read-only already."""

    def __len__(self) -> int:
        return len(self.value)

    def __getitem__(self, index: Any) -> Dual:
        parts = index if isinstance(index, tuple) else (index,)
        plain = all(part is None or part is Ellipsis or isinstance(part, int | slice) for part in parts)
        if not plain and not (len(parts) == 1 and isinstance(index, np.ndarray)):
            raise NoRuleError("an index with lists or with several arrays")
        return self.along(self.value[index], lambda numbers: numbers[(slice(None), *parts)])

    def __setitem__(self, index: Array, number: float) -> None:
        """Write a plain number, which has no derivative, at the places of one array of indices."""
        writeable = self.value.flags.writeable and self.tangents.flags.writeable and self.limits is None
        if not (isinstance(index, np.ndarray) and isinstance(number, int | float) and writeable):
            raise NoRuleError("into dual numbers, except plain numbers at one array of indices", "cannot write")
        self.value[index], self.tangents[:, index] = number, 0

    def along(self, value: Array, f: Callable[[Array], Array]) -> Dual:
        """Dual numbers of this value, with f applied to the tangents and to the limits, both (k, ...)."""
        return Dual(value, f(self.tangents), None if self.limits is None else f(self.limits))

    def view(self) -> Dual:
        """The same numbers, read-only: layers take views of arrays that they must not change."""
        value = self.value.view()
        value.flags.writeable = False
        return Dual(value, self.tangents, self.limits)

    def copy(self) -> Dual:
        return self.along(self.value.copy(), np.copy)

    def astype(self, dtype: DType, copy: bool = True) -> Dual:
        check_float(dtype)
        value = self.value.astype(dtype, copy=copy)
        return self if value is self.value else self.along(value, np.copy)

    def reshape(self, *shape: Any) -> Dual:
        value = self.value.reshape(*shape)
        result = self.along(value, lambda numbers: numbers.reshape(len(numbers), *value.shape))
        if not np.may_share_memory(result.tangents, self.tangents):
            result.value = value.copy()
            result.value.flags.writeable = False  # a write would not reach self, as it might in an array
        return result

    def take(self, indices: Any, axis: int) -> Dual:
        along = axis % self.ndim
        return self.along(self.value.take(indices, along), lambda numbers: numbers.take(indices, along + 1))

    def transpose(self, *axes: Any) -> Dual:
        order = np.ravel(axes).astype(int) % self.ndim if axes else np.arange(self.ndim)[::-1]
        return self.along(self.value.transpose(order), lambda numbers: numbers.transpose(0, *(order + 1)))

    def sum(self, axis: Any = None, dtype: DType | None = None, out: None = None, keepdims: bool = False) -> Dual:
        check_float(dtype)
        _check_no_out(out)
        axes = self._axes(axis)
        along = tuple(a + 1 for a in axes)
        value = self.value.sum(axis=axes, keepdims=keepdims)
        return self.along(value, lambda numbers: numbers.sum(axis=along, keepdims=keepdims))

    def mean(self, axis: Any = None, dtype: DType | None = None, out: None = None, keepdims: bool = False) -> Dual:
        count = math.prod(self.shape[a] for a in self._axes(axis))
        return self.sum(axis, dtype, out, keepdims) / count  # type: ignore[no-any-return]

    def _axes(self, axis: Any) -> tuple[int, ...]:
        axes = range(self.ndim) if axis is None else np.ravel(axis)
        return tuple(int(a) % self.ndim for a in axes)

    def max(self, axis: int, out: None = None, keepdims: bool = False, initial: float = -math.inf) -> Dual:
        """The largest number along an axis; at a tie, each direction follows the number that grows most along it."""
        _check_no_out(out)
        if initial != -math.inf:
            raise NoRuleError("max with an initial value")
        value = np.max(self.value, axis=axis, keepdims=True, initial=initial)
        zeros = np.zeros((len(self.tangents), *value.shape))
        result = self._largest(value, axis % self.ndim + 1) if self.shape[axis] else Dual(value, zeros)
        return result if keepdims else result.reshape(np.delete(value.shape, axis))

    def _largest(self, value: Array, along: int) -> Dual:
        numbers = self.value[None] if self.limits is None else self.limits
        first = np.argmax(numbers, axis=along, keepdims=True)
        largest, tangents = (np.take_along_axis(a, first, along) for a in (numbers, self.tangents))
        ties = numbers == largest
        if (ties.sum(axis=along) > 1).any():
            tangents = np.where(ties, self.tangents, tangents).max(axis=along, keepdims=True)
        return Dual(value, tangents, None if self.limits is None else largest)


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
        if function not in (np.where, np.sum):
            raise NoRuleError(f"{function.__name__} of a comparison that ties")
        return FUNCTIONS[function](*inputs, **options)

    def sum(self, axis: Any = None, dtype: DType | None = None, out: None = None, keepdims: bool = False) -> Dual:
        """The number of true entries, as dual numbers, since it jumps."""
        check_float(dtype)
        numbers: Dual = self * np.ones((), dtype)
        return numbers.sum(axis, None, out, keepdims)

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


def check_float(dtype: DType | None) -> None:
    """Raise NoRuleError for a dtype that cannot hold derivatives."""
    if dtype is not None and np.dtype(dtype).kind != "f":
        raise NoRuleError(f"dual numbers to {np.dtype(dtype)}", "cannot convert")


def _check_no_out(out: None) -> None:
    if out is not None:
        raise NoRuleError("a sum or maximum into `out`", "cannot write")


def _written_into(out: Any, result: Any, name: str) -> Dual:
    """`out` with the result written into its memory, which its views share, as for arrays."""
    still = isinstance(out, Dual) and isinstance(result, Dual) and out.limits is None and result.limits is None
    if not still or not out.value.flags.writeable or not out.tangents.flags.writeable or out.shape != result.shape:
        raise NoRuleError(f"the result of {name} into an array that cannot hold it", "cannot write")
    out.value[...], out.tangents[...] = result.value, result.tangents
    return out  # type: ignore[no-any-return]
