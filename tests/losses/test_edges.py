"""Losses at the edges: binary cross entropies near 0 and 1, shapes that differ, and no examples at all."""

import math

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import funcnet as fn
from tests import oracles
from tests.losses.cases import averages
from tests.oracles import ROUNDING, exactly
from tests.passes import every_dtype, value_and_dy

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


@pytest.mark.parametrize("target", [-0.1, 1.1, np.nan, np.inf])
def test_a_target_that_is_not_a_probability_is_an_error(target):
    for loss in (fn.SigmoidBinaryCrossEntropy(), fn.BinaryCrossEntropy()):
        with pytest.raises(ValueError, match=r"targets in \[0, 1\], got") as error:
            loss.forward(np.array([0.5, 0.5]), np.array([0.5, target]))
        assert str(error.value).endswith(f"{target} at index (1,)")


@pytest.mark.parametrize("p", [-0.1, 1.1, np.nan, np.inf])
def test_a_prediction_that_is_not_a_probability_is_an_error(p):
    with pytest.raises(ValueError, match=r"y in \[0, 1\], got") as error:
        fn.BinaryCrossEntropy().forward(np.array([0.5, p]), np.array([0.5, 0.5]))
    assert str(error.value).endswith(f"{p} at index (1,)")


@every_dtype
@pytest.mark.parametrize(("p", "target", "sign"), [(0, 1, -1), (1, 0, 1)])
def test_an_impossible_event_costs_a_finite_amount(p, target, sign, dtype):
    least = float(np.finfo(dtype).tiny)
    value, dy = value_and_dy(fn.BinaryCrossEntropy(), np.array([p], dtype), np.array([target], dtype))
    assert_allclose(value, -math.log(least), rtol=4 * np.finfo(dtype).eps)
    assert_allclose(dy, [sign / least], rtol=4 * np.finfo(dtype).eps)
    assert np.isfinite(dy).all()


@every_dtype
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
    assert f"got y of shape {y} and target of shape {target}" in str(error.value)


@pytest.mark.parametrize(
    ("y", "target", "remedy"),
    [
        ((5, 1), (5,), "write target[:, None]"),
        ((2, 3, 1), (2, 3), "write target[:, :, None]"),
        ((5,), (5, 1), "write target[:, 0]"),
        ((5, 3), (5,), "for labels use SoftmaxCrossEntropy, or write one-hot rows, np.eye(n)[target]"),
        ((5, 3), (4, 3), "they have different numbers of examples"),
    ],
)
@pytest.mark.parametrize("loss", [fn.MeanSquaredError, fn.SigmoidBinaryCrossEntropy, fn.BinaryCrossEntropy])
def test_shapes_that_differ_are_told_what_to_write(loss, y, target, remedy):
    with pytest.raises(fn.ShapeError, match="y, the prediction of the model, and target must") as error:
        loss().forward(np.zeros(y), np.zeros(target, int))
    assert str(error.value).endswith(f": {remedy}")
    if remedy.startswith("write target"):
        changed = eval(remedy.removeprefix("write "), {"target": np.zeros(target)})
        assert np.isfinite(loss().forward(np.full(y, 0.5), changed)[0])


def test_other_shapes_are_told_no_remedy():
    for y, target in [((3,), ()), ((2, 3), (3,)), ((4, 2), (2, 4))]:
        with pytest.raises(fn.ShapeError, match=r"target of shape \([0-9, ]*\)$"):
            fn.MeanSquaredError().forward(np.zeros(y), np.zeros(target))


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
    with pytest.raises(ValueError, match="cannot average over an empty batch") as error:
        loss(reduction).forward(np.zeros(shape), target)
    assert str(shape) in str(error.value)


@every_dtype
@losses_of_nothing
def test_the_sum_of_no_losses_is_0(loss, shape, target, dtype):
    value, dy = value_and_dy(loss("sum"), np.zeros(shape, dtype), target)
    assert value == 0
    assert type(value) is dtype
    assert dy.shape == shape


# --- Few classes are laid out otherwise than many ---


@every_dtype
@pytest.mark.parametrize("classes", [2, 63, 64, 65, 200])
def test_a_class_that_can_not_be_changes_nothing(classes, dtype):
    draws = np.random.default_rng(classes)
    y, labels = draws.standard_normal((2, 3, classes)).astype(dtype), draws.integers(0, classes, (2, 3))
    padded = np.concatenate([y, np.full((2, 3, 64), -1e4, dtype)], axis=-1)
    value, dy = value_and_dy(fn.SoftmaxCrossEntropy(), y, labels)
    same, padded_dy = value_and_dy(fn.SoftmaxCrossEntropy(), padded, labels)
    eps = np.finfo(dtype).eps
    assert_allclose(same, value, rtol=8 * eps)
    assert_allclose(padded_dy[..., :classes], dy, rtol=16 * eps, atol=np.finfo(dtype).smallest_subnormal)
    assert not padded_dy[..., classes:].any()


@pytest.mark.parametrize("classes", [3, 100])
def test_logits_are_left_as_they_were_however_many_classes(classes):
    y = np.random.default_rng(0).standard_normal((1, classes))
    before = y.copy()
    value_and_dy(fn.SoftmaxCrossEntropy(), y, np.array([1]))
    assert_array_equal(y, before)


@pytest.mark.parametrize("target", [np.array([0, 2]), np.eye(3)[[0, 2]]], ids=["labels", "one-hot"])
@pytest.mark.parametrize("dtype", [complex, np.longdouble])
def test_logits_of_oracles_have_the_value_of_floats(dtype, target):
    y = np.array([[0.25, 0.5, 0.25], [1.0, -2.0, 3.0]])
    value, cache = fn.SoftmaxCrossEntropy().forward(y.astype(dtype), target)
    expected, expected_cache = fn.SoftmaxCrossEntropy().forward(y, target)
    assert complex(value) == pytest.approx(complex(expected))
    dy = fn.SoftmaxCrossEntropy().backward(cache)
    assert np.allclose(dy.astype(complex), fn.SoftmaxCrossEntropy().backward(expected_cache))
