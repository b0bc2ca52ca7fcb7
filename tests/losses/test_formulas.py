"""Losses against central differences and textbook formulas; they are pure, and refuse another's cache."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

import funcnet as fn
from tests.losses.cases import (
    CLASSES,
    REDUCTIONS,
    divisor,
    every_case,
    every_loss,
    every_reduction,
    one_hot,
    some_probabilities,
)
from tests.oracles import exactly, pulled_back
from tests.passes import every_batch, value_and_dy

# --- Values and gradients ---


@every_batch
@every_reduction
@every_case
def test_the_gradient_is_that_of_central_differences(case, reduction, batch):
    loss, (y, target) = case.loss(reduction), case.arguments(batch)
    if divisor(case, reduction, batch) == 0:
        with pytest.raises(ValueError, match="cannot average over an empty batch"):
            loss.forward(y, target)
        return
    _, dy = value_and_dy(loss, y, target)
    assert dy.shape == y.shape
    assert_allclose(dy, pulled_back(lambda y: loss.forward(y, target)[0], y, 1.0), rtol=1e-6, atol=1e-12)


@every_case
def test_value_and_gradient_are_the_textbooks(case):
    y, target = case.arguments((2, 3))
    value, dy = value_and_dy(case.loss("sum"), y, target)
    distributions = target if target.shape == y.shape else one_hot(target)
    examples = list(zip(y.reshape(-1, CLASSES), distributions.reshape(-1, CLASSES), strict=True))
    assert_allclose(value, np.sum([exactly(case.losses, *example) for example in examples]), rtol=1e-14)
    expected = [exactly(case.gradient, *example) for example in examples]
    assert_allclose(dy.reshape(-1, CLASSES), expected, rtol=1e-13)


@every_loss
def test_without_batch_axes_a_number_is_an_example_of_its_own(case):
    if case.counts_examples:
        with pytest.raises(fn.ShapeError, match=r"logits of shape \(\.\.\., n\), got \(\)"):
            case.loss().forward(np.array(0.5), np.array(0))
        return
    values = [case.loss(reduction).forward(np.array(0.3), np.array(0.6))[0] for reduction in REDUCTIONS]
    assert_allclose(values, exactly(case.losses, [0.3], [0.6])[0], rtol=1e-14)


# --- Purity ---


@every_case
def test_inputs_are_left_as_they_were(case):
    arrays = y, target = case.arguments((5,))
    for array in arrays:
        array.flags.writeable = False
    before = [array.tobytes() for array in arrays]
    value_and_dy(case.loss(), y, target)
    assert [array.tobytes() for array in arrays] == before


@every_case
def test_a_pass_repeated_or_interleaved_gives_the_same_bits(case):
    loss, (y, target) = case.loss(), case.arguments((5,))
    value, cache = loss.forward(y, target)
    first = loss.backward(cache).tobytes()
    value_and_dy(loss, y[::-1] * 0.5, target)
    dy = loss.backward(cache)
    assert dy.tobytes() == first
    dy.fill(np.nan)
    assert loss.backward(cache).tobytes() == first
    assert loss.forward(y, target)[0] == value


@every_case
def test_the_gradient_shares_no_memory_with_y_and_target(case):
    y, target = case.arguments((5,))
    _, dy = value_and_dy(case.loss(), y, target)
    assert not np.shares_memory(dy, y)
    assert not np.shares_memory(dy, target)


# --- Errors ---


@every_case
def test_a_cache_of_another_loss_is_an_error(case):
    y, target = case.arguments((5,))
    p = some_probabilities((5, 2))
    others = [
        (fn.MeanSquaredError("batch"), p, p),
        (fn.BinaryCrossEntropy("batch"), p, p),
        (case.loss("sum"), y, target),
    ]
    for other, *of_other in others:
        _, cache = other.forward(*of_other)
        with pytest.raises(fn.CacheError) as error:
            case.loss().backward(cache)
        assert repr(case.loss()) in str(error.value)
        assert repr(other) in str(error.value)
    with pytest.raises(fn.CacheError, match="got ndarray"):
        case.loss().backward(y)


@pytest.mark.parametrize("reduction", ["none", "Mean", None, 1])
@every_loss
def test_a_reduction_of_another_name_is_an_error(case, reduction):
    with pytest.raises(ValueError, match='reduction must be "mean", "batch" or "sum", got'):
        case.loss(reduction)
