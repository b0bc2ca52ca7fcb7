"""A model and a tree in one self-describing file: `save` and `load`.

The file holds an array for each leaf, named by the path of the leaf, and JSON with the version of the format, the
model, the structure of the tree, and the dtype, shape and SHA-256 of each array. Nothing is pickled, unpickled or
imported, and each array is verified before it is returned. Files without JSON are read with the help of a similar tree.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal
from warnings import warn

from funcnet.errors import CheckpointError, cut, printable
from funcnet.saving.description import (
    Entries,
    Form,
    Layout,
    check_readable,
    describe,
    forms,
    listed,
    parsed,
    verified,
)
from funcnet.saving.files import naming, replacing
from funcnet.saving.formats import check_content, check_name, format_of
from funcnet.saving.layouts import check_layout, foreign
from funcnet.saving.opening import opening
from funcnet.saving.structure import MOST, check_structure, check_tree, filled
from funcnet.tree import Array, Tree
from funcnet.values import as_path


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
    ValueError
        If the name of the file promises the format of a different program, or model and tree are nested hundreds deep
        or have more values beside their arrays than `load` would read in a file of this size.
    PermissionError
        If the file is read-only or the folder cannot be written to.
    OSError
        If the disk is full.

    Notes
    -----
    In a .safetensors file, a leaf whose field declares `torch_axes` is stored in that order, so a Linear weight
    (n_in, n_out) becomes (n_out, n_in). The names are those of PyTorch's `nn.Sequential`, which can load the file.

    The same model and tree give the same bytes at any time. What a process that was killed has left beside the file,
    `.model.npz.1234-56789abc`, the next `save` to `path` deletes.

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
        check_readable(description, file.tell())


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
        be given; the message lists the problems.
    FileNotFoundError
        If there is no file at `path`.
    OSError, MemoryError
        If there is a folder, a device or a pipe at `path`, the disk cannot be read or memory is short, which says
        nothing about the file.
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

    A file that `save` wrote has the SHA-256 of each array and of the description of everything else, and each is
    asked; in an .npz of an earlier funcnet, of format 1, the description has only the CRC of zip files. An .npz made
    elsewhere has a CRC for each array. A .safetensors made elsewhere has no sums at all, so that damage to its numbers
    cannot be seen: compare the file with a digest from where it came from.

    Files from anywhere can be read: nothing in them is run, and a file takes no more memory than a few times its size.
    A digest tells damage, not who wrote the file.

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
        warn(printable(cut(f"{path}: only the arrays are read, by `like`: {listed(unknown)}")), stacklevel=2)
    return model, params


def read_checkpoint(
    path: Path, like: Tree | None = None, layout: Layout | None = None, *, links: bool
) -> tuple[Any, Tree, tuple[str, ...]]:
    """Like `load`, and what is unknown in the file; `links` says whether `path` may be a link."""
    wanted = {} if like is None else forms(like)
    with naming(path), opening(path, links=links) as file:
        check_content(path, file)
        with _told(path), format_of(path).opened(file) as entries:
            return _restored(entries, like, wanted, layout)


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """A context in which errors of a file's content become a CheckpointError; those of the machine stay as they are."""
    outside = sys.exc_info()[1]  # the caller may be handling an error of its own
    try:
        yield
    except CheckpointError as error:
        raise CheckpointError(f"{path}: {error}") from error
    except RecursionError as error:
        raise CheckpointError(f"{path} is nested too deeply") from error
    except Exception as error:  # zipfile and json may raise anything for damaged bytes
        if of_the_machine := _of_the_machine(error, outside):
            raise of_the_machine  # noqa: B904, it is the context already
        raise CheckpointError(cut(f"{path} is damaged or is not a checkpoint: {error!r}")) from error


def _of_the_machine(error: BaseException | None, outside: BaseException | None) -> Exception | None:
    """The error of the disk or of memory that an error is or came from, where there is one: `zipfile` hides some."""
    while error not in (None, outside):
        if isinstance(error, MemoryError):
            return error
        if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):  # which a damaged offset gives
            return error
        error = error.__context__
    return None


def _restored(
    entries: Entries, like: Tree | None, wanted: Mapping[str, Form], layout: Layout | None
) -> tuple[Any, Tree, tuple[str, ...]]:
    """The model, the tree, and what the description names and this process does not know."""
    if entries.description is None and entries.digest is None:
        if like is None:
            raise CheckpointError(f"it has no {entries.place_of_description}: a file not made by `save` needs `like`")
        entries = foreign(entries, wanted, layout)
        return None, filled(like, _arrays(entries, wanted, "`like` does not have")), ()
    description = parsed(entries, like)
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
        if f"{name}{entries.suffix}" in entries.names and len(problems) <= MOST:
            try:
                arrays[name] = verified(entries.read(name, form), form)
            except CheckpointError as error:
                problems.append(f"{name}: {error}")
    if problems:
        raise CheckpointError(listed(problems))
    return arrays
