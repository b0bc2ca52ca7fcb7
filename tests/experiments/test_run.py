"""Runs: what is recorded of each epoch, when they stop, which params they hand back, and how they fail."""

import math
from functools import cache

import attrs
import numpy as np
import pytest

import funcnet as fn
from funcnet.experiments.history import digests
from tests.experiments.cases import ADAM, EXPERIMENTS, HOOK, MOMENTUM, TEST, TRAIN, assert_same_run, margin, run

ALONE = {"early_stopping": None, "keep_best": None}
every_experiment = pytest.mark.parametrize("experiment", EXPERIMENTS.values(), ids=EXPERIMENTS)


@cache
def straight_run(experiment):
    """The run of an experiment that neither stops early nor keeps the best, once for all tests."""
    return run(attrs.evolve(experiment, **ALONE))


def after(experiment, epochs):
    """The params after so many epochs of it."""
    return straight_run(attrs.evolve(experiment, epochs=epochs, evaluate_every=1, **ALONE)).params


@pytest.fixture
def hook():
    yield HOOK
    HOOK.call = None


@every_experiment
def test_the_same_experiment_gives_the_same_run(experiment):
    assert_same_run(run(experiment), run(fn.Experiment.from_json(experiment.to_json())))


def test_another_seed_gives_another_run():
    made, other = run(), run(attrs.evolve(MOMENTUM, seed=5))
    assert made != other
    assert made.history["params"][0] != other.history["params"][0]


@every_experiment
def test_every_epoch_has_its_row(experiment):
    made = run(experiment)
    epochs = made.history["epoch"]
    assert epochs == tuple(range(1, len(epochs) + 1))
    assert made.history["step"] == tuple(3 * epoch for epoch in epochs)
    assert made.state.step == 3 * len(epochs)
    assert all(seconds > 0 for seconds in made.history["seconds"])
    rate = experiment.optimizer.learning_rate
    assert made.history["learning_rate"] == tuple(rate(3 * e - 1) if callable(rate) else rate for e in epochs)
    for epoch in epochs:
        params = after(experiment, epoch)
        assert made.history["params"][epoch - 1] == digests(params)["params"]
        for prefix, data in (("", TRAIN), ("test ", TEST)):
            y = experiment.model.apply(params, data.x)
            assert made.history[f"{prefix}loss"][epoch - 1] == experiment.loss.forward(y, data.y)[0]
            assert made.history[f"{prefix}accuracy"][epoch - 1] == np.mean(np.argmax(y, axis=1) == data.y)
            if margin in experiment.metrics:
                assert made.history[f"{prefix}margin"][epoch - 1] == margin(data.y, y)


@every_experiment
def test_an_epoch_is_the_fold_of_training_steps_over_shuffled_batches(experiment):
    key, model = fn.Key(experiment.seed), experiment.model
    params = model.init(key.fold_in("init"), (6,), "float32")
    state = fn.TrainState(0, params, experiment.optimizer.init(params))
    for epoch in range(2):
        for batch in fn.data.batches(TRAIN, 16, key.fold_in("shuffle"), epoch):
            arguments = (model, experiment.loss, experiment.optimizer, state, batch, key.fold_in("training"))
            state, _ = fn.train_step(*arguments, experiment.penalty, experiment.gradient)
    assert run(attrs.evolve(experiment, epochs=2)).state == state


def test_the_digests_tell_the_leaves_apart():
    made = run()
    names = tuple(fn.tree.named_leaves(made.params))
    assert all(len(leaves) == len(names) == len(set(leaves)) for leaves in made.history["leaves"])
    digest = digests(made.params)["params"]
    assert digests(fn.tree.map(np.asfortranarray, made.params))["params"] == digest
    assert digests(fn.tree.map(lambda leaf: leaf.astype(">f4"), made.params))["params"] == digest
    assert digests(fn.tree.map(lambda leaf: leaf.astype("f8"), made.params))["params"] != digest


MEAN, LABELS = fn.MeanSquaredError(), np.array([0, 1, 1, 0])
X = np.float32([[0, 1], [1, 0], [1, 1], [0, 0]])
DEFAULTS = [
    (fn.SoftmaxCrossEntropy(), fn.Linear(2), LABELS, ["accuracy"]),
    (fn.SoftmaxCrossEntropy(), fn.Linear(2), np.eye(2, dtype=np.float32)[LABELS], []),
    (fn.SigmoidBinaryCrossEntropy(), fn.Linear(1), LABELS[:, None], ["binary_accuracy"]),
    (fn.BinaryCrossEntropy(), fn.sequential(fn.Linear(1), fn.Sigmoid()), LABELS[:, None], ["binary_accuracy"]),
    (fn.SigmoidBinaryCrossEntropy(), fn.Linear(1), LABELS[:, None] / 2, []),
    (MEAN, fn.Linear(1), LABELS[:, None], []),
]


