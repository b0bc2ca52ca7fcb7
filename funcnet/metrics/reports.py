"""Counts of right and wrong predictions by class, and what follows from them: precision, recall and F1."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from funcnet.metrics.compared import check_some, compared_labels
from funcnet.numerics.labels import checked_classes
from funcnet.tree import Array
from funcnet.values import aligned


def confusion_matrix(labels: ArrayLike, predictions: ArrayLike, n_classes: int | None = None) -> NDArray[np.int64]:
    """Counts of the examples with label i, the row, and predicted class j, the column.

    Parameters
    ----------
    labels : array_like (...) or (..., n)
        Integer labels, or one-hot rows.
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
        If a label or prediction is outside 0..n-1, n_classes is not the number of scores, a score is NaN, or labels and
        predictions are integers of one shape where the labels may also be one-hot rows.
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
    labels, predicted, n_scores = compared_labels(labels, predictions)
    n = _n_classes(labels, predicted, n_scores) if n_classes is None else operator.index(n_classes)
    if n_scores not in (None, n):
        raise ValueError(f"expected {n_scores} classes, one for each score, got {n}")
    checked_classes("label", labels, n)
    checked_classes("prediction", predicted, n)
    counts = np.bincount((labels * n + predicted).ravel(), minlength=n * n)
    return counts.astype(np.int64).reshape(n, n)


def report_dict(
    labels: ArrayLike, predictions: ArrayLike, names: Sequence[str] | None = None
) -> dict[str, dict[str, float] | float]:
    """The figures of `classification_report` as a dict, which pandas reads as a table.

    Parameters
    ----------
    labels : array_like (...) or (..., n)
        Integer labels, or one-hot rows.
    predictions : array_like (...) or (..., n)
        Integer predictions, or scores of n classes.
    names : sequence of str, optional
        Names of the n classes, distinct; by default "0", ..., with n as in `confusion_matrix`.

    Returns
    -------
    dict
        For each class, "macro avg" and "weighted avg" a dict with "precision", "recall", "F1" and "support"; and the
        number "accuracy".

    Raises
    ------
    ValueError
        If two names are equal or one is "accuracy", "macro avg" or "weighted avg"; else as `classification_report`.
    ShapeError
        If the shapes of labels and predictions do not match.
    DTypeError
        If labels are not integers, or predictions are neither integers nor real scores.

    Examples
    --------
    >>> report = report_dict([0, 1, 1, 1], [0, 1, 0, 1], names=["cat", "dog"])
    >>> report["cat"]
    {'precision': 0.5, 'recall': 1.0, 'F1': 0.6666666666666666, 'support': 1}
    >>> report["accuracy"], report["macro avg"]["precision"]
    (0.75, 0.75)
    """
    figures = _figures(labels, predictions, names)
    rows = [*figures.classes, *figures.averages]
    report: dict[str, Any] = {name: dict(zip(_COLUMNS, numbers, strict=True)) for name, *numbers in rows}
    if len(report) < len(rows) or "accuracy" in report:
        raise ValueError(f"names must be distinct and none of the names of averages, got {[row[0] for row in rows]}")
    return {**report, "accuracy": figures.accuracy}


def classification_report(labels: ArrayLike, predictions: ArrayLike, names: Sequence[str] | None = None) -> str:
    """A table of precision, recall, F1 and support for each class, then the accuracy and the averages over classes.

    precision = hits / predicted, the share of the examples predicted as the class that belong to it;
    recall = hits / support, the share of the examples of the class that were predicted as it;
    F1 = 2 * hits / (predicted + support), the harmonic mean of the two. 0 / 0 counts as 0.
    The macro average gives all classes 0..n-1 the same weight, also those without an example; the weighted average
    weights each class by its support.

    Parameters
    ----------
    labels : array_like (...) or (..., n)
        Integer labels, or one-hot rows.
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
    figures = _figures(labels, predictions, names)
    return aligned(
        [
            ("class", *_COLUMNS),
            *map(_row, figures.classes),
            ("", "", "", "", ""),
            ("accuracy", "", "", f"{figures.accuracy:.4f}", f"{figures.total}"),
            *map(_row, figures.averages),
        ]
    )


_COLUMNS = "precision", "recall", "F1", "support"


class _Figures(NamedTuple):
    """Rows (name, precision, recall, F1, support) of classes and averages; the accuracy and the number of examples."""

    classes: list[tuple[Any, ...]]
    averages: list[tuple[Any, ...]]
    accuracy: float
    total: int


def _figures(labels: ArrayLike, predictions: ArrayLike, names: Sequence[str] | None) -> _Figures:
    matrix = confusion_matrix(labels, predictions, None if names is None else len(names))
    hits, predicted, support = np.diag(matrix), matrix.sum(axis=0), matrix.sum(axis=1)
    total = int(support.sum())
    check_some(total)
    ratios = np.stack([_ratio(hits, predicted), _ratio(hits, support), _ratio(2 * hits, predicted + support)], axis=-1)
    named = map(str, range(len(matrix)) if names is None else names)
    classes = [(name, *row, n) for name, row, n in zip(named, ratios.tolist(), support.tolist(), strict=True)]
    macro, weighted = ratios.mean(axis=0), support @ ratios / total
    averages = [("macro avg", *macro.tolist(), total), ("weighted avg", *weighted.tolist(), total)]
    return _Figures(classes, averages, float(hits.sum() / total), total)


def _row(figures: tuple[Any, ...]) -> tuple[str, ...]:
    name, *ratios, support = figures
    return name, *(f"{ratio:.4f}" for ratio in ratios), f"{support}"


def _ratio(part: Array, whole: Array) -> Array:
    """part / whole, and 0 where both are 0."""
    ratio: Array = part / np.maximum(whole, 1)
    return ratio


def _n_classes(labels: Array, predicted: Array, n_scores: int | None) -> int:
    if n_scores is not None:
        return n_scores
    return 1 + int(max(labels.max(initial=-1), predicted.max(initial=-1)))
