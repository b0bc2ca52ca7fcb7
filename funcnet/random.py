"""Randomness as an argument: a `Key` says which random numbers, and nobody else draws them.

`np.random.SeedSequence(seed, spawn_key=path)` turns a key into a generator. It is a pure function, so the same key
gives the same numbers wherever and whenever it is used, and no draw changes another.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import attrs

from funcnet.values import integer, register, specification

if TYPE_CHECKING:
    import numpy as np

_MOST = 2**32 - 1  # one word


def _path(parts: tuple[int | str, ...]) -> tuple[int | str, ...]:
    if isinstance(parts, str):
        raise TypeError(f"expected a tuple of names and positions, got {parts!r}")
    return tuple(part if isinstance(part, str) else integer(part, "a position", 0, _MOST) for part in parts)


@register
@specification
class Key:
    """Which random numbers: a seed, and the path of names and positions folded into it.

    `seed` is an integer from 0 to 2**128 - 1; positions are integers from 0 to 2**32 - 1. Others raise ValueError,
    what is no integer raises TypeError.

    >>> key = Key(0).fold_in("dropout").fold_in(3)
    >>> key
    Key(seed=0, path=('dropout', 3))
    >>> key.generator().random((2, 3)).shape
    (2, 3)
    """

    seed: int = attrs.field(converter=lambda seed: integer(seed, "a seed", 0, 2**128 - 1))
    path: tuple[int | str, ...] = attrs.field(default=(), converter=_path)

    def fold_in(self, part: int | str) -> Key:
        """The key of `part`, a name or a position, under this one; all of them are independent.

        >>> Key(0).fold_in(1).fold_in("weight") == Key(0, (1, "weight"))
        True
        """
        key = object.__new__(Key)  # the path so far need not be checked again, at every step of training
        object.__setattr__(key, "seed", self.seed)
        object.__setattr__(key, "path", (*self.path, *_path((part,))))
        return key

    def split(self, n: int) -> tuple[Key, ...]:
        """`n` independent keys: those of the positions 0 to n - 1.

        >>> Key(7).split(2)
        (Key(seed=7, path=(0,)), Key(seed=7, path=(1,)))
        """
        return tuple(self.fold_in(position) for position in range(integer(n, "n", 0)))

    def generator(self) -> np.random.Generator:
        """A new generator at the start of this key's random numbers.

        >>> bool(Key(0).generator().random() == Key(0).generator().random())
        True
        """
        from numpy.random import PCG64, Generator, SeedSequence  # loaded at the first draw, not at import

        words = [word for part in self.path for word in _words(part)]
        return Generator(PCG64(SeedSequence(self.seed, spawn_key=words)))


def checked_key(key: Key) -> Key:
    """`key`; TypeError unless it is a Key."""
    if not isinstance(key, Key):
        raise TypeError(f"expected a key such as Key(0), got {key!r}")
    return key


def _words(part: int | str) -> list[int]:
    """A position is its own word; a name is the first 128 bits of its SHA-256, which no four positions will meet."""
    return [part] if isinstance(part, int) else _words_of_name(part)


@lru_cache(maxsize=1024)
def _words_of_name(name: str) -> list[int]:
    from hashlib import sha256  # loaded at the first name, not at import

    digest = sha256(name.encode()).digest()
    return [int.from_bytes(digest[start : start + 4], "little") for start in range(0, 16, 4)]
