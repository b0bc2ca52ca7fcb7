"""What is not finite is named, and the state that is handed out is finite, the optimizer's too."""

import pickle
from itertools import islice

import attrs
import numpy as np
import pytest

import funcnet as fn
from funcnet.command import exit_code
from tests.experiments.cases import MOMENTUM, TEST, TRAIN

MODEL = fn.sequential(fn.Linear(4), fn.ReLU(), fn.Linear(3), fn.Dropout(0.0))
EXPERIMENT = attrs.evolve(MOMENTUM, model=MODEL, optimizer=fn.SGD(1.0), penalty=None, metrics=(), epochs=9)


@fn.register
@attrs.frozen
class Pushed:
    """A gradient that is as it is but for the hidden biases, which a large number moves from step `first` on."""

    number: float
    first: int = 0

    def __call__(self, model, loss, params, x, target, penalty=None):
        value, (hidden, *others) = fn.value_and_grad(model, loss, params, x, target, penalty)
        step = model.layers[-1].key.path[-3]  # of the dropout, whose masks depend on it
        bias = np.full_like(hidden.bias, self.number if step >= self.first else 0.0)
        return value, (attrs.evolve(hidden, bias=bias), *others)


def steps(experiment, n):
    """The states of the first steps, by their numbers."""
    key, optimizer = fn.Key(experiment.seed), experiment.optimizer
    params = experiment.model.init(key.fold_in("init"), TRAIN.input_shape)
    start = fn.TrainState(0, params, optimizer.init(params))
    batches = fn.data.stream(TRAIN, experiment.batch_size, key.fold_in("shuffle"))
    given = experiment.model, experiment.loss, optimizer, start, batches, key.fold_in("training")
    coming = fn.train(*given, gradient=experiment.gradient)
    with np.errstate(all="ignore"):
        return {0: start} | {state.step: state for state, _ in islice(coming, n)}


def all_finite(state):
    return all(np.isfinite(leaf).all() for leaf in fn.tree.leaves(state))


def failed(experiment, **options):
    with pytest.raises(fn.NonFiniteError) as caught:
        fn.run(experiment, TRAIN, TEST, **options)
    return caught.value


@pytest.mark.parametrize("evaluate_every", [1, 4])
def test_a_hidden_bias_that_overflows_is_named_and_the_state_before_is_handed_out(evaluate_every):
    # The bias is -3e38 after the first step, and -inf after the second, so that ReLU is 0 and the loss is finite.
    experiment = attrs.evolve(EXPERIMENT, gradient=Pushed(3e38), evaluate_every=evaluate_every)
    error = failed(experiment)
    assert np.isfinite(error.value)
    assert error.leaves == ("params.0.bias",)
    said = (
        f"params.0.bias is not finite at step 3 (epoch 1), although the loss is {error.value}; the last good state is"
    )
    assert str(error).startswith(said)
    assert error.state == steps(experiment, 1)[1]
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), again.leaves, again.state) == (str(error), error.leaves, error.state)


def test_the_command_says_it_too(capsys):
    def command():
        raise fn.NonFiniteError(None, 0.0, 12, 3, ("params.0.bias", "params.0.weight"))

    assert exit_code(command) == 1
    said = "params.0.bias, params.0.weight are not finite at step 12 (epoch 3), although the loss is 0.0: a lower"
    assert said in capsys.readouterr().err


def test_of_many_leaves_three_are_named():
    error = fn.NonFiniteError(None, np.nan, 12, None, tuple("abcde"))
    assert str(error).startswith("the loss is nan at step 12, and a, b, c and 2 more are not finite; the last good")


@pytest.mark.parametrize("evaluate_every", [1, 4])
@pytest.mark.parametrize("first", [0, 5], ids=["at once", "in the second epoch"])
@pytest.mark.parametrize("optimizer", [fn.Adam, fn.RMSProp, fn.Adagrad])
def test_a_state_whose_optimizer_overflowed_epochs_ago_is_not_handed_out(optimizer, first, evaluate_every):
    # The square of 1e30 is infinite in float32, which no loss shows; at the twelfth step all diverges.
    rate, gradient = fn.schedules.step(1e-3, 12, 1e30), Pushed(1e30, first)
    experiment = attrs.evolve(EXPERIMENT, optimizer=optimizer(rate), gradient=gradient, evaluate_every=evaluate_every)
    error = failed(experiment)
    assert error.epoch > 4
    states = steps(experiment, 12)
    assert max(step for step, state in states.items() if all_finite(state)) == first
    assert error.state == states[first]


@pytest.mark.parametrize("push", [100, 300])
def test_training_step_by_step_hands_out_the_last_state_that_it_knows_to_be_finite(push):
    optimizer, params = fn.Adam(fn.schedules.step(1e-3, 400, 1e30)), MODEL.init(fn.Key(0), TRAIN.input_shape)
    start = fn.TrainState(0, params, optimizer.init(params))

    batches = fn.data.stream(TRAIN, 16, fn.Key(0))
    given = MODEL, EXPERIMENT.loss, optimizer, start, batches, fn.Key(0)
    with np.errstate(all="ignore"), pytest.raises(fn.NonFiniteError) as caught:
        list(fn.train(*given, gradient=Pushed(1e30, push)))
    assert caught.value.step > 400
    assert all_finite(caught.value.state)
    assert caught.value.state.step == 256 * (push > 256)
