"""Names of files: where they lead, which formats they promise, and what is said of a file of a different program."""

import gzip
import os
import pickle
from pathlib import Path

import numpy as np
import pytest

import funcnet as fn
from funcnet.saving.formats import _OF_OTHERS
from tests.saving.test_checkpoint import MODEL, PARAMS


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A home folder, and a different one to work in."""
    for name in ("home", "here"):
        (tmp_path / name).mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "home"


@pytest.mark.parametrize("kind", [str, Path])
def test_a_tilde_is_the_home_folder(home, kind):
    fn.save(kind("~/model.npz"), MODEL, PARAMS)
    assert [path.name for path in home.iterdir()] == ["model.npz"]
    assert fn.load(kind("~/model.npz")) == (MODEL, PARAMS)
    assert not list(Path().iterdir())


def test_a_tilde_elsewhere_is_a_tilde(home):
    fn.save("model~.npz", MODEL, PARAMS)
    assert fn.load("model~.npz") == (MODEL, PARAMS)
    assert not list(home.iterdir())


@pytest.mark.parametrize("suffix", sorted(_OF_OTHERS))
def test_the_name_of_a_different_format_is_refused(tmp_path, suffix):
    for path in (tmp_path / f"model{suffix}", tmp_path / f"model{suffix.upper()}"):
        with pytest.raises(
            ValueError, match=r"name it model\.npz, or model\.safetensors, which PyTorch reads"
        ) as caught:
            fn.save(path, MODEL, PARAMS)
        assert str(caught.value).startswith(f"{path}: save writes .npz and .safetensors files, not {path.suffix} files")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["model", "model.v2", "model.2024-01-01", "model.npz.old", ".model", "model.best"])
def test_any_other_name_is_an_npz(tmp_path, name):
    fn.save(tmp_path / name, MODEL, PARAMS)
    assert set(np.load(tmp_path / name)) > {"0.weight", "0.bias"}
    assert fn.load(tmp_path / name) == (MODEL, PARAMS)


def test_a_file_of_before_is_read_by_any_name(tmp_path):
    fn.save(tmp_path / "model", MODEL, PARAMS)
    (tmp_path / "model").rename(tmp_path / "model.ckpt")
    assert fn.load(tmp_path / "model.ckpt") == (MODEL, PARAMS)


def torch_file(path, **options):
    torch = pytest.importorskip("torch")
    torch.save(torch.nn.Linear(2, 3).state_dict(), path, **options)


def under_the_name_of(suffix):
    """Writes a checkpoint, which then has a name that ends in `.npz` or `.safetensors` as `suffix` does not."""

    def write(path):
        pytest.importorskip("safetensors")
        fn.save(path.with_name(f"other.{suffix}"), MODEL, PARAMS)
        path.with_name(f"other.{suffix}").rename(path)

    return write


def hdf5(path):
    path.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(100))


FOREIGN = {
    "torch.save": ("m.pt", torch_file, "a file of torch.save, which can run code: in PyTorch, write its arrays by"),
    "torch.save, .npz": ("m.npz", torch_file, "a file of torch.save"),
    "torch.save of old": ("m.pth", lambda path: torch_file(path, _use_new_zipfile_serialization=False), "a pickle, as"),
    "pickle": ("m.pkl", lambda path: path.write_bytes(pickle.dumps(PARAMS)), "a pickle, as pickle.dump and torch.save"),
    "np.save": ("m.npy", lambda path: np.save(path, np.eye(3)), "a single array, as np.save writes: write its arrays"),
    "gzip": ("m.npz", lambda path: path.write_bytes(gzip.compress(b"x" * 99)), "a compressed file: unpack it"),
    "HDF5": ("m.h5", hdf5, "an HDF5 file: write its arrays by np.savez or safetensors.torch.save_file, and load that"),
    "Git LFS": (
        "m.safetensors",
        lambda path: path.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 3\n"),
        "a Git LFS pointer to one: git lfs pull brings the file",
    ),
    "empty .npz": ("m.npz", lambda path: path.touch(), "an empty file: its writing or its download was cut off"),
    "empty .safetensors": ("m.safetensors", lambda path: path.touch(), "an empty file: its writing"),
    "named .npz": (
        "m.npz",
        under_the_name_of("safetensors"),
        "a .safetensors file: its name must end in .safetensors",
    ),
    "named .safetensors": (
        "m.safetensors",
        under_the_name_of("npz"),
        "a zip file, as an .npz is: its name must end in .npz",
    ),
}


@pytest.mark.parametrize(("name", "write", "message"), FOREIGN.values(), ids=FOREIGN)
def test_a_file_of_a_different_program_is_named(tmp_path, name, write, message):
    path = tmp_path / name
    write(path)
    for like in (None, PARAMS):
        with pytest.raises(fn.CheckpointError) as caught:
            fn.load(path, like)
        assert str(caught.value).startswith(f"{path} is not a checkpoint of funcnet but {message}")


def test_a_large_header_of_safetensors_is_not_taken_for_anything_else(tmp_path):
    numpy = pytest.importorskip("safetensors.numpy")
    for size in [*range(0x8B1F - 700, 0x8B1F, 97), 0x280, 0x380, 0x480]:  # lengths that begin as gzip's or a pickle's
        numpy.save_file({"leaf": np.ones(2)}, tmp_path / "m.safetensors", {"note": "x" * max(size - 90, 1)})
        assert fn.load(tmp_path / "m.safetensors", np.zeros(2))[1].tolist() == [1.0, 1.0]


def test_a_device_or_a_pipe_is_not_replaced_by_a_file(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match=r"a device or a pipe.*pipe'$"):
        fn.save(tmp_path / "pipe", MODEL, PARAMS)
    assert [each.is_fifo() for each in tmp_path.iterdir()] == [True]
