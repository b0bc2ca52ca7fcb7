"""The data sets that a name stands for: always the same bits, in the same split."""

import numpy as np
import pytest

import funcnet as fn
from funcnet.data import builtin as module
from funcnet.data.builtin import BUILTIN, builtin

SIZES = {"digits": (1438, 359), "parity": (700, 324), "separable": (100, 100), "xor": (4, None), "xor-21": (21, None)}
# Of what no machine rounds: a run that was recorded on these names can be verified for as long as they stay.
DIGESTS = {"digits": "df65af7a90f51d47", "parity": "45eb852ade3e4af0", "xor": "3bdeac613f0d298b"}


def rows(*datasets):
    return sorted((*x.tolist(), y.item()) for dataset in datasets for x, y in zip(dataset.x, dataset.y, strict=True))


def test_there_are_sizes_of_all_but_mnist():
    assert {*SIZES, "mnist"} == set(BUILTIN)


@pytest.mark.parametrize("name", SIZES)
def test_a_name_stands_for_so_many_examples(name):
    train, test = builtin(name)
    assert (len(train), None if test is None else len(test)) == SIZES[name]
    assert (train.x.dtype, train.y.dtype.kind) == (np.float32, "i")


@pytest.mark.parametrize("name", SIZES)
def test_a_name_always_stands_for_the_same_bits(name):
    assert builtin(name) == builtin(name)
    assert builtin(name, "a folder that nobody looks into") == builtin(name)


@pytest.mark.parametrize("name", DIGESTS)
def test_the_bits_are_those_of_runs_that_were_recorded(name):
    train, _ = builtin(name)
    assert train.digest.startswith(DIGESTS[name])


def test_names_stand_for_different_data():
    found = [dataset.digest for name in SIZES for dataset in builtin(name) if dataset is not None]
    assert len(set(found)) == len(found) == 8


@pytest.mark.parametrize(("name", "whole"), [("digits", fn.data.digits()), ("parity", fn.data.parity(10))])
def test_every_example_is_for_training_or_for_testing(name, whole):
    assert rows(*builtin(name)) == rows(whole)


@pytest.mark.parametrize("name", ["digits", "parity", "separable"])
def test_both_parts_have_all_classes(name):
    train, test = builtin(name)
    assert set(train.y.tolist()) == set(test.y.tolist())


def test_mnist_is_read_from_the_folder(monkeypatch):
    monkeypatch.setattr(module, "mnist", lambda directory: ("train", "test", directory))
    assert builtin("mnist", "folder") == ("train", "test", "folder")
    assert builtin("mnist") == ("train", "test", None)


def test_mnist_needs_its_files(tmp_path):
    with pytest.raises(FileNotFoundError, match="has no train-images"):
        builtin("mnist", tmp_path)


@pytest.mark.parametrize("name", ["", "Digits", "xor-4", "mnist "])
def test_another_name_is_an_error_that_lists_them(name):
    with pytest.raises(ValueError, match=f"unknown data set '{name}'; the built-in ones are {', '.join(BUILTIN)}"):
        builtin(name)
