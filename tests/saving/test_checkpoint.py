"""Checkpoints: what is saved comes back, whole or not at all."""

import io
import json
import os
import struct
import zipfile

import attrs
import numpy as np
import pytest

import funcnet as fn
from funcnet.saving.description import digest_of
from funcnet.tree import equal, node
from funcnet.values import UnregisteredError
from tests.layers.table import every_layer

MODEL = fn.sequential(fn.Linear(3), fn.ReLU(), fn.Flatten(), fn.Linear(2))
PARAMS = MODEL.init(fn.Key(0), (4,))


def saved_and_loaded(path, model, params):
    fn.save(path, model, params)
    return fn.load(path)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.npz"


@every_layer
def test_every_layer_and_its_params_come_back(path, layer, shape):
    params = layer.init(fn.Key(1), shape)
    assert saved_and_loaded(path, layer, params) == (layer, params)


def test_a_whole_training_state_comes_back(path):
    optimizer = fn.Adam(0.1)
    state = fn.TrainState(7, PARAMS, optimizer.init(PARAMS))
    assert saved_and_loaded(path, MODEL, state) == (MODEL, state)


ARRAYS = {
    "Fortran order": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    "strides": np.arange(12.0)[::2],
    "negative strides": np.arange(3.0)[::-1],
    "big-endian": np.arange(3, dtype=">f8"),
    "no numbers": np.zeros((0, 3), np.float32),
    "no axes": np.array(3.5),
    "NaN with a payload": np.array([0x7FF8_0000_0000_002A, 0xFFF0_0000_0000_0001], np.uint64).view(np.float64),
    "negative zero": np.array([-0.0, 0.0]),
    "float16": np.array([1.5], np.float16),
    "integers": np.arange(3),
    "bools": np.array([True, False]),
    "complex": np.array([1 + 2j]),
}


@pytest.mark.parametrize("array", ARRAYS.values(), ids=ARRAYS)
def test_any_array_comes_back_to_the_bit_and_read_only(path, array):
    for params in (array, (array, ((), None, array))):
        _, loaded = saved_and_loaded(path, fn.Identity(), params)
        assert equal(loaded, params)
        assert [leaf.flags.fnc for leaf in fn.tree.leaves(loaded)] == [a.flags.fnc for a in fn.tree.leaves(params)]
        assert not any(leaf.flags.writeable for leaf in fn.tree.leaves(loaded))


def test_numpy_reads_the_arrays_by_their_paths(path):
    fn.save(path, MODEL, PARAMS)
    with np.load(path) as arrays:
        assert {"0.weight", "0.bias", "3.weight", "3.bias"} <= set(arrays)
        assert (arrays["0.weight"] == PARAMS[0].weight).all()


@fn.register
@node
class OwnParams:
    scale: np.ndarray
    count: int = fn.tree.static()


def test_a_users_node_comes_back(path):
    params = OwnParams(np.ones(2), 3)
    assert saved_and_loaded(path, fn.Identity(), params)[1] == params


@node
class UnknownParams:
    scale: np.ndarray


def test_what_cannot_be_saved_leaves_the_old_file(path):
    fn.save(path, MODEL, PARAMS)
    for params, error in ((np.array([None]), TypeError), (UnknownParams(np.ones(2)), UnregisteredError)):
        with pytest.raises(error):
            fn.save(path, MODEL, params)
    assert fn.load(path) == (MODEL, PARAMS)
    assert os.listdir(path.parent) == ["model.npz"]


@pytest.mark.parametrize("broken", ["fsync", "replace"])
def test_a_full_disk_leaves_the_old_file(path, broken, monkeypatch):
    fn.save(path, MODEL, PARAMS)

    def full(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, broken, full)
    with pytest.raises(OSError, match="No space left"):
        fn.save(path, MODEL, fn.tree.zeros_like(PARAMS))
    monkeypatch.undo()
    assert fn.load(path) == (MODEL, PARAMS)
    assert os.listdir(path.parent) == ["model.npz"]


def test_no_file_and_no_folder_are_the_systems_errors(tmp_path):
    with pytest.raises(FileNotFoundError):
        fn.load(tmp_path / "none.npz")
    with pytest.raises(FileNotFoundError):
        fn.save(tmp_path / "none" / "model.npz", MODEL, PARAMS)


# --- Files that are damaged, or were made to do harm ---


def entries(path):
    with zipfile.ZipFile(path) as archive:
        return {info.filename: archive.read(info) for info in archive.infolist()}


def rewritten(path, change, **options):
    """The file with its entries, a dict of bytes, changed."""
    fn.save(path, MODEL, PARAMS)
    contents = entries(path)
    change(contents)
    with zipfile.ZipFile(path, "w", **options) as archive:
        for name, data in contents.items():
            archive.writestr(name, data)


def described(contents, change):
    description = json.loads(contents["funcnet.json"])
    change(description)
    redescribe(contents, json.dumps(description))


def redescribe(contents, text):
    contents["funcnet.json"], contents["funcnet.sha256"] = text.encode(), digest_of(text).encode()


def swap(contents):
    contents["0.bias.npy"], contents["3.bias.npy"] = contents["3.bias.npy"], contents["0.bias.npy"]


def swap_alike(contents):
    contents["0.weight.npy"] = contents["0.weight.npy"][:-4] + b"\0\0\0\0"


