"""What is added to a loss to keep params small."""

from __future__ import annotations

from itertools import compress
from typing import Any, Protocol

import attrs
import numpy as np

from funcnet.tree import Tree, as_dtype, as_patterns, flatten, matching
from funcnet.values import real, register, specification


class Penalty(Protocol):
    """`forward(params) -> (value, cache)` and `backward(cache) -> grads`, a tree like params."""

    def forward(self, params: Tree) -> tuple[Any, Any]:
        """The penalty, a scalar, and what `backward` needs."""

    def backward(self, cache: Any) -> Tree:
        """Its gradient with respect to params."""


@register
@specification
class L2:
    """strength / 2 * the sum of squares of all params but those whose path matches `exclude`: biases, by default.

    grads = strength * params, and 0 for the excluded. The patterns are those of `fnmatch`, for paths as
    `tree.named_leaves` gives them. Raises ValueError for a negative strength.
    Krogh, Hertz: A simple weight decay can improve generalization, NIPS 1991.

    >>> import funcnet as fn
    >>> params = fn.LinearParams(weight=np.array([[1.0, 2.0]]), bias=np.array([3.0, 4.0]))
    >>> value, cache = L2(0.1).forward(params)
    >>> float(value), L2(0.1).backward(cache)
    (0.25, LinearParams(weight=array([[0.1, 0.2]]), bias=array([0., 0.])))
    """

    strength: float = attrs.field(converter=real, validator=attrs.validators.ge(0))
    exclude: tuple[str, ...] = attrs.field(default=("bias", "*.bias"), converter=as_patterns)

    def forward(self, params: Tree) -> tuple[Any, Any]:
        leaves, structure = flatten(params)
        penalized = [not excluded for excluded in matching(params, self.exclude)]
        wide = (p.astype(np.promote_types(p.dtype, np.float64)) for p in compress(leaves, penalized))
        value = self.strength / 2 * sum((np.square(p).sum() for p in wide), np.float64(0))
        return value, (leaves, structure, penalized)

    def backward(self, cache: Any) -> Tree:
        leaves, structure, penalized = cache
        rows = zip(leaves, penalized, strict=True)
        grads = (as_dtype(self.strength * p, p.dtype) if counts else np.zeros_like(p) for p, counts in rows)
        return structure.fill(grads)
