"""Checkpoints as .safetensors, which PyTorch and others read: the names and the layout are those of `nn.Sequential`.

A leaf whose field declares `torch_axes` is stored in that order, so a Linear weight (n_in, n_out) becomes
(n_out, n_in). The metadata of the file holds the same description as an .npz, so that dtypes and memory orders are
restored, and its SHA-256. The bytes are those that the package safetensors writes, with the metadata in a fixed order.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import IO, Any

import attrs
import numpy as np

from funcnet.errors import CheckpointError, shown
from funcnet.saving.description import Entries, Form, Format, check_form, check_readable, digest_of, exactly, forms
from funcnet.saving.structure import named
from funcnet.tree import Array, Tree
from funcnet.values import parsed

_METADATA, _DESCRIPTION, _DIGEST = "__metadata__", "funcnet", "funcnet.sha256"
_DTYPES = {  # in NumPy and in every version of the package; only late versions have C64
    **{"BOOL": "|b1", "I8": "|i1", "I16": "<i2", "I32": "<i4", "I64": "<i8", "F16": "<f2", "F32": "<f4", "F64": "<f8"},
    **{"U8": "|u1", "U16": "<u2", "U32": "<u4", "U64": "<u8"},
}
_CODES = {dtype: code for code, dtype in _DTYPES.items()}
_IN_FILES = "U64", "I64", "F64", "F32", "U32", "I32", "F16", "U16", "I16", "I8", "U8", "BOOL"  # the package's order


@attrs.frozen
class _Tensor:
    """An array in a file: the code of its dtype, its shape, and where its bytes begin and end."""

    code: str
    shape: tuple[int, ...]
    begin: int
    end: int


# --- Writing ---


def _write(file: IO[bytes], description: str, params: Tree) -> None:
    """Write the leaves of a tree and its description to an empty file.

    Raises TypeError for a leaf whose dtype safetensors lacks.
    """
    wanted = forms(params)
    stored = {name: _stored(name, leaf, wanted[name]) for name, leaf in named(params).items()}
    names = sorted(stored, key=lambda name: (_IN_FILES.index(_CODES[stored[name].dtype.str]), name))
    header: dict[str, Any] = {_METADATA: {_DESCRIPTION: description, _DIGEST: digest_of(description)}}
    end = 0
    for name in names:
        begin, end = end, end + stored[name].nbytes
        code = _CODES[stored[name].dtype.str]
        header[name] = {"dtype": code, "shape": stored[name].shape, "data_offsets": [begin, end]}
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    check_readable(text, 8 + len(text) + end)
    file.write(len(text).to_bytes(8, "little") + text)
    for name in names:
        file.write(stored[name].tobytes())


def _stored(name: str, leaf: Array, form: Form) -> Array:
    """The leaf with the bytes and the axes of the file."""
    dtype = leaf.dtype.newbyteorder("<")
    if dtype.str not in _CODES:
        raise TypeError(f"the leaf {name} is of {leaf.dtype}, which .safetensors cannot hold: save it as .npz")
    return np.asarray(_transposed(leaf, form.torch_axes), dtype)


# --- Reading ---


@contextmanager
def _opened(file: IO[bytes]) -> Iterator[Entries]:
    """The content of a file. Raises CheckpointError or ValueError for any other file."""
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    length = int.from_bytes(file.read(8), "little")
    if length > size - 8:
        raise ValueError(f"its header should have {length} bytes, and the whole file has {size}")
    header = parsed(exactly(file.read(length), length), size)
    if not isinstance(header, dict):
        raise CheckpointError(f"its header must be a JSON object, got {shown(header)}")
    metadata = _texts(header.pop(_METADATA, None))
    tensors = {name: _located(name, header.pop(name)) for name in list(header)}
    _check_gaps(tensors, size - 8 - length)

    def read(name: str, form: Form) -> Array:
        file.seek(8 + length + tensors[name].begin)
        return _array(file, tensors[name], form)

    description, digest = metadata.get(_DESCRIPTION), metadata.get(_DIGEST)
    if (description is None) != (digest is None):
        raise CheckpointError("its description differs from the one that was saved")
    place = f"{_DESCRIPTION!r} in the metadata"
    names = frozenset(tensors)
    yield Entries(names, read, "", "torch", None, description, place, digest, size)


def _texts(metadata: Any) -> dict[str, str]:
    """The metadata of a header; null is none, as it is to the package."""
    if metadata is None:
        return {}
    if not isinstance(metadata, dict) or not all(isinstance(text, str) for text in metadata.values()):
        raise CheckpointError(f"its {_METADATA} must be texts by name, got {shown(metadata)}")
    return metadata


def _located(name: str, described: Any) -> _Tensor:
    match described:
        case {"dtype": str(code), "shape": list(sides), "data_offsets": [begin, end]} if len(sides) <= 64 and all(
            type(each) is int and each >= 0 for each in (*sides, begin, end)
        ):
            shape = tuple(sides)
        case _:
            raise CheckpointError(f"{name}: {shown(described)} does not tell where an array is")
    if code in _DTYPES and end - begin != np.dtype(_DTYPES[code]).itemsize * math.prod(shape):
        raise CheckpointError(f"{name}: {end - begin} bytes are not an array of {code} and shape {shape}")
    return _Tensor(code, shape, begin, end)


def _check_gaps(tensors: dict[str, _Tensor], size: int) -> None:
    """Raise CheckpointError unless the arrays fill the rest of the file, which has `size` bytes, without gaps."""
    places = sorted((tensor.begin, tensor.end) for tensor in tensors.values())
    if any(end != begin for (_, end), (begin, _) in pairwise([(0, 0), *places, (size, size)])):
        raise CheckpointError("its arrays overlap, or leave bytes that belong to none, or end before or after the file")


def _array(file: IO[bytes], tensor: _Tensor, form: Form) -> Array:
    """The tensor as a leaf, which must have the form; no memory is taken before its dtype and shape are checked."""
    if tensor.code not in _DTYPES:
        raise CheckpointError(f"its dtype {tensor.code[:99]} is not one of {', '.join(_DTYPES)}")
    dtype, back = np.dtype(_DTYPES[tensor.code]), tuple(map(int, np.argsort(form.torch_axes)))
    here = tuple(tensor.shape[axis] for axis in back) if len(back) == len(tensor.shape) else tensor.shape
    check_form(form, dtype, here)
    data = exactly(file.read(tensor.end - tensor.begin), tensor.end - tensor.begin)
    return np.asarray(_transposed(np.ndarray(tensor.shape, dtype, data), back), order="C")


def _transposed(array: Array, axes: tuple[int, ...]) -> Array:
    return array.transpose(axes) if axes else array


SAFETENSORS = Format(_write, _opened)
