"""A model and a tree in one self-describing file: `save` and `load`.

The file holds an array for each leaf, named by the path of the leaf, and JSON with the version of the format, the
model, the structure of the tree, and the dtype, shape and SHA-256 of each array. Nothing is pickled, unpickled or
imported, and each array is verified before it is returned. Files without JSON are read with the help of a similar tree.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal
from warnings import warn

from funcnet.errors import CheckpointError, MissingExtraError, printable
from funcnet.saving.description import Entries, Form, Layout, describe, forms, parsed, verified
from funcnet.saving.files import replacing
from funcnet.saving.formats import check_content, check_name, format_of
from funcnet.saving.layouts import check_layout, foreign
from funcnet.saving.opening import opening
from funcnet.saving.structure import check_structure, check_tree, filled
from funcnet.tree import Array, Tree
from funcnet.values import as_path

_MOST = 100  # problems that an error lists


def save(path: str | os.PathLike[str], model: Any, params: Tree) -> None:
    """Write a model and a tree to one file; `load` returns them.

    The new file is written beside `path`, flushed to the disk and then renamed. So `path` is complete at every moment,
    and an old file stays in place if an error is raised.

    Parameters
    ----------
    path : path
        Path of the file, which is replaced if it exists; "~" at its start is the home folder. Its format is
        .safetensors if its name ends so, else .npz; a name that ends as those of other formats do, as "m.pt", is an
        error.
    model : object
        A layer, or another value with a JSON form.
    params : Tree
        Any tree of arrays: the params of the model or, for instance, a TrainState.

    Raises
    ------
    UnregisteredError
        If the model or the tree contains a class or function that is not registered with `fn.register`.
    TypeError
        If a leaf is not an array of numbers, or has a dtype that .safetensors does not have; if the tree has a
        NamedTuple or a different object that a file cannot hold; if an argument stands in the place of another.
    MissingExtraError
        If the package safetensors is needed and not installed.
    ValueError
        If the name of the file promises the format of a different program.
    OSError
        If the disk is full or the folder cannot be written to.

    Notes
    -----
    In a .safetensors file, a leaf whose field declares `torch_axes` is stored in that order, so a Linear weight
    (n_in, n_out) becomes (n_out, n_in). The names are those of PyTorch's `nn.Sequential`, which can load the file.

    Examples
    --------
    >>> import funcnet as fn
    >>> from tempfile import TemporaryDirectory
    >>> model = fn.sequential(fn.Linear(2), fn.ReLU())
    >>> params = model.init(fn.Key(0), (3,))
    >>> with TemporaryDirectory() as folder:
    ...     save(f"{folder}/model.npz", model, params)
    ...     load(f"{folder}/model.npz") == (model, params)
    True
    """
    path = as_path(path)
    check_name(path)
    write_checkpoint(path, model, params, links=True)


def write_checkpoint(path: Path, model: Any, params: Tree, *, links: bool) -> None:
    """Like `save`; `links` says whether `path` may be a link."""
    description = describe(model, params)
    with replacing(path, links=links) as file:
        format_of(path).write(file, description, params)


def load(
    path: str | os.PathLike[str], like: Tree | None = None, layout: Literal["funcnet", "torch"] | None = None
) -> tuple[Any, Tree]:
    """The model and the tree in a file that `save` wrote, or the arrays of any .npz or .safetensors file as a tree.

    Parameters
    ----------
    path : path
        Path of the file; "~" at its start is the home folder. Its format is .safetensors if its name ends so, else
        .npz.
    like : Tree, optional
        Tree with the structure, shapes and dtypes that the file must have; required for a file that `save` did not
        write.
    layout : {"funcnet", "torch"}, optional
        Order of the axes in a file that `save` did not write: funcnet's, or the `torch_axes` that the fields of `like`
        declare, so that a Linear weight is (n_out, n_in). By default "torch" for .safetensors, and for .npz what the
        shapes tell.

    Returns
    -------
    model : object
        The model; None if `save` did not write the file, or if it wrote a model that cannot be made here.
    params : Tree
        The tree; values in it that are not arrays, such as a step count, come from the file if `save` wrote it, else
        from `like`.

    Raises
    ------
    CheckpointError
        If the file is damaged, does not match `like` or, without `like`, was not written by `save`, or its layout must
        be given; the message lists every problem.
    FileNotFoundError
        If there is no file at `path`.
    OSError
        If there is a folder, a device or a pipe at `path`.
    MissingExtraError
        If the package safetensors is needed and not installed.
    TypeError
        If a leaf of `like` is not an array of numbers, or `like` is not a tree, such as a model.
    ValueError
        If `layout` is neither "funcnet" nor "torch".

    Warns
    -----
    UserWarning
        If the file names a class, function or field that is not known here, and `like` is given: the arrays are read by
        `like`, and the model is None if it cannot be made. Without `like` that is a CheckpointError. A class that was
        renamed is found again by `fn.register(name=..., aliases=[...])`.

    Notes
    -----
    A file that `save` did not write, but `np.savez` or `safetensors.torch.save_file`, holds arrays only. Their names
    must be the paths of the leaves of `like`, such as "0.weight"; the counts "num_batches_tracked" of PyTorch are left
    out. In an .npz, weights that are not square tell the `layout` of all; if there are only square ones, it must be
    given.

    Examples
    --------
    >>> import numpy as np, funcnet as fn
    >>> from tempfile import TemporaryDirectory
    >>> like = (fn.LinearParams(np.zeros((2, 1)), np.zeros(1)), ())
    >>> with TemporaryDirectory() as folder:
    ...     np.savez(f"{folder}/elsewhere.npz", **{"0.weight": np.array([[1.5], [2.5]]), "0.bias": np.array([3.5])})
    ...     load(f"{folder}/elsewhere.npz", like)
    (None, (LinearParams(weight=array([[1.5],
           [2.5]]), bias=array([3.5])), ()))
    """
    check_layout(layout)
    path = as_path(path)
    check_tree(like, "like")
    model, params, unknown = read_checkpoint(path, like, layout, links=True)
    if unknown:
        warn(printable(f"{path}: only the arrays are read, by `like`: {'; '.join(unknown)}"), stacklevel=2)
    return model, params


def read_checkpoint(
    path: Path, like: Tree | None = None, layout: Layout | None = None, *, links: bool
) -> tuple[Any, Tree, tuple[str, ...]]:
    """Like `load`, and what is unknown in the file; `links` says whether `path` may be a link."""
    wanted = {} if like is None else forms(like)
    with opening(path, links=links) as file:
        check_content(path, file)
        try:
            with format_of(path).opened(file) as entries:
                return _restored(entries, like, wanted, layout)
        except MissingExtraError:
            raise
        except CheckpointError as error:
            raise CheckpointError(f"{path}: {error}") from error
        except Exception as error:  # zipfile, safetensors and json may raise anything for damaged bytes
            raise CheckpointError(f"{path} is damaged or is not a checkpoint: {error!r}") from error


def _restored(
    entries: Entries, like: Tree | None, wanted: Mapping[str, Form], layout: Layout | None
) -> tuple[Any, Tree, tuple[str, ...]]:
    """The model, the tree, and what the description names and this process does not know."""
    if entries.description is None:
        if like is None:
            raise CheckpointError(f"it has no {entries.place_of_description}: a file not made by `save` needs `like`")
        entries = foreign(entries, wanted, layout)
        return None, filled(like, _arrays(entries, wanted, "`like` does not have")), ()
    description = parsed(entries.description, like)
    arrays = _arrays(entries, description.forms, "its description does not list")
    if like is not None:
        found = Entries(frozenset(arrays), lambda name, form: arrays[name])
        arrays = _arrays(found, wanted, "`like` does not have")
        check_structure(description.template, like)
    return description.model, filled(description.template, arrays), description.unknown


def _arrays(entries: Entries, wanted: Mapping[str, Form], unwanted: str) -> dict[str, Array]:
    """The arrays that are `wanted`. Raises CheckpointError, which lists missing, unwanted and wrong arrays."""
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
