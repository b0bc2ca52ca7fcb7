"""Replays: what comes back bit for bit is identical; whatever does not is named, with its epoch and by how much."""

import re
import shutil
import sys

import attrs
import numpy as np
import pytest

import funcnet as fn
from funcnet.experiments.directory import Directory
from funcnet.experiments.environment import blas_threads
from funcnet.experiments.history import digests
from funcnet.experiments.verification import Verification
from tests.experiments.sweep_cases import (
    ADAM,
    EXPERIMENT,
    TEST,
    THREADS_SEEN,
    TRAIN,
    WIDE,
    Drifting,
    change_checkpoint,
    change_environment,
    change_receipt,
    change_rows,
    interruptible_share,
    nudged,
    of,
    threads,
    threads_seen,
)

BEST = fn.KeepBest("test loss", "min")
EXPERIMENTS = {
    "momentum and dropout": EXPERIMENT,
    "Adam, the best kept": attrs.evolve(EXPERIMENT, optimizer=ADAM, keep_best=BEST),
    "early stopping": attrs.evolve(EXPERIMENT, epochs=40, early_stopping=fn.EarlyStopping("test loss", "max", 2)),
    "rare evaluation": attrs.evolve(EXPERIMENT, epochs=5, evaluate_every=2),
    "schedule and penalty": attrs.evolve(EXPERIMENT, optimizer=fn.SGD(fn.schedules.cosine(0.1, 9)), penalty=fn.L2(0.1)),
    "float64": attrs.evolve(EXPERIMENT, dtype="float64"),
    "no epoch": attrs.evolve(EXPERIMENT, epochs=0),
}
KEPT = EXPERIMENTS["Adam, the best kept"]


def verified(path):
    return fn.verify(path, TRAIN, TEST)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    path = tmp_path_factory.mktemp("runs") / "kept"
    fn.run(KEPT, TRAIN, TEST, directory=path)
    return path


@pytest.fixture
def copy(recorded, tmp_path):
    """A copy of a run's directory, to tamper with."""
    return shutil.copytree(recorded, tmp_path / "run")


@pytest.mark.parametrize("experiment", EXPERIMENTS.values(), ids=EXPERIMENTS)
def test_a_run_comes_back_bit_for_bit(experiment, tmp_path):
    run = fn.run(experiment, TRAIN, TEST, directory=tmp_path)
    found = verified(tmp_path)
    made = run.history["epoch"][-1] if run.history else 0
    assert found == Verification(str(tmp_path), made)
    assert (found.identical, bool(found)) == (True, True)
    assert str(found) == f"{tmp_path}: identical, {made} epochs"


def interrupted(experiment, path, monkeypatch, calls):
    """A run in a directory that ends with Ctrl-C after so many calls of its metric, two for each row."""
    experiment = attrs.evolve(experiment, metrics=(interruptible_share,))
    with monkeypatch.context() as patch:
        patch.setattr("tests.experiments.sweep_cases.CALLS_LEFT", [calls])
        with pytest.raises(KeyboardInterrupt):
            fn.run(experiment, TRAIN, TEST, directory=path)
    return experiment


@pytest.mark.parametrize(("calls", "made"), [(0, 0), (1, 0), (2, 1), (5, 2), (6, 3)])
def test_a_run_that_was_stopped_comes_back_as_far_as_it_is(calls, made, tmp_path, monkeypatch):
    interrupted(KEPT, tmp_path, monkeypatch, calls)
    found = verified(tmp_path)
    assert (found.identical, found.epochs) == (True, made)


@pytest.mark.parametrize("name", ["momentum and dropout", "Adam, the best kept", "early stopping", "rare evaluation"])
def test_a_run_that_went_on_comes_back_as_a_straight_one(name, tmp_path, monkeypatch):
    experiment = interrupted(EXPERIMENTS[name], tmp_path, monkeypatch, 3)
    run = fn.run(experiment, TRAIN, TEST, directory=tmp_path)
    found = verified(tmp_path)
    assert (found.identical, found.epochs) == (True, run.history["epoch"][-1])


def test_a_run_that_diverged_comes_back_as_far_as_it_went(tmp_path):
    rates = fn.schedules.step(1e-3, 10, 1e30)
    experiment = of(fn.Linear(8), optimizer=fn.SGD(rates))
    with pytest.raises(fn.NonFiniteError):
        fn.run(experiment, TRAIN, TEST, directory=tmp_path)
    assert (verified(tmp_path).identical, verified(tmp_path).epochs) == (True, 2)


def test_verify_changes_no_file(copy):
    def files():
        return {path.name: (path.stat().st_mtime_ns, path.read_bytes()) for path in copy.iterdir()}

    before = files()
    assert verified(copy)
    change_rows(copy, lambda rows: [{**row, "loss": 1.0} for row in rows])
    before["history.jsonl"] = files()["history.jsonl"]
    assert not verified(copy)
    assert files() == before


