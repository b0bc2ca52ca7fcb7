"""A model and a tree in one file that describes itself: `save` and `load`.

The file has an array for each leaf, under the leaf's path, and a text of JSON with the format's version, the model, the
structure of the tree, and of each array its dtype, shape and SHA-256. Nothing is pickled or unpickled, and nothing is
imported; each array is verified before it is handed out. Files of arrays alone are read by a tree like theirs.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from funcnet.errors import CheckpointError, MissingExtraError
from funcnet.saving.description import Entries, Form, Format, check_structure, describe, filled, forms, parsed, verified
from funcnet.saving.files import replacing
from funcnet.saving.npz import NPZ
from funcnet.saving.safetensors import SAFETENSORS
from funcnet.tree import Array, Tree
from funcnet.values import from_plain

_MOST = 100  # problems that are listed


def save(path: str | os.PathLike[str], model: Any, params: Tree) -> None:
    """Write a model and a tree, its params or a whole TrainState, to a file, in place of what is there.

    The file is an .npz, whatever its name, or a .safetensors where it is named so: there a weight (n_in, n_out) of
    LinearParams is stored as (n_out, n_in), and the names are those of PyTorch's `nn.Sequential`, which can load it.

    The file is complete at every moment: it is written beside `path`, flushed to the disk and then renamed. Raises
    UnregisteredError for a class that `fn.register` was not told of, TypeError for an array of objects, or of a dtype
    that safetensors lacks, MissingExtraError if that package is needed and not installed, OSError if the disk is full
    or the folder can't be written to: the old file is still there then.

    >>> import funcnet as fn
    >>> from tempfile import TemporaryDirectory
    >>> model = fn.sequential(fn.Linear(2), fn.ReLU())
    >>> params = model.init(fn.Key(0), (3,))
    >>> with TemporaryDirectory() as folder:
    ...     save(f"{folder}/model.npz", model, params)
    ...     load(f"{folder}/model.npz") == (model, params)
    True
    """
    description = describe(model, params)
    with replacing(Path(path)) as file:
        _format(path).write(file, description, params)


def load(path: str | os.PathLike[str], like: Tree | None = None) -> tuple[Any, Tree]:
    """The model and the tree that were saved in a file.

    A file made elsewhere, by `np.savez` or by `safetensors.torch.save_file`, has arrays alone: its tree is that of
    `like`, and its model None. Its arrays must have just the paths of the leaves of `like` for names, such as
    "0.weight", their shapes and dtypes; in a .safetensors the weight (n_in, n_out) of LinearParams is (n_out, n_in).
    A file of `save` may be held against `like` too; what in it is no array, such as a step count, is the file's.

    Raises CheckpointError, which lists all that is wrong, for a file that is damaged, is not as `like` or, without
    one, was not made by `save`; FileNotFoundError where there is none; MissingExtraError if the package safetensors
    is needed and not installed; TypeError if `like` has an array of objects.

    >>> import numpy as np, funcnet as fn
    >>> from tempfile import TemporaryDirectory
    >>> like = (fn.LinearParams(np.zeros((2, 1)), np.zeros(1)), ())
    >>> with TemporaryDirectory() as folder:
    ...     np.savez(f"{folder}/elsewhere.npz", **{"0.weight": np.array([[1.5], [2.5]]), "0.bias": np.array([3.5])})
    ...     load(f"{folder}/elsewhere.npz", like)
    (None, (LinearParams(weight=array([[1.5],
           [2.5]]), bias=array([3.5])), ()))
    """
    wanted = {} if like is None else forms(like)
    with open(path, "rb") as file:
        try:
            with _format(path).opened(file) as entries:
                return _restored(entries, like, wanted)
        except MissingExtraError:
            raise
        except CheckpointError as error:
            raise CheckpointError(f"{os.fspath(path)}: {error}") from error
        except Exception as error:  # whatever zip, safetensors and JSON make of damaged bytes
            raise CheckpointError(f"{os.fspath(path)} is damaged, or no checkpoint: {error!r}") from error


def _format(path: str | os.PathLike[str]) -> Format:
    return SAFETENSORS if Path(path).suffix.lower() == ".safetensors" else NPZ


def _restored(entries: Entries, like: Tree | None, wanted: Mapping[str, Form]) -> tuple[Any, Tree]:
    if entries.description is None:
        if like is None:
            raise CheckpointError(f"there is no {entries.place_of_description}: a file made elsewhere needs `like`")
        return None, filled(like, _arrays(entries, wanted, "`like` has not"))
    description = parsed(entries.description)
    arrays = _arrays(entries, description.forms, "is described nowhere")
    if like is not None:
        found = Entries(frozenset(arrays), lambda name, form: arrays[name])
        arrays = _arrays(found, wanted, "`like` has not")
        check_structure(description.template, like)
    return from_plain(description.model), filled(description.template, arrays)


def _arrays(entries: Entries, wanted: Mapping[str, Form], unwanted: str) -> dict[str, Array]:
    """The arrays of these forms. Raises CheckpointError with all that lack, are too many or are of another form."""
    expected = {f"{name}{entries.suffix}" for name in wanted}
    problems = [f"it lacks {name}" for name in sorted(expected - entries.names)]
    problems += [f"it has {name}, which {unwanted}" for name in sorted(entries.names - expected)]
    arrays = {}
    for name, form in wanted.items():
        if f"{name}{entries.suffix}" in entries.names:
            try:
                arrays[name] = verified(entries.read(name, form), form)
            except CheckpointError as error:
                problems.append(f"{name}: {error}")
    if problems:
        more = f"; and {len(problems) - _MOST} more" if len(problems) > _MOST else ""
        raise CheckpointError("; ".join(problems[:_MOST]) + more)
    return arrays
