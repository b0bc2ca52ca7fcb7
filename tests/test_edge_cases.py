"""What layers and losses do at the edges: in the tails, at infinity, with nothing, and with what makes no sense."""

import math

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import funcnet as fn
from funcnet import tree
from tests import oracles
from tests.oracles import exactly

INF = math.inf
ROUNDING = 1e-15  # relative, of a handful of operations in float64
FLOATS = [np.float16, np.float32, np.float64]
floats = pytest.mark.parametrize("dtype", FLOATS)
reductions = pytest.mark.parametrize("reduction", ["mean", "batch", "sum"])
averages = pytest.mark.parametrize("reduction", ["mean", "batch"])


def y_and_slope(layer, x):
    """y, and dx for a dy of ones."""
    x = np.asarray(x)
    y, cache = layer.forward((), x)
    return y, layer.backward((), cache, np.ones_like(y))[0]


def value_and_dy(loss, y, target):
    value, cache = loss.forward(np.asarray(y), np.asarray(target))
    return value, loss.backward(cache)


# --- The tails of what acts on each number ---

TAILS = [
    (fn.Sigmoid(), oracles.sigmoid, oracles.sigmoid_derivative),
    (fn.Tanh(), oracles.tanh, oracles.tanh_derivative),
    (fn.Softplus(), oracles.softplus, oracles.sigmoid),
    (fn.SiLU(), oracles.silu, oracles.silu_derivative),
    (fn.GELU(), oracles.gelu, oracles.gelu_derivative),
    (fn.ELU(), oracles.elu, oracles.elu_derivative),
]
tails = pytest.mark.parametrize(
    ("layer", "f", "derivative"), TAILS, ids=lambda value: getattr(value, "__name__", str(value))
)


@pytest.mark.parametrize("x", [-1000.0, -40.0, -1e-300, 0.0, 1e-300, 40.0, 1000.0])
@tails
def test_values_and_slopes_are_exact_in_the_tails(layer, f, derivative, x):
    y, dydx = y_and_slope(layer, x)
    assert_allclose(y, exactly(f, x), rtol=ROUNDING)
    assert_allclose(dydx, exactly(derivative, x), rtol=ROUNDING)


@pytest.mark.parametrize("x", [-80.0, -20.0, 20.0, 80.0])
@tails
def test_the_tails_are_exact_in_float32(layer, f, derivative, x):
    y, dydx = y_and_slope(layer, np.float32(x))
    assert_allclose(y, exactly(f, x), rtol=1e-6, atol=1e-45)
    assert_allclose(dydx, exactly(derivative, x), rtol=1e-6, atol=1e-45)


@pytest.mark.parametrize("x", [-30.0, -20.0, -10.0, -5.0])
def test_gelu_is_as_exact_as_the_rounding_of_x_allows(x):
    y, dydx = y_and_slope(fn.GELU(), x)
    amplified = x * x * ROUNDING  # exp(-x**2 / 2) makes it of the rounding of x
    assert_allclose(y, exactly(oracles.gelu, x), rtol=amplified)
    assert_allclose(dydx, exactly(oracles.gelu_derivative, x), rtol=amplified)


def test_tails_by_hand():
    assert_allclose(y_and_slope(fn.Sigmoid(), -40.0)[0], math.exp(-40) / (1 + math.exp(-40)), rtol=ROUNDING)
    assert_allclose(y_and_slope(fn.Sigmoid(), 40.0)[1], math.exp(-40), rtol=ROUNDING)
    assert_allclose(y_and_slope(fn.Tanh(), -20.0)[1], 4 * math.exp(-40), rtol=ROUNDING)
    assert_allclose(y_and_slope(fn.Softplus(), -40.0)[0], math.log1p(math.exp(-40)), rtol=ROUNDING)
    assert_allclose(y_and_slope(fn.ELU(), -1e-10)[0], math.expm1(-1e-10), rtol=ROUNDING)
    assert_allclose(y_and_slope(fn.GELU(), -5.0)[0], -5 * math.erfc(5 / math.sqrt(2)) / 2, rtol=25 * ROUNDING)


