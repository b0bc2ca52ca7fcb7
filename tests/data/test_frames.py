"""Frames and Series, of pandas and Polars: numbers, names and classes; what is missing or no number is named."""

import copy
import pickle

import attrs
import numpy as np
import pytest

import funcnet as fn
from funcnet.data import Dataset
from tests.data.cases import KEY

pd = pytest.importorskip("pandas")
Y = [0, 1, 0]
FRAME = pd.DataFrame({"age": [1.0, 2.0, 3.0], "n": [4, 5, 6], "is": [True, False, True]})
NUMBERS = [[1.0, 4.0, 1.0], [2.0, 5.0, 0.0], [3.0, 6.0, 1.0]]


@pytest.mark.parametrize(
    "frame",
    [
        FRAME,
        FRAME.convert_dtypes(),
        FRAME.astype({"n": "Int8", "is": "boolean"}),
        FRAME.astype({"n": "Int8"})[::-1][::-1],
    ],
)
def test_a_frame_gives_its_numbers_and_the_names_of_its_columns(frame):
    dataset = Dataset(frame, Y)
    assert (dataset.x.tolist(), dataset.feature_names, dataset.class_names) == (NUMBERS, ("age", "n", "is"), None)
    assert dataset.x.dtype.kind in "if"


def test_a_frame_of_one_dtype_keeps_its_bits():
    frame = pd.DataFrame(np.float32([[0.1, 0.2], [0.3, 0.4], [0.5, 0.6]]))
    dataset = Dataset(frame, Y)
    assert (dataset.x.dtype, dataset.feature_names) == (np.float32, ("0", "1"))
    assert dataset.digest == Dataset(frame.to_numpy(), Y).digest


def test_a_tuple_of_frames_is_several_inputs():
    dataset = Dataset((FRAME, np.zeros((3, 2)), FRAME.age), Y)
    assert dataset.shape == ((3, 3), (3, 2), (3,))
    assert dataset.feature_names == (("age", "n", "is"), None, None)


@pytest.mark.parametrize(
    ("column", "words"),
    [
        (pd.array([1, None, 3], dtype="Int64"), "column 'c' of x has 1 missing value, the first in row 1"),
        (pd.array([None, None, True], dtype="boolean"), "column 'c' of x has 2 missing values, the first in row 0"),
        (["a", "b", "c"], "column 'c' of x has the dtype .*, in row 0 'a': make numbers of it, .* get_dummies"),
        (pd.Series([1, "b", 2], dtype=object), "column 'c' of x has the dtype object, in row 1 'b'"),
        (pd.Series([1, 2.5, True], dtype=object), r"column 'c' of x has the dtype object: write .astype\(float\)"),
        (pd.Categorical(["a", "b", "a"]), "column 'c' of x has the dtype category, in row 0 'a'"),
        (pd.date_range("2020", periods=3), "column 'c' of x has the dtype datetime64.*: make days of it"),
        (pd.to_timedelta([1, 2, 3], "D"), r"dtype timedelta64.*: write \.dt\.total_seconds\(\)$"),
    ],
)
def test_a_column_that_has_other_than_numbers_is_named(column, words):
    with pytest.raises((TypeError, ValueError), match=words):
        Dataset(FRAME.assign(c=column), Y)


def test_columns_of_one_name_are_refused():
    with pytest.raises(ValueError, match="columns must have different names, got 'age' 2 times"):
        Dataset(FRAME[["age", "n", "age"]], Y)


def test_names_are_kept_wherever_examples_go_and_are_no_part_of_the_digest():
    dataset = Dataset(FRAME, ["b", "a", "b"])
    alike = [
        dataset[:2],
        dataset.take([0]),
        *dataset.split(KEY, 0.5),
        *dataset.folds(KEY, 2)[0],
        pickle.loads(pickle.dumps(dataset)),
        copy.deepcopy(dataset),
        attrs.evolve(dataset),
    ]
    assert {(each.feature_names, each.class_names) for each in alike} == {(("age", "n", "is"), ("a", "b"))}
    assert fn.data.one_hot(dataset, 2).class_names == ("a", "b")
    assert dataset.digest == Dataset(dataset.x, dataset.y).digest
    assert dataset != Dataset(dataset.x, dataset.y)
    assert "feature_names=('age', 'n', 'is'), class_names=('a', 'b'))" in repr(dataset)
    assert [*fn.tree.named_leaves(dataset)] == ["x", "y"]


def test_what_was_pickled_before_there_were_names_is_read():
    plain = Dataset(np.zeros((2, 1)), [0, 1])
    restore, values = plain.__reduce__()
    assert [values[0], *map(np.ndarray.tolist, values[1:])] == [Dataset, [[0.0], [0.0]], [0, 1]]  # as then
    assert restore(*values) == plain


