"""Integer labels: their check, and the surprisal -log(softmax(y)) at them with its gradient."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from funcnet.errors import ShapeError
from funcnet.numerics.softmax import shifted
from funcnet.numerics.sums import SHORT_ROW, wide_sum
from funcnet.tree import Array, Shape


def checked_classes(
    name: str, labels: Array, n: int, error: type[Exception] = ValueError, of: str = "classes"
) -> Array:
    """The labels as int64; an error, which names the first bad label and its index, unless all are in 0..n-1."""
    indices = labels.astype(np.int64, copy=False)
    unsigned = indices.view(np.uint64)  # negative labels become the largest; argmax takes half the time of max
    if not labels.size or unsigned.item(unsigned.argmax()) < n:
        return indices
    index = tuple(map(int, np.argwhere((labels < 0) | (labels >= n))[0]))
    raise error(f"{name} {labels[index]} at index {index} is not in 0..{n - 1} (n = {n} {of})")


def _remedy(shape: Shape, target: Array) -> str:
    """What to write for labels in a column, or as floats or strings, if the target is such labels."""
    is_column, kind = target.shape == (*shape, 1), target.dtype.kind
    if not (is_column or target.shape == shape):
        return ""
    column = f"[{':, ' * len(shape)}0]" if is_column else ""
    if kind in "UST":
        return f": write np.unique(target{column}, return_inverse=True)[1]"
    if kind not in "iuf" or (target != np.floor(target)).any():
        return ""
    return f": write target{column}{'.astype(int)' if kind == 'f' else ''}"


class LabelGradient(NamedTuple):
    """The parts of the gradient of the surprisal at labels: exponentials of logits, those at the labels set apart."""

    of_others: Array
    of_label: Array
    others: Array
    at_label: Array
    axis: int

    def dy(self, weight: float) -> Array:
        """weight * (softmax(y) - 1 at the label), as a matrix with a row for each label."""
        scale = weight / (self.others + self.of_label)
        flat = (self.of_others * (scale if self.axis == 0 else scale[:, None])).reshape(-1)
        flat[self.at_label] = -self.others * scale
        dy: Array = flat.reshape(self.of_others.shape)
        return dy.T if self.axis == 0 else dy


def label_surprisal(y: Array, labels: Array) -> tuple[Array, LabelGradient]:
    """-log(softmax(y)) at the labels (...) of logits y (..., n), as a vector, and its gradient as a record.

    It is computed from the sum of the exponentials of all other logits, which loses no digits near 0. Short rows are
    computed class by class: NumPy's inner loops are then as long as the batch.
    """
    n = y.shape[-1]
    if labels.shape != y.shape[:-1] or labels.dtype.kind not in "iu":
        raise ShapeError(
            f"target must be integer labels of shape {y.shape[:-1]} or probabilities of shape {y.shape}, "
            f"got {labels.dtype} of shape {labels.shape}{_remedy(y.shape[:-1], labels)}"
        )
    classes, size = checked_classes("label", labels, n).reshape(-1), labels.size
    if n < SHORT_ROW:
        axis, table, at_label = 0, y.reshape(size, n).T.copy(), classes * size + np.arange(size)
    else:
        axis, table, at_label = 1, y.reshape(size, n), classes + np.arange(0, y.size, n)
    table = shifted(table, axis)
    logits = table.reshape(-1)
    exponentials = np.exp(logits)
    of_label = exponentials[at_label]
    exponentials[at_label] = 0
    of_others = exponentials.reshape(table.shape)
    others = wide_sum(of_others, axis)
    surprisal = np.log1p(others + (of_label - 1)) - logits[at_label]
    return surprisal, LabelGradient(of_others, of_label, others, at_label, axis)
