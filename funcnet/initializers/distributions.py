"""Initializers that take their scale as an argument: zeros, a constant, normal and uniform numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import attrs
import numpy as np

from funcnet.errors import DTypeError
from funcnet.random import Key
from funcnet.tree import Array, DType, Shape
from funcnet.values import instead_of, is_no_class, real, register, specification

Initializer: TypeAlias = Callable[[Key, Shape, DType], Array]


def cast(values: Array, dtype: DType) -> Array:
    """`values` in `dtype`; raises DTypeError if that is not a floating-point dtype."""
    if not np.issubdtype(dtype, np.inexact):
        raise DTypeError(f"params must have a floating-point dtype, got {np.dtype(dtype)}")
    return np.asarray(values, dtype)


def is_initializer(instance: object, attribute: Any, value: Any) -> None:
    """A validator: the value must be a function `(key, shape, dtype) -> array`."""
    is_no_class(instance, attribute, value)
    if callable(value) and not hasattr(value, "shape"):
        return
    shape = getattr(value, "shape", None)
    got, remedy = repr(value), instead_of(value, "initializers")
    if isinstance(value, int | float) or shape == ():
        remedy = f": write fn.initializers.constant({value})"
    elif shape is not None or isinstance(value, list | tuple):
        got = f"an array of shape {tuple(shape)}" if shape is not None else f"a {type(value).__name__}"
        remedy = ": write a function that returns it, lambda key, shape, dtype: array, or put it into the params"
    raise TypeError(
        f"'{attribute.name}' must be an initializer, a function (key, shape, dtype) -> array, got {got}{remedy}"
    )


@register(name="initializers.zeros")
def zeros(key: Key, shape: Shape, dtype: DType = np.float32) -> Array:
    """An array of zeros.

    Parameters
    ----------
    key : Key
        Not used.
    shape : tuple of int
        Shape of the array.
    dtype : dtype, default float32
        Floating-point dtype of the array.

    Returns
    -------
    ndarray (shape)
        The zeros.

    Raises
    ------
    DTypeError
        If the dtype is not a floating-point one.

    Examples
    --------
    >>> import funcnet as fn
    >>> zeros(fn.Key(0), (2,))
    array([0., 0.], dtype=float32)
    """
    return cast(np.zeros(shape), dtype)


@register(name="initializers.constant")
@specification
class constant:  # noqa: N801, used as a function, as are the next two
    """An initializer of arrays filled with one number.

    Parameters
    ----------
    value : float
        The number.

    Examples
    --------
    >>> import funcnet as fn
    >>> constant(0.5)(fn.Key(0), (2,))
    array([0.5, 0.5], dtype=float32)
    """

    value: float = attrs.field(converter=real)

    def __call__(self, key: Key, shape: Shape, dtype: DType = np.float32) -> Array:
        return cast(np.full(shape, self.value, np.float64), dtype)


@register(name="initializers.normal")
@specification
class normal:  # noqa: N801
    """An initializer that draws from a normal distribution with mean 0.

    Parameters
    ----------
    std : float
        Standard deviation; at least 0.

    Raises
    ------
    ValueError
        If std is negative or NaN.

    Examples
    --------
    >>> import funcnet as fn
    >>> normal(0.01)(fn.Key(0), (784, 50)).shape
    (784, 50)
    """

    std: float = attrs.field(converter=real, validator=attrs.validators.ge(0))

    def __call__(self, key: Key, shape: Shape, dtype: DType = np.float32) -> Array:
        return cast(key.generator().standard_normal(shape) * self.std, dtype)


@register(name="initializers.uniform")
@specification
class uniform:  # noqa: N801
    """An initializer that draws uniformly from [-bound, bound).

    Parameters
    ----------
    bound : float
        Largest size of a number; at least 0.

    Raises
    ------
    ValueError
        If the bound is negative or NaN.

    Examples
    --------
    >>> import funcnet as fn
    >>> bool(abs(uniform(0.12)(fn.Key(0), (400, 25))).max() <= 0.12)
    True
    """

    bound: float = attrs.field(converter=real, validator=attrs.validators.ge(0))

    def __call__(self, key: Key, shape: Shape, dtype: DType = np.float32) -> Array:
        return cast((2 * key.generator().random(shape) - 1) * self.bound, dtype)
