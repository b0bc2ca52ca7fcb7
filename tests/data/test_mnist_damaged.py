"""A damaged or missing file of MNIST is an error that names it and says what is wrong."""

import tracemalloc

import pytest

from funcnet.data import mnist
from tests.data.mnist_files import GZIPPED, SHAPES, TEST_IMAGES, TEST_LABELS, TRAIN_IMAGES, TRAIN_LABELS, idx, packed


@pytest.fixture
def folder(tmp_path):
    """A folder with four empty files."""
    for name in SHAPES:
        (tmp_path / name).touch()
    return tmp_path


# --- Damaged files ---

MAGIC = bytes([0, 0, 8, 3])


# Each is a function, since some make 47 MB.
DAMAGED = {
    "nothing": (lambda: b"", "truncated, it has 0 of 47040016 bytes"),
    "two bytes": (lambda: MAGIC[:2], "truncated, it has 2 of 47040016 bytes"),
    "little": (lambda: idx(TRAIN_IMAGES, body=100), "truncated, it has 116 of 47040016 bytes"),
    "one byte short": (lambda: idx(TRAIN_IMAGES)[:-1], "truncated, it has 47040015 of 47040016 bytes"),
    "one byte long": (lambda: idx(TRAIN_IMAGES) + b"\0", "too long, expected 47040016 bytes"),
    "labels": (lambda: idx(TRAIN_LABELS), "wrong magic number 0x00000801, expected 0x00000803"),
    "backwards": (lambda: MAGIC[::-1] + bytes(100), "wrong magic number 0x03080000, expected 0x00000803"),
    "html": (lambda: b"<html>404</html>", "wrong magic number 0x3c68746d, expected 0x00000803"),
    "zeros": (lambda: idx(TRAIN_IMAGES), "not a file of MNIST, its content has SHA-256"),
    "other axes": (lambda: idx(TRAIN_IMAGES, shape=(28, 28, 60_000)), "not a file of MNIST, its content has SHA-256"),
}


@pytest.mark.parametrize("pack", [bytes, packed])
@pytest.mark.parametrize("damage", DAMAGED)
@pytest.mark.slow
def test_a_damaged_file_is_an_error_that_names_it_and_says_what_is_wrong(folder, damage, pack):
    make, message = DAMAGED[damage]
    path = folder / TRAIN_IMAGES
    path.write_bytes(pack(make()))
    with pytest.raises(ValueError, match="ubyte: ") as error:
        mnist(folder)
    assert str(error.value).startswith(f"{path}: {message}")


def changed(content, position):
    return bytes(byte ^ 0xFF if at == position % len(content) else byte for at, byte in enumerate(content))


BLOCK_OF_NO_TYPE = GZIPPED[:10] + b"\x07" + GZIPPED[11:]  # RFC 1951, 3.2.3: block type 3 is an error


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (GZIPPED[:3], "truncated, the gzip stream has no end"),
        (GZIPPED[:40], "truncated, the gzip stream has no end"),
        (GZIPPED[:-1], "truncated, the gzip stream has no end"),
        (changed(GZIPPED, 2), "corrupt gzip, Unknown compression method"),
        (BLOCK_OF_NO_TYPE, "corrupt gzip, Error -3"),
        (changed(GZIPPED, -5), "corrupt gzip, CRC check failed"),
        (changed(GZIPPED, -1), "corrupt gzip, Incorrect length"),
        (GZIPPED + b"more", "corrupt gzip, Not a gzipped file"),
    ],
    ids=["in-header", "in-data", "last-byte", "method", "block", "crc", "length", "more"],
)
def test_a_damaged_gzip_stream_is_an_error_that_names_the_file(folder, content, message):
    path = folder / TRAIN_IMAGES
    path.write_bytes(content)
    with pytest.raises(ValueError, match="ubyte: ") as error:
        mnist(folder)
    assert str(error.value).startswith(f"{path}: {message}")


def test_a_gzip_bomb_is_not_unpacked(folder):
    (folder / TRAIN_IMAGES).write_bytes(packed(idx(TRAIN_IMAGES)) + packed(bytes(2**20)) * 2**10)  # a gigabyte
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match="too long"):
            mnist(folder)
        assert tracemalloc.get_traced_memory()[1] < 200e6
    finally:
        tracemalloc.stop()


# --- Missing files ---


def test_a_missing_file_is_an_error_that_names_the_folder_and_all_files(folder):
    (folder / TEST_IMAGES).unlink()
    with pytest.raises(FileNotFoundError) as error:
        mnist(folder)
    assert str(error.value) == (
        f"{folder} has no {TEST_IMAGES}: "
        f"MNIST is {TRAIN_IMAGES}, {TRAIN_LABELS}, {TEST_IMAGES}, {TEST_LABELS}, each with or without .gz"
    )


@pytest.mark.parametrize("place", ["empty", "nowhere", "file"])
def test_a_folder_without_the_files_is_an_error_that_names_them(tmp_path, place):
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").touch()
    with pytest.raises(FileNotFoundError) as error:
        mnist(tmp_path / place)
    for part in (str(tmp_path / place), *SHAPES):
        assert part in str(error.value)
