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


@pytest.mark.parametrize("arrays", FORGED.values(), ids=FORGED)
def test_a_forged_header_is_refused_as_the_package_refuses_it(path, arrays):
    header = {name: dict(zip(("dtype", "shape", "data_offsets"), each, strict=True)) for name, each in arrays.items()}
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + bytes(24))
    with pytest.raises(safetensors.SafetensorError):
        safetensors.deserialize(path.read_bytes())
    with pytest.raises(fn.CheckpointError, match=r"model\.safetensors"):
        fn.load(path, np.zeros(6, np.float32))
