"""Datasets in files of the user: .csv, read line by line so that errors name the line, and .npz."""

from __future__ import annotations

import csv
import math
import os
from collections.abc import Iterator, Sequence
from typing import Any

import attrs
import numpy as np

from funcnet.data.alike import check_alike
from funcnet.data.dataset import Dataset
from funcnet.data.finite import is_finite
from funcnet.data.targets import names
from funcnet.tree import Array
from funcnet.values import as_path

_MISSING = frozenset({"", "na", "n/a", "nan", "null", "none", "?", "-"})
_ARRAYS = ("x", "y"), ("x_train", "y_train"), ("x_train", "y_train", "x_test", "y_test")


def read_csv(
    path: str | os.PathLike[str], target: str, *, drop: Sequence[str] = (), like: Dataset | None = None
) -> Dataset:
    r"""The dataset in a .csv file: a row of names, then a row of numbers for each example.

    Commas, semicolons or tabs separate the columns, as in the first line. Quoted fields are read as in the RFC.

    Parameters
    ----------
    path : path
        The file, in UTF-8.
    target : str
        Name of the column with the targets. Integers are labels or numbers (n,) int64, other numbers (n,) float64;
        strings become labels, whose classes are in `class_names`.
    drop : sequence of str, default ()
        Names of columns to leave out.
    like : Dataset, optional
        Training data, in whose order columns and classes of test data are put.

    Returns
    -------
    Dataset
        x (n, d) float64, y (n,), and the names of features and classes.

    Raises
    ------
    OSError
        If the file cannot be read.
    ValueError
        If a feature is not a number, a value is missing, a row has more or fewer fields than the first, or a column is
        not there or has no name; the message names the line and the column.

    References
    ----------
    Y. Shafranovich: Common format and MIME type for comma-separated values (CSV) files. RFC 4180, 2005.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder, "iris.csv")
    ...     _ = path.write_text("length,width,species\n5.1,3.5,setosa\n7.0,3.2,versicolor\n")
    ...     dataset = read_csv(path, "species")
    >>> dataset.x.tolist(), dataset.y, dataset.class_names
    ([[5.1, 3.5], [7.0, 3.2]], array([0, 1]), ('setosa', 'versicolor'))
    """
    table = _Table.read(path)
    wanted = table.features(target, drop)
    x = table.numbers(wanted)
    y = _target(table, target)
    dataset = Dataset(x, y, wanted, _classes(like, y, f"{table.path}, column {target!r}"))
    return dataset if like is None else _in_order_of(like, dataset, os.fspath(path))


def _in_order_of(like: Dataset, dataset: Dataset, name: str) -> Dataset:
    """The dataset with its columns in the order of `like`."""
    here, there = like.feature_names, dataset.feature_names
    if here and there and set(here) == set(there):
        columns = dataset.x[:, [there.index(each) for each in here]]
        dataset = Dataset(columns, dataset.y, here, dataset.class_names)
    check_alike(like, dataset, name)
    return dataset


def _classes(like: Dataset | None, y: Any, place: str) -> tuple[str, ...] | None:
    """The classes of `like`, if any. Raises ValueError if only one side has strings for targets."""
    if like is None:
        return None
    if isinstance(y, list) != (like.class_names is not None):
        kinds = ("strings", "numbers") if isinstance(y, list) else ("numbers", "strings")
        raise ValueError(f"{place}: the targets are {kinds[0]}, but {kinds[1]} in the training data")
    return like.class_names


def _target(table: _Table, target: str) -> Any:
    """The targets as an array of numbers, or as a list of strings if none is a number."""
    texts = [table.text(row, target) for row in table.rows]
    if all(_number(text) is None for text in texts):
        return texts
    values = [table.number(row, target, "a target is a number in all lines or in none") for row in table.rows]
    are_whole = all(text.lstrip("+-").isdecimal() for text in texts)
    return np.array([int(text) for text in texts], np.int64) if are_whole else np.array(values, float)


