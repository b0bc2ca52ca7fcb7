"""The directory of a run: what is in it, whose it is, and that a run which is stopped goes on as if it had not been."""

import json
import os
import shutil

import attrs
import numpy as np
import pytest

import funcnet as fn
from funcnet.experiments import running
from funcnet.experiments.directory import NAMES
from funcnet.experiments.locking import opened
from funcnet.values import UnregisteredError
from tests.experiments.cases import ADAM, EXPERIMENTS, HOOK, MOMENTUM, TEST, TRAIN, assert_same_run, interrupted, run
from tests.saving.test_checkpoint import damaged

EXPERIMENT, HISTORY, CHECKPOINT, RECEIPT = NAMES
STRAIGHT = {name: run(experiment) for name, experiment in EXPERIMENTS.items()}
every_experiment = pytest.mark.parametrize("name", EXPERIMENTS)
SHORT = attrs.evolve(MOMENTUM, epochs=3)
SHORT_STRAIGHT = run(SHORT)


@pytest.fixture
def folder(tmp_path):
    yield tmp_path / "runs" / "one"
    HOOK.call = None


@pytest.fixture
def full(tmp_path):
    """A folder with an ended run."""
    run(SHORT, tmp_path / "full")
    return tmp_path / "full"


@pytest.fixture
def quick(monkeypatch):
    """A disk that needs no time."""
    monkeypatch.setattr(os, "fsync", lambda file: None)


def lines(folder):
    return (folder / HISTORY).read_text().splitlines()


@every_experiment
def test_a_run_leaves_its_files(name, folder):
    made = run(EXPERIMENTS[name], folder)
    assert_same_run(made, STRAIGHT[name])
    assert sorted(os.listdir(folder)) == sorted(NAMES)
    assert fn.Experiment.from_json((folder / EXPERIMENT).read_text()) == EXPERIMENTS[name]
    rows = [json.loads(line) for line in lines(folder)]
    assert [row["epoch"] for row in rows] == list(made.history["epoch"])
    assert [row["test loss"] for row in rows] == list(made.history["test loss"])
    model, progress = fn.load(folder / CHECKPOINT)
    assert (model, progress.state) == (EXPERIMENTS[name].model, made.state)
    assert type(made.receipt).from_json((folder / RECEIPT).read_text()) == made.receipt


@every_experiment
def test_a_run_that_ended_is_read_and_changes_nothing(name, folder, monkeypatch):
    run(EXPERIMENTS[name], folder)
    monkeypatch.setattr(running, "facts", lambda: {"Python": "of another machine"})
    before = {file: (folder / file).read_bytes() for file in NAMES}
    assert not interrupted(EXPERIMENTS[name], folder, 1)  # no metric is computed
    assert_same_run(run(EXPERIMENTS[name], folder), STRAIGHT[name])
    assert before == {file: (folder / file).read_bytes() for file in NAMES}


def test_a_run_of_no_epochs_has_a_directory_too(folder):
    experiment = attrs.evolve(MOMENTUM, epochs=0)
    for _ in range(2):
        assert_same_run(run(experiment, folder), run(experiment))
        assert (folder / RECEIPT).exists()


OTHERS = [
    (attrs.evolve(SHORT, epochs=2), "epochs is 3 there and 2 here"),
    (attrs.evolve(SHORT, seed=2), "seed is 1 there and 2 here"),
    (fn.grid(SHORT, **{"model.layers.2.rate": [0.5]})[0], r"model.layers.2.rate is 0.25 there and 0.5 here"),
    (attrs.evolve(SHORT, optimizer=fn.SGD(0.05)), "optimizer.momentum is 0.9 there and 0.0 here"),
    (attrs.evolve(SHORT, optimizer=fn.Adam(0.05)), r"optimizer is SGD\(.*\) there and Adam\(.*\) here"),
    (attrs.evolve(SHORT, metrics=None), "metrics is .* there and None here"),
    (attrs.evolve(SHORT, dtype="float64"), "dtype is 'float32' there and 'float64' here"),
]


