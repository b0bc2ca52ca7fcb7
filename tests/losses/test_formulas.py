"""Losses against the formulas of textbooks; they share no memory, and refuse another's cache."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

import funcnet as fn
from tests.losses.cases import (
    CLASSES,
    REDUCTIONS,
    every_case,
    every_loss,
    one_hot,
    some_probabilities,
)
from tests.oracles import exactly
from tests.passes import value_and_dy

# --- Values and gradients ---


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
        with pytest.raises(fn.ShapeError, match=r"expected .* of shape \(\.\.\., n\), got \(\)"):
            case.loss().forward(np.array(0.5), np.array(0))
        return
    target = 1.0 if case.loss is fn.Hinge else 0.6
    values = [case.loss(reduction).forward(np.array(0.3), np.array(target))[0] for reduction in REDUCTIONS]
    assert_allclose(values, exactly(case.losses, [0.3], [target])[0], rtol=1e-14)


@every_case
def test_the_gradient_shares_no_memory_with_y_and_target(case):
    y, target = case.arguments((5,))
    _, dy = value_and_dy(case.loss(), y, target)
    assert not np.shares_memory(dy, y)
    assert not np.shares_memory(dy, target)


# --- Errors ---


@every_case
def test_a_cache_of_a_different_loss_is_an_error(case):
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
def test_a_reduction_of_a_different_name_is_an_error(case, reduction):
    with pytest.raises(ValueError, match='reduction must be "mean", "batch" or "sum", got'):
        case.loss(reduction)
