"""Layers against central differences and textbook formulas, and the laws that every layer obeys."""

from fractions import Fraction

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import funcnet as fn
from funcnet import tree
from tests import oracles
from tests.oracles import exactly, pulled_back

BATCHES = [(), (1,), (0,), (5,), (2, 3)]
EXACT = 1e-15  # four roundings
DROPPING = fn.Dropout(0.3).training(fn.Key(1))
BIAS = fn.initializers.normal(1.0)

# Layers that act on each number, with the textbook's y and dy/dx.
SQUARE = fn.Elementwise(np.square, lambda x: 2 * x)
FORMULAS = [
    (fn.ReLU(), lambda x: max(x, 0), lambda x: int(x > 0)),
    (fn.LeakyReLU(0.125), lambda x: max(x, x / 8), lambda x: 1 if x > 0 else 1 / 8),
    (fn.ELU(), oracles.elu, oracles.elu_derivative),
    (fn.ELU(2.0), lambda x: oracles.elu(x, 2), lambda x: oracles.elu_derivative(x, 2)),
    (fn.GELU(), oracles.gelu, oracles.gelu_derivative),
    (fn.SiLU(), oracles.silu, oracles.silu_derivative),
    (fn.Sigmoid(), oracles.sigmoid, oracles.sigmoid_derivative),
    (fn.Tanh(), oracles.tanh, oracles.tanh_derivative),
    (fn.Softplus(), oracles.softplus, oracles.sigmoid),
    (SQUARE, lambda x: x * x, lambda x: 2 * x),
    (fn.Identity(), lambda x: x, lambda x: 1),
    (fn.Dropout(0.3), lambda x: x, lambda x: 1),
]
ELEMENTWISE = [layer for layer, _, _ in FORMULAS]
NORMALIZING = [(fn.Softmax(), oracles.softmax), (fn.LogSoftmax(), oracles.log_softmax)]

# (layer, input shape)
LAYERS = [
    *((layer, shape) for layer in [*ELEMENTWISE, DROPPING] for shape in [(3,), ()]),
    *((layer, shape) for layer, _ in NORMALIZING for shape in [(4,), (1,), (2, 3), (0,)]),
    (fn.Linear(4, bias_init=BIAS), (3,)),
    (fn.Linear(4, bias=False), (3,)),
    (fn.Linear(2, bias_init=BIAS), (2, 3)),
    (fn.Linear(4, bias_init=BIAS), (0,)),
    (fn.Linear(0), (3,)),
    (fn.Flatten(), (2, 3)),
    (fn.Flatten(), ()),
    (fn.Flatten(), (0, 2)),
]
every_layer = pytest.mark.parametrize(("layer", "shape"), LAYERS, ids=str)
every_bounded_layer = pytest.mark.parametrize(
    ("layer", "shape"), [row for row in LAYERS if not isinstance(row[0], fn.Linear) and row[0] != SQUARE], ids=str
)
every_layer_of_rows = pytest.mark.parametrize(  # what Dropout drops depends on the position in the batch
    ("layer", "shape"), [row for row in LAYERS if row[0] != DROPPING], ids=str
)
every_batch = pytest.mark.parametrize("batch", BATCHES, ids=str)


def name(value):
    return str(value) if isinstance(value, fn.Layer) else ""


def some_numbers(shape, seed=0):
    """Random numbers of either sign from 0.25 to 2: away from the kinks at 0."""
    draw = np.random.default_rng(seed)
    return np.asarray(draw.uniform(0.25, 2, shape) * draw.choice([-1, 1], shape))


def some_pass(layer, shape, batch=(), dtype=np.float64):
    """params, x, and a dy of the shape of y."""
    params = layer.init(fn.Key(0), shape, dtype)
    dy = some_numbers(batch + layer.output_shape(shape), seed=1)
    return params, some_numbers(batch + shape).astype(dtype), dy.astype(dtype)


def passes(layer, params, x, dy):
    """y, dx and grads."""
    y, cache = layer.forward(params, x)
    return y, *layer.backward(params, cache, dy)


def same_bits(results, others):
    return all(tree.equal(a, b) for a, b in zip(results, others, strict=True))


