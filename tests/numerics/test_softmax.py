"""Softmax, LogSoftmax and their cross entropy are exact at extreme logits; the targets that it takes."""

import math

import numpy as np
import pytest
from numpy.testing import assert_allclose

import funcnet as fn
from tests import oracles
from tests.oracles import ROUNDING, exactly
from tests.passes import value_and_dy

LOGITS = [
    [1e4, -1e4, 0.0],
    [1e4, 1e4, -1e4],
    [-1e4, -1e4, -1e4],
    [1e4, 1e4 - 1, -1e4],
    [0.0, -46.051701859880914, -50.0],  # exp(-46.05...) = 1e-20
    [50.0, 0.0, -np.inf],
    [-np.inf, 0.0, 1.0],
    [-np.inf, 1e4, -np.inf],
]
logits = pytest.mark.parametrize("x", LOGITS)


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


@pytest.mark.parametrize(
    ("x", "dy"), [([0.0, -40.0], [1.0, 0.3]), ([0.0, -40.0, -41.0], [1.0, 0.0, 0.0]), ([-20.0, 0.0], [3.0, 1.0])]
)
def test_gradients_keep_their_digits_where_one_probability_is_near_1(x, dy):
    e = np.exp(np.array(x) - max(x))
    p, dy = e / math.fsum(e), np.array(dy)
    rest = [math.fsum(np.delete(p, i)) for i in range(len(x))]  # 1 - p, without its cancellation
    # dx_i = p_i sum_j p_j (dy_i - dy_j) of softmax; dx_i = (1 - p_i) dy_i - p_i sum_(j != i) dy_j of its logarithm.
    softmax = [p[i] * math.fsum(p * (dy[i] - dy)) for i in range(len(x))]
    logarithm = [rest[i] * dy[i] - p[i] * math.fsum(np.delete(dy, i)) for i in range(len(x))]
    for layer, expected in ((fn.Softmax(), softmax), (fn.LogSoftmax(), logarithm)):
        _, cache = layer.forward((), np.array(x))
        assert_allclose(layer.backward((), cache, dy)[0], expected, rtol=1e-14)


@pytest.mark.parametrize("label", [0, 1, 2])
@logits
def test_cross_entropy_of_extreme_logits_is_exact(x, label):
    if x[label] == -np.inf:
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


@pytest.mark.parametrize("x", [[1e4, -1e4, 0.0], [-np.inf, 3.0, 1.0], [20.0, -20.0, 0.5], [0.5, 0.25, -0.5]])
@pytest.mark.parametrize("target", [[0.0, 0.75, 0.25], [0.0, 1.0, 0.5], [0.0, 0.0, 0.0], [0.0, 0.1, 0.2]])
def test_probabilities_that_do_not_sum_to_1_have_the_gradient_of_the_formula(x, target):
    value, dy = value_and_dy(fn.SoftmaxCrossEntropy(), x, target)
    assert_allclose(value, exactly(oracles.softmax_cross_entropy, x, target), rtol=1e-14)
    expected = exactly(oracles.softmax_cross_entropy_gradient, x, target)
    assert_allclose(dy, expected, rtol=1e-14, atol=ROUNDING)


# --- Labels ---


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
def test_labels_of_a_different_form_are_told_what_is_accepted(target):
    with pytest.raises((ValueError, TypeError)) as error:
        fn.SoftmaxCrossEntropy().forward(np.zeros((2, 3)), target)
    assert "integer labels of shape (2,) or probabilities of shape (2, 3)" in str(error.value)
    assert f"got {target.dtype} of shape {target.shape}" in str(error.value)


@pytest.mark.parametrize("layer", [fn.Softmax(), fn.LogSoftmax()])
def test_a_large_batch_of_extreme_logits_is_that_of_its_rows(layer):
    rows = np.array([[1e4, 0.0, -1e4], [0.0, 1.0, 2.0]])
    y = layer.apply((), np.tile(rows, (6000, 1)))
    assert_allclose(y, np.tile(layer.apply((), rows), (6000, 1)), rtol=ROUNDING)
