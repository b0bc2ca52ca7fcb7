"""Laws of optimizers."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, TypeAlias

import attrs
import numpy as np

from funcnet import tree
from funcnet.testing.cases.case import Inapplicable, cast, leaves, needs
from funcnet.testing.cases.snapshots import copied, read_only, snapshot, unchanged, writable
from funcnet.testing.laws.numbers import LAYOUTS
from funcnet.testing.laws.structure import two
from funcnet.testing.reports.comparing import Difference, as_index, close, largest, own_memory, same_bits, same_form
from funcnet.tree import Array, Tree, leaves_like, map_new

_STEPS = 20
_SIZES = (1.0, -0.5, 2.0**-20, 3.0, 0.0, 1.0)  # of gradients one after another, some of the size of an optimizer's eps


@attrs.frozen(eq=False)
class OptimizerCase:
    """An optimizer, the params that it starts from, the gradients of its updates, and a reference to agree with."""

    optimizer: Any
    params: Tree
    grads: tuple[Tree, ...]
    like: Any = None

    def run(self) -> list[tuple[Tree, Tree]]:
        """Params and state after each update."""
        params, state, trajectory = self.params, self.optimizer.init(self.params), []
        for grads in self.grads:
            params, state = two(self.optimizer.update(params, grads, state), "update", "(params, state)")
            trajectory.append((params, state))
        return trajectory

    def plain(self) -> OptimizerCase:
        """The case without weight decay and frozen leaves, at a constant learning rate, if the optimizer has them."""
        fields = attrs.fields_dict(type(self.optimizer)) if attrs.has(type(self.optimizer)) else {}
        plain = {"weight_decay": 0.0, "frozen": ()}
        if callable(getattr(self.optimizer, "learning_rate", None)):
            plain["learning_rate"] = 0.125
        changes: dict[str, Any] = {name: value for name, value in plain.items() if name in fields}
        return attrs.evolve(self, optimizer=attrs.evolve(self.optimizer, **changes)) if changes else self

    def map(self, f: Callable[[Tree], Tree]) -> OptimizerCase:
        """The case with f applied to its params and to each of its grads."""
        return attrs.evolve(self, params=f(self.params), grads=tuple(map(f, self.grads)))


OptimizerLaw: TypeAlias = Callable[[OptimizerCase], None]


def structure(case: OptimizerCase) -> None:
    """New params have the structure, shapes and dtypes of params, and the state keeps those that `init` gave it."""
    start = case.optimizer.init(case.params)
    for params, state in case.run():
        found = leaves_like(case.params, params, "new params")
        for (at, p), new in zip(leaves("params", case.params).items(), found, strict=True):
            same_form(at, new, p, "dtype")
        before, after = (
            {at: (s.shape, s.dtype) for at, s in _leaves_of_state(each).items()} for each in (start, state)
        )
        if before != after:
            raise Difference("state", f"leaves of {after}", f"leaves of {before}, as init makes them")


def purity(case: OptimizerCase) -> None:
    """An update leaves params, grads and state as they were."""
    params, grads = writable(case.params), writable(case.grads[0])
    state = case.optimizer.init(params)
    values = {"params": params, "grads": grads, "state": state, "optimizer": case.optimizer}
    before = {name: snapshot(value) for name, value in values.items()}
    updated = case.optimizer.update(params, grads, state)
    unchanged(before, values, "an update")
    needs(isinstance(updated, tuple) and len(updated) == 2)  # else structure is broken
    expected = case.run()
    _needs_the_same(case.run(), expected)
    protected = case.map(lambda given: tree.map(read_only, given))
    _same(protected.run(), expected, "arrays that can be written to")


def _needs_the_same(again: list[tuple[Tree, Tree]], first: list[tuple[Tree, Tree]]) -> None:
    """Raise Inapplicable where two runs differ, which the law of determinism reports."""
    try:
        _same(again, first, "")
    except Difference as difference:
        raise Inapplicable from difference


def determinism(case: OptimizerCase) -> None:
    """The same update gives the same bits, whatever updates are made in between, and in eight threads at once."""
    first = case.run()
    for (params, state), grads, expected in zip(first, case.grads[1:], first[1:], strict=False):
        case.optimizer.update(case.params, tree.map(np.negative, grads), case.optimizer.init(case.params))
        _same([case.optimizer.update(params, grads, state)], [expected], "the first time")
    with ThreadPoolExecutor(8) as pool:
        for again in pool.map(lambda _: case.run(), range(8)):
            _same(again, first, "one thread alone")


def aliasing(case: OptimizerCase) -> None:
    """New params and state share no memory with params or grads that can be written to."""
    params, grads = writable(case.params), writable(case.grads[0])
    new, state = case.optimizer.update(params, grads, case.optimizer.init(params))
    given = {**leaves("params", params), **leaves("grads", grads)}
    own_memory({**leaves("new params", new), **_leaves_of_state(state)}, given)


def _leaves_of_state(state: Any, name: str = "state") -> dict[str, Array]:
    try:
        return leaves(name, state)
    except TypeError:  # a state that is not a tree; one that has a number beside its moments may be a tuple
        parts = enumerate(state) if isinstance(state, tuple) else ()
        return {at: leaf for i, part in parts for at, leaf in _leaves_of_state(part, f"{name}.{i}").items()}


def like(case: OptimizerCase) -> None:
    """In float64 the params after each update are those of the reference, up to rounding."""
    needs(case.like is not None)
    case = _varied(case).map(lambda given: cast(given, np.float64))
    runs = case.run(), attrs.evolve(case, optimizer=case.like).run()
    for number, ((params, _), (expected, _)) in enumerate(zip(*runs, strict=True), 1):
        leaves_like(case.params, expected, "params of the reference")
        got, wanted = leaves("params", params), leaves("params", expected)
        close(got, wanted, partial(_rounding, number), f"the reference after update {number}")


def _varied(case: OptimizerCase) -> OptimizerCase:
    """The case with more updates, at gradients of other sizes and signs."""
    sizes, n = _SIZES * 3, len(case.grads)
    grads = tuple(tree.map(partial(np.multiply, size), case.grads[i % n]) for i, size in enumerate(sizes))
    return attrs.evolve(case, grads=case.grads + grads)


def _rounding(number: int, got: Array, expected: Array) -> float:
    """Bound on what rounding may add up to in so many updates."""
    return float(64 * number * np.finfo(np.float64).eps * (1 + max(largest(got), largest(expected))))


def zero(case: OptimizerCase) -> None:
    """Without weight decay, zero grads on a fresh state leave params as they are."""
    optimizer = case.plain().optimizer
    params, _ = optimizer.update(case.params, tree.zeros_like(case.params), optimizer.init(case.params))
    _same_params(params, case.params, "zero grads, a fresh state")


def descent(case: OptimizerCase) -> None:
    """Without weight decay, steps at a constant gradient go against it."""
    case = _constant(case)
    end = case.run()[-1][0]
    rows = zip(leaves("params", case.params).items(), tree.leaves(end), tree.leaves(case.grads[0]), strict=True)
    for (at, p), q, g in rows:
        moved = np.asarray((q - p) * g)
        wrong = np.argwhere(~(moved < 0) & (g != 0))
        if len(wrong) and getattr(case.optimizer, "learning_rate", 1) != 0:
            index = as_index(wrong[0])
            expected = f"less than {p[index]}" if g[index] > 0 else f"more than {p[index]}"
            raise Difference(at, q[index], expected, index, f"{_STEPS} steps at gradient {g[index]}")


def steadiness(case: OptimizerCase) -> None:
    """At a constant gradient no step is more than twice, or less than half, both its neighbours."""
    case = _constant(case)
    trajectory = [tree.ravel(params)[0] for params in (case.params, *(params for params, _ in case.run()))]
    steps = np.abs(np.diff(np.array(trajectory, np.float64), axis=0))
    needs(steps.size > 0 and bool(steps.all()))
    low, high = np.minimum(steps[:-2], steps[2:]) / 2, np.maximum(steps[:-2], steps[2:]) * 2
    # The first step has only one neighbour: it is held to 2.5 times the square of the next ratio.
    change = np.maximum(steps[1:2] / steps[2:3], steps[2:3] / steps[1:2]) ** 2 * 2.5
    low, high = np.concatenate([low, steps[1:2] / change]), np.concatenate([high, steps[1:2] * change])
    inner_then_first = np.concatenate([steps[1:-1], steps[:1]])
    wrong = np.argwhere(~((inner_then_first >= low) & (inner_then_first <= high)))
    if len(wrong):
        t, i = map(int, wrong[0])
        expected = f"from {low[t, i]:.6g} to {high[t, i]:.6g}"
        number = (t + 1) % (_STEPS - 1) + 1
        raise Difference(f"step {number} of number {i}", inner_then_first[t, i], expected, None, "the steps beside it")


def order(case: OptimizerCase) -> None:
    """The order of a tree's children does not change the result."""
    needs(isinstance(case.params, tuple) and len(case.params) > 1)
    case = case.plain()
    turned = case.map(lambda given: given[::-1])
    for (params, _), (expected, _) in zip(turned.run(), case.run(), strict=True):
        _same_params(params[::-1], expected, "the children in their order")


