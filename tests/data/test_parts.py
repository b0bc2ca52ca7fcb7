"""Indexing, several parts at once, shares of each class, folds."""

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

import funcnet as fn
from funcnet.data import Dataset
from tests.data.cases import KEY, keys, numbered, several

labels = st.lists(st.integers(0, 3), max_size=40).map(lambda y: np.array(y, np.int64))


def rows(*datasets):
    """The rows of `numbered` or `labelled` data that are in datasets, in order."""
    return sorted(int(row) for dataset in datasets for row in dataset.x[:, 0])


def labelled(y):
    return Dataset(np.arange(len(y))[:, None], y)


# --- Indexing ---


def test_an_integer_gives_an_example_and_a_slice_a_dataset():
    dataset = numbered(5)
    x, y = dataset[3]
    assert (x.tolist(), y) == ([6.0, 7.0], 3)
    assert dataset[-2][1] == dataset[np.int8(3)][1] == 3
    assert dataset[1:3] == dataset.take([1, 2])
    assert dataset[[2, 0]] == dataset.take([2, 0])
    assert dataset[dataset.y > 2] == dataset[3:]
    assert several(5)[3][0][0].tolist() == several(5).x[0][3].tolist()


@pytest.mark.parametrize("index", [5, -6, (1, 2), "x", 1.0, True, None])
def test_what_is_no_index_of_examples_is_an_index_error(index):
    with pytest.raises(IndexError):
        numbered(5)[index]


def test_a_dataset_unpacks_into_x_and_y():
    dataset = numbered(5)
    x, y = dataset
    assert np.shares_memory(x, dataset.x)
    assert np.shares_memory(y, dataset.y)
    assert [target for _, target in zip(*dataset, strict=True)] == [0, 1, 2, 3, 4]
    with pytest.raises(TypeError, match="not reversible"):
        reversed(dataset)
    assert (dataset.shape, several(5).shape) == ((5, 2), ((5, 2), ((5,), (5, 1, 2))))


def test_a_dataset_is_not_taken_for_an_array():
    with pytest.raises(TypeError, match=r"write dataset.x or dataset.y"):
        np.asarray(numbered(3))


# --- split ---


@given(st.integers(0, 40), st.lists(st.floats(0, 0.3), min_size=1, max_size=3), keys)
def test_every_example_is_in_one_of_several_parts(n, fractions, key):
    parts = numbered(n).split(key, *fractions)
    assert len(parts) == len(fractions) + 1
    assert rows(*parts) == rows(numbered(n))
    assert parts[0] == numbered(n).split(key, fractions[0])[0]
    for index in range(len(fractions)):
        assert sum(map(len, parts[: index + 1])) == round(n * sum(fractions[: index + 1]))


@given(labels, st.lists(st.floats(0, 0.45), min_size=1, max_size=2), keys)
def test_a_stratified_part_has_its_share_of_each_class(y, fractions, key):
    parts = labelled(y).split(key, *fractions, stratify=True)
    assert rows(*parts) == [*range(len(y))]
    assert [*map(len, parts)] == [*map(len, labelled(y).split(key, *fractions))]
    for label in set(y.tolist()):
        share = len(parts[0]) / len(y)
        assert abs((parts[0].y == label).sum() - share * (y == label).sum()) < 1
    for part in parts:
        np.testing.assert_array_equal(part.y, y[part.x[:, 0]])


def test_rare_classes_do_not_take_the_place_of_a_frequent_one():
    first, _ = labelled(np.array([0] * 100 + [*range(1, 21)])).split(KEY, 0.6, stratify=True)
    assert ((first.y == 0).sum(), (first.y > 0).sum()) == (60, 12)


@pytest.mark.parametrize("seed", range(50))
def test_each_class_of_each_of_several_parts_is_its_share_rounded_down_or_up(seed):
    draws = np.random.default_rng(seed)
    y = np.repeat(np.arange(5), draws.integers(1, 12, 5))
    parts = labelled(y).split(KEY, *draws.dirichlet(np.ones(4))[:-1], stratify=True)
    counts = np.array([np.bincount(part.y, minlength=5) for part in parts])
    shares = np.outer([len(part) for part in parts], np.bincount(y)) / len(y)
    assert (abs(counts - shares) < 1).all()


def test_the_key_says_how_a_stratified_split_is_shuffled():
    dataset = labelled(np.arange(60) % 3)
    first, again, other = (dataset.split(key, 0.5, stratify=True)[0] for key in (KEY, KEY, fn.Key(1)))
    assert first == again != other
    assert first.y.tolist() != sorted(first.y)


@pytest.mark.parametrize(
    ("fractions", "error", "words"),
    [
        ((0.6, 0.2, 0.2), ValueError, "fractions 0.6, 0.2, 0.2 sum to 1: leave out the last, which is the rest"),
        ((0.6, 0.7), ValueError, "fractions 0.6, 0.7 sum to 1.3: they must sum to less than 1"),
        ((80,), ValueError, "fraction must be from 0 to 1, got 80"),
        (("a",), TypeError, "expected a real number, got 'a'"),
        ((0.8, True), TypeError, "expected a real number, got True"),
    ],
)
def test_fractions_that_make_no_parts_are_refused(fractions, error, words):
    with pytest.raises(error, match=words):
        numbered(5).split(KEY, *fractions)


@pytest.mark.parametrize("call", [lambda d: d.split(0.8, KEY), lambda d: d.split(0, 0.8), lambda d: d.folds(0, 2)])
def test_a_key_is_asked_for(call):
    with pytest.raises(TypeError, match=r"expected a key such as Key\(0\)"):
        call(numbered(5))


@pytest.mark.parametrize("y", [np.zeros(5), np.zeros((5, 1), int)])
@pytest.mark.parametrize("call", [lambda d: d.split(KEY, 0.8, stratify=True), lambda d: d.folds(KEY, 2, stratify=True)])
def test_only_labels_can_be_stratified(call, y):
    with pytest.raises(fn.ShapeError, match=r"stratify=True needs integer labels of shape \(n,\), got y"):
        call(Dataset(np.zeros(5), y))


# --- folds ---


@given(labels.filter(lambda y: len(y) > 1), st.integers(2, 7), keys, st.booleans())
def test_each_example_is_in_one_validation_part_and_in_the_training_data_of_all_others(y, k, key, stratify):
    dataset, k = labelled(y), min(k, len(y))
    folds = dataset.folds(key, k, stratify)
    assert len(folds) == k
    assert rows(*(validation for _, validation in folds)) == rows(dataset)
    assert all(rows(*pair) == rows(dataset) for pair in folds)
    sizes = [len(validation) for _, validation in folds]
    assert max(sizes) - min(sizes) <= 1
    counts = [[(validation.y == label).sum() for _, validation in folds] for label in set(y) if stratify]
    assert all(max(each) - min(each) <= 1 for each in counts)


def test_folds_are_a_sequence_whose_key_says_their_order():
    folds = numbered(9).folds(KEY, 3)
    assert folds[-1] == folds[2] == numbered(9).folds(KEY, 3)[2] != numbered(9).folds(fn.Key(1), 3)[2]
    assert folds[:2] == (folds[0], folds[1])
    with pytest.raises(IndexError):
        folds[3]


@pytest.mark.parametrize(("k", "error"), [(1, ValueError), (6, ValueError), (2.0, TypeError)])
def test_a_number_of_folds_that_makes_none_is_refused(k, error):
    with pytest.raises(error, match="k must be an integer"):
        numbered(5).folds(KEY, k)
