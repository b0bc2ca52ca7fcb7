"""Whole numbers and bits are the numbers that they are; what is no number is a type error."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import funcnet as fn
from funcnet import tree
from funcnet.testing.cases.case import map_shapes
from funcnet.tree import map_flow
from tests.layers.cases import as_type, batched
from tests.layers.row import every_row
from tests.layers.table import ROWS
from tests.passes import FLOATS, every_dtype, value_and_dy

LOSSES = [fn.MeanSquaredError(), fn.SoftmaxCrossEntropy(), fn.SigmoidBinaryCrossEntropy(), fn.BinaryCrossEntropy()]
every_layer = every_row(ROWS)
every_loss = pytest.mark.parametrize("loss", LOSSES)
whole = pytest.mark.parametrize("kind", [np.int64, np.int8, np.uint8, bool])
X, ONE_HOT = np.array([[1, 0, 1], [0, 0, 1]]), np.array([[0, 1, 0], [1, 0, 0]])


@whole
@every_layer
def test_integers_and_bits_are_the_numbers_that_they_are_and_have_no_gradient(row, kind):
    layer, shape, draw = row.layer, row.shapes[0], np.random.default_rng(0)
    params = layer.init(fn.Key(0), shape, np.float64)
    x = map_shapes(lambda each: draw.integers(0, 2, each), batched((2,), shape))
    y, cache = layer.forward(params, as_type(x, kind))
    expected, expected_cache = layer.forward(params, as_type(x, np.float32))
    if not row.keeps_integers:
        assert tree.equal(y, expected)
    for array, other in zip(tree.leaves(y), tree.leaves(expected), strict=True):
        assert_array_equal(array, other)
    dy = map_flow(np.ones_like, expected)
    dx, grads = layer.backward(params, cache, dy)
    assert dx == map_flow(lambda part: None, x)
    assert tree.equal(grads, layer.backward(params, expected_cache, dy)[1])


@whole
@every_dtype
def test_whole_numbers_take_the_dtype_of_the_params(kind, dtype):
    params = fn.Linear(2).init(fn.Key(0), (3,), dtype)
    y, cache = fn.Linear(2).forward(params, X.astype(kind))
    _, grads = fn.Linear(2).backward(params, cache, np.ones_like(y))
    assert {leaf.dtype for leaf in tree.leaves((y, grads))} == {np.dtype(dtype)}


@pytest.mark.parametrize("dtype_of_x", FLOATS)
@every_dtype
def test_floats_take_the_dtype_of_the_params(dtype, dtype_of_x):
    params = fn.Linear(2).init(fn.Key(0), (3,), dtype)
    assert fn.Linear(2).apply(params, X.astype(dtype_of_x)).dtype == dtype


@whole
@every_loss
def test_losses_of_whole_numbers_are_those_of_floats(loss, kind):
    value, dy = value_and_dy(loss, X.astype(kind), ONE_HOT)
    expected, expected_dy = value_and_dy(loss, X.astype(float), ONE_HOT.astype(float))
    assert value == expected
    assert value.dtype == expected.dtype
    assert_array_equal(dy, expected_dy)


NO_NUMBERS = [
    np.array([["a", "b", "c"]]),
    np.zeros((1, 3), "M8[s]"),
    np.zeros((1, 3), [("a", float)]),
    [[b"a", b"b", b"c"]],
]
no_numbers = pytest.mark.parametrize("x", NO_NUMBERS, ids=["strings", "dates", "records", "bytes"])


@no_numbers
@every_row([row for row in ROWS if () in row.batches])
def test_what_is_not_a_number_is_a_type_error(row, x):
    layer, shapes, wrong = row.layer, batched((1,), row.shapes[0]), np.ravel(x)[0]
    params = layer.init(fn.Key(0), row.shapes[0])
    with pytest.raises(TypeError, match="expected numbers"):
        layer.forward(params, x if shapes == (1, 3) else map_shapes(lambda shape: np.full(shape, wrong), shapes))
    y, cache = layer.forward(params, map_shapes(np.ones, shapes))
    with pytest.raises(TypeError, match="expected numbers"):
        layer.backward(params, cache, map_flow(lambda part: np.full(part.shape, wrong), y))


@no_numbers
@every_loss
def test_a_prediction_or_target_that_is_not_a_number_is_a_type_error(loss, x):
    with pytest.raises(TypeError, match="expected numbers"):
        loss.forward(x, np.ones((1, 3)))
    with pytest.raises(TypeError, match="expected numbers"):
        loss.forward(np.full((1, 3), 0.5), x)


@pytest.mark.parametrize("kind", [np.complex64, np.complex128, object])
@every_dtype
def test_complex_or_object_input_to_real_params_is_a_type_error(dtype, kind):
    params = fn.Linear(2).init(fn.Key(0), (3,), dtype)
    with pytest.raises(TypeError, match=f"expected numbers of {np.dtype(dtype)}, got {np.dtype(kind)}"):
        fn.Linear(2).forward(params, np.ones((1, 3), kind))


@pytest.mark.parametrize("kind", [np.complex128, object])
@every_loss
def test_a_complex_or_object_target_of_real_predictions_is_a_type_error(loss, kind):
    with pytest.raises(TypeError, match="expected numbers of float64"):
        loss.forward(np.full((1, 3), 0.5), np.ones((1, 3), kind))


@pytest.mark.parametrize("kind", [complex, object])
def test_params_cast_to_complex_or_object_take_such_input(kind):
    layer = fn.Linear(2)
    params = layer.init(fn.Key(0), (3,), np.float64)
    y, cache = layer.forward(tree.cast(params, kind), X.astype(kind))
    dx, grads = layer.backward(tree.cast(params, kind), cache, np.ones_like(y))
    real_y, real_cache = layer.forward(params, X.astype(float))
    expected = real_y, *layer.backward(params, real_cache, np.ones_like(real_y))
    assert {leaf.dtype for leaf in tree.leaves((y, dx, grads))} == {np.dtype(kind)}
    for leaf, real in zip(tree.leaves((y, dx, grads)), tree.leaves(expected), strict=True):
        assert_allclose(leaf.astype(complex), real, rtol=1e-14)