# layer, y at minus infinity and infinity, slope at both
LIMITS = [
    (fn.ReLU(), (0, INF), (0, 1)),
    (fn.LeakyReLU(0.25), (-INF, INF), (0.25, 1)),
    (fn.ELU(), (-1, INF), (0, 1)),
    (fn.ELU(2.0), (-2, INF), (0, 1)),
    (fn.GELU(), (0, INF), (0, 1)),
    (fn.SiLU(), (0, INF), (0, 1)),
    (fn.Sigmoid(), (0, 1), (0, 0)),
    (fn.Tanh(), (-1, 1), (0, 0)),
    (fn.Softplus(), (0, INF), (0, 1)),
    (fn.Identity(), (-INF, INF), (1, 1)),
    (fn.Dropout(0.5), (-INF, INF), (1, 1)),
]


@floats
@pytest.mark.parametrize(("layer", "ends", "slopes"), LIMITS, ids=str)
def test_infinity_gives_the_limit(layer, ends, slopes, dtype):
    y, dydx = y_and_slope(layer, np.array([-INF, INF], dtype))
    assert_array_equal(y, ends)
    assert_array_equal(dydx, slopes)


@floats
@pytest.mark.parametrize(("layer", "ends", "slopes"), LIMITS, ids=str)
def test_a_large_number_is_close_to_the_limit(layer, ends, slopes, dtype):
    x = np.array([-1000, 1000], dtype)
    y, dydx = y_and_slope(layer, x)
    assert_array_equal(
        y,
        [
            end if math.isfinite(end) else slope * 1000 * sign
            for end, slope, sign in zip(ends, slopes, (-1, 1), strict=True)
        ],
    )
    assert_array_equal(dydx, slopes)


@floats
@pytest.mark.parametrize(("slope", "x"), [(0.0, INF), (2.0, "largest")])
def test_the_slope_below_the_axis_is_not_felt_above_it(slope, x, dtype):
    x = np.array([np.finfo(dtype).max if x == "largest" else x], dtype)
    y, dydx = y_and_slope(fn.LeakyReLU(slope), x)
    assert_array_equal(y, x)
    assert_array_equal(dydx, [1])


@floats
def test_relu_at_0_has_slope_0_and_keeps_nan(dtype):
    y, dydx = y_and_slope(fn.ReLU(), np.array([0.0, -0.0, np.nan], dtype))
    assert_array_equal(y, [0, 0, np.nan])
    assert_array_equal(dydx[:2], [0, 0])


# --- Softmax and its cross entropy ---

LOGITS = [
    [1e4, -1e4, 0.0],
    [1e4, 1e4, -1e4],
    [-1e4, -1e4, -1e4],
    [1e4, 1e4 - 1, -1e4],
    [0.0, -46.051701859880914, -50.0],  # exp(-46.05...) = 1e-20
    [50.0, 0.0, -INF],
    [-INF, 0.0, 1.0],
    [-INF, 1e4, -INF],
]
logits = pytest.mark.parametrize("x", LOGITS, ids=str)


@logits
def test_softmax_of_extreme_logits_is_exact(x):
    y, cache = fn.Softmax().forward((), np.array(x))
    expected = exactly(oracles.softmax, x)
    assert_allclose(y, expected, rtol=ROUNDING)
    dy = np.array([1.0, -2.0, 4.0])
    # The Jacobian is diag(p) - p p.T.
    jacobian = np.diag(expected) - np.outer(expected, expected)
    assert_allclose(fn.Softmax().backward((), cache, dy)[0], jacobian @ dy, rtol=1e-14, atol=ROUNDING)


@logits
def test_log_softmax_of_extreme_logits_is_exact(x):
    y, cache = fn.LogSoftmax().forward((), np.array(x))
    assert_allclose(y, exactly(oracles.log_softmax, x), rtol=ROUNDING, atol=ROUNDING)
    dy = np.array([1.0, -2.0, 4.0])
    p = np.array(exactly(oracles.softmax, x))
    assert_allclose(fn.LogSoftmax().backward((), cache, dy)[0], dy - p * dy.sum(), rtol=1e-14, atol=ROUNDING)


@pytest.mark.parametrize("label", [0, 1, 2])
@logits
def test_cross_entropy_of_extreme_logits_is_exact(x, label):
    if x[label] == -INF:
        label = int(np.argmax(x))  # a class of probability 0 may be no target
    target = np.eye(3)[label]
    for given in (label, target):
        value, dy = value_and_dy(fn.SoftmaxCrossEntropy(), x, given)
        assert_allclose(value, exactly(oracles.softmax_cross_entropy, x, target), rtol=ROUNDING)
        assert_allclose(dy, exactly(oracles.softmax_cross_entropy_gradient, x, target), rtol=2 * ROUNDING)


