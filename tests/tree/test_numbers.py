"""The numbers of a tree: as one vector and back, their norm, and how they compare with another tree's."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import funcnet as fn
from funcnet import tree
from tests.tree.cases import NUMBERS, Box, law, memory, trees

# --- ravel ---


@law
@given(trees(allow_nan=False))
def test_unravel_undoes_ravel(value):
    vector, unravel = tree.ravel(value)
    assert vector.shape == (tree.size(value),)
    assert tree.equal(unravel(vector), value)


@law
@given(trees(allow_nan=False), st.randoms(use_true_random=False))
def test_ravel_undoes_unravel(value, random):
    wide = tree.cast(value, np.float64)
    vector, unravel = tree.ravel(wide)
    other = np.array([random.uniform(-1, 1) for _ in vector])
    assert np.array_equal(tree.ravel(unravel(other))[0], other)


def test_ravel_goes_row_by_row_in_the_order_of_the_leaves():
    value = (np.asfortranarray(NUMBERS), np.array(7.0), np.zeros((0, 3)), Box(np.array([8.0])))
    assert np.array_equal(tree.ravel(value)[0], np.arange(1.0, 9.0))


@pytest.mark.parametrize(
    "dtypes",
    [
        (np.float16, np.float64),
        (np.int32, np.int64),
        (np.int32, np.float64),
        (np.bool_, np.float32),
        (np.complex64, np.complex128),
    ],
    ids=lambda dtypes: " ".join(dtype.__name__ for dtype in dtypes),
)
def test_unravel_gives_every_leaf_its_dtype_back(dtypes):
    value = tuple(np.array([0, 1], dtype) for dtype in dtypes)
    vector, unravel = tree.ravel(value)
    assert vector.dtype == np.result_type(*dtypes)
    assert tree.equal(unravel(vector), value)


@pytest.mark.parametrize("empty", [(), None, ((), (None,)), Box(())])
def test_an_empty_tree_is_an_empty_vector(empty):
    vector, unravel = tree.ravel(empty)
    assert vector.shape == (0,)
    assert tree.equal(unravel(vector), empty)


@pytest.mark.parametrize("shape", [(), (0,), (2,), (4,), (3, 1), (1, 3)])
def test_unravel_refuses_a_vector_of_a_different_size(shape):
    _, unravel = tree.ravel((np.zeros(2), np.array(0.0)))
    with pytest.raises(fn.ShapeError) as caught:
        unravel(np.zeros(shape))
    assert str(caught.value) == f"expected a vector of shape (3,), got {shape}"


def test_unravel_refuses_a_complex_vector_for_real_leaves():
    _, unravel = tree.ravel((np.zeros(2),))
    with pytest.raises(fn.DTypeError, match="expected a vector of float64, got complex128"):
        unravel(np.zeros(2, complex))


def test_the_vector_shares_no_memory_with_the_tree():
    value = (np.zeros(3),)
    tree.ravel(value)[0][:] = 1
    assert not value[0].any()


# --- norm ---


@law
@given(trees(allow_nan=False))
def test_norm_is_the_root_of_the_sum_of_squares(value):
    resolution = max((float(np.finfo(leaf.dtype).eps) for leaf in tree.leaves(value)), default=0.0)
    numbers = [float(number) for leaf in tree.leaves(value) for number in leaf.flat]
    assert tree.norm(value) == pytest.approx(math.hypot(*numbers), rel=4 * resolution, abs=4 * math.ulp(0))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ((), 0.0),
        ((None, np.zeros((0, 3))), 0.0),
        ((np.zeros(3),), 0.0),
        ((np.full(4, 1e200),), 2e200),
        ((np.full(4, 1e-200),), 2e-200),
        ((np.full(4, -1e200), np.full(5, 1e200)), 3e200),
        ((np.full(4, 1e30, np.float32),), 2e30),
        ((np.full(4, 1e-30, np.float32),), 2e-30),
        ((np.full(90_000, 1, np.float16),), 300.0),
        ((np.full(4, 6e4, np.float16),), 1.2e5),
        ((np.zeros(2, np.float32), np.array([3e-200, 4e-200])), 5e-200),
        ((np.ones(2, np.float32), np.array([3e200, 4e200])), 5e200),
        ((np.array([3 + 4j]), np.array([12.0])), 13.0),
        ((np.array([3, 4]), np.array(True)), math.sqrt(26)),
        ((np.array([-128], np.int8),), 128.0),
        ((np.array([1.0, -np.inf]),), np.inf),
        ((np.array([1.0]), np.array([np.nan])), np.nan),
    ],
)
def test_norm_at_the_edges(value, expected):
    result = tree.norm(value)
    assert type(result) is float
    assert result == pytest.approx(expected, rel=1e-6, abs=0, nan_ok=True)


# --- equal, allclose ---


@law
@given(trees(), trees())
def test_equal_means_structure_and_bits(a, b):
    same = tree.flatten(a)[1] == tree.flatten(b)[1] and [(leaf.dtype, leaf.shape) for leaf in tree.leaves(a)] == [
        (leaf.dtype, leaf.shape) for leaf in tree.leaves(b)
    ]
    assert tree.equal(a, b) is (same and memory(a) == memory(b))


@pytest.mark.parametrize(
    ("b", "error", "rtol", "atol", "close"),
    [
        (100.0, 0.9, 0.01, 0.0, True),
        (100.0, 1.1, 0.01, 0.0, False),
        (100.0, 1.4, 0.01, 0.5, True),
        (100.0, 1.6, 0.01, 0.5, False),
        (0.0, 0.4, 0.01, 0.5, True),
        (0.0, 0.4, 0.01, 0.0, False),
    ],
)
def test_allclose_is_within_atol_plus_rtol_times_b(b, error, rtol, atol, close):
    fine, bound = np.zeros(2), np.array([0.0, b])
    for sign in (-1, 1):
        a = bound + np.array([0.0, sign * error])
        assert tree.allclose((fine, Box(a)), (fine, Box(bound)), rtol, atol) is close


def test_allclose_refuses_other_shapes_even_where_they_broadcast():
    with pytest.raises(fn.TreeError, match=r"expected shape \(3,\) at 1, got shape \(1,\)"):
        tree.allclose((np.zeros(2), np.zeros(3)), (np.zeros(2), np.zeros(1)))


# --- unravel loses nothing but precision ---


@pytest.mark.parametrize(
    ("leaf", "number"),
    [
        (np.array([0]), 0.7),
        (np.array([0]), np.nan),
        (np.array([0]), 1e30),
        (np.array([False]), 2.0),
        (np.array([0], np.uint8), -1.0),
        (np.array([0], np.float32), 1j),
    ],
)
def test_unravel_refuses_numbers_that_the_leaf_would_truncate(leaf, number):
    vector, unravel = tree.ravel((np.zeros(1, np.result_type(number)), leaf))
    vector[1] = number
    with pytest.raises(fn.DTypeError, match=f"expected entries that a leaf of {leaf.dtype} can hold, got "):
        unravel(vector)


def test_unravel_refuses_integers_that_would_wrap():
    _, unravel = tree.ravel((np.array([0], np.int8),))
    with pytest.raises(fn.DTypeError, match="expected entries that a leaf of int8 can hold, got 300"):
        unravel(np.array([300]))


def test_unravel_takes_whole_numbers_for_integers_and_real_ones_for_reals():
    _, unravel = tree.ravel((np.array([0]), np.array([0.5]), np.array([1j])))
    assert tree.equal(unravel(np.array([2.0, 0.25, 3j])), (np.array([2]), np.array([0.25]), np.array([3j])))
