"""What the files of a run say of each other is compared before anything is written or handed out."""

import json
import os
import shutil

import attrs
import numpy as np
import pytest

import funcnet as fn
from funcnet.experiments import directory
from funcnet.experiments.directory import NAMES
from funcnet.experiments.history import chained_digest, from_line, to_line
from funcnet.experiments.receipt import Receipt
from tests.experiments.cases import ADAM, HOOK, MOMENTUM, TEST, TRAIN, assert_same_run, interrupted, run

EXPERIMENT, HISTORY, CHECKPOINT, RECEIPT = NAMES
KEEPING = attrs.evolve(MOMENTUM, keep_best=fn.KeepBest("test loss", "min"))
BEST = fn.EarlyStopping("test loss", "min", patience=50, keep="best")
every_way_of_keeping = pytest.mark.parametrize(
    "experiment", [KEEPING, ADAM, attrs.evolve(MOMENTUM, early_stopping=BEST)], ids=["best", "Adam", "early stopping"]
)


@pytest.fixture(autouse=True)
def no_hook():
    yield
    HOOK.call = None


def contents(folder):
    return {name: (folder / name).read_bytes() for name in NAMES}


def changed_checkpoint(folder, **changes):
    """Replace parts of a checkpoint, whose sums are right again."""
    model, progress = fn.load(folder / CHECKPOINT)
    fn.save(folder / CHECKPOINT, model, attrs.evolve(progress, **{name: f(progress) for name, f in changes.items()}))


def doubled(params):
    return fn.tree.map(lambda leaf: 2 * leaf, params)


def another_state(progress):
    moments = doubled(progress.state.optimizer_state)
    return attrs.evolve(progress.state, optimizer_state=moments)


def other_params(progress):
    return attrs.evolve(progress.state, params=doubled(progress.state.params))


# --- A run that has ended ---


@pytest.mark.parametrize("more", [0, 3], ids=["read", "extended"])
@pytest.mark.parametrize("change", [another_state, other_params, None], ids=["optimizer", "params", "history"])
def test_an_end_that_the_receipt_did_not_record_is_an_error_and_nothing_is_written(change, more, tmp_path):
    run(MOMENTUM, tmp_path)
    if change is not None:
        changed_checkpoint(tmp_path, state=change)
    else:
        rows = [from_line(line) for line in (tmp_path / HISTORY).read_text().splitlines()]
        rows[0]["loss"] += 1
        (tmp_path / HISTORY).write_text("".join(map(to_line, rows)))
        history = ""
        for row in rows:
            history = chained_digest(history, row)
        changed_checkpoint(tmp_path, history=lambda progress: history)  # the sums are right
    before = contents(tmp_path)
    for use in (lambda: run(attrs.evolve(MOMENTUM, epochs=6 + more), tmp_path), lambda: fn.read(tmp_path)):
        with pytest.raises(
            fn.CheckpointError, match=r"checkpoint\.npz has params that are|differ from what the receipt"
        ):
            use()
    assert contents(tmp_path) == before


def test_a_receipt_that_does_not_record_the_end_is_not_written_anew(tmp_path):
    run(MOMENTUM, tmp_path)
    receipt = Receipt.from_json((tmp_path / RECEIPT).read_text())
    (tmp_path / RECEIPT).write_text(attrs.evolve(receipt, state="0" * 64).to_json())
    before = contents(tmp_path)
    for use in (lambda: run(MOMENTUM, tmp_path), lambda: fn.read(tmp_path)):
        with pytest.raises(fn.CheckpointError, match="history or checkpoint differ from what the receipt recorded"):
            use()
    assert contents(tmp_path) == before


