"""A buffer is an array in a tree that training does not move: it is kept, saved and digested, and is not a leaf."""

import copy
import pickle

import attrs
import numpy as np
import pytest

import funcnet as fn
from funcnet import tree
from funcnet.experiments.history import digests


@fn.register
@tree.node
class Tracking:
    weight: np.ndarray
    mean: tree.Buffer


def tracking(weight, mean, dtype=float):
    return Tracking(np.array(weight, dtype), tree.Buffer(np.array(mean, dtype)))


PARAMS = (tracking([1.0, 2.0], [3.0]), tree.Buffer(np.arange(3)))


def test_the_array_is_a_copy_that_stays_read_only_whatever_is_done_with_it():
    mine = np.zeros(2)
    buffer = tree.Buffer(mine)
    mine[0] = 1
    for kept in (buffer, copy.deepcopy(buffer), pickle.loads(pickle.dumps(buffer)), attrs.evolve(buffer)):
        assert kept.value.tolist() == [0, 0]
        assert not kept.value.flags.writeable
        with pytest.raises(ValueError, match="cannot set WRITEABLE"):
            kept.value.setflags(write=True)


def test_it_is_no_leaf():
    assert [*tree.named_leaves(PARAMS)] == ["0.weight"]
    assert [*tree.named_buffers(PARAMS)] == ["0.mean", "1"]
    assert tree.size(PARAMS) == 2
    assert tree.norm(PARAMS) == np.sqrt(5)
    assert tree.ravel(PARAMS)[0].tolist() == [1, 2]


def test_functions_of_the_leaves_keep_the_buffers_of_the_tree():
    other = tracking([5.0, 6.0], [7.0]), tree.Buffer(np.arange(3, 6))
    vector, unravel = tree.ravel(PARAMS)
    for made in (tree.map(np.add, PARAMS, other), tree.zeros_like(PARAMS), unravel(2 * vector)):
        assert tree.equal(tree.named_buffers(made)["1"], np.arange(3))
        assert made[0].mean == PARAMS[0].mean
        assert made[0].weight.tolist() != [1, 2]


def test_a_structure_compares_buffers_by_shape_and_dtype():
    assert tree.map(np.add, PARAMS[0], tracking([1.0, 1.0], [9.0])).weight.tolist() == [2, 3]
    for other, words in (
        (tracking([1.0, 1.0], [9.0, 9.0]), r"a buffer of float64 and shape \(1,\) at mean, got a buffer of .*\(2,\)"),
        (Tracking(np.ones(2), tree.Buffer(np.ones(1, int))), "got a buffer of int64"),
        (Tracking(np.ones(2), np.ones(1)), "at mean, got an array"),
    ):
        with pytest.raises(fn.TreeError, match=words):
            tree.map(np.add, PARAMS[0], other)


def test_trees_are_equal_only_if_their_buffers_are():
    assert tracking([1.0], [2.0]) == tracking([1.0], [2.0])
    assert tracking([1.0], [2.0]) != tracking([1.0], [3.0])
    assert tree.allclose(tracking([1.0], [2.0]), tracking([1.0], [2.0 + 1e-12]))
    assert not tree.allclose(tracking([1.0], [2.0]), tracking([1.0], [3.0]))


def test_cast_converts_floats_and_leaves_counts_alone():
    narrow = tree.cast(PARAMS, np.float32)
    assert [array.dtype for array in tree.named_buffers(narrow).values()] == [np.float32, PARAMS[1].value.dtype]
    assert narrow[0].weight.dtype == np.float32


def test_with_buffers_takes_the_leaves_of_one_tree_and_the_buffers_of_another():
    made = tree.with_buffers(tracking([1.0], [2.0]), tracking([3.0], [4.0]))
    assert made == tracking([1.0], [4.0])
    with pytest.raises(fn.TreeError, match="the tree of leaves must have the structure of the tree of buffers"):
        tree.with_buffers(PARAMS, tracking([3.0], [4.0]))


def test_digests_know_it():
    assert digests(tracking([1.0], [2.0]))["params"] != digests(tracking([1.0], [3.0]))["params"]
    assert len(digests(PARAMS)["leaves"]) == 3


@pytest.mark.parametrize("suffix", [".npz", ".safetensors"])
def test_it_is_saved_under_its_path_and_comes_back(tmp_path, suffix):
    path = tmp_path / f"params{suffix}"
    fn.save(path, None, PARAMS)
    assert tree.equal(fn.load(path)[1], PARAMS)
    assert tree.equal(fn.load(path, like=tree.zeros_like(PARAMS))[1], PARAMS)
    if suffix == ".npz":
        assert {"0.weight", "0.mean", "1"} <= set(np.load(path).files)
    with pytest.raises(fn.CheckpointError, match=r"0\.mean"):
        fn.load(path, like=(tracking([1.0, 2.0], [3.0, 4.0]), PARAMS[1]))


def test_a_file_with_a_buffer_where_a_leaf_should_be_is_refused(tmp_path):
    fn.save(tmp_path / "params.npz", None, PARAMS[0])
    with pytest.raises(fn.CheckpointError, match="at mean it has Buffer, but `like` has an array"):
        fn.load(tmp_path / "params.npz", like=Tracking(np.ones(2), np.ones(1)))


@pytest.mark.parametrize("optimizer", [fn.SGD(0.1, momentum=0.9, weight_decay=0.5), fn.AdamW(0.1), fn.Adagrad(0.1)])
def test_optimizers_penalties_and_clipping_do_not_see_it(optimizer):
    params = tracking([1.0, 2.0], [3.0])
    grads = fn.clip_by_global_norm(tracking([3.0, 4.0], [1e9]), 1.0)
    assert np.allclose(grads.weight, [0.6, 0.8])
    new, state = optimizer.update(params, grads, optimizer.init(params))
    new, state = optimizer.update(new, grads, state)
    assert new.mean == params.mean
    assert (new.weight != params.weight).all()
    value, cache = fn.L2(1.0).forward(params)
    assert value == 2.5
    assert fn.L2(1.0).backward(cache).weight.tolist() == [1, 2]


@pytest.mark.parametrize("value", [[1.0], None, "a"])
def test_a_buffer_of_anything_but_an_array_is_an_error(value):
    with pytest.raises(TypeError):
        tree.Buffer(value)
