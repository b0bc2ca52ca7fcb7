"""A model and a tree in one file that describes itself: `save` and `load`.

The file is an .npz, which NumPy can read too: an array for each leaf, under the leaf's path, and one entry of JSON with
the format's version, the model, the structure of the tree, and of each array its dtype, shape and SHA-256. Nothing is
pickled or unpickled, and nothing is imported; each array is verified before it is handed out.
"""

from __future__ import annotations

import json
import math
import os
import zipfile
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any, Literal

import numpy as np

from funcnet import tree
from funcnet.arrays import Array
from funcnet.errors import CheckpointError
from funcnet.files import replacing
from funcnet.node import frozen, is_leaf
from funcnet.registry import from_plain, registered, registered_name, to_plain
from funcnet.tree import Tree

_VERSION = 1
_DESCRIPTION = "funcnet.json"
_LARGEST_DESCRIPTION = 2**26  # bytes
_ROOT = "leaf"  # what a tree that is one leaf calls it


def save(path: str | os.PathLike[str], model: Any, params: Tree) -> None:
    """Write a model and a tree, its params or a whole TrainState, to a file, in place of what is there.

    The file is complete at every moment: it is written beside `path`, flushed to the disk and then renamed. Raises
    UnregisteredError for a class that `fn.register` was not told of, TypeError for an array of objects, OSError if
    the disk is full or the folder can't be written to: the old file is still there then.

    >>> import funcnet as fn
    >>> from tempfile import TemporaryDirectory
    >>> model = fn.sequential(fn.Linear(2), fn.ReLU())
    >>> params = model.init(fn.Key(0), (3,))
    >>> with TemporaryDirectory() as folder:
    ...     save(f"{folder}/model.npz", model, params)
    ...     load(f"{folder}/model.npz") == (model, params)
    True
    """
    named = {name or _ROOT: leaf for name, leaf in tree.named_leaves(params).items()}
    for name, leaf in named.items():
        if leaf.dtype.kind not in "biufc":
            raise TypeError(f"the leaf {name} is of {leaf.dtype}, which has no bytes of its own to save")
    description = {
        "format": _VERSION,
        "model": to_plain(model),
        "structure": _described(params),
        "arrays": {name: _signature(leaf) for name, leaf in named.items()},
    }
    with replacing(Path(path)) as file, zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(_DESCRIPTION, json.dumps(description, indent=1))
        for name, leaf in named.items():
            archive.writestr(f"{name}.npy", _header(leaf.dtype, leaf.shape, _order(leaf)) + leaf.tobytes(_order(leaf)))


def load(path: str | os.PathLike[str]) -> tuple[Any, Tree]:
    """The model and the tree that were saved in a file.

    Raises CheckpointError, which lists all that is wrong, for a file that is damaged or was not made by `save`,
    FileNotFoundError where there is none.
    """
    with open(path, "rb") as file:
        try:
            with zipfile.ZipFile(file) as archive:
                return _read(archive)
        except CheckpointError as error:
            raise CheckpointError(f"{os.fspath(path)}: {error}") from error
        except Exception as error:  # whatever zip and JSON make of damaged bytes
            raise CheckpointError(f"{os.fspath(path)} is damaged, or no checkpoint: {error!r}") from error


def _read(archive: zipfile.ZipFile) -> tuple[Any, Tree]:
    members = {info.filename: info for info in archive.infolist()}
    if _DESCRIPTION not in members or len(members) != len(archive.infolist()):
        raise CheckpointError(f"there is no entry {_DESCRIPTION}, or one entry twice")
    description = json.loads(_bytes(archive, members[_DESCRIPTION], _LARGEST_DESCRIPTION))
    if description["format"] != _VERSION:
        raise CheckpointError(f"it is of format {description['format']}, and this is for {_VERSION}")
    signatures: dict[str, Any] = description["arrays"]
    expected = {_DESCRIPTION, *(f"{name}.npy" for name in signatures)}
    problems = [f"it lacks {name}" for name in sorted(expected - members.keys())]
    problems += [f"it has {name}, which is described nowhere" for name in sorted(members.keys() - expected)]
    arrays = {}
    for name in signatures.keys() if not problems else ():
        try:
            arrays[name] = _array(archive, members[f"{name}.npy"], signatures[name])
        except CheckpointError as error:
            problems.append(f"{name}: {error}")
    if problems:
        raise CheckpointError("; ".join(problems))
    params = _rebuilt(description["structure"], arrays, "")
    if {name or _ROOT for name in tree.named_leaves(params)} != signatures.keys():
        raise CheckpointError("the tree has other leaves than there are arrays")
    return from_plain(description["model"]), params


