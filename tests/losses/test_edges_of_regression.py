"""Absolute errors, Huber's loss, the hinge and the cosine at their corners, at huge numbers and with wrong targets."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import funcnet as fn
from tests.passes import every_dtype, value_and_dy


@every_dtype
def test_an_absolute_error_of_0_has_no_slope(dtype):
    value, dy = value_and_dy(fn.MeanAbsoluteError(), np.array([1, 3], dtype), np.array([1, 1], dtype))
    assert value == 1
    assert_array_equal(dy, np.array([0, 0.5], dtype), strict=True)


@every_dtype
@pytest.mark.parametrize(("error", "value", "slope"), [(0.5, 0.125, 0.5), (2, 2, 2), (-5, 8, -2), (0, 0, 0)])
def test_huber_by_hand(error, value, slope, dtype):
    found, dy = value_and_dy(fn.Huber(delta=2), np.array([error], dtype), np.array([0], dtype))
    assert (found, dy) == (value, slope)


def test_huber_is_half_the_squared_error_where_delta_is_infinite_and_the_absolute_one_where_it_is_small():
    y, target = np.array([3.0, -2.0, 0.5]), np.array([1.0, 1.0, 0.5])
    square, _ = fn.MeanSquaredError().forward(y, target)
    absolute, _ = fn.MeanAbsoluteError().forward(y, target)
    assert fn.Huber(delta=np.inf).forward(y, target)[0] == square / 2
    assert fn.Huber(delta=1e-9).forward(y, target)[0] / 1e-9 == pytest.approx(absolute)


@pytest.mark.parametrize("delta", [0, -1.0, np.nan])
def test_a_delta_is_above_0(delta):
    with pytest.raises(ValueError, match="delta"):
        fn.Huber(delta=delta)


def test_huge_errors_do_not_overflow_where_the_loss_does_not():
    _, dy = value_and_dy(fn.Huber(delta=0.25), np.array([6e4], np.float16), np.array([-6e4], np.float16))
    assert dy == 0.25
    value, _ = fn.Huber("mean").forward(np.array([1e300]), np.array([-1e299]))
    assert value == pytest.approx(1.1e300)


@every_dtype
def test_a_hinge_by_hand(dtype):
    y, target = np.array([0.5, 2, -0.5, 1], dtype), np.array([1, 1, 1, -1])
    value, dy = value_and_dy(fn.Hinge("sum"), y, target)
    assert value == 0.5 + 0 + 1.5 + 2
    assert_array_equal(dy, np.array([-1, 0, -1, 1], dtype), strict=True)


def test_a_hinge_has_no_slope_at_its_corner():
    _, dy = value_and_dy(fn.Hinge(), np.array([1.0, -1.0]), np.array([1, -1]))
    assert_array_equal(dy, [0, 0])
    assert not np.signbit(dy).any()


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ([1, 0], r"got 0.0 at index \(1,\): for targets of 0 and 1 write 2 \* target - 1$"),
        ([0.5, 1], r"got 0.5 at index \(0,\)$"),
        ([1, np.nan], r"got nan at index \(1,\)$"),
    ],
)
def test_targets_of_a_hinge_are_signs(target, words):
    with pytest.raises(ValueError, match="expected targets of -1 and 1, " + words):
        fn.Hinge().forward(np.zeros(2), np.array(target))


@every_dtype
@pytest.mark.parametrize(
    ("y", "target", "value"),
    [([1, 0], [2, 0], 0), ([1, 0], [0, 3], 1), ([1, 0], [-1, 0], 2), ([0, 0], [1, 0], 1), ([1, 0], [0, 0], 1)],
)
def test_directions_by_hand(y, target, value, dtype):
    found, dy = value_and_dy(fn.CosineSimilarity(), np.array(y, dtype), np.array(target, dtype))
    assert found == value
    assert dy.dtype == dtype


@pytest.mark.parametrize("size", [1e-7, 1.0, 1e3, 1e200, 1e300])
def test_the_length_of_a_row_changes_the_gradient_alone(size):
    y, target = np.array([[3.0, 4.0]]), np.array([[1.0, 0.0]])
    value, dy = value_and_dy(fn.CosineSimilarity(), y * size, target * size)
    assert_allclose(value, 0.4, rtol=1e-14)
    assert_allclose(dy * size, [[-0.128, 0.096]], rtol=1e-13)


def test_close_directions_lose_no_digits():
    angle = 1e-9  # 1 - cos(1e-9) rounds to 0
    value, dy = value_and_dy(fn.CosineSimilarity(), np.array([1.0, angle]), np.array([1.0, 0.0]))
    assert_allclose(value, angle**2 / 2, rtol=1e-12)
    assert_allclose(dy, [-(angle**2), angle], rtol=1e-6, atol=1e-17)


def test_a_row_of_zeros_is_drawn_to_its_target():
    _, dy = value_and_dy(fn.CosineSimilarity(), np.zeros((1, 2)), np.array([[0.0, 2.0]]))
    assert_allclose(dy, [[0, -1e8]])
