"""Runs of a model of two inputs, floats and bytes: all that holds of a run of a model of one input."""

import multiprocessing
from concurrent.futures import ProcessPoolExecutor

import attrs
import numpy as np
import pytest

import funcnet as fn
from funcnet.data import Dataset
from funcnet.experiments import prediction
from tests.experiments.cases import ADAM, MOMENTUM, assert_same_run, interrupted, margin
from tests.experiments.cases import run as run_on

MODEL = fn.sequential(fn.parallel(fn.Linear(4), fn.Identity()), fn.Concatenate(), fn.Linear(2))
WITH_DROPOUT = fn.sequential(
    fn.parallel(fn.sequential(fn.Linear(4), fn.Tanh()), fn.Identity()), fn.Concatenate(), fn.Dropout(0.25), fn.Linear(2)
)
PLAIN = fn.Experiment(MODEL, fn.SoftmaxCrossEntropy(), fn.SGD(0.05, momentum=0.9), batch_size=16, epochs=4, seed=3)
EXPERIMENTS = {
    "plain": PLAIN,
    "momentum": attrs.evolve(MOMENTUM, model=WITH_DROPOUT),
    "Adam, early stopping": attrs.evolve(ADAM, model=WITH_DROPOUT),
}
every_experiment = pytest.mark.parametrize("experiment", EXPERIMENTS.values(), ids=EXPERIMENTS)


def mixed(n, seed):
    """Floats and bytes, and a class that is seen in both."""
    draws = np.random.default_rng(seed)
    y = draws.integers(0, 2, n)
    points = draws.normal(size=(n, 3)) + y[:, None]
    counts = draws.integers(0, 3, (n, 2)) + y[:, None]
    return Dataset((points.astype(np.float32), counts.astype(np.uint8)), y)


TRAIN, TEST = mixed(40, 0), mixed(20, 1)
DATA = TRAIN, TEST


def run(experiment=PLAIN, directory=None, data=DATA):
    return run_on(experiment, directory, data)


def each(change, dataset):
    """The dataset with `change` made to each array of x."""
    return Dataset(tuple(change(array) for array in dataset.x), dataset.y)


@every_experiment
def test_the_same_experiment_gives_the_same_run(experiment):
    assert_same_run(run(experiment), run(fn.Experiment.from_json(experiment.to_json())))


@every_experiment
def test_a_run_is_the_fold_of_training_steps_over_shuffled_batches(experiment):
    key, model = fn.Key(experiment.seed), experiment.model
    params = model.init(key.fold_in("init"), ((3,), (2,)), "float32")
    state = fn.TrainState(0, params, experiment.optimizer.init(params))
    for epoch in range(2):
        for _, rows in fn.data.batches(Dataset(TRAIN.y, np.arange(40)), 16, key.fold_in("shuffle"), epoch):
            batch = tuple(array[rows] for array in TRAIN.x), TRAIN.y[rows]
            arguments = model, experiment.loss, experiment.optimizer, state, batch, key.fold_in("training")
            state, _ = fn.train_step(*arguments, experiment.penalty)
    assert run(attrs.evolve(experiment, epochs=2)).state == state


@every_experiment
def test_bytes_give_the_run_of_the_same_numbers_as_floats(experiment):
    floats = [each(lambda array: array.astype(np.float32), dataset) for dataset in DATA]
    made, expected = run(experiment), run(experiment, data=floats)
    assert (made.state, made.history) == (expected.state, expected.history)
    assert made.receipt != expected.receipt  # for they are other data


@every_experiment
def test_the_last_row_has_the_loss_and_metrics_of_the_params(experiment):
    made = run(experiment)
    for prefix, dataset in (("", TRAIN), ("test ", TEST)):
        y = experiment.model.apply(made.state.params, dataset.x)
        assert made.history[f"{prefix}loss"][-1] == experiment.loss.forward(y, dataset.y)[0]
        assert made.history[f"{prefix}accuracy"][-1] == np.mean(np.argmax(y, axis=1) == dataset.y)
        if margin in (experiment.metrics or ()):
            assert made.history[f"{prefix}margin"][-1] == margin(dataset.y, y)


