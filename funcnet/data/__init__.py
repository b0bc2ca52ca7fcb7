"""Data: the `Dataset` that training takes, its shuffled batches, and the data sets of the examples."""

# fmt: off
from funcnet.data.batching import batches, steps_per_epoch, stream
from funcnet.data.dataset import Dataset
from funcnet.data.encoding import one_hot
from funcnet.data.files import read_csv, read_npz
from funcnet.data.idx import mnist
from funcnet.data.optdigits import digits
from funcnet.data.standardize import Standardize, StandardizeParams
from funcnet.data.synthetic import linearly_separable, parity, xor

__all__ = [
    "Dataset", "Standardize", "StandardizeParams", "batches", "digits", "linearly_separable", "mnist", "one_hot",
    "parity", "read_csv", "read_npz", "steps_per_epoch", "stream", "xor",
]
