"""Functions of trees keep the structure, go through the leaves in order, and name where two trees differ."""

import time

import attrs
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import funcnet as fn
from funcnet import tree
from tests.passes import FLOATS
from tests.tree.cases import NUMBERS, SOME, Box, Pair, law, memory, trees, unravelled

# --- map ---


@law
@given(trees())
def test_map_of_the_identity_is_the_identity(value):
    assert tree.equal(tree.map(lambda leaf: leaf, value), value)


@law
@given(trees(allow_nan=False))
def test_map_of_a_composition_is_the_composition_of_maps(value):
    assert tree.equal(
        tree.map(np.negative, tree.map(np.sign, value)), tree.map(lambda a: np.negative(np.sign(a)), value)
    )


@law
@given(trees())
def test_map_leaves_its_tree_as_it_was(value):
    before = memory(value)
    tree.map(np.zeros_like, value)
    assert memory(value) == before


def test_map_goes_through_the_leaves_in_order_and_takes_the_rest_along():
    seen = []
    doubled = tree.map(lambda leaf: 2 * leaf, SOME)
    total = tree.map(lambda *leaves: seen.append(leaves) or sum(leaves), SOME, doubled, SOME)
    assert [[float(leaf.flat[0]) for leaf in row] for row in seen] == [[n, 2 * n, n] for n in (1, 3, 4, 5)]
    assert tree.equal(total, tree.map(lambda leaf: 4 * leaf, SOME))


def test_map_keeps_the_classes_of_the_tree():
    mapped = tree.map(np.negative, SOME)
    assert [type(child) for child in mapped] == [fn.LinearParams, tuple, Pair, Box]
    assert mapped[2].right is None
    assert mapped[3].label == "box"


def test_map_broadcasts_nothing():
    with pytest.raises(fn.TreeError, match=r"expected shape \(.*\) at 0, got shape \(\)"):
        tree.map(np.multiply, (NUMBERS,), (np.array(2.0),))


def test_map_takes_a_leaf_for_a_tree():
    assert tree.equal(tree.map(np.negative, np.array([1.0])), np.array([-1.0]))


def test_map_calls_nothing_for_a_tree_without_leaves():
    assert tree.map(pytest.fail, ((), None, Box(()))) == ((), None, Box(()))


def test_a_function_that_keeps_its_results_can_not_reach_the_tree():
    kept = []

    def doubled(leaf):
        kept.append(2 * leaf)
        return kept[-1]

    mapped = tree.map(doubled, (NUMBERS,))
    kept[0].flags.writeable = True
    kept[0][...] = 0
    assert np.array_equal(mapped[0], 2 * NUMBERS)


# --- Paths and structure ---


@law
@given(trees())
def test_named_leaves_are_the_leaves(value):
    named = list(tree.named_leaves(value).values())
    assert len(named) == len(tree.leaves(value))
    assert all(map(tree.equal, named, tree.leaves(value)))


def test_named_leaves_paths():
    assert list(tree.named_leaves(SOME)) == ["0.weight", "0.bias", "2.0", "3.content"]
    assert list(tree.named_leaves(Box((Box(NUMBERS), NUMBERS)))) == ["content.0.content", "content.1"]
    assert list(tree.named_leaves(NUMBERS)) == [""]
    assert tree.named_leaves(((), None, Box(()))) == {}


