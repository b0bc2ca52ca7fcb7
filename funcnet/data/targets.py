"""Targets of what users give: numbers as they are; strings and categories as labels, with the names of the classes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from typing import Any

import numpy as np

from funcnet.data.frames import check_complete, column, columns, is_frame, is_series, of_frame, of_series
from funcnet.data.given import given, numbers
from funcnet.errors import ShapeError
from funcnet.numerics.labels import checked_classes
from funcnet.tree import Array
from funcnet.values import code

Classes = tuple[str, ...] | None


def targets(y: Any, classes: Iterable[Any] | None = None) -> tuple[Array, Classes]:
    """The targets as an array of numbers, and the names of their classes; None if they have none."""
    known = None if classes is None else names(classes, "class_names")
    name = "y"
    if is_frame(y) and len(y.columns) == 1 and _has_classes(column(y, 0)):
        y, name = column(y, 0), f"column {columns(y)[0]!r} of y"
    if is_frame(y):
        array = of_frame(y, name)
    elif is_series(y) and _has_classes(y):
        check_complete(y, name)
        ordered = getattr(y.dtype, "categories", None)
        known = names(ordered, "categories") if known is None and ordered is not None else known
        return _labels(np.array([str(value) for value in y.to_numpy()]), known)
    else:
        array = of_series(y, name) if is_series(y) else given(y, name)
    if _is_of_strings(array if isinstance(y, np.ndarray) else _as_given(y, array)):
        return _labels(array.astype(str), known)
    return _checked(numbers(array, name), known), known


def _has_classes(series: Any) -> bool:
    """Whether a Series holds strings or categories."""
    if isinstance(series.dtype, np.dtype) and series.dtype.kind in "biufcmM":
        return False
    return hasattr(series.dtype, "categories") or any(isinstance(value, str) for value in series.to_numpy())


def _as_given(y: Any, array: Array) -> Array:
    """The entries of a list as they are, where NumPy has made strings of numbers that are among strings."""
    return np.array(y, object) if array.dtype.kind == "U" and isinstance(y, list | tuple) else array


def _is_of_strings(array: Array) -> bool:
    """Whether an array holds a string for each example. Raises ValueError if only some entries are strings."""
    if array.ndim == 0 or array.shape not in ((len(array),), (len(array), 1)):
        return False
    if array.dtype.kind != "O":
        return array.dtype.kind in "UT"
    entries = array.ravel().tolist()
    others = [index for index, entry in enumerate(entries) if not isinstance(entry, str)]
    if not others or len(others) == len(entries):
        return bool(entries) and not others
    raise ValueError(f"y[{others[0]}] is {entries[others[0]]!r} among strings: give it a class, or leave out its row")


def _labels(strings: Array, known: Classes) -> tuple[Array, tuple[str, ...]]:
    """The label of each string, its place in the names of the classes: those given, or all in sorted order."""
    found, places = np.unique(strings.ravel(), return_inverse=True)
    classes = tuple(map(str, found)) if known is None else known
    if unknown := [str(name) for name in found if name not in classes]:
        raise ValueError(f"y has the class {unknown[0]!r}, which is not in class_names: {', '.join(classes)}")
    order = np.array([classes.index(name) for name in found], np.int64)
    return order[places.ravel()], classes


def _checked(y: Array, known: Classes) -> Array:
    """The targets, which are labels (n,) or (n, k) numbers of as many classes as there are names."""
    if known is None:
        return y
    if y.ndim == 1 and y.dtype.kind in "biu":
        checked_classes("label", y.astype(np.int64), len(known))
    elif y.ndim != 2 or y.shape[1] != len(known):
        got = f"got {y.dtype} of shape {y.shape}"
        raise ShapeError(f"class_names need integer labels (n,) or targets (n, {len(known)}), {got}")
    return y


def names(values: Iterable[Any], what: str) -> tuple[str, ...]:
    """Names as a tuple of strings. Raises TypeError for one string, dicts and sets, ValueError if two are the same."""
    if isinstance(values, str | Mapping | Set) or not isinstance(values, Iterable):
        hint = f": write list({code(values)}.values())" if isinstance(values, Mapping) else ""
        raise TypeError(f"{what} must be a sequence of strings, got {values!r}{hint}")
    strings = tuple(map(str, values))
    if len(set(strings)) < len(strings):
        raise ValueError(f"{what} must be different, got {', '.join(strings)}")
    return strings
