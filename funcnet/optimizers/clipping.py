"""Gradient clipping."""

from __future__ import annotations

from funcnet import tree
from funcnet.numerics.underflow import past_underflow
from funcnet.tree import Tree, as_dtype
from funcnet.values import real


def clip_by_global_norm(grads: Tree, limit: float) -> Tree:
    """Gradients scaled down so that their `tree.norm` is at most `limit`; unchanged if the norm is within the limit.

    Parameters
    ----------
    grads : Tree
        Gradients.
    limit : float
        The largest norm to allow; at least 0.

    Returns
    -------
    Tree
        Gradients of the same structure, shapes and dtypes; `grads` itself where nothing is to be scaled.

    Raises
    ------
    TypeError
        If the limit is not a number.
    ValueError
        If the limit is negative or NaN.

    References
    ----------
    R. Pascanu, T. Mikolov, Y. Bengio: On the difficulty of training recurrent neural networks. ICML 2013, algorithm 1.

    Examples
    --------
    >>> import numpy as np
    >>> clip_by_global_norm((np.array([3.0, 4.0]),), 1.0)
    (array([0.6, 0.8]),)
    """
    limit = real(limit)
    if not limit >= 0:
        raise ValueError(f"limit must not be negative or NaN, got {limit}")
    norm = tree.norm(grads)
    return _scaled(grads, limit / norm) if norm > limit else grads


@past_underflow
def _scaled(grads: Tree, factor: float) -> Tree:
    return tree.map(lambda g: as_dtype(g * factor, g.dtype), grads)
