"""Layers whose x is a tuple of arrays: their sum, their product, all of them side by side, or one of them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from itertools import accumulate
from typing import Any

import attrs
import numpy as np

from funcnet.cache import Cache, opened, opened_flow
from funcnet.errors import ShapeError
from funcnet.layers.checks import check_no_params, described
from funcnet.layers.layer import Layer
from funcnet.numerics.underflow import past_underflow
from funcnet.tree import (
    Array,
    Flow,
    Shape,
    Tree,
    as_array,
    as_dtype,
    converted,
    dtypes_in,
    is_nested,
    leaves,
    listed,
    map_flow,
    passed_on,
    read_only,
    shape_of,
    without_integers,
)
from funcnet.values import integer, register, specification


def _checked(layer: Layer, shapes: Any) -> tuple[Shape, ...]:
    """The shapes in a tuple; raises ShapeError for one shape, and for tuples inside the tuple."""
    if not is_nested(shapes) or any(map(is_nested, shapes)):
        raise ShapeError(f"{layer!r} takes a tuple of arrays, got {described(shapes)}")
    return shapes  # type: ignore[no-any-return]


def _same(layer: Layer, shapes: Any, verb: str) -> Shape:
    """The shape that all arrays have; raises ShapeError if they differ: nothing is broadcast."""
    first, *others = _checked(layer, shapes)
    if any(shape != first for shape in others):
        raise ShapeError(f"the arrays to {verb} must have the same shape, got {listed(shapes)}")
    return first


@register
@specification
class Sum(Layer):
    """The sum of arrays of the same shape.

    y = x_1 + ... + x_n, with x a tuple of n arrays (...) and y (...); dx = (dy, ..., dy).

    Raises
    ------
    ShapeError
        If x is not a tuple of arrays of the same shape.

    Examples
    --------
    >>> Sum().apply((), (np.array([1.0, 2.0]), np.array([3.0, 4.0])))
    array([4., 6.])
    """

    n_inputs = None
    takes_integers = True

    def output_shape(self, input_shape: Shape) -> Shape:
        return _same(self, input_shape, "add")

    def forward(self, params: Tree, x: Flow) -> tuple[Array, Cache]:
        check_no_params(params)
        shape = _same(self, map_flow(np.shape, x), "add")
        y = as_array(reduce(np.add, converted(x)))  # a sum of 0-d arrays is a scalar
        return y, Cache(self, shape, dtypes_in(x), y.dtype)

    def backward(self, params: Tree, cache: Cache, dy: Array) -> tuple[Flow, Tree]:
        dtypes, dy = opened(self, cache, dy)
        return without_integers((read_only(dy),) * len(dtypes), dtypes), ()


@register
@specification
class Multiply(Layer):
    """The product of arrays of the same shape, number by number.

    y = x_1 * ... * x_n, with x a tuple of n arrays (...) and y (...); dx_i = dy * the product of all others.

    Raises
    ------
    ShapeError
        If x is not a tuple of arrays of the same shape.

    Examples
    --------
    >>> Multiply().apply((), (np.array([1.0, 2.0]), np.array([3.0, 4.0])))
    array([3., 8.])
    """

    n_inputs = None
    takes_integers = True

    def output_shape(self, input_shape: Shape) -> Shape:
        return _same(self, input_shape, "multiply")

    @past_underflow
    def forward(self, params: Tree, x: Flow) -> tuple[Array, Cache]:
        check_no_params(params)
        shape, factors = _same(self, map_flow(np.shape, x), "multiply"), converted(x)
        y = read_only(as_array(reduce(np.multiply, factors)))  # one factor is y itself
        return y, Cache(self, shape, (factors, dtypes_in(x)), y.dtype)

    @past_underflow
    def backward(self, params: Tree, cache: Cache, dy: Array) -> tuple[Flow, Tree]:
        (factors, dtypes), dy = opened(self, cache, dy)
        dx = [as_dtype(reduce(np.multiply, _others(factors, i), dy), dy.dtype) for i in range(len(factors))]
        return without_integers(passed_on(tuple(dx)), dtypes), ()


def _others(factors: Sequence[Array], index: int) -> Sequence[Array]:
    return [*factors[:index], *factors[index + 1 :]]


def _from_the_end(value: Any) -> int:
    axis = integer(value, "axis", -(2**31))
    if axis >= 0:
        raise ValueError(f"axis must be negative, counted from the end, since batch axes come first, got {axis}")
    return axis


@register
@specification
class Concatenate(Layer):
    """Arrays side by side along one axis.

    y = [x_1, ..., x_n], with x a tuple of n arrays that differ in the one axis only; dx = the parts of dy.

    Parameters
    ----------
    axis : int, default -1
        Axis, counted from the end and so negative, since any number of batch axes come first.

    Raises
    ------
    ShapeError
        If x is not a tuple of arrays that have the axis and the same other axes.
    ValueError
        If the axis is not negative.

    Examples
    --------
    >>> Concatenate().apply((), (np.array([1.0, 2.0]), np.array([3.0])))
    array([1., 2., 3.])
    """

    n_inputs = None
    takes_integers = True
    axis: int = attrs.field(default=-1, converter=_from_the_end)

    def output_shape(self, input_shape: Shape) -> Shape:
        shapes = _checked(self, input_shape)
        others = {self._split(shape)[::2] for shape in shapes if len(shape) >= -self.axis}
        if len(others) != 1 or any(len(shape) < -self.axis for shape in shapes):
            which = "the last axis" if self.axis == -1 else f"axis {self.axis}"
            raise ShapeError(f"the arrays to concatenate may differ only in {which}, got {listed(shapes)}")
        ((before, after),) = others
        return (*before, sum(shape[self.axis] for shape in shapes), *after)

    def _split(self, shape: Shape) -> tuple[Shape, int, Shape]:
        """The axes before the axis, the axis, and those after it."""
        place = len(shape) + self.axis
        return shape[:place], shape[place], shape[place + 1 :]

    def forward(self, params: Tree, x: Flow) -> tuple[Array, Cache]:
        check_no_params(params)
        self.output_shape(map_flow(np.shape, x))
        dtypes = dtypes_in(x)
        y = np.concatenate(converted(x) if any(dtypes) else x, axis=self.axis)  # ids stay ids
        return y, Cache(self, y.shape, ([part.shape[self.axis] for part in x], dtypes), y.dtype)

    def backward(self, params: Tree, cache: Cache, dy: Array) -> tuple[Flow, Tree]:
        (sizes, dtypes), dy = opened(self, cache, dy)
        parts = np.split(read_only(dy), [*accumulate(sizes)][:-1], axis=self.axis)
        return without_integers(tuple(parts), dtypes), ()


@register
@specification
class Select(Layer):
    """One element of a tuple, an array or a tuple itself.

    y = x[index]; dx[index] = dy, and 0 for all other elements.

    Parameters
    ----------
    index : int
        Position in the tuple; negative ones count from the end.

    Raises
    ------
    ShapeError
        If x is not a tuple that has the position.
    TypeError
        If the index is not an integer.

    Examples
    --------
    >>> Select(1).apply((), (np.array([1.0, 2.0]), np.array([3.0])))
    array([3.])
    """

    n_inputs = None
    takes_integers = True
    index: int = attrs.field(converter=lambda index: integer(index, "index", -(2**31), 2**31))

    def output_shape(self, input_shape: Shape) -> Shape:
        if not is_nested(input_shape) or not -len(input_shape) <= self.index < len(input_shape):
            raise ShapeError(f"{self!r} takes a tuple that has element {self.index}, got {described(input_shape)}")
        return input_shape[self.index]  # type: ignore[return-value]

    def forward(self, params: Tree, x: Flow) -> tuple[Flow, Cache]:
        check_no_params(params)
        x, shapes = passed_on(x), shape_of(x)
        self.output_shape(shapes)  # raises if x has no such element
        y = x[self.index]
        return y, Cache(self, shape_of(y), (shapes, dtypes_in(x)), dtypes_in(y))

    def backward(self, params: Tree, cache: Cache, dy: Flow) -> tuple[Flow, Tree]:
        (shapes, dtypes), dy = opened_flow(self, cache, dy)
        like = next((part.dtype for part in leaves(dy)), None)
        dx = [_zeros(*row, like) for row in zip(shapes, dtypes, strict=True)]
        dx[self.index] = passed_on(dy)
        return tuple(dx), ()


def _zeros(shape: Any, dtype: Any, like: Any) -> Flow:
    """Zeros, of the dtype `like` if there is one; None for integers."""
    if is_nested(shape):
        return tuple([_zeros(*row, like) for row in zip(shape, dtype, strict=True)])
    return None if dtype is None else np.zeros(shape, dtype if like is None else like)


@register
@specification
class SideBySide:
    """The name that `Concatenate()` has in the JSON of `concatenate`."""
