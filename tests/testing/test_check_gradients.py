"""`check_gradients` agrees with right gradients to rounding, and says which leaf of wrong ones is wrong."""

import time

import attrs
import numpy as np
import pytest

import funcnet as fn
from funcnet.numerics.elementwise import sigmoid
from funcnet.testing import GradientReport, check_gradients

SMOOTH = [fn.Sigmoid(), fn.Tanh(), fn.GELU(), fn.SiLU(), fn.Softplus(), fn.ELU(), fn.Softmax(), fn.LogSoftmax()]
IDENTITY = fn.Identity()
GENERATOR = np.random.default_rng(0)
X = GENERATOR.normal(size=(4, 5))
P = GENERATOR.random((4, 3))
LOSSES = {
    "mean squared error": (fn.MeanSquaredError(), fn.Identity(), P),
    "softmax cross entropy": (fn.SoftmaxCrossEntropy("sum"), fn.Identity(), np.array([0, 2, 1, 1])),
    "softmax cross entropy of probabilities": (fn.SoftmaxCrossEntropy(), fn.Identity(), P),
    "sigmoid binary cross entropy": (fn.SigmoidBinaryCrossEntropy("batch"), fn.Identity(), P),
    "binary cross entropy": (fn.BinaryCrossEntropy(), fn.Sigmoid(), P),
}


def network(activation, last=IDENTITY):
    """5-7-3, and its params."""
    model = fn.sequential(fn.Linear(7), activation, fn.Linear(3), last)
    return model, model.init(fn.Key(0), (5,), np.float64)


@pytest.mark.parametrize(("loss", "last", "target"), LOSSES.values(), ids=LOSSES)
@pytest.mark.parametrize("activation", SMOOTH)
@pytest.mark.slow
def test_a_5_7_3_network_agrees_with_both_oracles(activation, loss, last, target):
    model, params = network(activation, last)
    exact = check_gradients(model, loss, params, X, target)
    assert exact.method == "exact"
    assert exact.ok(1e-14)
    assert max(leaf.largest for leaf in exact.leaves) < 1e-12 * fn.tree.norm(params)
    assert check_gradients(model, loss, params, X, target, method="richardson", sample=3).ok(1e-9)
    assert check_gradients(model, loss, params, X, target, method="central", sample=3).ok(1e-6)


def test_every_coordinate_agrees_to_1e_12_relative():
    model, params = network(fn.Tanh())
    loss, target = fn.SoftmaxCrossEntropy(), np.array([0, 2, 1, 1])
    _, grads = fn.value_and_grad(model, loss, params, X, target)
    coordinates = [np.arange(leaf.size) for leaf in fn.tree.leaves(params)]
    exact = fn.testing.oracles.exact(lambda p: loss.forward(model.forward(p, X)[0], target)[0], params, coordinates)
    for derivative, leaf in zip(exact, fn.tree.leaves(grads), strict=True):
        np.testing.assert_allclose(leaf.ravel(), derivative, rtol=1e-12)


@pytest.mark.parametrize(("loss", "last", "target"), LOSSES.values(), ids=LOSSES)
@pytest.mark.parametrize("activation", [*SMOOTH, fn.ReLU(), fn.LeakyReLU(), fn.ELU(2.0), fn.Identity()])
@pytest.mark.slow
def test_a_row_of_zeros_ties_everywhere_and_is_right(activation, loss, last, target):
    model, params = network(activation, last)
    report = check_gradients(model, loss, params, X * [[0], [1], [0], [1]], target)
    assert report.method == "exact"
    assert report.ok(1e-14)


def relu_with(derivative_at_0):
    return fn.Elementwise(lambda x: np.maximum(x, 0), lambda x: np.where(x == 0, derivative_at_0, x > 0))


@pytest.mark.parametrize(
    ("activation", "right"),
    [
        *((relu_with(derivative), 0 <= derivative <= 1) for derivative in (-0.01, 0, 0.3, 1, 1.01, 2)),
        (fn.Elementwise(sigmoid, lambda x: np.where(x == 0, 0, sigmoid(x) * sigmoid(-x))), False),
        (fn.Elementwise(lambda x: x * np.where(x > 0, 1, 0.1), lambda x: np.where(x >= 0, 1, 0.1)), True),
        (fn.Elementwise(np.abs, np.sign), True),
        (fn.Elementwise(np.abs, lambda x: np.where(x == 0, -1.01, np.sign(x))), False),
    ],
)
def test_at_a_corner_what_lies_between_its_slopes_is_right_and_nothing_else(activation, right):
    model, params = network(activation)
    for float_type, rounding in ((np.float64, 1e-14), (np.float32, 1e-6)):
        cast = fn.tree.cast(params, float_type)
        report = check_gradients(model, fn.MeanSquaredError(), cast, X * [[0], [1], [1], [1]], P)
        assert report.method == "exact"
        assert report.ok(rounding) == right
        assert all(leaf.relative < rounding for leaf in report.leaves if right or leaf.path != "0.bias")


