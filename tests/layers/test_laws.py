"""The laws that every layer obeys: purity, structure, linearity, and what a batch is to its rows."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from funcnet import tree
from tests.layers.cases import assert_close, every_layer, every_layer_of_rows, same_bits, some_numbers, some_pass
from tests.passes import every_batch, overwrite, passes

# --- Purity ---


@every_layer
def test_inputs_are_left_as_they_were(layer, shape):
    params, x, dy = some_pass(layer, shape, (5,))
    arrays = [x, dy, *tree.leaves(params)]
    for array in arrays:
        array.flags.writeable = False
    before = [array.tobytes() for array in arrays]
    passes(layer, params, x, dy)
    assert [array.tobytes() for array in arrays] == before


@every_layer
def test_a_pass_repeated_or_interleaved_gives_the_same_bits(layer, shape):
    params, x, dy = some_pass(layer, shape, (5,))
    y, cache = layer.forward(params, x)
    first = layer.backward(params, cache, dy)
    _, other_cache = layer.forward(params, -2 * x)
    layer.backward(params, other_cache, -3 * dy)
    assert same_bits(layer.backward(params, cache, dy), first)
    assert same_bits(layer.forward(params, x)[:1], (y,))
    assert same_bits((layer.apply(params, x),), (y,))


@every_layer
def test_writing_into_an_output_changes_nothing_computed_later(layer, shape):
    params, x, dy = some_pass(layer, shape, (5,))
    before = x.tobytes(), dy.tobytes()
    expected = passes(layer, params, x, dy)
    y, cache = layer.forward(params, x)
    overwrite(y)
    dx, grads = layer.backward(params, cache, dy)
    overwrite(dx)
    assert (x.tobytes(), dy.tobytes()) == before
    assert same_bits((grads,), expected[2:])
    assert same_bits(layer.backward(params, cache, dy), expected[1:])
    assert same_bits(passes(layer, params, x, dy), expected)


@every_layer
def test_gradients_share_no_memory(layer, shape):
    params, x, dy = some_pass(layer, shape, (5,))
    y, dx, grads = passes(layer, params, x, dy)
    leaves = tree.leaves(grads)
    for index, leaf in enumerate(leaves):
        others = [x, y, dx, dy, *tree.leaves(params), *leaves[:index]]
        assert not any(np.shares_memory(leaf, other) for other in others)


# --- Structure and linearity ---


@every_batch
@every_layer
def test_shapes_and_structure(layer, shape, batch):
    params, x, dy = some_pass(layer, shape, batch)
    y, dx, grads = passes(layer, params, x, dy)
    assert y.shape == batch + layer.output_shape(shape)
    assert dx.shape == x.shape
    assert tree.equal(tree.zeros_like(grads), tree.zeros_like(params))


@every_layer
def test_backward_is_linear_in_dy(layer, shape):
    params, x, u = some_pass(layer, shape, (5,))
    _, cache = layer.forward(params, x)
    v = some_numbers(u.shape, seed=2)
    of_u, of_v = layer.backward(params, cache, u), layer.backward(params, cache, v)
    assert_close(layer.backward(params, cache, u + v), tree.map(np.add, of_u, of_v))
    for factor in (0.0, 2.0**-30, -(2.0**7)):
        scaled = layer.backward(params, cache, factor * u)
        for leaf, expected in zip(tree.leaves(scaled), tree.leaves(of_u), strict=True):
            assert_array_equal(leaf, factor * expected)


# --- Batches ---


@every_layer_of_rows
def test_rows_permute_along(layer, shape):
    params, x, dy = some_pass(layer, shape, (5,))
    order = [3, 0, 4, 1, 2]
    y, dx, grads = passes(layer, params, x, dy)
    assert_close(passes(layer, params, x[order], dy[order]), (y[order], dx[order], grads))


@every_layer
def test_the_gradients_of_a_batch_are_the_sum_over_its_rows(layer, shape):
    params, x, dy = some_pass(layer, shape, (2, 3))
    _, _, grads = passes(layer, params, x, dy)
    rows = [passes(layer, params, x[index], dy[index])[2] for index in np.ndindex(2, 3)]
    assert_close(grads, tree.map(lambda *leaves: np.sum(leaves, axis=0), *rows))


@every_layer
def test_no_batch_is_a_batch_of_one(layer, shape):
    params, x, dy = some_pass(layer, shape)
    y, dx, grads = passes(layer, params, x, dy)
    assert_close((y[None], dx[None], grads), passes(layer, params, x[None], dy[None]))


@pytest.mark.parametrize("batch", [(0,), (2, 0), (0, 3)], ids=str)
@every_layer
def test_an_empty_batch_keeps_its_shapes_and_has_zero_gradients(layer, shape, batch):
    params, x, dy = some_pass(layer, shape, batch)
    y, dx, grads = passes(layer, params, x, dy)
    assert y.shape == batch + layer.output_shape(shape)
    assert dx.shape == batch + shape
    assert tree.equal(grads, tree.zeros_like(params))  # exactly
