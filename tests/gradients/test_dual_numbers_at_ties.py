"""Where numbers tie, dual numbers follow each direction by itself: derivatives there are one-sided, and right."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import funcnet as fn
from funcnet.gradients.dual_rules import Dual, Mask, NoRuleError
from funcnet.numerics.elementwise import sigmoid, softplus
from funcnet.testing import oracles

STEPS = np.array([1.0, -1.0, 0.0, 2.5, -0.5])  # how far each direction moves each number


def tied(*values):
    """Numbers that all move in the directions of STEPS."""
    return Dual(np.array(values), np.tile(STEPS[:, None], len(values)))


def applied(layer):
    return lambda x: layer.forward((), x)[0]


def tanh_by_sign(x):
    decay = np.exp(-2 * np.abs(x))
    return np.sign(x) * (1 - decay) / (1 + decay)


def tanh_by_where(x):
    decay = np.exp(-2 * np.abs(x))
    return np.where(x >= 0, 1.0, -1.0) * (1 - decay) / (1 + decay)


SMOOTH = {  # and their derivatives at 0, by the formulas
    "sigmoid": (sigmoid, 1 / 4),
    "softplus": (softplus, 1 / 2),
    "tanh by sign": (tanh_by_sign, 1),
    "tanh by where": (tanh_by_where, 1),
    "tanh by sign, the factors moved": (lambda x: (1 - (d := np.exp(-2 * np.abs(x)))) / (1 + d) * np.sign(x), 1),
    "silu": (applied(fn.SiLU()), 1 / 2),
    "gelu": (applied(fn.GELU()), 1 / 2),
    "elu": (applied(fn.ELU()), 1),
    "sign * log(1 + |x|)": (lambda x: np.sign(x) * np.log1p(np.abs(x)), 1),
    "x * |x|": (lambda x: x * np.abs(x), 0),
    "max - max(-x)": (lambda x: np.maximum(x, 0) - np.maximum(0, -x), 1),
    "halves of jumps": (lambda x: np.where(x > 0, 1.0, 0.0) * x + np.where(x > 0, 0.0, 1.0) * x, 1),
    "a jump undone": (lambda x: (np.where(x > 0, x + 5, x) - np.where(x > 0, 5.0, 0.0)) * np.exp(x), 1),
    "a jump of integers undone": (lambda x: np.square(np.where(x >= 0, 1, -1)) * x, 1),
    "a jump through a matrix": (lambda x: np.sign(x).reshape(1, 1) @ np.ones((1, 1)) * np.abs(x), 1),
    "a jump copied": (lambda x: np.sign(x).astype(float).copy().view() * np.abs(x), 1),
    "a jump reshaped": (lambda x: np.sign(x).reshape(1, 1).T[0] * np.abs(x).max(axis=0), 1),
    "jumps compared": (lambda x: np.where(np.sign(x) > 0, 3 * x, np.where(np.sign(x) == 0, 7 * x, 3 * x)), 3),
    "the larger of jumps": (lambda x: np.maximum(np.sign(x), -np.sign(x)) * x, 1),
    "the absolute of a jump": (lambda x: np.abs(np.sign(x)) * x, 1),
    "jumps side by side": (lambda x: np.concatenate([np.sign(x), x]).max(axis=0) * np.minimum(x, 0) + x, 1),
    "a mean of jumps": (lambda x: np.concatenate([np.sign(x), np.sign(x)]).mean() * np.abs(x), 1),
    "a jump chosen": (lambda x: np.where(np.ones(1, bool), np.sign(x), 0.0) * np.abs(x), 1),
    "the sign of a jump": (lambda x: np.sign(np.where(x >= 0, 2.0, -2.0)) * np.abs(x), 1),
    "a mask and its opposite": (lambda x: 3 * (x > 0) * x + x * ~(x > 0) * 3, 3),
    "a count of masks": (lambda x: ((x > 0).sum(axis=0) + np.sum(x < 0)) * x * 2, 2),
}


@pytest.mark.parametrize(("f", "derivative"), SMOOTH.values(), ids=SMOOTH)
def test_smooth_functions_made_of_corners_have_their_derivative(f, derivative):
    moving = STEPS != 0  # what stands still may stay between branches
    assert_allclose(f(tied(0.0)).tangents.ravel()[moving], (STEPS * derivative)[moving], rtol=1e-15)
    assert_array_equal(f(tied(0.0)).tangents.ravel()[~moving], 0)


CORNERS = {  # and their slopes at 0, below and above
    "relu": (lambda x: np.maximum(x, 0), 0, 1),
    "relu, turned": (lambda x: np.maximum(0.0, x), 0, 1),
    "min": (lambda x: np.minimum(x, 0), 1, 0),
    "min, turned": (lambda x: np.minimum(np.zeros(1), x), 1, 0),
    "larger of two": (lambda x: np.maximum(2 * x, 3 * x), 2, 3),
    "smaller of two": (lambda x: np.minimum(2 * x, 3 * x), 3, 2),
    "abs": (np.abs, -1, 1),
    "clip below": (lambda x: np.clip(x, 0, 1), 0, 1),
    "clip above": (lambda x: np.clip(x, -1, 0), 1, 0),
    "leaky relu": (applied(fn.LeakyReLU(0.1)), 0.1, 1),
    "elu of 2": (applied(fn.ELU(2.0)), 2, 1),
    "sign, which jumps": (np.sign, 0, 0),
    "largest of three": (lambda x: np.max(np.concatenate([x, 2 * x, -x]), axis=0), -1, 2),
    "x * (x > 0)": (lambda x: x * (x > 0), 0, 1),
    "(x >= 0) * x": (lambda x: (x >= 0) * x, 0, 1),
    "x * (0 < x)": (lambda x: x * (np.zeros(1) < x), 0, 1),
    "x * not (x <= 0)": (lambda x: x * np.logical_not(x <= 0), 0, 1),
    "a mask times a number": (lambda x: (x > 0) * 2.0 * x, 0, 2),
    "a mask times an integer": (lambda x: (x > 0) * 2 * x, 0, 2),
    "a mask times an array": (lambda x: np.array([2.0]) * (x > 0) * x, 0, 2),
    "slopes chosen": (lambda x: x * np.where(x > 0, 1, 0.1), 0.1, 1),
    "where": (lambda x: np.where(x > 0, x, 0.2 * x), 0.2, 1),
    "where nested": (lambda x: np.where(x > 0, np.where(x > 1, 9 * x, 2 * x), np.where(x == 0, 5 * x, 3 * x)), 3, 2),
    "where within where": (lambda x: np.where(np.where(x > 0, x, -x) > 0, 2 * x, 5 * x), 2, 2),
    "where one side of a jump is above": (lambda x: np.where(np.where(x >= 0, 1, -1) > 0, 3 * x, 2 * x), 2, 3),
    "largest of jumps": (lambda x: np.max(np.concatenate([np.where(x >= 0, 1, -1), 0 * x]), axis=0) * x, 0, 1),
    "and": (lambda x: np.where((x > 0) & (x < 1), x, 3 * x), 3, 1),
    "and of two that tie": (lambda x: np.where((x >= 0) & (2 * x >= x), x, 3 * x), 3, 1),
    "or": (lambda x: np.where((x < 0) | (x > 0), x, 3 * x), 1, 1),
    "not": (lambda x: np.where(~(x > 0), x, 3 * x), 1, 3),
    "logical and": (lambda x: np.where(np.logical_and(np.ones(1, bool), x > 0), x, 3 * x), 3, 1),
    "logical or": (lambda x: np.where(np.logical_or(x != 0, False), x, 3 * x), 1, 1),
    "between duals": (lambda x: np.where(2 * x > x, x, 3 * x), 3, 1),
    "equal": (lambda x: np.where(x == 2 * x, x, 3 * x), 3, 3),
}


@pytest.mark.parametrize(("f", "below", "above"), CORNERS.values(), ids=CORNERS)
def test_at_a_corner_each_direction_has_the_slope_of_its_side(f, below, above):
    expected = np.where(STEPS > 0, above, below) * STEPS
    assert_allclose(f(tied(0.0)).tangents.ravel(), expected, rtol=1e-15)


@pytest.mark.parametrize("f", [f for f, *_ in (*SMOOTH.values(), *CORNERS.values())])
def test_the_value_at_a_tie_is_that_of_the_arrays(f):
    assert_array_equal(f(tied(0.0)).value, np.asarray(f(np.zeros(1)), float))


def test_every_number_of_an_array_is_followed_by_itself():
    x = Dual(np.array([0.0, 0.0, 2.0]), np.array([np.eye(3)[0], -np.eye(3)[0], np.ones(3), [1, -1, -1]]))
    assert_array_equal(np.maximum(x, 0).tangents, [[1, 0, 0], [0, 0, 0], [1, 1, 1], [1, 0, -1]])
    assert_array_equal((x * (x > 0)).tangents, [[1, 0, 0], [0, 0, 0], [1, 1, 1], [1, 0, -1]])
    assert_array_equal(np.max(x - 2, axis=0).tangents, [0, 0, 1, -1])
    assert_array_equal(np.max(x[:2], axis=0).tangents, [1, 0, 1, 1])


def test_masks_broadcast_with_arrays_of_more_axes():
    x, many = tied(0.0, 1.0), np.array([[True, False], [True, True]])
    expected = STEPS[:, None, None] * [[1, 0], [1, 1]] * np.where(STEPS > 0, 1, 0)[:, None, None]
    expected[:, 1, 1] = STEPS  # where x is 1, and not tied
    assert_array_equal(np.where((x > 0) & many, x, 0.0).tangents, expected)
    assert_array_equal((((x > 0) & many) * x).tangents, expected)


def test_a_largest_that_ties_in_one_row_and_is_nan_in_another():
    x = Dual(np.array([[0.0, 0.0], [np.nan, 1.0], [3.0, 1.0]]), np.array([[[1.0, 2], [3, 4], [5, 6]]]))
    assert_array_equal(np.max(x, axis=1).tangents, [[2, 3, 5]])
    assert_array_equal(np.max(x, axis=-1, keepdims=True).tangents, [[[2], [3], [5]]])


def test_comparisons_are_plain_where_no_direction_leaves_the_value():
    x, still = tied(0.0, 1.0), Dual(np.zeros(2), np.zeros((5, 2)))
    for plain in (x > 0.5, x == x, x >= x, still == 0, still >= 0, still != 0, x - x == 0, ~(still > 0)):
        assert type(plain) is np.ndarray
        assert plain.dtype == bool
    assert isinstance(x > 0, Mask)
    assert type((x > 0) & (x < 0)) is np.ndarray  # false everywhere


def test_a_mask_has_the_value_of_the_arrays_and_a_truth_for_each_direction():
    x = tied(0.0)
    for f, directions in [
        (np.greater, STEPS > 0),
        (np.greater_equal, STEPS >= 0),
        (np.less, STEPS < 0),
        (np.less_equal, STEPS <= 0),
        (np.equal, STEPS == 0),
        (np.not_equal, STEPS != 0),
    ]:
        mask = f(x, 0)
        assert_array_equal(mask.value, f(np.zeros(1), 0))
        assert_array_equal(mask.directions[:, 0], directions)


def test_nan_and_infinity_do_not_tie():
    for value in (np.nan, np.inf, -np.inf):
        x = tied(value)
        for f in (np.greater, np.greater_equal, np.less, np.less_equal, np.equal, np.not_equal):
            assert_array_equal(f(x, value), f(x.value, value))
            assert_array_equal(f(x, x), f(x.value, x.value))
    assert np.isnan(np.maximum(tied(np.nan), 0).value)
    assert np.isnan(np.maximum(0, tied(np.nan)).value)


@pytest.mark.parametrize(
    "f",
    [
        bool,
        float,
        int,
        len,
        list,
        np.any,
        np.all,
        np.asarray,
        np.mean,
        np.shape,
        np.logical_xor,
        lambda mask: mask.any(),
        lambda mask: mask.astype(float),
        lambda mask: mask.sum(dtype=int),
        lambda mask: mask.sum(out=np.zeros(())),
        lambda mask: mask[0],
        lambda mask: np.arange(1.0)[mask],
        lambda mask: tied(0.0)[mask],
        lambda mask: mask + 1,
        lambda mask: mask + tied(0.0),
        lambda mask: tied(0.0) - mask,
        lambda mask: tied(0.0) ** mask,
        lambda mask: tied(0.0) > mask,
        lambda mask: np.maximum(tied(0.0), mask),
        lambda mask: np.where(mask, True, False),
        lambda mask: np.where(mask, mask, 0.0),
        lambda mask: np.where(mask),
        lambda mask: mask * mask,
        lambda mask: mask & 1,
        lambda mask: mask & tied(0.0),
        lambda mask: np.logical_and(mask, mask, out=np.zeros(1, bool)),
        lambda mask: np.logical_and.reduce(mask),
        lambda mask: np.concatenate([tied(0.0), mask]),
        lambda mask: np.multiply(mask, 2.0, out=np.zeros(1)),
    ],
)
def test_what_a_mask_can_not_be_is_refused(f):
    with pytest.raises(TypeError):
        f(tied(0.0) > 0)


@pytest.mark.parametrize(
    "f",
    [bool, np.any, np.logical_and.reduce, np.asarray, lambda mask: mask.astype(float), lambda mask: mask + 1],
)
def test_a_refused_mask_says_what_is_impossible(f):
    with pytest.raises(NoRuleError, match=r"no rule for the derivative of|cannot convert a comparison that ties to "):
        f(tied(0.0) > 0)


def test_a_jump_is_not_written_into_an_array_that_could_not_hold_it():
    x, jump = tied(1.0), np.where(tied(0.0) >= 0, 1.0, -1.0)
    with pytest.raises(NoRuleError):
        x += jump
    with pytest.raises(NoRuleError):
        jump *= 0


TIED = np.array([[0.5, 0.5, -1.0], [0.0, 0.0, 0.0]])


def every_direction(x):
    return np.concatenate([np.eye(x.size), -np.eye(x.size), [[0.0] * x.size, np.arange(x.size)]]).reshape(-1, *x.shape)


def test_softmax_of_a_tied_largest_has_its_jacobian():
    directions = every_direction(TIED)
    p = np.exp(TIED) / np.exp(TIED).sum(axis=-1, keepdims=True)
    centred = directions - (p * directions).sum(axis=-1, keepdims=True)  # dy = p * (dx - <p, dx>)
    softmax = oracles.pushed(applied(fn.Softmax()), TIED, [directions])
    assert_allclose(softmax, p * centred, rtol=1e-14, atol=1e-15)
    log_softmax = oracles.pushed(applied(fn.LogSoftmax()), TIED, [directions])
    assert_allclose(log_softmax, centred, rtol=1e-14, atol=1e-15)


def test_cross_entropy_of_tied_logits_has_its_gradient():
    p = np.exp(TIED) / np.exp(TIED).sum(axis=-1, keepdims=True)
    for side in (1, -1):
        (gradient,) = oracles.exact(
            lambda y: fn.SoftmaxCrossEntropy("sum").forward(y, np.array([1, 2]))[0], TIED, [np.arange(6)], side=side
        )
        assert_allclose(gradient.reshape(2, 3), p - np.eye(3)[[1, 2]], rtol=1e-14, atol=1e-15)


def test_exact_gives_the_derivative_of_either_side():
    params, every = (np.array([0.0, 1.0, 0.0]),), [np.arange(3)]
    for f, above, below in [
        (np.abs, [1, 1, 1], [-1, 1, -1]),
        (lambda x: np.maximum(x, 0), [1, 1, 1], [0, 1, 0]),
        (sigmoid, [0.25, np.e / (1 + np.e) ** 2, 0.25], [0.25, np.e / (1 + np.e) ** 2, 0.25]),
    ]:
        for side, expected in ((1, above), (-1, below)):
            (derivative,) = oracles.exact(lambda params, f=f: np.sum(f(params[0])), params, every, side=side)
            assert_allclose(derivative, expected, rtol=1e-15)
