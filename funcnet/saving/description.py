"""The description in a checkpoint, as JSON: the model, the structure of the tree, and the form of each array.

All file formats share it. Reading a description imports nothing and takes no memory for arrays: it gives a template of
the tree, which is filled with the leaves once they have been read and verified.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from hashlib import sha256
from typing import IO, Any, Literal

import attrs
import numpy as np

from funcnet.errors import CheckpointError, shown
from funcnet.saving.structure import MOST, ROOT, check_order, described, named, read_value, rebuilt, structure_of
from funcnet.tree import PLAIN_NUMBERS, Array, Tree
from funcnet.values import parsed as parsed_json
from funcnet.values import to_plain, too_many

_VERSION = 2  # the first that has a digest of the description in every format
_DTYPE = re.compile(r"[<>|][biufc]\d{1,2}")  # other texts can cost NumPy seconds


@attrs.frozen
class Form:
    """The form that an array must have; order in memory and SHA-256 are None if no description states them."""

    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    torch_axes: tuple[int, ...]  # the order of the axes in PyTorch; () for the same order
    order: Literal["C", "F"] | None = None
    digest: str | None = None


Layout = Literal["funcnet", "torch"]
Read = Callable[[str, Form], Array]


@attrs.frozen
class Entries:
    """What is in a file: names of entries (path of a leaf + suffix), a function to read one, the description.

    `read` gives the array of a file that has the axes in the order of `layout`. If arrays of a file that `save` did not
    write may have either order, `shape` reads the shape of one.
    """

    names: frozenset[str]
    read: Read
    suffix: str = ""
    layout: Layout = "funcnet"
    shape: Callable[[str], tuple[int, ...]] | None = None
    description: str | None = None
    place_of_description: str = ""
    digest: str | None = None  # of the description
    size: int = 0  # of the file


@attrs.frozen
class Format:
    """A file format: a function that writes a description and a tree to an empty file, and one that opens a file."""

    write: Callable[[IO[bytes], str, Tree], None]
    opened: Callable[[IO[bytes]], AbstractContextManager[Entries]]


@attrs.frozen
class Description:
    """A parsed description: the model, a template of the tree, the forms of the arrays, and what is not known."""

    model: Any
    template: Tree
    forms: dict[str, Form]
    unknown: tuple[str, ...]


def describe(model: Any, params: Tree) -> str:
    """The description of a model and a tree as JSON, which `parsed` reads.

    Raises ValueError if they are nested too deeply.
    """
    check_order(model, params)
    try:
        leaves = named(params)
        description = {
            "format": _VERSION,
            "model": to_plain(model),
            "structure": described(params),
            "arrays": {name: _signature(leaf) for name, leaf in leaves.items()},
        }
        return json.dumps(description, indent=1)
    except RecursionError:
        raise ValueError("the model or the tree is nested too deeply for a file: it is hundreds deep") from None


def check_readable(text: str | bytes, size: int) -> None:
    """Raise ValueError if `load` would refuse JSON that is written to a file of `size` bytes."""
    if many := too_many(text, size):
        raise ValueError(f"load would refuse the file, since {many}")


def parsed(entries: Entries, like: Tree | None = None) -> Description:
    """The description in a file that `save` wrote; in any other, CheckpointError or an error of Python.

    What the text names and this process does not know is a CheckpointError; but with `like` the model is then None, and
    `like` takes the place of an unknown node.
    """
    description = _checked(entries)
    unknown: list[str] = []
    model = read_value(description["model"], None, "model", unknown)
    template, signatures = rebuilt(description["structure"], like, "", unknown), description["arrays"]
    if unknown and like is None:
        raise CheckpointError(listed(unknown) + "; to read only the arrays, give load a tree like them by like=")
    axes = _axes_of(template, signatures, unknown)
    told = {name: _form(name, signatures[name], each) for name, each in axes.items()}
    return Description(model, template, told, tuple(unknown))


def _checked(entries: Entries) -> dict[str, Any]:
    """The JSON of a description, which must have the digest of the file; files of format 1 have none in an .npz."""
    text, digest = entries.description or "", entries.digest
    if digest is not None and digest != digest_of(text):
        raise CheckpointError("its description differs from the one that was saved")
    description = parsed_json(text, entries.size)
    if not isinstance(description, dict) or description.keys() != {"format", "model", "structure", "arrays"}:
        raise CheckpointError(f"its description must have format, model, structure, arrays, got {shown(description)}")
    if not isinstance(description["arrays"], dict):
        raise CheckpointError(f"its description must name its arrays, got {shown(description['arrays'])}")
    if description["format"] not in (1, _VERSION):
        raise CheckpointError(
            f"its format version is {shown(description['format'])}, but this funcnet reads 1 and {_VERSION}"
        )
    if description["format"] == _VERSION and digest is None:
        raise CheckpointError("it lacks the digest of its description")
    return description


def digest_of(description: str) -> str:
    """The SHA-256 of a description."""
    return sha256(description.encode()).hexdigest()


def exactly(data: bytes, size: int) -> bytes:
    """The data itself. Raises CheckpointError if it has fewer or more bytes than `size`."""
    if len(data) != size:
        raise CheckpointError(f"it has {'more' if len(data) > size else 'fewer'} bytes than it should")
    return data


# --- Leaves: their names, forms and digests ---


def forms(params: Tree) -> dict[str, Form]:
    """The forms of the leaves by their paths, for arrays in any order in memory and with any values."""
    axes = dict(_torch_axes(params))
    return {name: Form(leaf.dtype, leaf.shape, _order(axes[name], leaf.ndim)) for name, leaf in named(params).items()}


def _torch_axes(params: Tree) -> Iterator[tuple[str, tuple[int, ...]]]:
    """The path of each leaf and its `torch_axes`, as `tree.leaf` declared them; a subclass does not inherit them."""
    return ((path or ROOT, _declared_axes(field)) for path, field in structure_of(params).places())


def _axes_of(template: Tree, arrays: Mapping[str, Any], unknown: list[str]) -> dict[str, tuple[int, ...]]:
    """The `torch_axes` of each leaf by its path. Raises CheckpointError unless the arrays are those of the leaves.

    Leaves of a forged file may have names that are much longer than the file, so no more are made than an error lists.
    """
    lacking: list[str] = []
    axes = {}
    for path, each in _torch_axes(template):
        if path in arrays:
            axes[path] = each
        elif len(lacking) < MOST:
            lacking.append(f"no array for {path}")
        else:
            break
    if lacking or len(axes) < len(arrays):
        unmatched = sorted(lacking) + [f"no leaf for {name}" for name in sorted(arrays.keys() - axes.keys())]
        raise CheckpointError("; ".join([*unknown, f"tree and arrays do not match: {listed(unmatched, ', ')}"]))
    return axes


def listed(problems: Sequence[str], separator: str = "; ") -> str:
    """The problems that an error lists, and how many more there are."""
    more = f"{separator.rstrip()} and {len(problems) - MOST} more" if len(problems) > MOST else ""
    return separator.join(problems[:MOST]) + more


def _declared_axes(field: Any) -> tuple[int, ...]:
    return () if field is None or field.inherited else field.metadata.get("torch_axes", ())


def _order(axes: tuple[int, ...], ndim: int) -> tuple[int, ...]:
    """The declared order of axes; for an array with a different number of axes, all axes reversed."""
    return axes if len(axes) in (0, ndim) else tuple(range(ndim))[::-1]


def order(leaf: Array) -> Literal["C", "F"]:
    """The order of the leaf's numbers in memory, which is saved because products round differently in the other."""
    return "F" if leaf.flags.fnc else "C"


