"""MNIST from its four IDX files, which lie in a folder or are downloaded by pooch.

The SHA-256 of the unpacked content of every file is checked, so `mnist` returns MNIST or raises.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from hashlib import sha256
from math import prod
from pathlib import Path
from typing import NamedTuple

import numpy as np

from funcnet.data.dataset import Dataset
from funcnet.errors import needs
from funcnet.tree import Array, build
from funcnet.values import as_path

MIRRORS = ("https://ossci-datasets.s3.amazonaws.com/mnist", "https://storage.googleapis.com/cvdf-datasets/mnist")


class IdxFile(NamedTuple):
    """The name of a file, the shape of its array, and the SHA-256 of its unpacked content."""

    name: str
    shape: tuple[int, ...]
    sha256: str


FILES = (
    IdxFile(
        "train-images-idx3-ubyte", (60_000, 28, 28), "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"
    ),
    IdxFile("train-labels-idx1-ubyte", (60_000,), "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"),
    IdxFile(
        "t10k-images-idx3-ubyte", (10_000, 28, 28), "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"
    ),
    IdxFile("t10k-labels-idx1-ubyte", (10_000,), "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"),
)
NAMES = ", ".join(file.name for file in FILES)


def mnist(
    directory: str | os.PathLike[str] | None = None, *, mirrors: Sequence[str] = MIRRORS
) -> tuple[Dataset, Dataset]:
    """The 60,000 training and 10,000 test digits of MNIST: x (n, 784) float32 in [0, 1], y (n,) int64 from 0 to 9.

    x = pixel / 255, where 0 is paper and 255 is ink; the pixels go row by row from the top left.

    Parameters
    ----------
    directory : path, optional
        Folder with the IDX files, gzipped or not; by default the environment variable FUNCNET_DATA. Without either,
        the files are read from the user's cache folder, and a missing file is downloaded to it.
    mirrors : sequence of str, default MIRRORS
        Addresses of folders; a file is downloaded from the first of these that has it.

    Returns
    -------
    train : Dataset
        60,000 digits.
    test : Dataset
        10,000 digits.

    Raises
    ------
    FileNotFoundError
        If the folder lacks a file.
    ValueError
        If a file is damaged or is not a file of MNIST.
    ConnectionError
        If a download fails.
    MissingExtraError
        If pooch, from the extra funcnet[download], is needed and not installed.

    References
    ----------
    Y. LeCun, L. Bottou, Y. Bengio, P. Haffner: Gradient-based learning applied to document recognition. Proceedings of
    the IEEE 86, 1998.

    Examples
    --------
    >>> mnist("nowhere")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    FileNotFoundError: nowhere has no train-images-idx3-ubyte, ...
    """
    directory = os.environ.get("FUNCNET_DATA") if directory is None else directory
    paths = _cached(mirrors) if directory is None else _all_in(as_path(directory, "directory"))
    x_train, y_train, x_test, y_test = (_read(path, file, path) for path, file in zip(paths, FILES, strict=True))
    return _dataset(x_train, y_train), _dataset(x_test, y_test)


def _dataset(images: Array, labels: Array) -> Dataset:
    pixels = images.reshape(len(images), -1)
    return build(Dataset, np.divide(pixels, 255, dtype=np.float32), labels.astype(np.int64))


# --- Places of the files ---


def _candidates(folder: Path, file: IdxFile) -> Iterator[Path]:
    """The paths at which a file may lie: some distributions write a dot for the first hyphen of -idx."""
    for name in (file.name, file.name.replace("-idx", ".idx")):
        yield from (folder / name, folder / f"{name}.gz")


def _find(folder: Path, file: IdxFile) -> Path | None:
    return next((path for path in _candidates(folder, file) if path.is_file()), None)


def _all_in(folder: Path) -> list[Path]:
    found = [_find(folder, file) for file in FILES]
    missing = ", ".join(file.name for file, path in zip(FILES, found, strict=True) if path is None)
    if missing:
        raise FileNotFoundError(f"{folder} has no {missing}: MNIST is {NAMES}, each with or without .gz")
    return [path for path in found if path]


def _cached(mirrors: Sequence[str]) -> list[Path]:
    with needs("pooch", extra="download"):
        import pooch  # type: ignore[import-untyped]
    folder = Path(pooch.os_cache("funcnet")) / "mnist"
    return [_find(folder, file) or _download(file, folder, mirrors) for file in FILES]


def _download(file: IdxFile, folder: Path, mirrors: Sequence[str]) -> Path:
    """Download `file` to `folder` and return its path; it appears there only once it is complete and verified."""
    from tempfile import TemporaryDirectory

    from pooch import HTTPDownloader

    folder.mkdir(parents=True, exist_ok=True)
    name = f"{file.name}.gz"
    failures = []
    with TemporaryDirectory(dir=folder) as temporary:  # on the same disk, so that the move is atomic
        arrived = Path(temporary) / name
        for url in (f"{mirror.rstrip('/')}/{name}" for mirror in mirrors):
            try:
                HTTPDownloader()(url, str(arrived), None)
                _read(arrived, file, url)
            except (OSError, ValueError) as error:  # the errors of requests are OSErrors
                failures.append(str(error))
            else:
                return arrived.replace(folder / name)
    raise ConnectionError(
        f"could not download {name}: {'; '.join(failures)}. Put {NAMES}, each with or without .gz, into {folder}, "
        f"or pass directory=, the folder that has them"
    )


# --- Contents of the files ---


def _read(path: Path, file: IdxFile, source: object) -> Array:
    """The array in the IDX file at `path`; errors name the file by its `source`.

    The format is described at http://yann.lecun.com/exdb/mnist (LeCun, Cortes, Burges): two zero bytes, a byte for the
    type (8 is uint8), a byte for the number of axes, the axes as big-endian uint32, and the data in C order.
    """
    magic = bytes((0, 0, 8, len(file.shape)))
    start = len(magic) + 4 * len(file.shape)
    size = start + prod(file.shape)
    content = _unpacked(path, size + 1, source)  # one byte more detects a file that is too long, and stops a zip bomb
    if not magic.startswith(content[:4]):
        raise ValueError(f"{source}: wrong magic number 0x{content[:4].hex()}, expected 0x{magic.hex()}")
    if len(content) < size:
        raise ValueError(f"{source}: truncated, it has {len(content)} of {size} bytes")
    if len(content) > size:
        raise ValueError(f"{source}: too long, expected {size} bytes")
    if (digest := sha256(content).hexdigest()) != file.sha256:
        raise ValueError(f"{source}: not a file of MNIST, its content has SHA-256 {digest}, expected {file.sha256}")
    return np.frombuffer(content, np.uint8, offset=start).reshape(file.shape)


def _unpacked(path: Path, limit: int, source: object) -> bytes:
    """The first `limit` bytes of a file, unpacked if its content (not its name) shows that it is gzipped."""
    import gzip
    import zlib

    with path.open("rb") as stream:
        gzipped = stream.read(2) == b"\x1f\x8b"
        stream.seek(0)
        try:
            return gzip.GzipFile(fileobj=stream).read(limit) if gzipped else stream.read(limit)
        except EOFError as error:
            raise ValueError(f"{source}: truncated, the gzip stream has no end") from error
        except (gzip.BadGzipFile, zlib.error) as error:
            raise ValueError(f"{source}: corrupt gzip, {error}") from error