def objects(contents):
    file = io.BytesIO()
    np.save(file, np.array([print]), allow_pickle=True)
    contents["0.bias.npy"] = file.getvalue()


WRONG = {
    "an array too few": (lambda c: c.pop("0.bias.npy"), "it lacks 0.bias.npy"),
    "an array too many": (lambda c: c.update({"4.npy": b""}), "it has 4.npy, which its description does not list"),
    "two wrong": (lambda c: (c.pop("0.bias.npy"), c.update({"4.npy": b""})), "lacks 0.bias.npy; it has 4.npy"),
    "a path upward": (lambda c: c.update({"../4.npy": b""}), r"it has \.\./4.npy"),
    "another shape": (swap, r"0.bias: .*; 3.bias: expected float32 of shape \(2,\)|0.bias"),
    "another number": (swap_alike, "0.weight: its bytes differ from those that were saved"),
    "objects": (objects, "0.bias"),
    "no description": (lambda c: c.pop("funcnet.json"), "its description differs from the one that was saved"),
    "no digest": (lambda c: c.pop("funcnet.sha256"), "it lacks the digest of its description"),
    "neither": (lambda c: (c.pop("funcnet.json"), c.pop("funcnet.sha256")), "it has no entry funcnet.json"),
    "another format": (
        lambda c: described(c, lambda d: d.update(format=3)),
        "its format version is 3, but this funcnet reads 1 and 2",
    ),
    "a dtype of 3 MB": (
        lambda c: described(c, lambda d: d["arrays"]["0.bias"].update(dtype="f4" * 10**6)),
        r"0.bias: an array of numbers cannot be of (f4){49}f and shape \[3\]$",
    ),
    "a class unknown": (
        lambda c: described(c, lambda d: d.update(model={"type": "os.system"})),
        r"class 'os.system' at model is not registered: .*; to read only the arrays, give load a tree",
    ),
    "a huge shape": (
        lambda c: described(c, lambda d: d["arrays"]["0.bias"].update(shape=[2**60])),
        r"0.bias: expected float32 of shape \(1152921504606846976,\)",
    ),
    "objects described": (
        lambda c: described(c, lambda d: d["arrays"]["0.bias"].update(dtype="|O")),
        r"0.bias: an array of numbers cannot be of \|O",
    ),
    "a leaf too few": (
        lambda c: described(c, lambda d: d["structure"].pop()),
        "no leaf for 3.bias, no leaf for 3.weight",
    ),
    "a node of other fields": (
        lambda c: described(c, lambda d: d["structure"][0]["fields"].pop("bias")),
        "LinearParams at 0 of the tree has the fields weight, bias, and in the file weight: a different version",
    ),
    "a class that is no node": (
        lambda c: described(c, lambda d: d["structure"][0].update(node="Linear")),
        "Linear at 0 of the tree is not a node",
    ),
}


@pytest.mark.parametrize(("change", "message"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_reported(path, change, message):
    rewritten(path, change)
    with pytest.raises(fn.CheckpointError, match=message):
        fn.load(path)


def test_a_zip_bomb_is_not_unpacked(path):
    rewritten(path, lambda contents: contents.update({"0.bias.npy": b"\0" * 10**7}), compression=zipfile.ZIP_DEFLATED)
    with pytest.raises(fn.CheckpointError, match="is compressed by a method that `load` does not accept"):
        fn.load(path)


def damaged(data, draws):
    """The bytes with some bits flipped, cut off, written over by a large number, or a piece copied elsewhere."""
    data, place = bytearray(data), int(draws.integers(len(data)))
    kind = draws.integers(5)
    if kind == 0:
        data[place] ^= 1 << int(draws.integers(8))
    elif kind == 1:
        del data[place:]
    elif kind == 2:
        data[place : place + 4] = struct.pack("<I", int(draws.choice([0, 1, 2**16, 2**31 - 1, 2**32 - 1])))
    elif kind == 3:
        other, length = int(draws.integers(len(data))), int(draws.integers(1, 200))
        data[place : place + length] = data[other : other + length]
    else:
        for _ in range(8):
            data[int(draws.integers(len(data)))] = int(draws.integers(256))
    return bytes(data)


@pytest.mark.slow
def test_2000_damaged_files_are_refused_or_whole(path):
    fn.save(path, MODEL, PARAMS)
    data, draws, refused = path.read_bytes(), np.random.default_rng(0), 0
    for _ in range(2000):
        path.write_bytes(damaged(data, draws))
        try:
            loaded = fn.load(path)
        except fn.CheckpointError:
            refused += 1
        else:
            assert loaded == (MODEL, PARAMS)
    assert refused > 1500


@pytest.mark.parametrize("data", [b"PK", b"not a zip file at all", b"\x93NUMPY"])
def test_another_file_is_not_a_checkpoint(path, data):
    path.write_bytes(data)
    with pytest.raises(fn.CheckpointError, match="is damaged or is not a checkpoint"):
        fn.load(path)


def test_a_checkpoint_of_a_layer_of_ones_own_needs_it_registered(path):
    local = attrs.make_class("Own", [], bases=(fn.Layer,), frozen=True)
    with pytest.raises(UnregisteredError, match="Own is not registered"):
        fn.save(path, local(), ())
