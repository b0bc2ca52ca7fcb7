"""A model as a table of its layers."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from funcnet.layers.layer import Layer
from funcnet.random import Key
from funcnet.tree import DType, Shape, Tree, leaves, size
from funcnet.values import aligned


def summary(model: Layer, input_shape: Shape, dtype: DType = np.float32) -> str:
    """A table of the layers of a model: path, layer, output shape, number of params, and their size in bytes.

    Parameters
    ----------
    model : Layer
        Layer or combinator of layers.
    input_shape : tuple of int
        Shape of one example of x.
    dtype : dtype, default float32
        Dtype of the params, on which the bytes depend.

    Returns
    -------
    str
        The table: a row for each layer, and the totals.

    Raises
    ------
    ShapeError
        If a layer does not fit its input.
    TypeError
        If the model is not a layer.

    Examples
    --------
    >>> import funcnet as fn
    >>> print(fn.summary(fn.sequential(fn.Linear(50), fn.ReLU(), fn.Linear(10)), (784,)))
    path   layer             output shape  params    bytes
    0      Linear(n_out=50)  (50,)         39,250  157,000
    1      ReLU()            (50,)              0        0
    2      Linear(n_out=10)  (10,)            510    2,040
    total                                  39,760  159,040
    """
    if not isinstance(model, Layer):
        raise TypeError(f"expected a layer, got {model!r}")
    params = model.init(Key(0), input_shape, dtype)
    total = ("total", "", "", *_counts(params))
    return aligned([("path", "layer", "output shape", "params", "bytes"), *_rows(model, input_shape, dtype, ""), total])


def _rows(layer: Layer, input_shape: Shape, dtype: DType, path: str) -> Iterator[tuple[str, ...]]:
    parts = layer.parts(input_shape)
    for index, (part, shape) in enumerate(parts):
        yield from _rows(part, shape, dtype, f"{path}.{index}" if path else str(index))
    if not parts:
        params = layer.init(Key(0), input_shape, dtype)
        yield path or "-", repr(layer), str(layer.output_shape(input_shape)), *_counts(params)


def _counts(params: Tree) -> tuple[str, str]:
    return f"{size(params):,}", f"{sum(leaf.nbytes for leaf in leaves(params)):,}"