@pytest.mark.parametrize("rows", [1, 2, 7, 39, 40, 41])
def test_a_dataset_is_evaluated_some_rows_of_every_input_at_a_time(rows, monkeypatch):
    class Seeing(fn.Layer):
        n_inputs = 2
        takes_integers = True

        def apply(self, params, x):
            seen.append(x)
            return x[0]

    seen = []
    monkeypatch.setattr(prediction, "_ROWS", rows)
    assert fn.tree.equal(prediction.outputs(Seeing(), (), TRAIN.x), TRAIN.x[0])
    assert fn.tree.equal(tuple(seen), tuple(TRAIN.take(slice(i, i + rows)).x for i in range(0, 40, rows)))


# --- Stopped, resumed, replayed, swept, saved ---


@pytest.mark.parametrize("name", ["momentum", "Adam, early stopping"])
@pytest.mark.parametrize(("epoch", "every"), [(1, 1), (3, 1), (5, 2)])
def test_a_run_that_is_stopped_goes_on_to_the_same_bits(name, epoch, every, tmp_path):
    experiment = EXPERIMENTS[name]
    assert interrupted(experiment, tmp_path, epoch, data=DATA, checkpoint_every=every)
    assert_same_run(run(experiment, tmp_path), run(experiment))
    assert_same_run(run(experiment, tmp_path), run(experiment))  # only read


@every_experiment
def test_a_run_verifies(experiment, tmp_path):
    made = run(experiment, tmp_path)
    found = fn.verify(tmp_path, *DATA)
    assert (found.identical, found.epochs) == (True, made.history["epoch"][-1])


@pytest.mark.parametrize(
    "other",
    [
        each(lambda array: array + np.eye(40, array.shape[1], dtype=array.dtype), TRAIN),
        Dataset(TRAIN.x[::-1], TRAIN.y),
        Dataset((TRAIN.x,), TRAIN.y),
        Dataset(TRAIN.x[0], TRAIN.y),
        Dataset((TRAIN.x[0], TRAIN.x[1].astype(np.float32)), TRAIN.y),
    ],
)
def test_a_run_on_other_inputs_does_not_go_on_and_is_not_verified(other, tmp_path):
    run(directory=tmp_path)
    for use in (lambda: run(directory=tmp_path, data=(other, TEST)), lambda: fn.verify(tmp_path, other, TEST)):
        with pytest.raises(fn.ExperimentError, match="train"):
            use()


@pytest.mark.slow
def test_a_pool_of_processes_has_the_bits_of_single_runs():
    experiments = [*EXPERIMENTS.values(), *fn.grid(PLAIN, seed=range(3))]
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
        runs = list(fn.sweep(experiments, *DATA, pool))
    assert [experiment for experiment, _ in runs] == experiments
    for experiment, made in runs:
        assert made.error is None
        assert_same_run(made, run(experiment))


@pytest.mark.parametrize("name", ["model.npz", "model.safetensors"])
def test_a_trained_model_is_saved_and_loaded(name, tmp_path):
    made = run()
    fn.save(tmp_path / name, MODEL, made.params)
    model, params = fn.load(tmp_path / name)
    assert (model, params) == (MODEL, made.params)
    assert model.apply(params, TEST.x).tobytes() == MODEL.apply(made.params, TEST.x).tobytes()


def test_the_checkpoint_is_of_the_run(tmp_path):
    made = run(directory=tmp_path)
    model, progress = fn.load(tmp_path / "checkpoint.npz")
    assert (model, progress.state) == (MODEL, made.state)


# --- Models that do not fit ---


@pytest.mark.parametrize(
    ("model", "dataset", "message"),
    [
        (fn.Linear(2), TRAIN, r"one array, got .*\(3,\) and \(2,\)"),
        (fn.sequential(fn.Linear(2)), TRAIN, r"Linear\(n_out=2\) takes one array, got .* \(3,\) and \(2,\)"),
        (
            MODEL,
            Dataset(TRAIN.x[0], TRAIN.y),
            r"parallel of 2 layers takes a tuple of 2, got one array of shape \(3,\)",
        ),
        (MODEL, Dataset((*TRAIN.x, TRAIN.y), TRAIN.y), r"a tuple of 2, got a tuple of 3 .*\(\(3,\), \(2,\), \(\)\)"),
    ],
)
def test_a_model_of_another_number_of_inputs_says_both(model, dataset, message):
    with pytest.raises(fn.ShapeError, match=message):
        run(attrs.evolve(PLAIN, model=model), data=(dataset, None))
