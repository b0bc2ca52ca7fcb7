"""Datasets in .csv and .npz files: what is read, and errors that name the line and the column."""

import numpy as np
import pytest

from funcnet.data import Dataset, read_csv, read_npz

IRIS = "length,width,species\n5.1,3.5,setosa\n7,3.2,versicolor\n\n6.3,3.3,setosa\n"


@pytest.fixture
def csv(tmp_path):
    def write(text, name="data.csv", encoding="utf-8"):
        path = tmp_path / name
        path.write_bytes(text.encode(encoding))
        return path

    return write


@pytest.mark.parametrize(
    "text",
    [
        IRIS,
        IRIS.replace("\n", "\r\n"),
        IRIS.replace(",", ";"),
        IRIS.replace(",", "\t"),
        IRIS.replace(",", ", "),
        "\ufeff" + IRIS,
        IRIS.replace("width", '"width"').replace("3.5", '"3.5"'),
        IRIS.rstrip(),
    ],
)
def test_a_csv_file_gives_numbers_names_and_classes(csv, text):
    dataset = read_csv(csv(text), "species")
    assert dataset.x.tolist() == [[5.1, 3.5], [7.0, 3.2], [6.3, 3.3]]
    assert dataset.y.tolist() == [0, 1, 0]
    assert (dataset.feature_names, dataset.class_names) == (("length", "width"), ("setosa", "versicolor"))


def test_a_name_may_have_a_comma_and_a_field_a_line_break(csv):
    dataset = read_csv(csv('"a,b",y\n1,"no\nwell"\n2,yes\n'), "y")
    assert (dataset.feature_names, dataset.class_names) == (("a,b",), ("no\nwell", "yes"))


@pytest.mark.parametrize(
    ("values", "expected"),
    [(["1", "0"], np.array([1, 0])), (["1", "0.5"], np.array([1, 0.5])), (["-1", "+2"], [-1, 2])],
)
def test_targets_that_are_numbers_stay_numbers(csv, values, expected):
    dataset = read_csv(csv("a,y\n1,{}\n2,{}\n".format(*values)), "y")
    assert dataset == Dataset([[1.0], [2.0]], expected, feature_names=["a"])


def test_columns_can_be_left_out(csv):
    dataset = read_csv(csv("name,a,y\nBob,1,0\nEve,2,1\n"), "y", drop=["name"])
    assert dataset.feature_names == ("a",)


def test_test_data_are_put_in_the_order_of_the_training_data(csv):
    train = read_csv(csv(IRIS), "species")
    test = read_csv(csv("species,width,length\nversicolor,2,1\n"), "species", like=train)
    assert (test.x.tolist(), test.y.tolist(), test.feature_names) == ([[1.0, 2.0]], [1], train.feature_names)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("length,species\n1,setosa\n", "has no column 'width', which train has"),
        ("length,width,more,species\n1,2,3,setosa\n", "has column 'more', which train does not have"),
        ("length,width,species\n1,2,1\n", "column 'species': the targets are numbers, but strings in the training"),
        ("length,width,species\n1,2,virginica\n", "y has the class 'virginica', which is not in class_names: setosa"),
    ],
)
def test_test_data_of_other_names_are_refused(csv, text, words):
    train = read_csv(csv(IRIS), "species")
    with pytest.raises(ValueError, match=words):
        read_csv(csv(text), "species", like=train)


def test_strings_are_refused_where_training_targets_are_numbers(csv):
    train = read_csv(csv("a,y\n1,0\n2,1\n"), "y")
    with pytest.raises(ValueError, match="column 'y': the targets are strings, but numbers in the training data"):
        read_csv(csv("a,y\n1,no\n"), "y", like=train)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "has no examples: expected a row of names, then a row for each example"),
        ("a,y\n", "has no examples"),
        ("a,b\n1,2\n", "has no column 'y'; its columns are a, b"),
        (",a,y\n0,1,2\n", r"column 1 has no name: .* to_csv\(path, index=False\)"),
        ("a,a,y\n1,1,2\n", "the names of the columns must be different, got a, a, y"),
        ("a,y\n1,2\n1\n", "line 3: 1 fields, but the first line has 2"),
        ("a,y\n1,2\n\n3,5,6\n", "line 4: 3 fields"),
        ("a,y\n1,2\nx,3\n", "line 3, column 'a': 'x' is not a number: make it one, or drop the column"),
        ("a;y\n1;2\n3,5;3\n", "line 3, column 'a': '3,5' is not a number"),
        ("a,y\n1,2\ninf,3\n", "line 3, column 'a': 'inf' is not a number"),
        ("a,y\n1,2\n,3\n", "line 3, column 'a': the value is missing: fill it, or leave out the line"),
        ("a,y\n1,2\nNaN,3\n", "line 3, column 'a': the value is missing"),
        ("a,y\n1,b\n2,NA\n", "line 3, column 'y': the value is missing"),
        ("a,y\n1,2\n2,2x\n", "line 3, column 'y': '2x' is not a number: a target is a number in all lines or in none"),
        ('a,y\n1,"x"2\n', "is not a .csv file"),
    ],
)
def test_what_is_wrong_in_a_csv_file_is_told_with_its_line(csv, text, words):
    path = csv(text)
    with pytest.raises(ValueError, match=words) as error:
        read_csv(path, "y")
    assert str(path) in str(error.value)


def test_a_file_in_another_encoding_is_told(csv):
    with pytest.raises(ValueError, match=r"is not in UTF-8: .* at byte 2"):
        read_csv(csv("größe,y\n1,2\n", encoding="latin-1"), "y")


# --- .npz ---


def test_an_npz_file_gives_training_and_test_data(tmp_path):
    x, y = np.zeros((3, 2, 2), np.uint8), np.array(["b", "a", "b"])
    np.savez(tmp_path / "a.npz", x=x, y=y)
    np.savez(tmp_path / "b.npz", x_train=x, y_train=y, x_test=x[:1], y_test=y[:1])
    np.savez(tmp_path / "c.npz", x_train=x, y_train=y)
    expected = Dataset(x, y)
    assert read_npz(tmp_path / "a.npz") == read_npz(tmp_path / "c.npz") == (expected, None)
    assert read_npz(tmp_path / "b.npz") == (expected, Dataset(x[:1], [1], class_names=["a", "b"]))


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"a": np.ones(3)}, "has the arrays a: expected x and y, or x_train and y_train, with or without x_test"),
        ({"x": np.ones(3), "y": np.ones(2)}, "expected as many targets as examples"),
        ({"x": np.array([None]), "y": np.ones(1)}, "cannot be read: Object arrays cannot be loaded"),
        ({}, "has the arrays none"),
    ],
)
def test_an_npz_file_of_other_arrays_is_refused(tmp_path, arrays, words):
    np.savez(tmp_path / "a.npz", **arrays)
    with pytest.raises(ValueError, match=words):
        read_npz(tmp_path / "a.npz")


@pytest.mark.parametrize(
    ("content", "words"), [(b"x,y", "is not an .npz file"), (b"PK", "cannot be read"), (b"", "not")]
)
def test_what_is_no_npz_file_is_refused(tmp_path, content, words):
    path = tmp_path / "a.npz"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=words):
        read_npz(path)
