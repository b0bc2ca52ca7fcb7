import gzip
import os
import shutil
import socket
import struct
import sys
import threading
import tracemalloc
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

import funcnet as fn
from funcnet.data import mnist

TRAIN_IMAGES, TRAIN_LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"
TEST_IMAGES, TEST_LABELS = "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"
SHAPES = {
    TRAIN_IMAGES: (60_000, 28, 28),
    TRAIN_LABELS: (60_000,),
    TEST_IMAGES: (10_000, 28, 28),
    TEST_LABELS: (10_000,),
}
REAL = Path(os.environ.get("FUNCNET_DATA") or Path(__file__).parents[2] / "shared/data/mnist")

needs_real_files = pytest.mark.skipif(
    not all((REAL / f"{name}.gz").is_file() for name in SHAPES),
    reason=f"no MNIST files in {REAL}: set FUNCNET_DATA to a folder that has them, gzipped",
)


def idx(name, magic=None, shape=None, body=None):
    """An IDX file of zeros, with the header that `name` has unless told otherwise."""
    shape = SHAPES[name] if shape is None else shape
    magic = bytes([0, 0, 8, len(shape)]) if magic is None else magic
    header = magic + struct.pack(f">{len(shape)}I", *shape)
    return header + bytes(int(np.prod(shape)) if body is None else body)


def packed(content):
    return gzip.compress(content, compresslevel=1)


def real(name):
    return (REAL / f"{name}.gz").read_bytes()


@pytest.fixture
def folder(tmp_path):
    """A folder with four empty files."""
    for name in SHAPES:
        (tmp_path / name).touch()
    return tmp_path


@pytest.fixture
def real_folder(tmp_path):
    """A folder with the real files, which a test may damage."""
    for name in SHAPES:
        shutil.copyfile(REAL / f"{name}.gz", tmp_path / f"{name}.gz")
    return tmp_path


# --- The real files ---


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


@needs_real_files
def test_mnist_is_read_only_and_has_the_known_counts():
    train, test = mnist(str(REAL))
    # Counts of each digit, as often published; the first five training labels are 5, 0, 4, 1, 9.
    assert np.bincount(train.y).tolist() == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert np.bincount(test.y).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert train.y[:5].tolist() == [5, 0, 4, 1, 9]
    with pytest.raises(ValueError, match="read-only"):
        train.x[0] = 0


@needs_real_files
def test_files_may_be_unpacked_have_a_dot_or_hide_that_they_are_gzipped(tmp_path):
    (tmp_path / TRAIN_IMAGES).write_bytes(gzip.decompress(real(TRAIN_IMAGES)))
    (tmp_path / "train-labels.idx1-ubyte").write_bytes(gzip.decompress(real(TRAIN_LABELS)))
    (tmp_path / "t10k-images.idx3-ubyte.gz").write_bytes(real(TEST_IMAGES))
    (tmp_path / TEST_LABELS).write_bytes(real(TEST_LABELS))
    assert [half.digest for half in mnist(tmp_path)] == [half.digest for half in mnist(REAL)]


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
    "zeros": (lambda: idx(TRAIN_IMAGES), "not MNIST's, SHA-256 of the content is"),
    "other axes": (lambda: idx(TRAIN_IMAGES, shape=(28, 28, 60_000)), "not MNIST's, SHA-256 of the content is"),
}


@pytest.mark.parametrize("pack", [bytes, packed])
@pytest.mark.parametrize("damage", DAMAGED)
def test_a_damaged_file_is_an_error_that_names_it_and_says_what_is_wrong(folder, damage, pack):
    make, message = DAMAGED[damage]
    path = folder / TRAIN_IMAGES
    path.write_bytes(pack(make()))
    with pytest.raises(ValueError, match="ubyte: ") as error:
        mnist(folder)
    assert str(error.value).startswith(f"{path}: {message}")


def changed(content, position):
    return bytes(byte ^ 0xFF if at == position % len(content) else byte for at, byte in enumerate(content))


GZIPPED = packed(idx(TRAIN_LABELS))
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


# --- The cache and the download ---


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """The cache folder, which is not there yet."""
    pooch = pytest.importorskip("pooch", reason="pooch is not installed")
    monkeypatch.setattr(pooch, "os_cache", lambda project: tmp_path / "cache" / project)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    return tmp_path / "cache/funcnet/mnist"