def test_a_weight_that_was_changed_is_named(copy):
    change_checkpoint(copy, lambda progress: nudged(progress, "state.params.0.weight"))
    found = verified(copy)
    assert (found.identical, found.epoch) == (False, None)
    assert [leaf for leaf, _ in found.distances] == ["state.params.0.weight"]


@pytest.mark.parametrize("is_receipt_too", [False, True])
def test_a_changed_weight_is_named_with_its_epoch_and_distance(copy, is_receipt_too):
    before = Directory(copy).checkpoint().state.params[0].weight
    change_checkpoint(copy, lambda progress: nudged(progress, "state.params.0.weight"))
    progress = Directory(copy).checkpoint()
    rows = change_rows(copy, lambda rows: [*rows[:-1], {**rows[-1], **digests(progress.state.params)}])
    if is_receipt_too:
        Directory(copy).write(Directory(copy).receipt().after(rows, digests(progress.state)["params"]))
    found = verified(copy)
    (name, there, here), ((leaf, distance),) = *found.differences, found.distances
    assert (found.identical, found.epoch, found.epochs) == (False, 4, 4)
    assert (name, leaf) == ("0.weight", "state.params.0.weight")
    assert there == digests(progress.state.params)["leaves"][0] != here
    largest = np.abs(progress.state.params[0].weight).max()
    assert distance == pytest.approx(np.abs(before.flat[0] / 2) / largest, rel=1e-6)


@pytest.mark.parametrize(
    "leaf", ["state.optimizer_state.moments.0.3.bias", "state.optimizer_state.moments.1.0.weight", "best.3.weight"]
)
def test_a_leaf_that_was_changed_beside_the_params_is_named(copy, leaf):
    change_checkpoint(copy, lambda progress: nudged(progress, leaf, 1 + 2**-20))
    found = verified(copy)
    assert (found.identical, found.epoch, found.differences) == (False, None, ())
    ((name, distance),) = found.distances
    assert name == leaf
    assert 0 < distance < 1e-5


@pytest.mark.parametrize(
    "change",
    [
        lambda progress: attrs.evolve(progress, best=None),
        lambda progress: attrs.evolve(progress, state=attrs.evolve(progress.state, step=7)),
        lambda progress: attrs.evolve(progress, state=attrs.evolve(progress.state, optimizer_state=())),
        lambda progress: attrs.evolve(progress, epoch=10),
        lambda progress: attrs.evolve(progress, best=progress.best[:-1]),
        lambda progress: attrs.evolve(progress, best=fn.tree.map(lambda leaf: leaf.astype(np.float64), progress.best)),
        lambda progress: attrs.evolve(progress, best=fn.tree.map(np.zeros_like, progress.best)),
        lambda progress: attrs.evolve(progress, best=fn.tree.map(lambda leaf: leaf * np.nan, progress.best)),
        lambda progress: attrs.evolve(progress, best=fn.tree.map(lambda leaf: leaf[:1], progress.best)),
    ],
    ids=["no best", "step", "no moments", "epoch", "short best", "dtype", "zeros", "NaN", "shape"],
)
def test_whatever_else_was_changed_in_a_checkpoint_is_not_identical(copy, change):
    change_checkpoint(copy, change)
    assert not verified(copy)
    assert "differs" in str(verified(copy))


@pytest.mark.parametrize("column", ["loss", "test loss", "accuracy", "step", "learning_rate"])
def test_a_value_of_the_history_that_was_changed_is_named_with_its_epoch(copy, column):
    recorded = Directory(copy).rows()[1][column]
    change_rows(copy, lambda rows: [rows[0], {**rows[1], column: 7}, *rows[2:]])
    found = verified(copy)
    assert (found.epoch, found.differences, found.distances) == (2, ((column, 7, recorded),), ())
    assert str(found).splitlines()[0] == f"{copy}: differs from epoch 2 on, 4 epochs"
    assert str(found).splitlines()[2].split() == [*column.split(), "7", str(recorded)]


def test_the_least_bit_of_a_loss_counts_and_the_seconds_do_not(copy):
    change_rows(copy, lambda rows: [{**row, "seconds": 0.0} for row in rows])
    assert verified(copy)
    change_rows(copy, lambda rows: [*rows[:-1], {**rows[-1], "loss": np.nextafter(rows[-1]["loss"], 1).item()}])
    assert verified(copy).epoch == 4


@pytest.mark.parametrize(
    ("change", "epoch"),
    [
        (lambda rows: rows[1:], 2),
        (lambda rows: rows[:-1], 4),
        (lambda rows: [], 1),
        (lambda rows: [*rows, rows[-1]], 4),
        (lambda rows: [rows[1], rows[0], *rows[2:]], 2),
    ],
)
def test_rows_that_were_lost_or_added_are_a_difference(copy, change, epoch):
    change_rows(copy, change)
    assert (verified(copy).identical, verified(copy).epoch) == (False, epoch)


