"""The layout of arrays in files that `save` did not write: funcnet's, or PyTorch's, which has the axes of some turned.

A .safetensors file has PyTorch's. An .npz may have either, and its shapes tell which, unless they are square.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import attrs
import numpy as np

from funcnet.errors import CheckpointError
from funcnet.saving.description import Entries, Form, Layout, Read
from funcnet.tree import Array

_COUNT = "num_batches_tracked"  # PyTorch's BatchNorm counts batches, and reads its count only without a momentum


def check_layout(layout: Any) -> None:
    """Raise ValueError unless `layout` is None, "funcnet" or "torch"."""
    if layout not in (None, "funcnet", "torch"):
        raise ValueError(f'layout must be "funcnet", "torch" or None, got {layout!r}')


def foreign(entries: Entries, wanted: Mapping[str, Form], layout: Layout | None) -> Entries:
    """The entries of a file that `save` did not write, read in this layout; where it is None, the shapes tell it.

    Raises CheckpointError if the shapes do not tell.
    """
    names = frozenset(each for each in entries.names if not _is_count(each, entries.suffix, wanted))
    entries = attrs.evolve(entries, names=names)
    layout = layout or (entries.layout if entries.shape is None else _told(entries, wanted))
    if layout == entries.layout:
        return entries
    read = _turning(entries) if layout == "torch" else _as_it_lies(entries)
    return attrs.evolve(entries, read=read)


def _is_count(entry: str, suffix: str, wanted: Mapping[str, Form]) -> bool:
    name = entry.removesuffix(suffix)
    return name.rpartition(".")[2] == _COUNT and name not in wanted


def _told(entries: Entries, wanted: Mapping[str, Form]) -> Layout:
    """The layout that fits the shapes of the file; funcnet's if they fit neither, or both in part."""
    fitting: set[Layout] = set()
    square = []
    for name, form in wanted.items():
        turned = _turned(form)
        if form.shape != turned:
            stored = _shape(entries, name)
            fitting |= {"funcnet"} if stored == form.shape else {"torch"} if stored == turned else set()
        elif list(form.torch_axes) != sorted(form.torch_axes) and math.prod(form.shape) > 1:
            square.append(name)
    if square and not fitting:
        raise CheckpointError(
            f"{', '.join(square)}: the axes of a square array may be funcnet's or PyTorch's; "
            'tell load which: layout="funcnet" for (n_in, n_out), layout="torch" for (n_out, n_in)'
        )
    return "torch" if fitting == {"torch"} else "funcnet"


def _turned(form: Form) -> tuple[int, ...]:
    """The shape in PyTorch's layout."""
    return tuple(form.shape[axis] for axis in form.torch_axes) or form.shape


def _shape(entries: Entries, name: str) -> tuple[int, ...] | None:
    """The shape in the file; None for an array that is missing, which reading it will report."""
    try:
        return entries.shape(name) if entries.shape and f"{name}{entries.suffix}" in entries.names else None
    except CheckpointError:
        return None


def _turning(entries: Entries) -> Read:
    def read(name: str, form: Form) -> Array:
        array = entries.read(name, attrs.evolve(form, shape=_turned(form), order=None))
        return np.array(array.transpose(np.argsort(form.torch_axes)), order="C") if form.torch_axes else array

    return read


def _as_it_lies(entries: Entries) -> Read:
    return lambda name, form: entries.read(name, attrs.evolve(form, torch_axes=()))
