"""`check_gradients` falls back to differences whatever dual numbers raise, and says why; dx is checked if asked."""

import attrs
import numpy as np
import pytest

import funcnet as fn
from funcnet.testing import check_gradients

DRAW = np.random.default_rng(0)
X, TARGET = DRAW.normal(size=(4, 3)), DRAW.normal(size=(4, 2))


def raised(error):
    raise error


def only_arrays(x, error):
    """sin(x), if it is an array."""
    return np.sin(x) if isinstance(x, np.ndarray) else raised(error)


@pytest.mark.parametrize(
    ("sine", "reason"),
    [
        (lambda x: np.sinc(x / np.pi) * x, "np.sinc has no rule"),
        (lambda x: np.linalg.eigh(np.diag(x.ravel()))[0][:0].sum() + np.sin(x), "np.linalg.eigh has no rule"),
        (
            lambda x: only_arrays(x, AssertionError("an array")),
            "forward of dual numbers raised AssertionError: an array",
        ),
        (lambda x: only_arrays(x, KeyError(3)), "forward of dual numbers raised KeyError: 3"),
        (lambda x: only_arrays(x, ValueError("one\ntwo")), "forward of dual numbers raised ValueError: one"),
        (lambda x: np.sin(np.asarray(x)), "forward of dual numbers raised NoRuleError: cannot convert dual numbers"),
    ],
)
def test_a_fall_back_says_why(sine, reason):
    model = fn.sequential(fn.Linear(2), fn.Elementwise(sine, np.cos))
    report = check_gradients(model, fn.MeanSquaredError(), model.init(fn.Key(0), (3,), np.float64), X, TARGET)
    assert report.method == "richardson"
    assert report.ok(1e-8)
    assert report.reason.startswith(reason)
    assert f"judged by differences, as {reason}" in str(report)


def test_dual_numbers_and_chosen_oracles_need_no_reason():
    model = fn.Linear(2)
    params = model.init(fn.Key(0), (3,), np.float64)
    for method in (None, "richardson"):
        report = check_gradients(model, fn.MeanSquaredError(), params, X, TARGET, method=method)
        assert report.reason == ""
        assert "judged" not in str(report)


@attrs.frozen
class Scaled(fn.Layer):
    """2 * x, whose dx is `slope` * dy."""

    slope: float

    def forward(self, params, x):
        return 2 * x, None

    def backward(self, params, cache, dy):
        return self.slope * dy, ()


@pytest.mark.parametrize("method", ["exact", "richardson", "central"])
def test_dx_is_checked_if_asked(method):
    for slope, is_right in ((2.0, True), (3.0, False)):
        model = fn.sequential(Scaled(slope), fn.Linear(2))
        params = model.init(fn.Key(0), (3,), np.float64)
        report = check_gradients(model, fn.MeanSquaredError(), params, X, TARGET, dx=True, method=method)
        assert [leaf.path for leaf in report.leaves] == ["1.weight", "1.bias", "x"]
        assert [leaf.relative < 1e-6 for leaf in report.leaves] == [True, True, is_right]
        assert report.leaves[-1].shape == X.shape
        assert check_gradients(model, fn.MeanSquaredError(), params, X, TARGET, method=method).ok(1e-6)


def test_dx_of_several_inputs_has_a_row_for_each_that_has_a_gradient():
    model = fn.sequential(fn.parallel(fn.Linear(4), fn.Embedding(5, 2), fn.Identity()), fn.Concatenate(), fn.Linear(2))
    x = X, DRAW.integers(0, 5, 4), DRAW.normal(size=(4, 2)).astype(np.float32)
    params = model.init(fn.Key(0), ((3,), (), (2,)), np.float64)
    report = check_gradients(model, fn.MeanSquaredError(), params, x, TARGET, dx=True, sample=3)
    assert [leaf.path for leaf in report.leaves][-2:] == ["x.0", "x.2"]
    assert report.ok(1e-6)


def test_a_penalty_and_a_sample_go_with_dx():
    model = fn.sequential(fn.Linear(4), fn.Tanh(), fn.Linear(2))
    params = model.init(fn.Key(0), (3,), np.float64)
    report = check_gradients(model, fn.MeanSquaredError(), params, X, TARGET, fn.L2(0.1), dx=True, sample=2)
    assert report.leaves[-1].path == "x"
    assert report.ok(1e-12)


CUBE = fn.Elementwise(lambda x: x**3, lambda x: 3 * x**2)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("method", ["exact", "richardson", "central"])
@pytest.mark.parametrize(
    "activation", [fn.Tanh(), fn.Sigmoid(), fn.GELU(), CUBE], ids=["tanh", "sigmoid", "gelu", "cube"]
)
def test_gradients_of_zero_are_right(activation, method, dtype):
    for model in (activation, fn.sequential(fn.Linear(2), activation), fn.sequential(activation, fn.Linear(2))):
        params, zeros = model.init(fn.Key(0), (2,), dtype), np.zeros((5, 2))
        report = check_gradients(model, fn.MeanSquaredError(), params, zeros, zeros, method=method, dx=True)
        assert report.ok(1e-6), report


@pytest.mark.parametrize("method", ["exact", "richardson", "central"])
def test_a_gradient_above_the_error_of_the_method_is_not_zero(method):
    wrong = fn.Elementwise(lambda x: x**3, lambda x: 3 * x**2 + 1e-4)
    report = check_gradients(
        wrong, fn.MeanSquaredError(), (), np.zeros((5, 2)), np.ones((5, 2)), method=method, dx=True
    )
    assert report.worst.relative > 0.999
