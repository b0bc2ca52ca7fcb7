"""LayerNorm, RMSNorm and GroupNorm against mathematics: also for constant rows, huge numbers and tiny ones."""

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

import funcnet as fn
from funcnet import tree
from tests.against_torch import assert_same, tensor
from tests.layers.cases import normal, some_pass
from tests.oracles import exactly
from tests.passes import passes

LAYERS = [fn.LayerNorm(), fn.LayerNorm(affine=False), fn.RMSNorm(), fn.GroupNorm(1), fn.GroupNorm(2)]
WITH_PARAMS = [layer for layer in LAYERS if layer != fn.LayerNorm(affine=False)]
CENTERED = [fn.LayerNorm(), fn.GroupNorm(1)]
every_layer = pytest.mark.parametrize("layer", LAYERS, ids=repr)
every_centered = pytest.mark.parametrize("layer", CENTERED, ids=repr)
NUMBERS = st.one_of(
    st.floats(-1e300, 1e300), st.floats(-1, 1), st.sampled_from([0.0, 5e-324, 1e8 + 0.1, 1e200, -1e200])
)
ROWS = st.integers(1, 6).flatmap(lambda n: st.tuples(*[st.lists(NUMBERS, min_size=n, max_size=n)]))


def some_params(layer, n, dtype=np.float64):
    """Params with another weight and bias than those of `init`."""
    return tree.map(lambda leaf: (leaf + 1 + np.arange(n) / 4).astype(dtype), layer.init(fn.Key(0), (n,), dtype))


# --- The textbook's formulas, for Decimals ---


def normalized(x, epsilon, is_centered=True):
    mean = sum(x) / len(x) if is_centered else Decimal(0)
    deviation = (sum((a - mean) ** 2 for a in x) / len(x) + epsilon).sqrt()
    return [(a - mean) / deviation for a in x], deviation


def normalized_dx(x, dy, epsilon, is_centered=True):
    z, deviation = normalized(x, epsilon, is_centered)
    along = sum(a * b for a, b in zip(z, dy, strict=True)) / len(x)
    mean = sum(dy) / len(x) if is_centered else 0
    return [(b - mean - a * along) / deviation for a, b in zip(z, dy, strict=True)]


@given(ROWS, st.sampled_from([fn.LayerNorm(), fn.LayerNorm(0.5), fn.RMSNorm(), fn.RMSNorm(0.5), fn.GroupNorm(1)]))
def test_y_and_dx_of_any_row_are_those_of_the_formula_in_exact_arithmetic(rows, layer):
    (x,), is_centered = rows, not isinstance(layer, fn.RMSNorm)
    dy = normal(len(x)) + 0.25
    y, dx, _ = passes(layer, layer.init(fn.Key(0), (len(x),), float), np.array(x), dy)
    assert_allclose(y, exactly(lambda x, e: normalized(x, e, is_centered)[0], x, layer.epsilon), rtol=0, atol=1e-14)
    expected = exactly(lambda x, dy, e: normalized_dx(x, dy, e, is_centered), x, dy, layer.epsilon)
    size = exactly(lambda x, e: 1 / normalized(x, e, is_centered)[1], x, layer.epsilon)
    assert_allclose(dx, expected, rtol=0, atol=1e-13 * size * np.abs(dy).max() + 5e-324)


def test_groups_are_rows_of_their_own():
    x, dy, epsilon = [1.0, 3.0, -2.0, 0.5, 1e8 + 0.1, 1e8], normal(6), 1e-5
    y, dx, _ = passes(fn.GroupNorm(3), fn.GroupNorm(3).init(fn.Key(0), (6,), float), np.array(x), dy)
    for i in (0, 2, 4):
        group = slice(i, i + 2)
        assert_allclose(y[group], exactly(lambda x, e: normalized(x, e)[0], x[group], epsilon), rtol=1e-14)
        assert_allclose(dx[group], exactly(normalized_dx, x[group], dy[group], epsilon), rtol=1e-9)


