"""JSON of files, which may come from anywhere: each name once, and no more memory than a few times the file's size."""

from __future__ import annotations

import json
from typing import Any

_FREE = 2**23  # bytes of memory that the JSON of any file may take
_BYTES = {"{": 200, "[": 75, ",": 50, ":": 50}  # of memory, at most, that a character with a meaning stands for


def parsed(text: str | bytes, size: int = 0) -> Any:
    """The value of a JSON text that is, or is in, a file of `size` bytes.

    Raises ValueError for any other text: one that has a name twice in an object or is nested too deeply, and, before
    memory is taken, one with `too_many` values.

    >>> parsed('{"slope": 0.1, "slope": 0.2}')
    Traceback (most recent call last):
    ...
    ValueError: it has the name 'slope' twice in an object
    """
    if many := too_many(text, size):
        raise ValueError(many)
    try:
        return json.loads(text, parse_constant=_no_constant, object_pairs_hook=_object)
    except RecursionError:
        raise ValueError("the JSON is nested too deeply") from None


def too_many(text: str | bytes, size: int = 0) -> str:
    """Why a JSON text has too many values for a file of `size` bytes; "" if it has not."""
    counts = [text.count(mark) if isinstance(text, str) else text.count(mark.encode()) for mark in _BYTES]
    memory = sum(count * each for count, each in zip(counts, _BYTES.values(), strict=True))
    if memory <= _FREE + 4 * max(size, len(text)):
        return ""
    return f"its JSON has too many values for its size: {sum(counts)} in a file of {max(size, len(text))} bytes"


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not valid JSON")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"it has the name {next(name for name in made if names.count(name) > 1)!r} twice in an object")
    return made
