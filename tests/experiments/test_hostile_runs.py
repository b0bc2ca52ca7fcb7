"""Files of a run that were made to take time and memory: each is refused in a second and a few times its own size."""

import json

import attrs
import pytest

import funcnet as fn
from funcnet.experiments.directory import NAMES
from funcnet.experiments.history import digest
from tests.experiments.cases import MOMENTUM, TEST, TRAIN
from tests.saving.measuring import assert_cheap, on_linux

pytestmark = [on_linux, pytest.mark.slow]
EXPERIMENT, HISTORY, _, RECEIPT = NAMES
PLAIN = attrs.evolve(MOMENTUM, epochs=3, metrics=())
SIZE = 19_000_000


def row(epoch, leaves="[]", columns="", params="x" * 64):
    return f'{{"epoch":{epoch},"step":3,"params":"{params}","leaves":{leaves},{columns}"seconds":0.5}}\n'


def up_to(size, lines):
    """Texts one after the other, up to a size."""
    text, length = [], 0
    for line in lines:
        text.append(line)
        length += len(line)
        if length > size:
            return "".join(text)
    return "".join(text)


def forever(text):
    return iter(lambda: text, None)


def columns(size, value="0"):
    return up_to(size, (f'"{i}":{value},' for i in range(10**7)))


HISTORIES = {
    "empty lines": lambda: "\n" * SIZE,
    "the rows, and empty lines": lambda there: there + "\n" * SIZE,
    "no line": lambda: "x" * SIZE,
    "lines of a letter": lambda: "x\n" * (SIZE // 2),
    "numbers": lambda: "1\n" * (SIZE // 2),
    "the rows, and objects": lambda there: there + "{}\n" * (SIZE // 3),
    "a million columns": lambda: row(1, columns=columns(SIZE)),
    "rows of many columns": lambda: up_to(SIZE, (row(i, columns=columns(100_000)) for i in range(1, 999))),
    "rows of the first epoch": lambda: up_to(SIZE, forever(row(1))),
    "rows of no epoch": lambda: up_to(SIZE, (row(-i) for i in range(10**7))),
    "rows of epochs to come": lambda there: there + up_to(SIZE, (row(i) for i in range(4, 10**7))),
    "a row of 6,000,000 leaves": lambda: row(1, leaves=f"[{'[],' * 6_000_000}[]]"),
    "a row of short leaves": lambda: row(1, leaves=f"""[{'"ab",' * 3_800_000}""]"""),
    "rows of many leaves": lambda: up_to(SIZE, (row(i, leaves=f"[{'[],' * 30_000}[]]") for i in range(1, 999))),
    "a long digest": lambda: row(1, params="x" * SIZE),
    "a long text": lambda: row(1, columns=f'"loss":"{"x" * SIZE}",'),
    "numbers of 4,000 digits": lambda: row(1, columns=columns(SIZE, "9" * 4000)),
    "a letter of four bytes": lambda: row(1, columns=f'"{"x" * SIZE}\U0001f600":0,'),
}


@pytest.fixture(params=["ended", "stopped"])
def folder(request, tmp_path):
    fn.run(PLAIN, TRAIN, TEST, directory=tmp_path / "run")
    if request.param == "stopped":
        receipt = json.loads((tmp_path / "run" / RECEIPT).read_text())
        forge(tmp_path / "run", {**receipt, "epochs": [], "metrics": {}, "state": ""})
    return tmp_path / "run"


def forge(folder, receipt):
    """Write a receipt whose digest is right."""
    result = {k: v for k, v in receipt.items() if k not in ("digest", "environments", "extended", "names")}
    (folder / RECEIPT).write_text(json.dumps({**receipt, "digest": digest(json.dumps(result))}))


@pytest.mark.parametrize("text", HISTORIES.values(), ids=HISTORIES)
def test_a_history_takes_less_than_a_second_and_four_times_its_size(folder, text):
    there = (folder / HISTORY).read_text()
    text = text(there) if text.__code__.co_argcount else text()
    (folder / HISTORY).write_text(text)
    told = assert_cheap("read", folder, SIZE)
    assert "history.jsonl is damaged" in told or "PLAIN" in told or text.startswith(there), told


RECEIPTS = {
    "an unknown text": {"other": "x" * SIZE},
    "an unknown list": {"other": [0] * (SIZE // 3)},
    "a long state": {"state": "x" * SIZE},
    "a long digest of data": {"data": {"train": "x" * SIZE, "test": None}},
    "a metric with a long name": {"metrics": {"x" * SIZE: 1.0}},
    "metrics with many names": {"metrics": {f"{i:9000}": 1.0 for i in range(SIZE // 9010)}},
    "a long fact": {"environments": [{"from_epoch": 1, "Python": "x" * SIZE}]},
    "many facts": {"environments": [{"from_epoch": 1, **{str(i): "" for i in range(SIZE // 14)}}]},
    "many environments": {"environments": [{"from_epoch": 1}] * (SIZE // 20)},
    "many epochs": {"epochs": [{"epoch": i, "params": "x" * 64, "history": "y" * 64} for i in range(SIZE // 180)]},
    "empty epochs": {"epochs": [{"epoch": 1, "params": "", "history": ""}] * (SIZE // 42)},
    "a long name of a class": {"names": {"class_names": ["x" * SIZE]}},
    "many names of features": {"names": {"feature_names": [str(i) for i in range(SIZE // 11)]}},
    "a letter of four bytes": {"other": "x" * SIZE + "\U0001f600"},
    "many extensions": {"extended": [1] * (SIZE // 3)},
}


@pytest.mark.parametrize("entries", RECEIPTS.values(), ids=RECEIPTS)
def test_a_receipt_takes_less_than_a_second_and_four_times_its_size(tmp_path, entries):
    fn.run(PLAIN, TRAIN, TEST, directory=tmp_path)
    forge(tmp_path, json.loads((tmp_path / RECEIPT).read_text()) | entries)
    assert_cheap("read", tmp_path, SIZE)


EXPERIMENTS = {
    "a long seed": {"seed": "x" * SIZE},
    "a long class": {"model": {"type": "x" * SIZE}},
    "long imports": {"imports": ["x" * SIZE]},
    "many imports": {"imports": ["x"] * (SIZE // 5)},
    "an unknown field": {"other": "x" * SIZE},
    "many metrics": {"metrics": [{"function": "accuracy"}] * (SIZE // 26)},
    "a letter of four bytes": {"imports": ["x" * SIZE + "\U0001f600"]},
}


@pytest.mark.parametrize("entries", EXPERIMENTS.values(), ids=EXPERIMENTS)
def test_an_experiment_takes_less_than_a_second_and_four_times_its_size(tmp_path, entries):
    fn.run(PLAIN, TRAIN, TEST, directory=tmp_path)
    plain = json.loads((tmp_path / EXPERIMENT).read_text()) | entries
    (tmp_path / EXPERIMENT).write_text(json.dumps(plain, ensure_ascii=False))
    assert_cheap("read", tmp_path, SIZE)
