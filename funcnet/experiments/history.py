"""The history of a run: a row for each evaluated epoch, with digests of the params."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256
from typing import Any

import attrs

from funcnet.tree import Tree, canonical, named_leaves
from funcnet.values import from_plain, to_plain

Row = dict[str, Any]
DIGESTS = ("params", "leaves")  # the columns that nobody plots or reads in a table
NOT_METRICS = ("epoch", "step", "learning_rate", "seconds", *DIGESTS)


@attrs.frozen
class History(Mapping[str, tuple[Any, ...]]):
    """The columns of a run's history by name, each a tuple with an entry for each evaluated epoch.

    "epoch" and "step" count from 1, and "learning_rate" is that of the step; then come "loss", the metrics, both on
    the test data, and "params", the digest of the params after the epoch, and "leaves", those of each leaf. "seconds"
    is how long the epochs since the last row took; two histories are equal if all but the seconds is.

    >>> history = History.of([{"epoch": 1, "loss": 2.0, "seconds": 0.1}, {"epoch": 2, "loss": 1.0, "seconds": 0.1}])
    >>> history["loss"], list(history)
    ((2.0, 1.0), ['epoch', 'loss', 'seconds'])
    """

    names: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    seconds: tuple[float, ...] = attrs.field(eq=False)

    @classmethod
    def of(cls, rows: Iterable[Row]) -> History:
        """The history of such rows, which all have the same names."""
        rows = tuple(rows)
        kept = [without_seconds(row) for row in rows]
        names = tuple(kept[0]) if kept else ()
        return cls(names, tuple(tuple(row.values()) for row in kept), tuple(row["seconds"] for row in rows))

    def __getitem__(self, name: str) -> tuple[Any, ...]:
        if name == "seconds":
            return self.seconds
        if name not in self.names:
            raise KeyError(f"there is no column {name!r}, there are {', '.join(self)}")
        index = self.names.index(name)
        return tuple(row[index] for row in self.rows)

    def __iter__(self) -> Iterator[str]:
        return iter((*self.names, "seconds") if self.names else ())

    def __len__(self) -> int:
        return len(tuple(iter(self)))


def digests(params: Tree) -> Row:
    """The digest of a tree, "params", and of each of its leaves the first 16 digits, "leaves".

    They are the same on every machine and for any layout in memory.
    """
    leaves = {name: sha256(canonical(leaf)).hexdigest() for name, leaf in named_leaves(params).items()}
    return {"params": digest(json.dumps(leaves)), "leaves": tuple(each[:16] for each in leaves.values())}


def digest(text: str) -> str:
    """SHA-256 of a text."""
    return sha256(text.encode()).hexdigest()


def without_seconds(row: Row) -> Row:
    """What of a row comes back bit for bit."""
    return {name: value for name, value in row.items() if name != "seconds"}


def to_line(row: Row) -> str:
    """The row as a line of JSON."""
    return json.dumps({name: to_plain(value) for name, value in row.items()}) + "\n"


def from_line(line: str) -> Row:
    """The row of a line."""
    row = {name: from_plain(value) for name, value in json.loads(line).items()}
    types = {"epoch": int, "step": int, "params": str, "leaves": tuple, "seconds": float}
    if not all(isinstance(row[name], kind) for name, kind in types.items()):
        raise ValueError(f"this is no row of a history: {line!r}")
    return row


def chained_digest(so_far: str, row: Row) -> str:
    """The digest of a history, whose digest before this row is `so_far`, "" at the start; without the seconds."""
    return digest(so_far + to_line(without_seconds(row)))
