"""How weights begin: functions `(key, shape, dtype) -> array`, and values that make such functions.

Numbers are drawn in float64 and cast, so that networks of different precision from one key agree to rounding.
`shape` is that of a weight: (..., n_in, n_out), axes before these being a receptive field; n_in and n_out below
count them in.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeAlias

import attrs
import numpy as np

from funcnet.errors import DTypeError, ShapeError
from funcnet.random import Key
from funcnet.tree import Array, DType, Shape
from funcnet.values import real, register_as, specification

Initializer: TypeAlias = Callable[[Key, Shape, DType], Array]


@register_as("initializers.zeros")
def zeros(key: Key, shape: Shape, dtype: DType = np.float32) -> Array:
    """All zero.

    >>> import funcnet as fn
    >>> zeros(fn.Key(0), (2,))
    array([0., 0.], dtype=float32)
    """
    return _cast(np.zeros(shape), dtype)


@register_as("initializers.constant")
@specification
class constant:  # noqa: N801, used as a function, as are the next two
    """All `value`.

    >>> import funcnet as fn
    >>> constant(0.5)(fn.Key(0), (2,))
    array([0.5, 0.5], dtype=float32)
    """

    value: float = attrs.field(converter=real)

    def __call__(self, key: Key, shape: Shape, dtype: DType = np.float32) -> Array:
        return _cast(np.full(shape, self.value, np.float64), dtype)


@register_as("initializers.normal")
@specification
class normal:  # noqa: N801
    """Normal with mean 0 and standard deviation `std`; ValueError if it is negative or NaN.

    >>> import funcnet as fn
    >>> normal(0.01)(fn.Key(0), (784, 50)).shape
    (784, 50)
    """

    std: float = attrs.field(converter=real, validator=attrs.validators.ge(0))

    def __call__(self, key: Key, shape: Shape, dtype: DType = np.float32) -> Array:
        return _cast(key.generator().standard_normal(shape) * self.std, dtype)


@register_as("initializers.uniform")
@specification
class uniform:  # noqa: N801
    """Uniform in [-bound, bound); ValueError if the bound is negative or NaN.

    >>> import funcnet as fn
    >>> bool(abs(uniform(0.12)(fn.Key(0), (400, 25))).max() <= 0.12)
    True
    """

    bound: float = attrs.field(converter=real, validator=attrs.validators.ge(0))

    def __call__(self, key: Key, shape: Shape, dtype: DType = np.float32) -> Array:
        return _cast((2 * key.generator().random(shape) - 1) * self.bound, dtype)


@register_as("initializers.glorot_uniform")
def glorot_uniform(key: Key, shape: Shape, dtype: DType = np.float32) -> Array:
    """Uniform in +-sqrt(6 / (n_in + n_out)), so of variance 2 / (n_in + n_out).

    Glorot, Bengio: Understanding the difficulty of training deep feedforward neural networks, AISTATS 2010, eq. 16.

    >>> import funcnet as fn
    >>> bool(abs(glorot_uniform(fn.Key(0), (4, 2))).max() <= 1)
    True
    """
    n_in, n_out = _fans(shape)
    return uniform(math.sqrt(6 / max(n_in + n_out, 1)))(key, shape, dtype)


@register_as("initializers.glorot_normal")
def glorot_normal(key: Key, shape: Shape, dtype: DType = np.float32) -> Array:
    """Normal with variance 2 / (n_in + n_out).

    Glorot, Bengio: Understanding the difficulty of training deep feedforward neural networks, AISTATS 2010, eq. 12.

    >>> import funcnet as fn
    >>> glorot_normal(fn.Key(0), (4, 2)).shape
    (4, 2)
    """
    n_in, n_out = _fans(shape)
    return normal(math.sqrt(2 / max(n_in + n_out, 1)))(key, shape, dtype)


@register_as("initializers.he_uniform")
def he_uniform(key: Key, shape: Shape, dtype: DType = np.float32) -> Array:
    """Uniform in +-sqrt(6 / n_in), so of variance 2 / n_in.

    He, Zhang, Ren, Sun: Delving deep into rectifiers, ICCV 2015, eq. 10.

    >>> import funcnet as fn
    >>> bool(abs(he_uniform(fn.Key(0), (6, 2))).max() <= 1)
    True
    """
    return uniform(math.sqrt(6 / max(_fans(shape)[0], 1)))(key, shape, dtype)


@register_as("initializers.he_normal")
def he_normal(key: Key, shape: Shape, dtype: DType = np.float32) -> Array:
    """Normal with variance 2 / n_in.

    He, Zhang, Ren, Sun: Delving deep into rectifiers, ICCV 2015, eq. 10.

    >>> import funcnet as fn
    >>> he_normal(fn.Key(0), (6, 2)).shape
    (6, 2)
    """
    return normal(math.sqrt(2 / max(_fans(shape)[0], 1)))(key, shape, dtype)


@register_as("initializers.lecun_normal")
def lecun_normal(key: Key, shape: Shape, dtype: DType = np.float32) -> Array:
    """Normal with variance 1 / n_in.

    LeCun, Bottou, Orr, Mueller: Efficient backprop, in Neural Networks: Tricks of the Trade, 1998, section 4.6.

    >>> import funcnet as fn
    >>> lecun_normal(fn.Key(0), (6, 2)).shape
    (6, 2)
    """
    return normal(math.sqrt(1 / max(_fans(shape)[0], 1)))(key, shape, dtype)


@register_as("initializers.orthogonal")
def orthogonal(key: Key, shape: Shape, dtype: DType = np.float32) -> Array:
    """Uniform among the matrices with orthonormal columns, or rows where there are fewer of them.

    Saxe, McClelland, Ganguli: Exact solutions to the nonlinear dynamics of learning in deep linear networks, ICLR
    2014. The signs that make it uniform: Mezzadri, How to generate random matrices from the classical compact groups,
    Notices of the AMS 54, 2007.

    >>> import numpy as np, funcnet as fn
    >>> q = orthogonal(fn.Key(0), (5, 3), np.float64)
    >>> np.allclose(q.T @ q, np.eye(3))
    True
    """
    _fans(shape)
    rows, columns = math.prod(shape[:-1]), shape[-1]
    draws = key.generator().standard_normal((max(rows, columns), min(rows, columns)))
    q, r = np.linalg.qr(draws)
    q *= np.where(np.diag(r) < 0, -1, 1)
    return _cast((q if rows >= columns else q.T).reshape(shape), dtype)


def _fans(shape: Shape) -> tuple[int, int]:
    if len(shape) < 2:
        raise ShapeError(f"expected the shape (..., n_in, n_out) of a weight, got {shape}")
    field = math.prod(shape[:-2])
    return field * shape[-2], field * shape[-1]


def _cast(values: Array, dtype: DType) -> Array:
    if not np.issubdtype(dtype, np.inexact):
        raise DTypeError(f"expected a dtype of floating-point numbers for params, got {np.dtype(dtype)}")
    return np.asarray(values, dtype)
