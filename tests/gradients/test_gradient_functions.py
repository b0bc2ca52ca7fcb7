"""Who computes the gradient is an argument: accumulated, clipped, or a function of one's own."""

import attrs
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import funcnet as fn
from funcnet import tree
from funcnet.testing import strategies
from funcnet.values import from_json, to_json

MODEL = fn.sequential(fn.Linear(4), fn.Tanh(), fn.Linear(2))
PARAMS = MODEL.init(fn.Key(0), (3,), np.float64)
X = np.random.default_rng(0).standard_normal((7, 3))
LABELS = np.array([0, 1, 1, 0, 1, 0, 1])
CROSS_ENTROPY, L2 = fn.SoftmaxCrossEntropy(), fn.L2(0.5)
LOSSES = [*map(fn.SoftmaxCrossEntropy, ("mean", "batch", "sum")), *map(fn.MeanSquaredError, ("mean", "batch", "sum"))]
NORMALIZED = fn.sequential(fn.Linear(4), fn.BatchNorm(), fn.Tanh(), fn.Linear(2))


def target_of(loss):
    return LABELS if isinstance(loss, fn.SoftmaxCrossEntropy) else X[:, :2] / 2


def close(a, b, rtol=1e-12, atol=1e-14):
    return all(np.allclose(x, y, rtol=rtol, atol=atol) for x, y in zip(tree.leaves(a), tree.leaves(b), strict=True))


@pytest.mark.parametrize("n", [1, 2, 3, 7, 100])
@pytest.mark.parametrize("penalty", [None, L2])
@pytest.mark.parametrize("loss", LOSSES, ids=str)
def test_accumulated_is_the_whole_batch(loss, penalty, n):
    whole = fn.value_and_grad(MODEL, loss, PARAMS, X, target_of(loss), penalty)
    assert close(fn.accumulated(n)(MODEL, loss, PARAMS, X, target_of(loss), penalty), whole)


@pytest.mark.parametrize("shapes", [((7, 3), (9, 2)), ((9, 3), (7, 2)), ((3,), (2,)), ((7, 3), ())])
def test_accumulated_takes_as_many_targets_as_rows(shapes):
    x, target = map(np.ones, shapes)
    with pytest.raises(fn.ShapeError, match="x and target must have as many rows"):
        fn.accumulated(2)(MODEL, fn.MeanSquaredError(), PARAMS, x, target)


def test_accumulated_takes_lists_as_value_and_grad_does():
    whole = fn.value_and_grad(MODEL, CROSS_ENTROPY, PARAMS, X.tolist(), LABELS.tolist())
    assert close(fn.accumulated(2)(MODEL, CROSS_ENTROPY, PARAMS, X.tolist(), LABELS.tolist()), whole)


def test_accumulated_sums_of_float16_do_not_stall():
    params, x, labels = tree.cast(PARAMS, np.float16), np.tile(X, (500, 1)).astype(np.float16), np.tile(LABELS, 500)
    value, grads = fn.accumulated(3500)(MODEL, CROSS_ENTROPY, params, x, labels)
    assert value.dtype == np.float16 == grads[0].weight.dtype
    whole = fn.value_and_grad(MODEL, CROSS_ENTROPY, tree.cast(params, np.float64), x.astype(np.float64), labels)
    assert close((value, grads), whole, rtol=0.01, atol=0.002)


def test_accumulated_of_one_is_the_whole_batch_bit_for_bit():
    whole = fn.value_and_grad(MODEL, CROSS_ENTROPY, PARAMS, X, LABELS)
    assert tree.equal(fn.accumulated(1)(MODEL, CROSS_ENTROPY, PARAMS, X, LABELS), whole)


def test_accumulated_keeps_the_dtypes():
    params = tree.cast(PARAMS, np.float32)
    value, grads = fn.accumulated(3)(MODEL, CROSS_ENTROPY, params, X.astype(np.float32), LABELS)
    assert {leaf.dtype for leaf in tree.leaves((value, grads))} == {np.dtype(np.float32)}