@pytest.mark.parametrize("layer", WITH_PARAMS, ids=repr)
def test_a_weight_and_a_bias_come_after_the_normalization(layer):
    params = some_params(layer, 4)
    x, dy, bias = normal((5, 4)), normal((5, 4), 1), getattr(params, "bias", None)
    plain = layer.init(fn.Key(0), (4,), float)
    z = layer.apply(plain, x)
    y, dx, grads = passes(layer, params, x, dy)
    assert_allclose(y, z * params.weight + (0 if bias is None else bias), rtol=1e-15)
    assert_allclose(dx, passes(layer, plain, x, dy * params.weight)[1], rtol=1e-13, atol=1e-15)
    assert_allclose(grads.weight, (dy * z).sum(axis=0), rtol=1e-14)
    assert bias is None or np.allclose(grads.bias, dy.sum(axis=0), rtol=1e-14)


# --- Constant rows, huge and tiny numbers ---

CONSTANTS = [(0.0, np.float64), (5.0, np.float64), (1e8 + 0.1, np.float64), (-1e200, np.float64), (1e308, np.float64),
             (5e-324, np.float64), (0.1, np.float32), (3e38, np.float32), (1e-45, np.float32), (0.1, np.float16),
             (65504.0, np.float16)]  # fmt: skip


@every_centered
@pytest.mark.parametrize("n", [1, 2, 7, 1000])
@pytest.mark.parametrize(("number", "dtype"), CONSTANTS)
def test_a_constant_row_gives_the_bias_and_the_dx_of_epsilon_alone(layer, n, number, dtype):
    params = tree.map(lambda leaf: leaf + leaf.dtype.type(0.5), layer.init(fn.Key(0), (n,), dtype))
    dy = (np.arange(n) % 4).astype(dtype)
    y, dx, grads = passes(layer, params, np.full(n, number, dtype), dy)
    assert tree.equal(y, params.bias)
    assert tree.equal(grads.weight, np.zeros(n, dtype))
    expected = 1.5 * (dy - dy.mean(dtype=float)) / np.sqrt(1e-5)
    assert_allclose(dx, expected, rtol=10 * np.finfo(dtype).eps, atol=1e3 * np.finfo(dtype).eps)


@every_layer
def test_a_row_of_huge_numbers_is_normalized_as_any(layer):
    x = np.array([1e200, 0, -1e200] * 2)
    params = layer.init(fn.Key(0), (6,), float)
    y, dx, _ = passes(layer, params, x, normal(6))
    assert_allclose(y, np.sqrt(1.5) * np.sign(x), rtol=1e-15)
    assert 0 < np.abs(dx).max() < 1e-199
    assert np.isfinite(layer.apply(params, np.array([1.7e308, -1.7e308, 0, 1, 1e308, -1e-300]))).all()


@every_layer
@pytest.mark.parametrize(("tiny", "dtype"), [(5e-324, np.float64), (1e-300, np.float64), (1e-45, np.float32)])
def test_rows_of_tiny_numbers_are_divided_by_the_root_of_epsilon(layer, tiny, dtype):
    x = np.array([1, -1] * 4, dtype) * dtype(tiny)
    y, dx, _ = passes(layer, layer.init(fn.Key(0), (8,), dtype), x, np.array([1, -2, 1, 2] * 2, dtype))
    assert_allclose(
        y, x.astype(float) / np.sqrt(layer.epsilon), rtol=1e-6, atol=10 * np.finfo(dtype).smallest_subnormal
    )
    assert np.isfinite(dx).all()
    assert np.abs(dx).max() > 100


@pytest.mark.parametrize("layer", [fn.LayerNorm(), fn.LayerNorm(affine=False), fn.GroupNorm(1)], ids=repr)
def test_float16_rows_of_70000_features_overflow_nowhere(layer):
    n = 70_000
    x, ones = np.resize(np.array([3, 5], np.float16), n), np.ones(n, np.float16)
    y, dx, grads = passes(layer, layer.init(fn.Key(0), (n,), np.float16), x, ones)
    assert tree.equal(y, np.resize(np.array([-1, 1], np.float16), n))
    assert np.abs(dx).max() < 1e-6  # y does not change if all x do
    assert {leaf.dtype for leaf in tree.leaves((y, dx, grads))} == {np.dtype(np.float16)}


@every_layer
def test_float16_numbers_whose_squares_overflow(layer):
    x = np.array([60000, -60000] * 2, np.float16)
    y, dx, _ = passes(layer, layer.init(fn.Key(0), (4,), np.float16), x, np.array([1, 2, 3, 5], np.float16))
    assert y.tolist() == [1, -1, 1, -1]
    assert np.isfinite(dx).all()


