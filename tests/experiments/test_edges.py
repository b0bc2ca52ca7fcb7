"""Runs at the edges of their promises: layouts, limits that overlap, defaults that change, directories half made."""

import json
import os
import pathlib
import threading
import zipfile

import attrs
import numpy as np
import pytest

import funcnet as fn
from funcnet.command import main
from funcnet.experiments.directory import NAMES, Directory
from funcnet.experiments.environment import blas_threads, facts
from funcnet.values import from_json
from tests.experiments.cases import MOMENTUM, TEST, TRAIN, run
from tests.experiments.test_experiment import LINEAR

SHORT = attrs.evolve(MOMENTUM, epochs=3)


def test_the_layout_of_data_changes_neither_digest_nor_bits():
    x = np.random.default_rng(0).standard_normal((40, 5, 6)).astype(np.float32)
    model = fn.sequential(fn.Softmax(), fn.Flatten(), fn.Linear(3))
    experiment = attrs.evolve(MOMENTUM, model=model, metrics=(), keep_best=None, early_stopping=None, epochs=2)
    datasets = [
        fn.data.Dataset(each, np.arange(40) % 3) for each in (x, np.asfortranarray(x), x.astype(">f4"), x.T.copy().T)
    ]
    runs = [fn.run(experiment, dataset) for dataset in datasets]
    assert len({dataset.digest for dataset in datasets}) == 1
    assert all(run == runs[0] and run.params == runs[0].params for run in runs)


def test_the_least_of_several_limits_holds_until_it_is_left():
    def threads():
        return facts()["BLAS threads"]

    before, first, second = threads(), blas_threads(1), blas_threads(2)
    first.__enter__()
    other = threading.Thread(target=second.__enter__)
    other.start()
    other.join()
    assert threads() == "1"
    first.__exit__(None, None, None)  # the one that came first leaves first
    assert threads() == "2"
    second.__exit__(None, None, None)
    assert threads() == before


def test_a_refused_run_leaves_the_directory_as_it_was(tmp_path):
    (tmp_path / "experiment.json").write_text(LINEAR.to_json())  # killed before the next file
    with pytest.raises(fn.ExperimentError, match="batch_size is 4 there and 5 here"):
        fn.run(attrs.evolve(LINEAR, batch_size=5), TRAIN, directory=tmp_path)
    assert os.listdir(tmp_path) == ["experiment.json"]
    fn.run(LINEAR, fn.data.parity(3), directory=tmp_path)
    (tmp_path / "receipt.json").unlink()
    with pytest.raises(fn.ExperimentError, match=r"has a checkpoint.npz but no receipt.json"):
        fn.run(LINEAR, fn.data.xor(), directory=tmp_path)


def test_a_run_that_ended_is_read_and_no_file_changes(tmp_path):
    fn.run(LINEAR, fn.data.parity(3), directory=tmp_path)
    before = {path.name: path.stat().st_ino for path in tmp_path.iterdir()}
    fn.run(LINEAR, fn.data.parity(3), directory=tmp_path)
    assert {path.name: path.stat().st_ino for path in tmp_path.iterdir()} == before


