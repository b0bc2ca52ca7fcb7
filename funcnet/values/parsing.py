"""JSON of files, which may come from anywhere: each name once, and no more memory than a few times the file's size."""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import Any

_FREE = 2**23  # bytes of memory that the JSON of any file may take
_BYTES = {"{": 200, "[": 75, ",": 50, ":": 10}  # of memory, at most, that a mark and what follows it stand for
_NAME = 200  # bytes that a name takes, the first time that it is there, in dicts
_MANY = 50_000  # names, of which the different ones are counted
_NAMES = re.compile(r'"([^"\\]*)"\s*:')
_STRINGS = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)  # "+": to go back takes 100 bytes an escape


def parsed(text: str | bytes, size: int = 0) -> Any:
    """The value of a JSON text that is, or is in, a file of `size` bytes.

    Raises ValueError for any other text: one that has a name twice in an object or is nested too deeply, bytes that are
    not UTF-8 and, before memory is taken, a text with `too_many` values.

    >>> parsed('{"slope": 0.1, "slope": 0.2}')
    Traceback (most recent call last):
    ...
    ValueError: it has the name 'slope' twice in an object
    """
    if many := too_many(text, size):
        raise ValueError(many)
    try:
        text = text.decode() if isinstance(text, bytes) else text  # `json` reads other encodings, in which marks differ
        return json.loads(text, parse_constant=_no_constant, object_pairs_hook=_object)
    except RecursionError:
        raise ValueError("the JSON is nested too deeply") from None


def too_many(text: str | bytes, size: int = 0) -> str:
    """Why a JSON text has too many values for a file of `size` bytes; "" if it has not."""
    size = max(size, len(text))
    most = _FREE + 4 * size - len(text)
    if isinstance(text, bytes):
        most -= 0 if text.isascii() else 8 * len(text)
        text = text.decode("latin-1")
    return "" if _fits(text, most) else f"its JSON has too many values for its size: the file has {size} bytes"


def _fits(text: str, most: int) -> bool:
    """Whether the values of a JSON text take at most so many bytes of memory."""
    # What a backslash follows is in a string, as all of a description in a string is but the ends of its lines.
    marks = {mark: text.count(mark) - text.count(mark + "\\") for mark in _BYTES}
    most -= sum(marks[mark] * each for mark, each in _BYTES.items())
    if marks[":"] > _MANY:
        names: set[str] = set()
        for found in _NAMES.finditer(text):
            if _NAME * len(names) > most:
                return False
            names.add(found[1])
        most -= _NAME * len(names)
    if "\\u" in text:
        # A letter that is not in ASCII makes its whole string as wide; two backslashes are one letter.
        strings = (found[0] for found in _STRINGS.finditer(text))
        most -= sum(4 * len(each) for each in strings if "\\u" in each.replace("\\\\", ""))
    return most >= 0


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not valid JSON")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        [(name, _)] = Counter(name for name, _ in pairs).most_common(1)
        raise ValueError(f"it has the name {name!r} twice in an object")
    return made