def test_feature_names_can_be_given():
    assert Dataset(np.zeros((3, 2)), Y, feature_names=["a", "b"]).feature_names == ("a", "b")
    several = Dataset((np.zeros((3, 2)), np.zeros(3)), Y, feature_names=(["a", "b"], None))
    assert several.feature_names == (("a", "b"), None)
    with pytest.raises(fn.ShapeError, match=r"expected x of shape \(n, 1\) for 1 names, got \(3, 2\)"):
        Dataset(np.zeros((3, 2)), Y, feature_names=["a"])
    with pytest.raises(fn.ShapeError, match="feature_names of 2 inputs must be a tuple of 2"):
        Dataset((np.zeros((3, 2)), np.zeros(3)), Y, feature_names=["a", "b", "c"])


# --- Targets ---


def test_names_of_classes_are_in_order():
    with pytest.raises(TypeError, match=r"class_names .* write list\(\{0: 'no', 1: 'yes'\}\.values\(\)\)$"):
        Dataset(np.zeros((2, 1)), [0, 1], class_names={0: "no", 1: "yes"})
    with pytest.raises(TypeError, match=r"class_names must be a sequence of strings, got \{"):
        Dataset(np.zeros((2, 1)), [0, 1], class_names={"no", "yes"})


@pytest.mark.parametrize(
    ("y", "labels", "names"),
    [
        (pd.Series(["b", "a", "b"]), [1, 0, 1], ("a", "b")),
        (pd.Series(["b", "a", "b"], dtype=object), [1, 0, 1], ("a", "b")),
        (pd.DataFrame({"t": ["b", "a", "b"]}), [1, 0, 1], ("a", "b")),
        (pd.Series(pd.Categorical(["b", "a", "b"], ["b", "c", "a"])), [0, 2, 0], ("b", "c", "a")),
        (pd.Categorical(["b", "a", "b"]), [1, 0, 1], ("a", "b")),
        (pd.Series([7, 3, 7], dtype="category"), [1, 0, 1], ("3", "7")),
        (pd.Series([7, 3, 7], dtype="Int16"), [7, 3, 7], None),
        (pd.Series([7, 3, 7]), [7, 3, 7], None),
        (pd.DataFrame({"t": [7, 3, 7]}), [[7], [3], [7]], None),
    ],
)
def test_targets_are_labels_if_they_are_strings_or_categories(y, labels, names):
    dataset = Dataset(FRAME, y)
    assert (dataset.y.tolist(), dataset.class_names) == (labels, names)


@pytest.mark.parametrize("y", [["b", None, "b"], pd.array([1, None, 2], dtype="Int64"), pd.Categorical([7, None, 7])])
def test_missing_targets_are_counted(y):
    with pytest.raises(ValueError, match="y has 1 missing value, the first in row 1: fill them, or leave out"):
        Dataset(FRAME, pd.Series(y))


def test_rows_in_different_orders_are_refused():
    with pytest.raises(ValueError, match=r"the same index in different orders: write y.loc\[x.index\]"):
        Dataset(FRAME, pd.Series(Y).sample(frac=1, random_state=1))
    assert len(Dataset(FRAME, pd.Series(Y, index=[7, 8, 9]))) == 3


# --- Polars ---


def test_frames_of_polars_are_read_alike():
    pl = pytest.importorskip("polars")
    frame = pl.DataFrame(FRAME.to_dict(orient="list"))
    dataset = Dataset(frame, pl.Series(["b", "a", "b"]))
    assert (dataset.x.tolist(), dataset.feature_names) == (NUMBERS, ("age", "n", "is"))
    assert (dataset.y.tolist(), dataset.class_names) == ([1, 0, 1], ("a", "b"))
    ordered = pl.Series(["b", "a", "b"], dtype=pl.Enum(["b", "c", "a"]))
    assert Dataset(frame, ordered).class_names == ("b", "c", "a")
    with pytest.raises(ValueError, match="column 'n' of x has 1 missing value, the first in row 0"):
        Dataset(frame.with_columns(pl.Series("n", [None, 1, 2])), Y)
    with pytest.raises(fn.DTypeError, match="column 'n' of x has the dtype String, in row 0 'a'"):
        Dataset(frame.with_columns(pl.Series("n", ["a", "b", "c"])), Y)
    with pytest.raises(fn.DTypeError, match=r"a LazyFrame, which has not been computed: write x.collect\(\)"):
        Dataset(frame.lazy(), Y)
