"""The strategies draw what is valid, all that there is, and shrink to what is short."""

import inspect
import sys
from functools import cache
from importlib import import_module

import attrs
import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import Phase, find, given, settings
from numpy.testing import assert_allclose, assert_array_equal

import funcnet as fn
from funcnet import tree
from funcnet.layers.composites import Sequential
from funcnet.layers.merging import SideBySide, Sum
from funcnet.optimizers.optimizer import Optimizer
from funcnet.testing import strategies
from tests.passes import FLOATS, every_dtype, passes

pytestmark = pytest.mark.slow  # hundreds of values are drawn for each

PUBLIC = [item for item in (getattr(fn, name) for name in fn.__all__) if inspect.isclass(item)]
LAYERS = [kind for kind in PUBLIC if issubclass(kind, fn.Layer) and kind is not fn.Layer]
LOSSES = [kind for kind in PUBLIC if attrs.has(kind) and "reduction" in attrs.fields_dict(kind)]
OPTIMIZERS = [kind for kind in PUBLIC if issubclass(kind, Optimizer)]


def some(strategy, condition, phases=(Phase.generate,)):
    """Any value of which the condition holds, without the time it takes to find the simplest."""
    return find(strategy, condition, settings=settings(max_examples=2000, phases=phases))


def simplest(strategy, condition=lambda value: True):
    return some(strategy, condition, (Phase.generate, Phase.shrink))


@cache
def models(shape):
    """Many models, for what is asked of all of them."""
    drawn = []
    draw = given(strategies.models(shape))(lambda model: drawn.append(model))
    settings(max_examples=500, phases=[Phase.generate])(draw)()
    return drawn


def parts(model):
    """The model and all layers inside it."""
    return [model, *(part for layer in getattr(model, "layers", ()) for part in parts(layer))]


def nesting(model):
    return 1 + max(map(nesting, model.layers), default=0) if hasattr(model, "layers") else 0


def joins(model, joining):
    return getattr(model, "joining", None) is joining


# --- Numbers and arrays ---


@settings(max_examples=50)
@given(st.data(), strategies.batches(), st.sampled_from(FLOATS), st.sampled_from([0.5, 1.0, 64.0]))
def test_arrays_have_their_shape_and_dtype_and_numbers_of_modest_size(data, shape, dtype, scale):
    x = data.draw(strategies.arrays(shape, dtype, scale=scale))
    assert (x.shape, x.dtype) == (shape, dtype)
    assert ((x == 0) | ((abs(x) >= 2.0**-10 * scale) & (abs(x) <= 4 * scale))).all()
    assert x.flags.writeable


@every_dtype
@pytest.mark.parametrize("sign", [-1, 1])
def test_some_numbers_use_all_digits_of_the_dtype(dtype, sign):
    last = 2 * np.finfo(dtype).eps
    some(strategies.arrays((), dtype), lambda x: 2 <= sign * x < 4 and x / last % 2)


def test_arrays_shrink_to_zeros_then_to_small_integers_then_to_binary_fractions():
    assert not simplest(strategies.arrays((3, 4))).any()
    assert_array_equal([simplest(strategies.arrays((3,)), lambda x, i=i: x[i] > 0) for i in range(3)], np.eye(3))
    assert sorted(simplest(strategies.arrays((2,)), lambda x: x.min() < -1)) == [-2, 0]
    assert sorted(simplest(strategies.arrays((2,)), lambda x: ((x > 0) & (x < 1)).any())) == [0, 0.5]
    assert simplest(strategies.arrays((), scale=0.1), np.any) == 0.1


@pytest.mark.parametrize("shape", [(2, 2), (5, 5)])
def test_arrays_are_full_or_sparse_or_constant(shape):
    for condition in [np.all, lambda x: np.count_nonzero(x) == 1, lambda x: x.all() and np.ptp(x) == 0]:
        some(strategies.arrays(shape), condition)


@pytest.mark.slow
@settings(max_examples=20)
@given(strategies.arrays((50, 100)))
def test_large_arrays_are_cheap_to_draw(x):
    assert x.shape == (50, 100)


@given(strategies.shapes(max_dims=3, max_side=2))
def test_shapes_have_axes_that_are_not_empty(shape):
    assert 1 <= len(shape) <= 3
    assert set(shape) <= {1, 2}


@pytest.mark.parametrize(
    "condition", [lambda b: b == (), lambda b: b == (0,), lambda b: len(b) == 1 and b[0] > 2, lambda b: b == (2, 3)]
)
def test_batches_of_every_kind_stand_before_the_input_shape(condition):
    x = some(strategies.inputs((5, 6), np.float32), lambda x: condition(x.shape[:-2]))
    assert (x.shape[-2:], x.dtype) == ((5, 6), np.float32)


@given(st.integers(1, 5).flatmap(lambda n: st.tuples(st.just(n), strategies.labels(n))))
def test_labels_are_in_range(drawn):
    n, labels = drawn
    assert labels.dtype.kind == "i"
    assert set(labels.flat) <= set(range(n))


def test_every_label_occurs():
    for shape in [(2,), st.just((2,))]:
        labels = [some(strategies.labels(3, shape), lambda label, n=n: (label == n).all()) for n in range(3)]
        assert_array_equal(labels, [[0, 0], [1, 1], [2, 2]])


@given(strategies.batches().flatmap(lambda b: st.tuples(strategies.arrays((*b, 3)), strategies.labels(3, b))))
def test_labels_can_have_the_batch_of_something_else(logits_and_labels):
    assert fn.SoftmaxCrossEntropy("sum").forward(*logits_and_labels)[0] >= 0


def test_keys_have_large_seeds_positions_and_names():
    some(strategies.keys(), lambda key: key.seed > 2**64)
    some(strategies.keys(), lambda key: set(map(type, key.path)) == {int, str})