def resumption(case: OptimizerCase) -> None:
    """Saving, loading and going on gives the bits of the straight run."""
    expected, half = case.run(), len(case.grads) // 2
    params, state = copied(expected[half - 1] if half else (case.params, case.optimizer.init(case.params)))
    optimizer = copied(case.optimizer)
    for grads, there in zip(case.grads[half:], expected[half:], strict=True):
        params, state = optimizer.update(params, grads, state)
        _same([(params, state)], [there], "the straight run")


def layout(case: OptimizerCase) -> None:
    """Fortran order and negative strides give the same values."""
    expected = case.run()
    for name in ("Fortran order", "negative strides"):
        grads = tuple(map_new(LAYOUTS[name], each) for each in case.grads)
        _same(attrs.evolve(case, grads=grads).run(), expected, f"grads before {name}")


def dtype(case: OptimizerCase) -> None:
    """float32 stays float32 and agrees with float64 up to rounding."""
    narrow = case.map(lambda given: cast(given, np.float32))
    for (params, _), (expected, _) in zip(narrow.run(), case.run(), strict=True):
        for at, p in leaves("params", params).items():
            same_form(at, p, np.zeros((), np.float32), "dtype")
        close(leaves("params", params), leaves("params", expected), lambda p, e: 1e-4 * (1 + largest(e)), "float64")


def _constant(case: OptimizerCase) -> OptimizerCase:
    """The case that repeats the first gradient from params of 0, with nothing else to move the params."""
    plain = case.plain()
    return attrs.evolve(plain, params=tree.zeros_like(case.params), grads=(case.grads[0],) * _STEPS)


def _same(got: list[tuple[Tree, Tree]], expected: list[tuple[Tree, Tree]], oracle: str) -> None:
    for (params, state), (expected_params, expected_state) in zip(got, expected, strict=True):
        _same_params(params, expected_params, oracle)
        if snapshot(state) != snapshot(expected_state):
            raise Difference("state", "other numbers", "the same bits", oracle=oracle)


def _same_params(got: Tree, expected: Tree, oracle: str) -> None:
    same_bits(leaves("params", got), leaves("params", expected), oracle)