def test_a_label_of_probability_all_but_1_has_the_others_as_gradient():
    x = [0.0, math.log(1e-20), math.log(3e-20)]
    value, dy = value_and_dy(fn.SoftmaxCrossEntropy(), x, 0)
    assert_allclose(value, 4e-20, rtol=1e-13)  # -log(1 - 4e-20)
    assert_allclose(dy, [-4e-20, 1e-20, 3e-20], rtol=1e-13)


@pytest.mark.parametrize("x", [[1e4, -1e4, 0.0], [-INF, 3.0, 1.0], [20.0, -20.0, 0.5], [0.5, 0.25, -0.5]], ids=str)
@pytest.mark.parametrize("target", [[0.0, 0.75, 0.25], [0.0, 3.0, 0.5], [0.0, 0.0, 0.0], [0.0, 0.1, -0.2]], ids=str)
def test_probabilities_that_do_not_sum_to_1_have_the_true_gradient_of_the_formula(x, target):
    value, dy = value_and_dy(fn.SoftmaxCrossEntropy(), x, target)
    assert_allclose(value, exactly(oracles.softmax_cross_entropy, x, target), rtol=1e-14)
    expected = exactly(oracles.softmax_cross_entropy_gradient, x, target)
    assert_allclose(dy, expected, rtol=1e-14, atol=ROUNDING)


@pytest.mark.parametrize(
    ("labels", "label", "index"),
    [
        ([0, 3, 1], "3", "(1,)"),
        ([0, 1, -1], "-1", "(2,)"),
        ([100, 1, -1], "100", "(0,)"),
        ([[0, 1], [2, -7]], "-7", "(1, 1)"),
        (3, "3", "()"),
    ],
)
def test_a_label_out_of_range_is_named(labels, label, index):
    y = np.zeros((*np.shape(labels), 3))
    with pytest.raises(ValueError, match="label") as error:
        fn.SoftmaxCrossEntropy().forward(y, np.array(labels))
    assert f"label {label} at index {index} is not in 0..2" in str(error.value)
    assert "n = 3" in str(error.value)


@pytest.mark.parametrize(
    "target",
    [
        np.array([0.0, 1.0]),
        np.array([[0], [1]]),
        np.array([True, False]),
        np.array([0]),
        np.array(0),
        np.array(["a", "b"]),
    ],
    ids=["floats", "a column", "bits", "too few", "one number", "strings"],
)
def test_labels_of_another_form_are_told_what_is_accepted(target):
    with pytest.raises((ValueError, TypeError)) as error:
        fn.SoftmaxCrossEntropy().forward(np.zeros((2, 3)), target)
    assert "integer labels of shape (2,) or probabilities of shape (2, 3)" in str(error.value)
    assert f"got {target.dtype} of shape {target.shape}" in str(error.value)


# --- Binary cross entropies ---


@pytest.mark.parametrize("target", [0.0, 1.0, 0.25])
@pytest.mark.parametrize("z", [0.0, 40.0, -40.0, 1000.0, -1000.0])
def test_sigmoid_cross_entropy_is_exact_in_the_tails(z, target):
    value, dy = value_and_dy(fn.SigmoidBinaryCrossEntropy(), z, target)
    assert_allclose(value, exactly(oracles.sigmoid_binary_cross_entropy, z, target), rtol=ROUNDING)
    assert_allclose(dy, exactly(oracles.sigmoid_binary_cross_entropy_gradient, z, target), rtol=ROUNDING)


def test_sigmoid_cross_entropy_by_hand():
    small = math.exp(-40)
    _, dy = value_and_dy(fn.SigmoidBinaryCrossEntropy("sum"), [40.0, -40.0, 0.0, 0.0], [1.0, 0.0, 1.0, 0.0])
    assert_allclose(dy, [-small / (1 + small), small / (1 + small), -0.5, 0.5], rtol=ROUNDING)


@pytest.mark.parametrize("target", [-0.1, 1.1, np.nan, INF])
def test_a_target_that_is_no_probability_is_an_error(target):
    for loss in (fn.SigmoidBinaryCrossEntropy(), fn.BinaryCrossEntropy()):
        with pytest.raises(ValueError, match=r"targets in \[0, 1\], got") as error:
            loss.forward(np.array([0.5, 0.5]), np.array([0.5, target]))
        assert str(error.value).endswith(str(target))


