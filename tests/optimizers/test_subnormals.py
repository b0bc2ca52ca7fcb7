"""Numbers that decay where a unit is dead become 0, and do not stall below the smallest normal number."""

import attrs
import numpy as np
import pytest

import funcnet as fn
from funcnet.numerics.elementwise import without_subnormals
from tests.optimizers.cases import every_optimizer

FLOATS = (np.float32, np.float64)
PERIOD = 256


def settled_after(optimizer, dtype, step):
    """Params and state after update `step`, where all moments and one of two params were about to be subnormal."""
    tiny = np.finfo(dtype).smallest_normal
    params = (np.array([tiny, 1.0], dtype),)
    state = optimizer.init(params)
    moments = fn.tree.map(lambda moment: np.full_like(moment, tiny), state.moments)
    zeros = fn.tree.zeros_like(params)
    return optimizer.update(params, zeros, attrs.evolve(state, step=step - 1, moments=moments))


def subnormal(tree):
    """How many numbers of the tree are subnormal."""
    return sum(int(((a != 0) & (np.abs(a) < np.finfo(a.dtype).smallest_normal)).sum()) for a in fn.tree.leaves(tree))


@every_optimizer
@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("step", [PERIOD, 2 * PERIOD])
def test_every_256th_update_leaves_no_subnormal_number(optimizer, dtype, step):
    params, state = settled_after(optimizer, dtype, step)
    assert subnormal((params, state)) == 0
    assert params[0][1] != 0


@pytest.mark.parametrize("dtype", FLOATS)
def test_any_other_update_is_that_of_the_formula(dtype):
    optimizer = fn.SGD(0.1, momentum=0.5)
    for step in (1, PERIOD - 1, PERIOD + 1):
        assert subnormal(settled_after(optimizer, dtype, step)[1]) == 2


@pytest.mark.parametrize("optimizer", [fn.Adam(eps=0.0), fn.RMSProp(eps=0.0), fn.Adagrad(eps=0.0)])
def test_without_eps_a_moment_that_is_divided_by_stays(optimizer):
    params, state = settled_after(optimizer, np.float32, PERIOD)
    assert np.isfinite(params[0]).all()
    assert all(moment.any() for moment in fn.tree.leaves(state.moments))


@pytest.mark.parametrize("dtype", FLOATS)
def test_all_other_numbers_stay(dtype):
    numbers = np.array([np.nan, np.inf, -np.inf, 0, 1, np.finfo(dtype).smallest_normal], dtype)
    assert fn.tree.equal(without_subnormals(numbers), numbers)
    assert fn.tree.equal(without_subnormals(np.array(3, dtype)), np.array(3, dtype))


def test_float16_keeps_its_subnormal_numbers_which_are_much_of_its_range():
    optimizer, params = fn.SGD(0.0, momentum=0.5), (np.array([1.0], np.float16),)
    state = fn.OptimizerState(PERIOD - 1, ((np.array([1e-6], np.float16),),))
    _, state = optimizer.update(params, fn.tree.zeros_like(params), state)
    assert 0 < state.moments[0][0][0] < 1e-6
