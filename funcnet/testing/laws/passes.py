"""Laws of the passes as functions: purity, results and determinism."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import attrs
import numpy as np

from funcnet import tree
from funcnet.layers.activations import Tanh
from funcnet.layers.combinators import sequential
from funcnet.layers.layer import Layer
from funcnet.layers.reshaping import Identity
from funcnet.random import Key
from funcnet.testing.cases.case import Case, Results, leaves, map_floats, named, needs
from funcnet.testing.cases.snapshots import copied, read_only, snapshot, unchanged, writable
from funcnet.testing.reports.comparing import Difference, own_memory, same_bits, same_form
from funcnet.tree import Array, Tree, is_leaf, leaves_like
from funcnet.tree.node import node_fields


def structure(case: Case) -> None:
    """y has the shape batch + output_shape, dx the shape of x and the dtype of dy, grads the structure of params."""
    y, cache = case.layer.forward(case.params, case.x)
    if not is_leaf(y):
        raise Difference("y", type(y).__name__, "an array")
    if isinstance(case.layer, Layer):
        shape = case.batch + tuple(case.layer.output_shape(case.input_shape))
        if y.shape != shape:
            raise Difference("y", f"shape {y.shape}", f"shape {shape}")
    dx, grads = case.layer.backward(case.params, cache, case.dy)
    if not is_leaf(dx):
        raise Difference("dx", type(dx).__name__, "an array")
    same_form("dx", dx, case.x, "shape")
    same_form("dx", dx, case.dy, "dtype")
    found = leaves_like(case.params, grads, "grads")
    for (at, p), g in zip(leaves("grads", case.params).items(), found, strict=True):
        same_form(at, g, p, "dtype")


def purity(case: Case) -> None:
    """Forward and backward leave x, params, cache and dy as they were."""
    expected = case.passes()
    same_bits(_protected(case).passes(), expected, "the same passes on arrays that can be written to")
    x, params, dy = (writable(value) for value in (case.x, case.params, case.dy))
    before = {"x": snapshot(x), "params": snapshot(params), "dy": snapshot(dy)}
    _, cache = case.layer.forward(params, x)
    before["cache"] = snapshot(cache)
    case.layer.backward(params, cache, dy)
    unchanged(before, {"x": x, "params": params, "dy": dy, "cache": cache}, "a pass")


def determinism(case: Case) -> None:
    """Forward twice gives the same bits, and so does backward twice on one cache."""
    y, cache = case.layer.forward(case.params, case.x)
    first = named(y, *case.layer.backward(case.params, cache, case.dy))
    again = named(y, *case.layer.backward(case.params, cache, case.dy))
    same_bits(again, first, "the first backward on the same cache")
    same_bits(case.passes(), first, "the first forward")


def interleaving(case: Case) -> None:
    """Passes with a different x or different params between forward and backward change nothing."""
    expected = case.passes()
    for x, params in [*((x, case.params) for x in other_inputs(case)), (case.x, _other_params(case))]:
        y, cache = case.layer.forward(case.params, case.x)
        y = np.array(y)
        other_y, other_cache = case.layer.forward(params, x)
        got = named(y, *case.layer.backward(case.params, cache, case.dy))
        same_bits(got, expected, "backward with no other forward before")
        case.layer.backward(params, other_cache, np.ones_like(other_y))
        got = named(y, *case.layer.backward(case.params, cache, case.dy))
        same_bits(got, expected, "backward with no other backward before")


def other_inputs(case: Case) -> list[Array]:
    """Different inputs: different numbers, and those in more rows; or, where x is given, its rows in reverse."""
    if case.is_given:
        return [case.x[::-1] if case.batch else case.x]
    other = np.asarray(case.x * 0.5 + 0.25, case.x.dtype)
    return [other, np.concatenate([other, other, other[:1] + 1])] if case.batch else [other]


def _other_params(case: Case) -> Tree:
    if case.is_given:
        return case.params
    return map_floats(lambda leaf: np.asarray(leaf * 0.5 + 0.25, leaf.dtype), case.params)


def threads(case: Case) -> None:
    """Eight threads at once, half of them on a different x, get the bits that one thread gets alone."""
    case.needs_rows(2)
    inputs = [case.x, other_inputs(case)[-1]]
    dys = [case.dy, np.ones_like(case.layer.forward(case.params, inputs[1])[0])]
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
    """Writing into y or dx raises or changes nothing later; grads share no memory with params, dy or each other."""
    case = _protected(case)
    expected = case.passes()
    y, cache = case.layer.forward(case.params, case.x)
    y_was = np.array(y)
    _overwrite(y)
    dx, grads = case.layer.backward(case.params, cache, case.dy)
    got = named(y_was, np.array(dx), grads)
    _overwrite(dx)
    _unharmed(got, expected, "y, or dx,")
    dx, grads = case.layer.backward(case.params, cache, case.dy)
    _unharmed(named(y_was, dx, grads), expected, "dx")
    _unharmed(case.passes(), expected, "y and dx")
    others = {"dy": case.dy, **leaves("params", case.params)}
    for at, leaf in leaves("grads", grads).items():
        own_memory({at: leaf}, others)
        others[at] = leaf


def _unharmed(got: Results, expected: Results, written: str) -> None:
    try:
        same_bits(got, expected, f"the passes with nothing written into {written}")
    except Difference as difference:
        hint = f"{written} shares memory with what backward reads, such as the cache: copy it, or make it read-only"
        raise attrs.evolve(difference, diagnosis=hint) from None


def initialization(case: Case) -> None:
    """`init` gives the same bits for the same key."""
    layer = case.needs_layer()
    first, again = (layer.init(Key(0), case.input_shape, case.x.dtype) for _ in range(2))
    same_bits(leaves("params", again), leaves("params", first), "init with the same key before")


def shortcuts(case: Case) -> None:
    """`apply` gives the y of forward, `params_backward` the grads of backward; neither writes into its arguments."""
    layer, expected = case.needs_layer(), case.passes()
    case = _protected(case)
    same_bits({"y": np.asarray(layer.apply(case.params, case.x))}, {"y": expected["y"]}, "forward")
    _, cache = layer.forward(case.params, case.x)
    grads = layer.params_backward(case.params, cache, case.dy)
    same_bits(named(expected["y"], expected["dx"], grads), expected, "backward")


def composition(case: Case) -> None:
    """`sequential` is associative, `Identity()` and `sequential()` are neutral; its passes are those of its layers."""
    layer, expected = case.needs_layer(), case.passes()
    for neutral in (Identity(), sequential()):
        model = sequential(neutral, layer, neutral)
        y, cache = model.forward(((), case.params, ()), case.x)
        dx, (_, grads, _) = model.backward(((), case.params, ()), cache, case.dy)
        same_bits(named(y, dx, grads), expected, "the layer alone")
    y, cache = layer.forward(case.params, case.x)
    z, tanh_cache = Tanh().forward((), y)
    dy, _ = Tanh().backward((), tanh_cache, case.dy)
    by_hand = named(z, *layer.backward(case.params, cache, dy))
    for model, params in (
        (sequential(sequential(layer, Tanh()), Identity()), ((case.params, ()), ())),
        (sequential(layer, sequential(Tanh(), Identity())), (case.params, ((), ()))),
    ):
        y, cache = model.forward(params, case.x)
        dx, grads = model.backward(params, cache, case.dy)
        same_bits(named(y, dx, grads[0][0] if params[1] == () else grads[0]), by_hand, "the passes by hand")


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


def training(case: Case) -> None:
    """In training the same key gives the same bits, and a different key different draws."""
    layer, key = case.needs_layer(), Key(0)
    trained = layer.training(key)
    if not isinstance(trained, Layer):
        raise Difference("training(key)", type(trained).__name__, "a layer")
    x = case.x
    if not case.is_given and case.batch:
        x = np.concatenate(
            [x, np.ones((64, *x.shape[1:]), x.dtype)]
        )  # enough numbers for one to be dropped, and one kept

    def y_of(form: Layer) -> Array:
        return np.asarray(form.forward(case.params, x)[0])

    y, first = y_of(layer), y_of(trained)
    same_bits({"y": y_of(layer.training(key))}, {"y": first}, "the first training(key)")
    needs(case.batch != () and not tree.equal(y, first))
    if all(tree.equal(y_of(layer.training(Key(seed))), first) for seed in range(1, 9)):
        hint = 'a layer that differs in training but draws nothing is right: exempt={"training": "it draws nothing"}'
        raise Difference("y", "the same with nine keys", "other draws with another key", diagnosis=hint)


def _protected(case: Case) -> Case:
    """The case with arrays that can't be written to."""
    return attrs.evolve(case, x=read_only(case.x), dy=read_only(case.dy), params=tree.map(np.array, case.params))


def _overwrite(array: Any) -> None:
    if isinstance(array, np.ndarray) and array.flags.writeable:
        array.fill(np.nan)
