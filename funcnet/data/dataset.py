"""The examples that training takes: a `Dataset` is a node, so it never changes, and `batches` deals it out.

What is random about either, a split or an order, is said by a key.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from hashlib import sha256
from itertools import chain, count, islice

import attrs
import numpy as np
from numpy.typing import ArrayLike

from funcnet.errors import DTypeError, ShapeError
from funcnet.numerics.labels import checked_classes
from funcnet.random import Key, checked_key
from funcnet.tree import Array, build, canonical, node
from funcnet.values import integer


@node
class Dataset:
    """Examples x (n, ...) and their targets y (n, ...): immutable, since the arrays are copied and read-only.

    Raises ShapeError where x and y differ in n or have no such axis, DTypeError where an array's bytes would not tell
    its values: of objects, of records, of padded long doubles.

    >>> from funcnet.data import Dataset
    >>> dataset = Dataset([[0.0, 0.5], [1.0, 0.5]], [0, 1])
    >>> len(dataset), dataset.x.shape, dataset.y
    (2, (2, 2), array([0, 1]))
    """

    x: Array = attrs.field(converter=lambda x: _plain(np.asarray(x)))
    y: Array = attrs.field(converter=lambda y: _plain(np.asarray(y)))

    def __attrs_post_init__(self) -> None:
        for name, array in (("x", self.x), ("y", self.y)):
            if array.ndim == 0:
                raise ShapeError(f"expected {name} of shape (n, ...), one entry for each example, got ()")
            if array.dtype.kind not in "biufc" or array.dtype.char in "gG":  # the bytes of a long double are padded
                raise DTypeError(f"expected {name} of numbers, got {array.dtype}")
        if len(self.x) != len(self.y):
            raise ShapeError(f"expected as many targets as examples, got x {self.x.shape} and y {self.y.shape}")

    def __len__(self) -> int:
        return len(self.x)

    def take(self, indices: ArrayLike | slice) -> Dataset:
        """The examples at `indices`: integers, negative ones from the end, or a slice or a mask of n bools.

        A single integer makes a dataset of one example. Raises IndexError for what is out of range or no index,
        ShapeError for indices of more than one axis.

        >>> dataset = Dataset([[0.0], [0.1], [0.2]], [0, 1, 2])
        >>> dataset.take([2, 0]).y, dataset.take(slice(1, None)).y, dataset.take(dataset.y != 1).y
        (array([2, 0]), array([1, 2]), array([0, 2]))
        """
        if not isinstance(indices, slice):
            indices = np.atleast_1d(indices)
            if indices.ndim > 1:
                raise ShapeError(f"expected indices of shape (k,), got {indices.shape}")
            if not indices.size and indices.dtype.kind == "f":  # what NumPy takes [] for
                indices = indices.astype(np.intp)
        return build(Dataset, self.x[indices], self.y[indices])

    def split(self, key: Key, fraction: float) -> tuple[Dataset, Dataset]:
        """Two datasets, of round(n * fraction) examples and of the others, as the key shuffles them.

        Raises ValueError unless 0 <= fraction <= 1.

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

        So it tells data apart, and neither machines nor layouts in memory.

        >>> dataset = Dataset([[1.0, 2.0]], [1])
        >>> dataset.digest == Dataset(np.array([[1.0, 2.0]], order="F", dtype=">f8"), [1]).digest
        True
        >>> dataset.digest == Dataset([[1.0, 2.0]], [0]).digest
        False
        """
        hashed = sha256()
        for array in (self.x, self.y):
            hashed.update(canonical(array))
        return hashed.hexdigest()


def one_hot(dataset: Dataset, n_classes: int) -> Dataset:
    """The dataset with targets (n, n_classes) float32 in place of labels (n,): 1 at the label, 0 elsewhere.

    Raises ValueError for a label outside 0..n_classes-1, ShapeError or DTypeError for what are no labels.

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


def _plain(array: Array) -> Array:
    """The array in C order and this machine's byte order: in another layout products may round otherwise."""
    dtype = array.dtype if array.dtype.kind not in "biufc" else array.dtype.newbyteorder("=")
    return array.astype(dtype, order="C", copy=False)


def batches(dataset: Dataset, batch_size: int, key: Key, epoch: int) -> Iterator[tuple[Array, Array]]:
    """The batches (x, y) of an epoch: every example once, as `key.fold_in(epoch)` shuffles them, the rest kept.

    The last batch is short where batch_size does not divide n. Raises ValueError for a batch_size below 1.
    Bengio: Practical recommendations for gradient-based training of deep architectures, 2012.

    >>> import funcnet as fn
    >>> dataset = fn.data.parity(3)
    >>> [x.shape for x, y in fn.data.batches(dataset, 3, fn.Key(0), epoch=0)]
    [(3, 3), (3, 3), (2, 3)]
    """
    integer(batch_size, "batch_size", 1)
    order = checked_key(key).fold_in(epoch).generator().permutation(len(dataset))
    rows = (order[start : start + batch_size] for start in range(0, len(order), batch_size))
    return ((dataset.x.take(row, axis=0), dataset.y.take(row, axis=0)) for row in rows)


def stream(dataset: Dataset, batch_size: int, key: Key, step: int = 0) -> Iterator[tuple[Array, Array]]:
    """The batches (x, y) of one epoch after the other, without end, from the one after `step` steps on.

    So training that goes on from a state gets the batches that come next: `stream(dataset, 32, key, state.step)`.
    Raises ValueError for a dataset of no examples, a batch_size below 1 or a negative step.

    >>> import funcnet as fn
    >>> dataset, key = fn.data.parity(3), fn.Key(0)
    >>> batches = fn.data.stream(dataset, 3, key)
    >>> first, second, third, fourth = (next(batches) for _ in range(4))
    >>> len(third[0]), len(fourth[0])
    (2, 3)
    >>> bool((next(fn.data.stream(dataset, 3, key, step=3))[0] == fourth[0]).all())
    True
    """
    integer(batch_size, "batch_size", 1)
    epoch, done = divmod(integer(step, "step", 0), steps_per_epoch(dataset, batch_size))
    return chain.from_iterable(
        islice(batches(dataset, batch_size, key, each), done if each == epoch else 0, None) for each in count(epoch)
    )


def steps_per_epoch(dataset: Dataset, batch_size: int) -> int:
    """How many batches there are in an epoch. Raises ValueError for a dataset of no examples.

    >>> import funcnet as fn
    >>> fn.data.steps_per_epoch(fn.data.parity(3), 3)
    3
    """
    if not len(dataset):
        raise ValueError("expected a dataset of at least one example, got none")
    return math.ceil(len(dataset) / integer(batch_size, "batch_size", 1))
