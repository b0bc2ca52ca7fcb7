"""What every optimizer obeys and no law asks, as the pure function and the value that it is."""

import itertools
from copy import deepcopy

import attrs
import numpy as np
import pytest

import funcnet as fn
from funcnet.tree import equal, leaves
from tests.optimizers.cases import (
    GRADIENTS,
    OPTIMIZERS,
    PARAMS,
    STEPS,
    WITHOUT_DECAY,
    after,
    every_optimizer,
    some_grads,
    some_tree,
)
from tests.passes import FLOATS, every_dtype
from tests.values.is_a_value import assert_is_a_value

# --- Laws ---


@pytest.mark.parametrize("optimizer", WITHOUT_DECAY)
@every_dtype
def test_zero_grads_on_a_fresh_state_are_the_identity(optimizer, dtype):
    limits = np.finfo(dtype)
    edges = np.array([0.0, -0.0, limits.smallest_subnormal, limits.tiny, limits.max, limits.min], dtype)
    params = (*some_tree(0, dtype), edges)
    moved, _ = optimizer.update(params, fn.tree.zeros_like(params), optimizer.init(params))
    assert equal(moved, params)


@every_optimizer
def test_the_order_of_children_does_not_matter(optimizer):
    params, state = after(optimizer)
    backwards, backwards_state = after(optimizer, PARAMS[::-1], [grads[::-1] for grads in GRADIENTS])
    assert equal(backwards[::-1], params)
    assert equal(tuple(moment[::-1] for moment in backwards_state.moments), state.moments)


@every_optimizer
def test_params_and_state_keep_the_dtype_of_params(optimizer):
    for dtype, of_grads in itertools.product(FLOATS, FLOATS):
        gradients = [some_grads(step, of_grads) for step in range(2, 4)]
        for tree in after(optimizer, some_tree(0, dtype), gradients):
            assert {leaf.dtype for leaf in leaves(tree)} <= {np.dtype(dtype)}


@every_optimizer
def test_leaves_of_different_dtypes_keep_each_its_own(optimizer):
    params = (np.ones(2, np.float32), np.ones(2, np.float64), np.array(1, np.float32))
    new, _ = after(optimizer, params, [params])
    assert [leaf.dtype for leaf in new] == [np.float32, np.float64, np.float32]
    assert all(isinstance(leaf, np.ndarray) for leaf in new)


@every_optimizer
def test_a_numpy_scalar_as_an_option_is_the_number_it_is(optimizer):
    numeric = {name: value for name, value in attrs.asdict(optimizer).items() if isinstance(value, float)}
    same = attrs.evolve(optimizer, **{name: np.float64(value) for name, value in numeric.items()})
    params, gradients = some_tree(0, np.float32), [some_grads(step, np.float32) for step in range(STEPS)]
    assert same == optimizer
    assert equal(after(same, params, gradients), after(optimizer, params, gradients))


@every_optimizer
def test_with_frozen_leaves_inputs_stay_and_share_no_memory_with_outputs(optimizer):
    optimizer = attrs.evolve(optimizer, frozen=("1",))
    params, grads = (np.ones(3), np.full(2, 2.0)), (np.full(3, 0.5), np.ones(2))
    state = after(optimizer, params, [grads])[1]
    before = deepcopy((params, grads, state))
    outputs = optimizer.update(params, grads, state)
    assert equal((params, grads, state), before)
    assert not any(np.shares_memory(a, b) for a in leaves(outputs) for b in (*params, *grads))


@every_optimizer
def test_updated_params_are_read_only(optimizer):
    for leaf in leaves(after(optimizer, gradients=GRADIENTS[:1])):
        with pytest.raises(ValueError, match="read-only"):
            leaf[...] = 0


@every_optimizer
@pytest.mark.parametrize("params", [(), ((), None, ((),)), None])
def test_a_tree_without_leaves_works(optimizer, params):
    new, state = optimizer.update(params, params, optimizer.init(params))
    assert equal(new, params)
    assert state.step == 1


@every_optimizer
def test_leaves_of_size_zero_and_a_bare_leaf_work(optimizer):
    for params in (np.zeros((0, 3)), np.array(2.0), np.float64(2.0)):
        new, _ = optimizer.update(params, params, optimizer.init(params))
        assert new.shape == params.shape


# --- Values ---

VALUES = [
    *OPTIMIZERS,
    fn.Adam(fn.schedules.warmup(5, fn.schedules.cosine(0.1, steps=20)), frozen="0.*"),
    fn.SGD(0.1, frozen=["0.*", "*.bias"]),
]


@pytest.mark.parametrize("optimizer", VALUES)
def test_an_optimizer_is_a_value(optimizer):
    assert_is_a_value(optimizer)


def test_optimizers_with_other_options_are_not_equal():
    assert len(set(VALUES)) == len(VALUES)


def test_an_optimizer_is_frozen():
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        fn.SGD(0.1).learning_rate = 0.2


def test_centered_rms_prop_takes_the_root_of_no_negative_number():
    optimizer = fn.RMSProp(0.1, alpha=0.5, centered=True)
    params, _ = after(optimizer, (np.ones(3),), [(np.array([0.1, 0.3, 0.7]),)] * 100)
    assert np.isfinite(params[0]).all()
