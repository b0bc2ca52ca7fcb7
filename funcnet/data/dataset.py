"""The examples that training takes: a `Dataset` is an immutable node; a key determines how it is split."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from typing import Any

import attrs
import numpy as np
from numpy.typing import ArrayLike

from funcnet.errors import DTypeError, ShapeError
from funcnet.numerics.labels import checked_classes
from funcnet.random import Key, checked_key
from funcnet.tree import Array, Flow, build, canonical, frozen, map_flow, node


@node
class Dataset:
    """Examples x (n, ...) and their targets y (n, ...); immutable, since the arrays are read-only copies.

    Parameters
    ----------
    x : array_like (n, ...), or a tuple of them
        Examples; stored in C order and in the byte order of the machine. A tuple with an ndarray in it, or with a
        tuple that has one, is several inputs of a model, and x is then the tuple of their arrays, each with n rows.
        Any other tuple is array_like, as a list is: one input.
    y : array_like (n, ...)
        Targets, stored in the same way.

    Raises
    ------
    ShapeError
        If an input and y differ in n, one of them has no axes, or lists of different lengths make no array.
    DTypeError
        If an input or y is not made of numbers or bools, or is of long doubles, whose bytes are padded.

    Examples
    --------
    >>> from funcnet.data import Dataset
    >>> dataset = Dataset([[0.0, 0.5], [1.0, 0.5]], [0, 1])
    >>> len(dataset), dataset.x.shape, dataset.y
    (2, (2, 2), array([0, 1]))

    Two inputs:

    >>> Dataset((np.array([[0.0, 0.5], [1.0, 0.5]]), np.array([3, 4])), [0, 1]).x
    (array([[0. , 0.5],
           [1. , 0.5]]), array([3, 4]))
    """

    x: Flow = attrs.field(converter=lambda x: _inputs(x, "x"))
    y: Array = attrs.field(converter=lambda y: _plain(np.asarray(y)))

    def __attrs_post_init__(self) -> None:
        for name, array in (*_named(self.x, "x"), ("y", self.y)):
            if array.ndim == 0:
                raise ShapeError(f"expected {name} of shape (n, ...), one entry for each example, got ()")
            if array.dtype.kind not in "biufc" or array.dtype.char in "gG":  # the bytes of a long double are padded
                raise DTypeError(f"expected {name} of numbers, got {array.dtype}")
        for name, array in _named(self.x, "x"):
            if len(array) != len(self.y):
                got = f"got {name} {array.shape} and y {self.y.shape}"
                raise ShapeError(f"expected as many targets as examples, {got}{_hint(self.x, len(self.y))}")

    def __len__(self) -> int:
        return len(self.y)

    @property
    def input_shape(self) -> Any:
        """The shape of one example, which `model.init` takes; for several inputs, the tuple of their shapes.

        Examples
        --------
        >>> Dataset(np.zeros((5, 2)), np.zeros(5)).input_shape
        (2,)
        >>> Dataset((np.zeros((5, 2)), np.zeros(5)), np.zeros(5)).input_shape
        ((2,), ())
        """
        return map_flow(lambda array: array.shape[1:], self.x)

    def take(self, indices: ArrayLike | slice) -> Dataset:
        """The examples at `indices`, in their order.

        Parameters
        ----------
        indices : array_like (k,), int or slice
            Integers, negative ones counting from the end; a mask of n bools; one integer, for a dataset of one
            example; or a slice.

        Returns
        -------
        Dataset
            The k examples and their targets.

        Raises
        ------
        IndexError
            If an index is out of range or neither an integer nor a bool, or a mask has a length other than n.
        ShapeError
            If indices have more than one axis.

        Examples
        --------
        >>> dataset = Dataset([[0.0], [0.1], [0.2]], [0, 1, 2])
        >>> dataset.take([2, 0]).y, dataset.take(slice(1, None)).y, dataset.take(dataset.y != 1).y
        (array([2, 0]), array([1, 2]), array([0, 2]))
        """
        if not isinstance(indices, slice):
            indices = np.atleast_1d(indices)
            if indices.ndim > 1:
                raise ShapeError(f"expected indices of shape (k,), got {indices.shape}")
            if not indices.size and indices.dtype.kind == "f":  # NumPy makes [] an array of floats
                indices = indices.astype(np.intp)
        return build(Dataset, map_flow(lambda array: frozen(array[indices]), self.x), self.y[indices])

    def split(self, key: Key, fraction: float) -> tuple[Dataset, Dataset]:
        """Two datasets of shuffled examples: round(n * fraction) examples, and all the others.

        Parameters
        ----------
        key : Key
            Key of the shuffle.
        fraction : float
            Share of the examples in the first dataset, from 0 to 1.

        Returns
        -------
        tuple of Dataset
            The two datasets.

        Raises
        ------
        ValueError
            If fraction is not from 0 to 1.

        Examples
        --------
        >>> import funcnet as fn
        >>> train, test = fn.data.digits().split(fn.Key(0), 0.8)
        >>> len(train), len(test)
        (1438, 359)
        """
        if not 0 <= fraction <= 1:
            raise ValueError(f"fraction must be from 0 to 1, got {fraction!r}")
        order = checked_key(key).generator().permutation(len(self))
        first = round(len(self) * fraction)
        return self.take(order[:first]), self.take(order[first:])

    @property
    def digest(self) -> str:
        """SHA-256 of x and y, each as its dtype and shape and then its little-endian bytes in C order.

        The number of inputs comes before several inputs. Different data have different digests; equal data have the
        same digest on every machine and in any layout.

        Examples
        --------
        >>> dataset = Dataset([[1.0, 2.0]], [1])
        >>> dataset.digest == Dataset(np.array([[1.0, 2.0]], order="F", dtype=">f8"), [1]).digest
        True
        >>> dataset.digest == Dataset([[1.0, 2.0]], [0]).digest
        False
        """
        hashed = sha256()
        for part in (*_canonical(self.x), canonical(self.y)):
            hashed.update(part)
        return hashed.hexdigest()


def one_hot(dataset: Dataset, n_classes: int) -> Dataset:
    """The dataset with targets (n, n_classes) float32 in place of labels (n,): 1 at the label, 0 elsewhere.

    Parameters
    ----------
    dataset : Dataset
        Examples with integer labels (n,).
    n_classes : int
        Number of classes.

    Returns
    -------
    Dataset
        The same examples, with the new targets.

    Raises
    ------
    ValueError
        If a label is outside 0..n_classes-1.
    ShapeError
        If the targets do not have the shape (n,).
    DTypeError
        If the targets are not integers.

    Examples
    --------
    >>> one_hot(Dataset([[0.5], [0.25]], [1, 0]), 3).y
    array([[0., 1., 0.],
           [1., 0., 0.]], dtype=float32)
    """
    labels = dataset.y
    if labels.ndim != 1:
        raise ShapeError(f"expected labels of shape (n,), got {labels.shape}")
    if labels.dtype.kind not in "iu":
        raise DTypeError(f"expected integer labels, got {labels.dtype}")
    checked_classes("label", labels, n_classes)
    return build(Dataset, dataset.x, (labels[:, None] == np.arange(n_classes)).astype(np.float32))


def _inputs(x: Any, name: str) -> Flow:
    """The array of one input, or the tuple of the arrays of several."""
    if _is_several(x):
        return tuple([_inputs(part, f"{name}[{index}]") for index, part in enumerate(x)])
    try:
        return _plain(np.asarray(x))
    except ValueError as error:
        raise ShapeError(f"{name} is not one array: {error}{_SEVERAL}") from error


def _is_several(x: Any) -> bool:
    """Whether x is a tuple with an array in it, or with a tuple that has one."""
    return isinstance(x, tuple) and any(isinstance(part, np.ndarray) or _is_several(part) for part in x)


_SEVERAL = "; write several inputs as a tuple of arrays, such as (np.array(a), np.array(b))"


def _hint(x: Flow, n: int) -> str:
    """What to write where rows were taken for inputs, or inputs for rows."""
    if isinstance(x, tuple):
        return "; stack the rows of one input, np.stack(x)" if len(x) == n else ""
    return _SEVERAL if x.shape[1:2] == (n,) else ""


def _named(x: Flow, name: str) -> Iterator[tuple[str, Array]]:
    """Each array of x, and what to write for it."""
    if isinstance(x, tuple):
        for index, part in enumerate(x):
            yield from _named(part, f"{name}[{index}]")
    else:
        yield name, x


def _canonical(x: Flow) -> Iterator[bytes]:
    """Bytes that tell x from any other: no dtype begins as the length of a tuple does."""
    if isinstance(x, tuple):
        yield f"tuple of {len(x)}\n".encode()
        for part in x:
            yield from _canonical(part)
    else:
        yield canonical(x)


def _plain(array: Array) -> Array:
    """The array in C order and this machine's byte order: products of other layouts may round differently."""
    dtype = array.dtype if array.dtype.kind not in "biufc" else array.dtype.newbyteorder("=")
    return array.astype(dtype, order="C", copy=False)
