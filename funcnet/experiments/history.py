"""The history of a run: a row for each evaluated epoch, with digests of the params."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256
from typing import Any

import attrs

from funcnet.tree import Tree, canonical, named_arrays
from funcnet.values import from_plain, to_plain

Row = dict[str, Any]
DIGESTS = ("params", "leaves")  # the columns that nobody plots or reads in a table
NOT_METRICS = ("epoch", "step", "learning_rate", "seconds", *DIGESTS)


@attrs.frozen
class History(Mapping[str, tuple[Any, ...]]):
    """The columns of a run's history by name, each a tuple with an entry for each evaluated epoch.

    "epoch" and "step" count from 1; "learning_rate" is the rate at that step. Then come "loss" and the metrics, the
    same on the test data ("test loss", ...), "params", the digest of the params after the epoch, and "leaves", the
    digests of its leaves. "seconds" is the time since the previous row; histories are compared without it.

    >>> history = History.of([{"epoch": 1, "loss": 2.0, "seconds": 0.1}, {"epoch": 2, "loss": 1.0, "seconds": 0.1}])
    >>> history["loss"], list(history)
    ((2.0, 1.0), ['epoch', 'loss', 'seconds'])
    """

    names: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    seconds: tuple[float, ...] = attrs.field(eq=False)

    @classmethod
    def of(cls, rows: Iterable[Row]) -> History:
        """The history with these rows, all of which have the same names."""
        rows = tuple(rows)
        kept = [without_seconds(row) for row in rows]
        names = tuple(kept[0]) if kept else ()
        return cls(names, tuple(tuple(row.values()) for row in kept), tuple(row["seconds"] for row in rows))

    def __getitem__(self, name: str) -> tuple[Any, ...]:
        if name == "seconds":
            return self.seconds
        if name not in self.names:
            raise KeyError(f"the history has no column {name!r}; its columns are {', '.join(self)}")
        index = self.names.index(name)
        return tuple(row[index] for row in self.rows)

    def __iter__(self) -> Iterator[str]:
        return iter((*self.names, "seconds") if self.names else ())

    def __len__(self) -> int:
        return len(tuple(iter(self)))


def digests(params: Tree) -> Row:
    """The digest of a tree, "params", and the first 16 digits of those of its leaves and buffers.

    Digests are the same on every machine and for any layout in memory.
    """
    leaves = {name: sha256(canonical(leaf)).hexdigest() for name, leaf in named_arrays(params).items()}
    return {"params": digest(json.dumps(leaves)), "leaves": tuple(each[:16] for each in leaves.values())}


def digest(text: str) -> str:
    """SHA-256 of a text."""
    return sha256(text.encode()).hexdigest()


def without_seconds(row: Row) -> Row:
    """The part of a row that is the same, bit for bit, whenever the experiment is run."""
    return {name: value for name, value in row.items() if name != "seconds"}


def to_line(row: Row) -> str:
    """The row as a line of JSON."""
    return json.dumps({name: to_plain(value) for name, value in row.items()}) + "\n"


def from_line(line: str) -> Row:
    """The row that `to_line` wrote."""
    row = {name: from_plain(value) for name, value in json.loads(line).items()}
    types = {"epoch": int, "step": int, "params": str, "leaves": tuple, "seconds": float}
    if not all(isinstance(row[name], kind) for name, kind in types.items()):
        raise ValueError(f"not a row of a history: {line!r}")
    return row


def chained_digest(so_far: str, row: Row) -> str:
    """The digest, without seconds, of a history up to `row`; `so_far` is the digest before the row, "" at the start."""
    return digest(so_far + to_line(without_seconds(row)))
