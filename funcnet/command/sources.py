"""The data of a command: built in, in a file of the user, or from a function; and the record of it in a run's folder.

The record, `data.json`, has the options by which `verify` finds the data again. Built-in data need
none: they are recognized by their digest.
"""

from __future__ import annotations

import argparse
import errno
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs

from funcnet.command.imports import imported
from funcnet.data import Dataset, read_csv, read_npz
from funcnet.data.alike import check_alike
from funcnet.data.builtin import BUILTIN, builtin
from funcnet.experiments.experiment import Experiment
from funcnet.experiments.receipt import Receipt
from funcnet.random import Key
from funcnet.saving.files import replacing
from funcnet.saving.opening import opening
from funcnet.values import parsed, strings

Data = tuple[Dataset, Dataset | None]
RECORD = "data.json"
_FILES = (".csv", ".tsv", ".npz")
_KEY = Key(0).fold_in("split")  # of built-in data too


def _columns(value: Any) -> tuple[str, ...]:
    return strings(value, "drop to be names of columns")


@attrs.frozen
class Source:
    """What the options about data say."""

    data: str = ""
    target: str = ""
    drop: tuple[str, ...] = attrs.field(default=(), converter=_columns)
    test: str = ""
    split: float | None = None
    folder: str | None = None

    @classmethod
    def of(cls, options: argparse.Namespace) -> Source:
        """The source that options describe."""
        drop = options.drop or ()
        return cls(options.data or "", options.target or "", drop, options.test or "", options.split, options.data_dir)

    def load(self) -> Data:
        """The training and the test data. Raises ValueError if the options do not fit the data."""
        if self.data in BUILTIN:
            self._refuse(self.data, "--target", "--drop", "--test", "--split")
            return builtin(self.data, self.folder)
        train, test = self._read(self.data, None)
        if self.test and self.split is not None:
            raise ValueError("--test and --split exclude each other: each says what the test data are")
        if test is not None:
            self._refuse(self.data, "--test", "--split")
        if self.test:
            test, more = self._read(self.test, train)
            if more is not None:
                raise ValueError(f"{self.test} has test data of its own: give it as --data")
        elif self.split is not None:
            train, test = train.split(_KEY, self.split, stratify=train.class_names is not None and train.y.ndim == 1)
        if test is not None:
            check_alike(train, test)
        return train, test

    def _read(self, name: str, like: Dataset | None) -> Data:
        kind = Path(name).suffix.lower()
        if kind in (".csv", ".tsv"):
            if not self.target:
                raise ValueError(f"{name}: name the column of the targets with --target COLUMN")
            return read_csv(name, self.target, drop=self.drop, like=like), None
        self._refuse(name, "--target", "--drop")
        if kind == ".npz":
            return read_npz(name)
        if ":" in name and not Path(name).exists():
            return _called(name)
        accepted = f"{', '.join(BUILTIN)}, a .csv file (with --target COLUMN), an .npz file, or MODULE:FUNCTION"
        raise ValueError(f"--data {name}: expected {accepted}")

    def _refuse(self, data: str, *options: str) -> None:
        for option in options:
            if getattr(self, option.removeprefix("--")) not in ("", (), None):
                kind = ".csv files" if option in ("--target", "--drop") else "data without test data"
                raise ValueError(f"{option} is for {kind}, not {data}")

    def record(self, directory: str) -> None:
        """Write the options into the folder of a run that is to begin, with paths relative to it."""
        if Path(directory, "experiment.json").exists():
            return
        if self.data in BUILTIN:
            if Path(directory, RECORD).is_file():  # of a run that was refused before it began
                Path(directory, RECORD).unlink()
            return
        Path(directory).mkdir(parents=True, exist_ok=True)
        plain = {field: value for field, value in attrs.asdict(self).items() if value not in ("", (), None)}
        for field in ("data", "test"):
            if Path(plain.get(field, "")).is_file():
                plain[field] = Path(os.path.relpath(plain[field], directory)).as_posix()
        with replacing(Path(directory, RECORD), links=False) as file:
            file.write((json.dumps(plain, indent=2) + "\n").encode())

    @classmethod
    def recorded(cls, directory: str) -> Source | None:
        """The source that `record` wrote; None if there is no record."""
        path = Path(directory, RECORD)
        if not os.path.lexists(path):
            return None
        try:
            with opening(path, links=False) as file:
                plain = parsed(file.read())
            for field in [field for field in ("data", "test") if field in plain]:
                there = os.path.normpath(Path(directory, plain[field]))
                if Path(there).suffix in _FILES and not Path(there).is_file():
                    raise FileNotFoundError(errno.ENOENT, "No such file, name the data with --data", there)
                plain[field] = there if Path(there).is_file() else plain[field]
            return cls(**plain)
        except (ValueError, TypeError, AttributeError) as error:
            raise ValueError(f"{path} is damaged: {error}; name the data with --data") from error


def _called(name: str) -> Data:
    """What a function of a module returns: a dataset, or training and test data."""
    module, _, function = name.rpartition(":")
    make: Callable[[], Any] | None = getattr(imported(module), function, None)
    if not callable(make):
        raise ValueError(f"{module} has no function {function!r}")
    made = make()
    if isinstance(made, Dataset):
        return made, None
    is_pair = isinstance(made, tuple) and len(made) == 2
    if is_pair and isinstance(made[0], Dataset) and (made[1] is None or isinstance(made[1], Dataset)):
        train, test = made
        return train, test
    kinds = f" of {' and '.join(type(each).__name__ for each in made)}" if isinstance(made, tuple) else ""
    expected = "expected a Dataset, or a tuple (train, test) of them"
    raise ValueError(f"{name} returned a {type(made).__name__}{kinds}: {expected}")


def data_of(source: Source, experiment: Experiment) -> Data:
    """The data, with targets (n, 1) in place of (n,) where they are of a .csv file and the model has one output."""
    train, test = source.load()
    if source.target and experiment.model.output_shape(train.input_shape) == (1,) and train.y.ndim == 1:
        train, test = _in_a_column(train), None if test is None else _in_a_column(test)
    return train, test


def _in_a_column(dataset: Dataset) -> Dataset:
    return Dataset(dataset.x, dataset.y[:, None], dataset.feature_names)


def data_of_run(directory: str, experiment: Experiment, receipt: Receipt, options: argparse.Namespace) -> Data:
    """The data that --data names, else those on record, else built-in data with the receipt's digest."""
    source = Source.of(options) if options.data else Source.recorded(directory)
    if source:
        return data_of(source, experiment)
    has_mnist = options.data_dir or "FUNCNET_DATA" in os.environ  # MNIST only if its files are here
    for name in [name for name in BUILTIN if name != "mnist" or has_mnist]:
        train, test = builtin(name, options.data_dir)
        if train.digest == receipt.train:
            return train, test
    raise ValueError(
        "the run was on data that are not built in: name them as for run, with --data and with --target, --test or "
        "--split, or call funcnet.verify"
    )