# --- Params ---

MODEL = fn.sequential(fn.Flatten(), fn.Linear(2), fn.ReLU(), fn.residual(fn.Linear(2, bias=False)))
NO_FEATURES = st.sampled_from([(0,), (2, 0), (0, 3)])


@settings(max_examples=50)
@given(st.data(), st.sampled_from(FLOATS))
def test_params_are_those_of_init_in_structure_shapes_and_dtype(data, dtype):
    params = data.draw(strategies.params(MODEL, (3, 1), dtype))
    leaves = tree.leaves_like(MODEL.init(fn.Key(0), (3, 1)), params)
    assert [leaf.dtype for leaf in leaves] == [dtype] * 3
    assert not any(leaf.flags.writeable for leaf in leaves)


@pytest.mark.parametrize("path", ["1.weight", "1.bias", "3.1.weight"])
def test_every_leaf_is_drawn(path):
    some(strategies.params(MODEL, (2, 1)), lambda params: tree.named_leaves(params)[path].all())


def test_params_shrink_to_zeros_wherever_they_do_not_matter():
    params = simplest(strategies.params(fn.Linear(1), (2,)), lambda params: params.bias.any())
    assert params == fn.LinearParams(np.zeros((2, 1)), np.ones(1))


# --- Layers and models ---


@given(st.data(), strategies.layers(), strategies.shapes(max_dims=3) | NO_FEATURES)
def test_layers_take_any_shape(data, layer, shape):
    x = data.draw(strategies.inputs(shape))
    y = layer.apply(layer.init(fn.Key(0), shape), x)
    assert y.shape == x.shape[: x.ndim - len(shape)] + layer.output_shape(shape)


@pytest.mark.slow
@pytest.mark.parametrize("kind", [kind for kind in LAYERS if kind.n_inputs == 1 or kind is fn.Identity])
def test_every_layer_occurs(kind):
    some(strategies.layers(), lambda layer: type(layer) is kind)
    assert any(type(part) is kind for model in models((3,)) for part in parts(model))


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
    "add": lambda m: joins(m, Sum) and has_three(m),
    "concatenate": lambda m: joins(m, SideBySide) and has_three(m),
    "residual": lambda m: joins(m, Sum) and m.layers[0] == fn.Identity() and fn.Linear(3) in parts(m),
    "add in concatenate": lambda m: joins(m, SideBySide) and any(joins(part, Sum) for part in m.layers),
    "concatenate in add": lambda m: joins(m, Sum) and any(joins(part, SideBySide) for part in parts(m)),
}


@pytest.mark.slow
@pytest.mark.parametrize("condition", COMBINATIONS.values(), ids=COMBINATIONS)
@pytest.mark.parametrize("shape", [(3,), (2, 3)])
def test_every_combinator_occurs(condition, shape):
    assert sum(condition(part) for model in models(shape) for part in parts(model)) > 15


@pytest.mark.slow
@pytest.mark.parametrize("joining", [Sum, SideBySide])
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
    assert nesting(model) <= 2 * depth  # a branch may be a sequential that ends in what makes it fit


@pytest.mark.slow
def test_models_shrink_to_what_is_small():
    assert simplest(strategies.models((3,))) == fn.sequential()
    assert simplest(strategies.models((3,), 0)) == fn.Identity()
    assert simplest(strategies.models((3,)), lambda m: m.output_shape((3,)) == (4,)) == fn.Linear(4)


def test_what_can_not_be_drawn_is_an_error_at_once():
    with pytest.raises(ValueError, match="n must be an integer of at least 1, got 0"):
        strategies.labels(0)
    with pytest.raises(fn.ShapeError, match="at least one axis"):
        strategies.models(())


@pytest.mark.slow
@given(strategies.models((3,), depth=2), strategies.inputs((3,)), st.data())
def test_an_example_of_use_backward_is_linear(model, x, data):
    params = data.draw(strategies.params(model, (3,)))
    y, cache = model.forward(params, x)
    dy = data.draw(strategies.arrays(y.shape))
    once, twice = model.backward(params, cache, dy), model.backward(params, cache, 2 * dy)
    for a, b in zip(tree.leaves(once), tree.leaves(twice), strict=True):
        assert_allclose(2 * a, b, rtol=1e-12, atol=1e-290)


# --- Losses and optimizers ---


@pytest.mark.parametrize("kind", LOSSES)
@pytest.mark.parametrize("reduction", ["mean", "batch", "sum"])
def test_every_loss_occurs(kind, reduction):
    some(strategies.losses(), lambda loss: loss == kind(reduction))


@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_every_option_of_every_optimizer_is_drawn(kind):
    default = attrs.asdict(kind(0.5))
    for name in set(default) - {"frozen"}:
        some(strategies.optimizers(), lambda o, name=name: type(o) is kind and getattr(o, name) != default[name])


@settings(max_examples=50)
@given(st.data(), strategies.optimizers())
def test_optimizers_update(data, optimizer):
    assert 0 < optimizer.learning_rate <= 1
    params, *gradients = data.draw(st.lists(strategies.params(fn.Linear(1), (1,)), min_size=2, max_size=4))
    state = optimizer.init(params)
    for grads in gradients:
        params, state = optimizer.update(params, grads, state)
        assert all(np.isfinite(leaf).all() for leaf in tree.leaves((params, state)))


def test_without_hypothesis_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "hypothesis", None)
    for name in [name for name in sys.modules if name.startswith("funcnet.testing.strategies")]:
        monkeypatch.delitem(sys.modules, name)
    with pytest.raises(fn.MissingExtraError, match=r'hypothesis is not installed: .* install "funcnet\[testing\]"'):
        import_module("funcnet.testing.strategies")