@pytest.mark.parametrize(("loss", "model", "y", "names"), DEFAULTS)
def test_the_metrics_by_default_are_the_losses_own(loss, model, y, names):
    experiment = fn.Experiment(model, loss, fn.SGD(0.1), batch_size=2, epochs=2)
    history = fn.run(experiment, fn.data.Dataset(X, y)).history
    assert list(history)[3:] == ["loss", *names, "params", "leaves", "seconds"]
    for name in names:  # the threshold of logits is 0, that of probabilities 0.5
        scores = model.apply(fn.run(experiment, fn.data.Dataset(X, y)).params, X)
        right = np.argmax(scores, 1) == y if name == "accuracy" else (scores > 0.5 * ("Seq" in repr(type(model)))) == y
        assert history[name][-1] == np.mean(right)


def test_a_dataset_may_be_larger_than_what_is_evaluated_at_once():
    big = fn.data.Dataset(np.tile(TRAIN.x, (250, 1)), np.tile(TRAIN.y, 250))
    experiment = attrs.evolve(MOMENTUM, epochs=1, batch_size=5000, metrics=(margin,))
    made = fn.run(experiment, big)
    y = experiment.model.apply(made.params, big.x)
    np.testing.assert_allclose(made.history["loss"], experiment.loss.forward(y, big.y)[0], rtol=1e-6)
    np.testing.assert_allclose(made.history["margin"], margin(big.y, y), rtol=1e-5)


def test_no_epochs_leave_the_params_as_they_were_initialized():
    made = run(attrs.evolve(MOMENTUM, epochs=0))
    assert made.params == MOMENTUM.model.init(fn.Key(1).fold_in("init"), (6,), "float32")
    assert (made.state.step, len(made.history), made.receipt.epochs) == (0, 0, ())


@pytest.mark.parametrize("every", [2, 4, 6, 100])
def test_epochs_between_evaluations_have_no_row(every):
    made, straight = run(attrs.evolve(MOMENTUM, evaluate_every=every)), run()
    assert made.history["epoch"] == tuple(e for e in range(1, 7) if e % every == 0 or e == 6)
    assert made.state == straight.state
    for name in ("loss", "test margin", "params", "learning_rate"):
        assert made.history[name] == tuple(straight.history[name][e - 1] for e in made.history["epoch"])


@pytest.mark.parametrize("dtype", ["float16", "float64"])
def test_params_are_of_the_dtype(dtype):
    made = run(attrs.evolve(MOMENTUM, dtype=dtype, epochs=1))
    assert {leaf.dtype for leaf in fn.tree.leaves(made.params)} == {np.dtype(dtype)}


# --- When to stop, and what to keep: against a run that does neither ---


@every_experiment
@pytest.mark.parametrize("goal", ["min", "max"])
@pytest.mark.parametrize("metric", ["loss", "test loss", "test accuracy"])
@pytest.mark.parametrize("every", [1, 2])
@pytest.mark.slow
def test_the_best_params_are_those_of_the_best_epoch(experiment, goal, metric, every):
    plain = attrs.evolve(experiment, epochs=8, evaluate_every=every, **ALONE)
    straight = straight_run(plain)
    values = straight.history[metric]
    best = straight.history["epoch"][values.index(min(values) if goal == "min" else max(values))]
    made = run(attrs.evolve(plain, keep_best=fn.KeepBest(metric, goal)))
    assert made.params == after(experiment, best)
    assert made.state == straight.state
    assert made.history == straight.history


def stopped_at(epochs, values, goal, patience):
    """The epoch at which a run stops: the first that is `patience` after the first best of those until then."""
    for i, epoch in enumerate(epochs):
        best = (min if goal == "min" else max)(values[: i + 1])
        if epoch - epochs[values.index(best)] >= patience:
            return epoch
    return epochs[-1]


@every_experiment
@pytest.mark.parametrize("goal", ["min", "max"])
@pytest.mark.parametrize("patience", [1, 3])
@pytest.mark.parametrize("every", [1, 2])
@pytest.mark.slow
def test_a_run_stops_when_its_patience_is_over(experiment, goal, patience, every):
    plain = attrs.evolve(experiment, epochs=8, evaluate_every=every, **ALONE)
    straight = straight_run(plain)
    for metric in ("test loss", "test accuracy"):
        stops = stopped_at(straight.history["epoch"], straight.history[metric], goal, patience)
        made = run(attrs.evolve(plain, early_stopping=fn.EarlyStopping(metric, goal, patience)))
        assert made.history["epoch"][-1] == stops
        assert made.state.params == made.params == after(experiment, stops)
        assert made.history["params"] == straight.history["params"][: len(made.history["epoch"])]


@every_experiment
@pytest.mark.parametrize(("goal", "which"), [("min", 3), ("max", 2), ("min", 0), ("max", 0)])
@pytest.mark.parametrize("off", [0.0, 1e-9])
def test_a_run_stops_when_its_target_is_reached(experiment, goal, which, off):
    plain = attrs.evolve(experiment, epochs=8, **ALONE)
    losses = straight_run(plain).history["test loss"]
    target = losses[which] + (off if goal == "min" else -off)
    reached = [loss <= target if goal == "min" else loss >= target for loss in losses]
    made = run(attrs.evolve(plain, early_stopping=fn.EarlyStopping("test loss", goal, target=target)))
    assert made.history["epoch"][-1] == reached.index(True) + 1
    never = fn.EarlyStopping("test loss", goal, target=-1 if goal == "min" else 99)
    assert run(attrs.evolve(plain, early_stopping=never)).history == straight_run(plain).history