def test_float16_gradients_of_a_batch_are_summed_in_float32():
    x, ones = np.tile(np.array([3, 5], np.float16), (30_000, 1)), np.ones((30_000, 2), np.float16)
    _, _, grads = passes(fn.LayerNorm(), fn.LayerNorm().init(fn.Key(0), (2,), np.float16), x, ones)
    assert grads.bias.tolist() == [30_000, 30_000]
    assert grads.weight.tolist() == [-30_000, 30_000]


# --- Symmetries ---


@every_layer
@pytest.mark.parametrize("shape", [(2,), (4,), (6,), (64,), (3, 4), (5, 1, 2)], ids=str)
def test_the_bits_of_a_row_do_not_depend_on_other_rows(layer, shape):
    params, x, dy = some_pass(layer, shape, (7,))
    for other in (normal(shape), np.full(shape, 1e300), np.zeros(shape), np.full(shape, np.nan)):
        x[3] = other
        y, dx, _ = passes(layer, params, x, dy)
        for i in range(7):
            for alone in (i, slice(i, i + 1)):
                one = passes(layer, params, x[alone], dy[alone])
                assert tree.equal(one[:2], (y[alone], dx[alone])) or np.isnan(x[i]).all()


@every_centered
def test_a_constant_that_is_added_to_a_row_changes_no_bit_where_it_is_added_exactly(layer):
    x = np.random.default_rng(0).integers(-64, 64, (5, 8)) / 16
    params = layer.init(fn.Key(0), (8,), float)
    for shift in (-1.0, 0.25, 1024.0, 2.0**40):
        assert tree.equal(layer.apply(params, x + shift), layer.apply(params, x))
    dx = passes(layer, params, x, normal((5, 8)))[1]
    assert_allclose(dx.sum(axis=-1), 0, atol=1e-14)


@pytest.mark.parametrize("kind", [fn.LayerNorm, fn.RMSNorm, lambda epsilon: fn.GroupNorm(2, epsilon)])
@pytest.mark.parametrize("k", [-20, 3, 200])
def test_x_and_epsilon_times_powers_of_two_change_no_bit(kind, k):
    x, epsilon, params = normal((5, 8)), 2.0**-10, kind(1.0).init(fn.Key(0), (8,), float)
    assert tree.equal(kind(epsilon * 4.0**k).apply(params, x * 2.0**k), kind(epsilon).apply(params, x))


def test_one_group_of_features_is_layer_normalization():
    params, x, dy = some_pass(fn.LayerNorm(), (6,), (2, 3))
    y, dx, grads = passes(fn.GroupNorm(1), fn.GroupNorm(1).init(fn.Key(0), (6,), float), x, dy)
    theirs = passes(fn.LayerNorm(), params, x, dy)
    assert tree.equal((y, dx, grads.weight, grads.bias), (*theirs[:2], theirs[2].weight, theirs[2].bias))


def test_a_group_for_each_feature_gives_the_bias_or_normalizes_along_the_other_axes():
    params = fn.GroupNorm(4).init(fn.Key(0), (4,), float)
    assert tree.equal(fn.GroupNorm(4).apply(params, normal((5, 4))), np.zeros((5, 4)))
    x = normal((5, 7, 4))
    y = fn.GroupNorm(4).apply(fn.GroupNorm(4).init(fn.Key(0), (7, 4), float), x)
    rows = fn.LayerNorm(affine=False).apply((), np.moveaxis(x, 1, 2))
    assert_allclose(y, np.moveaxis(rows, 1, 2), rtol=1e-13, atol=1e-15)


# --- Integers and errors ---


@every_layer
@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.int64, bool])
def test_integers_are_floats_of_the_params_and_have_no_gradient(layer, dtype):
    x, params = np.array([[200, 100, 3, 0], [7, 7, 1, 0]]).astype(dtype), layer.init(fn.Key(0), (4,))
    y, dx, grads = passes(layer, params, x, np.ones((2, 4), np.float32))
    as_floats = passes(layer, params, x.astype(np.float32), np.ones((2, 4), np.float32))
    assert tree.equal((y, grads), as_floats[::2])
    assert dx is None


LAYER, RMS, GROUP = LAYERS[0], LAYERS[2], LAYERS[4]
OF_4 = {layer: layer.init(fn.Key(0), (4,), float) for layer in LAYERS}
X, KEY = np.ones((2, 4)), fn.Key(0)