@pytest.mark.parametrize("p", [-0.1, 1.1, np.nan, INF])
def test_a_prediction_that_is_no_probability_is_an_error(p):
    with pytest.raises(ValueError, match=r"y in \[0, 1\], got") as error:
        fn.BinaryCrossEntropy().forward(np.array([0.5, p]), np.array([0.5, 0.5]))
    assert str(error.value).endswith(str(p))


@floats
@pytest.mark.parametrize(("p", "target", "sign"), [(0, 1, -1), (1, 0, 1)])
def test_an_impossible_event_costs_as_much_as_the_smallest_normal_probability(p, target, sign, dtype):
    least = float(np.finfo(dtype).tiny)
    value, dy = value_and_dy(fn.BinaryCrossEntropy(), np.array([p], dtype), np.array([target], dtype))
    assert_allclose(value, -math.log(least), rtol=4 * np.finfo(dtype).eps)
    assert_allclose(dy, [sign / least], rtol=4 * np.finfo(dtype).eps)
    assert np.isfinite(dy).all()


@floats
@pytest.mark.parametrize(("p", "slope"), [(0, 1), (1, -1)])
def test_a_certain_event_costs_nothing(p, slope, dtype):
    value, dy = value_and_dy(fn.BinaryCrossEntropy(), np.array([p], dtype), np.array([p], dtype))
    assert value == 0
    assert_array_equal(dy, [slope])  # of -log(1 - p) at 0, of -log(p) at 1


@pytest.mark.parametrize("p", [1e-300, 1e-20, 1e-5, 1 - 2.0**-53])
@pytest.mark.parametrize("target", [0.0, 0.5, 1.0])
def test_binary_cross_entropy_is_exact_near_its_ends(p, target):
    value, dy = value_and_dy(fn.BinaryCrossEntropy(), p, target)
    expected = (
        exactly(oracles.binary_cross_entropy, p, target),
        exactly(oracles.binary_cross_entropy_gradient, p, target),
    )
    assert_allclose(value, expected[0], rtol=ROUNDING)
    assert_allclose(dy, expected[1], rtol=ROUNDING)


# --- Shapes ---


@pytest.mark.parametrize(
    ("y", "target"), [((3,), (3, 1)), ((3, 1), (3,)), ((2, 3), (3,)), ((3,), ()), ((1,), (3,)), ((0,), (1,))]
)
@pytest.mark.parametrize("loss", [fn.MeanSquaredError, fn.SigmoidBinaryCrossEntropy, fn.BinaryCrossEntropy])
def test_nothing_is_broadcast(loss, y, target):
    with pytest.raises(fn.ShapeError) as error:
        loss().forward(np.zeros(y), np.zeros(target))
    assert f"got {y} and {target}" in str(error.value)


LOSSES_OF_NOTHING = [
    (fn.MeanSquaredError, (0, 3), np.zeros((0, 3))),
    (fn.SigmoidBinaryCrossEntropy, (0, 3), np.zeros((0, 3))),
    (fn.BinaryCrossEntropy, (0, 3), np.zeros((0, 3))),
    (fn.SoftmaxCrossEntropy, (0, 3), np.zeros((0, 3))),
    (fn.SoftmaxCrossEntropy, (0, 3), np.zeros(0, int)),
    (fn.SoftmaxCrossEntropy, (2, 0, 3), np.zeros((2, 0), int)),
]
losses_of_nothing = pytest.mark.parametrize(("loss", "shape", "target"), LOSSES_OF_NOTHING)


@averages
@losses_of_nothing
def test_the_mean_of_no_losses_is_an_error(loss, shape, target, reduction):
    with pytest.raises(ValueError, match="mean of no losses") as error:
        loss(reduction).forward(np.zeros(shape), target)
    assert str(shape) in str(error.value)


@floats
@losses_of_nothing
def test_the_sum_of_no_losses_is_0(loss, shape, target, dtype):
    value, dy = value_and_dy(loss("sum"), np.zeros(shape, dtype), target)
    assert value == 0
    assert type(value) is dtype
    assert dy.shape == shape


@pytest.mark.parametrize("n_in", [0, 3])
def test_an_empty_batch_passes_a_network_and_leaves_zero_gradients(n_in):
    model = fn.sequential(fn.Linear(4), fn.GELU(), fn.Dropout(0.5), fn.Linear(2), fn.LogSoftmax()).training(fn.Key(1))
    params = model.init(fn.Key(0), (n_in,))
    y, cache = model.forward(params, np.zeros((0, n_in)))
    dx, grads = model.backward(params, cache, np.zeros_like(y))
    assert (y.shape, dx.shape) == ((0, 2), (0, n_in))
    assert tree.equal(grads, tree.zeros_like(params))


