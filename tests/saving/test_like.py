"""Files made elsewhere, read by a tree like theirs: all that differs is told, and no more is read than it needs."""

import io
import json
import re
import struct
import tracemalloc
import zipfile
from hashlib import sha256

import numpy as np
import pytest

import funcnet as fn
from funcnet.tree import equal, node
from tests.children import python
from tests.layers.table import every_model
from tests.saving.test_checkpoint import ARRAYS, MODEL, PARAMS, damaged, entries, redescribe

NAMED = fn.tree.named_leaves(PARAMS)  # 0.weight (4, 3), 0.bias (3,), 3.weight (3, 2), 3.bias (2,), all float32


@pytest.fixture
def path(tmp_path):
    return tmp_path / "elsewhere.npz"


def refusal(path, like):
    with pytest.raises(fn.CheckpointError) as caught:
        fn.load(path, like)
    return str(caught.value).removeprefix(f"{path}: ")


# --- Files that fit ---


@pytest.mark.parametrize("write", [np.savez, np.savez_compressed])
@every_model
def test_arrays_that_numpy_wrote_get_the_trees_structure(path, layer, shape, write):
    params, like = layer.init(fn.Key(1), shape), fn.tree.zeros_like(layer.init(fn.Key(2), shape))
    write(path, **fn.tree.named_leaves(params), **fn.tree.named_buffers(params))
    assert fn.load(path, like=like, layout="funcnet") == (None, params)


@pytest.mark.parametrize("array", ARRAYS.values(), ids=ARRAYS)
def test_any_array_comes_as_it_is_and_read_only(path, array):
    np.savez_compressed(path, leaf=array)
    _, loaded = fn.load(path, np.zeros_like(array))
    assert equal(loaded, array)
    assert loaded.flags.fnc == array.flags.fnc
    assert not loaded.flags.writeable


def npy(array, version):
    file = io.BytesIO()
    np.lib.format.write_array(file, array, version)
    return file.getvalue()


@pytest.mark.filterwarnings("ignore:Stored array in format")
@pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0)])
def test_every_version_of_npy_is_read(path, version):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("leaf.npy", npy(ARRAYS["Fortran order"], version))
    assert equal(fn.load(path, np.zeros((2, 3)))[1], ARRAYS["Fortran order"])


@pytest.mark.parametrize(("there", "here"), [("<f8", ">f8"), (">f8", "<f8"), (">i2", "<i2")])
def test_the_order_of_bytes_becomes_that_of_the_tree(path, there, here):
    np.savez(path, leaf=np.arange(3, dtype=there))
    assert equal(fn.load(path, np.zeros(3, here))[1], np.arange(3, dtype=here))


@node
class UnknownParams:
    scale: np.ndarray
    count: int = fn.tree.static(default=3)


def test_a_node_that_is_not_registered_will_do_as_like(path):
    np.savez(path, **{"0.scale": np.ones(2)})
    like = (UnknownParams(np.zeros(2)), ())
    assert fn.load(path, like) == (None, (UnknownParams(np.ones(2)), ()))


# --- Files that do not fit ---


def test_all_that_differs_is_reported_at_once(path):
    changed = {"0.weight": np.zeros((3, 4), np.float32), "3.bias": np.zeros(2), "4.bias": np.zeros(2), "5": np.zeros(1)}
    np.savez(path, **{"3.weight": NAMED["3.weight"]}, **changed)
    assert refusal(path, PARAMS) == (
        "it lacks 0.bias.npy; it has 4.bias.npy, which `like` does not have; it has 5.npy, which `like` does not have; "
        "0.weight: expected float32 of shape (4, 3), got float32 of shape (3, 4); "
        "3.bias: expected float32 of shape (2,), got float64 of shape (2,)"
    )


def test_without_like_a_file_made_elsewhere_says_what_it_needs(path):
    np.savez(path, **NAMED)
    with pytest.raises(
        fn.CheckpointError, match=r"it has no entry funcnet\.json: a file not made by `save` needs `like`"
    ):
        fn.load(path)


