"""What optimizers share: their state, and how a rule for one array updates a tree of them."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np

from funcnet.errors import TreeError
from funcnet.numerics.sums import wide_floating
from funcnet.schedules import Schedule, as_learning_rate, is_learning_rate, learning_rate_at
from funcnet.tree import (
    Array,
    Tree,
    as_array,
    as_dtype,
    as_patterns,
    build,
    flatten,
    matching,
    named_leaves,
    node,
    rows_like,
)
from funcnet.values import real, register, specification


def factor_field(default: float) -> Any:
    """A field for a number that is not negative."""
    return attrs.field(default=default, converter=real, validator=attrs.validators.ge(0))


@register
@node
class OptimizerState:
    """How many updates were made, and the optimizer's moments, each a tree like params."""

    step: int
    moments: tuple[Tree, ...]


@specification
class Optimizer:
    """What optimizers share. One is its rule for a single array, `step`, and the moments that this needs."""

    learning_rate: float | Schedule = attrs.field(converter=as_learning_rate, validator=is_learning_rate)
    frozen: tuple[str, ...] = attrs.field(default=(), converter=as_patterns, kw_only=True)

    @property
    def n_moments(self) -> int:
        """How many moments each param has."""
        raise NotImplementedError

    def moments(self, p: Array) -> tuple[Array, ...]:
        """The moments of a param before the first update: zeros unless the optimizer says otherwise."""
        return tuple(np.zeros_like(p) for _ in range(self.n_moments))

    def step(self, t: int, rate: float, p: Array, g: Array, *moments: Array) -> tuple[Array, ...]:
        """The new param and moments, from gradient g at update t = 1, 2, ... and its learning rate."""
        raise NotImplementedError

    def init(self, params: Tree) -> OptimizerState:
        """The state before the first update. Raises ValueError if a pattern of `frozen` matches no path."""
        for pattern in self.frozen:
            if not any(matching(params, (pattern,))):
                raise ValueError(f"no path matches frozen={pattern!r}; there are {', '.join(named_leaves(params))}")
        leaves, structure = flatten(params)
        rows = [self.moments(p) for p in leaves]
        return OptimizerState(0, tuple(structure.fill([row[i] for row in rows]) for i in range(self.n_moments)))

    def update(self, params: Tree, grads: Tree, state: OptimizerState) -> tuple[Tree, OptimizerState]:
        """New params and state. Raises TreeError if grads or state are not those of such params."""
        if not isinstance(state, OptimizerState):
            raise TypeError(f"expected the OptimizerState that init makes, got {state!r}")
        if len(state.moments) != self.n_moments:
            raise TreeError(f"expected a state of {self!r} with {self.n_moments} moments, got {len(state.moments)}")
        rate = learning_rate_at(self.learning_rate, state.step)
        others = [("grads", grads), *(("optimizer state", moment) for moment in state.moments)]
        rows, structure = rows_like(params, others)
        is_frozen = matching(params, self.frozen) if self.frozen else [False] * len(rows)
        stepped = [
            _kept(p, *moments) if kept else self._stepped(state.step + 1, rate, p, g, *moments)
            for kept, (p, g, *moments) in zip(is_frozen, rows, strict=True)
        ]
        new, *moments = (structure.fill([row[i] for row in stepped]) for i in range(1 + self.n_moments))
        return new, build(OptimizerState, state.step + 1, tuple(moments))

    def _stepped(self, t: int, rate: float, p: Array, *rest: Array) -> tuple[Array, ...]:
        dtype = wide_floating(p.dtype)  # p's, unless that is float16, in which eps would be 0
        arrays = [as_array(array, dtype) for array in (p, *rest)]
        return tuple(as_dtype(new, p.dtype) for new in self.step(t, rate, *arrays))


def _kept(*arrays: Array) -> tuple[Array, ...]:
    return tuple(array.copy() for array in arrays)  # the caller may be able to write to the params it gave


def decayed(g: Array, p: Array, weight_decay: float) -> Array:
    """g + weight_decay * p."""
    return g + weight_decay * p if weight_decay else g