@pytest.mark.parametrize(("other", "message"), OTHERS)
def test_the_directory_of_a_different_experiment_is_refused_by_the_field(other, message, full):
    before = {file: (full / file).read_bytes() for file in NAMES}
    with pytest.raises(fn.ExperimentError, match=f"full belongs to a different experiment: {message}"):
        run(other, full)
    assert before == {file: (full / file).read_bytes() for file in NAMES}
    assert_same_run(run(SHORT, full), SHORT_STRAIGHT)


@pytest.mark.parametrize(
    ("train", "test", "which"),
    [
        (TRAIN.take(slice(39)), TEST, "train"),
        (fn.data.Dataset(TRAIN.x.astype("f8"), TRAIN.y), TEST, "train"),
        (TRAIN, TRAIN, "test"),
        (TRAIN, None, "test"),
    ],
)
def test_the_directory_of_other_data_is_refused_by_the_dataset(train, test, which, full):
    with pytest.raises(fn.ExperimentError, match=f"full belongs to different data: the digest of {which} is '"):
        fn.run(SHORT, train, test, directory=full)


def test_the_same_data_may_lie_otherwise_in_memory(full):
    data = (fn.data.Dataset(np.asfortranarray(each.x).astype(">f4"), each.y.astype(">i8")) for each in (TRAIN, TEST))
    assert_same_run(fn.run(SHORT, *data, directory=full), SHORT_STRAIGHT)


# --- Stopped and gone on with ---


@pytest.mark.slow
@every_experiment
@pytest.mark.parametrize("every", [1, 3])
def test_a_run_that_is_stopped_at_any_epoch_goes_on_as_the_straight_one(name, every, tmp_path, quick):
    for epoch in STRAIGHT[name].history["epoch"]:
        folder = tmp_path / str(epoch)
        assert interrupted(EXPERIMENTS[name], folder, epoch, checkpoint_every=every)
        assert len(lines(folder)) == epoch - 1  # also what was not yet due
        assert_same_run(run(EXPERIMENTS[name], folder, checkpoint_every=every), STRAIGHT[name])


@every_experiment
@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_a_run_that_is_stopped_at_every_epoch_loses_none(name, error, folder, quick):
    stops = 0
    while interrupted(EXPERIMENTS[name], folder, 2, error, checkpoint_every=2):
        stops += 1
        assert len(lines(folder)) == stops
    assert stops == len(STRAIGHT[name].history["epoch"]) - 1
    assert_same_run(run(EXPERIMENTS[name], folder), STRAIGHT[name])


@pytest.mark.parametrize("evaluate_every", [2, 4])
@pytest.mark.parametrize("checkpoint_every", [1, 3])
def test_epochs_without_a_row_are_kept_too(evaluate_every, checkpoint_every, folder, quick):
    experiment = attrs.evolve(MOMENTUM, evaluate_every=evaluate_every, keep_best=fn.KeepBest("loss", "min"))
    assert interrupted(experiment, folder, 2, checkpoint_every=checkpoint_every)
    assert fn.load(folder / CHECKPOINT)[1].epoch == min(2 * evaluate_every, 6) - 1
    assert_same_run(run(experiment, folder), run(experiment))


@every_experiment
def test_rows_that_are_ahead_of_the_checkpoint_are_computed_again(name, folder, quick):
    experiment = EXPERIMENTS[name]
    for epoch in (2, 4):
        interrupted(experiment, folder, 2)
        checkpoint = (folder / CHECKPOINT).read_bytes()
        interrupted(experiment, folder, 3)
        ahead = (folder / HISTORY).read_text()
        for tail in ("", '{"epoch": 9', '{"epoch": 9, "step": 27, "learning_rate": 0.05, "loss": 0.9}'):
            copy = folder.with_name(f"{epoch}-{len(tail)}")
            shutil.copytree(folder, copy)
            (copy / CHECKPOINT).write_bytes(checkpoint)
            (copy / HISTORY).write_text(ahead + tail)
            assert_same_run(run(experiment, copy), STRAIGHT[name])
            assert len(lines(copy)) == len(STRAIGHT[name].history["epoch"])


def test_a_checkpoint_may_be_gone(folder, quick):
    interrupted(MOMENTUM, folder, 4)
    (folder / CHECKPOINT).unlink()
    assert_same_run(run(MOMENTUM, folder), STRAIGHT["momentum"])


