"""Differences, written anew and simply: what is entered as right must agree with them, what is broken must not."""

import numpy as np

from funcnet import tree
from funcnet.layers.layer import Layer
from funcnet.random import Key
from funcnet.testing.cases.foreign import Pair, WithContainers, as_tree
from funcnet.tree import flatten, map_flow

RIGHT, BROKEN = 1e-5, 1e-3  # at most, and at least, how far off a gradient is
REGIMES = {"ordinary": lambda x: x, "ties": np.round, "tails": lambda x: x * 6, "float32": np.float32}


def is_right(entry):
    """Whether the gradient agrees with differences at points of ordinary numbers."""
    regime, bar = ("float32", 0.02) if entry.arguments.get("dtypes") == ("float32",) else ("ordinary", RIGHT)
    return all(unlike(*point(entry, entry.layer, i, regime), i, regime) < bar for i in range(10))


def is_broken(entry, layer):
    """Whether passes leave traces, or the gradient disagrees with differences at some point."""
    if leaves_traces(*point(entry, layer, 1, "ordinary")[1:]):
        return True
    for regime, tries in (("ordinary", 16), ("ties", 100), ("tails", 50), ("float32", 8)):
        bar = 0.1 if regime == "float32" else BROKEN  # differences in float32 are rough
        if any(not unlike(*point(entry, layer, i, regime), i, regime) < bar for i in range(tries)):
            return True
    return False


def leaves_traces(layer, params, x):
    """Whether passes write into what they are given, or give something else after other passes."""
    was, other = copies((x, params)), map_flow(lambda part: np.array(part[::-1]), x)
    try:
        runs = [calls(layer, params, x), calls(layer, params, x), calls(layer, params, x, between=[other, other])]
    except ValueError as error:  # params are read-only
        return "read-only" in str(error)
    pairs = [
        (was, copies((x, params))),
        *zip(runs[0], runs[1], strict=True),
        *zip(runs[0], runs[2], strict=True),
        runs[0],
    ]
    return not all(np.array_equal(a, b) for before, after in pairs for a, b in zip(before, after, strict=True))


def calls(layer, params, x, between=()):
    """All that a forward and two backwards give and hold, after the first and after the second."""
    y, cache = layer.forward(params, x)
    kept, dy = copies(y), map_flow(lambda part: 1.0 + np.arange(np.size(part)).reshape(np.shape(part)), y)
    given = copies(dy)
    for each in between:
        layer.forward(params, each)
    first = kept + given + copies(layer.backward(params, cache, dy))
    return first, copies(y) + copies(dy) + copies(layer.backward(params, cache, dy))


def copies(value):
    return [np.array(leaf) for leaf in flatten(value)[0]]


def point(entry, layer, seed, regime):
    """The forward pass to differentiate, the layer, its params as a tree, and an x."""
    draws, arguments = np.random.default_rng(seed), entry.arguments
    layer, params = Pair(*layer) if isinstance(layer, tuple) else layer, arguments.get("params")
    if params is None:
        params = layer.init(Key(seed), arguments["input_shape"], np.float64) if isinstance(layer, Layer) else ()
        params = tree.map(lambda leaf: leaf + draws.normal(size=leaf.shape) / 8, params)
        if regime == "ties":
            params = tree.map(lambda leaf: np.broadcast_to(leaf[:1], leaf.shape), params)
    if isinstance(params, dict | list):
        layer, params = WithContainers(layer), as_tree(params)
    x = arguments.get("x")
    if x is None:
        x = of_shapes(arguments["input_shape"], 3 if seed % 3 else 1, draws, REGIMES[regime])
    if regime == "float32":
        params = tree.map(np.float32, params)
    forward = arguments.get("derivative_of") or (lambda params, x: layer.forward(params, x)[0])
    return forward, layer, params, x


def of_shapes(shape, batch, draws, regime):
    if shape and isinstance(shape[0], tuple):
        return tuple(of_shapes(each, batch, draws, regime) for each in shape)
    return regime(draws.normal(size=(batch, *shape)))


@np.errstate(all="ignore")
def unlike(forward, layer, params, x, seed, regime="ordinary"):
    """How far <gradient, v> is outside the one-sided differences of <dy, y> along a random v, over their size."""
    draws, step = np.random.default_rng(seed), 2.0**-7 if regime == "float32" else 2.0**-18
    y, cache = layer.forward(params, x)
    ys, of_y = flatten(y)
    dys = [draws.normal(size=np.shape(part)) for part in ys]
    if seed % 2:  # one number of y, because the corners of several do not add
        dys = [np.zeros(np.shape(part)) for part in ys]
        dys[0].flat[draws.integers(dys[0].size)] = 1
    found = flatten(layer.backward(params, cache, of_y.assemble(dys)))[0]
    leaves, structure = flatten((x, params))
    v = [draws.normal(size=leaf.shape) for leaf in leaves if leaf.dtype.kind == "f"]

    def value(step):
        along = iter(v)
        moved = [(leaf + step * next(along)).astype(leaf.dtype) if leaf.dtype.kind == "f" else leaf for leaf in leaves]
        x, params = structure.assemble(moved)
        found = flatten(forward(params, x))[0]
        return sum(float(np.sum(dy * part)) for dy, part in zip(dys, found, strict=True))

    sides = [(value(step) - value(0.0)) / step, (value(0.0) - value(-step)) / step]
    terms = [np.asarray(g) * along for g, along in zip(found, v, strict=True)]
    got, size = sum(float(np.sum(each)) for each in terms), sum(float(np.sum(np.abs(each))) for each in terms)
    outside = max(min(sides) - got, got - max(sides), 0.0) if np.isfinite(got) else np.inf
    return outside / (size + abs(sides[0]) + 1e-3)
