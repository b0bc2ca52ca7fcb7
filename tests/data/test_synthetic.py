"""Made-up problems have the points and labels that their definitions give."""

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

import funcnet as fn
from funcnet.data import linearly_separable, parity, xor
from tests.data.cases import KEY, keys


@pytest.mark.parametrize("dataset", [xor(), xor(21), linearly_separable(7, KEY), linearly_separable(0, KEY), parity(3)])
def test_made_up_problems_have_float32_examples_and_int64_labels(dataset):
    assert dataset.x.dtype == np.float32
    assert dataset.x.ndim == 2
    assert (dataset.y.dtype, dataset.y.shape) == (np.int64, (len(dataset),))
    assert set(dataset.y) <= {0, 1}
    assert not any(array.flags.writeable for array in (dataset.x, dataset.y))


def test_xor_of_4_points_is_the_truth_table():
    assert xor() == xor(4)
    assert xor().x.tolist() == [[0, 0], [0, 1], [1, 0], [1, 1]]
    assert xor().y.tolist() == [a ^ b for a, b in [(0, 0), (0, 1), (1, 0), (1, 1)]]


def test_xor_of_21_points_is_the_diagonals_with_the_centre_once():
    expected = []
    for i in range(11):
        expected.append((i, i, 0))
        if i != 5:
            expected.append((i, 10 - i, 1))
    assert len(expected) == 21
    np.testing.assert_array_equal(xor(21).x, np.array([[i / 10, j / 10] for i, j, _ in expected], np.float32))
    assert xor(21).y.tolist() == [label for _, _, label in expected]


@pytest.mark.parametrize("points", [0, 5, 22, None])
def test_xor_of_other_points_says_what_is_accepted(points):
    with pytest.raises(ValueError, match=r"points must be 4 \(.*\) or 21 \(.*\), got"):
        xor(points)


@given(st.integers(0, 50), keys)
def test_linearly_separable_points_are_labelled_by_their_side(n, key):
    dataset = linearly_separable(n, key)
    assert dataset.x.shape == (n, 2)
    assert dataset == linearly_separable(n, key)
    assert dataset.y.tolist() == [int(a > b) for a, b in dataset.x]


def test_the_label_is_that_of_the_point_as_float32_has_it():
    class Drawn(fn.Key):
        def generator(self):
            return self

        def random(self, shape):
            return np.reshape([0.5 + 1e-12, 0.5], shape)  # a difference that float32 does not have

    dataset = linearly_separable(1, Drawn(0))
    assert (dataset.x.tolist(), dataset.y.tolist()) == ([[0.5, 0.5]], [0])


def test_linearly_separable_points_are_uniform_in_the_unit_square():
    x = linearly_separable(10_000, KEY).x.astype(np.float64)
    assert ((x >= 0) & (x <= 1)).all()
    # Mean 1/2, variance 1/12, no correlation; five standard errors each.
    np.testing.assert_allclose(x.mean(axis=0), 1 / 2, atol=5 * (1 / 12 / 10_000) ** 0.5)
    np.testing.assert_allclose(x.var(axis=0), 1 / 12, atol=5 * (1 / 180 / 10_000) ** 0.5)
    assert abs(np.corrcoef(x.T)[0, 1]) < 5 / 100
    assert linearly_separable(10, KEY) != linearly_separable(10, fn.Key(1))


@pytest.mark.parametrize(("n", "error"), [(-1, ValueError), (2.0, TypeError), (True, TypeError)])
def test_the_number_of_points_is_an_integer_of_at_least_0(n, error):
    with pytest.raises(error, match="n must be an integer"):
        linearly_separable(n, KEY)


@pytest.mark.parametrize("bits", [1, 2, 3, 10])
def test_parity_has_all_numbers_in_order_and_whether_they_are_odd(bits):
    dataset = parity(bits)
    assert ["".join(str(int(digit)) for digit in row) for row in dataset.x] == [f"{i:0{bits}b}" for i in range(2**bits)]
    assert dataset.y.tolist() == [0, 1] * 2 ** (bits - 1)


def test_parity_goes_to_20_bits():
    dataset = parity(20)
    assert dataset.x.shape == (2**20, 20)
    np.testing.assert_array_equal(dataset.x[-2:], [[1] * 19 + [0], [1] * 20])


@pytest.mark.parametrize("bits", [0, -1, 21])
def test_parity_of_other_bits_says_what_is_accepted(bits):
    with pytest.raises(ValueError, match="bits must be an integer from 1 to 20, got"):
        parity(bits)


@pytest.mark.parametrize("bits", [3.0, True])
def test_parity_of_no_integer_is_refused(bits):
    with pytest.raises(TypeError, match="bits must be an integer, got"):
        parity(bits)
