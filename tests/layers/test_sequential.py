"""sequential is, bit for bit, the composition that one would write by hand."""

import pickle

import numpy as np
import pytest

import funcnet as fn
from funcnet import tree
from funcnet.layers.composites import Sequential
from tests.layers.cases import one_pass
from tests.layers.row import every
from tests.layers.table import MODELS
from tests.passes import every_batch, passes

DEEP = fn.sequential(*[fn.Linear(2), fn.Tanh()] * 500)


def chained(layers, params, x, dy):
    """(y, dx, grads) of layers one after another, as one would write it."""
    caches, grads = [], []
    for layer, p in zip(layers, params, strict=True):
        x, cache = layer.forward(p, x)
        caches.append(cache)
    for layer, p, cache in reversed(list(zip(layers, params, caches, strict=True))):
        dy, layer_grads = layer.backward(p, cache, dy)
        grads.append(layer_grads)
    return x, dy, tuple(reversed(grads))


THREE = fn.Linear(4), fn.Tanh(), fn.Linear(2)


@every_batch
@every([row for row in MODELS if isinstance(row.layer, Sequential)])
def test_sequential_is_bitwise_the_composition_by_hand(layer, shape, batch):
    params, x, _, _, dy = one_pass(layer, shape, batch)
    assert tree.equal(passes(layer, params, x, dy), chained(layer.layers, params, x, dy))


@pytest.mark.parametrize("neutral", [fn.add(fn.Identity()), fn.Dropout(0.5)])
@pytest.mark.parametrize("position", range(len(THREE) + 1))
def test_what_does_nothing_is_neutral(neutral, position):
    params, x, _, _, dy = one_pass(fn.sequential(*THREE), (3,))
    nothing = neutral.init(fn.Key(0), (3,))
    y, dx, grads = passes(fn.sequential(*THREE), params, x, dy)
    longer = fn.sequential(*THREE[:position], neutral, *THREE[position:])
    result = passes(longer, (*params[:position], nothing, *params[position:]), x, dy)
    assert tree.equal(result, (y, dx, (*grads[:position], nothing, *grads[position:])))


@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 3)])
def test_the_empty_sequential_is_the_identity(shape):
    model = fn.sequential()
    params, x, _, _, dy = one_pass(model, shape)
    assert params == ()
    assert model.output_shape(shape) == shape
    assert tree.equal(passes(model, params, x, dy), (x, dy, ()))


def test_a_thousand_layers_are_no_deeper_than_one():
    params, x, _, _, dy = one_pass(DEEP, (2,))
    assert tree.equal(passes(DEEP, params, x, dy), chained(DEEP.layers, params, x, dy))
    assert tree.equal(DEEP.params_backward(params, DEEP.forward(params, x)[1], dy), passes(DEEP, params, x, dy)[2])


def test_a_thousand_layers_are_a_value():
    assert pickle.loads(pickle.dumps(DEEP)) == eval(repr(DEEP), dict(vars(fn))) == DEEP
    assert DEEP.training(fn.Key(0)) == DEEP
    assert len(fn.summary(DEEP, (2,)).splitlines()) == 1 + 1000 + 1


def test_input_given_as_a_list():
    model = fn.sequential(fn.ReLU())
    assert np.array_equal(model.apply(((),), [-1, 2]), [0, 2])
