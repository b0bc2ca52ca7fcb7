"""Initializers that scale a weight by its shape, so that activations and gradients keep their size from layer to layer.

The shape of a weight is (..., n_in, n_out). Axes before the last two are a receptive field: in the formulas its size
multiplies n_in and n_out.
"""

from __future__ import annotations

import math

import numpy as np

from funcnet.errors import ShapeError
from funcnet.initializers.distributions import cast, normal, uniform
from funcnet.random import Key
from funcnet.tree import Array, DType, Shape
from funcnet.values import register


def _fans(shape: Shape) -> tuple[int, int]:
    """The numbers of inputs and of outputs of a weight: n_in and n_out, times the size of the receptive field."""
    if len(shape) < 2:
        raise ShapeError(f"expected a weight of shape (..., n_in, n_out), got {shape}")
    field = math.prod(shape[:-2])
    return field * shape[-2], field * shape[-1]


@register(name="initializers.glorot_uniform")
def glorot_uniform(key: Key, shape: Shape, dtype: DType = np.float32) -> Array:
    """Uniform in +-sqrt(6 / (n_in + n_out)), with variance 2 / (n_in + n_out).

    Parameters
    ----------
    key : Key
        Source of the random numbers.
    shape : tuple of int (..., n_in, n_out)
        Shape of the weight.
    dtype : dtype, default float32
        Floating-point dtype of the array.

    Returns
    -------
    ndarray (shape)
        The weight.

    Raises
    ------
    DTypeError
        If the dtype is not a floating-point one.
    ShapeError
        If the shape has fewer than two axes.

    References
    ----------
    X. Glorot, Y. Bengio: Understanding the difficulty of training deep feedforward neural networks. AISTATS 2010,
    eq. 16.

    Examples
    --------
    >>> import funcnet as fn
    >>> bool(abs(glorot_uniform(fn.Key(0), (4, 2))).max() <= 1)
    True
    """
    return uniform(math.sqrt(6 / max(sum(_fans(shape)), 1)))(key, shape, dtype)


@register(name="initializers.glorot_normal")
def glorot_normal(key: Key, shape: Shape, dtype: DType = np.float32) -> Array:
    """Normal with variance 2 / (n_in + n_out).

    Parameters
    ----------
    key : Key
        Source of the random numbers.
    shape : tuple of int (..., n_in, n_out)
        Shape of the weight.
    dtype : dtype, default float32
        Floating-point dtype of the array.

    Returns
    -------
    ndarray (shape)
        The weight.

    Raises
    ------
    DTypeError
        If the dtype is not a floating-point one.
    ShapeError
        If the shape has fewer than two axes.

    References
    ----------
    X. Glorot, Y. Bengio: Understanding the difficulty of training deep feedforward neural networks. AISTATS 2010,
    eq. 12.

    Examples
    --------
    >>> import funcnet as fn
    >>> glorot_normal(fn.Key(0), (4, 2)).shape
    (4, 2)
    """
    return normal(math.sqrt(2 / max(sum(_fans(shape)), 1)))(key, shape, dtype)


@register(name="initializers.he_uniform")
def he_uniform(key: Key, shape: Shape, dtype: DType = np.float32) -> Array:
    """Uniform in +-sqrt(6 / n_in), with variance 2 / n_in.

    Parameters
    ----------
    key : Key
        Source of the random numbers.
    shape : tuple of int (..., n_in, n_out)
        Shape of the weight.
    dtype : dtype, default float32
        Floating-point dtype of the array.

    Returns
    -------
    ndarray (shape)
        The weight.

    Raises
    ------
    DTypeError
        If the dtype is not a floating-point one.
    ShapeError
        If the shape has fewer than two axes.

    References
    ----------
    K. He, X. Zhang, S. Ren, J. Sun: Delving deep into rectifiers. ICCV 2015, eq. 10.

    Examples
    --------
    >>> import funcnet as fn
    >>> bool(abs(he_uniform(fn.Key(0), (6, 2))).max() <= 1)
    True
    """
    return uniform(math.sqrt(6 / max(_fans(shape)[0], 1)))(key, shape, dtype)