def test_accumulated_never_gives_the_model_more_rows_than_a_micro_batch():
    seen = []

    def watched(model, loss, params, x, target, penalty=None):
        seen.append((len(x), len(target), penalty))
        return fn.value_and_grad(model, loss, params, x, target, penalty)

    fn.accumulated(3, watched)(MODEL, CROSS_ENTROPY, PARAMS, X, LABELS, L2)
    assert seen == [(2, 2, None), (2, 2, None), (3, 3, None)]


def test_accumulated_takes_a_tuple_and_an_empty_batch():
    model = fn.sequential(fn.Concatenate(), MODEL)
    whole = fn.value_and_grad(model, CROSS_ENTROPY, ((), PARAMS), (X[:, :1], X[:, 1:]), LABELS)
    assert close(fn.accumulated(2)(model, CROSS_ENTROPY, ((), PARAMS), (X[:, :1], X[:, 1:]), LABELS), whole)
    empty = fn.accumulated(2)(MODEL, fn.SoftmaxCrossEntropy("sum"), PARAMS, X[:0], LABELS[:0])
    assert tree.equal(empty, (np.float64(0), tree.zeros_like(PARAMS)))
    with pytest.raises(ValueError, match="cannot average over an empty batch"):
        fn.accumulated(2)(MODEL, CROSS_ENTROPY, PARAMS, X[:0], LABELS[:0])


@given(st.integers(1, 9), strategies.models((3,), depth=2), st.data())
def test_accumulated_of_any_model_without_statistics_over_the_batch(n, model, data):
    params = data.draw(strategies.params(model, (3,)))
    target = np.zeros((7, *model.output_shape((3,))))
    with np.errstate(all="ignore"):
        whole = fn.value_and_grad(model, fn.MeanSquaredError("sum"), params, X, target)
        parts = fn.accumulated(n)(model, fn.MeanSquaredError("sum"), params, X, target)
    scale = 1e-9 * (1 + max((np.abs(leaf).max(initial=0) for leaf in tree.leaves(whole)), default=0))
    for a, b in zip(tree.leaves(whole), tree.leaves(parts), strict=True):
        assert np.allclose(a, b, rtol=1e-9, atol=scale, equal_nan=True)


def test_clipped_is_the_gradient_clipped():
    value, grads = fn.value_and_grad(MODEL, CROSS_ENTROPY, PARAMS, X, LABELS, L2)
    got, clipped = fn.clipped(0.1)(MODEL, CROSS_ENTROPY, PARAMS, X, LABELS, L2)
    assert got == value
    assert tree.equal(clipped, fn.clip_by_global_norm(grads, 0.1))
    assert not tree.equal(clipped, grads)


def test_they_nest():
    clipped = fn.clipped(0.1, fn.accumulated(2))(MODEL, CROSS_ENTROPY, PARAMS, X, LABELS)[1]
    assert np.isclose(tree.norm(clipped), 0.1)


@pytest.mark.parametrize(
    "gradient",
    [fn.value_and_grad, fn.accumulated(4), fn.clipped(1.0), fn.clipped(0.5, fn.accumulated(2))],
    ids=["default", "accumulated", "clipped", "both"],
)
def test_each_is_a_value_with_json(gradient):
    assert from_json(to_json(gradient)) == gradient
    if gradient is not fn.value_and_grad:
        assert eval(repr(gradient), vars(fn)) == gradient
    assert attrs.evolve(EXPERIMENT, gradient=gradient) == fn.Experiment.from_json(
        attrs.evolve(EXPERIMENT, gradient=gradient).to_json()
    )


EXPERIMENT = fn.Experiment(MODEL, CROSS_ENTROPY, fn.Adam(0.1), batch_size=4, epochs=2)


def test_an_experiment_with_the_default_has_the_json_that_it_had_before_there_was_a_choice():
    assert "gradient" not in EXPERIMENT.to_json()


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: fn.accumulated(0), "n must be an integer of at least 1"),
        (lambda: fn.accumulated(2.5), "n must be an integer"),
        (lambda: fn.clipped(-1.0), "limit"),
        (lambda: fn.clipped(float("nan")), "limit"),
        (lambda: fn.clipped("a"), "expected a real number"),
        (lambda: fn.clipped(1.0, fn.accumulated), "gradient is the class accumulated: write accumulated"),
        (lambda: fn.accumulated(2, 3), "gradient must be a function such as value_and_grad, got 3"),
        (lambda: attrs.evolve(EXPERIMENT, gradient=fn.clipped), "gradient is the class clipped"),
        (lambda: attrs.evolve(EXPERIMENT, gradient=None), "gradient must be a function"),
    ],
)
def test_wrong_arguments(make, words):
    with pytest.raises((TypeError, ValueError), match=words):
        make()