# --- Inputs of other kinds ---

LAYERS = [
    fn.Linear(2), fn.ReLU(), fn.LeakyReLU(), fn.ELU(), fn.GELU(), fn.SiLU(), fn.Sigmoid(), fn.Tanh(), fn.Softplus(),
    fn.Softmax(), fn.LogSoftmax(), fn.Identity(), fn.Elementwise(np.sin, np.cos), fn.Flatten(), fn.Dropout(0.5),
    fn.Dropout(0.5).training(fn.Key(0)),
]  # fmt: skip
LOSSES = [fn.MeanSquaredError(), fn.SoftmaxCrossEntropy(), fn.SigmoidBinaryCrossEntropy(), fn.BinaryCrossEntropy()]
every_layer = pytest.mark.parametrize("layer", LAYERS, ids=str)
every_loss = pytest.mark.parametrize("loss", LOSSES, ids=str)
whole = pytest.mark.parametrize("kind", [np.int64, np.int8, np.uint8, bool])
X = np.array([[1, 0, 1], [0, 0, 1]])


@whole
@every_layer
def test_integers_and_bits_are_the_numbers_that_they_are(layer, kind):
    params = layer.init(fn.Key(0), (3,), np.float64)
    assert_array_equal(layer.apply(params, X.astype(kind)), layer.apply(params, X.astype(float)))


@whole
@floats
def test_whole_numbers_take_the_dtype_of_the_params(kind, dtype):
    params = fn.Linear(2).init(fn.Key(0), (3,), dtype)
    y, cache = fn.Linear(2).forward(params, X.astype(kind))
    _, grads = fn.Linear(2).backward(params, cache, np.ones_like(y))
    assert {leaf.dtype for leaf in tree.leaves((y, grads))} == {np.dtype(dtype)}


@pytest.mark.parametrize("dtype_of_x", FLOATS)
@floats
def test_floats_take_the_dtype_of_the_params(dtype, dtype_of_x):
    params = fn.Linear(2).init(fn.Key(0), (3,), dtype)
    assert fn.Linear(2).apply(params, X.astype(dtype_of_x)).dtype == dtype


@whole
@every_loss
def test_losses_of_whole_numbers_are_those_of_floats(loss, kind):
    value, dy = value_and_dy(loss, X.astype(kind), 1 - X)
    expected, expected_dy = value_and_dy(loss, X.astype(float), 1.0 - X)
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
@every_layer
def test_what_is_no_number_is_a_type_error(layer, x):
    params = layer.init(fn.Key(0), (3,))
    with pytest.raises(TypeError, match="expected numbers"):
        layer.forward(params, x)
    y, cache = layer.forward(params, np.ones((1, 3)))
    with pytest.raises(TypeError, match="expected numbers"):
        layer.backward(params, cache, np.full(y.shape, np.ravel(x)[0]))


@no_numbers
@every_loss
def test_a_prediction_or_target_that_is_no_number_is_a_type_error(loss, x):
    with pytest.raises(TypeError, match="expected numbers"):
        loss.forward(x, np.ones((1, 3)))
    with pytest.raises(TypeError, match="expected numbers"):
        loss.forward(np.full((1, 3), 0.5), x)


@pytest.mark.parametrize("kind", [np.complex64, np.complex128, object])
@floats
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
    real_y, real_cache = layer.forward(params, X)
    expected = real_y, *layer.backward(params, real_cache, np.ones_like(real_y))
    assert {leaf.dtype for leaf in tree.leaves((y, dx, grads))} == {np.dtype(kind)}
    for leaf, real in zip(tree.leaves((y, dx, grads)), tree.leaves(expected), strict=True):
        assert_allclose(leaf.astype(complex), real, rtol=1e-14)


# --- Dropout ---


@pytest.mark.parametrize("rate", [-0.1, 1.1, INF, -INF, np.nan])
def test_a_rate_that_is_no_probability_is_an_error(rate):
    with pytest.raises(ValueError, match="rate"):
        fn.Dropout(rate)


@pytest.mark.parametrize(("rate", "kept"), [(0, 1), (0.0, 1), (1, 0), (1.0, 0)])
@floats
def test_rate_0_is_the_identity_and_rate_1_all_zeros(rate, kept, dtype):
    x = np.array([[1, -2, 3], [INF, -INF, 0.5]], dtype)
    layer = fn.Dropout(rate).training(fn.Key(0))
    y, cache = layer.forward((), x)
    dx, _ = layer.backward((), cache, x)
    expected = x if kept else np.zeros_like(x)
    assert tree.equal((y, dx), (expected, expected))


