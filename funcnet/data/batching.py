"""The batches of a dataset, epoch by epoch; a key determines their order."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import chain, count, islice

from funcnet.data.dataset import Dataset, checked_dataset
from funcnet.random import Key, checked_key
from funcnet.tree import Array, Flow
from funcnet.values import integer


def batches(dataset: Dataset, batch_size: int, key: Key, epoch: int) -> Iterator[tuple[Flow, Array]]:
    """The batches (x, y) of an epoch: every example once, in an order shuffled by `key.fold_in(epoch)`.

    Parameters
    ----------
    dataset : Dataset
        Examples and targets.
    batch_size : int
        Number of examples in a batch, at least 1; the last batch has fewer if batch_size does not divide n.
    key : Key
        Key of all epochs.
    epoch : int
        Number of the epoch.

    Returns
    -------
    iterator of tuple
        x (batch_size, ...), or the tuple of such arrays, and y (batch_size, ...) of each batch.

    Raises
    ------
    TypeError
        If dataset is not a Dataset, or batch_size not an integer.
    ValueError
        If batch_size is below 1.

    References
    ----------
    Y. Bengio: Practical recommendations for gradient-based training of deep architectures, 2012.

    Examples
    --------
    >>> import funcnet as fn
    >>> dataset = fn.data.parity(3)
    >>> [x.shape for x, y in fn.data.batches(dataset, 3, fn.Key(0), epoch=0)]
    [(3, 3), (3, 3), (2, 3)]
    """
    integer(batch_size, "batch_size", 1)
    order = checked_key(key).fold_in(epoch).generator().permutation(len(checked_dataset(dataset)))
    rows = (order[start : start + batch_size] for start in range(0, len(order), batch_size))
    return ((_rows(dataset.x, row), dataset.y.take(row, axis=0)) for row in rows)


def _rows(x: Flow, rows: Array) -> Flow:
    return tuple([_rows(part, rows) for part in x]) if isinstance(x, tuple) else x.take(rows, axis=0)


def stream(dataset: Dataset, batch_size: int, key: Key, step: int = 0) -> Iterator[tuple[Flow, Array]]:
    """The batches (x, y) of one epoch after the other, without end; the first `step` batches are skipped.

    Training that resumes from a state gets the next batches from `stream(dataset, 32, key, state.step)`.

    Parameters
    ----------
    dataset : Dataset
        Examples and targets, at least one.
    batch_size : int
        Number of examples in a batch, see `batches`.
    key : Key
        Key of all epochs.
    step : int, default 0
        Number of batches to skip.

    Returns
    -------
    iterator of tuple
        x (batch_size, ...), or the tuple of such arrays, and y (batch_size, ...) of each batch.

    Raises
    ------
    TypeError
        If dataset is not a Dataset, or batch_size or step not an integer.
    ValueError
        If the dataset is empty, batch_size is below 1 or step is negative.

    Examples
    --------
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
    """The number of batches in an epoch: ceil(n / batch_size).

    Parameters
    ----------
    dataset : Dataset
        Examples and targets, at least one.
    batch_size : int
        Number of examples in a batch, at least 1.

    Returns
    -------
    int
        The number of batches.

    Raises
    ------
    TypeError
        If dataset is not a Dataset, or batch_size not an integer.
    ValueError
        If the dataset is empty or batch_size is below 1.

    Examples
    --------
    >>> import funcnet as fn
    >>> fn.data.steps_per_epoch(fn.data.parity(3), 3)
    3
    """
    if not len(checked_dataset(dataset)):
        raise ValueError("expected a dataset of at least one example, got none")
    return math.ceil(len(dataset) / integer(batch_size, "batch_size", 1))