@pytest.mark.parametrize(
    "dtype", [np.float16, np.float64, np.int32, np.uint32, np.bool_, np.complex64, "S4", "datetime64[s]", "f4,f4"]
)
def test_no_dtype_is_converted(path, dtype):
    np.savez(path, leaf=np.zeros(2, dtype))
    assert "leaf: expected float32 of shape (2,), got " in refusal(path, np.zeros(2, np.float32))


class Explosive:
    def __reduce__(self):
        return pytest.fail, ("unpickled",)


def test_objects_are_refused_and_not_unpickled(path):
    np.savez(path, leaf=np.array([Explosive()]))
    assert "got object of shape (1,)" in refusal(path, np.zeros(1))


def test_objects_in_like_are_the_callers_mistake(path):
    np.savez(path, leaf=np.zeros(1))
    with pytest.raises(TypeError, match="the leaf leaf must be an array of numbers, got object"):
        fn.load(path, np.array([1.0], object))


def header(shape, length=118):
    text = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}".ljust(length - 1) + "\n"
    return b"\x93NUMPY\x02\0" + length.to_bytes(4, "little") + text.encode()


ZEROS = b"\0" * 2**22
BOMBS = {
    "more numbers than it declares": (header((3,)) + ZEROS, "leaf: it has more bytes than it should"),
    "more numbers than the tree has": (header((2**19,)) + ZEROS, r"got float64 of shape \(524288,\)"),
    "a shape that no memory has": (header((2**60,)) + ZEROS, "leaf: expected float64"),
    "a header without end": (b"\x93NUMPY\x02\0\xff\xff\xff\xff" + ZEROS, "its header of 4294967295 bytes is too long"),
    "a long header": (header((3,), 2**24), "its header of 16777216 bytes is too long"),
    "too few numbers": (header((3,)) + b"\0" * 23, "leaf: it has fewer bytes than it should"),
    "an unknown version": (b"\x93NUMPY\x09\0" + ZEROS, r"its .npy version \(9, 0\) is unknown"),
    "no .npy": (ZEROS, "is damaged or is not a checkpoint"),
}


def refused_in_little_memory(path, like, most=2**20):
    tracemalloc.start()
    try:
        message = refusal(path, like)
        assert tracemalloc.get_traced_memory()[1] < most
    finally:
        tracemalloc.stop()
    return message


@pytest.mark.parametrize(("data", "message"), BOMBS.values(), ids=BOMBS)
def test_no_more_is_unpacked_than_the_tree_needs(path, data, message):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("leaf.npy", data)
    assert path.stat().st_size < 2**17
    assert re.search(message, refused_in_little_memory(path, np.zeros(3)))


def test_an_entry_that_claims_to_be_larger_than_the_file_takes_no_memory(path):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("leaf.npy", header((2**27,)))
    data = bytearray(path.read_bytes())
    sizes = data.index(b"PK\1\2") + 20  # in the directory, of the bytes compressed and not
    data[sizes : sizes + 8] = struct.pack("<II", 2**31, 2**31)
    path.write_bytes(data)
    assert "its entries are larger than the file" in refused_in_little_memory(path, np.broadcast_to(0.0, 2**27))


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_compression_that_unpacks_all_at_once_is_refused(path, method):
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.writestr("leaf.npy", header((3,)) + ZEROS)
    assert "leaf.npy is compressed" in refused_in_little_memory(path, np.zeros(3))


def test_400_damaged_files_are_refused_or_whole(path):
    np.savez_compressed(path, **NAMED)
    data, draws, refused = path.read_bytes(), np.random.default_rng(0), 0
    for _ in range(400):
        path.write_bytes(damaged(data, draws))
        try:
            loaded = fn.load(path, PARAMS)
        except fn.CheckpointError:
            refused += 1
        else:
            assert loaded == (None, PARAMS)
    assert refused > 240


