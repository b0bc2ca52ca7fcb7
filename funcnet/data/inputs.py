"""Inputs of what users give: one array or a tuple of them, and the names of their features."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeAlias

import numpy as np

from funcnet.data.frames import columns, is_frame, is_series, of_frame, of_series
from funcnet.data.given import SEVERAL, given, numbers
from funcnet.data.targets import names
from funcnet.errors import ShapeError
from funcnet.tree import Array, Flow

Features: TypeAlias = tuple[Any, ...] | None  # names of the columns; for several inputs, the tuple of such names


def inputs(x: Any, name: str = "x") -> tuple[Flow, Features]:
    """The array of one input, or the tuple of the arrays of several; and the names of their features, if any."""
    if is_several(x):
        parts = [inputs(part, f"{name}[{index}]") for index, part in enumerate(x)]
        features = tuple(each for _, each in parts)
        return tuple(array for array, _ in parts), features if any(features) else None
    if is_frame(x):
        return numbers(of_frame(x, name), name), columns(x)
    return numbers(of_series(x, name) if is_series(x) else given(x, name), name), None


def is_several(x: Any) -> bool:
    """Whether x is a tuple with an array in it, or with a tuple that has one."""
    return isinstance(x, tuple) and any(_is_array(part) or is_several(part) for part in x)


def _is_array(part: Any) -> bool:
    """Whether a part of a tuple is an array, of whatever library; a scalar of NumPy is an entry of one."""
    if isinstance(part, np.ndarray) or is_frame(part):
        return True
    return any(hasattr(part, name) for name in ("__array__", "toarray")) and getattr(part, "ndim", 1) > 0


def named_features(given: Any, x: Flow, name: str = "x") -> Features:
    """Names that a user gives to the features of x. Raises ShapeError unless there is one for each column."""
    if given is None:
        return None
    if isinstance(x, tuple):
        if not isinstance(given, tuple | list) or len(given) != len(x):
            raise ShapeError(f"feature_names of {len(x)} inputs must be a tuple of {len(x)}, got {given!r}")
        return tuple(named_features(*pair, f"{name}[{index}]") for index, pair in enumerate(zip(given, x, strict=True)))
    features = names(given, "feature_names")
    if x.ndim != 2 or x.shape[1] != len(features):
        raise ShapeError(f"expected {name} of shape (n, {len(features)}) for {len(features)} names, got {x.shape}")
    return features


def named_inputs(x: Flow, name: str) -> Iterator[tuple[str, Array]]:
    """Each array of x, and what to write for it."""
    if isinstance(x, tuple):
        for index, part in enumerate(x):
            yield from named_inputs(part, f"{name}[{index}]")
    else:
        yield name, x


def check_rows(x: Flow, y: Array) -> None:
    """Raise ShapeError unless every input has as many rows as there are targets."""
    for name, array in named_inputs(x, "x"):
        if len(array) != len(y):
            got = f"got {name} {array.shape} and y {y.shape}"
            raise ShapeError(f"expected as many targets as examples, {got}{_hint(x, array, y)}")


def _hint(x: Flow, array: Array, y: Array) -> str:
    """What to write where rows were taken for inputs, inputs for rows, or columns for rows."""
    if isinstance(x, tuple):
        return "; stack the rows of one input, np.stack(x)" if len(x) == len(y) else ""
    if array.shape[1:2] == (len(y),):
        return f"{SEVERAL}; or transpose x"
    return "; transpose y" if y.shape[1:2] == (len(array),) else ""
