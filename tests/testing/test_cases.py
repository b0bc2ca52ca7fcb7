"""What is asked of a layer, loss or optimizer: of which x, by which oracle, and with what state."""

from typing import Any

import attrs
import numpy as np
import pytest

import funcnet as fn
from funcnet import tree
from funcnet.testing import LawViolation, check_layer, check_loss, check_optimizer
from funcnet.testing.cases.drawing import layer_cases
from funcnet.testing.cases.point import Point
from tests.layers.table import every_layer
from tests.passes import needs_numpy_2


@attrs.frozen
class TwiceAtZero(fn.Layer):
    """ReLU with a gradient of 2 at 0."""

    def forward(self, params, x):
        return np.maximum(x, 0), x

    def backward(self, params, cache, dy):
        return dy * ((cache > 0) + 2 * (cache == 0)).astype(dy.dtype), ()


@pytest.mark.slow
def test_the_case_of_a_given_x_asks_of_that_x_again():
    with pytest.raises(LawViolation) as caught:
        check_layer(TwiceAtZero(), x=np.array([[0.0, 1.0]]))
    assert "is_given=True" in caught.value.case
    with pytest.raises(LawViolation) as again:
        exec(caught.value.case, {})
    assert (again.value.law, again.value.at) == (caught.value.law, caught.value.at)


@tree.node
class PoweredState:
    """The running product of a decay, which is no array."""

    power: float = tree.static()
    mean: Any


@attrs.frozen
class Unbiased:
    """Steps along the mean of all gradients so far, whose weights are kept as a plain float."""

    rate: float = 0.125

    def init(self, params):
        return PoweredState(1.0, tree.zeros_like(params))

    def update(self, params, grads, state):
        power = state.power * 0.9
        mean = tree.map(lambda m, g: 0.9 * m + 0.1 * g, state.mean, grads)
        return tree.map(lambda p, m: p - self.rate * m / (1 - power), params, mean), PoweredState(power, mean)


@needs_numpy_2
def test_a_state_may_hold_numbers_that_are_no_arrays():
    check_optimizer(Unbiased())


def test_outputs_given_need_targets_given():
    with pytest.raises(TypeError, match="outputs given as an array need targets given as an array"):
        check_loss(fn.MeanSquaredError(), outputs=np.zeros((2, 3)))
    with pytest.raises(ValueError, match="targets must have at least one example, got an empty array"):
        check_loss(fn.MeanSquaredError(), targets=np.zeros((0, 3)))


@every_layer
def test_every_layer_of_the_library_is_held_against_dual_numbers(layer, shape):
    for case in layer_cases(layer, shape, fn.Key(0), 8):
        point = Point.of(case)
        assert point.derivatives(point.directions([])).is_exact
