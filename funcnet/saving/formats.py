"""The format of a file: by its name, and what is said of files of other programs."""

from __future__ import annotations

from pathlib import Path
from typing import IO

from funcnet.errors import CheckpointError
from funcnet.saving.description import Format
from funcnet.saving.npz import NPZ
from funcnet.saving.safetensors import SAFETENSORS

_OF_OTHERS = frozenset(
    [
        *(".pt", ".pth", ".ckpt", ".bin", ".pkl", ".pickle", ".joblib", ".h5", ".hdf5", ".keras", ".pb", ".tflite"),
        *(".onnx", ".gguf", ".msgpack", ".mat", ".npy", ".tar", ".gz", ".bz2", ".xz", ".zst", ".parquet"),
        *(".json", ".jsonl", ".yaml", ".yml", ".toml", ".csv", ".tsv", ".txt", ".py"),
    ]
)
_ADVICE = "write its arrays by np.savez or safetensors.torch.save_file, and load that file with like=params"


def format_of(path: Path) -> Format:
    """The format that the name of a file says: .safetensors if it ends so, else .npz."""
    return SAFETENSORS if path.suffix.lower() == ".safetensors" else NPZ


def check_name(path: Path) -> None:
    """Raise ValueError for a name that promises the format of a different program."""
    if path.suffix.lower() in _OF_OTHERS:
        raise ValueError(
            f"{path}: save writes .npz and .safetensors files, not {path.suffix} files: name it {path.stem}.npz, "
            f"or {path.stem}.safetensors, which PyTorch reads"
        )


def check_content(path: Path, file: IO[bytes]) -> None:
    """Raise CheckpointError, which says what to do, for a file of a different program or under the other's name."""
    head = file.read(512)
    file.seek(0)
    if kind := _kind(head, is_npz=format_of(path) is NPZ):
        raise CheckpointError(f"{path} is not a checkpoint of funcnet but {kind}")


def _kind(head: bytes, is_npz: bool) -> str:
    """What a file is that begins with these bytes, and what to do; "" if it may be a checkpoint."""
    if not head:
        return "an empty file: its writing or its download was cut off"
    if head[8:9] == b"{" and int.from_bytes(head[:8], "little") < 2**32:
        return "a .safetensors file: its name must end in .safetensors" if is_npz else ""
    if head.startswith(b"PK\3\4"):
        if b"/data.pkl" in head:
            return f"a file of torch.save, which can run code: in PyTorch, {_ADVICE}"
        if b"metadata.json" in head[:64] or b"config.json" in head[:64]:
            return f"a file of Keras: in Keras, {_ADVICE}"
        return "" if is_npz else "a zip file, as an .npz is: its name must end in .npz"
    if head[:1] == b"\x80" and head[1:2] in b"\2\3\4\5":
        return f"a pickle, as pickle.dump and torch.save write, which can run code: {_ADVICE}"
    if head.startswith(b"\x89HDF\r\n\x1a\n"):
        return f"an HDF5 file: {_ADVICE}"
    if head.startswith(b"\x93NUMPY") and len(head) > 8:
        return f"a single array, as np.save writes: {_ADVICE}"
    if head.startswith((b"\x1f\x8b", b"BZh", b"\xfd7zXZ")):
        return "a compressed file: unpack it"
    if head.startswith(b"version https://git-lfs"):
        return "a Git LFS pointer to one: git lfs pull brings the file"
    return ""