def assert_close(results, others, rtol=1e-13):
    for a, b in zip(tree.leaves(results), tree.leaves(others), strict=True):
        assert a.shape == b.shape
        assert_allclose(a, b, rtol=rtol, atol=rtol)


# --- Values and gradients ---


@every_batch
@every_layer
def test_gradients_are_those_of_central_differences(layer, shape, batch):
    params, x, dy = some_pass(layer, shape, batch)
    _, dx, grads = passes(layer, params, x, dy)
    vector, unravel = tree.ravel(params)
    expected_dx = pulled_back(lambda x: layer.apply(params, x), x, dy)
    expected_grads = pulled_back(lambda vector: layer.apply(unravel(vector), x), vector, dy)
    # 1e-11 is the rounding of the difference, where the gradient is 0.
    assert_allclose(dx, expected_dx, rtol=1e-6, atol=1e-11)
    assert_allclose(tree.ravel(grads)[0], expected_grads, rtol=1e-6, atol=1e-11)


@pytest.mark.parametrize(("layer", "f", "derivative"), FORMULAS, ids=name)
def test_y_and_dx_are_the_textbooks(layer, f, derivative):
    x = np.concatenate([some_numbers(5), [-10.0, -3.5, -0.01, 1e-5, 0.7, 6.0, 12.0]])
    y, dx, grads = passes(layer, (), x, np.full(x.shape, 2.0))
    assert_allclose(y, [exactly(f, number) for number in x], rtol=1e-14)
    assert_allclose(dx, [2 * exactly(derivative, number) for number in x], rtol=1e-14, atol=EXACT)
    assert grads == ()


@pytest.mark.parametrize(("layer", "f"), NORMALIZING, ids=name)
def test_rows_are_normalized_by_the_textbook(layer, f):
    x = some_numbers((3, 4)) * 5
    # LogSoftmax is a difference of numbers of this size: 2e-15 is their rounding, where p is close to 1.
    assert_allclose(layer.apply((), x), [exactly(f, row) for row in x], rtol=1e-14, atol=2e-15)


@pytest.mark.parametrize("bias", [True, False])
def test_linear_is_exact_on_dyadic_numbers(bias):
    n, m = 3, 4
    sixteenths = np.random.default_rng(0).integers(-64, 64, 100) / 16
    weight, x, dy = sixteenths[: n * m].reshape(n, m), sixteenths[12:27].reshape(5, n), sixteenths[27:47].reshape(5, m)
    b = sixteenths[50:54] if bias else None
    y, dx, grads = passes(fn.Linear(m, bias=bias), fn.LinearParams(weight, b), x, dy)

    def total(terms):
        return float(sum(terms, Fraction(0)))

    exact = np.vectorize(Fraction, otypes=[object])
    w, xs, dys, bs = exact(weight), exact(x), exact(dy), exact(b if bias else np.zeros(m))
    rows, ins, outs = range(5), range(n), range(m)
    assert_array_equal(y, [[total([bs[j], *(xs[i, k] * w[k, j] for k in ins)]) for j in outs] for i in rows])
    assert_array_equal(dx, [[total(dys[i, j] * w[k, j] for j in outs) for k in ins] for i in rows])
    assert_array_equal(grads.weight, [[total(xs[i, k] * dys[i, j] for i in rows) for j in outs] for k in ins])
    if bias:
        assert_array_equal(grads.bias, [total(dys[i, j] for i in rows) for j in outs])
    else:
        assert grads.bias is None


@every_batch
def test_flatten_keeps_the_batch_and_the_order_of_the_features(batch):
    params, x, dy = some_pass(fn.Flatten(), (2, 3), batch)
    y, dx, grads = passes(fn.Flatten(), params, x, dy)
    assert y.shape == (*batch, 6)
    for i, j in np.ndindex(2, 3):
        assert_array_equal(y[..., 3 * i + j], x[..., i, j])
        assert_array_equal(dx[..., i, j], dy[..., 3 * i + j])
    assert grads == params


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


def overwrite(array):
    """Write into the array, unless it is read-only."""
    if array.flags.writeable:
        array.fill(np.nan)


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


