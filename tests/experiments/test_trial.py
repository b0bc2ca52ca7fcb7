"""What would end a run later is said before its first step, and whatever ends a run leaves what it reached."""

import sys

import attrs
import numpy as np
import pytest

import funcnet as fn
from funcnet.command import main
from funcnet.experiments import running
from funcnet.values import UnregisteredError
from tests.experiments.cases import HOOK, MOMENTUM, TEST, TRAIN, interrupted, run


@fn.tree.node
class UnknownParams:
    scale: np.ndarray


@fn.register
@attrs.frozen
class Scaled(fn.Layer):
    """A layer whose params are of a class that is not registered."""

    def init(self, key, input_shape, dtype=np.float32):
        return UnknownParams(np.ones(input_shape, dtype))

    def forward(self, params, x):
        return x * params.scale, x

    def backward(self, params, cache, dy):
        return dy * params.scale, UnknownParams((dy * cache).sum(axis=0))


@pytest.fixture(autouse=True)
def _unhooked():
    yield
    HOOK.call = None


def of(model=MOMENTUM.model, **changes):
    """An experiment of which nothing is seen before epoch 3,000."""
    return attrs.evolve(MOMENTUM, model=model, epochs=3000, evaluate_every=3000, **changes)


def relabelled(dataset, index, label):
    y = np.array(dataset.y)
    y[index] = label
    return fn.data.Dataset(dataset.x, y)


def test_params_that_cannot_be_saved_are_refused_before_training(tmp_path):
    with pytest.raises(UnregisteredError, match="UnknownParams is not registered"):
        run(of(fn.sequential(Scaled(), fn.Linear(3))), tmp_path, checkpoint_every=3000)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("train", "test", "name"), [(TRAIN, relabelled(TEST, 7, 5), "test"), (TRAIN, None, "train")])
def test_a_bad_label_is_named_by_its_index_in_the_dataset(train, test, name):
    train = train if test else relabelled(train, 7, 5)
    with pytest.raises(ValueError, match=rf"^{name} data: label 5 at index \(7,\) is not in 0..2"):
        fn.run(of(), train, test)


def test_test_data_of_a_different_shape_are_named():
    with pytest.raises(fn.ShapeError, match=r"test data: .*expected x of shape"):
        fn.run(of(), TRAIN, fn.data.Dataset(TEST.x[:, :4], TEST.y))


def test_a_last_batch_of_one_row_is_refused_before_training():
    model = fn.sequential(fn.Linear(4), fn.BatchNorm(), fn.Linear(3))
    with pytest.raises(ValueError, match="the last batch of an epoch has 1 of 13 examples: batch normalization cannot"):
        run(of(model, batch_size=13))


def test_a_trial_changes_nothing(tmp_path):
    made = run(MOMENTUM, tmp_path)
    assert made.history["step"][-1] == made.state.step == 18


# --- What is left when a run ends early ---


@pytest.mark.parametrize("error", [KeyboardInterrupt, ZeroDivisionError, MemoryError])
@pytest.mark.parametrize("has_directory", [False, True])
def test_the_run_up_to_there_is_on_the_error(error, has_directory, tmp_path):
    def fail(labels, predictions):
        calls.append(1)
        if len(calls) > 6:
            raise error
        return 0.0

    calls, HOOK.call = [], fail
    with pytest.raises(error) as caught:
        run(MOMENTUM, tmp_path if has_directory else None)
    HOOK.call = None
    left, three = caught.value.run, run(attrs.evolve(MOMENTUM, epochs=3))
    assert (left.error, left.receipt) == (caught.value, None)
    assert (left.params, left.state, left.history["loss"]) == (three.params, three.state, three.history["loss"])
    assert str(left).splitlines()[-1].startswith(f"3 of 6 epochs, then {error.__name__}")


def test_a_run_that_cannot_be_saved_is_on_the_error(tmp_path):
    def occupy(labels, predictions):
        calls.append(1)
        if len(calls) == 5:
            (tmp_path / "checkpoint.npz").unlink()
            (tmp_path / "checkpoint.npz").mkdir()
        return 0.0

    calls, HOOK.call = [], occupy
    with pytest.raises(OSError, match=r"checkpoint\.npz") as caught:
        run(MOMENTUM, tmp_path)
    HOOK.call = None
    assert caught.value.run.state.step == 9
    assert caught.value.run.params == run(attrs.evolve(MOMENTUM, epochs=3)).params
    assert caught.value.run.history["epoch"] == (1, 2, 3)


def test_a_loss_that_is_not_finite_has_the_run_too():
    with pytest.raises(fn.NonFiniteError) as caught:
        run(attrs.evolve(MOMENTUM, optimizer=fn.SGD(1e30)))
    assert caught.value.run.error is caught.value


