"""Laws of the passes as functions: purity and determinism."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import attrs
import numpy as np

from funcnet.layers.activations import Tanh
from funcnet.layers.combinators import parallel, sequential
from funcnet.layers.layer import Layer
from funcnet.layers.reshaping import Identity
from funcnet.random import Key
from funcnet.testing.cases.case import Case, Results, leaves, map_floats, named, named_parts, needs, parts
from funcnet.testing.cases.snapshots import copied, fresh, protected, snapshot, unchanged
from funcnet.testing.laws.rows import of_rows
from funcnet.testing.reports.comparing import Difference, own_memory, same_bits
from funcnet.tree import (
    Array,
    Flow,
    Tree,
    is_integer,
    is_leaf,
    is_nested,
    map_flow,
)
from funcnet.tree.node import node_fields


def purity(case: Case) -> None:
    """Forward and backward leave x, params, cache and dy as they were, whether these can be written to or not."""
    expected = fresh(case).passes()
    needs(fresh(case).gives(expected))  # else determinism is broken
    for given in (protected(case), fresh(case)):
        with _writing():
            same_bits(_watched(given), expected, "the same passes on arrays that can be written to")


def _watched(case: Case) -> Results:
    """The results of both passes. Raises Difference where a pass changes a byte of what it is given."""
    given = {"x": case.x, "params": case.params, "dy": case.dy}
    before = {name: snapshot(value) for name, value in given.items()}
    y, given["cache"] = case.layer.forward(case.params, case.x)
    unchanged(before, given, "forward")
    before["cache"] = snapshot(given["cache"])
    dx, grads = case.layer.backward(case.params, given["cache"], case.dy)
    unchanged(before, given, "backward")
    return named(y, dx, grads)


def determinism(case: Case) -> None:
    """Forward twice gives the same bits, and so does backward twice on one cache; y stays as it is in later calls."""
    _lasting(case)
    y, cache = case.layer.forward(case.params, case.x)
    first = named(y, *case.layer.backward(case.params, cache, case.dy))
    again = named(y, *case.layer.backward(case.params, cache, case.dy))
    _repeated(again, first, "backward", "the first backward on the same cache")
    _repeated(case.passes(), first, "forward and backward", "the first forward")


def _lasting(case: Case) -> None:
    """Raise Difference where forward of a different x writes into the y that it returned before."""
    y, _ = case.layer.forward(case.params, case.x)
    before = parts("y", map_flow(np.array, y))
    case.layer.forward(case.params, other_inputs(case)[0])
    try:
        same_bits(parts("y", y), before, "y before forward of a different x")
    except Difference as difference:
        hint = "forward keeps an array for y and writes into it again: return a new one"
        raise attrs.evolve(difference, diagnosis=hint) from None


def _repeated(got: Results, expected: Results, call: str, oracle: str) -> None:
    try:
        same_bits(got, expected, oracle)
    except Difference as difference:
        causes = "it draws random numbers, keeps something from call to call, or writes into what it is given"
        hint = f"the same call of {call} gave different results: {causes}"
        raise attrs.evolve(difference, diagnosis=hint) from None


def interleaving(case: Case) -> None:
    """Passes with a different x or different params between forward and backward change nothing."""
    expected = case.passes()
    for x, params in [*((x, case.params) for x in other_inputs(case)), (case.x, _other_params(case))]:
        y, cache = case.layer.forward(case.params, case.x)
        y = map_flow(np.array, y)
        other_y, other_cache = case.layer.forward(params, x)
        got = named(y, *case.layer.backward(case.params, cache, case.dy))
        _undisturbed(got, expected, "forward")
        case.layer.backward(params, other_cache, map_flow(np.ones_like, other_y))
        got = named(y, *case.layer.backward(case.params, cache, case.dy))
        _undisturbed(got, expected, "backward")


def _undisturbed(got: Results, expected: Results, call: str) -> None:
    try:
        same_bits(got, expected, f"backward with no other {call} before")
    except Difference as difference:
        hint = "passes leave something for backward outside the cache, such as on self: return it in the cache"
        raise attrs.evolve(difference, diagnosis=hint) from None


def other_inputs(case: Case) -> list[Flow]:
    """Different inputs: different numbers, and those in more rows; or, where x is given, its rows in reverse."""
    if case.is_given:
        return [map_flow(lambda part: part[::-1], case.x) if case.batch else case.x]
    other = map_flow(_other_numbers, case.x)
    return [other, map_flow(_with_more_rows, other)] if case.batch else [other]


def _other_numbers(x: Array) -> Array:
    return x[::-1] if is_integer(x) and x.ndim else np.asarray(x if is_integer(x) else x * 0.5 + 0.25, x.dtype)


def _with_more_rows(x: Array) -> Array:
    return np.concatenate([x, x, x[:1] if is_integer(x) else x[:1] + 1])


def _other_params(case: Case) -> Tree:
    if case.is_given:
        return case.params
    return map_floats(lambda leaf: np.asarray(leaf * 0.5 + 0.25, leaf.dtype), case.params)


def threads(case: Case) -> None:
    """Eight threads at once, half of them on a different x, get the bits that one thread gets alone."""
    case.needs_rows(2)
    inputs = [case.x, other_inputs(case)[-1]]
    dys = [case.dy, map_flow(np.ones_like, case.layer.forward(case.params, inputs[1])[0])]
    alone = [case.passes(x, dy) for x, dy in zip(inputs, dys, strict=True)]
    all_forwards_done = threading.Barrier(8, timeout=10)

    def together(which: int) -> Mapping[str, Array]:
        with np.errstate(all="ignore"):
            try:
                y, cache = case.layer.forward(case.params, inputs[which])
            finally:
                all_forwards_done.wait()
            return named(y, *case.layer.backward(case.params, cache, dys[which]))

    with ThreadPoolExecutor(8) as pool:
        for which, got in zip([0, 1] * 4, pool.map(together, [0, 1] * 4), strict=True):
            same_bits(got, alone[which], "one thread alone")


def aliasing(case: Case) -> None:
    """Writing into {dx}, or into {y} after backward, changes nothing; grads share no memory with params or dy."""
    case = protected(case)
    expected = case.passes()
    y, cache = case.layer.forward(case.params, case.x)
    y_was = map_flow(np.array, y)
    dx, grads = case.layer.backward(case.params, cache, case.dy)
    _each_its_own({at: part for at, part in parts("dx", dx).items() if part.flags.writeable}, {})
    got = named(y_was, map_flow(_copied, dx), grads)
    _overwrite(dx)
    _unharmed(got, expected, "dx", "grads")
    dx, grads = case.layer.backward(case.params, cache, case.dy)
    _unharmed(named(y_was, dx, grads), expected, "dx", "what backward reads, such as the cache")
    _overwrite(y)
    _unharmed(case.passes(), expected, "y or dx", "what later passes read, such as params")
    _each_its_own(leaves("grads", grads), {**parts("dy", case.dy), **leaves("params", case.params)})


def _each_its_own(arrays: Results, others: Results) -> None:
    """Raise Difference where one of the arrays shares memory with a different one, or with any of the others."""
    for at, array in arrays.items():
        own_memory({at: array}, others)
        others = {**others, at: array}


def _copied(dx: Any) -> Any:
    return None if dx is None else np.array(dx)


def _unharmed(got: Results, expected: Results, written: str, shared: str) -> None:
    try:
        same_bits(got, expected, f"the passes with nothing written into {written}")
    except Difference as difference:
        hint = f"{written} shares memory with {shared}: copy it, or make it read-only"
        raise attrs.evolve(difference, diagnosis=hint) from None


def initialization(case: Case) -> None:
    """`init` gives the same bits for the same key."""
    layer = case.needs_layer()
    first, again = (layer.init(Key(0), case.input_shape, case.dtype) for _ in range(2))
    same_bits(leaves("params", again), leaves("params", first), "init with the same key before")


def shortcuts(case: Case) -> None:
    """`apply` gives the y of forward, `params_backward` the grads of backward; neither writes into its arguments."""
    layer, expected = case.needs_layer(), case.passes()
    case = protected(case)
    y = {at: array for at, array in expected.items() if at.startswith("y")}
    same_bits(parts("y", layer.apply(case.params, case.x)), y, "forward")
    _, cache = layer.forward(case.params, case.x)
    grads = layer.params_backward(case.params, cache, case.dy)
    same_bits({**of_rows(expected), **leaves("grads", grads)}, expected, "backward")


def composition(case: Case) -> None:
    """`sequential` is associative, `Identity()` and `sequential()` are neutral; its passes are those of its layers."""
    layer, expected = case.needs_layer(), case.passes()
    for neutral in (Identity(), sequential()):
        model = sequential(neutral, layer, neutral)
        y, cache = model.forward(((), case.params, ()), case.x)
        dx, (_, grads, _) = model.backward(((), case.params, ()), cache, case.dy)
        same_bits(named(y, dx, grads), expected, "the layer alone")
    tanh = _tanh(layer.output_shape(case.input_shape))
    nothing = tanh.init(Key(0), layer.output_shape(case.input_shape))
    y, cache = layer.forward(case.params, case.x)
    z, tanh_cache = tanh.forward(nothing, y)
    dy, _ = tanh.backward(nothing, tanh_cache, case.dy)
    by_hand = named(z, *layer.backward(case.params, cache, dy))
    for model, params in (
        (sequential(sequential(layer, tanh), Identity()), ((case.params, nothing), ())),
        (sequential(layer, sequential(tanh, Identity())), (case.params, (nothing, ()))),
    ):
        y, cache = model.forward(params, case.x)
        dx, grads = model.backward(params, cache, case.dy)
        same_bits(named(y, dx, grads[0][0] if params[1] == () else grads[0]), by_hand, "the passes by hand")


def _tanh(shape: Any) -> Layer:
    """A layer that takes the tanh of each array."""
    return parallel(*map(_tanh, shape)) if is_nested(shape) else Tanh()


def pickling(case: Case) -> None:
    """Layer, params and cache survive pickle: passes give the same bits, and arrays in nodes are still read-only."""
    expected = case.passes()
    y, cache = case.layer.forward(case.params, case.x)
    layer, params, cache = (copied(value) for value in (case.layer, case.params, cache))
    same_bits(named(y, *layer.backward(params, cache, case.dy)), expected, "before pickling")
    same_bits(attrs.evolve(case, layer=layer, params=params).passes(), expected, "before pickling")
    for at, leaf in leaves("params", _nodes(params)).items():
        if leaf.flags.writeable:
            raise Difference(at, "writable after pickle", "read-only")


def _nodes(params: Tree) -> Tree:
    """`params` without the arrays that are not inside a node."""
    if isinstance(params, tuple) and node_fields(type(params)) is None:
        return tuple(map(_nodes, params))
    return None if is_leaf(params) else params


@contextmanager
def _writing() -> Iterator[None]:
    """A context that says what an error means which NumPy raises for read-only arrays."""
    try:
        yield
    except ValueError as error:
        if "read-only" not in str(error):
            raise
        hint = "a pass writes into x, params or dy, which others use too: compute a new array"
        raise Difference("", f"{type(error).__name__}: {error}", "no exception", diagnosis=hint) from error


def _overwrite(flow: Flow) -> None:
    for array in named_parts("", flow).values():
        if isinstance(array, np.ndarray) and array.flags.writeable:
            array.fill(np.nan if array.dtype.kind == "f" else 1)
