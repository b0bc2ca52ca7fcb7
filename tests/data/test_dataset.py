"""A dataset is read-only, and told by its digest; take and split keep each example with its target."""

import copy
import hashlib
import pickle

import attrs
import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra import numpy as arrays_of

import funcnet as fn
from funcnet.data import Dataset, batches
from tests.data.cases import KEY, keys, numbered

# --- Dataset ---


def test_a_dataset_has_the_arrays_it_was_made_of():
    dataset = Dataset([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], [7, 8, 9])
    assert len(dataset) == 3
    np.testing.assert_array_equal(dataset.x, [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    np.testing.assert_array_equal(dataset.y, [7, 8, 9])


def test_what_is_written_later_never_reaches_a_dataset():
    x, y = np.zeros((3, 2)), np.zeros(3, int)
    dataset = Dataset(x, y)
    x[:], y[:] = 1, 1
    assert not dataset.x.any()
    assert not dataset.y.any()


@pytest.mark.parametrize(
    "again",
    [
        lambda d: d,
        lambda d: pickle.loads(pickle.dumps(d)),
        copy.deepcopy,
        attrs.evolve,
        lambda d: d.take([0, 1]),
        lambda d: d.take(slice(None)),
        lambda d: d.split(KEY, 1.0)[0],
    ],
)
def test_a_dataset_is_read_only(again):
    dataset = again(numbered(4))
    for array in (dataset.x, dataset.y):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1
        with pytest.raises(ValueError, match="WRITEABLE"):
            array.flags.writeable = True
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        dataset.x = np.zeros((4, 2))


@pytest.mark.parametrize("again", [lambda d: pickle.loads(pickle.dumps(d)), copy.deepcopy, attrs.evolve])
def test_a_copy_of_a_dataset_equals_it(again):
    assert again(numbered(4)) == numbered(4) != numbered(5)


def test_x_and_y_have_as_many_examples():
    with pytest.raises(fn.ShapeError, match=r"as many targets as examples, got x \(3, 2\) and y \(2,\)"):
        Dataset(np.zeros((3, 2)), np.zeros(2))


@pytest.mark.parametrize(("x", "y", "name"), [(1.0, [1], "x"), ([1.0], 1, "y"), (1.0, 1, "x")])
def test_a_scalar_is_not_a_set_of_examples(x, y, name):
    with pytest.raises(fn.ShapeError, match=rf"expected {name} of shape \(n, ...\), .*, got \(\)"):
        Dataset(x, y)


@pytest.mark.parametrize("dtype", [object, [("a", "f8")], np.longdouble])
def test_arrays_whose_bytes_do_not_tell_their_values_are_refused(dtype):
    with pytest.raises(fn.DTypeError, match="expected y of numbers, got"):
        Dataset(np.zeros(2), np.zeros(2, dtype))


def test_an_empty_dataset_is_one():
    empty = numbered(0)
    assert len(empty) == 0
    assert empty.take([]) == empty.take(slice(None)) == empty
    assert empty.split(KEY, 0.5) == (empty, empty)
    assert list(batches(empty, 2, KEY, 0)) == []


# --- take ---


@given(st.lists(st.integers(-5, 4)))
def test_take_has_the_examples_in_the_order_of_the_indices(indices):
    taken = numbered(5).take(indices)
    rows = [range(5)[index] for index in indices]
    assert taken.y.tolist() == rows
    assert taken.x.tolist() == [[2.0 * row, 2.0 * row + 1] for row in rows]


@given(st.slices(5))
def test_take_of_a_slice_is_that_of_a_list(part):
    assert numbered(5).take(part).y.tolist() == list(range(5))[part]


@given(st.lists(st.booleans(), min_size=5, max_size=5))
def test_take_of_a_mask_keeps_what_is_true(mask):
    kept = [row for row, keep in enumerate(mask) if keep]
    assert numbered(5).take(mask).y.tolist() == numbered(5).take(np.array(mask)).y.tolist() == kept


def test_take_of_one_integer_is_a_dataset_of_one():
    assert numbered(5).take(3) == numbered(5).take([3])


def test_a_tuple_of_indices_is_not_an_index_of_several_axes():
    assert numbered(5).take((1, 0)).y.tolist() == [1, 0]


@pytest.mark.parametrize("indices", [5, -6, [0, 5], [True, False], [0.5], "x", None, ...])
def test_what_is_out_of_range_or_no_index_is_an_index_error(indices):
    with pytest.raises(IndexError):
        numbered(5).take(indices)


def test_indices_of_several_axes_are_refused():
    with pytest.raises(fn.ShapeError, match=r"expected indices of shape \(k,\), got \(1, 2\)"):
        numbered(5).take([[0, 1]])


# --- split ---


@given(st.integers(0, 30), st.floats(0, 1), keys)
def test_the_parts_of_a_split_have_every_example_once(n, fraction, key):
    first, second = numbered(n).split(key, fraction)
    assert len(first) == round(n * fraction)
    assert sorted([*first.y, *second.y]) == list(range(n))
    for part in (first, second):
        np.testing.assert_array_equal(part.x, numbered(n).x[part.y])


def test_the_key_says_how_a_split_is_shuffled():
    first, second = numbered(100).split(KEY, 0.5)
    assert (first, second) == numbered(100).split(KEY, 0.5)
    assert first != numbered(100).split(fn.Key(1), 0.5)[0]
    assert first.y.tolist() != sorted(first.y)


@pytest.mark.parametrize("fraction", [-0.1, 1.1, float("nan"), float("inf")])
def test_a_fraction_outside_0_to_1_is_refused(fraction):
    with pytest.raises(ValueError, match=f"fraction must be from 0 to 1, got {fraction}"):
        numbered(5).split(KEY, fraction)


# --- digest ---


def test_the_digest_is_sha_256_of_dtype_shape_and_bytes():
    # By hand: 1.0 and 2.0 as little-endian float32, 3 and 4 as little-endian int64.
    x = b"<f4 (2, 1)\n" + bytes.fromhex("0000803f 00000040")
    y = b"<i8 (2,)\n" + bytes([3, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0])
    dataset = Dataset(np.array([[1.0], [2.0]], np.float32), np.array([3, 4], np.int64))
    assert dataset.digest == hashlib.sha256(x + y).hexdigest()


def test_an_array_that_is_given_another_shape_or_dtype_leaves_the_dataset_as_it_is():
    dataset, several = numbered(4), Dataset((np.zeros((4, 2)), np.zeros(4)), np.zeros(4))
    before = dataset.digest, several.digest
    x, y = dataset
    x.shape, y.dtype, dataset.x.dtype, several.x[0].shape = (2, 4), np.uint64, np.int64, (8,)
    assert (dataset.shape, several.shape) == ((4, 2), ((4, 2), (4,)))
    assert (dataset.digest, several.digest) == before


@pytest.mark.parametrize(
    "laid_out",
    [
        np.asfortranarray,
        lambda x: x.astype(">f8"),
        lambda x: np.repeat(x, 2, axis=1)[:, ::2],
        lambda x: x[::-1].copy()[::-1],
        lambda x: x.tolist(),
    ],
)
@given(x=arrays_of.arrays(np.float64, arrays_of.array_shapes(min_dims=2, max_dims=3, min_side=0)))
@pytest.mark.slow
def test_the_digest_does_not_depend_on_layout_or_byte_order(laid_out, x):
    same = Dataset(np.reshape(laid_out(x), x.shape), np.arange(len(x)))
    assert same.digest == Dataset(x, np.arange(len(x))).digest


@pytest.mark.parametrize(
    "other",
    [
        Dataset([[1.0, 2.0], [3.0, 4.5]], [0, 1]),
        Dataset([[1.0, 2.0], [3.0, 4.0]], [1, 0]),
        Dataset([[2.0, 1.0], [4.0, 3.0]], [0, 1]),
        Dataset(np.array([[1.0, 2.0], [3.0, 4.0]], np.float32), [0, 1]),
        Dataset([[[1.0, 2.0]], [[3.0, 4.0]]], [0, 1]),
        Dataset([[1.0, 2.0], [3.0, 4.0]], [False, True]),
    ],
)
def test_other_data_has_another_digest(other):
    assert Dataset([[1.0, 2.0], [3.0, 4.0]], [0, 1]).digest != other.digest
