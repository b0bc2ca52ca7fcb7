"""Frames and Series, of pandas, Polars or any library that is like them: their numbers, names and classes.

No library is imported; a frame has `columns` and `to_numpy`, a Series `dtype` and `to_numpy`.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

from funcnet.data.given import given, no_number
from funcnet.errors import DTypeError
from funcnet.tree import PLAIN_NUMBERS, Array


def is_frame(value: Any) -> bool:
    """Whether a value is a table with columns."""
    return hasattr(value, "to_numpy") and hasattr(value, "columns")


def is_series(value: Any) -> bool:
    """Whether a value is one column of a table."""
    return hasattr(value, "to_numpy") and hasattr(value, "dtype") and not hasattr(value, "columns")


def columns(frame: Any) -> tuple[str, ...]:
    """The names of the columns. Raises ValueError if two columns share one."""
    names = tuple(map(str, frame.columns))
    if twice := [name for name, count in Counter(names).items() if count > 1]:
        raise ValueError(f"columns must have different names, got {twice[0]!r} {names.count(twice[0])} times")
    return names


def column(frame: Any, index: int) -> Any:
    """The Series at a position."""
    return frame.iloc[:, index] if hasattr(frame, "iloc") else frame.to_series(index)


def of_frame(frame: Any, name: str) -> Array:
    """The numbers of a frame (n, columns); errors name the column."""
    series = [column(frame, index) for index in range(len(frame.columns))]
    if all(isinstance(each.dtype, np.dtype) for each in series):
        array = given(frame, name)
        if array.dtype.kind in PLAIN_NUMBERS:
            return array
    parts = [of_series(each, f"column {key!r} of {name}") for key, each in zip(columns(frame), series, strict=True)]
    return np.column_stack(parts) if parts else given(frame.to_numpy(), name)


def of_series(series: Any, name: str) -> Array:
    """The numbers of a Series (n,), also of a dtype of its library's own. Raises ValueError if a value is missing."""
    array = _to_numpy(series, name)
    if array.dtype.kind in PLAIN_NUMBERS:
        return array
    raise DTypeError(f"expected numbers, but {name} has the dtype {series.dtype}{_remark(array)}")


def _remark(array: Array) -> str:
    """What a Series holds in place of numbers, and what to write."""
    if array.dtype.kind == "m":
        return ": write .dt.total_seconds()"
    odd = no_number(array)
    if odd is None:
        return ": write .astype(float), or .astype(bool)"
    if array.dtype.kind in "mM":
        return ": make days of it, as (series - series.min()).dt.days, or leave it out"
    return f", in row {odd[0][0]} {odd[1]!r:.80}: make numbers of it, or a column of each class by get_dummies"


def _to_numpy(series: Any, name: str) -> Array:
    if isinstance(series.dtype, np.dtype) and series.dtype.kind in PLAIN_NUMBERS:
        return np.asarray(series.to_numpy())
    check_complete(series, name)
    plain = getattr(series.dtype, "numpy_dtype", None)  # of Int64 and the like
    return np.asarray(series.to_numpy() if plain is None or plain.kind == "O" else series.to_numpy(dtype=plain))


def check_complete(series: Any, name: str) -> None:
    """Raise ValueError if a value of a Series is missing."""
    is_missing = np.asarray(series.is_null() if hasattr(series, "is_null") else series.isna())
    if count := int(is_missing.sum()):
        raise ValueError(
            f"{name} has {count} missing {'value' if count == 1 else 'values'}, the first in row "
            f"{int(is_missing.argmax())}: fill them, or leave out their rows"
        )


def check_same_rows(x: Any, y: Any) -> None:
    """Raise ValueError if x and y of pandas have the same index in different orders: their rows do not belong."""
    here: Any = getattr(x, "index", None)
    there: Any = getattr(y, "index", None)
    if not (hasattr(here, "equals") and hasattr(there, "equals")) or len(here) != len(there) or here.equals(there):
        return
    if here.is_unique and here.sort_values().equals(there.sort_values()):
        raise ValueError("x and y have the same index in different orders: write y.loc[x.index]")