def test_the_other_side_is_asked_only_for_the_coordinates_that_differ():
    asked = []

    class Square(fn.MeanSquaredError):
        def forward(self, y, target):
            asked.append(len(getattr(y, "tangents", ())))
            return super().forward(y, target)

    model, params = network(fn.ReLU())
    check_gradients(model, Square(), params, X, P)
    assert asked == [0, 35, 7, 21, 3]
    check_gradients(model, Square(), params, np.zeros((4, 5)), P)
    assert asked[5:] == [0, 35, 7, 21, 3, 7]
    check_gradients(model, Square(), fn.tree.cast(params, np.float32), X, P)  # where rounding is no difference
    assert asked[11:] == [0, 35, 7, 21, 3]


def test_combinators_dropout_penalty_and_flatten_are_exact_too():
    branches = fn.concatenate(fn.Linear(2), fn.Flatten(), fn.ReLU())
    model = fn.sequential(fn.residual(fn.Linear(5)), fn.Dropout(0.5), branches, fn.LeakyReLU(), fn.Linear(3))
    params = model.init(fn.Key(0), (5,), np.float64)
    report = check_gradients(model.training(fn.Key(1)), fn.MeanSquaredError(), params, X, P, fn.L2(0.1))
    assert report.method == "exact"
    assert report.ok(1e-14)


def test_float32_agrees_to_its_own_rounding():
    model, params = network(fn.Tanh())
    report = check_gradients(model, fn.MeanSquaredError(), fn.tree.cast(params, np.float32), X, P)
    assert 1e-9 < report.relative < 1e-6


@attrs.frozen
class Doubled(fn.Layer):
    """A bias whose gradient is twice what it should be."""

    def init(self, key, input_shape, dtype=np.float32):
        return fn.LinearParams(np.ones((1, 1), dtype), np.ones(input_shape, dtype))

    def forward(self, params, x):
        return x * params.weight[0, 0] + params.bias, x

    def backward(self, params, cache, dy):
        return dy * params.weight, fn.LinearParams(np.sum(dy * cache).reshape(1, 1), 2 * dy.sum(axis=0))


def test_a_wrong_gradient_is_found_where_it_is():
    model = fn.sequential(fn.Linear(3), Doubled(), fn.Tanh())
    params = model.init(fn.Key(0), (5,), np.float64)
    report = check_gradients(model, fn.MeanSquaredError(), params, X, P)
    assert not report.ok(0.3)
    assert report.worst.path == "1.bias"
    assert report.worst.relative == pytest.approx(1 / 3)  # ||n - 2n|| / (||n|| + ||2n||)
    assert all(leaf.relative < 1e-14 for leaf in report.leaves if leaf.path != "1.bias")


def test_the_measures_are_those_of_the_textbooks():
    model, params = fn.Linear(1), fn.LinearParams(np.array([[2.0]]), np.array([1.0]))

    @attrs.frozen
    class OneTooMany:
        def forward(self, y, target):
            return np.sum(y), y.shape

        def backward(self, cache):
            return np.full(cache, 3.0)  # 3 where it should be 1

    report = check_gradients(model, OneTooMany(), params, np.array([[5.0]]), None)
    weight, bias = report.leaves  # 15 for 5, 3 for 1
    assert (weight.largest, weight.mean, weight.relative) == (10, 10, 10 / 20)
    assert (bias.largest, bias.mean, bias.relative) == (2, 2, 2 / 4)
    assert report.mean == (10 + 2) / 2
    assert report.relative == pytest.approx(np.hypot(10, 2) / (np.hypot(5, 1) + np.hypot(15, 3)))


def test_a_report_is_a_value_that_prints_as_a_table():
    model, params = network(fn.Tanh())
    report = check_gradients(model, fn.MeanSquaredError(), params, X, P, sample=2)
    assert isinstance(report, GradientReport)
    assert report == check_gradients(model, fn.MeanSquaredError(), params, X, P, sample=2)
    assert hash(report) == hash(attrs.evolve(report))
    header, *rows, total = str(report).splitlines()
    assert header.split() == ["path", "shape", "max", "|n", "-", "a|", "mean", "|n", "-", "a|", "relative"]
    assert [row.split()[0] for row in rows] == ["0.weight", "0.bias", "2.weight", "2.bias"]
    assert total.split()[:2] == ["all", "exact"]


def test_another_key_samples_other_coordinates():
    seen = []

    class Square(fn.MeanSquaredError):
        def forward(self, y, target):
            seen.append(getattr(y, "tangents", None))
            return super().forward(y, target)

    model, params = network(fn.Tanh())
    for key in (fn.Key(0), fn.Key(1), fn.Key(1)):
        check_gradients(model, Square(), params, X, P, sample=2, key=key)
    first, second, again = seen[1:5], seen[6:10], seen[11:15]
    assert not np.array_equal(first[0], second[0])
    assert np.array_equal(second[0], again[0])
    assert all(len(tangents) == 2 for tangents in first)


