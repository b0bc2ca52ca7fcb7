"""The L2 penalty against its formula and a central difference."""

import math

import numpy as np
import pytest

import funcnet as fn
from funcnet.tree import equal, leaves, named_leaves, ravel
from tests.values.is_a_value import assert_is_a_value

LAYER = fn.Linear(3, bias_init=fn.initializers.normal(1.0))
MODEL = fn.sequential(LAYER, fn.ReLU(), fn.residual(LAYER))


def some_params(dtype=np.float64):
    return MODEL.init(fn.Key(0), (2,), dtype), np.array(-1.5, dtype)


PARAMS = some_params()
PATHS = set(named_leaves(PARAMS))
BIASES = {"0.0.bias", "0.2.1.bias"}

# An exclusion, and the paths of PARAMS that it leaves out.
EXCLUSIONS = [
    (None, BIASES),
    ((), set()),
    ("*.weight", {"0.0.weight", "0.2.1.weight"}),
    (["0.0.*", "1"], {"0.0.weight", "0.0.bias", "1"}),
    ("*", PATHS),
    ("nothing", set()),
]
exclusions = pytest.mark.parametrize(("exclude", "excluded"), EXCLUSIONS)


def penalty_of(exclude, strength=0.3):
    return fn.L2(strength) if exclude is None else fn.L2(strength, exclude)


def gradient_of(penalty, params):
    return penalty.backward(penalty.forward(params)[1])


def test_the_biases_of_these_params_are_not_zero():
    assert PATHS > BIASES
    assert all(leaf.all() for leaf in leaves(PARAMS))


@exclusions
def test_the_value_is_half_the_strength_times_the_sum_of_squares(exclude, excluded):
    included = [leaf for path, leaf in named_leaves(PARAMS).items() if path not in excluded]
    squares = math.fsum(number**2 for leaf in included for number in leaf.ravel().tolist())
    value, _ = penalty_of(exclude).forward(PARAMS)
    assert np.ndim(value) == 0
    assert value == pytest.approx(0.3 / 2 * squares, rel=1e-14)


@exclusions
def test_the_gradient_is_the_strength_times_the_params(exclude, excluded):
    gradient = named_leaves(gradient_of(penalty_of(exclude), PARAMS))
    assert set(gradient) == PATHS
    for path, leaf in named_leaves(PARAMS).items():
        assert equal(gradient[path], np.zeros_like(leaf) if path in excluded else 0.3 * leaf)


@exclusions
def test_the_gradient_is_that_of_a_central_difference(exclude, excluded):
    penalty, (vector, unravel), h = penalty_of(exclude), ravel(PARAMS), 1e-5

    def value(v):
        return penalty.forward(unravel(v))[0]

    numeric = [(value(vector + step) - value(vector - step)) / (2 * h) for step in h * np.eye(vector.size)]
    np.testing.assert_allclose(ravel(gradient_of(penalty, PARAMS))[0], numeric, rtol=1e-6, atol=1e-9)


def test_the_bias_of_a_model_that_is_one_layer_is_excluded_too():
    params = fn.LinearParams(weight=np.array([[2.0]]), bias=np.array([3.0]))
    value, cache = fn.L2(1.0).forward(params)
    assert value == 2
    assert fn.L2(1.0).backward(cache) == fn.LinearParams(weight=np.array([[2.0]]), bias=np.array([0.0]))


def test_value_and_grad_adds_value_and_gradient_of_the_penalty():
    params, penalty = PARAMS[0], fn.L2(0.3, exclude=())
    arguments = (MODEL, fn.MeanSquaredError(), params, np.ones((4, 2)), np.zeros((4, 3)))
    bare_value, bare_grads = fn.value_and_grad(*arguments)
    value, grads = fn.value_and_grad(*arguments, penalty)
    assert value == pytest.approx(bare_value + penalty.forward(params)[0], rel=1e-14)
    assert equal(grads, fn.tree.map(np.add, bare_grads, gradient_of(penalty, params)))


# --- Dtypes, edges ---


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("strength", [0.3, np.float64(0.3), np.float32(0.3), 1])
def test_the_gradient_keeps_structure_and_dtype(dtype, strength):
    params = some_params(dtype)
    gradient = gradient_of(fn.L2(strength), params)
    assert {path: (leaf.shape, leaf.dtype) for path, leaf in named_leaves(gradient).items()} == {
        path: (leaf.shape, dtype) for path, leaf in named_leaves(params).items()
    }


@pytest.mark.parametrize(
    ("leaf", "squares"),
    [
        (np.ones(70_000, np.float16), 70_000),
        (np.full(4, 300, np.float16), 4 * 300**2),
        (np.full(4, 1e30, np.float32), 4e60),
        (np.full(4, 1e-30, np.float32), 4e-60),
    ],
    ids=["many ones in float16", "large in float16", "large in float32", "small in float32"],
)
def test_squares_and_their_sum_neither_overflow_nor_vanish(leaf, squares):
    assert fn.L2(1.0).forward((leaf,))[0] == pytest.approx(squares / 2, rel=1e-6, abs=0)


@pytest.mark.parametrize("params", [(), ((), None), np.zeros((0, 3))])
def test_no_params_cost_nothing(params):
    value, cache = fn.L2(0.3).forward(params)
    assert value == 0
    assert equal(fn.L2(0.3).backward(cache), params)


def test_params_stay_as_they_were_and_share_no_memory_with_the_gradient():
    params = (np.ones(3), np.full(2, 2.0))
    gradient = gradient_of(fn.L2(0.3, exclude="1"), params)
    assert equal(params, (np.ones(3), np.full(2, 2.0)))
    assert not any(np.shares_memory(a, b) for a in gradient for b in params)


def test_a_strength_of_0_adds_nothing():
    assert fn.L2(0.0).forward(PARAMS)[0] == 0
    assert not ravel(gradient_of(fn.L2(0.0), PARAMS))[0].any()


@pytest.mark.parametrize("strength", [-0.1, -math.inf, math.nan])
def test_a_bad_strength_is_refused(strength):
    with pytest.raises(ValueError, match="strength"):
        fn.L2(strength)


@exclusions
def test_a_penalty_is_a_value(exclude, excluded):
    assert_is_a_value(penalty_of(exclude))


def test_one_pattern_is_a_tuple_of_one():
    assert fn.L2(0.3, "*.bias") == fn.L2(0.3, ("*.bias",)) != fn.L2(0.3, ())
