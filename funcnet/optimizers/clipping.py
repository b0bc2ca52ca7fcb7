"""Gradients that are not to be too large."""

from __future__ import annotations

from funcnet import tree
from funcnet.tree import Tree, as_dtype
from funcnet.values import real


def clip_by_global_norm(grads: Tree, limit: float) -> Tree:
    """grads, scaled down so that `tree.norm` of them is at most `limit`.

    Raises ValueError for a limit that is negative or NaN. Pascanu, Mikolov, Bengio: On the difficulty of training
    recurrent neural networks, ICML 2013, algorithm 1.

    >>> import numpy as np
    >>> clip_by_global_norm((np.array([3.0, 4.0]),), 1.0)
    (array([0.6, 0.8]),)
    """
    limit = real(limit)
    if not limit >= 0:
        raise ValueError(f"expected a limit >= 0, got {limit}")
    norm = tree.norm(grads)
    return tree.map(lambda g: as_dtype(g * (limit / norm), g.dtype), grads) if norm > limit else grads
