"""Randomness as an argument: a `Key` names random numbers, and only a function that is given the key draws them.

`np.random.SeedSequence(seed, spawn_key=path)` turns a key into a generator. It is a pure function: the same key gives
the same numbers wherever and whenever it is used, and no draw changes another.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import attrs

from funcnet.values import integer, register, specification

if TYPE_CHECKING:
    import numpy as np

_MOST = 2**32 - 1  # the largest number in one word of a SeedSequence


def _path(parts: tuple[int | str, ...]) -> tuple[int | str, ...]:
    if isinstance(parts, str):
        raise TypeError(f"path must be a tuple of names and positions, got {parts!r}")
    return tuple(part if isinstance(part, str) else integer(part, "a position", 0, _MOST) for part in parts)


@register
@specification
class Key:
    """A name for a stream of random numbers: a seed, and the path of names and positions folded into it.

    Parameters
    ----------
    seed : int
        From 0 to 2**128 - 1.
    path : tuple of int or str, default ()
        Positions, from 0 to 2**32 - 1, and names; `fold_in` appends to it.

    Raises
    ------
    TypeError
        If the seed is not an integer, or the path is not a tuple of names and positions.
    ValueError
        If the seed or a position is out of its range.

    Examples
    --------
    >>> key = Key(0).fold_in("dropout").fold_in(3)
    >>> key
    Key(seed=0, path=('dropout', 3))
    >>> key.generator().random((2, 3)).shape
    (2, 3)
    """

    seed: int = attrs.field(converter=lambda seed: integer(seed, "a seed", 0, 2**128 - 1))
    path: tuple[int | str, ...] = attrs.field(default=(), converter=_path)

    def fold_in(self, part: int | str) -> Key:
        """The key of a part of this key; keys of different parts are independent.

        Parameters
        ----------
        part : int or str
            Position or name, appended to the path.

        Returns
        -------
        Key
            The key of the part.

        Raises
        ------
        TypeError
            If the part is neither an integer nor a string.
        ValueError
            If a position is not from 0 to 2**32 - 1.

        Examples
        --------
        >>> Key(0).fold_in(1).fold_in("weight") == Key(0, (1, "weight"))
        True
        """
        key = object.__new__(Key)  # skips checking the path again at every training step
        object.__setattr__(key, "seed", self.seed)
        object.__setattr__(key, "path", (*self.path, *_path((part,))))
        return key

    def split(self, n: int) -> tuple[Key, ...]:
        """Independent keys, those of the positions 0 to n - 1.

        Parameters
        ----------
        n : int
            Number of keys; 0 is allowed.

        Returns
        -------
        tuple of Key
            The n keys.

        Raises
        ------
        TypeError
            If n is not an integer.
        ValueError
            If n is negative.

        Examples
        --------
        >>> Key(7).split(2)
        (Key(seed=7, path=(0,)), Key(seed=7, path=(1,)))
        """
        return tuple(self.fold_in(position) for position in range(integer(n, "n", 0)))

    def generator(self) -> np.random.Generator:
        """A new NumPy generator at the start of the random numbers of this key.

        Returns
        -------
        numpy.random.Generator
            The generator, of the bit generator PCG64.

        Examples
        --------
        >>> bool(Key(0).generator().random() == Key(0).generator().random())
        True
        """
        from numpy.random import PCG64, Generator, SeedSequence  # imported at the first draw: it is slow to load

        words = [word for part in self.path for word in _words(part)]
        return Generator(PCG64(SeedSequence(self.seed, spawn_key=words)))


def checked_key(key: Key) -> Key:
    """`key` itself; raises TypeError if it is not a Key."""
    if not isinstance(key, Key):
        raise TypeError(f"expected a key such as Key(0), got {key!r}")
    return key


def _words(part: int | str) -> list[int]:
    """The words of a part: a position itself, or the first 128 bits of the SHA-256 of a name."""
    return [part] if isinstance(part, int) else _words_of_name(part)


@lru_cache(maxsize=1024)
def _words_of_name(name: str) -> list[int]:
    from hashlib import sha256  # imported at the first name: it is slow to load

    digest = sha256(name.encode()).digest()
    return [int.from_bytes(digest[start : start + 4], "little") for start in range(0, 16, 4)]
