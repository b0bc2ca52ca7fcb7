"""What `save` and `load` are given wrongly: one line says what, where, and what to write."""

import datetime
import sys
from typing import Any, NamedTuple

import numpy as np
import pytest

import funcnet as fn
from tests.children import python
from tests.saving.test_checkpoint import MODEL, PARAMS


class Pair(NamedTuple):
    weight: Any
    bias: Any


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.npz"


PAIR = Pair(np.ones(2), np.zeros(2))
TREES = {
    "a NamedTuple": (PAIR, "the tree: a Pair would come back from a file as a plain tuple; make Pair a node, by @fn"),
    "a NamedTuple inside": ((PARAMS, (PAIR,)), "at 1.0 of the tree: a Pair would come back from a file as a plain"),
    "a set": ((({1, 2},),), "at 0.0: lists and dicts cannot be trees"),
    "a date": (
        (PARAMS[0], datetime.date(2020, 1, 1)),
        "at 1: expected an array, a tuple or a node, got a datetime.date",
    ),
    "a dict": ({"weight": np.ones(2)}, "lists and dicts cannot be trees"),
    "a list": ((np.ones(2), [np.ones(2)]), "lists and dicts cannot be trees"),
    "a model": (MODEL, r"params must be a tree of arrays, .*, got sequential\(.*: write save\(path, model, params\)"),
    "a class": (fn.Linear, r"params must be a tree of arrays, .*: write save\(path, model, params\)"),
    "a number": (3.0, r"params must be a tree of arrays, .* got 3.0: write save\(path, model, params\)"),
    "a path": ("model.npz", r"params must be a tree of arrays, .* got 'model.npz': write save\(path, model, params\)"),
}


@pytest.mark.parametrize(("tree", "message"), TREES.values(), ids=TREES)
def test_a_tree_that_a_file_cannot_hold(path, tree, message):
    with pytest.raises(TypeError, match=message):
        fn.save(path, MODEL, tree)
    assert not path.exists()


@pytest.mark.parametrize("tree", [np.float32(3), np.ones(2), None, (), (None, "three", fn.ReLU())])
def test_what_stands_for_params_in_models_of_all_kinds_is_saved(path, tree):
    fn.save(path, None, tree)
    assert fn.tree.equal(fn.load(path)[1], tree)


@pytest.mark.parametrize("given", [PARAMS, PARAMS[0], PARAMS[0].weight, PAIR, (fn.tree.Buffer(np.ones(2)),)])
def test_arrays_in_the_place_of_the_model(path, given):
    for params in (MODEL, PARAMS):
        with pytest.raises(TypeError, match=r"model must be a value without arrays, got a \w+: write save\(path, mod"):
            fn.save(path, given, params)


@pytest.mark.parametrize("given", [MODEL, PARAMS, 3, None, b"model.npz"])
def test_a_path_that_is_not_one(path, given):
    for use in (lambda: fn.save(given, path, PARAMS), lambda: fn.load(given)):
        with pytest.raises(TypeError, match=rf"path must be a path, .* got a {type(given).__name__}"):
            use()


@pytest.mark.parametrize("like", [MODEL, "torch", fn.Linear, 3])
def test_a_like_that_is_not_a_tree(path, like):
    fn.save(path, MODEL, PARAMS)
    with pytest.raises(TypeError, match=r"like must be a tree of arrays, .*: write load\(path, like=params\)"):
        fn.load(path, like)


# --- A disk that is full: files of the child may have no more than 20,000 bytes ---

FULL = """
import resource, sys
import numpy as np, funcnet as fn
from pathlib import Path
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
path = Path(sys.argv[1])
try:
    if path.suffix:
        fn.save(path, None, np.ones(10_000))
    else:
        experiment = fn.Experiment(fn.Linear(2), fn.SoftmaxCrossEntropy(), fn.SGD(0.5), batch_size=4, epochs=2000)
        fn.run(experiment, fn.data.parity(3), directory=path, checkpoint_every=2000)
except OSError as error:
    print(error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limit")
@pytest.mark.parametrize(
    ("name", "full"),
    [("model.npz", "model.npz"), ("model.safetensors", "model.safetensors"), ("run", "run/history.jsonl")],
)
@pytest.mark.slow
def test_a_full_disk_is_told_with_the_path(tmp_path, name, full):
    if name.endswith("safetensors"):
        pytest.importorskip("safetensors")
    done = python("-c", FULL, tmp_path / name)
    assert done.stdout == f"[Errno 27] File too large: '{tmp_path / full}'\n"
    assert not [left for left in tmp_path.rglob("*") if left.name.startswith(".")]


def test_a_folder_that_is_missing_is_told_with_the_path_that_was_given(tmp_path):
    path = tmp_path / "none" / "model.npz"
    with pytest.raises(FileNotFoundError) as caught:
        fn.save(path, MODEL, PARAMS)
    assert str(caught.value) == f"[Errno 2] No such file or directory: '{path}'"
