"""What a dataset is made of: arrays of any library are converted; what makes no array is refused in words."""

from collections import deque
from decimal import Decimal

import numpy as np
import pytest
from scipy import sparse

import funcnet as fn
from funcnet.data import Dataset

Y = [0, 1, 0]
X = np.arange(6.0).reshape(3, 2)
MASKED = np.ma.array(X, mask=X == 3)


@pytest.mark.parametrize(
    "x",
    [
        X.tolist(),
        [*X],
        deque(X.tolist()),
        memoryview(X),
        np.ma.array(X),
    ],
    ids=lambda x: type(x).__name__,
)
def test_numbers_of_any_library_become_an_array(x):
    np.testing.assert_array_equal(Dataset(x, Y).x, X)


def test_an_array_that_knows_dlpack_only_becomes_an_array():
    class OfAnotherLibrary:
        def __dlpack__(self, **options):
            return X.__dlpack__(**options)

        def __dlpack_device__(self):
            return X.__dlpack_device__()

    np.testing.assert_array_equal(Dataset(OfAnotherLibrary(), Y).x, X)


@pytest.mark.parametrize(
    ("x", "words"),
    [
        (sparse.csr_matrix(X), r"a sparse matrix \(csr_matrix\) of shape \(3, 2\): write x.toarray\(\)"),
        (sparse.coo_array(X), r"a sparse matrix \(coo_array\) of shape \(3, 2\): write x.toarray\(\)"),
        ((sparse.csr_matrix(X), X), r"expected x\[0\] of numbers, .* write x\[0\].toarray\(\)"),
        ((row for row in X), r"a generator, which can be read only once: write list\(x\)"),
        (map(float, Y), r"a map, which can be read only once: write list\(x\)"),
        ({1.0, 2.0, 3.0}, "a set, which has no order"),
        ({"a": [1, 2, 3]}, r"a dict: write np.column_stack\(list\(x.values\(\)\)\)"),
        ({"a": 1}.values(), "a dict_values, which has no order or no index"),
        (None, "None: give an array"),
        ("data.csv", "'data.csv': .* fn.data.read_csv"),
        (fn.data.xor(), "a Dataset: write dataset.x"),
        (fn.data.xor, "a function or class, xor: call it"),
        ([[1, None], [2, 3], [4, 5]], r"got object: x\[0, 1\] is None; make numbers of it"),
        (np.array([[1, 2], [3, "a"], [4, 5]], object), r"got object: x\[1, 1\] is 'a'"),
        ([["1", "2"]] * 3, r"x\[0, 0\] is '1'; make numbers of it"),
        ([Decimal(1)] * 3, r"got object: write np.array\(x, float\)"),
        (np.zeros(3, np.longdouble), r"write x.astype\(float\)"),
        (np.zeros(3, "M8[D]"), r"write days, \(x - x.min\(\)\) / np.timedelta64\(1, 'D'\)"),
        (np.zeros(3, "m8[D]"), r"write days, x / np.timedelta64\(1, 'D'\)"),
        (
            np.zeros(3, [("a", "f8"), ("b", "i4")]),
            r"write np.column_stack\(\[x\[field\] for field in x.dtype.names\]\)",
        ),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_makes_no_array_is_told_with_what_to_write(x, words):
    with pytest.raises(fn.DTypeError, match=words):
        Dataset(x, Y)


@pytest.mark.parametrize("x", [[[1, 2], [3], [4, 5]], ([1, 2], [3], [4, 5])])
def test_the_first_row_of_another_length_is_named(x):
    with pytest.raises(fn.ShapeError, match=r"x\[1\] has 1 entry, x\[0\] has 2 entries"):
        Dataset(x, Y)
    with pytest.raises(fn.ShapeError, match=r"y\[1\] has 1 entry, y\[0\] has 2 entries"):
        Dataset(X, x)


@pytest.mark.parametrize(
    ("x", "words"),
    [
        (MASKED, r"1 of the 6 entries of x are masked, the first x\[1, 1\]: fill them, x.filled\(0.0\)"),
        ((X, MASKED), r"of x\[1\] are masked, the first x\[1\]\[1, 1\]"),
        ([*MASKED], r"of x\[1\] are masked, the first x\[1\]\[1\]"),
        ([1.0, np.ma.masked, 2.0], r"x\[1\] is masked"),
    ],
)
def test_a_mask_is_never_lost(x, words):
    with pytest.raises(fn.DTypeError, match=words):
        Dataset(x, Y)
    with pytest.raises(fn.DTypeError, match="masked"):
        Dataset(X, x)


# --- Targets ---


@pytest.mark.parametrize("y", [["b", "a", "b"], np.array(["b", "a", "b"]), np.array([["b"], ["a"], ["b"]], object)])
def test_strings_are_labels_of_their_classes_in_sorted_order(y):
    dataset = Dataset(X, y)
    assert (dataset.y.tolist(), dataset.y.dtype, dataset.class_names) == ([1, 0, 1], np.int64, ("a", "b"))


def test_class_names_give_the_order_and_name_labels():
    assert Dataset(X, ["b", "a", "b"], class_names=["b", "c", "a"]).y.tolist() == [0, 2, 0]
    assert Dataset(X, Y, class_names=["no", "yes"]).class_names == ("no", "yes")


@pytest.mark.parametrize(
    ("y", "names", "words"),
    [
        (["b", "a", "b"], ["b"], "y has the class 'a', which is not in class_names: b"),
        ([0, 2, 1], ["a", "b"], r"label 2 at index \(1,\) is not in 0..1"),
        ([0.5, 2, 1], ["a", "b"], r"class_names need integer labels \(n,\) or targets \(n, 2\), got float64"),
        (Y, ["a", "a"], "class_names must be different, got a, a"),
        (["b", None, "b"], None, r"y\[1\] is None among strings: give it a class"),
        (["b", "a", float("nan")], None, r"y\[2\] is nan among strings"),
        (["b", 1, "b"], None, r"y\[1\] is 1 among strings"),
    ],
)
def test_a_target_without_a_class_is_named(y, names, words):
    with pytest.raises(ValueError, match=words):
        Dataset(X, y, class_names=names)


def test_one_string_is_not_a_sequence_of_names():
    with pytest.raises(TypeError, match="class_names must be a sequence of strings, got 'ab'"):
        Dataset(X, Y, class_names="ab")
    with pytest.raises(TypeError, match="feature_names must be a sequence of strings, got 'ab'"):
        Dataset(X, Y, feature_names="ab")


def test_what_takes_a_dataset_names_what_it_got():
    with pytest.raises(TypeError, match=r"expected a Dataset, got a tuple: write Dataset\(x, y\)"):
        fn.data.batches((X, Y), 2, fn.Key(0), 0)
    with pytest.raises(TypeError, match="expected a Dataset, got a ndarray"):
        next(fn.data.stream(X, 2, fn.Key(0)))
    with pytest.raises(TypeError, match="expected a Dataset, got a tuple"):
        fn.data.one_hot((X, Y), 2)


@pytest.mark.parametrize("labels", [[1, 0], np.array([1, 0]), deque([1, 0])])
def test_one_hot_of_labels_alone_is_an_array(labels):
    np.testing.assert_array_equal(fn.data.one_hot(labels, 3), np.float32([[0, 1, 0], [1, 0, 0]]))
