"""Checks of targets: probabilities, one-hot rows, and shapes."""

from __future__ import annotations

import numpy as np

from funcnet.errors import ShapeError
from funcnet.tree import Array

_SLACK = 2e-3  # by which the sum of a softmax may differ from 1 after rounding
ROUNDING = 1e-6  # by which rounded numbers may leave [0, 1], as the sum of ten 0.1 in float32 does


def first_index(places: Array) -> tuple[int, ...] | None:
    """The index of the first True in an array of bools; None if all are False.

    >>> first_index(np.array([[False, False], [True, True]])), first_index(np.array(True)), first_index(np.array(False))
    ((1, 0), (), None)
    """
    return tuple(map(int, np.argwhere(places)[0])) if places.any() else None


def check_probabilities(name: str, p: Array) -> None:
    """Raise ValueError, which names the first number outside [0, 1] and its index, unless all of p are probabilities.

    >>> check_probabilities("targets", np.array([0.0, 0.5, 1.0]))
    """
    if _are_within(0.0, p):
        return
    index = first_index(~((p >= 0) & (p <= 1)))
    if index is not None:
        raise ValueError(f"expected {name} in [0, 1], got {p[index]} at index {index}")


def _are_within(slack: float, p: Array) -> bool:
    if not p.size:
        return True
    return type(p) is np.ndarray and bool(
        np.minimum.reduce(p, None) >= -slack and np.maximum.reduce(p, None) <= 1 + slack
    )


def probabilities(name: str, p: Array) -> Array:
    """`p`, where numbers that only rounding has moved out of [0, 1] are 0 or 1; raises as `check_probabilities` does.

    >>> probabilities("targets", np.array([-1e-17, 0.5, 1.0000001]))
    array([0. , 0.5, 1. ])
    """
    if _are_within(0.0, p):
        return p
    if _are_within(ROUNDING, p):
        return np.clip(p, 0, 1)
    check_probabilities(name, p)
    return p


def are_one_hot(rows: Array) -> Array:
    """Whether each row (..., n) is 1 in one place and 0 elsewhere, as (...).

    >>> are_one_hot(np.array([[0, 1], [1, 1], [0, 2]]))
    array([ True, False, False])
    """
    ones = rows == 1
    result: Array = (ones | (rows == 0)).all(axis=-1) & (ones.sum(axis=-1) == 1)
    return result


def check_one_hot(name: str, rows: Array) -> None:
    """Raise ValueError, which names the first wrong row, unless each row of integers (..., n) is one-hot.

    >>> check_one_hot("targets", np.array([[0, 1], [1, 0]]))
    """
    index = first_index(~are_one_hot(rows))
    if index is not None:
        place = f" at index {index}" if index else ""
        raise ValueError(
            f"integer {name} must be one-hot rows of 0 and 1, got {rows[index].tolist()}{place}: "
            f"write labels of shape {rows.shape[:-1]}, or probabilities as floats"
        )


def are_softmaxed(y: Array) -> bool:
    """Whether each row is one of probabilities, as a softmax makes it: two numbers tell logits from them most often.

    >>> are_softmaxed(np.array([[0.25, 0.75], [0.5, 0.5]])), are_softmaxed(np.array([[0.25, 0.75], [0.5, 0.6]]))
    (True, False)
    """
    if type(y) is not np.ndarray or y.dtype.kind != "f" or not y.size:
        return False
    if not (0 <= y.item(0) <= 1 and 0 <= y.item(y.shape[-1] - 1) <= 1):
        return False
    row = y[(0,) * (y.ndim - 1)].tolist()
    if min(row) < 0 or abs(sum(row) - 1) > _SLACK:
        return False
    sums = y.sum(axis=-1, dtype=np.float64)
    is_by_hand = ((y == 0) | (y == 1)).all() or (y == y.item(0)).all()
    return bool((y >= 0).all() and (np.abs(sums - 1) <= _SLACK).all() and not is_by_hand)


def check_same_shape(y: Array, target: Array) -> None:
    """Raise ShapeError, which says what to write, unless predictions and targets have the same shape.

    >>> check_same_shape(np.zeros((2, 1)), np.zeros((2, 1)))
    """
    if y.shape != target.shape:
        raise ShapeError(
            "y, the prediction of the model, and target must have the same shape, "
            f"got y of shape {y.shape} and target of shape {target.shape}{_remedy(y, target)}"
        )


def _remedy(y: Array, target: Array) -> str:
    """What to write for a column in place of a row, and for labels in place of a number for each class."""
    if y.shape == (*target.shape, 1) and target.ndim:
        return f": write target[{':, ' * target.ndim}None]"
    if target.shape == (*y.shape, 1) and y.ndim:
        return f": write target[{':, ' * y.ndim}0]"
    if y.shape[:-1] == target.shape and target.ndim and target.dtype.kind in "iu":
        return ": for labels use SoftmaxCrossEntropy, or write one-hot rows, np.eye(n)[target]"
    if y.shape[1:] == target.shape[1:] and y.ndim == target.ndim > 0:
        return ": they have different numbers of examples"
    return ""
