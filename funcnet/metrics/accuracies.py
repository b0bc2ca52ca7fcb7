"""Shares of right predictions."""

from __future__ import annotations

import attrs
import numpy as np
from numpy.typing import ArrayLike

from funcnet.errors import DTypeError
from funcnet.metrics.compared import check_some, compared_bits, compared_labels, labels_and_scores
from funcnet.values import at_least, real, register, specification


@register(name="metrics.accuracy")
def accuracy(labels: ArrayLike, predictions: ArrayLike) -> float:
    """The share of examples whose prediction is the label.

    Parameters
    ----------
    labels : array_like (...) or (..., n)
        Integer labels, or one-hot rows.
    predictions : array_like (...) or (..., n)
        Integer predictions, or scores of n classes.

    Returns
    -------
    float
        Share from 0 to 1.

    Raises
    ------
    ValueError
        If there are no examples, a label is outside 0..n-1 for scores of n classes, a score is NaN, or labels and
        predictions are integers of one shape where the labels may also be one-hot rows.
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
    labels, predicted, _ = compared_labels(labels, predictions)
    check_some(labels.size)
    return float(np.mean(labels == predicted))


@register(name="metrics.binary_accuracy")
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
        If there are no targets, a target is neither 0 nor 1, or a score is NaN.
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
        targets, scores = compared_bits(targets, scores)
        return float(np.mean((scores > self.threshold) == targets))


@register(name="metrics.top_k_accuracy")
@specification
class top_k_accuracy:  # noqa: N801
    """The share of examples whose label is among the k classes with the highest scores.

    It is called with labels (...) and scores (..., n). Of equal scores the first ones count as higher, so that k = 1 is
    `accuracy`. In a history it goes by its k, as "top_5_accuracy".

    Parameters
    ----------
    k : int, default 5
        Number of classes; at least 1.

    Raises
    ------
    TypeError
        If k is not an integer.
    ValueError
        If there are no examples, k is below 1 or more than n, a label is outside 0..n-1, or a score is NaN.
    ShapeError
        If the shapes of labels and scores do not match.
    DTypeError
        If labels are not integers, or scores are not real.

    Examples
    --------
    >>> top_k_accuracy(2)([0, 1, 2], [[3.0, 2.0, 1.0], [3.0, 2.0, 1.0], [3.0, 2.0, 1.0]]) == 2 / 3
    True
    """

    k: int = attrs.field(default=5, converter=at_least(1, "k"))

    @property
    def __name__(self) -> str:
        """The name of the column in a history."""
        return f"top_{self.k}_accuracy"

    def __call__(self, labels: ArrayLike, scores: ArrayLike) -> float:
        labels, scores, n = labels_and_scores(labels, scores)
        if scores.ndim == labels.ndim or n is None:
            raise DTypeError(f"expected scores of shape (..., n), got predicted classes of shape {scores.shape}")
        check_some(labels.size)
        if self.k > n:
            raise ValueError(f"k = {self.k} is more than the {n} classes")
        of_label = np.take_along_axis(scores, labels[..., None], axis=-1)
        is_before = np.arange(n) < labels[..., None]
        higher = (scores > of_label) | ((scores == of_label) & is_before)
        return float(np.mean(higher.sum(axis=-1) < self.k))
