"""A dataset of several inputs, an x that is a tuple of arrays, is as many datasets of one input with the same rows."""

import copy
import hashlib
import pickle
from collections import namedtuple
from itertools import islice

import attrs
import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

import funcnet as fn
from funcnet import tree
from funcnet.data import Dataset, batches, one_hot, stream
from tests.data.cases import KEY, keys, numbered, several

A, B, C = np.float32([[0.0, 1.0], [2.0, 3.0]]), np.array([7, 8], np.uint8), np.zeros((2, 1, 3))
Y = np.array([1, 0])

datasets = st.integers(0, 12).map(several)


def arrays_in(x):
    return [array for part in x for array in arrays_in(part)] if isinstance(x, tuple) else [x]


def each_alone(dataset):
    """The dataset of each input by itself, with the targets of all."""
    return [Dataset(array, dataset.y) for array in arrays_in(dataset.x)]


def assert_as_alone(dataset, expected):
    """The inputs and targets of `dataset` are those of the datasets of one input each, bit for bit."""
    assert each_alone(dataset) == expected


# --- The same on each array ---


@given(datasets, st.data())
def test_take_takes_the_rows_of_each_array(dataset, data):
    n = len(dataset)
    some = st.lists(st.integers(-n, n - 1) if n else st.nothing())
    masks = st.lists(st.booleans(), min_size=n, max_size=n)
    indices = data.draw(some | masks | st.slices(n))
    assert_as_alone(dataset.take(indices), [alone.take(indices) for alone in each_alone(dataset)])


@given(datasets, keys, st.floats(0, 1))
def test_split_splits_each_array_in_the_same_way(dataset, key, fraction):
    alone = [each.split(key, fraction) for each in each_alone(dataset)]
    for part, *expected in zip(dataset.split(key, fraction), *alone, strict=True):
        assert_as_alone(part, expected)


def assert_rows_of_all(pairs, n, expected):
    """The targets are those of the expected batches, and tell which rows of each array stand beside them."""
    for (x, y), (_, rows) in zip(pairs, expected, strict=True):
        assert tree.equal(y, rows)
        assert tree.equal(x, several(n).take(rows).x)


@given(st.integers(0, 12), st.tuples(st.integers(1, 14), keys, st.integers(0, 2**32 - 1)))
def test_batches_have_the_rows_of_each_array(n, options):
    assert_rows_of_all(batches(several(n), *options), n, batches(numbered(n), *options))


@given(st.integers(1, 12), st.tuples(st.integers(1, 14), keys, st.integers(0, 30)))
def test_a_stream_has_the_rows_of_each_array(n, options):
    found, expected = (islice(stream(dataset, *options), 9) for dataset in (several(n), numbered(n)))
    assert_rows_of_all(found, n, expected)


def test_one_hot_leaves_every_input_alone():
    dataset = Dataset((A, (B, C)), Y)
    assert_as_alone(one_hot(dataset, 3), [one_hot(alone, 3) for alone in each_alone(dataset)])
    assert tree.equal(one_hot(dataset, 3).x, dataset.x)


def test_writing_to_a_batch_changes_no_dataset():
    dataset = several(3)
    x, _ = next(batches(dataset, 3, KEY, 0))
    for array in arrays_in(x):
        array[:] = 1
    assert dataset == several(3)


# --- What is several inputs, and what is one array ---


@pytest.mark.parametrize(
    ("x", "shape"),
    [
        (A, (2,)),
        (A.tolist(), (2,)),
        (((0.0, 1.0), (2.0, 3.0)), (2,)),
        ([A[0], A[1]], (2,)),
        ((np.float32(1.0), np.float32(2.0)), ()),
        ((A,), ((2,),)),
        ((A, B), ((2,), ())),
        ((A, B.tolist()), ((2,), ())),
        ((A, ((7, 8), (9, 10))), ((2,), (2,))),
        ((A, ([7, 8], C)), ((2,), ((), (1, 3)))),
        (((A,), (B, (C,))), (((2,),), ((), ((1, 3),)))),
    ],
)
def test_a_tuple_with_an_array_in_it_is_several_inputs_and_all_else_is_one_array(x, shape):
    dataset = Dataset(x, Y)
    assert (len(dataset), dataset.input_shape) == (2, shape)
    assert isinstance(dataset.x, tuple) == fn.tree.is_nested(shape)
    assert Dataset(dataset.x, Y) == dataset


def test_every_input_is_in_c_order_and_in_the_byte_order_of_the_machine():
    dataset = Dataset((np.asfortranarray(A), (np.array([1, 2], ">u4"),)), Y)
    x = dataset.x
    assert x[0].flags.c_contiguous
    assert tree.equal(x, (A, (np.array([1, 2], np.uint32),)))


def test_a_named_tuple_of_arrays_is_a_tuple():
    dataset = Dataset(namedtuple("Pair", ["a", "b"])(A, B), Y)
    assert type(dataset.x) is tuple
    assert dataset == Dataset((A, B), Y)