@pytest.mark.parametrize("kind", [fn.LayerNorm, fn.RMSNorm, lambda epsilon: fn.GroupNorm(1, epsilon), fn.BatchNorm])
@pytest.mark.parametrize("epsilon", [0, 0.0, -1e-5, np.nan])
def test_epsilon_must_be_above_0(kind, epsilon):
    with pytest.raises(ValueError, match="'epsilon' must be > 0"):
        kind(epsilon=epsilon)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda: fn.GroupNorm(3).init(KEY, (4,)), "3 groups do not divide n=4 features"),
        (lambda: fn.GroupNorm(3).output_shape((2, 4)), "3 groups do not divide n=4 features"),
        (lambda: fn.GroupNorm(3).apply(OF_4[GROUP], X), "3 groups do not divide n=4 features"),
        (lambda: GROUP.apply(GROUP.init(KEY, (5, 4)), X[0]), r"expected x with 2 axes .*, got \(4,\)"),
        (lambda: LAYER.init(KEY, ()), "must have at least one axis"),
        (lambda: LAYERS[1].apply((), np.array(1.0)), "must have at least one axis"),
        *[(lambda layer=layer: layer.apply(OF_4[layer], X[:, :1]), r"n=4\), got \(2, 1\)") for layer in WITH_PARAMS],
        *[(lambda layer=layer: layer.apply(OF_4[layer], (X, X)), "takes one array, got a tuple") for layer in LAYERS],
        *[(lambda layer=layer: layer.init(KEY, ((4,), (4,))), "takes one array, got a tuple") for layer in LAYERS],
    ],
)  # fmt: skip
def test_a_shape_that_does_not_fit_is_a_shape_error(wrong, words):
    with pytest.raises(fn.ShapeError, match=words):
        wrong()


@pytest.mark.parametrize(
    ("layer", "params"),
    [
        (LAYER, ()),
        (LAYER, None),
        (LAYER, OF_4[GROUP]),
        (LAYER, OF_4[RMS]),
        (RMS, OF_4[LAYER]),
        (GROUP, OF_4[LAYER]),
        (LAYERS[1], OF_4[LAYER]),
        (LAYER, fn.NormParams(np.ones(4), np.ones(1))),
        (LAYER, fn.NormParams(np.ones((4, 1)), np.ones(4))),
        (LAYER, fn.NormParams(np.array(1.0), np.array(0.0))),
        (GROUP, fn.GroupNormParams(np.ones(4), np.ones(1), 1)),
    ],
)
def test_params_of_another_layer_are_a_tree_error_in_both_passes(layer, params):
    _, cache = layer.forward(OF_4[layer], X)
    for use in (lambda: layer.forward(params, X), lambda: layer.backward(params, cache, X)):
        with pytest.raises(fn.TreeError, match=r"expected \w+ with weight \(n,\) and .*, got|the layer has no params"):
            use()


# --- PyTorch ---


def in_torch(torch, layer, x, weight, bias=None):
    """PyTorch's y for x (5, 3, 4); its GroupNorm has the features before the other axes."""
    functions = torch.nn.functional
    if isinstance(layer, fn.RMSNorm):
        return functions.rms_norm(x, (4,), weight, layer.epsilon)
    if isinstance(layer, fn.LayerNorm):
        return functions.layer_norm(x, (4,), weight, bias, layer.epsilon)
    return functions.group_norm(x.movedim(-1, 1), layer.groups, weight, bias, layer.epsilon).movedim(1, -1)


@pytest.mark.parametrize("layer", [fn.LayerNorm(0.25), fn.RMSNorm(), *map(fn.GroupNorm, (1, 2, 4))], ids=repr)
@pytest.mark.parametrize(("dtype", "rtol"), [(np.float64, 1e-11), (np.float32, 1e-4)])
def test_y_dx_and_grads_are_those_of_pytorch(layer, dtype, rtol):
    torch = pytest.importorskip("torch")
    params = tree.map(lambda leaf: leaf + np.arange(4, dtype=dtype) / 4, layer.init(fn.Key(0), (3, 4), dtype))
    x, dy = (3 * normal((5, 3, 4)) + 1).astype(dtype), normal((5, 3, 4), 1).astype(dtype)
    inputs = [tensor(x), *map(tensor, tree.leaves(params))]
    y = in_torch(torch, layer, *inputs)
    theirs = [y, *torch.autograd.grad(y, inputs, torch.tensor(dy))]
    assert_same(tree.leaves(passes(layer, params, x, dy)), theirs, rtol, rtol)
