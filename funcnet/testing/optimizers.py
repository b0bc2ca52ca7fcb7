"""`check_optimizer`: every law of optimizers on every case."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import attrs
import numpy as np

from funcnet import tree
from funcnet.layers.linear import LinearParams
from funcnet.random import Key
from funcnet.testing.cases.case import cast
from funcnet.testing.cases.drawing import dyadic, ordinary
from funcnet.testing.laws import OPTIMIZER_LAWS
from funcnet.testing.laws.optimizers import OptimizerCase
from funcnet.testing.reports.holding import Check, Kind, raising
from funcnet.tree import Array, Tree
from funcnet.values import check_methods, integer

# From one number on: the first case that breaks a law is a small one.
_SHAPES: tuple[Tree, ...] = (
    (np.zeros(1),),
    (np.zeros(2), np.zeros(2)),
    LinearParams(np.zeros((2, 3)), np.zeros(3)),
    (LinearParams(np.zeros((3, 2)), None), (), (np.zeros(()), np.zeros((0, 2)))),
)


@raising
def check_optimizer(
    optimizer: Any,
    *,
    params: Tree = None,
    like: Any = None,
    exempt: Mapping[str, str] = {},
    examples: int = 24,
    seed: int = 0,
) -> Check:
    """Check an optimizer against every law of optimizers.

    An optimizer has `init(params) -> state` and `update(params, grads, state) -> (params, state)`. Laws about plain
    steps set its fields `weight_decay` to 0, `frozen` to (), and a `learning_rate` that is a schedule to a number.

    Parameters
    ----------
    optimizer : Optimizer or object
        An optimizer, or an object with the methods `init` and `update` of one.
    params : Tree, optional
        Params to start from instead of drawn ones.
    like : Optimizer or object, optional
        Reference with the methods of an optimizer, whose params the optimizer's must be after each update, up to
        rounding. Without one, any valid rule passes: Adam with its eps in the root is an optimizer too.
    exempt : mapping of str to str, default {}
        Reason for each law that need not hold, by its name, see Notes; an exempted law that holds is a violation too.
    examples : int, default 24
        Number of cases.
    seed : int, default 0
        Seed of the cases.

    Raises
    ------
    LawViolation
        If the optimizer breaks a law, or obeys an exempted one.
    TypeError
        If `optimizer` is not an optimizer.
    ValueError
        For an unknown law, or an exemption without a reason.

    Notes
    -----
    The laws, by the names that `exempt` takes: purity, structure, like, determinism, zero, descent, steadiness,
    order, aliasing, resumption, layout, dtype.

    Examples
    --------
    >>> import funcnet as fn
    >>> check_optimizer(fn.Adam(0.1))
    >>> try:
    ...     check_optimizer(fn.AdamW(0.1), like=fn.Adam(0.1))
    ... except fn.testing.LawViolation as violation:
    ...     print(violation.law, violation.at, violation.oracle)
    like params.0 the reference after update 1
    """
    __tracebackhide__ = True
    _check_are_optimizers(optimizer, like)
    integer(examples, "examples", 1)
    return Check(OPTIMIZERS, _cases(optimizer, params, like, Key(seed), examples), exempt)


@raising
def check_optimizer_law(law: str, optimizer: Any, params: Tree, grads: tuple[Tree, ...], like: Any = None) -> Check:
    """Check an optimizer against one law, on one case.

    Parameters
    ----------
    law : str
        Name of the law, as a violation gives it.
    optimizer : Optimizer or object
        Optimizer as `check_optimizer` takes it.
    params : Tree
        Params to start from.
    grads : tuple of trees
        Gradients of each update, with the structure of params.
    like : Optimizer or object, optional
        Reference that the optimizer must agree with.

    Raises
    ------
    LawViolation
        If the optimizer breaks the law.
    TypeError
        If `optimizer` is not an optimizer.
    ValueError
        For an unknown law, or if grads is empty.

    Examples
    --------
    >>> import funcnet as fn
    >>> check_optimizer_law("zero", fn.SGD(0.5), (np.array([1.0]),), ((np.array([2.0]),),))
    """
    __tracebackhide__ = True
    _check_are_optimizers(optimizer, like)
    if not grads:
        raise ValueError("grads must hold the gradients of at least one update, got none")
    return Check(OPTIMIZERS.of_one(law), [OptimizerCase(optimizer, params, grads, like)])


def _check_are_optimizers(optimizer: Any, like: Any) -> None:
    check_methods("optimizer", optimizer, "init", "update")
    if like is not None:
        check_methods("like", like, "init", "update")


def _cases(optimizer: Any, params: Tree, like: Any, key: Key, examples: int) -> Iterator[OptimizerCase]:
    for i in range(examples):
        draws, shapes = key.fold_in(i).generator(), _SHAPES[i % len(_SHAPES)] if params is None else params
        start = _drawn(draws, shapes, ordinary if i % 3 == 2 else dyadic) if params is None else params
        steps = tuple(_drawn(draws, shapes, _gradients) for _ in range(1 + i % 5))
        case = OptimizerCase(optimizer, start, steps, like)
        yield case.map(lambda given: cast(given, np.float32)) if i // 4 % 2 else case


def _drawn(draws: np.random.Generator, shapes: Tree, regime: Callable[[Any, tuple[int, ...]], Array]) -> Tree:
    return tree.map(lambda leaf: regime(draws, leaf.shape).astype(leaf.dtype), shapes)


def _gradients(draws: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Sixteenths from 1/4 to 2, of either sign: large enough for an optimizer's eps not to count."""
    return np.asarray(draws.choice([-1.0, 1.0], shape) * draws.integers(4, 33, shape) / 16)


def _arguments(case: OptimizerCase) -> dict[str, Any]:
    return {
        name: value for name, value in attrs.asdict(case, recurse=False).items() if name != "like" or value is not None
    }


OPTIMIZERS = Kind(OPTIMIZER_LAWS, "check_optimizer_law", _arguments)
