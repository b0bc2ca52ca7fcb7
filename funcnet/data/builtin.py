"""The built-in data sets by name, each split into training and test data in one fixed way."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from funcnet.data.dataset import Dataset
from funcnet.data.idx import mnist
from funcnet.data.optdigits import digits
from funcnet.data.synthetic import linearly_separable, parity, xor
from funcnet.random import Key

_KEY = Key(0).fold_in("split")
_SETS: dict[str, Callable[[Any], tuple[Dataset, Dataset | None]]] = {
    "digits": lambda directory: digits().split(_KEY, 0.8),
    "mnist": lambda directory: mnist(directory),
    "parity": lambda directory: (parity(10).take(slice(None, 700)), parity(10).take(slice(700, None))),
    "separable": lambda directory: linearly_separable(200, Key(0)).split(_KEY, 0.5),
    "xor": lambda directory: (xor(), None),
    "xor-21": lambda directory: (xor(21), None),
}
BUILTIN = tuple(_SETS)


def builtin(name: str, directory: str | os.PathLike[str] | None = None) -> tuple[Dataset, Dataset | None]:
    """The training and the test data of a built-in data set; the test data is None if there are none.

    The test data of "digits" are a fifth of the handwritten digits, of "mnist" its 10,000 test digits, of "parity" 324
    of the ten-bit numbers, of "separable" 100 of 200 points; "xor" and "xor-21" have none. For `directory` see `mnist`.
    Raises ValueError for a name that is not in BUILTIN.

    >>> train, test = builtin("parity")
    >>> len(train), len(test)
    (700, 324)
    """
    if name not in _SETS:
        raise ValueError(f"unknown data set {name!r}; the built-in ones are {', '.join(BUILTIN)}")
    return _SETS[name](directory)
