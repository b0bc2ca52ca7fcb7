"""Strategies for keys, shapes, and arrays of numbers and labels."""

from __future__ import annotations

import math
from string import ascii_lowercase
from typing import Any

import hypothesis.extra.numpy
import numpy as np
from hypothesis import strategies as st

from funcnet.layers.checks import checked_shape
from funcnet.random import Key
from funcnet.tree import Array, DType, Flow, Shape, as_dtype, is_nested
from funcnet.values import integer


def sixteenths(least: float, most: float) -> st.SearchStrategy[float]:
    """Integers over 16, made of floats, which shrink best: to 0, then 1, then other integers, then simple fractions.

    They are exact in every dtype, and so are their sums and products from float32 on.
    """
    return st.floats(least, most).map(lambda x: round(x * 16) / 16)


# Other numbers are not tiny, so that products of a few are normal in float32: no law fails for having underflowed.
_NUMBERS = sixteenths(-4, 4) | st.floats(2**-10, 4) | st.floats(-4, -(2**-10))


def keys() -> st.SearchStrategy[Key]:
    """Keys with any seed and a path of up to three positions and short names.

    Returns
    -------
    SearchStrategy of Key
        Shrinks to `Key(0)`.

    Examples
    --------
    >>> from hypothesis import find
    >>> find(keys(), lambda key: True)
    Key(seed=0)
    """
    parts = st.integers(0, 2**32 - 1) | st.text(ascii_lowercase, min_size=1, max_size=4)
    return st.builds(Key, st.integers(0, 2**128 - 1), st.lists(parts, max_size=3).map(tuple))


def shapes(max_dims: int = 2, max_side: int = 4) -> st.SearchStrategy[Shape]:
    """Shapes of one example, with at least one axis.

    Parameters
    ----------
    max_dims : int, default 2
        Largest number of axes.
    max_side : int, default 4
        Largest size of an axis; the smallest is 1.

    Returns
    -------
    SearchStrategy of tuple of int
        Shrinks to `(1,)`.

    Examples
    --------
    >>> from hypothesis import find
    >>> find(shapes(), lambda shape: True)
    (1,)
    """
    return hypothesis.extra.numpy.array_shapes(max_dims=max_dims, max_side=max_side)


def batches() -> st.SearchStrategy[Shape]:
    """Shapes of a batch: `()`, a single example; `(n,)`; or `(n, m)`, n and m from 0 to 4.

    Returns
    -------
    SearchStrategy of tuple of int
        Shrinks to `()`.

    Examples
    --------
    >>> from hypothesis import find
    >>> find(batches(), lambda batch: batch != ())
    (0,)
    """
    return hypothesis.extra.numpy.array_shapes(min_dims=0, max_dims=2, min_side=0, max_side=4)


def arrays(
    shape: Shape | st.SearchStrategy[Shape], dtype: DType = np.float64, *, scale: float = 1.0
) -> st.SearchStrategy[Array]:
    """Arrays of floating-point numbers up to 4 in size, times `scale`.

    An entry is an integer over 16, or any number of at least 2**-10 in size.

    Parameters
    ----------
    shape : tuple of int, or SearchStrategy of them
        Shape of the arrays.
    dtype : dtype, default float64
        Floating-point dtype of the arrays.
    scale : float, default 1.0
        Factor of every entry.

    Returns
    -------
    SearchStrategy of ndarray (*shape)
        Shrinks to zeros.

    Examples
    --------
    >>> from hypothesis import find
    >>> find(arrays((2,), np.float32), lambda x: True)
    array([0., 0.], dtype=float32)
    """
    return _arrays(shape, np.float64, _NUMBERS).map(lambda array: as_dtype(array * scale, dtype))


def _arrays(
    shape: Shape | st.SearchStrategy[Shape], dtype: DType, entries: st.SearchStrategy[Any]
) -> st.SearchStrategy[Array]:
    """Arrays of drawn entries; in a large one, which would be slow to draw, most entries are one drawn number."""
    if isinstance(shape, st.SearchStrategy):
        return shape.flatmap(lambda drawn: _arrays(drawn, dtype, entries))
    fill = st.just(0) | entries if math.prod(shape) > 16 else st.nothing()
    return hypothesis.extra.numpy.arrays(np.dtype(dtype), shape, elements=entries, fill=fill)


def inputs(input_shape: Any, dtype: DType = np.float64) -> st.SearchStrategy[Flow]:
    """Inputs x of a layer, for any batch of `batches()`.

    Parameters
    ----------
    input_shape : tuple of int, or tuple of such tuples
        Shape of one example; for several inputs, the tuple of their shapes.
    dtype : dtype, default float64
        Floating-point dtype of x.

    Returns
    -------
    SearchStrategy of ndarray (*batch, *input_shape), or of tuples of them
        Shrinks to one example of zeros. All inputs have the same batch.

    Examples
    --------
    >>> from hypothesis import find
    >>> find(inputs((3,)), lambda x: x.size > 0)
    array([0., 0., 0.])
    >>> find(inputs(((3,), ())), lambda x: x[0].shape != (3,) and x[1].size > 0)
    (array([[0., 0., 0.]]), array([0.]))
    """
    _of_batch((), input_shape, dtype)  # raises if input_shape is not a shape
    return batches().flatmap(lambda batch: _of_batch(batch, input_shape, dtype))


def _of_batch(batch: Shape, input_shape: Any, dtype: DType) -> st.SearchStrategy[Flow]:
    if is_nested(input_shape):
        return st.tuples(*[_of_batch(batch, shape, dtype) for shape in input_shape])
    return arrays(batch + checked_shape(input_shape), dtype)


def labels(n: int, batch: Shape | st.SearchStrategy[Shape] | None = None) -> st.SearchStrategy[Array]:
    """Integer labels from 0 to n - 1.

    Parameters
    ----------
    n : int
        Number of classes, at least 1.
    batch : tuple of int, or SearchStrategy of them, optional
        Shape of the labels; by default one of `batches()`.

    Returns
    -------
    SearchStrategy of ndarray (*batch,) of int
        Shrinks to zeros.

    Raises
    ------
    ValueError
        If n is less than 1.

    Examples
    --------
    >>> from hypothesis import find
    >>> find(labels(10, (2,)), lambda y: True)
    array([0, 0])
    """
    return _arrays(batches() if batch is None else batch, np.int64, st.integers(0, integer(n, "n", 1) - 1))
