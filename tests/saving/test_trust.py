"""Files from anywhere: what was changed is refused, what is saved is read, and errors of the machine stay such."""

import errno
import io
import json
import random
import zipfile

import numpy as np
import pytest
from attrs import evolve

import funcnet as fn
from funcnet.saving import checkpoint
from funcnet.saving.description import digest_of
from funcnet.tree import equal
from tests.children import python
from tests.experiments.cases import ADAM, TEST, TRAIN, run
from tests.saving.damage import FORGERS, KINDS, outcomes
from tests.saving.test_checkpoint import MODEL, PARAMS, entries


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.npz"


# --- One digest over everything that means something ---


def rezipped(path, contents):
    """An archive with these entries, whose CRCs are right."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in contents.items():
            archive.writestr(name, data)


def test_a_description_that_was_changed_is_refused_whatever_was_changed(path):
    model = fn.sequential(fn.Linear(3), fn.Dropout(0.25, fn.Key(3)), fn.Linear(2))
    fn.save(path, model, PARAMS)
    contents, draws = entries(path), random.Random(0)
    text = contents["funcnet.json"]
    for _ in range(500):
        changed = bytearray(text)
        changed[draws.randrange(len(text))] = ord(draws.choice("0123456789abcdefnrt"))
        if changed != text:
            rezipped(path, {**contents, "funcnet.json": bytes(changed)})
            with pytest.raises(fn.CheckpointError, match="its description differs from the one that was saved"):
                fn.load(path)


@pytest.mark.parametrize("change", [("0.25", "0.75"), ('"format": 2', '"format": 1')])
def test_a_description_without_its_digest_is_one_of_format_1_alone(path, change):
    fn.save(path, fn.Dropout(0.25), ())
    contents = entries(path)
    del contents["funcnet.sha256"]
    rezipped(path, {**contents, "funcnet.json": contents["funcnet.json"].replace(*(each.encode() for each in change))})
    if change[0] == "0.25":
        with pytest.raises(fn.CheckpointError, match="it lacks the digest of its description"):
            fn.load(path)
    else:
        assert fn.load(path) == (fn.Dropout(0.25), ())


def test_a_name_twice_in_a_description_is_refused(path):
    fn.save(path, fn.Dropout(0.25), ())
    contents = entries(path)
    text = contents["funcnet.json"].decode().replace('"rate": 0.25', '"rate": 0.25, "rate": 0.75')
    rezipped(path, {**contents, "funcnet.json": text.encode(), "funcnet.sha256": digest_of(text).encode()})
    with pytest.raises(fn.CheckpointError, match="it has the name 'rate' twice in an object"):
        fn.load(path)


# --- Save writes nothing that load refuses ---


@pytest.mark.parametrize("suffix", ["npz", "safetensors"])
def test_what_load_would_refuse_is_refused_before_the_old_file_is_replaced(tmp_path, suffix):
    path = tmp_path / f"m.{suffix}"
    fn.save(path, MODEL, PARAMS)
    with pytest.raises(ValueError, match="load would refuse the file, since its JSON has too many values"):
        fn.save(path, MODEL, ((),) * 100_000)
    assert fn.load(path) == (MODEL, PARAMS)
    assert [each.name for each in tmp_path.iterdir()] == [path.name]


@pytest.mark.slow
@pytest.mark.parametrize("suffix", ["npz", "safetensors"])
def test_a_description_of_more_than_8_mib_is_read(tmp_path, suffix):
    tree = tuple(np.full(4, i, np.float32) for i in range(35_000))
    fn.save(tmp_path / f"m.{suffix}", None, tree)
    assert equal(fn.load(tmp_path / f"m.{suffix}")[1], tree)


def test_200_combinators_in_each_other_are_saved(path):
    model = fn.Linear(2)
    for _ in range(200):
        model = fn.sequential(model)
    params = model.init(fn.Key(0), (3,))
    fn.save(path, model, params)
    assert fn.load(path) == (model, params)


def test_what_is_nested_too_deeply_is_a_value_error(path):
    tree = ()
    for _ in range(900):
        tree = (tree,)
    with pytest.raises(ValueError, match="the model or the tree is nested too deeply for a file"):
        fn.save(path, None, tree)


# --- The machine's errors are not the file's ---


class Failing(io.BytesIO):
    """A file on a disk that fails after some reads."""

    left = 0

    def read(self, *size):
        type(self).left -= 1
        if self.left < 0:
            raise OSError(errno.EIO, "Input/output error")
        return super().read(*size)


@pytest.mark.parametrize("suffix", ["npz", "safetensors"])
@pytest.mark.parametrize("reads", range(0, 12, 2))
def test_a_disk_that_fails_is_not_told_as_damage(tmp_path, monkeypatch, suffix, reads):
    path = tmp_path / f"m.{suffix}"
    fn.save(path, MODEL, PARAMS)
    monkeypatch.setattr(Failing, "left", reads)
    monkeypatch.setattr(checkpoint, "opening", lambda path, links: Failing(path.read_bytes()))
    if suffix == "safetensors" and reads > 5:
        return  # it was read by then
    with pytest.raises(OSError, match=rf"Input/output error: '.*m\.{suffix}'"):
        fn.load(path)


SHORT = """
import resource, sys
from funcnet.public import load
taken = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (taken + 2**24, -1))
try:
    load(sys.argv[1])
