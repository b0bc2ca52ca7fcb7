"""A history is a dict of columns that cannot be changed, a table, and what pandas and polars read."""

import copy
import pickle
from copyreg import _reconstructor

import numpy as np
import pytest

import funcnet as fn
from funcnet.experiments.history import History, from_line
from tests.experiments.cases import MOMENTUM, TEST, TRAIN, run

HISTORY = run(MOMENTUM).history


@pytest.mark.parametrize("package", ["pandas", "polars"])
def test_frames_have_its_columns(package):
    frame = pytest.importorskip(package).DataFrame(HISTORY)
    assert list(frame.columns) == list(HISTORY)
    assert tuple(frame["loss"]) == HISTORY["loss"]


def test_it_gives_lists():
    assert HISTORY.to_dict()["epoch"] == [1, 2, 3, 4, 5, 6]
    assert HISTORY.rows()[2]["epoch"] == 3


def test_it_is_not_an_array():
    with pytest.raises(TypeError, match="take a column of it"):
        np.array(HISTORY)


CHANGES = {
    "assignment": lambda history: history.__setitem__("loss", ()),
    "deletion": lambda history: history.__delitem__("loss"),
    "update": lambda history: history.update(loss=()),
    "|=": lambda history: history.__ior__({"loss": ()}),
    "pop": lambda history: history.pop("loss"),
    "clear": lambda history: history.clear(),
    "setdefault": lambda history: history.setdefault("other", ()),
    "attribute": lambda history: setattr(history, "error", None),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_it_cannot_be_changed(change):
    before = dict(HISTORY)
    with pytest.raises(TypeError, match="a history cannot be changed"):
        change(HISTORY)
    assert dict(HISTORY) == before


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda history: pickle.loads(pickle.dumps(history))])
def test_a_copy_is_equal(copied):
    assert copied(HISTORY) == HISTORY
    assert type(copied(HISTORY)) is History


def test_the_seconds_do_not_count():
    assert run(MOMENTUM).history == HISTORY != run(MOMENTUM, data=(TRAIN,)).history


def test_a_column_that_is_missing_is_named():
    with pytest.raises(KeyError, match="no column 'tset loss'; its columns are epoch, step"):
        HISTORY["tset loss"]


def test_it_prints_as_a_table_without_digests():
    first, *rows = str(HISTORY).splitlines()
    assert first.split()[:4] == ["epoch", "step", "learning_rate", "loss"]
    assert ("params" in first, len(rows)) == (False, 6)
    assert str(History.of([])) == "no epoch has a row in the history"


# --- Validation data ---


def test_validation_data_are_called_so():
    with_both = fn.run(MOMENTUM, TRAIN, TEST, test=TRAIN)
    assert [name for name in with_both.history if name.endswith("loss")] == ["loss", "validation loss", "test loss"]
    assert with_both.history["validation loss"] == HISTORY["test loss"]
    assert with_both == fn.run(MOMENTUM, TRAIN, validation=TEST, test=TRAIN)
    only = fn.run(MOMENTUM, TRAIN, validation=TEST)
    assert [name for name in only.history if name.endswith("loss")] == ["loss", "validation loss"]
    assert len({with_both.receipt.digest, only.receipt.digest, run(MOMENTUM).receipt.digest}) == 3


def test_runs_with_validation_data_are_verified_and_swept(tmp_path):
    made = fn.run(MOMENTUM, TRAIN, TEST, test=TRAIN, directory=tmp_path)
    assert fn.verify(tmp_path, TRAIN, TEST, test=TRAIN)
    assert [run for _, run in fn.sweep([MOMENTUM], TRAIN, TRAIN, validation=TEST)] == [made]
    with pytest.raises(fn.ExperimentError, match="the digest of validation"):
        fn.verify(tmp_path, TRAIN, TRAIN, test=TRAIN)


@pytest.mark.parametrize(
    ("data", "named", "message"),
    [
        ((TEST, TEST), {}, "at most one dataset after train, got 2"),
        ((TEST,), {"validation": TEST, "test": TEST}, "validation data are given twice"),
        (((TEST.x, TEST.y),), {}, r"test must be a Dataset, got a tuple: write fn.data.Dataset\(x, y\)"),
        ((), {"validation": TEST.x}, "validation must be a Dataset, got a ndarray"),
    ],
)
def test_data_in_the_wrong_place_are_refused(data, named, message):
    with pytest.raises(TypeError, match=message):
        fn.run(MOMENTUM, TRAIN, *data, **named)


def test_a_history_that_was_pickled_when_it_was_no_dict_is_read():
    class Before:
        def __reduce__(self):
            state = {"names": ("epoch", "loss"), "rows": ((1, 2.0), (2, 1.0)), "seconds": (0.1, 0.2)}
            return _reconstructor, (History, dict, {}), state

    rows = [{"epoch": 1, "loss": 2.0, "seconds": 0.1}, {"epoch": 2, "loss": 1.0, "seconds": 0.2}]
    read = pickle.loads(pickle.dumps(Before()))
    assert (read.rows(), read.error) == (rows, None)


@pytest.mark.parametrize("line", ["{}", '{"epoch": 1}', '{"epoch": 1, "step": 1, "params": "", "leaves": []}'])
def test_a_line_that_lacks_what_a_row_has_is_told(line):
    with pytest.raises(ValueError, match=r"not a row of a history: '\{"):
        from_line(line)