def test_where_there_is_no_rule_richardson_takes_over():
    model, params = network(fn.Elementwise(np.sinc, lambda x: np.cos(np.pi * x) / x - np.sinc(x) / x))
    report = check_gradients(model, fn.MeanSquaredError(), params, X, P)
    assert report.method == "richardson"
    assert report.ok(1e-9)
    with pytest.raises(TypeError, match="there is no rule for the derivative of sinc"):
        check_gradients(model, fn.MeanSquaredError(), params, X, P, method="exact")


def test_a_corner_on_the_way_does_not_mislead_richardson():
    model = fn.sequential(fn.ReLU(), fn.Linear(3), fn.ReLU())
    params = model.init(fn.Key(0), (5,), np.float64)
    assert check_gradients(model, fn.MeanSquaredError(), params, X, P, method="richardson").ok(1e-9)


def test_another_method_is_refused():
    model, params = network(fn.Tanh())
    with pytest.raises(ValueError, match='method must be "exact", "richardson", "central" or None, got'):
        check_gradients(model, fn.MeanSquaredError(), params, X, P, method="hope")


def test_params_without_leaves_are_right():
    report = check_gradients(fn.ReLU(), fn.MeanSquaredError(), (), X, X)
    assert (report.leaves, report.mean, report.relative, report.ok(0)) == ((), 0, 0, True)


@pytest.mark.slow
def test_all_39_760_params_of_a_real_network_in_under_30_seconds():
    model = fn.sequential(fn.Linear(50), fn.ReLU(), fn.Linear(10))
    params = model.init(fn.Key(0), (784,), np.float64)
    start = time.process_time()
    report = check_gradients(model, fn.SoftmaxCrossEntropy(), params, GENERATOR.random((3, 784)), np.array([1, 2, 3]))
    # The check promises to be fit for real networks. It is this process's time: the machine may be busy with others.
    assert time.process_time() - start < 30
    assert report.ok(1e-14)


def other_grads(change):
    """A right affine layer, but for the tree of its grads."""

    class Layer(fn.Linear):
        def params_backward(self, params, cache, dy):
            return change(super().params_backward(params, cache, dy))

    return Layer(3)


@pytest.mark.parametrize(
    "change",
    [
        lambda grads: (grads.weight, grads.bias),
        lambda grads: attrs.evolve(grads, bias=None),
        lambda grads: attrs.evolve(grads, bias=grads.bias[:1]),
        lambda grads: attrs.evolve(grads, weight=grads.weight.ravel()),
    ],
)
def test_grads_that_are_not_like_params_are_refused(change):
    model = other_grads(change)
    params = model.init(fn.Key(0), (5,), np.float64)
    with pytest.raises(fn.TreeError, match=r"grads must have the (structure|shapes) of params"):
        check_gradients(model, fn.MeanSquaredError(), params, X, P)


def test_grads_of_python_numbers_are_held_against_the_oracle_too():
    model = other_grads(lambda grads: fn.tree.map(lambda leaf: leaf.astype(object), grads))
    params = model.init(fn.Key(0), (5,), np.float64)
    assert check_gradients(model, fn.MeanSquaredError(), params, X, P).ok(1e-14)


def test_a_wrong_sign_is_seen_at_any_size():
    model = other_grads(lambda grads: fn.tree.map(np.negative, grads))
    params = model.init(fn.Key(0), (5,), np.float64)
    for size in (1e-170, 1.0, 1e150):
        scaled = fn.LinearParams(params.weight * size, params.bias * size)
        report = check_gradients(model, fn.MeanSquaredError("sum"), scaled, X / max(size, 1), P * size)
        assert report.relative == pytest.approx(1)


def test_nan_is_the_worst():
    model = other_grads(lambda grads: attrs.evolve(grads, bias=grads.bias * np.nan))
    params = model.init(fn.Key(0), (5,), np.float64)
    report = check_gradients(model, fn.MeanSquaredError(), params, X, P)
    assert report.worst.path == "bias"
    assert np.isnan(report.worst.relative)
    assert not report.ok(1)


@pytest.mark.parametrize("options", [{"sample": 0}, {"sample": -1}, {"step": 0.0, "method": "central"}])
def test_a_check_of_nothing_is_refused(options):
    model, params = network(fn.Tanh())
    with pytest.raises(ValueError, match=r"(step|sample) must be"):
        check_gradients(model, fn.MeanSquaredError(), params, X, P, **options)


def test_without_params_none_is_worst():
    with pytest.raises(ValueError, match="the report has no leaves, so none is the worst"):
        _ = check_gradients(fn.ReLU(), fn.MeanSquaredError(), (), X, X).worst


def test_complex_maths_inside_is_exact():
    model, params = network(fn.Elementwise(lambda x: np.abs(x + 1j), lambda x: x / np.abs(x + 1j)))
    report = check_gradients(model, fn.MeanSquaredError(), params, X, P)
    assert report.method == "exact"
    assert report.ok(1e-13)
