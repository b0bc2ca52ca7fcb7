"""Texts of the files of others reach the terminal escaped, wherever they stand in a file and whoever prints them."""

import json
import traceback

import attrs
import numpy as np
import pytest

import funcnet as fn
from funcnet.errors import printable
from funcnet.experiments.history import chained_digest, from_line, to_line
from funcnet.values import UnregisteredError
from tests.experiments.sweep_cases import change_checkpoint, change_receipt

HOSTILE = "\x1b[2J\x07\r\x9b31m\u202e\u2028\x00\x7f"
EXPERIMENT = fn.Experiment(
    fn.sequential(fn.Linear(2)),
    fn.SoftmaxCrossEntropy(),
    fn.SGD(0.1),
    batch_size=4,
    epochs=2,
    keep_best=fn.KeepBest("loss", "min"),
    imports=["math"],
)
DATA = fn.data.Dataset([[0.0], [1.0]], [0, 1], feature_names=["x"], class_names=["no", "yes"])


def is_safe(text):
    return all(each.isprintable() or each == "\n" for each in text)


def mutations(plain, rebuild=lambda value: value):
    """The JSON value with a hostile text added to each of its strings and names, one after the other."""
    if isinstance(plain, str):
        yield rebuild(plain + HOSTILE)
        yield rebuild(HOSTILE)
    elif isinstance(plain, dict):
        for name, value in plain.items():
            yield rebuild({(each + HOSTILE if each == name else each): plain[each] for each in plain})
            yield from mutations(value, lambda new, name=name: rebuild({**plain, name: new}))
    elif isinstance(plain, list):
        for index, value in enumerate(plain):
            yield from mutations(value, lambda new, i=index: rebuild([*plain[:i], new, *plain[i + 1 :]]))


@pytest.fixture
def folder(tmp_path):
    fn.run(EXPERIMENT, DATA, directory=tmp_path / "run")
    return tmp_path / "run"


def everything_said(said, folder):
    """All that commands and errors say of a folder."""
    for command in ("show", "verify"):
        yield from said(command, folder)[1:]
    for use in (lambda: fn.run(EXPERIMENT, DATA, directory=folder), lambda: fn.verify(folder, DATA)):
        try:
            yield str(use())
        except (ValueError, TypeError, OSError, KeyError) as error:
            yield "".join(traceback.format_exception_only(error))
    try:
        found = fn.read(folder)
        yield from (str(found), found.end, str(found.receipt), str(found.history))
    except (ValueError, TypeError, OSError, KeyError) as error:
        yield "".join(traceback.format_exception_only(error))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["experiment.json", "receipt.json"])
def test_a_hostile_text_anywhere_in_a_file_of_a_run_is_escaped(said, folder, name):
    plain, times = json.loads((folder / name).read_text()), 0
    for times, hostile in enumerate(mutations(plain), start=1):  # noqa: B007, it is counted
        (folder / name).write_text(json.dumps(hostile))
        for text in everything_said(said, folder):
            assert is_safe(text), text
    assert times > 30


def test_a_hostile_column_of_a_history_is_escaped(said, folder):
    rows, history = [from_line(line) for line in (folder / "history.jsonl").read_text().splitlines()], ""
    for row in rows:
        row["loss" + HOSTILE] = row["loss"]
        history = chained_digest(history, row)
    (folder / "history.jsonl").write_text("".join(map(to_line, rows)))
    change_checkpoint(folder, lambda progress: attrs.evolve(progress, history=history))
    change_receipt(folder, epochs=(), metrics=(), state="")  # of a run that was stopped
    for text in everything_said(said, folder):
        assert is_safe(text), text


def test_names_that_a_file_has_and_this_process_does_not_know_are_escaped(tmp_path):
    path = tmp_path / "model.npz"
    np.savez(path, **{f"bias{HOSTILE}": np.zeros(2)})
    with pytest.raises(fn.CheckpointError) as caught:
        fn.load(path, like=(np.zeros(2),))
    assert "it has bias\\x1b[2J" in str(caught.value)
    assert is_safe(str(caught.value))


def test_the_path_of_a_run_is_told_escaped(said, tmp_path):
    folder = tmp_path / f"run{HOSTILE}".replace("\x00", "")
    fn.run(EXPERIMENT, DATA, directory=folder)
    for text in (*said("show", folder)[1:], *said("verify", folder)[1:], *said("show", f"{folder}2")[1:]):
        assert is_safe(text), text
    assert is_safe(str(fn.verify(folder, DATA)))


def test_errors_and_warnings_that_quote_files_are_printable():
    for kind in (fn.CheckpointError, fn.ExperimentError, UnregisteredError):
        assert is_safe(str(kind(f"a {HOSTILE}\n b")))
    assert str(fn.CheckpointError("a\x1b[2Jb\n\tc")) == "a\\x1b[2Jb\n\\tc"


@pytest.mark.parametrize(
    "value", ["%s", ["%s"], {"type": "%s"}, {"type": {"%s": 1}}, {"%s": 1}, {"type": "L2", "%s": 1}]
)
@pytest.mark.parametrize("field", ["loss", "batch_size"])
def test_what_is_said_of_a_long_text_is_short(said, folder, field, value):
    plain = json.loads((folder / "experiment.json").read_text())
    long = json.loads(json.dumps(value) % ("x" * 10**6))
    (folder / "experiment.json").write_text(json.dumps({**plain, field: long}))
    code, _, error = said("show", folder)
    assert code == 2
    assert len(error) < 30_000
    code, _, error = said("check", folder / "experiment.json")
    assert code == 2
    assert len(error) < 30_000


@pytest.mark.parametrize("text", ["", "plain", "zwei Zeilen\nmit Umlauten: äöü, 日本", "1e-3 ± 2"])
def test_what_is_printable_stays_as_it_is(text):
    assert printable(text) == text