@pytest.mark.parametrize("changes", [{"metrics": (("loss", 0.0),)}, {"state": "0" * 64}, {"epochs": ()}])
def test_a_receipt_that_was_changed_is_a_difference(copy, changes):
    there, kept = Directory(copy).receipt().digest, Directory(copy).receipt()
    change_receipt(copy, **changes)
    found = verified(copy)
    assert found.differences == (("receipt's digest", Directory(copy).receipt().digest, kept.digest),)
    assert (found.identical, found.epoch, kept.digest) == (False, None, there)


def test_an_experiment_that_is_not_the_receipts_is_refused(copy):
    (copy / "experiment.json").write_text(attrs.evolve(KEPT, epochs=9).to_json())
    with pytest.raises(fn.ExperimentError, match="a different experiment: epochs is"):
        verified(copy)


def test_other_facts_of_the_machine_are_told_and_change_nothing(copy):
    change_environment(copy, NumPy="1.0", processor="6502, 1 cores")
    found = verified(copy)
    assert found.identical
    assert [(fact, there) for fact, there, _ in found.environment] == [("processor", "6502, 1 cores"), ("NumPy", "1.0")]
    assert found.environment[1][2] == np.__version__
    assert re.fullmatch(
        r".*: identical, 4 epochs\n +recorded +now\n  processor +6502, 1 cores +.*\n  NumPy +1\.0 +[0-9.]+", str(found)
    )


def test_the_facts_of_every_machine_that_a_run_went_on_are_compared(copy):
    change_receipt(copy, environments=((1, (("NumPy", "1.0"),)), (2, (("NumPy", "1.1"), ("CPU", "6502")))))
    assert verified(copy).environment == (
        *(("NumPy", there, np.__version__) for there in ("1.0", "1.1")),
        ("CPU", "6502", ""),
    )


@pytest.mark.parametrize("count", [1, 2])
def test_blas_has_the_threads_that_it_had(count, tmp_path, monkeypatch):
    digits = fn.data.digits().take(slice(None, 640))
    experiment = attrs.evolve(WIDE, metrics=(threads_seen,))
    fn.run(experiment, digits, directory=tmp_path, threads=count)
    THREADS_SEEN.clear()
    before = threads()
    found = fn.verify(tmp_path, digits)
    assert threads() == before
    assert set(THREADS_SEEN) == {str(count)}
    assert (found.identical, found.environment) == (True, ())
    with blas_threads(1):  # another limit that holds is not lifted, and told
        told = [name for name, _, _ in fn.verify(tmp_path, digits).environment]
    assert told == (["BLAS threads"] if count == 2 else [])


def test_without_threadpoolctl_it_verifies_with_the_threads_there_are(copy, monkeypatch):
    monkeypatch.setitem(sys.modules, "threadpoolctl", None)
    found = verified(copy)
    assert found.identical
    assert {"BLAS kernel", "BLAS threads"} <= {fact for fact, _, _ in found.environment}


@pytest.mark.parametrize("factor", [1.0 + 2**-20, 1e30, np.nan])
def test_a_replay_that_goes_another_way_tells_the_epoch(factor, tmp_path, monkeypatch):
    fn.run(of(fn.Linear(8), Drifting()), TRAIN, TEST, directory=tmp_path)
    assert verified(tmp_path)
    monkeypatch.setattr("tests.experiments.sweep_cases.DRIFT", [factor])
    found = verified(tmp_path)
    assert (found.identical, found.epoch, found.epochs) == (False, 1, 4)
    assert ("nan" in [str(now) for name, _, now in found.differences if name == "loss"]) == (not factor < 2)
    assert {"state.params.0.weight", "state.optimizer_state.moments.0.0.bias"} <= dict(found.distances).keys()


def test_other_data_are_refused_by_name(copy):
    with pytest.raises(fn.ExperimentError, match="different data: the digest of train"):
        fn.verify(copy, TEST, TEST)
    for test in (TRAIN, None):
        with pytest.raises(fn.ExperimentError, match="different data: the digest of test"):
            fn.verify(copy, TRAIN, test)


@pytest.mark.parametrize("name", ["", "experiment.json", "receipt.json"])
def test_without_a_run_there_is_no_file_to_be_found(copy, name, tmp_path):
    if name:
        (copy / name).unlink()
    with pytest.raises(FileNotFoundError):
        verified(copy if name else tmp_path / "nowhere")


@pytest.mark.parametrize("name", ["experiment.json", "history.jsonl", "receipt.json"])
@pytest.mark.parametrize("text", ["{}", "[]", "3", '"x"', "[" * 100_000, "{", "\x00", '{"type": "Linear"}'])
def test_a_damaged_file_is_said_to_be_damaged(copy, name, text):
    kept = (copy / name).read_text() if name == "history.jsonl" else ""
    (copy / name).write_text(f"{text}\n{kept}")
    with pytest.raises(fn.CheckpointError, match=name):
        verified(copy)
