"""Dropout draws by its key alone, each number with its rate, and scales what it keeps."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import funcnet as fn
from funcnet import tree
from tests.layers.cases import kept_by, some_numbers
from tests.oracles import ROUNDING
from tests.passes import every_dtype, passes


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
    assert_allclose(y, np.where(kept, x / (1 - rate), 0), rtol=ROUNDING)
    assert_allclose(dx, np.where(kept, dy / (1 - rate), 0), rtol=ROUNDING)


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


# --- The edges ---


@pytest.mark.parametrize("rate", [-0.1, 1.1, np.inf, -np.inf, np.nan])
def test_a_rate_that_is_not_a_probability_is_an_error(rate):
    with pytest.raises(ValueError, match="rate"):
        fn.Dropout(rate)


@pytest.mark.parametrize(("rate", "kept"), [(0, 1), (0.0, 1), (1, 0), (1.0, 0)])
@every_dtype
def test_rate_0_is_the_identity_and_rate_1_all_zeros(rate, kept, dtype):
    x = np.array([[1, -2, 3], [np.inf, -np.inf, 0.5]], dtype)
    layer = fn.Dropout(rate).training(fn.Key(0))
    y, cache = layer.forward((), x)
    dx, _ = layer.backward((), cache, x)
    expected = x if kept else np.zeros_like(x)
    assert tree.equal((y, dx), (expected, expected))


@every_dtype
def test_kept_infinities_stay_and_dropped_ones_are_0(dtype):
    layer = fn.Dropout(0.5).training(fn.Key(0))
    signs = np.resize([1, -1], 100)
    y, cache = layer.forward((), (signs * np.inf).astype(dtype))
    dx, _ = layer.backward((), cache, (signs * np.inf).astype(dtype))
    kept = kept_by(layer, 100)
    assert 0 < kept.sum() < 100
    expected = np.array([sign * np.inf if keep else 0 for sign, keep in zip(signs, kept, strict=True)])
    assert_array_equal(y, expected)
    assert_array_equal(dx, expected)
