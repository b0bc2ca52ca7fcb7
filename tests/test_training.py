"""Training: pure steps, whose draws come from the key and the step alone, and which go on from any state."""

import copy
import itertools
import pickle

import numpy as np
import pytest

import funcnet as fn
from funcnet.tree import equal

KEY = fn.Key(3)
DATASET = fn.data.parity(4)
MODEL = fn.sequential(fn.Linear(6), fn.ReLU(), fn.Dropout(0.3), fn.Linear(2))
LOSS = fn.SoftmaxCrossEntropy()
OPTIMIZER = fn.Adam(0.05)


def start(optimizer=OPTIMIZER):
    params = MODEL.init(KEY.fold_in("init"), (4,))
    return fn.TrainState(0, params, optimizer.init(params))


def steps(state, n, key=KEY, optimizer=OPTIMIZER, **options):
    """The state and the values after n steps from the state on."""
    batches = fn.data.stream(DATASET, 5, key, state.step)
    run = list(itertools.islice(fn.train(MODEL, LOSS, optimizer, state, batches, key, **options), n))
    return run[-1][0] if run else state, [value for _, value in run]


def test_a_run_that_goes_on_from_any_state_is_the_straight_run():
    straight, values = steps(start(), 12)
    for n in range(12):
        half, first = steps(start(), n)
        end, rest = steps(pickle.loads(pickle.dumps(half)), 12 - n)
        assert end == straight
        assert first + rest == values


def test_another_key_gives_another_run():
    assert steps(start(), 3)[0] == steps(start(), 3)[0] != steps(start(), 3, key=fn.Key(4))[0]


def test_a_step_is_forward_backward_and_update_in_training():
    state, batch = start(), next(fn.data.stream(DATASET, 5, KEY))
    after, value = fn.train_step(MODEL, LOSS, OPTIMIZER, state, batch, KEY)
    expected, grads = fn.value_and_grad(MODEL.training(KEY.fold_in(0)), LOSS, state.params, *batch)
    assert value == expected
    assert (after.params, after.optimizer_state) == OPTIMIZER.update(state.params, grads, state.optimizer_state)
    assert after.step == 1


def test_the_masks_depend_on_the_step():
    state, batch = start(), next(fn.data.stream(DATASET, 5, KEY))
    later = fn.TrainState(1, state.params, state.optimizer_state)
    values = [fn.train_step(MODEL, LOSS, OPTIMIZER, each, batch, KEY)[1] for each in (state, later)]
    assert values[0] != values[1]


def test_a_step_changes_nothing_and_draws_from_no_shared_generator():
    state, batch = start(), next(fn.data.stream(DATASET, 5, KEY))
    before, global_state = copy.deepcopy(state), np.random.get_state()[1].copy()  # noqa: NPY002
    fn.train_step(MODEL, LOSS, OPTIMIZER, state, batch, KEY)
    assert state == before
    assert (np.random.get_state()[1] == global_state).all()  # noqa: NPY002


def test_a_penalty_counts():
    plain, penalized = (steps(start(), 2, penalty=penalty)[1] for penalty in (None, fn.L2(1.0)))
    assert penalized[0] > plain[0]


def test_training_is_as_lazy_as_it_is_asked():
    asked = []
    batches = (asked.append(batch) or batch for batch in fn.data.stream(DATASET, 5, KEY))
    run = fn.train(MODEL, LOSS, OPTIMIZER, start(), batches, KEY)
    assert len(asked) == 0
    next(run)
    assert len(asked) == 1


def test_training_ends_with_the_batches():
    batches = fn.data.batches(DATASET, 5, KEY, 0)
    assert [state.step for state, _ in fn.train(MODEL, LOSS, OPTIMIZER, start(), batches, KEY)] == [1, 2, 3, 4]
    assert list(fn.train(MODEL, LOSS, OPTIMIZER, start(), [], KEY)) == []


def diverged():
    x, target = next(fn.data.stream(DATASET, 5, KEY))
    batches = [(x, target), (x, target), (x * np.nan, target)]
    with pytest.raises(fn.NonFiniteError) as caught:
        list(fn.train(MODEL, LOSS, OPTIMIZER, start(), batches, KEY))
    return caught.value, list(fn.train(MODEL, LOSS, OPTIMIZER, start(), batches[:2], KEY))[-1][0]


def test_a_loss_that_is_not_finite_stops_training_with_the_last_good_state():
    error, good = diverged()
    assert error.state == good
    assert np.isnan(error.value)
    assert str(error) == "the loss is nan at step 3; the last good state is this error's attribute `state`"
    assert isinstance(error, ArithmeticError)


def test_the_error_survives_pickle():
    error, good = diverged()
    again = pickle.loads(pickle.dumps(error))
    assert (again.state, again.epoch, str(again)) == (good, None, str(error))
    assert "at step 3 (epoch 7)" in str(fn.NonFiniteError(good, np.inf, 3, 7))


def test_a_state_is_a_node():
    state = steps(start(), 1)[0]
    assert not any(leaf.flags.writeable for leaf in fn.tree.leaves(state))
    assert "params.0.weight" in fn.tree.named_leaves(state)


@pytest.mark.parametrize("step", [0, 1, 3, 4, 5, 8, 17])
def test_a_stream_goes_on_at_any_step(step):
    expected = itertools.islice(fn.data.stream(DATASET, 5, KEY), step, step + 6)
    for batch, other in zip(fn.data.stream(DATASET, 5, KEY, step), expected, strict=False):
        assert equal(batch, other)


def test_a_stream_is_the_epochs_one_after_the_other():
    epochs = [batch for epoch in range(3) for batch in fn.data.batches(DATASET, 5, KEY, epoch)]
    stream = list(itertools.islice(fn.data.stream(DATASET, 5, KEY), 12))
    assert fn.data.steps_per_epoch(DATASET, 5) == 4
    assert all(equal(a, b) for a, b in zip(epochs, stream, strict=True))


@pytest.mark.parametrize("arguments", [(DATASET, 0, KEY), (DATASET.take([]), 5, KEY), (DATASET, 5, KEY, -1)])
def test_no_stream_of_nothing(arguments):
    with pytest.raises(ValueError, match="at least"):
        fn.data.stream(*arguments)


def test_a_step_needs_a_key():
    with pytest.raises(TypeError, match="expected a key"):
        fn.train_step(MODEL, LOSS, OPTIMIZER, start(), next(fn.data.stream(DATASET, 5, KEY)), 0)
