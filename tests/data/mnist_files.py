"""MNIST's files: the real ones, where they are, and files that only look like them."""

import gzip
import os
import struct
from pathlib import Path

import numpy as np
import pytest

TRAIN_IMAGES, TRAIN_LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"
TEST_IMAGES, TEST_LABELS = "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"
SHAPES = {
    TRAIN_IMAGES: (60_000, 28, 28),
    TRAIN_LABELS: (60_000,),
    TEST_IMAGES: (10_000, 28, 28),
    TEST_LABELS: (10_000,),
}
REAL = Path(os.environ.get("FUNCNET_DATA") or Path(__file__).parents[3] / "shared/data/mnist")

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


GZIPPED = packed(idx(TRAIN_LABELS))
