"""Tensors of PyTorch become arrays, or are refused in words."""

import numpy as np
import pytest

import funcnet as fn
from funcnet.data import Dataset

torch = pytest.importorskip("torch")
X, Y = np.arange(6.0).reshape(3, 2), [0, 1, 0]


def tensor(array):
    return torch.from_numpy(np.array(array))


@pytest.mark.parametrize("x", [tensor(X), [tensor(row) for row in X]], ids=["one", "rows"])
def test_a_tensor_becomes_an_array(x):
    assert Dataset(x, tensor(Y)) == Dataset(X, Y)


def test_a_tuple_of_tensors_is_several_inputs():
    assert Dataset((tensor(X), tensor(X[:, 0])), Y) == Dataset((X, X[:, 0]), Y)


def test_one_hot_of_a_tensor_is_an_array():
    np.testing.assert_array_equal(fn.data.one_hot(tensor([1, 0]), 2), np.float32([[0, 1], [1, 0]]))


@pytest.mark.parametrize(
    ("x", "words"),
    [
        (torch.utils.data.TensorDataset(torch.zeros(3)), "a TensorDataset: give its arrays, one for x and one for y"),
        (torch.zeros(3, requires_grad=True), r"x, a Tensor, .*; write x.detach\(\).cpu\(\).float\(\).numpy\(\)"),
        (torch.zeros(3, dtype=torch.bfloat16), r"x, a Tensor, .*; write x.detach\(\).cpu\(\).float\(\).numpy\(\)"),
    ],
    ids=["dataset", "with a gradient", "bfloat16"],
)
def test_what_makes_no_array_is_told_with_what_to_write(x, words):
    with pytest.raises(fn.DTypeError, match=words):
        Dataset(x, Y)
