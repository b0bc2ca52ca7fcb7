"""What acts on each number is exact in the tails and has its limit at infinity."""

import math

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import funcnet as fn
from tests import oracles
from tests.layers.row import every_row
from tests.layers.table import ROWS
from tests.oracles import ROUNDING, exactly
from tests.passes import every_dtype


def y_and_slope(layer, x):
    """y, and dx for a dy of ones."""
    x = np.asarray(x)
    y, cache = layer.forward((), x)
    return y, layer.backward((), cache, np.ones_like(y))[0]


# --- The tails ---

LIMITED = [row for row in ROWS if row.limits]


@pytest.mark.parametrize("x", [-1000.0, -40.0, -1e-300, 0.0, 1e-300, 40.0, 1000.0])
@every_row(LIMITED)
def test_values_and_slopes_are_exact_in_the_tails(row, x):
    f, derivative = row.of_number
    y, dydx = y_and_slope(row.layer, x)
    assert_allclose(y, exactly(f, x), rtol=ROUNDING)
    assert_allclose(dydx, exactly(derivative, x), rtol=ROUNDING)


@pytest.mark.parametrize("x", [-80.0, -20.0, 20.0, 80.0])
@every_row(LIMITED)
def test_the_tails_are_exact_in_float32(row, x):
    f, derivative = row.of_number
    y, dydx = y_and_slope(row.layer, np.float32(x))
    assert_allclose(y, exactly(f, x), rtol=1e-6, atol=1e-45)
    assert_allclose(dydx, exactly(derivative, x), rtol=1e-6, atol=1e-45)


@pytest.mark.parametrize("x", [-30.0, -20.0, -10.0, -5.0])
def test_gelu_is_as_exact_as_the_rounding_of_x_allows(x):
    y, dydx = y_and_slope(fn.GELU(), x)
    amplified = x * x * ROUNDING  # exp(-x**2 / 2) makes it of the rounding of x
    assert_allclose(y, exactly(oracles.gelu, x), rtol=amplified)
    assert_allclose(dydx, exactly(oracles.gelu_derivative, x), rtol=amplified)


def test_tails_by_hand():
    assert_allclose(y_and_slope(fn.Sigmoid(), -40.0)[0], math.exp(-40) / (1 + math.exp(-40)), rtol=ROUNDING)
    assert_allclose(y_and_slope(fn.Sigmoid(), 40.0)[1], math.exp(-40), rtol=ROUNDING)
    assert_allclose(y_and_slope(fn.Tanh(), -20.0)[1], 4 * math.exp(-40), rtol=ROUNDING)
    assert_allclose(y_and_slope(fn.Softplus(), -40.0)[0], math.log1p(math.exp(-40)), rtol=ROUNDING)
    assert_allclose(y_and_slope(fn.ELU(), -1e-10)[0], math.expm1(-1e-10), rtol=ROUNDING)
    assert_allclose(y_and_slope(fn.GELU(), -5.0)[0], -5 * math.erfc(5 / math.sqrt(2)) / 2, rtol=25 * ROUNDING)


# --- The limits ---


@every_dtype
@every_row(LIMITED)
def test_infinity_gives_the_limit(row, dtype):
    ends, slopes = row.limits
    y, dydx = y_and_slope(row.layer, np.array([-np.inf, np.inf], dtype))
    assert_array_equal(y, ends)
    assert_array_equal(dydx, np.array(slopes, dtype))


@every_dtype
@every_row(LIMITED)
def test_a_large_number_is_close_to_the_limit(row, dtype):
    x = np.array([-1000, 1000], dtype)
    y, dydx = y_and_slope(row.layer, x)
    ends, slopes = row.limits
    lines = [
        end if math.isfinite(end) else dtype(slope) * number for end, slope, number in zip(ends, slopes, x, strict=True)
    ]
    assert_array_equal(y, lines)
    assert_array_equal(dydx, np.array(slopes, dtype))


@every_dtype
@pytest.mark.parametrize(("slope", "x"), [(0.0, np.inf), (2.0, "largest")])
def test_the_slope_below_the_axis_is_not_felt_above_it(slope, x, dtype):
    x = np.array([np.finfo(dtype).max if x == "largest" else x], dtype)
    y, dydx = y_and_slope(fn.LeakyReLU(slope), x)
    assert_array_equal(y, x)
    assert_array_equal(dydx, [1])


@every_dtype
def test_relu_at_0_has_slope_0_and_keeps_nan(dtype):
    y, dydx = y_and_slope(fn.ReLU(), np.array([0.0, -0.0, np.nan], dtype))
    assert_array_equal(y, [0, 0, np.nan])
    assert_array_equal(dydx[:2], [0, 0])


@every_dtype
def test_relu_of_a_large_batch_is_that_of_its_rows(dtype):
    rows = np.array([0.0, -0.0, np.nan, np.inf, -np.inf, 2.0, -2.0, np.finfo(dtype).tiny], dtype)
    large, slopes = y_and_slope(fn.ReLU(), np.tile(rows, (3000, 1)))
    y, dydx = y_and_slope(fn.ReLU(), rows)
    assert fn.tree.equal(large, np.tile(y, (3000, 1)))
    assert_array_equal(slopes, np.tile(dydx, (3000, 1)))