def test_a_run_that_is_made_again_has_a_receipt_without_an_end_until_it_ends(tmp_path):
    made = run(MOMENTUM, tmp_path)
    (tmp_path / CHECKPOINT).unlink()
    said = []
    HOOK.call = lambda *_: said.append(json.loads((tmp_path / RECEIPT).read_text())["state"]) or 0.0
    assert_same_run(run(MOMENTUM, tmp_path), made)
    assert set(said) == {""}
    assert json.loads((tmp_path / RECEIPT).read_text())["state"] != ""


def test_a_checkpoint_from_before_the_end_is_gone_on_from_and_not_read_as_the_end(tmp_path):
    assert interrupted(MOMENTUM, tmp_path, 4)
    early = (tmp_path / CHECKPOINT).read_bytes()
    made = run(MOMENTUM, tmp_path)
    (tmp_path / CHECKPOINT).write_bytes(early)
    with pytest.raises(fn.CheckpointError, match="but a checkpoint before its end"):
        fn.read(tmp_path)
    assert_same_run(run(MOMENTUM, tmp_path), made)
    assert fn.read(tmp_path) == made


def test_a_run_that_was_killed_as_it_was_extended_is_read(tmp_path, monkeypatch):
    shorter = attrs.evolve(MOMENTUM, evaluate_every=4)  # whose last row is not due once it is longer
    longer = attrs.evolve(shorter, epochs=8)
    run(shorter, tmp_path)

    def killed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(directory.Directory, "write", killed)
        with pytest.raises(KeyboardInterrupt):
            run(longer, tmp_path)
    assert json.loads((tmp_path / EXPERIMENT).read_text())["epochs"] == 8
    assert fn.read(tmp_path).history["epoch"] == (4,)
    assert_same_run(run(longer, tmp_path), run(longer))


# --- The best params ---


@every_way_of_keeping
@pytest.mark.parametrize("ended", [True, False], ids=["ended", "stopped"])
@pytest.mark.parametrize("forge", [lambda p: doubled(p.best), lambda p: p.state.params, lambda p: None])
def test_best_params_that_are_not_those_of_the_history_are_not_handed_out(experiment, ended, forge, tmp_path):
    if ended:
        run(experiment, tmp_path)
    else:
        interrupted(experiment, tmp_path, 5)
    best = fn.load(tmp_path / CHECKPOINT)[1].best
    changed_checkpoint(tmp_path, best=forge)
    if fn.load(tmp_path / CHECKPOINT)[1].best == best:
        pytest.skip("the last params are the best")
    before = contents(tmp_path)
    for use in (lambda: run(experiment, tmp_path), lambda: fn.read(tmp_path)):
        with pytest.raises(fn.CheckpointError, match=r"checkpoint\.npz has best params that are not those of epoch \d"):
            use()
    assert contents(tmp_path) == before


def test_best_params_of_a_run_that_keeps_none_are_not_handed_out(tmp_path):
    run(MOMENTUM, tmp_path)
    changed_checkpoint(tmp_path, best=lambda progress: doubled(progress.state.params))
    with pytest.raises(fn.CheckpointError, match="has best params that are not those of epoch 0"):
        fn.read(tmp_path)


def test_params_of_a_stopped_run_that_are_not_those_of_its_last_row_are_not_gone_on_from(tmp_path):
    interrupted(MOMENTUM, tmp_path, 4)
    changed_checkpoint(tmp_path, state=other_params)
    with pytest.raises(fn.CheckpointError, match="has params that are not those of epoch 3 in the history"):
        run(MOMENTUM, tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda row: row.pop("test loss"), ".*epoch 1 has no number test loss"),
        (lambda row: row.update({"test loss": None}), ".*epoch 1 has no number test loss"),
        (lambda row: row.update({"test loss": "low"}), "not a row of a history"),
    ],
)
def test_a_history_without_the_metric_that_is_watched_is_damaged(change, message, tmp_path):
    run(KEEPING, tmp_path)
    rows, history = [from_line(line) for line in (tmp_path / HISTORY).read_text().splitlines()], ""
    for row in rows:
        change(row)
        history = chained_digest(history, row)
    (tmp_path / HISTORY).write_text("".join(map(to_line, rows)))
    changed_checkpoint(tmp_path, history=lambda progress: history)
    with pytest.raises(fn.CheckpointError, match=rf"history\.jsonl is damaged: {message}"):
        fn.read(tmp_path)


