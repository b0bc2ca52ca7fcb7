"""Every layer inside has a key of its own, for its initial params and for what it drops in training."""

import attrs
import numpy as np
import pytest

import funcnet as fn
from funcnet import tree
from tests.layers.cases import one_pass
from tests.layers.table import every_layer
from tests.passes import dropout_keys, passes

# --- init ---


@pytest.mark.parametrize("combinator", [fn.sequential, fn.add, fn.concatenate])
@pytest.mark.parametrize("appended", [fn.Linear(3), fn.Dropout(0.5), fn.sequential(fn.Linear(7), fn.Linear(3))])
def test_appending_a_layer_leaves_the_initial_params_of_the_others(combinator, appended):
    layers = fn.Linear(3), fn.ReLU(), fn.Linear(3)
    params = combinator(*layers).init(fn.Key(0), (3,))
    assert tree.equal(combinator(*layers, appended).init(fn.Key(0), (3,))[:3], params)


@pytest.mark.parametrize("combinator", [fn.sequential, fn.add, fn.concatenate])
def test_every_layer_draws_its_own_initial_params(combinator):
    model = combinator(fn.Linear(3), fn.Linear(3), combinator(fn.Linear(3)))
    weights = [model.init(fn.Key(seed), (3,)) for seed in (0, 1)]
    weights = [leaf for path, leaf in tree.named_leaves(tuple(weights)).items() if path.endswith("weight")]
    assert len({weight.tobytes() for weight in weights}) == len(weights) == 6


@every_layer
def test_initial_params_of_two_precisions_agree_to_rounding(layer, shape):
    single, double = (layer.init(fn.Key(0), shape, dtype) for dtype in (np.float32, np.float64))
    assert tree.equal(single, tree.cast(double, np.float32))


# --- training ---

DROPPING = fn.sequential(fn.Dropout(0.5), fn.add(fn.Dropout(0.5), fn.sequential(fn.Dropout(0.5))), fn.Dropout(0.5))


def test_each_dropout_is_trained_under_its_own_key():
    trained = dropout_keys(DROPPING.training(fn.Key(0)))
    assert len(set(trained)) == len(trained) == 4
    assert None not in trained
    assert not set(trained) & set(dropout_keys(DROPPING.training(fn.Key(1))))


def test_training_is_another_layer_and_the_model_stays_as_it_is():
    before = repr(DROPPING)
    trained = DROPPING.training(fn.Key(0))
    assert trained != DROPPING
    assert repr(DROPPING) == before
    assert dropout_keys(DROPPING) == [None] * 4


def test_the_same_key_drops_the_same():
    params, x, _, _, dy = one_pass(DROPPING, (50,))
    first, again, other = (passes(DROPPING.training(fn.Key(seed)), params, x, dy) for seed in (0, 0, 1))
    assert tree.equal(first, again)
    assert not np.array_equal(first[0], other[0])


def test_appending_a_layer_leaves_the_draws_of_the_others():
    layers = fn.Linear(3), fn.Dropout(0.5)
    longer = fn.sequential(*layers, fn.Dropout(0.5), fn.Linear(2)).training(fn.Key(0))
    assert longer.layers[:2] == fn.sequential(*layers).training(fn.Key(0)).layers


def test_training_drops_what_inference_keeps():
    model, x = fn.sequential(fn.Dropout(1.0), fn.residual(fn.Dropout(1.0))), np.ones((2, 3))
    params = model.init(fn.Key(0), (3,))
    assert np.array_equal(model.apply(params, x), 2 * x)
    assert np.array_equal(model.training(fn.Key(0)).apply(params, x), 0 * x)


def test_a_model_without_randomness_is_its_own_training_form():
    model = fn.sequential(fn.Linear(3), fn.residual(fn.ReLU()))
    assert model.training(fn.Key(0)) == model


def test_training_has_the_same_params():
    assert tree.equal(DROPPING.training(fn.Key(0)).init(fn.Key(1), (3,)), DROPPING.init(fn.Key(1), (3,)))


@attrs.frozen
class Unchanging(fn.Layer):
    """Its form in training is the layer itself."""

    def training(self, key):
        return self


@attrs.frozen
class Making(fn.Layer):
    """A layer that makes the layer in its field itself."""

    made: fn.Layer = attrs.field(init=False, factory=Unchanging)
    others: tuple = ((fn.ReLU(),), 3)


def test_a_layer_in_which_nothing_changes_is_its_own_form_in_training():
    layer = Making()
    assert layer.training(fn.Key(7)) is layer
    model = fn.sequential(layer, fn.residual(layer))
    assert model.training(fn.Key(7)) is model


def test_training_takes_time_in_proportion_to_the_depth():
    calls = []

    @attrs.frozen
    class Counting(fn.Layer):
        def training(self, key):
            calls.append(key)
            return self

    model = Counting()
    for _ in range(50):
        model = fn.residual(model)
    model.training(fn.Key(0))
    assert [len(key.path) for key in calls] == [100]
