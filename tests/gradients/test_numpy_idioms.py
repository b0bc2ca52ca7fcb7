"""Dual numbers go through NumPy's functions as layers use them, with the values and derivatives of the arrays."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from funcnet.gradients.dual_rules import Dual
from funcnet.testing import oracles
from tests.gradients.numpy_idioms import IDIOMS

every_idiom = pytest.mark.parametrize(("f", "shape"), IDIOMS.values(), ids=IDIOMS)
DIRECTIONS = 3


def drawn(shape, dtype=np.float64):
    draw = np.random.default_rng(0)
    return draw.normal(size=shape).astype(dtype), draw.normal(size=(DIRECTIONS, *shape)).astype(dtype)


@every_idiom
def test_each_direction_has_the_derivative_of_extrapolated_differences(f, shape):
    for seed in range(3):
        x, v = (part + 0.01 * seed for part in drawn(shape))
        got = f(Dual(x.copy(), v.copy())).tangents
        for along, tangents in zip(v, got, strict=True):
            expected, error = oracles.slope(lambda step, x=x, along=along: np.asarray(f(x + step * along)), 1e-15, 0.01)
            assert np.all(error < 1e-6 * (1 + np.abs(expected)))
            assert_allclose(tangents, expected, rtol=1e-7, atol=1e-8)


@every_idiom
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_value_and_dtype_are_those_of_the_arrays(f, shape, dtype):
    x, v = drawn(shape, dtype)
    expected, got = f(x.copy()), f(Dual(x.copy(), v))
    assert got.value.dtype == expected.dtype
    assert_allclose(got.value, expected, rtol=8 * np.finfo(expected.dtype).eps, atol=8 * np.finfo(expected.dtype).eps)


@every_idiom
def test_no_directions_are_an_empty_array(f, shape):
    x, v = drawn(shape)
    y = f(Dual(x, v[:0]))
    assert y.tangents.shape == (0, *y.shape)
