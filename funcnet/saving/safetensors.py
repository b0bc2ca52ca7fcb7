"""Checkpoints as .safetensors, which PyTorch and others read: the names and the layout are those of `nn.Sequential`.

A leaf whose field declares `torch_axes` is stored in that order, so a Linear weight (n_in, n_out) becomes
(n_out, n_in). The metadata of the file holds the same description as an .npz, so that dtypes and memory orders are
restored, and the SHA-256 of the description, since the format has no checksums.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from typing import IO, Any

import numpy as np

from funcnet.errors import CheckpointError, needs
from funcnet.saving.description import Entries, Form, Format, check_form, forms
from funcnet.saving.structure import named
from funcnet.tree import Array, Tree

_DESCRIPTION, _DIGEST = "funcnet", "funcnet.sha256"  # in the metadata
_DTYPES = {  # in NumPy and in every version of the package; only late versions have C64
    **{"BOOL": "|b1", "I8": "|i1", "I16": "<i2", "I32": "<i4", "I64": "<i8", "F16": "<f2", "F32": "<f4", "F64": "<f8"},
    **{"U8": "|u1", "U16": "<u2", "U32": "<u4", "U64": "<u8"},
}


def _write(file: IO[bytes], description: str, params: Tree) -> None:
    """Write the leaves of a tree and its description to an empty file.

    Raises TypeError for a leaf whose dtype safetensors lacks, MissingExtraError if the package is not installed.
    """
    with needs("safetensors", extra="safetensors"):
        from safetensors.numpy import save
    wanted = forms(params)
    stored = {name: _stored(name, leaf, wanted[name]) for name, leaf in named(params).items()}
    file.write(save(stored, {_DESCRIPTION: description, _DIGEST: _digest(description)}))


def _stored(name: str, leaf: Array, form: Form) -> Array:
    """A copy with the memory layout of the file, because the package writes memory as it lies (its issue 825)."""
    dtype = leaf.dtype.newbyteorder("<")
    if dtype.str not in _DTYPES.values():
        raise TypeError(f"the leaf {name} is of {leaf.dtype}, which .safetensors cannot hold: save it as .npz")
    return np.array(_transposed(leaf, form.torch_axes), dtype, order="C")


@contextmanager
def _opened(file: IO[bytes]) -> Iterator[Entries]:
    """The content of a file. Raises MissingExtraError, and for a damaged file an error of the package."""
    with needs("safetensors", extra="safetensors"):
        from safetensors import safe_open
    with safe_open(file.name, framework="np") as tensors:
        yield Entries(
            names=frozenset(tensors.keys()),
            read=lambda name, form: _tensor(tensors, name, form),
            layout="torch",
            description=_description(tensors.metadata() or {}),
            place_of_description=f"{_DESCRIPTION!r} in the metadata",
        )


def _description(metadata: dict[str, str]) -> str | None:
    description, digest = metadata.get(_DESCRIPTION), metadata.get(_DIGEST)
    if description is None and digest is None:
        return None
    if description is None or digest != _digest(description):
        raise CheckpointError("its description differs from the one that was saved")
    return description


def _digest(description: str) -> str:
    return sha256(description.encode()).hexdigest()


def _tensor(tensors: Any, name: str, form: Form) -> Array:
    """The tensor as a leaf, which must have the form; no memory is taken before its dtype and shape are checked."""
    described = tensors.get_slice(name)
    code, shape = described.get_dtype(), tuple(described.get_shape())
    if code not in _DTYPES:
        raise CheckpointError(f"its dtype {code} is not one of {', '.join(_DTYPES)}")
    back = tuple(map(int, np.argsort(form.torch_axes)))
    here = tuple(shape[axis] for axis in back) if len(back) == len(shape) else shape
    check_form(form, np.dtype(_DTYPES[code]), here)
    return np.array(_transposed(tensors.get_tensor(name), back), order="C")


def _transposed(array: Array, axes: tuple[int, ...]) -> Array:
    return array.transpose(axes) if axes else array


SAFETENSORS = Format(_write, _opened)