@attrs.frozen
class _Table:
    """The fields of a .csv file as strings, and the line of each row."""

    path: str
    header: tuple[str, ...]
    rows: list[tuple[int, list[str]]]

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> _Table:
        """Read a file, whose rows must have as many fields as the first."""
        path = as_path(path)
        place = os.fspath(path)
        try:
            with open(path, encoding="utf-8-sig", newline="") as file:
                lines = list(_lines(file))
        except UnicodeDecodeError as error:
            raise ValueError(f"{place} is not in UTF-8: {error.reason} at byte {error.start}") from error
        except csv.Error as error:
            raise ValueError(f"{place} is not a .csv file: {error}") from error
        if len(lines) < 2:
            raise ValueError(f"{place} has no examples: expected a row of names, then a row for each example")
        (_, header), *rows = lines
        for line, row in rows:
            if len(row) != len(header):
                raise ValueError(f"{place}, line {line}: {len(row)} fields, but the first line has {len(header)}")
        return cls(place, _header(place, header), rows)

    def features(self, target: str, drop: Sequence[str]) -> tuple[str, ...]:
        """The names of the columns that are neither the target nor left out."""
        left_out = (target, *names(drop, "drop"))
        for name in left_out:
            if name not in self.header:
                raise ValueError(f"{self.path} has no column {name!r}; its columns are {', '.join(self.header)}")
        return tuple(name for name in self.header if name not in left_out)

    def text(self, row: tuple[int, list[str]], name: str) -> str:
        """A field as it is. Raises ValueError if its value is missing."""
        text = row[1][self.header.index(name)].strip()
        if text.lower() in _MISSING:
            raise ValueError(f"{self._at(row, name)}: the value is missing: fill it, or leave out the line")
        return text

    def numbers(self, columns: Sequence[str]) -> Array:
        """The numbers of these columns (n, columns)."""
        places = [self.header.index(name) for name in columns]
        x = np.empty((len(self.rows), len(columns)))
        try:
            for index, (_, row) in enumerate(self.rows):
                x[index] = [float(row[place]) for place in places]
        except ValueError:
            x[:] = np.nan
        if not is_finite(x):  # one by one, for an error that names line and column
            return np.array([[self.number(row, name) for name in columns] for row in self.rows])
        return x

    def number(self, row: tuple[int, list[str]], name: str, hint: str = "make it one, or drop the column") -> float:
        """A field as a number. Raises ValueError, with the hint, unless it is a finite one."""
        text = self.text(row, name)
        value = _number(text)
        if value is None or not math.isfinite(value):
            raise ValueError(f"{self._at(row, name)}: {text!r:.60} is not a number: {hint}")
        return value

    def _at(self, row: tuple[int, list[str]], name: str) -> str:
        return f"{self.path}, line {row[0]}, column {name!r}"


def _lines(file: Any) -> Iterator[tuple[int, list[str]]]:
    """The rows of a file that are not empty, with the numbers of their last lines."""
    first = file.readline()
    file.seek(0)
    separator = max(",;\t", key=first.count)
    reader = csv.reader(file, delimiter=separator, skipinitialspace=True, strict=True)
    return ((reader.line_num, row) for row in reader if any(field.strip() for field in row))


def _header(place: str, header: list[str]) -> tuple[str, ...]:
    stripped = [name.strip() for name in header]
    if "" in stripped:
        hint = "name it; pandas leaves out the index by to_csv(path, index=False)"
        raise ValueError(f"{place}: column {stripped.index('') + 1} has no name: {hint}")
    return names(stripped, f"{place}: the names of the columns")


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def read_npz(path: str | os.PathLike[str]) -> tuple[Dataset, Dataset | None]:
    """The training and the test data in an .npz file, as `np.savez(path, x=x, y=y)` writes it.

    Parameters
    ----------
    path : path
        The file, with the arrays x and y, or x_train and y_train, or these and x_test and y_test.

    Returns
    -------
    train : Dataset
        Data to train on.
    test : Dataset or None
        Test data; None if there are none.

    Raises
    ------
    OSError
        If the file cannot be read.
    ValueError
        If it is not an .npz file, or has other arrays.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     np.savez(f"{folder}/points.npz", x=np.zeros((5, 2)), y=np.arange(5))
    ...     train, test = read_npz(f"{folder}/points.npz")
    >>> train.shape, test is None
    ((5, 2), True)
    """
    path = as_path(path)
    place, arrays = os.fspath(path), _arrays(path)
    if not any(set(wanted) == arrays.keys() for wanted in _ARRAYS):
        expected = "x and y, or x_train and y_train, with or without x_test and y_test"
        raise ValueError(f"{place} has the arrays {', '.join(arrays) or 'none'}: expected {expected}")
    try:
        if "x" in arrays:
            return Dataset(arrays["x"], arrays["y"]), None
        train = Dataset(arrays["x_train"], arrays["y_train"])
        if "x_test" not in arrays:
            return train, None
        return train, Dataset(arrays["x_test"], arrays["y_test"], class_names=train.class_names)
    except (ValueError, TypeError) as error:
        raise ValueError(f"{place}: {error}") from error


def _arrays(path: str | os.PathLike[str]) -> dict[str, Any]:
    from zipfile import BadZipFile

    with open(path, "rb") as file:
        if file.read(2) != b"PK":
            raise ValueError(f"{os.fspath(path)} is not an .npz file: write it by np.savez(path, x=x, y=y)")
        file.seek(0)
        try:
            with np.load(file, allow_pickle=False) as archive:
                return dict(archive)
        except (ValueError, BadZipFile, EOFError, OSError) as error:
            raise ValueError(f"{os.fspath(path)} cannot be read: {error}") from error