def test_an_input_shape_is_what_init_takes():
    dataset = Dataset((A, B[:, None]), Y)
    model = fn.sequential(fn.parallel(fn.Linear(4), fn.Identity()), fn.Concatenate(), fn.Linear(2))
    assert model.output_shape(dataset.input_shape) == (2,)
    assert model.apply(model.init(KEY, dataset.input_shape), dataset.x).shape == (2, 2)
    assert several(0).input_shape == several(5).input_shape == ((2,), ((), (1, 2)))


# --- Immutable, equal, pickled ---

copies = pytest.mark.parametrize("again", [lambda d: pickle.loads(pickle.dumps(d)), copy.deepcopy, attrs.evolve])


@copies
def test_a_copy_equals_it(again):
    assert again(several(4)) == several(4) != several(5)


def test_datasets_of_other_structure_are_not_equal():
    made = [Dataset(x, Y) for x in [A, (A,), ((A,),), (A, B), (B, A), ((A, B),), (A, (B,)), ((A,), B), (A, B, C)]]
    assert [[a == b for b in made] for a in made] == np.eye(len(made), dtype=bool).tolist()


def test_what_is_written_later_never_reaches_it():
    a, b = A.copy(), B.copy()
    dataset = Dataset((a, (b,)), Y)
    a[:], b[:] = 9, 9
    assert tree.equal(dataset.x, (A, (B,)))


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
        lambda d: one_hot(d, 4),
    ],
)
def test_every_input_is_read_only(again):
    for array in arrays_in(again(several(4)).x):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1
        with pytest.raises(ValueError, match="WRITEABLE"):
            array.flags.writeable = True


# --- digest ---


def test_the_digest_says_how_many_inputs_there_are_before_them():
    b, c = b"|u1 (2,)\n" + bytes([7, 8]), b"<i2 (2, 1)\n" + bytes([1, 0, 2, 0])
    y = b"|u1 (2,)\n" + bytes([0, 1])
    dataset = Dataset((B, (np.array([[1], [2]], np.int16),)), np.array([0, 1], np.uint8))
    assert dataset.digest == hashlib.sha256(b"tuple of 2\n" + b + b"tuple of 1\n" + c + y).hexdigest()


STRUCTURES = [A, (A,), ((A,),), (A, A), ((A, A),), ((A,), A), (A, (A,)), ((A,), (A,)), (A, A, A), ((A, A), A)]


@pytest.mark.parametrize("y", [Y, A])
def test_every_structure_has_its_digest(y):
    assert len({Dataset(x, y).digest for x in STRUCTURES}) == len(STRUCTURES)


@pytest.mark.parametrize("other", [(B, A), (A, B + 1), (A, B.astype(np.int8)), (A.astype(float), B), (A, B[:, None])])
def test_other_inputs_have_another_digest(other):
    assert Dataset((A, B), Y).digest != Dataset(other, Y).digest


def test_the_digest_does_not_depend_on_layout_or_byte_order():
    laid_out = np.asfortranarray(A).astype(">f4"), (np.repeat(B, 2)[::2],)
    assert Dataset(laid_out, Y).digest == Dataset((A, (B,)), Y).digest


# --- Errors ---


@pytest.mark.parametrize(
    ("x", "message"),
    [
        ((A, B[:1]), r"as many targets as examples, got x\[1\] \(1,\) and y \(2,\)"),
        ((A, (B, C[:1])), r"as many targets as examples, got x\[1\]\[1\] \(1, 1, 3\) and y \(2,\)"),
        ((A, np.array(1.0)), r"expected x\[1\] of shape \(n, ...\), one entry for each example, got \(\)"),
        ((A, 1.0), r"expected x\[1\] of shape \(n, ...\), one entry for each example, got \(\)"),
        (([1, 2], [[1], [2], [3, 4]]), r"x is not one array: .*; write several inputs as a tuple of arrays"),
        ((A, ([1, 2], [3])), r"x\[1\] is not one array: .*; write several inputs as a tuple of arrays"),
    ],
)
def test_an_input_that_does_not_fit_is_named(x, message):
    with pytest.raises(fn.ShapeError, match=message):
        Dataset(x, Y)


def test_a_tuple_of_lists_that_was_meant_as_several_inputs_is_told_to_be_one_array():
    with pytest.raises(fn.ShapeError, match=r"got x \(2, 3\) and y \(3,\); write several inputs as a tuple of arrays"):
        Dataset(([1, 2, 3], [4, 5, 6]), [0, 1, 0])


def test_a_tuple_of_rows_that_was_meant_as_one_array_is_told_to_be_several_inputs():
    with pytest.raises(
        fn.ShapeError, match=r"got x\[0\] \(2,\) and y \(3,\); stack the rows of one input, np.stack\(x\)"
    ):
        Dataset((A[0], A[1], A[0]), [0, 1, 0])


@pytest.mark.parametrize("dtype", [object, [("a", "f8")], np.longdouble])
def test_an_input_whose_bytes_do_not_tell_its_values_is_named(dtype):
    with pytest.raises(fn.DTypeError, match=r"expected x\[1\]\[0\] of numbers, got"):
        Dataset((A, (np.zeros(2, dtype), B)), Y)