@pytest.mark.parametrize(
    ("other", "path", "expected", "got"),
    [
        ((SOME[0],), "the root", "a tuple of 4", "a tuple of 1"),
        (None, "the root", "a tuple of 4", "None"),
        ((attrs.evolve(SOME[0], weight=None), *SOME[1:]), "0.weight", "an array", "None"),
        ((attrs.evolve(SOME[0], weight=()), ("a",), *SOME[2:]), "0.weight", "an array", "a tuple of 0"),
        ((attrs.evolve(SOME[0], bias=None), ("a",), *SOME[2:]), "0.bias", "an array", "None"),
        (((), *SOME[1:]), "0", "LinearParams", "a tuple of 0"),
        ((SOME[0], None, *SOME[2:]), "1", "a tuple of 0", "None"),
        ((*SOME[:2], tuple(SOME[2]), SOME[3]), "2", "a Pair of 2", "a tuple of 2"),
        ((*SOME[:2], Pair(None, None), SOME[3]), "2.0", "an array", "None"),
        ((*SOME[:2], Pair(NUMBERS, NUMBERS), SOME[3]), "2.1", "None", "an array"),
        ((*SOME[:3], Box((NUMBERS,))), "3.content", "an array", "a tuple of 1"),
        ((*SOME[:3], Box(NUMBERS, "bag")), "3.label", "'box'", "'bag'"),
    ],
)
def test_trees_of_different_structure_raise_at_the_first_difference(other, path, expected, got):
    for compare in (lambda: tree.map(np.add, SOME, other), lambda: tree.allclose(SOME, other)):
        with pytest.raises(fn.TreeError) as caught:
            compare()
        assert str(caught.value) == (
            f"each tree must have the structure of the first: expected {expected} at {path}, got {got}"
        )


def test_every_one_of_the_rest_is_compared():
    with pytest.raises(fn.TreeError, match="expected an array at 0, got None"):
        tree.map(lambda *leaves: leaves[0], (NUMBERS,), (NUMBERS,), (None,))


@pytest.mark.parametrize(
    "function", [tree.leaves, tree.named_leaves, tree.ravel, tree.size, tree.norm, tree.zeros_like]
)
@pytest.mark.parametrize(
    "value",
    [[NUMBERS], {"a": NUMBERS}, (NUMBERS, [NUMBERS])],
    ids=["list", "dict", "list in a tuple"],
)
def test_mutable_values_are_refused(function, value):
    with pytest.raises(
        TypeError, match="lists and dicts cannot be trees because they are mutable; use a tuple or a node"
    ):
        function(value)


# --- zeros_like, cast, size ---


@law
@given(trees(), st.sampled_from(FLOATS))
def test_zeros_like_keeps_structure_shapes_and_dtypes(value, dtype):
    zeros = tree.zeros_like(tree.cast(tree.map(np.zeros_like, value), dtype))
    assert [leaf.shape for leaf in tree.leaves(zeros)] == [leaf.shape for leaf in tree.leaves(value)]
    assert all(leaf.dtype == dtype and not leaf.any() for leaf in tree.leaves(zeros))


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, int, object, "float32"])
def test_cast_converts_every_leaf(dtype):
    result = tree.cast(SOME, dtype)
    assert {leaf.dtype for leaf in tree.leaves(result)} == {np.dtype(dtype)}
    assert np.array_equal(tree.ravel(result)[0], [1, 2, 3, 4, 5])
    assert tree.equal(tree.cast(result, np.float64), SOME)


def test_size_counts_the_numbers():
    assert tree.size(SOME) == 2 + 1 + 1 + 1
    assert tree.size(((), None, np.zeros((0, 3)))) == 0
    assert type(tree.size(SOME)) is int


# --- Time ---


def seconds(function, value):
    """The least of several runs, of the time in which this process had a core."""

    def run():
        start = time.process_time()
        function(value)
        return time.process_time() - start

    return min(run() for _ in range(4))


@pytest.mark.slow
@pytest.mark.parametrize(
    "function",
    [lambda value: tree.map(np.add, value, value), tree.named_leaves, unravelled],
    ids=["map", "named", "ravel"],
)
def test_ten_times_the_leaves_take_about_ten_times_as_long(function):
    def wide(n):
        return tuple(Box(np.zeros(1)) for _ in range(n))

    assert seconds(function, wide(10_000)) < 40 * seconds(function, wide(1_000))


def test_a_class_that_was_defined_again_is_told_from_the_first():
    def point():
        @tree.node
        class Point:
            a: np.ndarray

        return Point(np.ones(2))

    with pytest.raises(fn.TreeError, match="expected Point at 0, got one of a different class Point, which was"):
        tree.map(np.add, (point(),), (point(),))
