"""MNIST is downloaded once, from the first mirror that has it, and nothing bad stays in the cache."""

import socket
import sys
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

import funcnet as fn
from funcnet.data import mnist
from tests.data.mnist_files import GZIPPED, REAL, SHAPES, TEST_LABELS, TRAIN_IMAGES, idx, needs_real_files, packed, real


@pytest.fixture(autouse=True)
def nowhere_else(monkeypatch):
    """Where the real files are is told to all tests, but these are of a machine that has none."""
    monkeypatch.delenv("FUNCNET_DATA", raising=False)


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


@pytest.mark.slow
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


@pytest.mark.slow
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
