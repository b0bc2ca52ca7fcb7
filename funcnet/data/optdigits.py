"""Real handwritten digits, small enough to be shipped with the package.

`digits.npz` holds the test set of *Optical Recognition of Handwritten Digits* by E. Alpaydin and C. Kaynak, 1998,
from the UCI Machine Learning Repository (https://doi.org/10.24432/C50P49), licence CC BY 4.0
(https://creativecommons.org/licenses/by/4.0/). The only change is the form: `pixels` (1797, 64), uint8 from 0 to 16,
and `labels` (1797,), uint8, both in the order of scikit-learn's `load_digits`, from which the file was made once.
"""

from __future__ import annotations

import numpy as np

from funcnet.data.dataset import Dataset
from funcnet.tree import build


def digits() -> Dataset:
    """1,797 handwritten digits of 8 x 8 pixels: x (1797, 64) float32 in [0, 1], y (1797,) int64 from 0 to 9.

    x = pixel / 16, where 0 is paper and 16 is ink; the pixels go row by row from the top left.

    Returns
    -------
    Dataset
        The digits.

    References
    ----------
    E. Alpaydin, C. Kaynak: Optical Recognition of Handwritten Digits. UCI Machine Learning Repository, 1998, CC BY 4.0.

    Examples
    --------
    >>> dataset = digits()
    >>> dataset.x.shape, dataset.x.dtype, dataset.y[:10]
    ((1797, 64), dtype('float32'), array([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]))
    """
    from importlib.resources import files  # not needed to import funcnet.data

    path = files("funcnet.data") / "digits.npz"
    with path.open("rb") as stream, np.load(stream, allow_pickle=False) as archive:
        pixels, labels = archive["pixels"], archive["labels"]
    return build(Dataset, np.divide(pixels, 16, dtype=np.float32), labels.astype(np.int64))
