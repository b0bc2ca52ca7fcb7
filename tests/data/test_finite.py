"""The first number that is not finite is named by array, row and column, before any training."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra import numpy as arrays_of

from funcnet.data import Dataset
from funcnet.data.finite import _ENTRIES, check_finite, is_finite

NAN, INF = float("nan"), float("inf")
Y = [0, 1, 0]


def with_bad(shape, value, *places, dtype=float):
    array = np.ones(shape, dtype)
    for place in places:
        array[place] = value
    return array


@given(
    arrays_of.arrays(
        arrays_of.floating_dtypes(sizes=(16, 32, 64), endianness="=") | arrays_of.integer_dtypes(endianness="="),
        arrays_of.array_shapes(min_dims=1, max_dims=3, min_side=0),
    )
)
def test_an_array_is_finite_if_each_number_is(array):
    assert is_finite(array) == bool(np.isfinite(array).all())


@pytest.mark.parametrize("place", [0, _ENTRIES - 1, _ENTRIES, 2 * _ENTRIES + 1])
@pytest.mark.parametrize("value", [NAN, INF, -INF])
def test_the_first_is_found_in_any_part_of_a_long_array(place, value):
    assert not is_finite(with_bad(2 * _ENTRIES + 2, value, place))


@pytest.mark.parametrize("array", [np.full(9, 1e308), np.full(9, 6e4, np.float16), np.array([1e308, 1e308, -1e308])])
def test_large_numbers_whose_sum_is_not_finite_are_finite(array):
    assert is_finite(array)


def test_infinities_that_cancel_are_found():
    assert not is_finite(np.array([INF, -INF]))


@pytest.mark.parametrize(
    ("x", "y", "words"),
    [
        (with_bad((3, 2), NAN, (1, 1)), Y, r"train.x is nan in row 1, column 1 \('b'\), and all else is finite"),
        (with_bad((3, 2), INF, (2, 0), (1, 1)), Y, r"inf in row 1, column 1 \('b'\), the first of 2 .* in 2 rows"),
        (with_bad((3, 2), NAN, 1), Y, r"in row 1, column 0 \('a'\), the first of 2 such numbers in one row"),
        (np.ones((3, 2)), [0.0, -INF, 1.0], r"train.y is -inf in row 1, and all else is finite"),
        (np.ones((3, 2)), with_bad((3, 1), NAN, 2), r"train.y is nan in row 2, column 0, .* train\[np.isfinite"),
    ],
)
def test_the_first_is_named(x, y, words):
    dataset = Dataset(x, y, feature_names=["a", "b"])
    with pytest.raises(ValueError, match=words):
        check_finite(dataset, "train")


def test_what_the_error_says_to_write_leaves_out_the_rows():
    for x, y in [(with_bad((3, 2), NAN, (1, 1)), Y), (with_bad((3, 2, 2), NAN, 1), Y), (np.ones(3), [0.0, NAN, 1.0])]:
        train = Dataset(x, y)
        with pytest.raises(ValueError, match=r"is nan in row 1.*: fill .*, or leave out .* rows?, train\[") as error:
            check_finite(train, "train")
        code = str(error.value).rpartition(", train[")[2]
        kept = eval(f"train[{code}", {"np": np, "train": train})
        assert kept.y.tolist() == [0, y[2]]
        check_finite(kept, "train")


def test_each_of_several_inputs_is_named():
    bad = with_bad((3, 2), NAN, (2, 1))
    dataset = Dataset((np.ones(3), (np.array(Y), bad)), Y, feature_names=(None, (None, ["a", "b"])))
    with pytest.raises(ValueError, match=r"test.x\[1\]\[1\] is nan in row 2, column 1 \('b'\)"):
        check_finite(dataset, "test")


def test_finite_data_pass():
    check_finite(Dataset((np.ones((3, 2)), np.array(Y)), Y), "train")
    check_finite(Dataset(np.zeros((0, 3)), []), "train")


def test_a_dataset_is_asked_for():
    with pytest.raises(TypeError, match="expected a Dataset, got a tuple"):
        check_finite((np.ones(3), Y), "train")