def hooked_values(hook, values):
    """Let the metric have these values, on training and test data, epoch by epoch."""
    coming = iter([value for value in values for _ in range(2)])
    hook.call = lambda labels, predictions: next(coming)


NAN, INF = math.nan, math.inf
BEST = [
    ([NAN, 2.0, 1.0, NAN, 1.0], "min", 3),
    ([NAN, 2.0, 1.0, NAN, 2.0], "max", 2),
    ([NAN, NAN, INF, NAN, INF], "min", 3),
    ([-INF, NAN, -INF, NAN, -2.0], "max", 5),
]


@pytest.mark.parametrize(("values", "goal", "best"), BEST)
def test_nan_is_never_best(values, goal, best, hook):
    hooked_values(hook, values)
    made = run(attrs.evolve(MOMENTUM, epochs=5, keep_best=fn.KeepBest("test hooked", goal)))
    assert made.history["test hooked"] == pytest.approx(values, nan_ok=True)
    assert made.params == after(attrs.evolve(MOMENTUM, metrics=()), best)


def test_params_are_not_kept_where_no_epoch_is_the_best(hook):
    hooked_values(hook, [NAN] * 5)
    with pytest.raises(ValueError, match=r"no best epoch to keep: 'test hooked' was NaN in each of them") as caught:
        run(attrs.evolve(MOMENTUM, epochs=5, keep_best=fn.KeepBest("test hooked", "min")))
    assert caught.value.run.params == after(attrs.evolve(MOMENTUM, metrics=()), 5)


@pytest.mark.parametrize(
    ("values", "stops"), [([NAN, 1.0, 1.0, NAN, 0.0, 0.0], 4), ([NAN] * 6, 2), ([1.0, NAN, 0.5, NAN, NAN, 0.0], 5)]
)
def test_nan_is_not_progress(values, stops, hook):
    hooked_values(hook, values)
    stopping = fn.EarlyStopping("hooked", "min", patience=2)
    assert run(attrs.evolve(MOMENTUM, early_stopping=stopping)).history["epoch"][-1] == stops


# --- What is not finite ---

DIVERGING = attrs.evolve(MOMENTUM, model=fn.Linear(3), optimizer=fn.SGD(1e30), penalty=fn.L2(1.0), metrics=())
OPTIMIZERS = [
    fn.SGD(1e30, momentum=0.9),
    *(optimizer(1e200) for optimizer in (fn.SGD, fn.RMSProp, fn.Adagrad, fn.Adam)),
]


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_a_diverging_run_stops_with_its_last_good_state_and_no_warning(optimizer, dtype):
    experiment = attrs.evolve(DIVERGING, optimizer=optimizer, dtype=dtype, epochs=40)
    with pytest.raises(fn.NonFiniteError) as caught:
        run(experiment)  # and a warning is an error
    error = caught.value
    assert not np.isfinite(error.value)
    assert error.epoch == (error.step - 1) // 3 + 1
    assert f"at step {error.step} (epoch {error.epoch})" in str(error)
    assert error.state.step < error.step
    assert all(np.isfinite(leaf).all() for leaf in fn.tree.leaves(error.state.params))
    if error.epoch > 1:  # the epochs before are those of a run that ends there
        ended = run(attrs.evolve(experiment, epochs=error.epoch - 1))
        assert error.state == ended.state or error.state.step > ended.state.step


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_a_run_that_diverges_within_its_only_step_is_evaluated_without_warnings(optimizer):
    with pytest.raises(fn.NonFiniteError):
        run(attrs.evolve(DIVERGING, optimizer=optimizer, batch_size=40, epochs=40))


def test_data_that_is_not_finite_is_found_at_its_step():
    x = TRAIN.x.copy()
    x[7] = np.nan
    with pytest.raises(fn.NonFiniteError) as caught:
        fn.run(attrs.evolve(MOMENTUM, metrics=()), fn.data.Dataset(x, TRAIN.y), check_data=False)
    batches = fn.data.batches(TRAIN.take(slice(None)), 16, fn.Key(1).fold_in("shuffle"), 0)
    expected = next(step for step, (x, _) in enumerate(batches) if (x == TRAIN.x[7]).all(axis=1).any())
    assert (caught.value.state.step, caught.value.epoch) == (expected, 1)


@pytest.mark.parametrize("wrong", [(TRAIN.x, TRAIN.y), None, TRAIN.x])
def test_what_is_not_a_dataset_is_reported(wrong):
    for arguments in ((wrong,), (TRAIN, wrong)):
        if arguments[-1] is not None or len(arguments) == 1:
            with pytest.raises(TypeError, match="must be a Dataset"):
                fn.run(attrs.evolve(ADAM, metrics=(), early_stopping=None, keep_best=None), *arguments)
    with pytest.raises((TypeError, ValueError), match="checkpoint_every"):
        run(checkpoint_every=0)
