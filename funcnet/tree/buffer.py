"""Buffers: arrays in a tree that are not leaves, since a leaf is what training moves."""

from __future__ import annotations

from typing import Any

import attrs

from funcnet.tree.arrays import Array, as_array
from funcnet.tree.node import is_leaf, node
from funcnet.tree.refusals import is_library_array, of_library
from funcnet.values import register


def _array(value: Any) -> Array:
    if is_library_array(value) and not is_leaf(value):
        return of_library(value)
    if not is_leaf(value):
        raise TypeError(f"a buffer holds an array, got {value!r}")
    return as_array(value)


@register
@node
class Buffer:
    """An array in a tree that is not a leaf, such as a running mean: no gradient, penalty or optimizer moves it.

    It is saved, digested and pickled with the tree. Trees of the same structure have buffers of the same shapes and
    dtypes; a function that maps the leaves of a tree keeps the buffers of that tree.

    Parameters
    ----------
    value : ndarray
        The array; it is copied, and read-only from then on.

    Raises
    ------
    TypeError
        If the value is not an array of numbers.

    Examples
    --------
    >>> import numpy as np, funcnet as fn
    >>> tree = (np.array([1.0, 2.0]), Buffer(np.array([3.0])))
    >>> fn.tree.map(np.negative, tree)
    (array([-1., -2.]), Buffer(value=array([3.])))
    >>> fn.tree.size(tree), fn.tree.named_buffers(tree)
    (2, {'1': array([3.])})

    A layer that subtracts a running mean, which `track` moves and `train_step` keeps:

    >>> @fn.tree.node
    ... class MeanParams:
    ...     mean: fn.tree.Buffer
    >>> class Centered(fn.Layer):
    ...     def init(self, key, input_shape, dtype=np.float32):
    ...         return MeanParams(fn.tree.Buffer(np.zeros(input_shape[-1], dtype)))
    ...     def forward(self, params, x):
    ...         return x - params.mean.value, x
    ...     def backward(self, params, cache, dy):
    ...         return dy, params  # params without leaves are their own gradient
    ...     def track(self, params, cache):
    ...         mean, rows = params.mean.value, cache.reshape(-1, cache.shape[-1])
    ...         return MeanParams(fn.tree.Buffer(mean + 0.1 * (rows.mean(axis=0) - mean))) if len(rows) else params
    >>> layer, x = Centered(), np.array([[1.0, 10.0], [3.0, 30.0]])
    >>> params = layer.init(fn.Key(0), (2,), float)
    >>> layer.track(params, layer.forward(params, x)[1])
    MeanParams(mean=Buffer(value=array([0.2, 2. ])))
    """

    value: Array = attrs.field(converter=_array)


class Kept:
    """Takes the place of a buffer in the structure of a tree, and compares by its shape and dtype alone."""

    __slots__ = ("buffer",)

    def __init__(self, buffer: Buffer) -> None:
        self.buffer = buffer

    def __eq__(self, other: object) -> bool:
        return type(other) is Kept and self.form == other.form

    __hash__ = None  # type: ignore[assignment]

    @property
    def form(self) -> str:
        """The shape and dtype in words."""
        return f"a buffer of {self.buffer.value.dtype} and shape {self.buffer.value.shape}"
