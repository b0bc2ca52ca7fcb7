"""Every optimizer, and what the tests let it update."""

import attrs
import numpy as np
import pytest

import funcnet as fn
from funcnet.tree import ravel

STEPS = 20


def some_tree(seed, dtype=np.float64):
    """Leaves of different shapes, one of them 0-d, in tuples and a node."""
    draw = np.random.default_rng(seed).standard_normal
    return fn.LinearParams(draw((3, 2)).astype(dtype), draw(2).astype(dtype)), ((), np.array(draw(), dtype))


def some_grads(step, dtype=np.float64):
    """Other gradients at each step, over five orders of magnitude, and one number whose gradient is always 0."""
    layer, rest = fn.tree.map(lambda leaf: leaf * leaf.dtype.type(10.0 ** (step % 5 - 2)), some_tree(step + 1, dtype))
    return attrs.evolve(layer, bias=layer.bias * np.array([0, 1], dtype)), rest


PARAMS = some_tree(0)
GRADIENTS = [some_grads(step) for step in range(STEPS)]


def trajectory(optimizer, params, gradients, state=None):
    """(params, state) after each update."""
    state = state or optimizer.init(params)
    for grads in gradients:
        params, state = optimizer.update(params, grads, state)
        yield params, state


def numbers(trees):
    """All numbers of each tree, (len(trees), size)."""
    return np.array([ravel(tree)[0] for tree in trees])


NAMED = {
    "SGD": fn.SGD(0.1),
    "SGD with momentum": fn.SGD(0.1, momentum=0.9),
    "SGD of Nesterov": fn.SGD(0.1, momentum=0.9, nesterov=True),
    "Adam": fn.Adam(0.1),
    "AdamW": fn.AdamW(0.1, weight_decay=0.0),
    "RMSProp": fn.RMSProp(0.1),
    "centered RMSProp": fn.RMSProp(0.1, momentum=0.9, centered=True),
    "Adagrad": fn.Adagrad(0.1),
    "Adagrad with options": fn.Adagrad(0.1, lr_decay=0.5, initial_accumulator_value=0.5),
}
DECAYING = {f"{name}, decaying": attrs.evolve(optimizer, weight_decay=0.01) for name, optimizer in NAMED.items()}
WITHOUT_DECAY = list(NAMED.values())
OPTIMIZERS = [*WITHOUT_DECAY, *DECAYING.values()]
every_optimizer = pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=[*NAMED, *DECAYING])


def after(optimizer, params=PARAMS, gradients=GRADIENTS, state=None):
    """(params, state) after the last update."""
    return list(trajectory(optimizer, params, gradients, state))[-1]