def test_a_run_that_diverges_keeps_what_there_was(folder, quick):
    experiment = attrs.evolve(MOMENTUM, optimizer=fn.SGD(40.0), model=fn.Linear(3), penalty=fn.L2(1.0), epochs=40)
    for _ in range(2):
        with pytest.raises(fn.NonFiniteError) as caught:
            run(experiment, folder, checkpoint_every=3)
        epoch = caught.value.epoch
        ended = run(attrs.evolve(experiment, epochs=epoch - 1))
        assert fn.load(folder / CHECKPOINT)[1].state == ended.state
        assert len(lines(folder)) == epoch - 1 == 4
        assert json.loads((folder / RECEIPT).read_text())["state"] == ""


# --- Two at once ---


def test_a_second_run_in_the_directory_is_refused(folder):
    def second(labels, predictions):
        with pytest.raises(fn.ExperimentError, match=r"another run is using .*one$"):
            fn.run(attrs.evolve(MOMENTUM, metrics=()), TRAIN, TEST, directory=folder)
        refused.append(1)
        return 0.0

    refused, HOOK.call = [], second
    assert_same_run(run(MOMENTUM, folder), STRAIGHT["momentum"])
    assert len(refused) == 12
    with opened(folder), pytest.raises(fn.ExperimentError, match="another run is using"):
        run(MOMENTUM, folder)


def test_a_run_stopped_while_its_bar_is_drawn_leaves_the_directory(folder, quick, monkeypatch, capsys):
    tqdm = pytest.importorskip("tqdm").tqdm

    def stopped(self, n=1):
        raise KeyboardInterrupt

    monkeypatch.setattr(tqdm, "update", stopped)
    try:
        run(MOMENTUM, folder, progress=True, checkpoint_every=4)
    except KeyboardInterrupt:
        assert len(lines(folder)) == 1  # saved before anybody else may come in
        assert_same_run(run(MOMENTUM, folder), STRAIGHT["momentum"])
    assert_same_run(run(MOMENTUM, folder), STRAIGHT["momentum"])


# --- What lies in the directory ---


def outcome(folder):
    """What the run of a directory says, once it is known to be an error that names it or else the straight result."""
    try:
        made = run(SHORT, folder)
    except (fn.CheckpointError, fn.ExperimentError, UnregisteredError) as error:
        said = str(error)
    else:
        assert_same_run(made, SHORT_STRAIGHT)
        return "the straight result"
    assert str(folder) in said
    return said


@pytest.mark.slow
def test_200_damaged_files_are_refused_by_name_or_harmless(full, quick):
    contents, draws, refused = {name: (full / name).read_bytes() for name in NAMES}, np.random.default_rng(0), 0
    for i in range(200):
        for name, content in contents.items():
            (full / name).write_bytes(content)
        name = NAMES[i % 4]
        (full / name).write_bytes(damaged(contents[name], draws))
        said = outcome(full)
        assert (
            name in said or said == "the straight result" or (name, "different experiment" in said) == (EXPERIMENT, 1)
        )
        refused += said != "the straight result"
    assert refused > 140


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("data", [b"", b"\xff\xfe\x00", b"null\n", b"{}\n", b"[1]\n", b"[" * 100_000 + b"\n"])
def test_what_is_not_such_a_file_is_refused_or_harmless(name, data, full, quick):
    (full / name).write_bytes(data)
    outcome(full)


@pytest.mark.parametrize("name", NAMES)
def test_a_file_that_is_gone_is_reported_or_made_again(name, full, quick):
    (full / name).unlink()
    outcome(full)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("other", [attrs.evolve(SHORT, seed=2), ADAM, attrs.evolve(SHORT, epochs=2)])
def test_the_file_of_a_different_run_is_reported(name, other, full, tmp_path, quick):
    run(other, tmp_path / "other")
    shutil.copy(tmp_path / "other" / name, full / name)
    if not (name in (CHECKPOINT, RECEIPT) and other.epochs == 2):  # which is this run's own, but earlier
        assert outcome(full) != "the straight result"


@pytest.mark.parametrize("change", [lambda rows: rows[1:], lambda rows: rows[:1] + rows[2:], lambda rows: rows[::-1]])
def test_a_row_that_is_gone_is_reported(change, full, quick):
    (full / HISTORY).write_text("".join(f"{line}\n" for line in change(lines(full))))
    assert HISTORY in outcome(full)
