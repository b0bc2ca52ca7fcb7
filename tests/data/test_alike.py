"""Names of features and classes are compared where two sides have them."""

import numpy as np
import pytest

import funcnet as fn
from funcnet.data import Dataset
from funcnet.data.alike import check_alike, features_like

pd = pytest.importorskip("pandas")
FRAME = pd.DataFrame({"a": [1.0, 2.0], "b": [3.0, 4.0], "c": [5.0, 6.0]})
NAMES = ("a", "b", "c")


@pytest.mark.parametrize(
    "x", [FRAME, FRAME[["c", "a", "b"]], FRAME.convert_dtypes()[["b", "a", "c"]], FRAME.to_numpy(), [*FRAME.to_numpy()]]
)
def test_columns_are_put_in_the_order_of_training(x):
    np.testing.assert_array_equal(features_like(NAMES, x), FRAME.to_numpy())


def test_each_of_several_inputs_is_put_in_its_order():
    x = features_like((NAMES, None), (FRAME[["c", "a", "b"]], np.zeros(2)))
    assert fn.tree.equal(x, (FRAME.to_numpy(), np.zeros(2)))
    with pytest.raises(fn.ShapeError, match=r"x\[0\] has no column 'c'"):
        features_like((NAMES, None), (FRAME[["a", "b"]], np.zeros(2)))


def test_polars_puts_columns_in_order_too():
    pl = pytest.importorskip("polars")
    frame = pl.DataFrame(FRAME.to_dict(orient="list"))
    np.testing.assert_array_equal(features_like(NAMES, frame.select(["c", "a", "b"])), FRAME.to_numpy())


@pytest.mark.parametrize(
    ("frame", "words"),
    [
        (FRAME[["a", "b"]], "x has no column 'c': give the columns a, b, c"),
        (FRAME.assign(d=0.0), "x has column 'd', unknown in training: give the columns a, b, c"),
        (FRAME.rename(columns={"b": "B"}), "x has no column 'b' and has column 'B', unknown in training"),
        (pd.DataFrame(FRAME.to_numpy()), "x has no columns 'a', 'b', 'c' and has columns '0', '1', '2', unknown"),
    ],
)
def test_columns_that_are_missing_or_unknown_are_named(frame, words):
    with pytest.raises(fn.ShapeError, match=words):
        features_like(NAMES, frame)


def test_without_names_x_is_taken_as_it_comes():
    np.testing.assert_array_equal(features_like(None, FRAME[["c", "a", "b"]]), FRAME[["c", "a", "b"]].to_numpy())


def of(frame, y=("p", "q"), **names):
    return Dataset(frame, list(y), **names)


@pytest.mark.parametrize(
    "other", [of(FRAME), of(FRAME.to_numpy()), of(FRAME, [0, 1]), of(FRAME, ["q", "q"], class_names=["p", "q"])]
)
def test_what_has_the_same_names_or_none_is_alike(other):
    check_alike(of(FRAME), other)
    check_alike(of(FRAME.to_numpy(), [0, 1]), other)


@pytest.mark.parametrize(
    ("other", "words"),
    [
        (of(FRAME[["b", "a", "c"]]), "test has the columns of train in a different order, b, a, c: make it of frame"),
        (of(FRAME[["a", "b"]]), "test has no column 'c', which train has"),
        (of(FRAME.assign(d=0.0)), "test has column 'd', which train does not have"),
        (of(FRAME, "pr"), r"label 1 is the class 'q' in train and 'r' in test: .*class_names=train.class_names"),
        (of(FRAME, "pp"), "train has 2 classes and test 1"),
        (of((FRAME,)), r"train has the features \('a', 'b', 'c'\) and test \(\('a', 'b', 'c'\),\)"),
    ],
)
def test_other_names_are_told(other, words):
    with pytest.raises(ValueError, match=words):
        check_alike(of(FRAME), other)


def test_names_of_several_inputs_are_compared_one_by_one():
    train, plain = of((FRAME, np.zeros(2))), of((FRAME.to_numpy(), np.zeros(2)))
    check_alike(train, plain)
    with pytest.raises(ValueError, match="validation has no column 'c'"):
        check_alike(train, of((FRAME[["a", "b"]], np.zeros(2))), "validation")
