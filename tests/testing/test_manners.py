"""What passes may do with memory, and what they may not: caches that hold x and y, and writes that nobody sees."""

import ctypes

import numpy as np
import pytest

from funcnet.testing import LawViolation, check_layer, check_layer_law
from tests.testing.gallery.writing import ExpCachingOutput, SumIntoCached

X = np.array([[-1.0, 0.5], [2.0, -0.25]])


def states(params, x):
    """A recurrence over the last axis: y is all of the states but the first, and the cache holds them all."""
    h = np.zeros((*x.shape[:-1], x.shape[-1] + 1), x.dtype)
    for t in range(x.shape[-1]):
        h[..., t + 1] = np.tanh(h[..., t] + x[..., t])
    return h[..., 1:], h


def states_backward(params, h, dy):
    dx, later = np.zeros_like(dy), np.zeros_like(dy[..., 0])
    for t in reversed(range(dy.shape[-1])):
        later = (later + dy[..., t]) * (1 - h[..., t + 1] ** 2)
        dx[..., t] = later
    return dx, ()


def states_and_last(params, x):
    y, h = states(params, x)
    return (y, y[..., -1]), h


def states_and_last_backward(params, h, dy):
    all_of_them = dy[0].copy()
    all_of_them[..., -1] += dy[1]
    return states_backward(params, h, all_of_them)


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (ExpCachingOutput(), (4,)),
        ((states, states_backward), (3,)),
        ((states_and_last, states_and_last_backward), (3,)),
    ],
)
def test_a_cache_may_hold_y_itself(layer, shape):
    check_layer(layer, shape, examples=14)


def test_whoever_writes_into_a_y_that_a_cache_holds_is_blamed():
    model = SumIntoCached(ExpCachingOutput(), ExpCachingOutput())
    with pytest.raises(LawViolation):
        check_layer_law("coordinates", model, ((), ()), X, np.ones_like(X))


def relu_writing_into_x(params, x):
    x[x < 0] = 0
    return x.copy(), x > 0


def relu_writing_where_it_can(params, x):
    if x.flags.writeable:
        x[x < 0] = 0
    return np.where(x < 0, 0, x), x > 0


def relu_writing_past_the_flag(params, x):
    """As NumPy 2.4 does in np.add.at."""
    right = np.maximum(x, 0)
    if x.flags.c_contiguous:
        ctypes.memmove(x.ctypes.data, np.ascontiguousarray(right).ctypes.data, x.nbytes)
    return right, right > 0


def masked(params, mask, dy):
    return dy * mask, ()


def relu(params, x):
    return np.maximum(x, 0), x > 0


def masked_where_it_can(params, mask, dy):
    if dy.flags.writeable:
        dy[~mask] = 0
    return dy * mask, ()


def mask_in_params(params, x):
    if params[0].flags.writeable:
        params[0][params[0] < 0] = 0
    return x * np.maximum(params[0], 0), x


def mask_in_params_backward(params, x, dy):
    g = (x * dy * (params[0] > 0)).sum(axis=tuple(range(dy.ndim - 1)))
    return dy * np.maximum(params[0], 0), (g,)


@pytest.mark.parametrize(
    ("layer", "params", "at"),
    [
        ((relu_writing_where_it_can, masked), (), "x"),
        ((relu_writing_past_the_flag, masked), (), "x"),
        ((relu, masked_where_it_can), (), "dy"),
        ((mask_in_params, mask_in_params_backward), (np.array([-1.0, 2.0]),), "params"),
    ],
)
def test_a_write_that_leaves_the_results_as_they_are_is_seen_in_the_bytes(layer, params, at):
    with pytest.raises(LawViolation) as caught:
        check_layer(layer, (2,), params=params, examples=7)
    of_pass = "backward" if at == "dy" else "forward"
    assert (caught.value.law, caught.value.at, caught.value.got) == ("purity", at, f"changed by {of_pass}")


def test_a_write_into_a_read_only_array_is_told_as_numpy_tells_it():
    with pytest.raises(LawViolation, match="read-only") as caught:
        check_layer((relu_writing_into_x, masked), (2,), examples=7)
    assert caught.value.law == "purity"
