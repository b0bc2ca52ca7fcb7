"""How good a classifier's predictions are. Labels come first, predictions second, as in scikit-learn.

Predictions are labels too, integers of the shape of the labels (...), or scores (..., n), such as logits: those have
one axis more and stand for the class with the highest score, the first of several (NaN is higher than any).
"""

from __future__ import annotations

import operator
from collections.abc import Sequence

import attrs
import numpy as np
from numpy.typing import ArrayLike, NDArray

from funcnet.errors import DTypeError, ShapeError
from funcnet.numerics.labels import checked_classes
from funcnet.tree import Array
from funcnet.values import aligned, real, register_as, specification


@register_as("metrics.accuracy")
def accuracy(labels: ArrayLike, predictions: ArrayLike) -> float:
    """The share of examples whose prediction is the label.

    Raises ValueError for no examples and for labels that the scores don't reach, ShapeError or DTypeError for
    anything but integer labels and their predictions.

    >>> accuracy([0, 1, 1, 1], [0, 1, 0, 1])
    0.75
    >>> accuracy([0, 1], [[2.0, 1.0], [2.0, 3.0]])
    1.0
    """
    labels, predicted, _ = _compared(labels, predictions)
    _check_some(labels.size)
    return float(np.mean(labels == predicted))


@register_as("metrics.binary_accuracy")
@specification
class binary_accuracy:  # noqa: N801, metrics are used as functions
    """The share of targets, each 0 or 1, that a score (...) is on the right side of the threshold for: above it for 1.

    The threshold is 0.5 for probabilities, and 0 for logits. Raises ValueError for no targets or others,
    ShapeError for scores of another shape.

    >>> binary_accuracy()([[0], [1], [1]], [[0.1], [0.9], [0.5]]) == 2 / 3
    True
    >>> binary_accuracy(threshold=0)([0, 1], [-3.0, 2.0])
    1.0
    """

    threshold: float = attrs.field(default=0.5, converter=real)

    def __call__(self, targets: ArrayLike, scores: ArrayLike) -> float:
        targets, scores = np.asarray(targets), np.asarray(scores)
        if targets.shape != scores.shape:
            raise ShapeError(f"expected scores of shape {targets.shape}, as the targets, got {scores.shape}")
        _check_some(targets.size)
        if not np.isin(targets, (0, 1)).all():
            raise ValueError("expected targets that are 0 or 1")
        return float(np.mean((scores > self.threshold) == targets))


def confusion_matrix(labels: ArrayLike, predictions: ArrayLike, n_classes: int | None = None) -> NDArray[np.int64]:
    """How many examples of class i, the row, were taken for class j, the column: (n, n).

    n is `n_classes`, by default the n of the scores or 1 + the largest label or prediction.
    Raises ValueError for a label or prediction outside 0..n-1 and for an n that is not the scores', ShapeError or
    DTypeError for anything but integer labels and their predictions.

    >>> confusion_matrix([0, 1, 1, 1], [0, 1, 0, 1])
    array([[1, 0],
           [1, 2]])
    """
    labels, predicted, n_scores = _compared(labels, predictions)
    n = _n_classes(labels, predicted, n_scores) if n_classes is None else operator.index(n_classes)
    if n_scores not in (None, n):
        raise ValueError(f"expected {n_scores} classes, as many as there are scores, got {n}")
    checked_classes("label", labels, n)
    checked_classes("prediction", predicted, n)
    counts = np.bincount((labels * n + predicted).ravel(), minlength=n * n)
    return counts.astype(np.int64).reshape(n, n)


def classification_report(labels: ArrayLike, predictions: ArrayLike, names: Sequence[str] | None = None) -> str:
    """A table of precision, recall, F1 and support for each class, then the accuracy and the averages over classes.

    precision = hits / predicted, the share of the examples taken for the class that are of it;
    recall = hits / support, the share of the examples of the class that were taken for it;
    F1 = 2 * hits / (predicted + support), the harmonic mean of the two. 0 / 0 counts as 0.
    The macro average counts every class alike, 0..n-1 and so those without an example too; the weighted average
    counts a class by its support. `names` are the n classes'; n is found as in `confusion_matrix` without them.

    Raises ValueError for no examples, and what `confusion_matrix` raises.
    C. J. van Rijsbergen, Information Retrieval, 2nd edition, 1979, chapter 7.

    >>> print(classification_report([0, 1, 1, 1], [0, 1, 0, 1], names=["cat", "dog"]))
    class         precision  recall      F1  support
    cat              0.5000  1.0000  0.6667        1
    dog              1.0000  0.6667  0.8000        3
    <BLANKLINE>
    accuracy                         0.7500        4
    macro avg        0.7500  0.8333  0.7333        4
    weighted avg     0.8750  0.7500  0.7667        4
    """
    matrix = confusion_matrix(labels, predictions, None if names is None else len(names))
    hits, predicted, support = np.diag(matrix), matrix.sum(axis=0), matrix.sum(axis=1)
    total = int(support.sum())
    _check_some(total)
    ratios = np.stack([_ratio(hits, predicted), _ratio(hits, support), _ratio(2 * hits, predicted + support)], axis=-1)
    return aligned(
        [
            ("class", "precision", "recall", "F1", "support"),
            *map(_row, range(len(matrix)) if names is None else names, ratios, support),
            ("", "", "", "", ""),
            ("accuracy", "", "", f"{hits.sum() / total:.4f}", f"{total}"),
            _row("macro avg", ratios.mean(axis=0), total),
            _row("weighted avg", support @ ratios / total, total),
        ]
    )


def _row(name: object, ratios: Array, support: int) -> tuple[str, ...]:
    return str(name), *(f"{ratio:.4f}" for ratio in ratios), f"{support}"


def _ratio(part: Array, whole: Array) -> Array:
    """part / whole, and 0 where whole, and so part, is 0."""
    return part / np.maximum(whole, 1)


def _compared(labels: ArrayLike, predictions: ArrayLike) -> tuple[Array, Array, int | None]:
    """The labels and the predicted labels, integers of one shape, and the n of the scores if there are any."""
    labels, predictions = np.asarray(labels), np.asarray(predictions)
    has_scores = predictions.ndim == labels.ndim + 1
    got = (
        "labels come first: expected integer labels (...), then integer predictions (...) or scores (..., n), "
        f"got {labels.dtype} of shape {labels.shape} and {predictions.dtype} of shape {predictions.shape}"
    )
    if not _is_of("biu", labels):
        raise DTypeError(got)
    if labels.shape != (predictions.shape[:-1] if has_scores else predictions.shape):
        raise ShapeError(got)
    if not _is_of("biuf" if has_scores else "biu", predictions):
        raise DTypeError(got)
    if not has_scores:
        return labels.astype(np.int64), predictions.astype(np.int64), None
    n = predictions.shape[-1]
    return checked_classes("label", labels, n), np.argmax(predictions, axis=-1), n


def _is_of(kinds: str, array: Array) -> bool:
    """Whether the dtype is of one of these kinds; NumPy makes an empty list an array of floats, which may pass."""
    return array.dtype.kind in kinds or array.size == 0


def _check_some(examples: int) -> None:
    if examples == 0:
        raise ValueError("expected at least one example, got none")


def _n_classes(labels: Array, predicted: Array, n_scores: int | None) -> int:
    if n_scores is not None:
        return n_scores
    return 1 + int(max(labels.max(initial=-1), predicted.max(initial=-1)))