@register(name="initializers.he_normal")
def he_normal(key: Key, shape: Shape, dtype: DType = np.float32) -> Array:
    """Normal with variance 2 / n_in.

    Parameters
    ----------
    key : Key
        Source of the random numbers.
    shape : tuple of int (..., n_in, n_out)
        Shape of the weight.
    dtype : dtype, default float32
        Floating-point dtype of the array.

    Returns
    -------
    ndarray (shape)
        The weight.

    Raises
    ------
    DTypeError
        If the dtype is not a floating-point one.
    ShapeError
        If the shape has fewer than two axes.

    References
    ----------
    K. He, X. Zhang, S. Ren, J. Sun: Delving deep into rectifiers. ICCV 2015, eq. 10.

    Examples
    --------
    >>> import funcnet as fn
    >>> he_normal(fn.Key(0), (6, 2)).shape
    (6, 2)
    """
    return normal(math.sqrt(2 / max(_fans(shape)[0], 1)))(key, shape, dtype)


@register(name="initializers.lecun_normal")
def lecun_normal(key: Key, shape: Shape, dtype: DType = np.float32) -> Array:
    """Normal with variance 1 / n_in.

    Parameters
    ----------
    key : Key
        Source of the random numbers.
    shape : tuple of int (..., n_in, n_out)
        Shape of the weight.
    dtype : dtype, default float32
        Floating-point dtype of the array.

    Returns
    -------
    ndarray (shape)
        The weight.

    Raises
    ------
    DTypeError
        If the dtype is not a floating-point one.
    ShapeError
        If the shape has fewer than two axes.

    References
    ----------
    Y. LeCun, L. Bottou, G. B. Orr, K.-R. Mueller: Efficient backprop. In Neural Networks: Tricks of the Trade,
    1998, section 4.6.

    Examples
    --------
    >>> import funcnet as fn
    >>> lecun_normal(fn.Key(0), (6, 2)).shape
    (6, 2)
    """
    return normal(math.sqrt(1 / max(_fans(shape)[0], 1)))(key, shape, dtype)


@register(name="initializers.orthogonal")
def orthogonal(key: Key, shape: Shape, dtype: DType = np.float32) -> Array:
    """A uniformly random matrix with orthonormal columns, or with orthonormal rows if it has fewer rows than columns.

    Parameters
    ----------
    key : Key
        Source of the random numbers.
    shape : tuple of int (..., n_in, n_out)
        Shape of the weight; all axes but the last count as rows.
    dtype : dtype, default float32
        Floating-point dtype of the array.

    Returns
    -------
    ndarray (shape)
        The weight.

    Raises
    ------
    DTypeError
        If the dtype is not a floating-point one.
    ShapeError
        If the shape has fewer than two axes.

    References
    ----------
    A. M. Saxe, J. L. McClelland, S. Ganguli: Exact solutions to the nonlinear dynamics of learning in deep linear
    networks. ICLR 2014.
    F. Mezzadri: How to generate random matrices from the classical compact groups. Notices of the AMS 54, 2007 (the
    signs that make the distribution uniform).

    Examples
    --------
    >>> import numpy as np, funcnet as fn
    >>> q = orthogonal(fn.Key(0), (5, 3), np.float64)
    >>> np.allclose(q.T @ q, np.eye(3))
    True
    """
    _fans(shape)  # raises if the shape has fewer than two axes
    rows, columns = math.prod(shape[:-1]), shape[-1]
    draws = key.generator().standard_normal((max(rows, columns), min(rows, columns)))
    q, r = np.linalg.qr(draws)
    q *= np.where(np.diag(r) < 0, -1, 1)
    return cast((q if rows >= columns else q.T).reshape(shape), dtype)