def test_train_step_gives_the_optimizer_the_tracked_params_and_the_gradient_of_the_untracked():
    asked = {}

    @attrs.frozen
    class Spy(fn.SGD):
        def update(self, params, grads, state):
            asked.update(params=params, grads=grads)
            return super().update(params, grads, state)

    spy = Spy(0.1)
    params = NORMALIZED.init(fn.Key(0), (3,), np.float64)
    state = fn.TrainState(0, params, spy.init(params))
    after, _ = fn.train_step(NORMALIZED, CROSS_ENTROPY, spy, state, (X, LABELS), fn.Key(1))
    model = NORMALIZED.training(fn.Key(1).fold_in(0))
    _, cache = model.forward(params, X)
    tracked = model.track(params, cache)
    assert tracked != params
    assert asked["params"] == tracked
    assert after.params[1].running_mean == tracked[1].running_mean
    assert after.params[1].running_var == tracked[1].running_var
    grads = fn.value_and_grad(model, CROSS_ENTROPY, params, X, LABELS)[1]
    assert close(asked["grads"], grads, rtol=0)


def test_a_gradient_of_ones_own_needs_to_know_nothing_of_statistics():
    def by_differences(model, loss, params, x, target, penalty=None):
        vector, unravel = tree.ravel(params)

        def value(v):
            return loss.forward(model.forward(unravel(v), x)[0], target)[0]

        steps = 1e-6 * np.eye(vector.size)
        return value(vector), unravel(np.array([(value(vector + s) - value(vector - s)) / 2e-6 for s in steps]))

    params = NORMALIZED.init(fn.Key(0), (3,), np.float64)
    state = fn.TrainState(0, params, fn.SGD(0.1).init(params))
    batch = X, LABELS
    mine, value = fn.train_step(NORMALIZED, CROSS_ENTROPY, fn.SGD(0.1), state, batch, fn.Key(1), None, by_differences)
    plain, expected = fn.train_step(NORMALIZED, CROSS_ENTROPY, fn.SGD(0.1), state, batch, fn.Key(1))
    assert np.isclose(value, expected)
    assert close(mine.params, plain.params, rtol=1e-6, atol=1e-8)
    assert mine.params[1].running_mean == params[1].running_mean


def test_accumulated_tracks_its_micro_batches_one_after_the_other():
    model, params = NORMALIZED.training(fn.Key(0)), NORMALIZED.init(fn.Key(0), (3,), np.float64)
    grads = fn.accumulated(2)(model, CROSS_ENTROPY, params, X, LABELS)[1]
    expected = params
    for part in (X[:3], X[3:]):
        expected = model.track(expected, model.forward(expected, part)[1])
    assert tree.equal(tree.with_buffers(params, grads), expected)
    clipped = fn.clipped(1e-3, fn.accumulated(2))(model, CROSS_ENTROPY, params, X, LABELS)[1]
    assert tree.equal(tree.with_buffers(params, clipped), expected)


def test_train_and_run_use_it():
    key, data = fn.Key(0), fn.data.Dataset(X, LABELS)
    state = fn.TrainState(0, PARAMS, fn.SGD(0.5).init(PARAMS))
    ((after, _),) = fn.train(MODEL, CROSS_ENTROPY, fn.SGD(0.5), state, [(X, LABELS)], key, None, fn.clipped(1e-3))
    moved = tree.map(np.subtract, after.params, PARAMS)
    assert np.isclose(tree.norm(moved), 0.5e-3)
    plain, clipped = (
        fn.run(attrs.evolve(EXPERIMENT, gradient=gradient), data) for gradient in (fn.value_and_grad, fn.clipped(1e-3))
    )
    assert plain.receipt.digest != clipped.receipt.digest