def _digest(leaf: Array) -> str:
    return sha256(leaf.tobytes(order(leaf))).hexdigest()


def _signature(leaf: Array) -> dict[str, Any]:
    return {"dtype": leaf.dtype.str, "shape": list(leaf.shape), "order": order(leaf), "sha256": _digest(leaf)}


def _form(name: str, signature: Any, torch_axes: tuple[int, ...]) -> Form:
    if not isinstance(signature, dict) or signature.keys() != {"dtype", "shape", "order", "sha256"}:
        raise CheckpointError(f"{name}: {shown(signature)} does not describe an array")
    code, sides = str(signature["dtype"]), signature["shape"]
    shape = tuple(sides) if isinstance(sides, list) else (None,)
    order, digest = signature["order"], str(signature["sha256"])
    is_shape = len(shape) <= 64 and all(type(side) is int and 0 <= side < 2**63 for side in shape)
    dtype = np.dtype(code) if _DTYPE.fullmatch(code) else None
    if dtype is None or dtype.kind not in PLAIN_NUMBERS or dtype.str != code or not is_shape:
        raise CheckpointError(f"{name}: an array of numbers cannot be of {code[:99]} and shape {shown(sides)}")
    if order not in ("C", "F"):
        raise CheckpointError(f"{name}: its order in memory must be 'C' or 'F', got {shown(order)}")
    return Form(dtype, shape, _order(torch_axes, len(shape)), order, digest)


def check_form(form: Form, dtype: np.dtype[Any], shape: tuple[int, ...]) -> None:
    """Raise CheckpointError if the shape or the dtype differs from the form; any byte order is accepted."""
    if dtype.newbyteorder("=") != form.dtype.newbyteorder("=") or shape != form.shape:
        raise CheckpointError(f"expected {form.dtype} of shape {form.shape}, got {dtype} of shape {shape}")


def verified(array: Array, form: Form) -> Array:
    """The array in the byte order and memory order of its form. Raises CheckpointError if it is a different array."""
    check_form(form, array.dtype, array.shape)
    array = array.astype(form.dtype, order=form.order or "K", copy=False)
    if form.digest not in (None, _digest(array)):
        raise CheckpointError("its bytes differ from those that were saved")
    return array