def test_the_run_is_on_an_interruption_before_its_first_epoch(tmp_path, monkeypatch):
    def interrupt():
        raise KeyboardInterrupt

    run(attrs.evolve(MOMENTUM, epochs=2), tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(running, "facts", interrupt)
        with pytest.raises(KeyboardInterrupt) as caught:
            run(MOMENTUM, tmp_path)
    assert caught.value.run.history["epoch"] == (1, 2)
    assert run(MOMENTUM, tmp_path) == run(MOMENTUM)


@pytest.mark.parametrize("name", ["loss", "test loss", "accuracy", "no such column"])
def test_the_history_of_a_run_that_failed_at_once_raises_its_error(name):
    ((_, failed),) = fn.sweep([attrs.evolve(MOMENTUM, batch_size=13, model=fn.BatchNorm())], TRAIN)
    with pytest.raises(ValueError, match="last batch of an epoch"):
        failed.history[name]


def test_a_run_in_a_sweep_that_fails_later_keeps_what_it_reached():
    def fail(labels, predictions):
        calls.append(1)
        return 0.0 if len(calls) < 3 else 1 / 0

    calls, HOOK.call = [], fail
    ((_, failed),) = fn.sweep([MOMENTUM], TRAIN, TEST)
    assert isinstance(failed.error, ZeroDivisionError)
    assert failed.history["epoch"] == (1,)


def test_an_interrupted_run_is_read(tmp_path):
    interrupted(MOMENTUM, tmp_path, 4)
    left = fn.read(tmp_path)
    assert (left.receipt, left.error, left.history["epoch"]) == (None, None, (1, 2, 3))
    assert left.params == run(attrs.evolve(MOMENTUM, epochs=3)).params


def test_a_directory_without_an_epoch_or_a_run_is_not_read(tmp_path):
    with pytest.raises(FileNotFoundError, match="there is no run here"):
        fn.read(tmp_path)
    interrupted(MOMENTUM, tmp_path, 1)
    with pytest.raises(fn.CheckpointError, match="no epoch has been saved yet"):
        fn.read(tmp_path)


def test_a_forged_history_is_not_read(tmp_path):
    run(MOMENTUM, tmp_path)
    file = tmp_path / "history.jsonl"
    file.write_text(file.read_text().replace('"accuracy": 0.', '"accuracy": 0.9', 1))
    with pytest.raises(fn.CheckpointError, match=r"history\.jsonl is damaged, or from a different run"):
        fn.read(tmp_path)


@pytest.mark.parametrize(
    ("given", "told"),
    [(3, "an object of type int"), (fn.Experiment, "the class"), ([MOMENTUM], "an object of type list")],
)
def test_what_is_not_an_experiment_is_refused(given, told):
    with pytest.raises(TypeError, match=f"experiment must be an Experiment, got {told}: write fn.Experiment"):
        fn.run(given, TRAIN)


def test_a_sweep_of_one_experiment_is_a_list():
    with pytest.raises(TypeError, match=r"got one: write \[experiment\]"):
        fn.sweep(MOMENTUM, TRAIN)


@pytest.mark.parametrize(
    ("value", "got"), [("0.5", "'0.5'"), (np.zeros((40, 3)), r"an array of shape \(40, 3\)"), (None, "None")]
)
def test_a_metric_that_does_not_return_a_number_is_named_in_one_line(value, got):
    HOOK.call = lambda labels, predictions: value
    with pytest.raises(TypeError, match=f"^the metric hooked must return a number, got {got}$"):
        run()


def nested(depth):
    """An experiment whose model is in so many combinators."""
    model = fn.Linear(3)
    for _ in range(depth):
        model = fn.sequential(model, fn.ReLU())
    return attrs.evolve(MOMENTUM, model=model, epochs=1)


@pytest.mark.parametrize("depth", [100, 200])
def test_a_model_in_nested_combinators_is_run_read_and_shown(depth, tmp_path, capsys):
    made = fn.run(nested(depth), TRAIN, directory=tmp_path)
    assert fn.read(tmp_path) == made
    assert main(["show", str(tmp_path)]) == 0
    assert made.receipt.digest in capsys.readouterr().out


@pytest.mark.parametrize("depth", [300, 900])
def test_a_model_that_is_nested_too_deeply_is_refused_before_anything_is_written(depth, tmp_path):
    with pytest.raises(ValueError, match="nested too deeply to be"):
        fn.run(nested(depth), TRAIN, directory=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_show_of_a_run_that_is_nested_too_deeply_is_one_line(tmp_path, capsys):
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(10 * limit)
    try:
        fn.run(nested(300), TRAIN, directory=tmp_path)
    finally:
        sys.setrecursionlimit(limit)
    assert main(["show", str(tmp_path)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ")
    assert "nested too deeply" in line