# --- Arrays: .npy within the archive, and what says that they are the same ---


def _order(leaf: Array) -> Literal["C", "F"]:
    """The order of the leaf's numbers in memory, which is kept: products of arrays in another round differently."""
    return "F" if leaf.flags.fnc else "C"


def _signature(leaf: Array) -> dict[str, Any]:
    order = _order(leaf)
    digest = sha256(leaf.tobytes(order)).hexdigest()
    return {"dtype": leaf.dtype.str, "shape": list(leaf.shape), "order": order, "sha256": digest}


def _array(archive: zipfile.ZipFile, info: zipfile.ZipInfo, signature: dict[str, Any]) -> Array:
    """The array of an entry, which must be just what the signature says; no memory is taken before that is known."""
    dtype, shape = np.dtype(str(signature["dtype"])), tuple(map(int, signature["shape"]))
    order = signature["order"]
    if dtype.kind not in "biufc" or dtype.str != signature["dtype"] or min(shape, default=0) < 0 or order not in "CF":
        raise CheckpointError(f"there is no array of {signature['dtype']}, shape {signature['shape']}, order {order}")
    header, size = _header(dtype, shape, order), dtype.itemsize * math.prod(shape)
    data = _bytes(archive, info, len(header) + size)
    if len(data) != len(header) + size or not data.startswith(header):
        raise CheckpointError(f"it is not of {dtype} and shape {shape}")
    array = np.frombuffer(data, dtype, offset=len(header)).reshape(shape, order=order)
    if sha256(data[len(header) :]).hexdigest() != signature["sha256"]:
        raise CheckpointError("its bytes are not those that were saved")
    return array


def _header(dtype: np.dtype[Any], shape: tuple[int, ...], order: str) -> bytes:
    """How an .npy file of such an array begins."""
    file = BytesIO()
    described = {"descr": dtype.str, "fortran_order": order == "F", "shape": shape}
    np.lib.format.write_array_header_1_0(file, described)
    return file.getvalue()


def _bytes(archive: zipfile.ZipFile, info: zipfile.ZipInfo, most: int) -> bytes:
    """The bytes of an entry, if they are stored as they are and not more than so many."""
    if info.compress_type != zipfile.ZIP_STORED or info.file_size > most:
        raise CheckpointError(f"{info.filename} is compressed, or larger than it should be")
    with archive.open(info) as file:
        return file.read(most + 1)


# --- The structure of a tree, as JSON ---


def _described(params: Tree) -> Any:
    """The tree with its leaves left out: a node is {"node": its class, "fields": ...}, a tuple a list."""
    if is_leaf(params):
        return {"leaf": True}
    names = getattr(type(params), "__node_fields__", None)
    if names is not None:
        fields = {name: _described(getattr(params, name)) for name in names}
        return {"node": registered_name(type(params)), "fields": fields}
    if type(params) is tuple:
        return [_described(child) for child in params]
    return {"value": to_plain(params)}


def _rebuilt(described: Any, arrays: dict[str, Array], path: str) -> Tree:
    if isinstance(described, list):
        return tuple(_rebuilt(child, arrays, f"{path}.{i}".lstrip(".")) for i, child in enumerate(described))
    if "leaf" in described:
        return frozen(arrays[path or _ROOT])
    if "value" in described:
        return from_plain(described["value"])
    cls, fields = registered(described["node"], "class"), described["fields"]
    names = getattr(cls, "__node_fields__", None)
    if names is None or set(names) != fields.keys():
        raise CheckpointError(f"{described['node']} is no node of the fields {', '.join(fields)}")
    return tree.build(cls, *(_rebuilt(fields[name], arrays, f"{path}.{name}".lstrip(".")) for name in names))
