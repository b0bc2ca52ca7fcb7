"""Penalties, which are added to a loss to keep params small."""

from __future__ import annotations

from itertools import compress
from typing import Any, Protocol

import attrs
import numpy as np

from funcnet.numerics.underflow import past_underflow
from funcnet.tree import Tree, as_dtype, as_patterns, flatten, matching
from funcnet.values import real, register, specification


class Penalty(Protocol):
    """Protocol of penalties: `forward(params) -> (value, cache)` and `backward(cache) -> grads`, a tree like params."""

    def forward(self, params: Tree) -> tuple[Any, Any]:
        """The penalty, a scalar, and a cache for `backward`."""

    def backward(self, cache: Any) -> Tree:
        """The gradient of the penalty with respect to params."""


@register
@specification
class L2:
    """Weight decay: a penalty on the squares of all params except those that `exclude` names, biases by default.

    value = strength / 2 * sum(params**2); grads = strength * params. Excluded params count as 0 in both.

    Parameters
    ----------
    strength : float
        Factor of the penalty; at least 0.
    exclude : str or tuple of str, default ("bias", "*.bias")
        Patterns, as `fnmatch` has them, of the paths to leave out; paths are written as `tree.named_leaves` gives them.

    Raises
    ------
    TypeError
        If `strength` is not a number, or a pattern is not a string.
    ValueError
        If `strength` is negative or NaN.

    References
    ----------
    A. Krogh, J. A. Hertz: A simple weight decay can improve generalization. NIPS 1991.

    Examples
    --------
    >>> import funcnet as fn
    >>> params = fn.LinearParams(weight=np.array([[1.0, 2.0]]), bias=np.array([3.0, 4.0]))
    >>> value, cache = L2(0.1).forward(params)
    >>> float(value), L2(0.1).backward(cache)
    (0.25, LinearParams(weight=array([[0.1, 0.2]]), bias=array([0., 0.])))
    """

    strength: float = attrs.field(converter=real, validator=attrs.validators.ge(0))
    exclude: tuple[str, ...] = attrs.field(default=("bias", "*.bias"), converter=as_patterns)

    @past_underflow
    def forward(self, params: Tree) -> tuple[Any, Any]:
        leaves, structure = flatten(params)
        penalized = [not excluded for excluded in matching(params, self.exclude)]
        wide = (p.astype(np.promote_types(p.dtype, np.float64)) for p in compress(leaves, penalized))
        value = self.strength / 2 * sum((np.square(p).sum() for p in wide), np.float64(0))
        return value, (leaves, structure, penalized)

    @past_underflow
    def backward(self, cache: Any) -> Tree:
        leaves, structure, penalized = cache
        rows = zip(leaves, penalized, strict=True)
        grads = (as_dtype(self.strength * p, p.dtype) if counts else np.zeros_like(p) for p, counts in rows)
        return structure.fill(grads)
