"""Checks of probabilities: each in [0, 1]; rows of integers one-hot."""

from __future__ import annotations

import numpy as np

from funcnet.tree import Array


def check_probabilities(name: str, p: Array) -> None:
    """Raise ValueError, which names the first number outside [0, 1] and its index, unless all of p are probabilities.

    >>> check_probabilities("targets", np.array([0.0, 0.5, 1.0]))
    """
    if not p.size or (type(p) is np.ndarray and np.minimum.reduce(p, None) >= 0 and np.maximum.reduce(p, None) <= 1):
        return
    outside = np.argwhere(~((p >= 0) & (p <= 1)))
    if len(outside):
        index = tuple(map(int, outside[0]))
        raise ValueError(f"expected {name} in [0, 1], got {p[index]} at index {index}")


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
    wrong = np.argwhere(~are_one_hot(rows))
    if len(wrong):
        index = tuple(map(int, wrong[0]))
        place = f" at index {index}" if index else ""
        raise ValueError(
            f"integer {name} must be one-hot rows of 0 and 1, got {rows[index].tolist()}{place}: "
            f"write labels of shape {rows.shape[:-1]}, or probabilities as floats"
        )
