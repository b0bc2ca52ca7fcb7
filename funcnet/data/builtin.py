"""The built-in data sets by name, each split into training and test data in one fixed way."""

from __future__ import annotations

import os

from funcnet.data.dataset import Dataset
from funcnet.data.idx import mnist
from funcnet.data.optdigits import digits
from funcnet.data.synthetic import linearly_separable, parity, xor
from funcnet.random import Key

BUILTIN = ("digits", "mnist", "parity", "separable", "xor", "xor-21")


def builtin(name: str, directory: str | os.PathLike[str] | None = None) -> tuple[Dataset, Dataset | None]:
    """The training and the test data of a built-in data set; the test data is None if there are none.

    The test data of "digits" are a fifth of the handwritten digits, of "mnist" its 10,000 test digits, of "parity" 324
    of the ten-bit numbers, of "separable" 100 of 200 points; "xor" and "xor-21" have none. For `directory` see `mnist`.
    Raises ValueError for a name that is not in BUILTIN.

    >>> train, test = builtin("parity")
    >>> len(train), len(test)
    (700, 324)
    """
    key = Key(0).fold_in("split")
    match name:
        case "digits":
            return digits().split(key, 0.8)
        case "mnist":
            return mnist(directory)
        case "parity":
            numbers = parity(10)
            return numbers.take(slice(None, 700)), numbers.take(slice(700, None))
        case "separable":
            return linearly_separable(200, Key(0)).split(key, 0.5)
        case "xor":
            return xor(), None
        case "xor-21":
            return xor(21), None
    raise ValueError(f"there is no built-in data set {name!r}; there are {', '.join(BUILTIN)}")
