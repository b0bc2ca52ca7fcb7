"""The real files of MNIST are what they say, in every form, or an error that names the file."""

import gzip
import shutil

import numpy as np
import pytest

from funcnet.data import mnist
from tests.data.mnist_files import (
    REAL,
    SHAPES,
    TEST_IMAGES,
    TEST_LABELS,
    TRAIN_IMAGES,
    TRAIN_LABELS,
    needs_real_files,
    packed,
    real,
)


@pytest.fixture
def real_folder(tmp_path):
    """A folder with the real files, which a test may damage."""
    for name in SHAPES:
        shutil.copyfile(REAL / f"{name}.gz", tmp_path / f"{name}.gz")
    return tmp_path


@pytest.mark.slow
@needs_real_files
def test_mnist_is_what_the_files_say():
    train, test = mnist(REAL)
    for dataset, images, labels in ((train, TRAIN_IMAGES, TRAIN_LABELS), (test, TEST_IMAGES, TEST_LABELS)):
        pixels = np.frombuffer(gzip.decompress(real(images)), np.uint8)[16:].reshape(-1, 784)
        assert (dataset.x.dtype, dataset.x.shape) == (np.float32, pixels.shape)
        assert (dataset.y.dtype, dataset.y.shape) == (np.int64, (len(pixels),))
        np.testing.assert_array_equal(dataset.x[::7], (pixels[::7] / 255).astype(np.float32))
        assert bytes(dataset.y.astype(np.uint8)) == gzip.decompress(real(labels))[8:]
        assert (dataset.x.min(), dataset.x.max()) == (0, 1)


@pytest.mark.slow
@needs_real_files
def test_mnist_is_read_only_and_has_the_known_counts():
    train, test = mnist(str(REAL))
    # Counts of each digit, as often published; the first five training labels are 5, 0, 4, 1, 9.
    assert np.bincount(train.y).tolist() == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert np.bincount(test.y).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert train.y[:5].tolist() == [5, 0, 4, 1, 9]
    with pytest.raises(ValueError, match="read-only"):
        train.x[0] = 0


@pytest.mark.slow
@needs_real_files
def test_files_may_be_unpacked_have_a_dot_or_hide_that_they_are_gzipped(tmp_path):
    (tmp_path / TRAIN_IMAGES).write_bytes(gzip.decompress(real(TRAIN_IMAGES)))
    (tmp_path / "train-labels.idx1-ubyte").write_bytes(gzip.decompress(real(TRAIN_LABELS)))
    (tmp_path / "t10k-images.idx3-ubyte.gz").write_bytes(real(TEST_IMAGES))
    (tmp_path / TEST_LABELS).write_bytes(real(TEST_LABELS))
    assert [half.digest for half in mnist(tmp_path)] == [half.digest for half in mnist(REAL)]


@pytest.mark.slow
@needs_real_files
@pytest.mark.parametrize("name", SHAPES)
def test_one_byte_that_is_wrong_is_an_error_that_names_the_file(real_folder, name):
    content = bytearray(gzip.decompress(real(name)))
    content[len(content) // 2] ^= 1
    (real_folder / f"{name}.gz").write_bytes(packed(content))
    with pytest.raises(
        ValueError, match=rf"{name}.gz: not MNIST's, SHA-256 of the content is \w{{64}}, expected \w{{64}}"
    ):
        mnist(real_folder)


@pytest.mark.slow
@needs_real_files
@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("keep", [0, 9, 0.5, -1])
def test_a_file_cut_short_is_an_error_that_names_it(real_folder, name, keep):
    path = real_folder / f"{name}.gz"
    content = path.read_bytes()
    path.write_bytes(content[: keep if isinstance(keep, int) else int(len(content) * keep)])
    with pytest.raises(ValueError, match=f"{name}.gz: (truncated|wrong magic number)"):
        mnist(real_folder)


@needs_real_files
def test_files_that_were_swapped_are_an_error(real_folder):
    (real_folder / f"{TEST_LABELS}.gz").write_bytes(real(TRAIN_LABELS))
    with pytest.raises(ValueError, match=f"{TEST_LABELS}.gz: too long, expected 10008 bytes"):
        mnist(real_folder)