# --- Layouts and dtypes ---


def every_second(array):
    wide = np.full((*array.shape, 2), np.nan)
    wide[..., 0] = array
    return wide[..., 0]


LAYOUTS = {
    "Fortran": np.asfortranarray,
    "strided": every_second,
    "negative strides": lambda array: np.flip(np.flip(array).copy()),
    "read-only": lambda array: np.frombuffer(array.tobytes()).reshape(array.shape),
    "big-endian": lambda array: array.astype(">f8"),
}


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
@every_layer
def test_layout_does_not_matter(layer, shape, layout):
    params, x, dy = some_pass(layer, shape, (2, 3))
    laid_out = layout(x), layout(dy)
    assert_array_equal(laid_out[0], x)
    assert_close(passes(layer, params, *laid_out), passes(layer, params, x, dy))


@pytest.mark.parametrize("batch", [(), (5,)], ids=str)
@pytest.mark.parametrize("dtype", [np.float16, np.float32])
@every_layer
def test_dtype_is_kept(layer, shape, dtype, batch):
    params, x, dy = some_pass(layer, shape, batch, dtype)
    y, dx, grads = passes(layer, params, x, dy)
    assert isinstance(y, np.ndarray)
    assert isinstance(dx, np.ndarray)
    assert {leaf.dtype for leaf in tree.leaves((y, dx, grads))} == {np.dtype(dtype)}


@pytest.mark.parametrize(("dtype", "rtol"), [(np.float16, 1e-2), (np.float32, 1e-5)])
@every_layer
def test_lower_precision_agrees_to_rounding(layer, shape, dtype, rtol):
    params, x, dy = some_pass(layer, shape, (5,), dtype)
    exact = passes(layer, tree.cast(params, np.float64), x.astype(np.float64), dy.astype(np.float64))
    assert_close(passes(layer, params, x, dy), tree.cast(exact, dtype), rtol)


@pytest.mark.parametrize(
    ("dtype", "dtype_of_dy"), [(np.float32, np.float64), (np.float64, np.float32), (np.float16, np.float32)]
)
@every_layer
def test_dx_has_the_dtype_of_dy_and_grads_that_of_params(layer, shape, dtype, dtype_of_dy):
    params, x, dy = some_pass(layer, shape, (5,), dtype)
    y, dx, grads = passes(layer, params, x, dy.astype(dtype_of_dy))
    assert y.dtype == dtype
    assert dx.dtype == dtype_of_dy
    assert [leaf.dtype for leaf in tree.leaves(grads)] == [leaf.dtype for leaf in tree.leaves(params)]


# --- Finite, infinite, NaN ---


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@every_bounded_layer
def test_finite_in_finite_out(layer, shape, dtype):
    params, x, dy = some_pass(layer, shape, (5,), dtype)
    largest = float(np.finfo(dtype).max)
    for magnitude in (1e3, min(1e5, largest / 8), largest / 8):
        results = passes(layer, params, x * dtype(magnitude), dy)
        assert all(np.isfinite(leaf).all() for leaf in tree.leaves(results))


@every_layer
def test_nan_stays_in_its_row_and_is_not_swallowed(layer, shape):
    params, x, dy = some_pass(layer, shape, (5,))
    others = [0, 1, 3, 4]
    y, dx, _ = passes(layer, params, x, dy)
    x[2] = np.nan
    spoilt_y, cache = layer.forward(params, x)
    dy[2] = np.nan
    spoilt_dx, grads = layer.backward(params, cache, dy)
    assert_array_equal(spoilt_y[others], y[others])
    assert_array_equal(spoilt_dx[others], dx[others])
    kept = kept_by(layer, x.shape)[2] if layer == DROPPING else ...
    if x.size and y.size:
        assert np.isnan(spoilt_y[2][kept]).all()
        assert np.isnan(spoilt_dx[2][kept]).all()
        assert all(np.isnan(leaf).all() for leaf in tree.leaves(grads))


# --- Errors ---


