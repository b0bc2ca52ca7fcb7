"""What users' layers do that laws must know: digits lost and dropped, arrays used again, loops that are slow."""

import numpy as np
import pytest

from funcnet.testing import LawViolation, check_layer, check_layer_law
from funcnet.testing.reports.comparing import Difference, same_bits


def test_long_doubles_are_the_same_whatever_fills_them_up():
    numbers = np.linspace(-1, 1, 5, dtype=np.longdouble)
    filled = numbers.copy()
    padding = filled.view(np.uint8).reshape(5, -1)[:, 10:] if np.finfo(np.longdouble).nmant == 63 else numbers[:0]
    padding[...] = 255
    same_bits({"y": filled}, {"y": numbers}, "itself")
    with pytest.raises(Difference):
        same_bits({"y": numbers}, {"y": np.nextafter(numbers, np.longdouble(2))}, "its neighbour")
    with pytest.raises(Difference, match="float64"):
        same_bits({"y": numbers.astype(np.float64)}, {"y": numbers}, "itself")


def test_a_y_that_the_next_forward_writes_into_is_told():
    buffers = {}

    def forward(params, x):
        x = np.asarray(x, x.dtype.newbyteorder("="))
        return np.sin(x, out=buffers.setdefault((x.shape, x.dtype), np.empty(x.shape, x.dtype))), x

    with pytest.raises(LawViolation) as caught:
        check_layer((forward, lambda params, x, dy: (dy * np.cos(x), ())), (3,), examples=7)
    assert (caught.value.law, caught.value.at) == ("determinism", "y")
    assert "return a new one" in caught.value.diagnosis


def test_differences_are_asked_of_fewer_numbers_where_y_is_large():
    calls = []

    def forward(params, x):
        calls.append(x.shape)
        return np.array([float(number) for number in x.ravel()]).reshape(x.shape), None

    def asked(rows):
        calls.clear()
        x = np.linspace(-1, 1, rows * 64).reshape(rows, 64)
        check_layer_law("coordinates", (forward, lambda params, cache, dy: (dy, ())), (), x, np.ones_like(x))
        return len(calls)

    assert asked(40) < asked(2) / 4


def exponential_backward(params, y, dy):
    return y * dy, ()


@pytest.mark.parametrize("x", [80.0, -80.0, -100.0])
def test_linearity_is_asked_where_the_scaled_numbers_have_all_their_digits(x):
    x = np.full((1, 2), x, np.float32)
    check_layer_law("linearity", (lambda params, x: (np.exp(x),) * 2, exponential_backward), (), x, np.ones_like(x))


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_small_gradients_that_are_dropped_break_linearity(dtype):
    def backward(params, x, dy):
        return np.where(np.abs(dy) < 1e-9, 0, dy * np.cos(x)).astype(dy.dtype), ()

    x, dy = np.array([[0.5, 1.0]], dtype), np.array([[1.0, 5e-4]], dtype)
    with pytest.raises(LawViolation) as caught:
        check_layer_law("linearity", (lambda params, x: (np.sin(x), x), backward), (), x, dy)
    assert (caught.value.at, caught.value.index, caught.value.got) == ("dx", (0, 1), 0)
