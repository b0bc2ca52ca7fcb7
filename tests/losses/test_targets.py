"""Targets that a loss could compute with and that are surely not what was meant are refused."""

import numpy as np
import pytest

import funcnet as fn
from tests.losses.cases import some_logits
from tests.passes import FLOATS, value_and_dy

LOSS = fn.SoftmaxCrossEntropy()
OF_PROBABILITIES = [LOSS, fn.SigmoidBinaryCrossEntropy(), fn.BinaryCrossEntropy()]
INTEGERS = [np.uint8, np.int8, np.int64, bool]
every_integer = pytest.mark.parametrize("kind", INTEGERS)


@pytest.mark.parametrize("target", [np.zeros((5, 1), int), np.zeros(5, int), np.ones((5, 1)), np.ones((5, 1), bool)])
def test_one_class_is_refused_whatever_the_target(target):
    with pytest.raises(fn.ShapeError, match=r"at least 2 classes, got y of shape \(5, 1\).*SigmoidBinaryCrossEntropy"):
        LOSS.forward(np.zeros((5, 1)), target)


@pytest.mark.parametrize("shape", [(0, 1), (2, 3, 1), (1,)])
def test_one_class_is_refused_in_every_batch(shape):
    with pytest.raises(fn.ShapeError, match="at least 2 classes"):
        fn.SoftmaxCrossEntropy("sum").forward(np.zeros(shape), np.zeros(shape[:-1], int))


@every_integer
def test_rows_of_integers_that_are_one_hot_are_labels(kind):
    y, labels = some_logits((5, 3)), np.array([0, 2, 1, 1, 0])
    value, dy = value_and_dy(LOSS, y, np.eye(3, dtype=kind)[labels])
    expected, expected_dy = value_and_dy(LOSS, y, labels)
    np.testing.assert_allclose([value, *dy.flat], [expected, *expected_dy.flat], rtol=1e-14)


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([[0, 1, 0], [1, 1, 0]], r"got \[1, 1, 0\] at index \(1,\): write labels of shape \(2,\)"),
        ([[0, 255, 0], [255, 0, 0]], r"got \[0, 255, 0\] at index \(0,\)"),
        ([[0, 1, 0], [0, 0, 0]], r"got \[0, 0, 0\] at index \(1,\)"),
        ([[2, 1, 0], [0, 1, 0]], r"got \[2, 1, 0\] at index \(0,\)"),
        ([0, 2, 0], r"got \[0, 2, 0\]: write labels of shape \(\)"),
    ],
)
def test_other_rows_of_integers_are_refused(rows, words):
    for dtype in (np.int64, np.uint8):
        with pytest.raises(ValueError, match="must be one-hot rows of 0 and 1, " + words):
            LOSS.forward(some_logits(np.shape(rows)), np.array(rows, dtype))


def test_several_bits_in_a_row_are_refused_and_their_probabilities_are_not():
    bits = np.array([[True, True, False]])
    with pytest.raises(ValueError, match=r"got \[True, True, False\]"):
        LOSS.forward(some_logits((1, 3)), bits)
    assert np.isfinite(LOSS.forward(some_logits((1, 3)), bits.astype(float))[0])


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("wrong", [255.0, -0.5, 1.01, np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("loss", OF_PROBABILITIES)
def test_a_target_that_is_no_probability_is_named_with_its_index(loss, wrong, dtype):
    target = np.full((4, 3), 0.25, dtype)
    target[2, 1] = wrong
    with pytest.raises(ValueError, match=r"expected targets in \[0, 1\], got .* at index \(2, 1\)"):
        loss.forward(np.full((4, 3), 0.5), target)


@pytest.mark.parametrize("wrong", [255, -1])
@pytest.mark.parametrize("loss", OF_PROBABILITIES[1:])
def test_an_integer_that_is_no_probability_is_named_with_its_index(loss, wrong):
    target = np.zeros((4, 3), int)
    target[2, 1] = wrong
    with pytest.raises(ValueError, match=rf"expected targets in \[0, 1\], got {wrong}.0 at index \(2, 1\)"):
        loss.forward(np.full((4, 3), 0.5), target)


@pytest.mark.parametrize("loss", OF_PROBABILITIES)
def test_the_ends_are_probabilities(loss):
    assert np.isfinite(loss.forward(np.full((2, 2), 0.5), np.array([[-0.0, 1.0], [1.0, 0.0]]))[0])


@pytest.mark.parametrize("loss", OF_PROBABILITIES)
def test_targets_that_rounding_has_moved_out_of_0_to_1_are_0_and_1(loss):
    votes = np.array([[1, 0], [0, 1]], np.float32)
    mean = sum([vote * np.float32(0.1) for vote in [votes] * 10], np.float32(0))
    assert mean.max() > 1
    y = np.full((2, 2), 0.5)
    for target in (mean, votes - np.float32(1e-8), mean.astype(np.float64)):
        for got, expected in zip(value_and_dy(loss, y, target), value_and_dy(loss, y, votes), strict=True):
            np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize("loss", OF_PROBABILITIES)
@pytest.mark.parametrize("wrong", [1.00001, -0.00001])
def test_what_is_more_than_rounding_is_refused(loss, wrong):
    with pytest.raises(ValueError, match=r"expected targets in \[0, 1\]"):
        loss.forward(np.full((1, 2), 0.5), np.array([[wrong, 0.0]]))


def test_a_squared_error_takes_any_target():
    assert fn.MeanSquaredError().forward(np.zeros((1, 2)), np.array([[255, -1]]))[0] == (255**2 + 1) / 2


@pytest.mark.parametrize(
    ("target", "remedy"),
    [
        (np.array([[0], [1]]), "target[:, 0]"),
        (np.array([[0.0], [1.0]]), "target[:, 0].astype(int)"),
        (np.array([0.0, 1.0]), "target.astype(int)"),
        (np.array(["cat", "dog"]), "np.unique(target, return_inverse=True)[1]"),
        (np.array([["cat"], ["dog"]]), "np.unique(target[:, 0], return_inverse=True)[1]"),
    ],
)
def test_labels_of_another_form_are_told_what_to_write(target, remedy):
    with pytest.raises(fn.ShapeError) as error:
        LOSS.forward(np.zeros((2, 3)), target)
    assert str(error.value).endswith(f": write {remedy}")
    assert LOSS.forward(np.zeros((2, 3)), eval(remedy, {"target": target, "np": np}))[0] == pytest.approx(np.log(3))


@pytest.mark.parametrize("target", [np.array([0.5, 1.0]), np.array([True, False]), np.array(0), np.zeros((2, 2), int)])
def test_what_cannot_be_labels_is_told_no_remedy(target):
    with pytest.raises(fn.ShapeError, match=r"got .* of shape \([0-9, ]*\)$"):
        LOSS.forward(np.zeros((2, 3)), target)
