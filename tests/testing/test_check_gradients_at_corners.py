"""`check_gradients` at corners and zeros: whatever is right is not blamed, by any oracle, and what is wrong is."""

import attrs
import numpy as np
import pytest

import funcnet as fn
from funcnet.testing import check_gradients

DRAW = np.random.default_rng(0)
METHODS = ["exact", "richardson", "central"]


@attrs.frozen
class Convolution(fn.Layer):
    """Two filters of three pixels over rows; unless it `is_plain`, dual numbers cannot go through it."""

    is_plain: bool = True

    def output_shape(self, input_shape):
        return (2 * (input_shape[0] - 2),)

    def init(self, key, input_shape, dtype=np.float32):
        return fn.LinearParams(key.generator().normal(size=(3, 2)).astype(dtype), np.zeros(2, dtype))

    def forward(self, params, x):
        windows = np.stack([x[:, i : x.shape[1] - 2 + i] for i in range(3)], axis=-1)
        weight = params.weight if self.is_plain else np.array([float(w) for w in np.ravel(params.weight)]).reshape(3, 2)
        return (windows @ weight + params.bias).reshape(len(x), -1), windows

    def backward(self, params, cache, dy):
        dy = dy.reshape(*cache.shape[:2], 2)
        grads = fn.LinearParams(np.einsum("nik,nij->kj", cache, dy), dy.sum(axis=(0, 1)))
        return np.zeros((len(dy), cache.shape[1] + 2)), grads


def pictures():
    x = np.abs(DRAW.normal(size=(4, 8)))
    x[:, 3:] = 0  # black pixels, where a bias of 0 leaves a ReLU at its corner
    return x


@pytest.mark.parametrize("method", [*METHODS, None])
@pytest.mark.parametrize("is_plain", [True, False])
def test_a_convolution_a_relu_and_black_pixels_are_right(method, is_plain):
    if not is_plain and method == "exact":
        return
    model = fn.sequential(Convolution(is_plain), fn.ReLU(), fn.Linear(3))
    params = model.init(fn.Key(0), (8,), np.float64)
    target = np.array([0, 1, 2, 0])
    report = check_gradients(model, fn.SoftmaxCrossEntropy(), params, pictures(), target, method=method)
    assert report.method == (method or ("exact" if is_plain else "richardson"))
    assert report.ok(1e-5 if report.method == "central" else 1e-8)
    assert {leaf.path: leaf.corners for leaf in report.leaves} == {**dict.fromkeys(PATHS, 0), "0.bias": 2}
    assert "0.bias: 2 at a corner" in str(report)


PATHS = ["0.weight", "0.bias", "2.weight", "2.bias"]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("slope", "is_right"), [(-0.1, False), (0, True), (0.4, True), (1, True), (1.1, False)])
def test_at_a_corner_what_lies_between_its_slopes_is_right_and_nothing_else(slope, is_right, method):
    relu = fn.Elementwise(lambda x: np.maximum(x, 0), lambda x: np.where(x == 0, slope, x > 0))
    params = fn.LinearParams(np.array([[0.5]]), np.array([0.0])), ()
    model = fn.sequential(fn.Linear(1), relu)
    report = check_gradients(model, fn.MeanSquaredError(), params, np.zeros((1, 1)), np.ones((1, 1)), method=method)
    assert report.ok(1e-8) == is_right
    assert report.leaves[1].corners == (0 if slope == 1 and method == "exact" else 1)


@pytest.mark.parametrize(("slope", "is_right"), [(0.0, True), (0.7, False), (1.0, False)])
def test_a_corner_nearby_that_differences_step_over_allows_nothing_else(slope, is_right):
    near = fn.Elementwise(lambda x: np.maximum(x - 1e-7, 0), lambda x: np.where(x < 1e-7, slope, 1.0))
    params = fn.LinearParams(np.array([[0.5]]), np.array([0.0])), ()
    x, target, loss = np.zeros((1, 1)), np.ones((1, 1)), fn.MeanSquaredError()
    report = check_gradients(fn.sequential(fn.Linear(1), near), loss, params, x, target, method="richardson")
    assert report.ok(1e-6) == is_right


@attrs.frozen
class Centred(fn.Layer):
    """x less its mean over the batch, whose gradient is wrong by `error`."""

    error: float = 0.0

    def forward(self, params, x):
        return x - x.mean(axis=0), None

    def backward(self, params, cache, dy):
        return dy - dy.mean(axis=0) + self.error, ()


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_gradient_that_is_0_but_for_rounding_is_right(method, dtype):
    model = fn.sequential(fn.Linear(5), Centred(), fn.Tanh(), fn.Linear(2))
    params = model.init(fn.Key(0), (3,), dtype)
    x, target = DRAW.normal(size=(7, 3)).astype(dtype), DRAW.normal(size=(7, 2)).astype(dtype)
    report = check_gradients(model, fn.MeanSquaredError(), params, x, target, method=method)
    assert report.leaves[1].largest < 1e-6
    assert report.leaves[1].relative == 0
    assert report.ok(1e-5)


def test_a_gradient_that_is_0_everywhere_but_for_rounding_is_right():
    model = fn.sequential(fn.Linear(5), Centred())
    params = fn.LinearParams(np.zeros((3, 5)), np.linspace(0.1, 0.7, 5)), ()
    report = check_gradients(model, fn.MeanSquaredError(), params, np.ones((7, 3)), np.full((7, 5), 0.3))
    assert (report.relative, report.worst.relative) == (0, 0)
    assert report.worst.largest > 0


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("size", [1e-6, 1.0])
def test_a_gradient_that_should_be_0_and_is_not_is_wrong(method, size):
    model = fn.sequential(fn.Linear(5), Centred(size), fn.Linear(2))
    params = model.init(fn.Key(0), (3,), np.float64)
    x, target = DRAW.normal(size=(7, 3)), DRAW.normal(size=(7, 2))
    report = check_gradients(model, fn.MeanSquaredError(), params, x, target, method=method)
    assert report.worst.path == "0.bias"
    assert report.worst.relative > 0.99


def test_an_infinite_loss_does_not_make_a_finite_gradient_0():
    wrong = fn.Elementwise(lambda x: x * 1.0, lambda x: np.full_like(x, 3.0))
    params = fn.LinearParams(np.array([[1e160]]), np.array([0.0])), ()
    model = fn.sequential(fn.Linear(1), wrong)
    with np.errstate(over="ignore", invalid="ignore"):
        report = check_gradients(model, fn.MeanSquaredError(), params, np.ones((1, 1)), np.zeros((1, 1)))
    assert [leaf.relative for leaf in report.leaves] == pytest.approx([0.5, 0.5])