# --- Files of `save`, held against a tree ---


@pytest.fixture
def own(path):
    fn.save(path, MODEL, PARAMS)
    return path


def test_a_checkpoint_that_is_like_the_tree_comes_with_its_model(own):
    assert fn.load(own, like=fn.tree.zeros_like(PARAMS)) == (MODEL, PARAMS)


def test_a_step_count_is_the_files(path):
    state = fn.TrainState(7, PARAMS, fn.Adam(0.1).init(PARAMS))
    fn.save(path, MODEL, state)
    assert fn.load(path, like=fn.TrainState(0, PARAMS, state.optimizer_state)) == (MODEL, state)


def test_all_that_differs_in_a_checkpoint_is_reported_at_once(own):
    like = (fn.LinearParams(np.zeros((4, 3))), (), np.zeros(3), fn.LinearParams(np.zeros((3, 3)), PARAMS[3].bias))
    assert refusal(own, like) == (
        "it lacks 2; it has 0.bias, which `like` does not have; "
        "0.weight: expected float64 of shape (4, 3), got float32 of shape (4, 3); "
        "3.weight: expected float64 of shape (3, 3), got float32 of shape (3, 2)"
    )


@fn.register
@node
class OtherParams:
    weight: np.ndarray
    bias: np.ndarray


def test_a_checkpoint_of_other_nodes_with_the_same_paths_is_not_like_the_tree(own):
    like = (OtherParams(PARAMS[0].weight, PARAMS[0].bias), None, ((),), PARAMS[3])
    assert refusal(own, like) == (
        "at 0 it has LinearParams, but `like` has OtherParams; at 1 it has a tuple of 0, but `like` has None; "
        "at 2 it has FlattenParams, but `like` has a tuple of 1"
    )
    assert refusal(own, (*PARAMS, ())) == "at the root it has a tuple of 4, but `like` has a tuple of 5"


def test_a_checkpoint_is_verified_before_it_is_held_against_the_tree(own):
    contents = entries(own)
    contents["0.weight.npy"] = contents["0.weight.npy"][:-4] + b"\0\0\0\0"
    with zipfile.ZipFile(own, "w") as archive:
        for name, data in contents.items():
            archive.writestr(name, data)
    assert refusal(own, PARAMS) == "0.weight: its bytes differ from those that were saved"


PROMISES = {  # numbers promised, bytes that are there
    "not kept": (2**40, b"\0" * 2**16, zipfile.ZIP_STORED, "0.bias: it has fewer bytes than it should"),
    "kept in few bytes": (2**20, ZEROS, zipfile.ZIP_DEFLATED, "0.bias.npy is compressed"),
}


@pytest.mark.parametrize(("size", "data", "method", "message"), PROMISES.values(), ids=PROMISES)
def test_a_description_that_promises_much_takes_no_memory(own, size, data, method, message):
    contents = entries(own)
    description = json.loads(contents["funcnet.json"])
    description["arrays"]["0.bias"].update(shape=[size], sha256=sha256(data).hexdigest())
    redescribe(contents, json.dumps(description))
    contents["0.bias.npy"] = header((size,)).replace(b"<f8", b"<f4") + data
    with zipfile.ZipFile(own, "w") as archive:
        for name, content in contents.items():
            archive.writestr(name, content, method if name == "0.bias.npy" else zipfile.ZIP_STORED)
    assert message in refused_in_little_memory(own, None)


@pytest.mark.parametrize(
    "module", ["checkpoint", "description", "formats", "layouts", "npz", "safetensors", "structure"]
)
@pytest.mark.slow
def test_each_module_is_imported_by_itself(module):
    loaded = "'safetensors' in sys.modules or 'funcnet.public' in sys.modules"
    code = f"import sys, funcnet.saving.{module}; sys.exit({loaded})"
    assert python("-c", code).returncode == 0