@floats
def test_kept_infinities_stay_and_dropped_ones_are_0(dtype):
    layer = fn.Dropout(0.5).training(fn.Key(0))
    signs = np.resize([1, -1], 100)
    y, cache = layer.forward((), (signs * INF).astype(dtype))
    dx, _ = layer.backward((), cache, (signs * INF).astype(dtype))
    kept = layer.apply((), np.ones(100)) != 0
    assert 0 < kept.sum() < 100
    expected = np.array([sign * INF if keep else 0 for sign, keep in zip(signs, kept, strict=True)])
    assert_array_equal(y, expected)
    assert_array_equal(dx, expected)


# --- float16, whose largest number is 65,504 and which counts in ones up to 2048 ---

MANY = 70_000
SMALLEST = 2.0**-24
QUARTER, QUARTERS = np.float16(0.25), np.float16(MANY / 4)


@pytest.mark.parametrize("width", [1, 2, 3])
def test_a_float16_layer_sums_70_000_rows(width):
    layer = fn.Linear(width)
    params = fn.LinearParams(np.ones((width, width), np.float16), np.zeros(width, np.float16))
    y, cache = layer.forward(params, np.ones((MANY, width), np.float16))
    _, grads = layer.backward(params, cache, np.full_like(y, QUARTER))
    assert_array_equal(grads.bias, np.full(width, QUARTERS))
    assert_array_equal(grads.weight, np.full((width, width), QUARTERS))


@pytest.mark.parametrize("width", [1, 2, 3])
def test_a_float16_layer_sums_70_000_features(width):
    params = fn.LinearParams(np.ones((MANY, width), np.float16), np.zeros(width, np.float16))
    assert_array_equal(fn.Linear(width).apply(params, np.full(MANY, QUARTER)), np.full(width, QUARTERS))


# loss, y and target of each number, their loss and its derivative
HALVES = [
    (fn.MeanSquaredError, 1, 0, 1, 2),
    (fn.SigmoidBinaryCrossEntropy, 0, 1, math.log(2), -0.5),
    (fn.BinaryCrossEntropy, 0.5, 1, math.log(2), -2),
]


@pytest.mark.parametrize(("loss", "y", "target", "value", "slope"), HALVES)
@averages
def test_a_float16_mean_of_70_000_losses(loss, y, target, value, slope, reduction):
    shape = (MANY, 1)
    found, dy = value_and_dy(loss(reduction), np.full(shape, y, np.float16), np.full(shape, target, np.float16))
    assert_allclose(found, value, rtol=2.0**-10)
    assert_allclose(dy, np.full(shape, slope / MANY), rtol=2.0**-10, atol=SMALLEST)


@averages
def test_a_float16_mean_of_70_000_cross_entropies(reduction):
    y, labels = np.zeros((MANY, 2), np.float16), np.zeros(MANY, int)
    for target in (labels, np.eye(2)[labels]):
        value, dy = value_and_dy(fn.SoftmaxCrossEntropy(reduction), y, target)
        assert_allclose(value, math.log(2), rtol=2.0**-10)
        assert_allclose(dy, np.tile([-0.5 / MANY, 0.5 / MANY], (MANY, 1)), rtol=2.0**-10, atol=SMALLEST)


def test_a_float16_softmax_over_70_000_classes():
    x, dy = np.zeros(MANY, np.float16), np.ones(MANY, np.float16)
    for layer, y in ((fn.Softmax(), 1 / MANY), (fn.LogSoftmax(), -math.log(MANY))):
        found, cache = layer.forward((), x)
        assert_allclose(found, np.full(MANY, y), rtol=2.0**-10, atol=SMALLEST)
        assert_allclose(layer.backward((), cache, dy)[0], np.zeros(MANY), atol=0.01)  # both are shift-invariant


def test_a_float16_cross_entropy_over_70_000_classes():
    value, dy = value_and_dy(fn.SoftmaxCrossEntropy(), np.zeros(MANY, np.float16), 0)
    assert_allclose(value, math.log(MANY), rtol=2.0**-10)
    assert_allclose(dy, np.where(np.arange(MANY) == 0, -1, 0) + 1 / MANY, rtol=2.0**-10, atol=SMALLEST)
