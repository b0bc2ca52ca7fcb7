"""The history of a run: a row for each evaluated epoch, with digests of the params."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256
from sys import intern
from typing import IO, Any

from funcnet.errors import shown
from funcnet.tree import Tree, canonical, named_arrays
from funcnet.values import aligned, from_plain, parsed, to_plain

Row = dict[str, Any]
DIGESTS = ("params", "leaves")  # the columns that nobody plots or reads in a table
_ROWS = 12  # of a history to print
_CHUNK = 2**20  # bytes that are read, or digested, at once
NOT_METRICS = ("epoch", "step", "learning_rate", "seconds", *DIGESTS)


class History(dict[str, tuple[Any, ...]]):
    """The columns of a run's history by name, each a tuple with an entry for each evaluated epoch; prints as a table.

    "epoch" and "step" count from 1; "learning_rate" is the rate at that step. Then come "loss" and the metrics, the
    same on the validation and the test data ("test loss", ...), "params", the digest of the params after the epoch,
    and "leaves", the digests of its leaves. "seconds" is the time since the previous row; histories are compared
    without it. A history is a dict that cannot be changed, so `pandas.DataFrame(history)` has its columns.

    >>> history = History.of([{"epoch": 1, "loss": 2.0, "seconds": 0.1}, {"epoch": 2, "loss": 1.0, "seconds": 0.1}])
    >>> history["loss"], list(history)
    ((2.0, 1.0), ['epoch', 'loss', 'seconds'])
    >>> print(history)
    epoch  loss  seconds
        1     2      0.1
        2     1      0.1
    """

    error: BaseException | None = None  # that ended the run before it had a row

    @classmethod
    def of(cls, rows: Iterable[Row], error: BaseException | None = None) -> History:
        """The history with these rows, all of which have the same names; `error` is the one that ended the run."""
        rows = tuple(rows)
        names = sorted(rows[0], key="seconds".__eq__) if rows else ()  # seconds come last
        return cls._made({name: tuple(row[name] for row in rows) for name in names}, error)

    @classmethod
    def _made(cls, columns: dict[str, tuple[Any, ...]], error: BaseException | None) -> History:
        made = cls(columns)
        vars(made)["error"] = error
        return made

    def __reduce__(self) -> tuple[Any, ...]:
        return History._made, (dict(self), self.error)

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        """Fill a history that was pickled when it was no dict: it would be empty."""
        columns = zip(*state["rows"], strict=True)
        dict.update(self, zip(state["names"], columns, strict=True), seconds=state["seconds"])

    def __missing__(self, name: str) -> Any:
        if not self and self.error is not None:
            raise self.error
        there = f"its columns are {', '.join(self)}" if self else "it has no rows, since no epoch was evaluated"
        raise KeyError(f"the history has no column {name!r}; {there}")

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, History):
            return NotImplemented
        a, b = ({name: to_plain(column) for name, column in without_seconds(each).items()} for each in (self, other))
        return a == b  # in the JSON form, a NaN is equal to a NaN

    __ne__ = object.__ne__
    __hash__ = None

    def _refuse(self, *args: Any, **kwargs: Any) -> Any:
        raise TypeError("a history cannot be changed; change a copy, dict(history)")

    __setitem__ = __delitem__ = __ior__ = update = pop = popitem = clear = setdefault = __setattr__ = _refuse

    def rows(self) -> list[Row]:
        """The rows, each as a dict."""
        return [dict(zip(self, row, strict=True)) for row in zip(*self.values(), strict=True)]

    def to_dict(self) -> dict[str, list[Any]]:
        """The columns as lists."""
        return {name: list(column) for name, column in self.items()}

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        raise TypeError("a history is not an array: take a column of it, np.array(history['loss'])")

    def __repr__(self) -> str:
        return f"<History of {len(next(iter(self.values()), ()))} rows: {', '.join(self) or 'no columns'}>"

    def __str__(self) -> str:
        names = [name for name in self if name not in DIGESTS]
        rows = [tuple(_cell(row[name]) for name in names) for row in self.rows()]
        if len(rows) > _ROWS:
            half = _ROWS // 2
            rows = [*rows[:half], tuple("..." for _ in names), *rows[-half:]]
        return aligned([tuple(names), *rows]) if rows else "no epoch has a row in the history"


def _cell(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def digests(params: Tree) -> Row:
    """The digest of a tree, "params", and the first 16 digits of those of its leaves and buffers.

    Digests are the same on every machine and for any layout in memory.
    """
    leaves = {name: sha256(canonical(leaf)).hexdigest() for name, leaf in named_arrays(params).items()}
    return {"params": digest(json.dumps(leaves)), "leaves": tuple(each[:16] for each in leaves.values())}


def digest(text: str) -> str:
    """SHA-256 of a text."""
    made = sha256()
    for start in range(0, len(text), _CHUNK):  # without a second copy of a long text
        made.update(text[start : start + _CHUNK].encode())
    return made.hexdigest()


def without_seconds(row: Mapping[str, Any]) -> Row:
    """The part of a row that is the same, bit for bit, whenever the experiment is run."""
    return {name: value for name, value in row.items() if name != "seconds"}


def to_line(row: Row) -> str:
    """The row as a line of JSON."""
    return json.dumps({name: to_plain(value) for name, value in row.items()}) + "\n"


def from_line(line: str | bytes) -> Row:
    """The row that `to_line` wrote."""
    plain = parsed(line)
    if not _is_row(plain):
        raise ValueError(f"not a row of a history: {shown(line if isinstance(line, str) else line.decode())}")
    return {intern(name): from_plain(value) for name, value in plain.items()}


def _is_row(plain: Any) -> bool:
    """Whether the JSON of a line has what a row has: numbers, and the digests of the params."""
    types = {"epoch": int, "step": int, "params": str, "leaves": list, "seconds": float}
    return (
        isinstance(plain, dict)
        and all(isinstance(plain.get(name), kind) for name, kind in types.items())
        and len(plain["params"]) == 64
        and all(isinstance(leaf, str) and len(leaf) == 16 for leaf in plain["leaves"])
        and all(_is_number(value) for name, value in plain.items() if name not in DIGESTS)
    )


def _is_number(plain: Any) -> bool:
    return plain is None or isinstance(plain, int | float) or (isinstance(plain, dict) and plain.keys() == {"float"})


def read_rows(file: IO[bytes], last: float, most: int) -> list[Row]:
    """The rows up to epoch `last` of a file; a last line that was cut off when the process was killed is not one.

    Raises ValueError, before memory is taken, for many more rows than epochs, and for columns that change or are more
    than `most`.
    """
    rows: list[Row] = []
    for row in map(from_line, _lines(file)):
        if row["epoch"] > last:
            break
        if len(rows) >= 2 * last:  # one row too many, or a few, `verify` tells by the epoch
            raise ValueError(f"it has more than {len(rows)} rows of the first {last} epochs")
        if len(row) > most:
            raise ValueError(f"a row has {len(row)} columns, and those of the experiment have at most {most}")
        if rows and row.keys() != rows[0].keys():
            raise ValueError(f"the row of epoch {row['epoch']} has different columns from the first")
        rows.append(row)
    return rows


def _lines(file: IO[bytes]) -> Iterator[bytes]:
    """The lines of a file that have an end, without it, but for empty ones."""
    rest = b""
    while chunk := file.read(_CHUNK):
        *whole, rest = (rest + chunk).split(b"\n")
        yield from filter(None, whole)


def chained_digest(so_far: str, row: Row) -> str:
    """The digest, without seconds, of a history up to `row`; `so_far` is the digest before the row, "" at the start."""
    return digest(so_far + to_line(without_seconds(row)))
