"""Measures of how far predicted numbers are from the true ones, computed in float64."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from funcnet.metrics.compared import compared_numbers
from funcnet.tree import Array
from funcnet.values import register


@register(name="metrics.r2")
def r2(targets: ArrayLike, predictions: ArrayLike) -> float:
    """The coefficient of determination: the share of the variance of the targets that the predictions explain.

    1 - sum((targets - predictions)**2) / sum((targets - mean)**2), for targets (m,), and the mean over the columns for
    targets (..., n). 1 is perfect; 0 is as good as the mean of the targets, and less is worse.

    Parameters
    ----------
    targets : array_like (m,) or (..., n)
        True numbers.
    predictions : array_like (m,) or (..., n)
        Predicted numbers.

    Returns
    -------
    float
        At most 1.

    Raises
    ------
    ValueError
        If there are no examples, a number is NaN, a target is infinite, or all targets of a column are equal, so that
        their variance is 0.
    ShapeError
        If targets and predictions differ in shape.
    DTypeError
        If they are not real numbers.

    Examples
    --------
    >>> r2([1.0, 2.0, 3.0], [1.0, 2.0, 4.0])
    0.5
    """
    targets, predictions = compared_numbers(targets, predictions)
    columns = targets.shape[-1] if targets.ndim > 1 else 1
    targets, predictions = targets.reshape(-1, columns), predictions.reshape(-1, columns)
    if (constant := np.flatnonzero(targets.max(axis=0) == targets.min(axis=0))).size:
        place = f" in column {constant[0]}" if columns > 1 else ""
        raise ValueError(f"r2 needs targets that differ: all are {targets[0, constant[0]]}{place}")
    with np.errstate(under="ignore"):
        targets, predictions, _ = _scaled(targets, predictions)
        squares = np.square(targets - predictions).sum(axis=0)
        variances = np.square(targets - targets.mean(axis=0)).sum(axis=0)
        return float(np.mean(1 - squares / variances))


@register(name="metrics.mae")
def mae(targets: ArrayLike, predictions: ArrayLike) -> float:
    """The mean absolute error, mean(abs(targets - predictions)).

    Parameters
    ----------
    targets : array_like (...)
        True numbers.
    predictions : array_like (...)
        Predicted numbers.

    Returns
    -------
    float
        At least 0.

    Raises
    ------
    ValueError
        If there are no examples, a number is NaN, or a target is infinite.
    ShapeError
        If targets and predictions differ in shape.
    DTypeError
        If they are not real numbers.

    Examples
    --------
    >>> mae([1.0, 2.0, 3.0], [1.0, 2.0, 6.0])
    1.0
    """
    targets, predictions = compared_numbers(targets, predictions)
    return float(np.mean(np.abs(targets - predictions)))


@register(name="metrics.rmse")
def rmse(targets: ArrayLike, predictions: ArrayLike) -> float:
    """The root of the mean squared error, sqrt(mean((targets - predictions)**2)).

    Parameters
    ----------
    targets : array_like (...)
        True numbers.
    predictions : array_like (...)
        Predicted numbers.

    Returns
    -------
    float
        At least 0.

    Raises
    ------
    ValueError
        If there are no examples, a number is NaN, or a target is infinite.
    ShapeError
        If targets and predictions differ in shape.
    DTypeError
        If they are not real numbers.

    Examples
    --------
    >>> rmse([1.0, 2.0], [1.0, 4.0]) == 2**0.5
    True
    """
    targets, predictions = compared_numbers(targets, predictions)
    with np.errstate(under="ignore"):
        targets, predictions, exponent = _scaled(targets.reshape(-1, 1), predictions.reshape(-1, 1))
        return float(np.ldexp(np.sqrt(np.mean(np.square(targets - predictions))), exponent[0]))


def _scaled(targets: Array, predictions: Array) -> tuple[Array, Array, Array]:
    """Columns over a power of two, which changes no digit, so that no square overflows or vanishes; its exponents."""
    _, exponent = np.frexp(np.maximum(np.abs(targets).max(axis=0), np.abs(predictions).max(axis=0)))
    return np.ldexp(targets, -exponent), np.ldexp(predictions, -exponent), exponent
