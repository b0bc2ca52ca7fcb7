"""The description in a checkpoint, as JSON: the model, the structure of the tree, and the form of each array.

All file formats share it. Reading a description imports nothing and takes no memory for arrays: it gives a template of
the tree, which is filled with the leaves once they have been read and verified.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Set
from contextlib import AbstractContextManager
from hashlib import sha256
from typing import IO, Any, Literal

import attrs
import numpy as np

from funcnet.errors import CheckpointError
from funcnet.saving.structure import ROOT, check_order, described, named, read_value, rebuilt, structure_of
from funcnet.tree import PLAIN_NUMBERS, Array, Tree
from funcnet.values import to_plain

_VERSION = 1


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
    """The content of a file: names of entries (path of a leaf + suffix), a function to read one, the description.

    `read` gives the array of a file that has the axes in the order of `layout`. If arrays of a file that `save` did not
    write may have either order, `shape` reads the shape of one.
    """

    names: frozenset[str]
    read: Read
    suffix: str = ""
    layout: Layout = "funcnet"
    shape: Callable[[str], tuple[int, ...]] | None = None
    description: str | bytes | None = None
    place_of_description: str = ""


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
    """The description of a model and a tree as JSON, which `parsed` reads."""
    check_order(model, params)
    leaves = named(params)
    description = {
        "format": _VERSION,
        "model": to_plain(model),
        "structure": described(params),
        "arrays": {name: _signature(leaf) for name, leaf in leaves.items()},
    }
    return json.dumps(description, indent=1)


def parsed(text: str | bytes, like: Tree | None = None) -> Description:
    """The description in a text that `describe` made; for any other text, CheckpointError or an error of Python.

    What the text names and this process does not know is a CheckpointError; but with `like` the model is then None, and
    `like` takes the place of an unknown node.
    """
    description = json.loads(text)
    if description["format"] != _VERSION:
        raise CheckpointError(f"its format version is {description['format']}, but this funcnet reads {_VERSION}")
    unknown: list[str] = []
    model = read_value(description["model"], None, "model", unknown)
    template, signatures = rebuilt(description["structure"], like, "", unknown), description["arrays"]
    if unknown and like is None:
        raise CheckpointError("; ".join(unknown) + "; to read only the arrays, give load a tree like them by like=")
    axes = _torch_axes(template)
    if axes.keys() != signatures.keys():
        unmatched = f"tree and arrays do not match: {_unmatched(axes.keys(), signatures.keys())}"
        raise CheckpointError("; ".join([*unknown, unmatched]))
    told = {name: _form(name, signature, axes[name]) for name, signature in signatures.items()}
    return Description(model, template, told, tuple(unknown))


# --- Leaves: their names, forms and digests ---


def forms(params: Tree) -> dict[str, Form]:
    """The forms of the leaves by their paths, for arrays in any order in memory and with any values."""
    axes = _torch_axes(params)
    return {name: Form(leaf.dtype, leaf.shape, _order(axes[name], leaf.ndim)) for name, leaf in named(params).items()}


def _torch_axes(params: Tree) -> dict[str, tuple[int, ...]]:
    """The `torch_axes` of each leaf by its path, as `tree.leaf` declared them; a subclass does not inherit them."""
    structure = structure_of(params)
    fields = zip(structure.paths(), structure.leaf_fields(), strict=True)
    return {path or ROOT: _declared_axes(field) for path, field in fields}


def _declared_axes(field: Any) -> tuple[int, ...]:
    return () if field is None or field.inherited else field.metadata.get("torch_axes", ())


def _order(axes: tuple[int, ...], ndim: int) -> tuple[int, ...]:
    """The declared order of axes; for an array with a different number of axes, all axes reversed."""
    return axes if len(axes) in (0, ndim) else tuple(range(ndim))[::-1]


def _unmatched(leaves: Set[str], arrays: Set[str]) -> str:
    lacking = [f"no array for {name}" for name in sorted(leaves - arrays)]
    return ", ".join(lacking + [f"no leaf for {name}" for name in sorted(arrays - leaves)])


def order(leaf: Array) -> Literal["C", "F"]:
    """The order of the leaf's numbers in memory, which is saved because products round differently in the other."""
    return "F" if leaf.flags.fnc else "C"


def _digest(leaf: Array) -> str:
    return sha256(leaf.tobytes(order(leaf))).hexdigest()


def _signature(leaf: Array) -> dict[str, Any]:
    return {"dtype": leaf.dtype.str, "shape": list(leaf.shape), "order": order(leaf), "sha256": _digest(leaf)}


def _form(name: str, signature: dict[str, Any], torch_axes: tuple[int, ...]) -> Form:
    dtype, shape = np.dtype(str(signature["dtype"])), tuple(map(int, signature["shape"]))
    order, digest = signature["order"], str(signature["sha256"])
    is_shape = len(shape) <= 64 and all(0 <= side < 2**63 for side in shape)
    if dtype.kind not in PLAIN_NUMBERS or dtype.str != signature["dtype"] or not is_shape:
        raise CheckpointError(
            f"{name}: an array of numbers cannot be of {signature['dtype']} and shape {str(signature['shape'])[:99]}"
        )
    if order not in ("C", "F"):
        raise CheckpointError(f"{name}: its order in memory must be 'C' or 'F', got {order!r}")
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
