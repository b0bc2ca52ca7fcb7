"""The digits in the package are the repository's, and never change."""

import hashlib

import numpy as np
import pytest

from funcnet.data import digits
from tests.children import python


def test_digits_have_the_shapes_dtypes_and_range_that_are_promised():
    dataset = digits()
    assert (dataset.x.shape, dataset.x.dtype) == ((1797, 64), np.float32)
    assert (dataset.y.shape, dataset.y.dtype) == ((1797,), np.int64)
    assert set((dataset.x * 16).ravel().tolist()) == set(range(17))


def test_there_are_as_many_of_each_digit_as_the_repository_says():
    # optdigits.names in the UCI repository, "Class Distribution", testing.
    expected = [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    assert np.bincount(digits().y).tolist() == expected


def test_digits_are_scikit_learns():
    load_digits = pytest.importorskip("sklearn.datasets", reason="scikit-learn is not installed").load_digits
    images, labels = load_digits(return_X_y=True)
    np.testing.assert_array_equal(digits().x, images / 16)
    np.testing.assert_array_equal(digits().y, labels)


def test_digits_never_change():
    # hashlib.sha256 of load_digits().data.astype("uint8").tobytes(), and of .target in the same way, scikit-learn 1.9.1
    pixels, labels = (digits().x * 16).astype(np.uint8), digits().y.astype(np.uint8)
    assert (
        hashlib.sha256(pixels.tobytes()).hexdigest()
        == "8f26b2bd9d135c256808f68f14fdabddde6d9c7f869ae419704b051f0f14b3b3"
    )
    assert (
        hashlib.sha256(labels.tobytes()).hexdigest()
        == "8ba4f891220f5e4c9c819638d1602d74b83618f167043c6da52a2a247841ddf0"
    )


def test_importing_the_data_loads_no_downloader():
    heavy = ["pooch", "requests", "gzip", "tempfile", "importlib.resources", "sklearn"]
    program = f"import sys, funcnet.data; print([name for name in {heavy} if name in sys.modules])"
    assert python("-c", program).stdout.strip() == "[]"
