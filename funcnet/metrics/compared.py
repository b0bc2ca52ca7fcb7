"""What metrics compare: labels with predicted classes or scores, numbers with numbers. Nothing is broadcast."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from funcnet.errors import DTypeError, ShapeError
from funcnet.numerics.labels import checked_classes
from funcnet.numerics.targets import are_one_hot, check_same_shape, first_index
from funcnet.tree import Array, as_array, to_array


def compared_labels(targets: ArrayLike, predictions: ArrayLike) -> tuple[Array, Array, int | None]:
    """Labels and predicted labels, integers of one shape, and the number of classes where rows show it, else None."""
    labels, predictions, n = labels_and_scores(targets, predictions)
    predicted = predictions if predictions.ndim == labels.ndim else np.argmax(predictions, axis=-1)
    return labels, predicted, n


def labels_and_scores(targets: ArrayLike, predictions: ArrayLike) -> tuple[Array, Array, int | None]:
    """Labels as integers (...), predictions as integers (...) or scores (..., n), and n where rows show it.

    Raises DTypeError or ShapeError for other targets and predictions, and ValueError for NaN, for labels outside the
    classes, and for one-hot rows of integers on both sides, which may also be labels at several places.
    """
    labels, predictions = to_array(targets), to_array(predictions)
    n = None
    if _are_rows(labels, predictions):
        labels, n = np.argmax(labels, axis=-1), labels.shape[-1]
    has_scores = predictions.ndim == labels.ndim + 1
    _check_comparable(labels, predictions, has_scores)
    if not has_scores:
        return labels.astype(np.int64), predictions.astype(np.int64), n
    check_no_nan("scores", predictions)
    return checked_classes("label", labels, predictions.shape[-1]), predictions, predictions.shape[-1]


def _are_rows(targets: Array, predictions: Array) -> bool:
    """Whether targets are one-hot rows (..., n): then predictions are labels (...), or floats (..., n)."""
    if targets.ndim < 2 or targets.shape[-1] < 2 or not _is_of("biuf", targets):
        return False
    is_same = targets.shape == predictions.shape
    if not targets.size or not (is_same or targets.shape[:-1] == predictions.shape) or not are_one_hot(targets).all():
        return False
    if is_same and predictions.dtype.kind in "biu" and targets.dtype.kind in "biu":
        raise ValueError(
            "targets are one-hot rows of integers, and predictions integers of the same shape: write "
            "targets.argmax(-1) and predictions.argmax(-1) to compare rows, or .ravel() of both to compare every number"
        )
    return True


def _check_comparable(labels: Array, predictions: Array, has_scores: bool) -> None:
    got = (
        "labels come first: expected integer labels (...), then integer predictions (...) or scores (..., n), "
        f"got {labels.dtype} of shape {labels.shape} and {predictions.dtype} of shape {predictions.shape}"
    )
    if not _is_of("biu", labels):
        raise DTypeError(got)
    if labels.shape != (predictions.shape[:-1] if has_scores else predictions.shape):
        is_column = labels.shape == (*predictions.shape[:-1], 1) and predictions.ndim > 1
        raise ShapeError(f"{got}: write labels[{':, ' * (labels.ndim - 1)}0]" if is_column else got)
    if not _is_of("biuf" if has_scores else "biu", predictions):
        is_binary = predictions.dtype.kind == "f"
        raise DTypeError(f"{got}; for one score for each label use binary_accuracy" if is_binary else got)


def _is_of(kinds: str, array: Array) -> bool:
    """Whether the dtype has one of these kinds, or the array is empty: NumPy makes an empty list an array of floats."""
    return array.dtype.kind in kinds or array.size == 0


def compared_numbers(targets: ArrayLike, predictions: ArrayLike) -> tuple[Array, Array]:
    """Targets and predictions in float64, of one shape and without NaN, and finite targets; there is at least one."""
    targets, predictions = (reals(array).astype(np.float64) for array in (targets, predictions))
    check_same_shape(predictions, targets)
    check_some(targets.size)
    check_no_nan("targets", targets)
    check_no_nan("predictions", predictions)
    if (index := first_index(np.isinf(targets))) is not None:
        raise ValueError(f"targets must be finite: there is an infinite one at index {index}")
    return targets, predictions


def compared_bits(targets: ArrayLike, scores: ArrayLike) -> tuple[Array, Array]:
    """Targets as bools and scores as numbers, of one shape and without NaN; there is at least one."""
    targets, scores = to_array(targets), reals(scores)
    if targets.shape != scores.shape:
        remedy = ": write scores[..., 0]" if scores.shape == (*targets.shape, 1) else ""
        raise ShapeError(f"scores must have the shape {targets.shape} of the targets, got {scores.shape}{remedy}")
    check_some(targets.size)
    if (index := first_index(~np.isin(targets, (0, 1)))) is not None:
        raise ValueError(f"targets must be 0 or 1, got {targets[index]} at index {index}")
    check_no_nan("scores", scores)
    return targets == 1, scores


def reals(numbers: ArrayLike) -> Array:
    """`numbers` as an array; raises DTypeError unless they are real."""
    array = as_array(numbers)
    if array.dtype.kind not in "biuf":
        raise DTypeError(f"expected real numbers, got {array.dtype}")
    return array


def check_some(examples: int) -> None:
    """Raise ValueError unless there is an example."""
    if examples == 0:
        raise ValueError("expected at least one example, got none")


def check_no_nan(name: str, numbers: Array) -> None:
    """Raise ValueError, which names the first index, if there is a NaN among the numbers."""
    index = first_index(np.isnan(numbers)) if numbers.dtype.kind == "f" else None
    if index is not None:
        raise ValueError(f"{name} must not be NaN: there is one at index {index}")
