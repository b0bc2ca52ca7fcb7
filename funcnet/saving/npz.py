"""Checkpoints as .npz, which NumPy reads too: an .npy for each leaf, named by its path, and an entry with JSON.

No more bytes are read than the expected arrays need, so a small file cannot take much memory; nothing is unpickled.
"""

from __future__ import annotations

import math
import os
import re
import struct
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import IO, Any, Literal

import numpy as np

from funcnet.errors import CheckpointError
from funcnet.saving.description import Entries, Form, Format, check_form, digest_of, exactly, order
from funcnet.saving.structure import named
from funcnet.tree import Array, Tree

_DESCRIPTION, _DIGEST = "funcnet.json", "funcnet.sha256"
_LARGEST_HEADER = 10_000  # bytes, the limit of NumPy's reader
_HEADER = re.compile(  # as NumPy writes it, whose reader takes 50 times longer
    rb"\{'descr': '([<>|][biufc][0-9]{1,2})', 'fortran_order': (True|False), 'shape': \(([0-9, ]*)\), \} *\n"
)


def _write(file: IO[bytes], description: str, params: Tree) -> None:
    """Write the leaves of a tree and its description to an empty file."""
    archive = zipfile.ZipFile(file, "w", zipfile.ZIP_STORED)
    try:
        archive.writestr(_timeless(_DESCRIPTION), description)
        archive.writestr(_timeless(_DIGEST), digest_of(description))
        for name, leaf in named(params).items():
            archive.writestr(_timeless(f"{name}.npy"), _header(leaf) + leaf.tobytes(order(leaf)))
        archive.close()
    except BaseException:
        archive.fp = None  # Ctrl-C may leave an entry open; to close the archive would then raise ValueError instead
        raise


def _timeless(name: str) -> zipfile.ZipInfo:
    """An entry dated 1980: the same values give the same bytes, by clocks that a zip file cannot tell, too."""
    info = zipfile.ZipInfo(name)
    info.create_system = 3  # as on Unix; it differs on Windows
    return info


@contextmanager
def _opened(file: IO[bytes]) -> Iterator[Entries]:
    """The content of an archive. Raises CheckpointError or an error of `zipfile` for any other file."""
    size = file.seek(0, os.SEEK_END)
    _check_directory(file, size)
    with zipfile.ZipFile(file) as archive:
        members = {info.filename: info for info in archive.infolist()}
        if len(members) != len(archive.infolist()):
            raise CheckpointError("two of its entries have the same name")
        if sum(info.compress_size for info in members.values()) > size:
            raise CheckpointError("its entries are larger than the file")  # `zipfile` would take memory for them
        texts = [_text(archive, members.pop(name, None)) for name in (_DESCRIPTION, _DIGEST)]

        def read(name: str, form: Form) -> Array:
            info = members[f"{name}.npy"]
            if texts != [None, None]:
                return _stored(file, info, form)
            with _entry(archive, info) as entry:
                return _whole(entry, form, info)

        def shape(name: str) -> tuple[int, ...]:
            with _entry(archive, members[f"{name}.npy"]) as entry:
                return _read_header(entry)[0]

        place = f"entry {_DESCRIPTION}"
        yield Entries(frozenset(members), read, ".npy", "funcnet", shape, texts[0], place, texts[1], size)


def _check_directory(file: IO[bytes], size: int) -> None:
    """Raise CheckpointError for more entries than the size of the file explains, of which `zipfile` makes objects."""
    start = max(0, size - 2**16 - 100)  # a comment, the longest there may be, and two records that end an archive
    file.seek(start)
    tail = file.read()
    end = tail.rfind(b"PK\5\6")
    length = int.from_bytes(tail[end + 12 : end + 16], "little")
    if tail[end - 20 : end - 16] == b"PK\6\7":  # of a large archive
        length, end = int.from_bytes(tail[end - 36 : end - 28], "little"), end - 76
    file.seek(max(0, start + end - length))
    directory = file.read(min(length, size))
    if 600 * directory.count(b"PK\1\2") + 3 * len(directory) > 3 * size + 2**20:  # bytes in memory
        raise CheckpointError(f"it has too many entries for its size, which is {size} bytes")