@contextmanager
def mirror(contents, cut=0):
    """A server on the loopback address that has `contents`, by name, but keeps `cut` bytes of each to itself."""
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            name = self.path.removeprefix("/mnist/")
            asked.append(name)
            if (content := contents.get(name)) is None:
                return self.send_error(404)
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            return self.wfile.write(content[: len(content) - cut])

        def log_message(self, *args):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/mnist", asked
        finally:
            server.shutdown()
            thread.join()


def nobody():
    """An address at which nobody listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{listener.getsockname()[1]}/mnist"


def left_in(cache):
    return [str(path) for path in cache.rglob("*")]


@needs_real_files
def test_what_is_missing_is_downloaded_once(cache):
    with mirror({f"{name}.gz": real(name) for name in SHAPES}) as (address, asked):
        downloaded = mnist(mirrors=[address])
    assert asked == [f"{name}.gz" for name in SHAPES]
    assert downloaded == mnist(REAL)
    assert sorted(left_in(cache)) == sorted(str(cache / f"{name}.gz") for name in SHAPES)
    assert mnist(mirrors=[nobody()]) == downloaded

    (cache / f"{TEST_LABELS}.gz").unlink()
    with mirror({f"{TEST_LABELS}.gz": real(TEST_LABELS)}) as (address, asked):
        mnist(mirrors=[address])
    assert asked == [f"{TEST_LABELS}.gz"]


@needs_real_files
def test_the_next_mirror_helps_out(cache):
    good = {f"{name}.gz": real(name) for name in SHAPES}
    damaged = {f"{TRAIN_IMAGES}.gz": good[f"{TRAIN_IMAGES}.gz"][:-1]}
    with mirror(damaged) as (first, asked_first), mirror(good) as (second, asked_second):
        assert mnist(mirrors=[nobody(), first, f"{second}/"]) == mnist(REAL)
    assert asked_first == asked_second == list(good)


@pytest.mark.parametrize(
    ("content", "cut", "message"),
    [
        (None, 0, "404"),
        (GZIPPED, 0, "/mnist/train-images-idx3-ubyte.gz: wrong magic number"),
        (GZIPPED[:-9], 0, "/mnist/train-images-idx3-ubyte.gz: truncated"),
        (GZIPPED, 9, "IncompleteRead"),
        (b"<html>sign in</html>", 0, "/mnist/train-images-idx3-ubyte.gz: wrong magic number"),
        (b"", 0, "/mnist/train-images-idx3-ubyte.gz: truncated"),
    ],
    ids=["404", "labels", "no-end", "cut", "html", "empty"],
)
def test_a_bad_download_is_an_error_and_does_not_stay(cache, content, cut, message):
    contents = {} if content is None else {f"{TRAIN_IMAGES}.gz": content}
    with mirror(contents, cut) as (address, asked), pytest.raises(ConnectionError, match="could not download") as error:
        mnist(mirrors=[address])
    assert asked == [f"{TRAIN_IMAGES}.gz"]
    assert message in str(error.value)
    assert str(cache) in str(error.value)
    assert left_in(cache) == []


def test_a_download_of_the_right_form_and_another_content_does_not_stay(cache):
    contents = {f"{TRAIN_IMAGES}.gz": packed(idx(TRAIN_IMAGES))}
    with mirror(contents) as (address, _), pytest.raises(ConnectionError, match="gz: not MNIST's, SHA-256"):
        mnist(mirrors=[address])
    assert left_in(cache) == []


def test_without_a_network_the_error_says_where_to_put_which_files(cache):
    with pytest.raises(ConnectionError) as error:
        mnist(mirrors=[nobody()])
    for part in (str(cache), *SHAPES, "pass directory="):
        assert part in str(error.value)
    assert left_in(cache) == []


def test_a_damaged_file_in_the_cache_is_named(cache):
    cache.mkdir(parents=True)
    for name in SHAPES:
        (cache / f"{name}.gz").write_bytes(b"x")
    with pytest.raises(ValueError, match=f"mnist.{TRAIN_IMAGES}.gz: wrong magic number"):
        mnist(mirrors=[nobody()])


def test_without_pooch_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "pooch", None)
    with pytest.raises(fn.MissingExtraError, match=r"pooch is not installed: .*funcnet\[download\]"):
        mnist()
