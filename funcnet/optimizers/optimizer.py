"""The parts that optimizers share: their state, and the update of a tree by a rule for one array."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np

from funcnet.errors import TreeError, shown
from funcnet.numerics.elementwise import without_subnormals
from funcnet.numerics.sums import wide_floating
from funcnet.numerics.underflow import ignoring_underflow
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
    static,
    to_array,
)
from funcnet.values import integer, real, register, specification

# Every so many updates, numbers below the smallest normal one become 0. Where a unit is dead, moments decay until they
# stall there, and so do params under weight decay; a step then takes up to 8 times as long.
_SETTLES = 256


def factor_field(default: float) -> Any:
    """The field of an optimizer for a number that is neither negative nor NaN."""
    return attrs.field(default=default, converter=real, validator=attrs.validators.ge(0))


@register
@node
class OptimizerState:
    """The state of an optimizer: the number of updates so far, and the moments, each a tree like params.

    Parameters
    ----------
    step : int
        Number of updates made so far.
    moments : tuple of Tree
        Running statistics of the gradients, such as Adam's m and v; () if the optimizer has none.
    kind : str, default ""
        The `kind` of the optimizer that made the state; "" in states from before funcnet kept it, which any may use.

    Raises
    ------
    TypeError
        If step is not an integer.
    ValueError
        If step is negative.

    Examples
    --------
    >>> import funcnet as fn
    >>> fn.SGD(0.1, momentum=0.9).init((np.array([1.0, 2.0]),))
    OptimizerState(step=0, moments=((array([0., 0.]),),), kind='SGD')
    """

    step: int = static()
    moments: tuple[Tree, ...]
    kind: str = static(default="")

    def __attrs_post_init__(self) -> None:
        integer(self.step, "step", 0)


@specification
class Optimizer:
    """Base class of optimizers, each of which defines `step`, its rule for one array, and `n_moments`.

    Parameters
    ----------
    learning_rate : float or callable
        Learning rate, or a schedule `step -> rate` of it; at least 0.
    frozen : str or tuple of str, default ()
        Patterns, as `fnmatch` has them, of the paths of leaves to leave unchanged.
    """

    learning_rate: float | Schedule = attrs.field(converter=as_learning_rate, validator=is_learning_rate)
    frozen: tuple[str, ...] = attrs.field(default=(), converter=as_patterns, kw_only=True)

    @property
    def n_moments(self) -> int:
        """The number of moments that `step` needs for each param."""
        raise NotImplementedError(f"{type(self).__name__} has no n_moments")

    @property
    def kind(self) -> str:
        """What the moments are: the name of the class, and of each option that gives them a different meaning."""
        return type(self).__name__

    def moments(self, p: Array) -> tuple[Array, ...]:
        """The moments of one array of the params before the first update; zeros by default.

        Parameters
        ----------
        p : ndarray (...)
            One array of the params.

        Returns
        -------
        tuple of ndarray (...)
            As many arrays as `n_moments` says, of the shape and dtype of p.
        """
        return tuple(np.zeros_like(p) for _ in range(self.n_moments))

    def step(self, t: int, rate: float, p: Array, g: Array, *moments: Array) -> tuple[Array, ...]:
        """One array of the params and its moments after update t.

        Parameters
        ----------
        t : int
            Number of the update, counted from 1.
        rate : float
            Learning rate of this update.
        p : ndarray (...)
            One array of the params.
        g : ndarray (...)
            Gradient with respect to p, in the dtype of p.
        *moments : ndarray (...)
            Moments of p, as many as `n_moments` says.

        Returns
        -------
        tuple of ndarray (...)
            The new p, followed by the new moments. Float16 is computed in float32, and rounded only afterwards.
        """
        raise NotImplementedError

    def init(self, params: Tree) -> OptimizerState:
        """The state before the first update.

        Parameters
        ----------
        params : Tree
            Params to be trained.

        Returns
        -------
        OptimizerState
            State with `step` 0 and fresh moments.

        Raises
        ------
        ValueError
            If a pattern of `frozen` matches no path.
        """
        for pattern in self.frozen:
            if not any(matching(params, (pattern,))):
                raise ValueError(
                    f"frozen={shown(pattern)} matches no path; the paths are {', '.join(named_leaves(params))}"
                )
        leaves, structure = flatten(params)
        rows = [self.moments(p) for p in leaves]
        moments = tuple(structure.fill([row[i] for row in rows]) for i in range(self._count()))
        return OptimizerState(0, moments, self.kind)

    def update(self, params: Tree, grads: Tree, state: OptimizerState) -> tuple[Tree, OptimizerState]:
        """New params and a new state from the gradients; nothing is changed in place.

        Parameters
        ----------
        params : Tree
            Params, of floating-point numbers.
        grads : Tree
            Gradient with respect to params, of the same structure and shapes.
        state : OptimizerState
            State that `init` or the last update returned.

        Returns
        -------
        params : Tree
            New params.
        state : OptimizerState
            State for the next update.

        Raises
        ------
        DTypeError
            If params are not floating-point numbers.
        TreeError
            If grads do not have the structure and shapes of params, or the state was made for different params or by a
            different optimizer.
        TypeError
            If the state is not an OptimizerState.
        ValueError
            If the schedule gives a learning rate that is negative or NaN.
        """
        if not isinstance(state, OptimizerState):
            raise TypeError(f"state must be an OptimizerState as made by init, got {state!r}")
        if len(state.moments) != self._count() or state.kind not in ("", self.kind):
            got = f"{len(state.moments)}{f' of {state.kind}' if state.kind else ''}"
            raise TreeError(f"state must have the {self._count()} moments of {self!r}, got {got}: call its init")
        rate = learning_rate_at(self.learning_rate, state.step)
        others = [("grads", grads), *(("optimizer state", moment) for moment in state.moments)]
        rows, structure = rows_like(params, others)
        is_frozen = matching(params, self.frozen) if self.frozen else [False] * len(rows)
        arguments = rows, is_frozen, state.step + 1, rate
        try:
            stepped = self._all_stepped(*arguments)
        except FloatingPointError:
            stepped = ignoring_underflow(self._all_stepped, *arguments)
        new, *moments = (structure.fill([row[i] for row in stepped]) for i in range(1 + len(state.moments)))
        return new, build(OptimizerState, state.step + 1, tuple(moments), state.kind)

    def _count(self) -> int:
        """The number of moments: where a subclass has its own `moments`, as many as that returns."""
        return self.n_moments if type(self).moments is Optimizer.moments else len(self.moments(np.zeros(0)))

    def _all_stepped(
        self, rows: list[tuple[Array, ...]], is_frozen: list[bool], t: int, rate: float
    ) -> list[tuple[Array, ...]]:
        """`_stepped` of each row of p, g and the moments; copies where the leaf is frozen."""
        return [
            _kept(p, *moments) if kept else self._stepped(t, rate, p, g, *moments)
            for kept, (p, g, *moments) in zip(is_frozen, rows, strict=True)
        ]

    def _stepped(self, t: int, rate: float, p: Array, *rest: Array) -> tuple[Array, ...]:
        """`step` in a dtype wide enough for it, and its results in the dtype of p."""
        dtype = wide_floating(p.dtype)  # in float16, eps would be 0
        arrays = [as_array(array, dtype) for array in (p, *rest)]
        new = self.step(t, rate, *arrays)
        if t % _SETTLES == 0 and getattr(self, "eps", None) != 0:  # without eps, a moment of 0 would be divided by
            new = tuple(without_subnormals(to_array(array)) for array in new)
        return tuple(as_dtype(array, p.dtype) for array in new)


def _kept(*arrays: Array) -> tuple[Array, ...]:
    """Copies of the arrays of a frozen leaf."""
    return tuple(array.copy() for array in arrays)  # the caller may be able to write to the params it gave


def decayed(g: Array, p: Array, weight_decay: float) -> Array:
    """The gradient with weight decay: g + weight_decay * p."""
    return g + weight_decay * p if weight_decay else g
