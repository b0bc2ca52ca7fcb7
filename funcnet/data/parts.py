"""Which examples go into which part of a dataset: shares of all, shares of each class, folds."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, Generic, TypeVar

import attrs
import numpy as np

from funcnet.errors import ShapeError
from funcnet.tree import Array
from funcnet.values import real

T = TypeVar("T")


def sizes(n: int, fractions: Sequence[float]) -> list[int]:
    """The sizes of the parts with these shares of n examples, and of the rest."""
    shares = [_fraction(each) for each in fractions]
    total = math.fsum(shares)
    if len(shares) > 1 and total > 1 - 1e-9:
        hint = "leave out the last, which is the rest" if total < 1 + 1e-9 else "they must sum to less than 1"
        raise ValueError(f"fractions {', '.join(map(str, shares))} sum to {total:.6g}: {hint}")
    ends = [round(n * math.fsum(shares[: index + 1])) for index in range(len(shares))]
    return [end - start for start, end in pairwise([0, *ends, n])]


def _fraction(value: float) -> float:
    if not 0 <= real(value) <= 1:
        raise ValueError(f"fraction must be from 0 to 1, got {value!r}")
    return real(value)


def shared(order: Array, counts: Sequence[int], labels: Array | None) -> list[Array]:
    """The examples of each part: `order` cut at once, or class by class if there are labels."""
    if labels is None:
        return np.split(order, np.cumsum(counts)[:-1])
    part = _part_of_each(labels[order], counts)
    return [order[part == index] for index in range(len(counts))]


def _part_of_each(labels: Array, counts: Sequence[int]) -> Array:
    """The part of each example: parts have the given numbers of examples, and their share of each class."""
    _, first, inverse, of_class = np.unique(labels, return_index=True, return_inverse=True, return_counts=True)
    rank = np.empty(len(labels), np.int64)  # of an example among those of its class
    starts = np.repeat(np.cumsum(of_class) - of_class, of_class)
    rank[np.argsort(inverse, kind="stable")] = np.arange(len(labels)) - starts
    part, taken, end = np.zeros(len(labels), np.int64), np.zeros_like(of_class), 0
    for count in counts[:-1]:
        end += count
        taken = taken + _share(of_class, count, of_class * end - taken * len(labels), first)
        part += rank >= taken[inverse]
    return part


def _share(of_class: Array, count: int, lack: Array, first: Array) -> Array:
    """How many of each class `count` of all are: the share rounded down, and one more where most are lacking so far.

    `lack` is what the classes lack of their shares of the parts up to this one, times the number of all examples. By
    it, each class of each part, the last too, is its share rounded down or up.
    """
    n = max(of_class.sum(), 1)
    share, rest = np.divmod(of_class * count, n)
    lacking = np.where(rest > 0, lack - share * n, -n * n)
    share[np.lexsort((first, -lacking))[: count - share.sum()]] += 1
    return share


def fold_of_each(n: int, k: int, labels: Array | None) -> Array:
    """The fold of each example, dealt out in turn, or class by class if there are labels."""
    fold = np.empty(n, np.int64)
    fold[slice(None) if labels is None else np.argsort(labels, kind="stable")] = np.arange(n) % k
    return fold


def labels_of(y: Array) -> Array:
    """Targets as labels that parts can be stratified by. Raises ShapeError unless they are labels (n,)."""
    if y.ndim != 1 or y.dtype.kind not in "biu":
        raise ShapeError(f"stratify=True needs integer labels of shape (n,), got y {y.dtype} of shape {y.shape}")
    return y


@attrs.frozen(eq=False)
class Folds(Sequence[tuple[T, T]], Generic[T]):
    """The pairs (train, validation) of a cross-validation; examples are taken when a pair is asked for."""

    take: Callable[[Array], T] = attrs.field(repr=False)
    order: Array = attrs.field(repr=False)
    fold: Array = attrs.field(repr=False)
    k: int

    def __len__(self) -> int:
        return self.k

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return tuple(self[each] for each in range(self.k)[index])
        inside = self.fold == range(self.k)[index]
        return self.take(self.order[~inside]), self.take(self.order[inside])
