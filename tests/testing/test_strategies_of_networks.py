"""The strategies of layers and networks draw what is valid, all that there is, and shrink to what is short."""

import math
from functools import cache

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import Phase, assume, given, settings
from numpy.testing import assert_allclose

import funcnet as fn
from funcnet import tree
from funcnet.layers.composites import Sequential
from funcnet.layers.layer import layers_in
from funcnet.layers.merging import SideBySide
from funcnet.testing import strategies
from tests.passes import passes
from tests.testing.finding import simplest, some

pytestmark = pytest.mark.slow  # hundreds of values are drawn for each

PUBLIC = [getattr(fn, name) for name in fn.__all__]
LAYERS = [kind for kind in PUBLIC if isinstance(kind, type) and issubclass(kind, fn.Layer) and kind is not fn.Layer]
OF_THEIR_INPUT = [
    *(fn.Sum, fn.Multiply, fn.Concatenate, fn.Select),
    *(fn.GroupNorm, fn.Embedding, fn.SimpleCell),
]
NO_FEATURES = st.sampled_from([(0,), (2, 0), (0, 3)])


@cache
def models(shape):
    """Many models, for laws that hold for all of them."""
    drawn = []
    draw = given(strategies.models(shape))(lambda model: drawn.append(model))
    settings(max_examples=500, phases=[Phase.generate])(draw)()
    return drawn


def parts(model):
    """The model and all layers inside it."""
    return [model, *(part for layer in layers_in(model) for part in parts(layer))]


def nesting(model):
    return 1 + max(map(nesting, model.layers), default=0) if hasattr(model, "layers") else 0


def joins(model, joining):
    return getattr(model, "joining", None) is joining


# --- Layers and models ---


@given(st.data(), strategies.layers(), strategies.shapes(max_dims=3) | NO_FEATURES)
def test_layers_take_any_shape(data, layer, shape):
    x = data.draw(strategies.inputs(shape))
    y = layer.apply(layer.init(fn.Key(0), shape), x)
    assert y.shape == x.shape[: x.ndim - len(shape)] + layer.output_shape(shape)


@pytest.mark.slow
@pytest.mark.parametrize("kind", [kind for kind in LAYERS if kind not in (*OF_THEIR_INPUT, fn.Standardize)])
def test_every_layer_occurs(kind):
    some(strategies.layers(), lambda layer: type(layer) is kind)
    assert any(type(part) is kind for model in models((3,)) for part in parts(model))


@pytest.mark.slow
@pytest.mark.parametrize("kind", OF_THEIR_INPUT)
def test_every_layer_that_depends_on_its_input_occurs(kind):
    some(strategies.models((2, 4)) | strategies.models((4,), n_ids=3), lambda m: kind in map(type, parts(m)))


@pytest.mark.slow
@pytest.mark.parametrize("shape", [((3,), (2,)), ((3,), ((2,), (2, 2)))])
@given(st.data())
def test_models_of_several_inputs_are_valid(shape, data):
    model, x = data.draw(strategies.models(shape, 1)), data.draw(strategies.inputs(shape))
    params = data.draw(strategies.params(model, shape))
    y, cache = model.forward(params, x)
    dx, grads = model.backward(params, cache, y)
    assert [a.shape for a in tree.leaves_like(x, dx)] == [a.shape for a in tree.leaves(x)]
    tree.leaves_like(params, grads, "grads")


@pytest.mark.slow
@given(st.data())
def test_models_of_ids_take_ids(data):
    model, x = data.draw(strategies.models((4,), 1, n_ids=5)), data.draw(strategies.labels(5, (2, 4)))
    params = data.draw(strategies.params(model, (4,)))
    y, cache = model.forward(params, x)
    assert y.shape == (2, *model.output_shape((4,)))
    assert model.backward(params, cache, y)[0] is None


@pytest.mark.parametrize(
    "layer",
    [fn.Linear(4), fn.Linear(1, bias=False), fn.LeakyReLU(), fn.LeakyReLU(0.5), fn.ELU(), fn.ELU(0.0), fn.Dropout(1)],
)
def test_options_are_drawn(layer):
    some(strategies.layers(), lambda drawn: drawn == layer)


