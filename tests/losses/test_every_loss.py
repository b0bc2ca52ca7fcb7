"""What every loss obeys and no law asks: reductions, exact shifts, forms of labels, byte orders, float16 and NaN."""

import itertools

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import funcnet as fn
from tests.losses.cases import (
    CASES,
    CLASSES,
    divisor,
    every_case,
    every_loss,
    every_reduction,
    one_hot,
    some_labels,
    some_logits,
)
from tests.passes import FLOATS, value_and_dy

# --- Examples, labels and layouts ---


@pytest.mark.parametrize("batch", [(), (5,), (2, 3)])
@every_case
def test_reductions_differ_by_a_factor(case, batch):
    y, target = case.arguments(batch)
    total, dy = value_and_dy(case.loss("sum"), y, target)
    for reduction in ("mean", "batch"):
        n = divisor(case, reduction, batch)
        value, mean_dy = value_and_dy(case.loss(reduction), y, target)
        assert_allclose(n * value, total, rtol=1e-14)
        assert_allclose(n * mean_dy, dy, rtol=1e-14)


@every_case
def test_mean_is_the_default(case):
    assert case.loss() == case.loss("mean")


@every_reduction
@pytest.mark.parametrize("case", [case for case in CASES if case.loss is fn.SoftmaxCrossEntropy])
def test_softmax_cross_entropy_is_shift_invariant(case, reduction):
    y, target = case.arguments((5,))
    sixteenths = np.round(y * 16) / 16
    value, dy = value_and_dy(case.loss(reduction), sixteenths, target)
    shifted_value, shifted_dy = value_and_dy(case.loss(reduction), sixteenths + 1024, target)
    assert shifted_value == value
    assert_array_equal(shifted_dy, dy)
    assert_allclose(dy.sum(axis=-1), 0, atol=1e-15)


@every_reduction
@pytest.mark.parametrize("batch", [(), (5,), (2, 3)])
def test_labels_are_one_hot_probabilities_to_rounding(batch, reduction):
    loss, shape = fn.SoftmaxCrossEntropy(reduction), (*batch, CLASSES)
    y, labels = 20 * some_logits(shape), some_labels(shape)
    value, dy = value_and_dy(loss, y, labels)
    for target in (one_hot(labels), one_hot(labels).astype(int), one_hot(labels).astype(bool)):
        other_value, other_dy = value_and_dy(loss, y, target)
        assert_allclose(other_value, value, rtol=1e-15)
        assert_allclose(other_dy, dy, rtol=2e-15)


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int64, np.uint64])
def test_labels_may_be_integers_of_any_size(dtype):
    y, labels = some_logits((5, CLASSES)), some_labels((5, CLASSES))
    value, _ = fn.SoftmaxCrossEntropy().forward(y, labels)
    assert fn.SoftmaxCrossEntropy().forward(y, labels.astype(dtype))[0] == value
    assert fn.SoftmaxCrossEntropy().forward(y, labels.tolist())[0] == value


@every_loss
def test_another_byte_order_is_accepted(case):
    y, target = case.arguments((5,))
    value, dy = value_and_dy(case.loss(), y, target)
    other_value, other_dy = value_and_dy(case.loss(), y.astype(">f8"), target.astype(target.dtype.newbyteorder(">")))
    assert_allclose(other_value, value, rtol=1e-14)
    assert_allclose(other_dy, dy, rtol=1e-14)


# --- dtypes ---


@every_reduction
@every_case
def test_the_value_is_a_scalar_of_the_dtype_of_y(case, reduction):
    for dtype, batch in itertools.product(FLOATS, [(), (5,)]):
        y, target = case.arguments(batch, dtype)
        for of_target in {target.dtype, np.dtype(float) if target.shape == y.shape else target.dtype}:
            value, dy = value_and_dy(case.loss(reduction), y, target.astype(of_target))
            assert type(value) is dtype
            assert dy.dtype == dtype


@every_reduction
@every_case
def test_float16_agrees_to_rounding(case, reduction):
    y, target = case.arguments((5,), np.float16)
    value, dy = value_and_dy(case.loss(reduction), y, target)
    exact = value_and_dy(
        case.loss(reduction), y.astype(float), target.astype(float if target.shape == y.shape else int)
    )
    assert_allclose(value, exact[0], rtol=1e-2)
    assert_allclose(dy, exact[1], rtol=1e-2, atol=2e-3)  # terms of size 1 may cancel


@pytest.mark.parametrize("case", CASES[:10])  # for the others NaN is an error, see test_edges.py
def test_nan_is_not_swallowed_and_stays_in_its_row(case):
    y, target = case.arguments((5,))
    _, dy = value_and_dy(case.loss(), y, target)
    y[2, 1] = np.nan
    value, spoilt = value_and_dy(case.loss(), y, target)
    assert np.isnan(value)
    assert np.isnan(spoilt[2, 1])
    assert_array_equal(np.delete(spoilt, 2, axis=0), np.delete(dy, 2, axis=0))