@every_layer
def test_a_dy_of_another_shape_is_an_error(layer, shape):
    params, x, dy = some_pass(layer, shape, (5,))
    y, cache = layer.forward(params, x)
    with pytest.raises(fn.ShapeError, match="shape of y") as error:
        layer.backward(params, cache, dy[:3])
    assert str(y.shape) in str(error.value)
    assert str(dy[:3].shape) in str(error.value)


@every_layer
def test_a_cache_of_another_layer_is_an_error(layer, shape):
    params, x, dy = some_pass(layer, shape, (5,))
    other = fn.Elementwise(np.sin, np.cos)
    _, cache = other.forward((), x)
    with pytest.raises(fn.CacheError) as error:
        layer.backward(params, cache, dy)
    assert repr(layer) in str(error.value)
    assert repr(other) in str(error.value)
    with pytest.raises(fn.CacheError, match="got ndarray"):
        layer.backward(params, x, dy)


@every_layer
def test_params_of_another_structure_are_an_error(layer, shape):
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


@pytest.mark.parametrize("layer", [fn.Linear(2), fn.Softmax(), fn.LogSoftmax()], ids=str)
def test_a_layer_of_rows_needs_an_axis(layer):
    with pytest.raises(fn.ShapeError):
        layer.output_shape(())
    with pytest.raises(fn.ShapeError):
        layer.forward(layer.init(fn.Key(0), (1,)), np.array(1.0))


def test_an_elementwise_function_may_not_change_the_shape():
    layer = fn.Elementwise(np.sum, np.ones_like)
    with pytest.raises(fn.ShapeError, match=r"keep the shape \(5,\), got \(\)"):
        layer.forward((), np.ones(5))


def test_an_elementwise_function_may_return_its_argument():
    layer, x = fn.Elementwise(lambda x: x, np.ones_like), np.ones(3)
    y = layer.apply((), x)
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


# --- Dropout ---


def kept_by(layer, shape, dtype=np.float64):
    return layer.apply((), np.ones(shape, dtype)) != 0


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
def test_dropout_drops_each_number_with_its_rate(rate):
    n = 100_000
    kept = kept_by(fn.Dropout(rate).training(fn.Key(0)), (n // 10, 10))
    deviation = np.sqrt(rate * (1 - rate) / n)  # of the binomial distribution's mean
    assert abs(kept.mean() - (1 - rate)) < 4 * deviation
    assert np.abs(kept.mean(axis=0) - (1 - rate)).max() < 4 * deviation * np.sqrt(10)
    neighbours = np.mean(kept[:, 1:] & kept[:, :-1])  # independent draws: both are kept with (1 - rate)**2
    assert abs(neighbours - (1 - rate) ** 2) < 0.01


@pytest.mark.parametrize("rate", [0.0, 0.3, 0.5, 0.9])
def test_what_dropout_keeps_is_scaled_in_both_directions(rate):
    layer = fn.Dropout(rate).training(fn.Key(3))
    x, dy = some_numbers((40, 5)), some_numbers((40, 5), seed=1)
    y, dx, _ = passes(layer, (), x, dy)
    kept = kept_by(layer, x.shape)
    assert_allclose(y, np.where(kept, x / (1 - rate), 0), rtol=EXACT)
    assert_allclose(dx, np.where(kept, dy / (1 - rate), 0), rtol=EXACT)


def test_the_key_decides_what_is_dropped():
    layer, shape = fn.Dropout(0.5), (1000,)
    kept = kept_by(layer.training(fn.Key(0)), shape)
    assert_array_equal(kept_by(layer.training(fn.Key(0)), shape), kept)
    assert_array_equal(kept_by(layer.training(fn.Key(0)), shape, np.float32), kept)
    for other in (fn.Key(1), fn.Key(0).fold_in("dropout")):
        differing = np.mean(kept_by(layer.training(other), shape) != kept)
        assert abs(differing - 0.5) < 4 * np.sqrt(0.25 / 1000)


def test_inference_ignores_what_training_draws():
    x = some_numbers((5, 3))
    assert_array_equal(fn.Dropout(0.5).apply((), x), x)
    assert fn.Dropout(0.5).training(fn.Key(0)) != fn.Dropout(0.5)
    assert fn.Linear(3).training(fn.Key(0)) == fn.Linear(3)