@pytest.mark.slow
@given(st.data(), strategies.shapes(max_dims=3) | NO_FEATURES, st.integers(0, 3), st.booleans())
def test_models_are_valid(data, shape, depth, in_training):
    model, x = data.draw(strategies.models(shape, depth)), data.draw(strategies.inputs(shape))
    params = data.draw(strategies.params(model, shape))
    assume(not in_training or math.prod(x.shape[: x.ndim - len(shape)]) != 1)  # a BatchNorm needs two rows
    y_shape = x.shape[: x.ndim - len(shape)] + model.output_shape(shape)
    dy = data.draw(strategies.arrays(y_shape))
    y, dx, grads = passes(model.training(fn.Key(0)) if in_training else model, params, x, dy)
    assert (y.shape, dx.shape) == (y_shape, x.shape)
    assert all(np.isfinite(leaf).all() for leaf in [y, dx, *tree.leaves_like(params, grads)])


def has_three(model):
    return len(model.layers) == len(set(model.layers)) == 3


COMBINATIONS = {
    "nothing": lambda m: m == fn.sequential(),
    "sequential": lambda m: isinstance(m, Sequential) and has_three(m),
    "add": lambda m: joins(m, fn.Sum) and has_three(m),
    "concatenate": lambda m: joins(m, SideBySide) and has_three(m),
    "residual": lambda m: joins(m, fn.Sum) and m.layers[0] == fn.Identity() and fn.Linear(3) in parts(m),
    "add in concatenate": lambda m: joins(m, SideBySide) and any(joins(part, fn.Sum) for part in m.layers),
    "concatenate in add": lambda m: joins(m, fn.Sum) and any(joins(part, SideBySide) for part in parts(m)),
}


@pytest.mark.slow
@pytest.mark.parametrize("condition", COMBINATIONS.values(), ids=COMBINATIONS)
@pytest.mark.parametrize("shape", [(3,), (2, 3)])
def test_every_combinator_occurs(condition, shape):
    assert sum(condition(part) for model in models(shape) for part in parts(model)) > 15


@pytest.mark.slow
@pytest.mark.parametrize("joining", [fn.Sum, SideBySide])
def test_branches_keep_all_axes_or_are_all_flattened(joining):
    joined = [model for model in models((2, 3)) if joins(model, joining) and len(model.layers) > 1]
    assert {len(model.output_shape((2, 3))) for model in joined} == {1, 2}
    widths = [{layer.output_shape((2, 3))[-1] for layer in model.layers} for model in joined]
    assert any(len(of_one_model) > 1 for of_one_model in widths) == (joining is SideBySide)


@pytest.mark.parametrize("depth", [1, 2, 3, 4])
def test_models_are_nested_to_the_depth(depth):
    some(strategies.models((2,), depth), lambda model: nesting(model) >= depth)


@given(st.integers(0, 3).flatmap(lambda depth: st.tuples(st.just(depth), strategies.models((2, 2), depth))))
def test_models_are_nested_no_deeper(drawn):
    depth, model = drawn
    assert nesting(model) <= 3 * depth  # branches are in a sequential, and may be one that ends in what makes it fit


@pytest.mark.slow
def test_models_shrink_to_what_is_small():
    assert simplest(strategies.models((3,))) == fn.sequential()
    assert simplest(strategies.models((3,), 0)) == fn.Identity()
    assert simplest(strategies.models((3,)), lambda m: m.output_shape((3,)) == (4,)) == fn.Linear(4)


@pytest.mark.slow
@given(strategies.models((3,), depth=2), strategies.inputs((3,)), st.data())
def test_an_example_of_use_backward_is_linear(model, x, data):
    params = data.draw(strategies.params(model, (3,)))
    y, cache = model.forward(params, x)
    dy = data.draw(strategies.arrays(y.shape))
    once, twice = model.backward(params, cache, dy), model.backward(params, cache, 2 * dy)
    for a, b in zip(tree.leaves(once), tree.leaves(twice), strict=True):
        assert_allclose(2 * a, b, rtol=1e-12, atol=1e-290)
