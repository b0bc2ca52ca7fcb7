"""A model as a table of its layers."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from funcnet.layers.layer import Layer
from funcnet.layers.tying import Tied
from funcnet.random import Key
from funcnet.tree import DType, Shape, Tree, has_buffers, named_arrays, size
from funcnet.values import aligned


def summary(model: Layer, input_shape: Shape, dtype: DType = np.float32) -> str:
    """A table of the layers of a model: path, layer, output shape, number of params and of buffers, and bytes of both.

    The column of buffers is there only if the model has any. Arrays that stand in several places, see `tied`, are
    counted once, and named below the table.

    Parameters
    ----------
    model : Layer
        Layer or combinator of layers.
    input_shape : tuple of int, or tuple of shapes
        Shape of one example of x; for several inputs, the tuple of their shapes.
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
    >>> print(fn.summary(fn.sequential(fn.Linear(2), fn.BatchNorm()), (3,)))
    path   layer            output shape  params  buffers  bytes
    0      Linear(n_out=2)  (2,)               8        0     32
    1      BatchNorm()      (2,)               4        4     32
    total                                     12        4     64
    """
    if not isinstance(model, Layer):
        raise TypeError(f"expected a layer, got {model!r}")
    params = model.init(Key(0), input_shape, dtype)
    names = ("path", "layer", "output shape", "params", "buffers", "bytes")
    table = [names, *_rows(model, params, input_shape, dtype, ""), ("total", "", "", *_counts(params))]
    if not has_buffers(params):
        table = [(*row[:4], *row[5:]) for row in table]
    return "\n".join([aligned(table), *_ties(model, input_shape, "")])


def _rows(layer: Layer, params: Tree, shape: Shape, dtype: DType, path: str) -> Iterator[tuple[str, ...]]:
    parts = layer.parts(shape)
    if parts and not (isinstance(params, tuple) and len(params) == len(parts)):
        # a combinator of a user may arrange its params differently
        params = tuple(part.init(Key(0), own, dtype) for part, own in parts)
    for index, (part, own) in enumerate(parts):
        yield from _rows(part, params[index], own, dtype, _inside(path, index))
    if not parts:
        yield path or "-", repr(layer), str(layer.output_shape(shape)), *_counts(params)


def _ties(layer: Layer, shape: Shape, path: str) -> Iterator[str]:
    """A sentence for each place in the params whose array is that of a different place."""
    for place, source in layer.ties if isinstance(layer, Tied) else ():
        yield f"{_inside(path, place)} is tied to {_inside(path, source)}"
    for index, (part, own) in enumerate(layer.parts(shape)):
        yield from _ties(part, own, _inside(path, index))


def _inside(path: str, name: object) -> str:
    return f"{path}.{name}" if path else str(name)


def _counts(params: Tree) -> tuple[str, str, str]:
    arrays = named_arrays(params).values()
    leaves = size(params)
    return f"{leaves:,}", f"{sum(a.size for a in arrays) - leaves:,}", f"{sum(a.nbytes for a in arrays):,}"
