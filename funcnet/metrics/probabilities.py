"""Measures of how good probabilities are, and how well scores separate two classes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from funcnet.errors import DTypeError, ShapeError
from funcnet.metrics.compared import check_no_nan, check_some, compared_bits, labels_and_scores, reals
from funcnet.numerics.targets import ROUNDING, are_one_hot, first_index
from funcnet.tree import Array, to_array
from funcnet.values import register

_SLACK = 1e-3  # by which the sum of a row of probabilities may differ from 1, which rounding may make


@register(name="metrics.log_loss")
def log_loss(labels: ArrayLike, probabilities: ArrayLike) -> float:
    """The mean of -log(p) of the labels, for probabilities p; for logits it is the value of `SoftmaxCrossEntropy`.

    Parameters
    ----------
    labels : array_like (...) or (..., n)
        Integer labels, or one-hot rows; 0 or 1 for probabilities of the shape of the labels.
    probabilities : array_like (..., n) or (...)
        Probabilities of n classes, whose rows sum to 1, or those of the class 1.

    Returns
    -------
    float
        At least 0.

    Raises
    ------
    ValueError
        If there are no examples, a label is outside 0..n-1, a number is not in [0, 1], or a row does not sum to 1.
    ShapeError
        If the shapes of labels and probabilities do not match.
    DTypeError
        If labels are not integers, or probabilities are not real.

    Notes
    -----
    A probability below the smallest normal number of its dtype counts as that number, so the loss is not infinite.

    Examples
    --------
    >>> round(log_loss([0, 1], [[0.5, 0.5], [0.25, 0.75]]), 6)
    0.490415
    >>> round(log_loss([0, 1], [0.5, 0.75]), 6)
    0.490415
    """
    of_label, dtype = _of_labels(to_array(labels), reals(probabilities))
    check_some(of_label.size)
    least = np.finfo(dtype if dtype.kind == "f" else np.float64).tiny
    return float(0 - np.mean(np.log(np.maximum(of_label, least))))


def _of_labels(targets: Array, p: Array) -> tuple[Array, np.dtype[Any]]:
    """The probability of each label in float64, and the dtype that it had."""
    p = _not_logits(p)
    is_row = targets.ndim > 1 and targets.shape[-1] > 1 and bool(are_one_hot(targets).all())
    if targets.shape == p.shape and not is_row:
        bits, p = compared_bits(targets, p)
        return np.where(bits, p.astype(np.float64), 1 - p.astype(np.float64)), p.dtype
    labels, p, _ = labels_and_scores(targets, p)
    if p.ndim == labels.ndim:
        raise DTypeError(f"expected probabilities of shape (..., n), got predicted classes of shape {p.shape}")
    sums = p.sum(axis=-1, dtype=np.float64)
    if (index := first_index(np.abs(sums - 1) > _SLACK)) is not None:
        raise ValueError(f"rows of probabilities must sum to 1, got the sum {sums[index]:.6g} at index {index}")
    return np.take_along_axis(p, labels[..., None], axis=-1).astype(np.float64), p.dtype


def _not_logits(p: Array) -> Array:
    """Probabilities, without what rounding adds beyond 0 and 1; ValueError for any other number outside [0, 1]."""
    check_no_nan("probabilities", p)
    if (index := first_index((p < -ROUNDING) | (p > 1 + ROUNDING))) is not None:
        raise ValueError(
            f"log_loss takes probabilities, got {p[index]} at index {index}; the log loss of logits is the value of "
            "SoftmaxCrossEntropy or SigmoidBinaryCrossEntropy"
        )
    return p.clip(0, 1) if p.dtype.kind == "f" else p


@register(name="metrics.roc_auc")
def roc_auc(targets: ArrayLike, scores: ArrayLike) -> float:
    """The area under the ROC curve: the probability that a 1 has a higher score than a 0; equal scores count half.

    (sum of the ranks of the ones - m * (m + 1) / 2) / (m * n), for m ones and n zeros, where equal scores share the
    mean of their ranks. Only the order of the scores counts: logits and probabilities give the same.

    Parameters
    ----------
    targets : array_like (...)
        0 and 1, at least one of each.
    scores : array_like (...) or (..., 2)
        Scores of the class 1, or scores of both classes, whose difference is the score.

    Returns
    -------
    float
        From 0 to 1; 0.5 is what chance gives.

    Raises
    ------
    ValueError
        If all targets are equal, a target is neither 0 nor 1, targets are one-hot rows, a score is NaN, or there are no
        targets.
    ShapeError
        If the shapes of targets and scores do not match.
    DTypeError
        If scores are not real numbers.

    References
    ----------
    J. A. Hanley, B. J. McNeil: The meaning and use of the area under a receiver operating characteristic (ROC) curve.
    Radiology 143, 1982.

    Examples
    --------
    >>> roc_auc([0, 0, 1, 1], [0.1, 0.4, 0.4, 0.8])
    0.875
    """
    targets = to_array(targets)
    _check_not_rows(targets)
    bits, scores = compared_bits(targets, _scores_of_one(targets, reals(scores)))
    ones, zeros = int(bits.sum()), int((~bits).sum())
    if not ones or not zeros:
        raise ValueError(f"roc_auc compares ones with zeros, but all targets are {int(ones > 0)}")
    _, place, counts = np.unique(scores.ravel(), return_inverse=True, return_counts=True)
    ranks = np.cumsum(counts) - (counts - 1) / 2
    of_ones = ranks[place.reshape(bits.shape)][bits].sum()
    return float((of_ones - ones * (ones + 1) / 2) / (ones * zeros))


def _check_not_rows(targets: Array) -> None:
    """Raise ValueError for one-hot rows, whose classes do not share one ranking."""
    if targets.ndim > 1 and targets.size > targets.shape[-1] > 1 and are_one_hot(targets).all():
        raise ValueError(
            "targets are one-hot rows: for class k against the others write roc_auc(targets[..., k], scores[..., k])"
        )


def _scores_of_one(targets: Array, scores: Array) -> Array:
    """The scores of the class 1, in the place of the scores of both classes."""
    check_no_nan("scores", scores)
    if scores.shape == (*targets.shape, 2) and scores.dtype.kind != "b":
        return scores[..., 1].astype(np.float64) - scores[..., 0]
    if scores.ndim == targets.ndim + 1 and scores.shape[-1] > 2:
        raise ShapeError(
            f"roc_auc compares two classes, got scores of {scores.shape[-1]}: for class k against the others write "
            "roc_auc(targets == k, scores[..., k])"
        )
    return scores