def test_a_relative_directory_stays_where_it_was(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    directory = Directory("here")
    monkeypatch.chdir("/")
    assert directory.path == tmp_path / "here"


def test_an_update_that_overflows_is_not_the_last_good_state():
    model, loss = fn.Linear(1), fn.MeanSquaredError()
    optimizer = fn.SGD(lambda step: 1e308 if step == 2 else 1e-3)
    params = fn.LinearParams(weight=np.array([[1.0]]), bias=np.array([0.0]))
    state = fn.TrainState(0, params, optimizer.init(params))
    batches = [(np.full((1, 1), 100.0), np.zeros((1, 1)))] * 5
    with np.errstate(all="ignore"), pytest.raises(fn.NonFiniteError) as caught:
        list(fn.train(model, loss, optimizer, state, batches, fn.Key(0)))
    assert (caught.value.step, caught.value.state.step) == (4, 2)
    assert all(np.isfinite(leaf).all() for leaf in fn.tree.leaves(caught.value.state.params))


@fn.register
def spoiling(targets, predictions):
    predictions[:] = 0
    return 0.0


def test_a_metric_that_writes_to_the_predictions_is_stopped():
    with pytest.raises(ValueError, match="read-only"):
        fn.run(attrs.evolve(LINEAR, metrics=[spoiling, fn.metrics.accuracy]), fn.data.parity(3))


@fn.register
def nothing(targets, predictions):
    return None


def test_a_metric_that_gives_no_number_and_a_test_of_nothing_are_told():
    with pytest.raises(TypeError, match="the metric nothing must return a number, got None"):
        fn.run(attrs.evolve(LINEAR, metrics=[nothing]), fn.data.parity(3))
    with pytest.raises(ValueError, match="test has no examples"):
        fn.run(LINEAR, TRAIN, TEST.take([]))


def test_seconds_are_those_of_all_epochs_since_the_last_row():
    every = fn.run(attrs.evolve(LINEAR, epochs=200), fn.data.parity(3)).history["seconds"]
    last = fn.run(attrs.evolve(LINEAR, epochs=200, evaluate_every=200), fn.data.parity(3)).history["seconds"]
    assert len(last) == 1
    assert last[0] > 20 * min(every)


@pytest.mark.parametrize(
    "text",
    [
        '{"type": "SGD", "learning_rate": 1' + "0" * 400 + "}",
        '{"type": "Parallel", "joining": 5, "layers": []}',
        '{"type": "L2", "strength": {"type": "Key", "seed": 0}}',
    ],
)
def test_hostile_json_is_a_value_error_and_one_line_of_the_command(text, tmp_path, capsys):
    with pytest.raises(ValueError, match=r"SGD|Parallel|L2"):
        from_json(text)
    (tmp_path / "a.json").write_text(text)
    assert main(["run", str(tmp_path / "a.json")]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_a_field_named_type_cannot_be_registered():
    with pytest.raises(ValueError, match="must not have a field called type: JSON uses that name for the class"):
        fn.register(attrs.make_class("Typed", ["type"], frozen=True))


def test_a_changed_default_makes_another_experiment():
    plain = json.loads(LINEAR.to_json())
    assert {"momentum", "nesterov", "weight_decay", "frozen"} < plain["optimizer"].keys()
    del plain["optimizer"]["momentum"]  # written before there was one
    assert fn.Experiment.from_json(json.dumps(plain)) == LINEAR


def test_links_stay_links_and_modes_stay(tmp_path):
    path, link = tmp_path / "there.npz", tmp_path / "here.npz"
    fn.save(path, fn.ReLU(), ())
    path.chmod(0o600)
    link.symlink_to(path)
    fn.save(link, fn.Tanh(), ())
    assert link.is_symlink()
    assert fn.load(path) == (fn.Tanh(), ())
    assert path.stat().st_mode & 0o777 == 0o600


def test_entries_that_overlap_are_refused(tmp_path):
    path = tmp_path / "nested.npz"
    fn.save(path, fn.Linear(2), fn.Linear(2).init(fn.Key(0), (50,)))
    data = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        sizes = [info.file_size for info in archive.infolist()]
    start = data.rfind(b"PK\x01\x02")  # the directory's last entry says that it is as large as all of them
    data[start + 20 : start + 28] = 2 * (sum(sizes)).to_bytes(4, "little")
    path.write_bytes(data)
    with pytest.raises(fn.CheckpointError, match=r"larger than the file|damaged"):
        fn.load(path)


@pytest.mark.parametrize("kind", [str, pathlib.Path])
def test_a_tilde_is_the_home_folder(kind, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    run(SHORT, kind("~/runs/a b"))
    assert os.listdir(tmp_path) == ["home"]
    assert fn.read(kind("~/runs/a b")) == run(SHORT)
    assert fn.verify(kind("~/runs/a b"), TRAIN, TEST)
    assert sorted(os.listdir(tmp_path / "home" / "runs" / "a b")) == sorted(NAMES)


@pytest.mark.parametrize(
    ("directory", "message"),
    [
        (3, "directory must be a path"),
        (b"runs", "directory must be a path"),
        ("", "got an empty string"),
        ("r\0", r"directory must be .* got 'r\\x00'"),
    ],
)
def test_what_is_not_a_path_is_refused(directory, message):
    for use in (lambda: run(SHORT, directory), lambda: fn.read(directory), lambda: fn.verify(directory, TRAIN)):
        with pytest.raises((TypeError, ValueError), match=message):
            use()


def test_a_directory_with_other_names_of_features_or_classes_is_refused(tmp_path):
    def data(features=None, classes=None):
        return (fn.data.Dataset(TRAIN.x, TRAIN.y, feature_names=features, class_names=classes),)

    named = data(list("abcdef"), ["low", "middle", "high"])
    ended = run(SHORT, tmp_path, data=named)
    assert run(SHORT, tmp_path, data=data()) == run(SHORT, tmp_path, data=named) == ended
    for other, what in ((data(list("bacdef")), "features"), (data(None, ["high", "middle", "low"]), "classes")):
        with pytest.raises(fn.ExperimentError, match=rf"different data: the names of its {what} are \(.* there and \("):
            run(SHORT, tmp_path, data=other)
