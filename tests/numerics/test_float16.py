"""float16, whose largest number is 65,504 and which counts in ones up to 2048, sums 70,000 of anything."""

import math

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import funcnet as fn
from tests.losses.cases import averages
from tests.passes import value_and_dy

MANY = 70_000
SMALLEST = 2.0**-24
QUARTER, QUARTERS = np.float16(0.25), np.float16(MANY / 4)


@pytest.mark.parametrize("width", [1, 2, 3])
def test_a_float16_layer_sums_70_000_rows(width):
    layer = fn.Linear(width)
    params = fn.LinearParams(np.ones((width, width), np.float16), np.zeros(width, np.float16))
    y, cache = layer.forward(params, np.ones((MANY, width), np.float16))
    _, grads = layer.backward(params, cache, np.full_like(y, QUARTER))
    assert_array_equal(grads.bias, np.full(width, QUARTERS))
    assert_array_equal(grads.weight, np.full((width, width), QUARTERS))


@pytest.mark.parametrize("width", [1, 2, 3])
def test_a_float16_layer_sums_70_000_features(width):
    params = fn.LinearParams(np.ones((MANY, width), np.float16), np.zeros(width, np.float16))
    assert_array_equal(fn.Linear(width).apply(params, np.full(MANY, QUARTER)), np.full(width, QUARTERS))


# loss, y and target of each number, their loss and its derivative
HALVES = [
    (fn.MeanSquaredError, 1, 0, 1, 2),
    (fn.SigmoidBinaryCrossEntropy, 0, 1, math.log(2), -0.5),
    (fn.BinaryCrossEntropy, 0.5, 1, math.log(2), -2),
]


@pytest.mark.parametrize(("loss", "y", "target", "value", "slope"), HALVES)
@averages
def test_a_float16_mean_of_70_000_losses(loss, y, target, value, slope, reduction):
    shape = (MANY, 1)
    found, dy = value_and_dy(loss(reduction), np.full(shape, y, np.float16), np.full(shape, target, np.float16))
    assert_allclose(found, value, rtol=2.0**-10)
    assert_allclose(dy, np.full(shape, slope / MANY), rtol=2.0**-10, atol=SMALLEST)


@averages
def test_a_float16_mean_of_70_000_cross_entropies(reduction):
    y, labels = np.zeros((MANY, 2), np.float16), np.zeros(MANY, int)
    for target in (labels, np.eye(2)[labels]):
        value, dy = value_and_dy(fn.SoftmaxCrossEntropy(reduction), y, target)
        assert_allclose(value, math.log(2), rtol=2.0**-10)
        assert_allclose(dy, np.tile([-0.5 / MANY, 0.5 / MANY], (MANY, 1)), rtol=2.0**-10, atol=SMALLEST)


def test_a_float16_softmax_over_70_000_classes():
    x, dy = np.zeros(MANY, np.float16), np.ones(MANY, np.float16)
    for layer, y in ((fn.Softmax(), 1 / MANY), (fn.LogSoftmax(), -math.log(MANY))):
        found, cache = layer.forward((), x)
        assert_allclose(found, np.full(MANY, y), rtol=2.0**-10, atol=SMALLEST)
        assert_allclose(layer.backward((), cache, dy)[0], np.zeros(MANY), atol=0.01)  # both are shift-invariant


def test_a_float16_cross_entropy_over_70_000_classes():
    value, dy = value_and_dy(fn.SoftmaxCrossEntropy(), np.zeros(MANY, np.float16), 0)
    assert_allclose(value, math.log(MANY), rtol=2.0**-10)
    assert_allclose(dy, np.where(np.arange(MANY) == 0, -1, 0) + 1 / MANY, rtol=2.0**-10, atol=SMALLEST)


def test_a_float16_square_beyond_the_largest_is_not_infinite_in_the_mean():
    y = np.array([300.0] + [0.0] * 999, np.float16)
    value, cache = fn.MeanSquaredError().forward(y, np.zeros(1000))
    assert (value, value.dtype) == (np.float16(300**2 / 1000), np.float16)
    assert fn.MeanSquaredError().backward(cache)[0] == np.float16(2 * 300 / 1000)
