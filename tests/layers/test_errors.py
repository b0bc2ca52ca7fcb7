"""What every layer refuses: the dy, cache or params of a different layer, and options that make no sense."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import funcnet as fn
from funcnet import tree
from funcnet.tree import map_flow
from tests.layers.cases import some_pass
from tests.layers.table import every_layer


@every_layer
def test_a_dy_of_a_different_shape_is_an_error(layer, shape):
    params, x, dy = some_pass(layer, shape, (5,))
    y, cache = layer.forward(params, x)
    short = map_flow(lambda part: part[:3], dy)
    with pytest.raises(fn.ShapeError, match="shape of y") as error:
        layer.backward(params, cache, short)
    assert str(tree.leaves(y)[0].shape) in str(error.value)
    assert str(tree.leaves(short)[0].shape) in str(error.value)


@every_layer
def test_a_cache_of_a_different_layer_is_an_error(layer, shape):
    params, x, dy = some_pass(layer, shape, (5,))
    other = fn.Elementwise(np.arctan, np.cos)
    _, cache = other.forward((), tree.leaves(x)[0])
    with pytest.raises(fn.CacheError) as error:
        layer.backward(params, cache, dy)
    layers = getattr(layer, "layers", None)  # which would fill a page
    named = repr(layer) if layers is None else f"{layer.name} of {len(layers)} layer"
    assert f"expected a cache from {named}" in str(error.value)
    assert repr(other) in str(error.value)
    with pytest.raises(fn.CacheError, match="got ndarray"):
        layer.backward(params, tree.leaves(x)[0], dy)


@every_layer
def test_params_of_a_different_structure_are_an_error(layer, shape):
    _, x, _ = some_pass(layer, shape, (5,))
    with pytest.raises(fn.TreeError, match=r"expected .* got"):
        layer.forward((np.ones(3),), x)


@pytest.mark.parametrize("other", [(), fn.LinearParams(np.ones((3, 2))), fn.LinearParams(np.ones((3, 4)), np.ones(4))])
def test_linear_wants_the_params_of_such_a_layer_in_both_passes(other):
    layer = fn.Linear(2)
    params, x, dy = some_pass(layer, (3,), (5,))
    with pytest.raises(fn.TreeError, match="expected"):
        layer.forward(other, x)
    _, cache = layer.forward(params, x)
    with pytest.raises(fn.TreeError, match="expected"):
        layer.backward(other, cache, dy)


@pytest.mark.parametrize("x", [np.ones(4), np.ones((3, 2)), np.array(1.0)], ids=np.shape)
def test_linear_names_the_shapes_it_can_not_multiply(x):
    params = fn.Linear(2).init(fn.Key(0), (3,))
    with pytest.raises(fn.ShapeError, match="n_in=3") as error:
        fn.Linear(2).forward(params, x)
    assert str(x.shape) in str(error.value)


@pytest.mark.parametrize("x", [np.ones((3, 2)), np.ones(3), np.array(1.0)], ids=np.shape)
def test_flatten_names_the_shapes_it_can_not_flatten(x):
    params = fn.Flatten().init(fn.Key(0), (2, 3))
    with pytest.raises(fn.ShapeError, match=r"\.\.\., 2, 3") as error:
        fn.Flatten().forward(params, x)
    assert str(x.shape) in str(error.value)


@pytest.mark.parametrize("layer", [fn.Linear(2), fn.Softmax(), fn.LogSoftmax()])
def test_a_layer_of_rows_needs_an_axis(layer):
    with pytest.raises(fn.ShapeError):
        layer.output_shape(())
    with pytest.raises(fn.ShapeError):
        layer.forward(layer.init(fn.Key(0), (1,)), np.array(1.0))


def test_an_elementwise_function_may_not_change_the_shape():
    layer = fn.Elementwise(np.sum, np.ones_like)
    with pytest.raises(fn.ShapeError, match=r"keep the shape of x, \(5,\), got \(\)"):
        layer.forward((), np.ones(5))


def test_an_elementwise_function_may_return_its_argument():
    layer, x = fn.Elementwise(lambda x: x, np.ones_like), np.ones(3)
    y = layer.apply((), x)
    with pytest.raises(ValueError, match="read-only"):
        y[0] = 7
    assert_array_equal(x, np.ones(3))


@pytest.mark.parametrize("number", [-0.1, np.nan])
@pytest.mark.parametrize("layer", [fn.LeakyReLU, fn.ELU])
def test_a_slope_below_the_axis_is_an_error(layer, number):
    with pytest.raises(ValueError, match=">= 0"):
        layer(number)


@pytest.mark.parametrize("n_out", [-1, 2.5, "3"])
def test_linear_counts_its_outputs(n_out):
    with pytest.raises((ValueError, TypeError)):
        fn.Linear(n_out)
