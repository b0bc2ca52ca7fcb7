"""Synthetic problems, which show what a single layer can separate and what it cannot."""

from __future__ import annotations

import numpy as np

from funcnet.data.dataset import Dataset
from funcnet.random import Key, checked_key
from funcnet.tree import Array, build
from funcnet.values import integer


def xor(points: int = 4) -> Dataset:
    """Exclusive or, which no single layer separates: x (points, 2) float32, y (points,) int64, 0 or 1.

    4 points are the truth table. 21 points are the diagonals of the unit square in steps of 0.1, the rising one
    labelled 0 and the falling one 1; the centre, which is on both, occurs once and is labelled 0.

    Parameters
    ----------
    points : {4, 21}, default 4
        Number of points.

    Returns
    -------
    Dataset
        The points.

    Raises
    ------
    ValueError
        If points is neither 4 nor 21.

    References
    ----------
    M. Minsky, S. Papert: Perceptrons, 1969.

    Examples
    --------
    >>> from funcnet.data import xor
    >>> xor()
    Dataset(x=array([[0., 0.],
           [0., 1.],
           [1., 0.],
           [1., 1.]], dtype=float32), y=array([0, 1, 1, 0]))
    """
    if points == 4:
        return _labelled([(0, 0), (0, 1), (1, 0), (1, 1)], [0, 1, 1, 0])
    if points != 21:
        raise ValueError(f"points must be 4 (the truth table) or 21 (the diagonals of a square), got {points!r}")
    # The centre's second visit, on the falling diagonal, is left out.
    rows = [(i, j, label) for i in range(11) for label, j in enumerate((i, 10 - i)) if (i, label) != (5, 1)]
    return _labelled([(i / 10, j / 10) for i, j, _ in rows], [label for *_, label in rows])


def linearly_separable(n: int, key: Key) -> Dataset:
    """`n` points uniform in the unit square: x (n, 2) float32, y (n,) int64, 1 where x0 > x1 and 0 elsewhere.

    Parameters
    ----------
    n : int
        Number of points.
    key : Key
        Key of the points.

    Returns
    -------
    Dataset
        The points.

    Raises
    ------
    TypeError
        If n is not an integer.
    ValueError
        If n is negative.

    References
    ----------
    F. Rosenblatt: The perceptron: a probabilistic model for information storage and organization in the brain.
    Psychological Review 65, 1958.

    Examples
    --------
    >>> import funcnet as fn
    >>> dataset = fn.data.linearly_separable(100, fn.Key(0))
    >>> dataset.x.shape, bool(np.all(dataset.y == (dataset.x[:, 0] > dataset.x[:, 1])))
    ((100, 2), True)
    """
    # Drawn in float64 and cast, as initializers do; the labels are computed from the points after the cast.
    x = checked_key(key).generator().random((integer(n, "n", 0), 2)).astype(np.float32)
    return _labelled(x, x[:, 0] > x[:, 1])


def parity(bits: int) -> Dataset:
    """All numbers of `bits` binary digits, in order, labelled 0 if even and 1 if odd.

    x (2**bits, bits) float32, the most significant digit first, and y (2**bits,) int64; y is the last digit.

    Parameters
    ----------
    bits : int
        Number of binary digits, from 1 to 20.

    Returns
    -------
    Dataset
        The 2**bits numbers.

    Raises
    ------
    TypeError
        If bits is not an integer.
    ValueError
        If bits is not from 1 to 20.

    References
    ----------
    R. L. Graham, D. E. Knuth, O. Patashnik: Concrete Mathematics. 2nd edition, 1994.

    Examples
    --------
    >>> from funcnet.data import parity
    >>> parity(2)
    Dataset(x=array([[0., 0.],
           [0., 1.],
           [1., 0.],
           [1., 1.]], dtype=float32), y=array([0, 1, 0, 1]))
    """
    numbers = np.arange(2 ** integer(bits, "bits", 1, 20), dtype=np.int32)
    places = np.arange(bits, dtype=np.int32)[::-1]
    return _labelled((numbers[:, None] >> places) & 1, numbers % 2)


def _labelled(x: Array | list[tuple[float, float]], y: Array | list[int]) -> Dataset:
    return build(Dataset, np.array(x, np.float32), np.array(y, np.int64))
