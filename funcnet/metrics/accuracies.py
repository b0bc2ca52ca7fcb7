"""Measures of a classifier's predictions. Labels come first, predictions second, as in scikit-learn.

Predictions are integers of the shape of the labels (...), or scores (..., n) such as logits. Scores predict the class
with the highest score; of equal scores the first one wins, and NaN counts as higher than any number.
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

    Parameters
    ----------
    labels : array_like (...)
        Integer labels.
    predictions : array_like (...) or (..., n)
        Integer predictions, or scores of n classes.

    Returns
    -------
    float
        Share from 0 to 1.

    Raises
    ------
    ValueError
        If there are no examples, or a label is outside 0..n-1 for scores of n classes.
    ShapeError
        If the shapes of labels and predictions do not match.
    DTypeError
        If labels are not integers, or predictions are neither integers nor real scores.

    Examples
    --------
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
    """The share of targets, each 0 or 1, whose score predicts them: 1 above the threshold, else 0.

    It is called with targets (...) and scores (...) and returns the mean of (scores > threshold) == targets.

    Parameters
    ----------
    threshold : float, default 0.5
        0.5 for probabilities, 0 for logits.

    Raises
    ------
    TypeError
        If threshold is not a real number.
    ValueError
        If there are no targets, or a target is neither 0 nor 1.
    ShapeError
        If scores do not have the shape of targets.

    Examples
    --------
    >>> binary_accuracy()([[0], [1], [1]], [[0.1], [0.9], [0.5]]) == 2 / 3
    True
    >>> binary_accuracy(threshold=0)([0, 1], [-3.0, 2.0])
    1.0
    """

    threshold: float = attrs.field(default=0.5, converter=real)

    def __call__(self, targets: ArrayLike, scores: ArrayLike) -> float:
        targets, scores = np.asarray(targets), np.asarray(scores)
        if targets.shape != scores.shape:
            raise ShapeError(f"scores must have the shape {targets.shape} of the targets, got {scores.shape}")
        _check_some(targets.size)
        if not np.isin(targets, (0, 1)).all():
            raise ValueError("targets must be 0 or 1")
        return float(np.mean((scores > self.threshold) == targets))


def confusion_matrix(labels: ArrayLike, predictions: ArrayLike, n_classes: int | None = None) -> NDArray[np.int64]:
    """Counts of the examples with label i, the row, and predicted class j, the column.

    Parameters
    ----------
    labels : array_like (...)
        Integer labels.
    predictions : array_like (...) or (..., n)
        Integer predictions, or scores of n classes.
    n_classes : int, optional
        The number n of classes; by default that of the scores, or 1 + the largest label or prediction.

    Returns
    -------
    ndarray (n, n)
        The counts, as int64.

    Raises
    ------
    ValueError
        If a label or prediction is outside 0..n-1, or n_classes is not the number of scores.
    ShapeError
        If the shapes of labels and predictions do not match.
    DTypeError
        If labels are not integers, or predictions are neither integers nor real scores.

    Examples
    --------
    >>> confusion_matrix([0, 1, 1, 1], [0, 1, 0, 1])
    array([[1, 0],
           [1, 2]])
    """
    labels, predicted, n_scores = _compared(labels, predictions)
    n = _n_classes(labels, predicted, n_scores) if n_classes is None else operator.index(n_classes)
    if n_scores not in (None, n):
        raise ValueError(f"expected {n_scores} classes, one for each score, got {n}")
    checked_classes("label", labels, n)
    checked_classes("prediction", predicted, n)
    counts = np.bincount((labels * n + predicted).ravel(), minlength=n * n)
    return counts.astype(np.int64).reshape(n, n)


def classification_report(labels: ArrayLike, predictions: ArrayLike, names: Sequence[str] | None = None) -> str:
    """A table of precision, recall, F1 and support for each class, then the accuracy and the averages over classes.

    precision = hits / predicted, the share of the examples predicted as the class that belong to it;
    recall = hits / support, the share of the examples of the class that were predicted as it;
    F1 = 2 * hits / (predicted + support), the harmonic mean of the two. 0 / 0 counts as 0.
    The macro average gives all classes 0..n-1 the same weight, also those without an example; the weighted average
    weights each class by its support.

    Parameters
    ----------
    labels : array_like (...)
        Integer labels.
    predictions : array_like (...) or (..., n)
        Integer predictions, or scores of n classes.
    names : sequence of str, optional
        Names of the n classes; by default 0, ..., n-1, with n as in `confusion_matrix`.

    Returns
    -------
    str
        The table.

    Raises
    ------
    ValueError
        If there are no examples, a label or prediction is outside 0..n-1, or there are fewer or more names than scores.
    ShapeError
        If the shapes of labels and predictions do not match.
    DTypeError
        If labels are not integers, or predictions are neither integers nor real scores.

    References
    ----------
    C. J. van Rijsbergen: Information Retrieval. 2nd edition, 1979, chapter 7.

    Examples
    --------
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
    """part / whole, and 0 where both are 0."""
    return part / np.maximum(whole, 1)


def _compared(labels: ArrayLike, predictions: ArrayLike) -> tuple[Array, Array, int | None]:
    """Labels and predicted labels, integers of one shape, and the number of scores, None without scores."""
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
    """Whether the dtype has one of these kinds, or the array is empty: NumPy makes an empty list an array of floats."""
    return array.dtype.kind in kinds or array.size == 0


def _check_some(examples: int) -> None:
    if examples == 0:
        raise ValueError("expected at least one example, got none")


def _n_classes(labels: Array, predicted: Array, n_scores: int | None) -> int:
    if n_scores is not None:
        return n_scores
    return 1 + int(max(labels.max(initial=-1), predicted.max(initial=-1)))