def _text(archive: zipfile.ZipFile, info: zipfile.ZipInfo | None) -> str | None:
    """The text of an entry, which must not be compressed; None if there is no entry."""
    if info is None:
        return None
    _check_method(info, zipfile.ZIP_STORED)
    with archive.open(info) as entry:
        return exactly(entry.read(), info.file_size).decode("ascii")


def _entry(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> IO[bytes]:
    """Open an entry of a file without a description: only `like` bounds the array, so it may be compressed.

    Bzip2 and LZMA are refused because `zipfile` unpacks all of their bytes at once.
    """
    _check_method(info, zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
    return archive.open(info)


def _check_method(info: zipfile.ZipInfo, *methods: int) -> None:
    if info.compress_type not in methods:
        raise CheckpointError(f"{info.filename} is compressed by a method that `load` does not accept")


def _whole(entry: IO[bytes], form: Form, info: zipfile.ZipInfo) -> Array:
    """The array in an entry. At the end of an entry, `zipfile` compares the checksum."""
    array = _array(entry, form, info.file_size)
    exactly(entry.read(1), 0)
    return array


def _stored(file: IO[bytes], info: zipfile.ZipInfo, form: Form) -> Array:
    """The array in an entry of a file with a description, whose digest is asked later, so without its CRC."""
    _check_method(info, zipfile.ZIP_STORED)
    file.seek(info.header_offset + 26)
    name, extra = struct.unpack("<HH", file.read(4))
    start = file.seek(name + extra, os.SEEK_CUR)
    array = _array(file, form, info.compress_size, ours=True)
    if file.tell() != start + info.file_size:
        raise CheckpointError("it has more or fewer bytes than it should")
    return array


# --- .npy ---


def _header(leaf: Array) -> bytes:
    """The header of an .npy file of the leaf."""
    file = BytesIO()
    described = {"descr": leaf.dtype.str, "fortran_order": order(leaf) == "F", "shape": leaf.shape}
    np.lib.format.write_array_header_1_0(file, described)
    return file.getvalue()


def _array(entry: IO[bytes], form: Form, most: int, ours: bool = False) -> Array:
    """The array of an .npy file of at most so many bytes; no memory is taken before it is known to have the form."""
    shape, order, dtype = _read_header(entry, ours)
    check_form(form, dtype, shape)
    size = dtype.itemsize * math.prod(shape)
    if size > most:
        raise CheckpointError("it has fewer bytes than it should")
    return np.ndarray(shape, dtype, exactly(entry.read(size), size), order=order)


def _read_header(entry: IO[bytes], ours: bool = False) -> tuple[tuple[int, ...], Literal["C", "F"], np.dtype[Any]]:
    version = np.lib.format.read_magic(entry)
    if version not in ((1, 0), (2, 0), (3, 0)):
        raise CheckpointError(f"its .npy version {version} is unknown")
    length = entry.read(2 if version == (1, 0) else 4)
    size = int.from_bytes(length, "little")
    if size > _LARGEST_HEADER:
        raise CheckpointError(f"its header of {size} bytes is too long")
    text = entry.read(size)
    if found := _HEADER.fullmatch(text):
        code, order, sides = found.groups()
        return (
            tuple(map(int, sides.replace(b",", b" ").split())),
            "F" if order == b"True" else "C",
            np.dtype(code.decode()),
        )
    if ours:
        raise CheckpointError("its header is not as it was saved")
    # Version 3 differs from 2 only in the names of fields, and arrays with fields are refused anyway.
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, fortran_order, dtype = read(BytesIO(length + text))
    return shape, "F" if fortran_order else "C", dtype


NPZ = Format(_write, _opened)