except MemoryError:
    print("short of memory")
"""


@pytest.mark.parametrize("suffix", ["npz", "safetensors"])
def test_too_little_memory_is_not_told_as_damage(tmp_path, suffix):
    fn.save(tmp_path / f"m.{suffix}", None, np.zeros(2**23))
    assert python("-c", SHORT, tmp_path / f"m.{suffix}").stdout == "short of memory\n"


@pytest.mark.parametrize("error", [FileNotFoundError(errno.ENOENT, "No such file"), MemoryError()])
def test_damage_is_told_as_such_where_an_error_of_the_machine_is_being_handled(path, error):
    path.write_bytes(b"PK")
    try:
        raise error
    except (OSError, MemoryError):
        with pytest.raises(fn.CheckpointError, match="is damaged or is not a checkpoint"):
            fn.load(path)


# --- Damaged and forged files: see damage.py for more of them ---


@pytest.mark.parametrize("first", [0, pytest.param(1000, marks=pytest.mark.slow)])
def test_damaged_and_forged_files_are_refused_or_whole(first, monkeypatch):
    monkeypatch.setattr("tests.saving.damage.MEMORY", 2**40)  # a limit would stay with the process of the tests
    counts, wrong = outcomes(first, 25_000 if first else 1000, seed=0)
    assert not wrong
    assert {kind for kind, _ in counts} == set(KINDS)


STATES = {
    "no progress": lambda progress, state: state,
    "no state": lambda progress, state: evolve(progress, state=state.params),
    "an epoch of letters": lambda progress, state: evolve(progress, epoch="x"),
    "a step that is true": lambda progress, state: evolve(progress, state=evolve(state, step=True)),
    "a history of numbers": lambda progress, state: evolve(progress, history=3),
    "no moments": lambda progress, state: evolve(progress, state=evolve(state, optimizer_state=())),
    "moments of SGD": lambda progress, state: with_optimizer_state(progress, fn.SGD(0.1, 0.9).init(state.params)),
    "another kind": lambda progress, state: with_optimizer_state(progress, evolve(state.optimizer_state, kind="x")),
    "moments of other shapes": lambda progress, state: with_optimizer_state(progress, fn.Adam().init(PARAMS)),
    "a best of other shapes": lambda progress, state: evolve(progress, best=PARAMS),
}


def with_optimizer_state(progress, optimizer_state):
    return evolve(progress, state=evolve(progress.state, optimizer_state=optimizer_state))


@pytest.mark.parametrize("change", STATES.values(), ids=STATES)
def test_the_checkpoint_of_a_run_must_hold_what_a_run_has(tmp_path, change):
    run(evolve(ADAM, epochs=1), directory=tmp_path)
    model, progress = fn.load(tmp_path / "checkpoint.npz")
    fn.save(tmp_path / "checkpoint.npz", model, change(progress, progress.state))
    for use in (fn.read, lambda folder: run(evolve(ADAM, epochs=2), directory=folder)):
        with pytest.raises(
            fn.CheckpointError, match=r"does not belong to this experiment|differ from what the receipt recorded"
        ):
            use(tmp_path)


def test_the_run_of_a_forged_checkpoint_is_refused(tmp_path, monkeypatch):
    run(ADAM, directory=tmp_path)
    there, draws, refused = tmp_path / "checkpoint.npz", random.Random(0), 0
    monkeypatch.setitem(KINDS, "npz", (".npz", there.read_bytes(), None))
    for _ in range(60):
        there.write_bytes(FORGERS["npz"]("npz", draws))
        try:
            fn.run(ADAM, TRAIN, TEST, directory=tmp_path)
        except fn.CheckpointError as error:
            refused += str(there) in str(error)
    assert refused > 40


@pytest.mark.parametrize(
    ("old", "new"), [('"epoch"', '"step"'), ('"value": 0', '"value": null'), ('"history"', '"epoch"')]
)
def test_json_that_describes_something_else_is_refused_with_its_place(path, old, new):
    fn.save(path, MODEL, PARAMS)
    text = json.dumps({"format": 2, "model": None, "structure": {old: new}, "arrays": {}})
    rezipped(path, {"funcnet.json": text.encode(), "funcnet.sha256": digest_of(text).encode()})
    with pytest.raises(fn.CheckpointError, match=r"at the root, \{.* does not describe a part of a tree"):
        fn.load(path)
