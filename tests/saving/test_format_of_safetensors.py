"""The format .safetensors, which funcnet reads and writes itself: the bytes are the package's, and it is as strict."""

import json
import sys

import numpy as np
import pytest

import funcnet as fn
from tests.saving.test_checkpoint import MODEL, PARAMS

safetensors = pytest.importorskip("safetensors")
numpy_files = pytest.importorskip("safetensors.numpy")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.safetensors"


def test_the_package_reads_and_writes_the_same_bytes(path):
    arrays = {
        f"{kind}{i}": np.arange(3 + i).astype(kind) for kind in ("u8", "f4", "f2", "i1", "?", "i8") for i in (0, 1)
    }
    fn.save(path, fn.Identity(), tuple(arrays.values()))
    with safetensors.safe_open(path, framework="np") as file:
        metadata, named = file.metadata(), {name: file.get_tensor(name).copy() for name in file.keys()}  # noqa: SIM118
    theirs = {numpy_files.save(named, metadata) for _ in range(50)}  # the order of the metadata is random there
    assert path.read_bytes() in theirs


def test_the_package_is_not_needed(path, monkeypatch):
    for name in ("safetensors", "safetensors.numpy"):
        monkeypatch.setitem(sys.modules, name, None)
    fn.save(path, MODEL, PARAMS)
    assert fn.load(path) == (MODEL, PARAMS)
    assert fn.load(path, PARAMS) == (MODEL, PARAMS)


FORGED = {  # what a header says of the arrays, where 24 bytes follow
    "a gap": {"a": ("F32", [2], [0, 8]), "b": ("F32", [3], [12, 24])},
    "an overlap": {"a": ("F32", [4], [0, 16]), "b": ("F32", [3], [12, 24])},
    "bytes left": {"a": ("F32", [5], [0, 20])},
    "beyond the end": {"a": ("F32", [7], [0, 28])},
    "backwards": {"a": ("F32", [6], [24, 0])},
    "another size": {"a": ("F32", [5], [0, 24])},
    "a negative side": {"a": ("F32", [-6], [0, 24])},
    "half a side": {"a": ("F32", [6.0], [0, 24])},
    "a dtype unknown": {"a": (["F32"], [6], [0, 24])},
    "two sides wanted": {"a": ("F32", 6, [0, 24])},
    "no place": {"a": ("F32", [6], [])},
}


HEADERS = {
    "[]": r"its header must be a JSON object, got \[\]",
    '{"w":3}': "w: 3 does not tell where an array is",
    '{"w":{}}': "w: {} does not tell where an array is",
    '{"w":{"dtype":"F32","shape":6,"data_offsets":[0,24]}}': "w: .* does not tell where an array is",
    '{"w":{"dtype":"F32","shape":[6],"data_offsets":24}}': "w: .* does not tell where an array is",
    '{"__metadata__":[]}': r"its __metadata__ must be texts by name, got \[\]",
    '{"__metadata__":"x"}': "its __metadata__ must be texts by name, got 'x'",
    '{"__metadata__":{"funcnet":1,"funcnet.sha256":2}}': "its __metadata__ must be texts by name, got {",
    '{"__metadata__":{"epoch":null}}': "its __metadata__ must be texts by name, got {",
}


def with_header(text, data=bytes(24)):
    return len(text).to_bytes(8, "little") + text.encode() + data


@pytest.mark.parametrize(("header", "message"), HEADERS.items())
def test_a_header_that_is_not_one_is_refused_as_the_package_refuses_it_and_says_why(path, header, message):
    path.write_bytes(with_header(header))
    with pytest.raises(safetensors.SafetensorError):
        safetensors.deserialize(path.read_bytes())
    with pytest.raises(fn.CheckpointError, match=rf"model\.safetensors: {message}"):
        fn.load(path, np.zeros(6, np.float32))


def test_metadata_that_are_null_are_none_as_to_the_package(path):
    path.write_bytes(with_header('{"__metadata__":null,"0":{"dtype":"F32","shape":[6],"data_offsets":[0,24]}}'))
    assert len(safetensors.deserialize(path.read_bytes())) == 1
    assert fn.tree.equal(fn.load(path, (np.zeros(6, np.float32),))[1], (np.zeros(6, np.float32),))
    with pytest.raises(fn.CheckpointError, match="a file not made by `save` needs `like`"):
        fn.load(path)


@pytest.mark.parametrize("arrays", FORGED.values(), ids=FORGED)
def test_a_forged_header_is_refused_as_the_package_refuses_it(path, arrays):
    header = {name: dict(zip(("dtype", "shape", "data_offsets"), each, strict=True)) for name, each in arrays.items()}
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + bytes(24))
    with pytest.raises(safetensors.SafetensorError):
        safetensors.deserialize(path.read_bytes())
    with pytest.raises(fn.CheckpointError, match=r"model\.safetensors"):
        fn.load(path, np.zeros(6, np.float32))
