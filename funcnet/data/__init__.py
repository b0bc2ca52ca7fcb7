"""Data: the `Dataset` that training takes, the shuffled batches of one, and the sets that the examples learn from."""

# fmt: off
from funcnet.data.dataset import Dataset, batches, one_hot, steps_per_epoch, stream
from funcnet.data.idx import mnist
from funcnet.data.optdigits import digits
from funcnet.data.synthetic import linearly_separable, parity, xor

__all__ = [
    "Dataset", "batches", "digits", "linearly_separable", "mnist", "one_hot", "parity", "steps_per_epoch", "stream",
    "xor",
]
