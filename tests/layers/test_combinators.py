"""Combinators are layers: the laws that every one of them obeys, alone and nested."""

import itertools
import pickle

import numpy as np
import pytest

import funcnet as fn
from funcnet import tree
from tests.layers.combinators import models, one_pass
from tests.passes import every_batch, overwrite, passes


@models
@every_batch
def test_backward_agrees_with_central_differences(model, shape, batch):
    params, x, _, cache, dy = one_pass(model, shape, batch)
    dx, grads = model.backward(params, cache, dy)
    vector, unravel = tree.ravel((params, x))

    def loss(numbers):
        return np.sum(dy * model.apply(*unravel(numbers)))

    steps = 1e-5 * np.eye(vector.size)
    expected = [(loss(vector + step) - loss(vector - step)) / 2e-5 for step in steps]
    np.testing.assert_allclose(tree.ravel((grads, dx))[0], expected, rtol=1e-6, atol=1e-8)


@models
@every_batch
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_structure_shapes_and_dtypes(model, shape, batch, dtype):
    params, x, y, cache, dy = one_pass(model, shape, batch, dtype)
    dx, grads = model.backward(params, cache, dy)
    assert (y.shape, y.dtype) == (batch + model.output_shape(shape), dtype)
    assert (dx.shape, dx.dtype) == (x.shape, dtype)
    assert tree.equal(tree.zeros_like(grads), tree.zeros_like(params))
    assert all(leaf.dtype == dtype for leaf in tree.leaves(params))


@models
@every_batch
def test_params_backward_is_backward_without_dx(model, shape, batch):
    params, _, _, cache, dy = one_pass(model, shape, batch)
    assert tree.equal(model.params_backward(params, cache, dy), model.backward(params, cache, dy)[1])


@models
def test_apply_is_forward_without_cache(model, shape):
    params, x, y, _, _ = one_pass(model, shape)
    assert tree.equal(model.apply(params, x), y)


@models
def test_a_cache_can_be_used_twice_and_after_another_forward_pass(model, shape):
    params, x, _, cache, dy = one_pass(model, shape)
    first = model.backward(params, cache, dy)
    model.forward(params, x + 1)
    assert tree.equal(model.backward(params, cache, dy), first)


@models
def test_cache_and_params_survive_pickle(model, shape):
    params, _, _, cache, dy = one_pass(model, shape)
    copies = pickle.loads(pickle.dumps((model, params, cache)))
    assert tree.equal(copies[0].backward(*copies[1:], dy), model.backward(params, cache, dy))


@models
def test_passes_take_write_protected_arrays_and_leave_them_as_they_are(model, shape):
    params, x, _, _, dy = one_pass(model, shape)
    expected = passes(model, params, x, dy)
    before = x.tobytes(), dy.tobytes(), [leaf.tobytes() for leaf in tree.leaves(params)]
    x.flags.writeable = dy.flags.writeable = False
    assert tree.equal(passes(model, params, x, dy), expected)
    assert before == (x.tobytes(), dy.tobytes(), [leaf.tobytes() for leaf in tree.leaves(params)])


@models
def test_writing_into_y_changes_nothing_that_is_computed_later(model, shape):
    params, x, y, cache, dy = one_pass(model, shape)
    expected, x_before = passes(model, params, x, dy), x.copy()
    overwrite(y)
    assert np.array_equal(x, x_before)
    assert tree.equal(model.backward(params, cache, dy), expected[1:])
    assert tree.equal(passes(model, params, x, dy), expected)


@models
def test_writing_into_dx_changes_nothing_that_is_computed_later(model, shape):
    params, x, _, cache, dy = one_pass(model, shape)
    expected, dy_before = passes(model, params, x, dy), dy.copy()
    dx, grads = model.backward(params, cache, dy)
    overwrite(dx)
    assert np.array_equal(dy, dy_before)
    assert tree.equal(grads, expected[2])
    assert tree.equal(passes(model, params, x, dy), expected)


@models
def test_grads_share_no_memory_with_params_or_dy(model, shape):
    params, _, _, cache, dy = one_pass(model, shape)
    grads = tree.leaves(model.backward(params, cache, dy)[1])
    others = [*tree.leaves(params), dy]
    assert not any(np.shares_memory(a, b) for a, b in itertools.product(grads, others))
    assert not any(np.shares_memory(a, b) for a, b in itertools.combinations(grads, 2))


@pytest.mark.parametrize("n_in", [0, 3])
def test_an_empty_batch_passes_a_network_and_leaves_zero_gradients(n_in):
    model = fn.sequential(fn.Linear(4), fn.GELU(), fn.Dropout(0.5), fn.Linear(2), fn.LogSoftmax()).training(fn.Key(1))
    params = model.init(fn.Key(0), (n_in,))
    y, cache = model.forward(params, np.zeros((0, n_in)))
    dx, grads = model.backward(params, cache, np.zeros_like(y))
    assert (y.shape, dx.shape) == ((0, 2), (0, n_in))
    assert tree.equal(grads, tree.zeros_like(params))
