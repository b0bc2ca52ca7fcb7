"""Arrays of what users give: lists, tensors, Series and the like; what makes no array is refused in words."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from numbers import Number
from typing import Any

import numpy as np

from funcnet.errors import DTypeError, ShapeError
from funcnet.tree import PLAIN_NUMBERS, Array

SEVERAL = "; write several inputs as a tuple of arrays, such as (np.array(a), np.array(b))"
_Remark = Callable[[Any, str], str]
_PATH = (str, bytes, os.PathLike)


def _is_sparse(value: Any) -> bool:
    return hasattr(value, "toarray") and hasattr(value, "nnz")


def _is_lazy(value: Any) -> bool:
    return hasattr(value, "collect") and not hasattr(value, "to_numpy")


def _is_a_function(value: Any) -> bool:
    return callable(value) and not hasattr(value, "__array__")


def _is_of_torch(value: Any) -> bool:
    return any(cls.__module__.startswith("torch.utils.data") for cls in type(value).__mro__)


def _is_without_order(value: Any) -> bool:
    return isinstance(value, AbstractSet) or not hasattr(value, "__getitem__")


def _is_a_dataset(value: Any) -> bool:
    return hasattr(value, "input_shape") and hasattr(value, "digest")


_REFUSED: tuple[tuple[Callable[[Any], bool], _Remark], ...] = (
    (lambda x: x is None, lambda x, name: "None: give an array"),
    (
        lambda x: isinstance(x, _PATH),
        lambda x, name: (
            f"{x!r}: give an array, such as frame['target'], or read a file by fn.data.read_csv or read_npz"
        ),
    ),
    (_is_of_torch, lambda x, name: f"a {type(x).__name__}: give its arrays, one for x and one for y"),
    (_is_a_dataset, lambda x, name: "a Dataset: write dataset.x or dataset.y"),
    (_is_sparse, lambda x, name: f"a sparse matrix ({type(x).__name__}) of shape {x.shape}: write {name}.toarray()"),
    (_is_lazy, lambda x, name: f"a {type(x).__name__}, which has not been computed: write {name}.collect()"),
    (
        lambda x: isinstance(x, Iterator),
        lambda x, name: f"a {type(x).__name__}, which can be read only once: write list({name})",
    ),
    (
        lambda x: isinstance(x, Mapping) and not hasattr(x, "__array__"),
        lambda x, name: f"a {type(x).__name__}: write np.column_stack(list({name}.values()))",
    ),
    (
        lambda x: isinstance(x, Iterable) and not hasattr(x, "__array__") and _is_without_order(x),
        lambda x, name: f"a {type(x).__name__}, which has no order or no index: write list({name})",
    ),
    (_is_a_function, lambda x, name: f"a function or class, {getattr(x, '__name__', x)}: call it"),
)


def given(value: Any, name: str) -> Array:
    """`value` as an array of any dtype; errors call it `name`, and say what to write."""
    for is_one, remark in _REFUSED:
        if is_one(value):
            raise DTypeError(f"expected {name} of numbers, got {remark(value, name)}")
    _check_masks(value, name)
    try:
        return _array(value)
    except ValueError as error:
        raise ShapeError(f"{name} is not one array: {_ragged(value, name) or error}{SEVERAL}") from error
    except (TypeError, RuntimeError) as error:  # a tensor that has a gradient, or is on a GPU, or of bfloat16
        hint = f"; write {name}.detach().cpu().float().numpy()" if hasattr(value, "detach") else ""
        raise DTypeError(f"{name}, a {type(value).__name__}, cannot be made an array: {error}{hint}") from error


def _array(value: Any) -> Array:
    """The array of a value, also of a class that knows DLPack only."""
    if hasattr(value, "__dlpack__") and not hasattr(value, "__array__"):
        return np.from_dlpack(value)
    return np.asarray(value)


def _check_masks(value: Any, name: str) -> None:
    """Raise DTypeError if an entry is masked, in the array or in the arrays of a list: NumPy would lose the mask."""
    if isinstance(value, list | tuple):
        for index, part in enumerate(value):
            if isinstance(part, np.ma.MaskedArray):
                _check_masks(part, f"{name}[{index}]")
    elif value is np.ma.masked:
        raise DTypeError(f"{name} is masked: give it a value, or leave out its row")
    elif isinstance(value, np.ma.MaskedArray) and (count := int(np.ma.getmaskarray(value).sum())):
        first = place(np.argwhere(np.ma.getmaskarray(value))[0])
        raise DTypeError(
            f"{count} of the {value.size} entries of {name} are masked, the first {name}{first}: "
            f"fill them, {name}.filled(0.0), or leave out their rows"
        )


def _ragged(value: Any, name: str) -> str:
    """The first entry of a list whose length differs from that of the first entry."""
    lengths = [len(part) if hasattr(part, "__len__") else None for part in value] if hasattr(value, "__iter__") else []
    odd = next((index for index, length in enumerate(lengths) if length != lengths[0]), None)
    if odd is None:
        return ""
    here, there = (_entries(lengths[index]) for index in (odd, 0))
    return f"{name}[{odd}] has {here}, {name}[0] has {there}"


def _entries(length: int | None) -> str:
    return "no length" if length is None else f"{length} {'entry' if length == 1 else 'entries'}"


def numbers(array: Array, name: str) -> Array:
    """`array` in C order and this machine's byte order; DTypeError unless it is made of numbers or bools."""
    if array.ndim == 0:
        raise ShapeError(f"expected {name} of shape (n, ...), one entry for each example, got ()")
    if array.dtype.kind not in PLAIN_NUMBERS or array.dtype.char in "gG":  # the bytes of a long double are padded
        raise DTypeError(f"expected {name} of numbers, got {array.dtype}{_remark(array, name)}")
    return array.astype(array.dtype.newbyteorder("="), order="C", copy=False)


def _remark(array: Array, name: str) -> str:
    """What an array is made of in place of numbers, and what to write."""
    kind = array.dtype.kind
    if kind in "mM":
        unit = "np.timedelta64(1, 'D')"
        return f": write days, {name} / {unit}" if kind == "m" else f": write days, ({name} - {name}.min()) / {unit}"
    if kind in "fc":
        return f": write {name}.astype({'float' if kind == 'f' else 'complex'})"
    if kind == "S":
        return f": write {name}.astype(str)"
    if array.dtype.names:
        return f": write np.column_stack([{name}[field] for field in {name}.dtype.names])"
    odd = no_number(array)
    if odd is None:
        return f": write np.array({name}, float)"
    return f": {name}{place(odd[0])} is {odd[1]!r:.80}; make numbers of it, or leave it out"


def no_number(array: Array) -> tuple[tuple[int, ...], Any] | None:
    """The first entry that is not a number, with its index."""
    entries = ((index, entry) for index, entry in np.ndenumerate(array) if not isinstance(entry, Number))
    return next(((index, getattr(entry, "item", lambda entry=entry: entry)()) for index, entry in entries), None)


def place(index: Any) -> str:
    """An index as it is written in code: [3, 1].

    >>> place((3, 1))
    '[3, 1]'
    """
    return f"[{', '.join(map(str, map(int, index)))}]"
