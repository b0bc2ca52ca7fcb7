"""Whether data are finite: asked once, before training, where an error can name the array, the row and the column."""

from __future__ import annotations

from typing import Any

import numpy as np

from funcnet.data.dataset import Dataset, checked_dataset
from funcnet.data.inputs import Features, named_inputs
from funcnet.tree import Array

_ENTRIES = 1 << 18  # of a part whose sum is looked at: 1 or 2 MB, which a cache holds


def check_finite(dataset: Dataset, name: str) -> None:
    """Raise ValueError if a number in the dataset is NaN or infinite; errors call it `name`, such as "train".

    >>> check_finite(Dataset([[1.0, 2.0], [3.0, np.nan]], [0, 1], feature_names=["age", "size"]), "train")
    Traceback (most recent call last):
    ...
    ValueError: train.x is nan in row 1, column 1 ('size'), and all else is finite: fill it, or leave out its row, \
train[np.isfinite(train.x).all(axis=1)]
    """
    features = dict(_named(checked_dataset(dataset).feature_names, f"{name}.x"))
    for place, array in (*named_inputs(dataset.x, f"{name}.x"), (f"{name}.y", dataset.y)):
        if not is_finite(array):
            raise ValueError(not_finite(array, name, place, features.get(place)))


def is_finite(array: Array) -> bool:
    """Whether no number is NaN or infinite; reads the array once and makes no copy of it.

    >>> is_finite(np.array([1.0, 1e308, 1e308])), is_finite(np.array([1.0, -np.inf]))
    (True, False)
    """
    if array.dtype.kind not in "fc":
        return True
    flat = array.reshape(-1)  # data are in C order
    with np.errstate(all="ignore"):
        parts = (flat[start : start + _ENTRIES] for start in range(0, len(flat), _ENTRIES))
        return all(np.isfinite(part.sum()) or np.isfinite(part).all() for part in parts)


def _named(features: Features, name: str) -> list[tuple[str, Features]]:
    """The names of the columns of each input, by what to write for the input."""
    if features is None or not any(isinstance(each, tuple) for each in features):
        return [(name, features)]
    return [pair for index, each in enumerate(features) for pair in _named(each, f"{name}[{index}]")]


def not_finite(array: Array, name: str, place: str, features: Features) -> str:
    """The message for the first number that is not finite, and what to write; `name` is that of the dataset, if any."""
    bad = ~np.isfinite(array)
    row, *inner = map(int, np.unravel_index(int(bad.argmax()), array.shape))
    count, column = int(bad.sum()), ""
    if inner:
        column = f", column {inner[0]}" if len(inner) == 1 else f", at {tuple(inner)}"
    if features and len(inner) == 1:
        column += f" ({features[inner[0]]!r})"
    others = f", the first of {count:,} such numbers in {_rows(bad)}" if count > 1 else ", and all else is finite"
    them, their = ("them", "their rows") if count > 1 else ("it", "its row")
    keep = f"np.isfinite({place})" + (f".all(axis={_axes(array)})" if array.ndim > 1 else "")
    value: Any = array[(row, *inner)]
    kept = f", {name}[{keep}]" if name else ""
    return f"{place} is {value} in row {row}{column}{others}: fill {them}, or leave out {their}{kept}"


def _rows(bad: Array) -> str:
    rows = int(bad.reshape(len(bad), -1).any(axis=1).sum())
    return "one row" if rows == 1 else f"{rows:,} rows"


def _axes(array: Array) -> int | tuple[int, ...]:
    return 1 if array.ndim == 2 else tuple(range(1, array.ndim))
