"""sgd_step and clip_by_global_norm against their formulas."""

import math

import numpy as np
import pytest

import funcnet as fn
from funcnet.tree import equal, named_leaves, ravel
from tests.optimizers.cases import PARAMS, some_grads, some_tree
from tests.passes import every_dtype

# --- sgd_step ---


@every_dtype
def test_sgd_step_is_params_minus_learning_rate_times_grads(dtype):
    params, grads = some_tree(0, dtype), some_grads(2, dtype)
    new = fn.sgd_step(params, grads, 0.25)
    assert equal(new, fn.tree.map(lambda p, g: p - dtype(0.25) * g, params, grads))


def test_sgd_step_refuses_grads_that_would_broadcast():
    with pytest.raises(fn.TreeError, match=r"grads must .* shape \(3,\) at 0, got shape \(3, 1\)"):
        fn.sgd_step((np.ones(3),), (np.ones((3, 1)),), 0.1)


@pytest.mark.parametrize("rate", [-0.1, math.nan])
def test_sgd_step_refuses_a_bad_learning_rate(rate):
    with pytest.raises(ValueError, match="learning_rate"):
        fn.sgd_step(PARAMS, PARAMS, rate)


# --- clip_by_global_norm ---


def global_norm(tree):
    return math.sqrt(math.fsum(number**2 for number in ravel(tree)[0].tolist()))


@pytest.mark.parametrize("limit", [1e-3, 1.0, global_norm(PARAMS)])
@pytest.mark.parametrize("scale", [1.001, 3.0, 1e100, 1e300])
def test_clipped_grads_have_the_limit_for_norm_and_the_same_direction(limit, scale):
    grads = some_tree(0)
    clipped = fn.clip_by_global_norm(fn.tree.map(lambda g: g * scale, grads), limit)
    assert global_norm(clipped) == pytest.approx(limit, rel=1e-14)
    np.testing.assert_allclose(ravel(clipped)[0], ravel(grads)[0] * (limit / global_norm(grads)), rtol=1e-14)


@pytest.mark.parametrize("limit", [global_norm(PARAMS) * 1.001, 1e300, math.inf])
def test_grads_below_the_limit_keep_their_bits(limit):
    assert equal(fn.clip_by_global_norm(PARAMS, limit), PARAMS)


@pytest.mark.parametrize("grads", [fn.tree.zeros_like(PARAMS), (), (np.zeros((0, 3)),)])
@pytest.mark.parametrize("limit", [0.0, 1.0])
def test_grads_of_norm_0_are_never_scaled(grads, limit):
    assert equal(fn.clip_by_global_norm(grads, limit), grads)


def test_a_limit_of_0_gives_zeros():
    assert not ravel(fn.clip_by_global_norm(PARAMS, 0.0))[0].any()


@every_dtype
@pytest.mark.parametrize("limit", [0.5, np.float64(0.5), np.float32(0.5), 1])
def test_clipped_grads_keep_structure_and_dtype(dtype, limit):
    clipped = fn.clip_by_global_norm(some_tree(0, dtype), limit)
    assert {path: (leaf.shape, leaf.dtype) for path, leaf in named_leaves(clipped).items()} == {
        path: (leaf.shape, dtype) for path, leaf in named_leaves(PARAMS).items()
    }


@pytest.mark.parametrize("limit", [-1.0, math.nan])
def test_a_bad_limit_is_refused(limit):
    with pytest.raises(ValueError, match="limit must not be negative or NaN, got"):
        fn.clip_by_global_norm(PARAMS, limit)