FORGED = {
    "epoch": lambda progress: "3",
    "state": lambda progress: progress.state.params,
    "history": lambda progress: 3,
}


@pytest.mark.parametrize("name", FORGED)
def test_a_checkpoint_of_other_types_is_not_that_of_a_run(name, tmp_path):
    interrupted(MOMENTUM, tmp_path, 4)
    for forge in (FORGED[name], lambda progress: None):
        changed_checkpoint(tmp_path, **{name: forge})
        for use in (
            lambda: run(MOMENTUM, tmp_path),
            lambda: fn.read(tmp_path),
            lambda: fn.verify(tmp_path, TRAIN, TEST),
        ):
            with pytest.raises(fn.CheckpointError, match=r"checkpoint\.npz does not belong to this experiment"):
                use()
        shutil.rmtree(tmp_path)
        interrupted(MOMENTUM, tmp_path, 4)


# --- A folder that changes while the run goes on ---


def once(epoch, act):
    """Let the metric act once, at the evaluation of an epoch."""
    calls = []

    def call(*_):
        calls.append(1)
        if len(calls) == 2 * epoch:
            act()
        return 0.0

    HOOK.call = call


@pytest.mark.parametrize("change", [lambda text: text[:40], lambda text: "", lambda text: text[::-1], None])
def test_a_history_that_another_program_changes_is_written_anew(change, tmp_path):
    def act():
        path = tmp_path / HISTORY
        if change is None:
            path.unlink()
        else:
            path.write_text(change(path.read_text()))

    once(4, act)
    made = run(MOMENTUM, tmp_path)
    HOOK.call = None
    assert "\0" not in (tmp_path / HISTORY).read_text()
    assert fn.read(tmp_path) == made == run(MOMENTUM)
    assert fn.read(tmp_path).history == run(MOMENTUM).history


@pytest.mark.parametrize("other_begins", [True, False])
def test_a_folder_that_is_moved_away_while_a_run_goes_on_is_not_written_to_at_its_old_path(other_begins, tmp_path):
    here, there = tmp_path / "here", tmp_path / "there"
    other = attrs.evolve(MOMENTUM, seed=9)

    def act():
        os.rename(here, there)
        if other_begins:
            HOOK.call = None
            run(other, here)
        HOOK.call = lambda *_: 0.0

    once(4, act)
    with pytest.raises(fn.ExperimentError, match="here was moved away or deleted while this run went on") as caught:
        run(MOMENTUM, here)
    assert len(caught.value.run.history["epoch"]) == 4
    HOOK.call = None
    assert not other_begins or fn.read(here) == run(other)
    assert here.exists() == other_begins
    assert_same_run(run(MOMENTUM, there), run(MOMENTUM))


def test_a_folder_that_is_deleted_while_a_run_goes_on_is_not_made_again(tmp_path):
    once(2, lambda: shutil.rmtree(tmp_path / "here"))
    with pytest.raises(fn.ExperimentError, match="was moved away or deleted"):
        run(MOMENTUM, tmp_path / "here")
    assert not (tmp_path / "here").exists()


def test_a_digest_tells_params_of_one_bit_apart(tmp_path):
    run(KEEPING, tmp_path)

    def one_bit(progress):
        first, *rest = fn.tree.leaves(progress.best)
        flipped = np.array(first)
        flipped.view(np.uint32).flat[0] ^= 1
        leaves = iter([flipped, *rest])
        return fn.tree.map(lambda _: next(leaves), progress.best)

    changed_checkpoint(tmp_path, best=one_bit)
    with pytest.raises(fn.CheckpointError, match="has best params"):
        fn.read(tmp_path)
