"""Kernels: plain arrays take the fast way, every other class of array the formula, or its own rule."""

import numpy as np
import pytest

import funcnet as fn
from funcnet.numerics.elementwise import positive
from funcnet.numerics.kernel import kernel
from funcnet.numerics.softmax import largest
from funcnet.numerics.sums import column_sums, wide_sum
from tests.passes import passes


class Wrapped(np.lib.mixins.NDArrayOperatorsMixin):
    """An array of another library: it answers ufuncs that are called, NumPy's own functions, and has methods."""

    def __init__(self, array):
        self.array = array

    def __array_ufunc__(self, ufunc, method, *inputs, **options):
        if method != "__call__":
            return NotImplemented
        options = {name: inside(value) for name, value in options.items()}
        return wrapped(ufunc(*map(inside, inputs), **options))

    def __array_function__(self, function, types, inputs, options):
        if function.__module__ != "numpy":
            raise TypeError(f"no implementation of {function.__name__}")
        return wrapped(function(*map(inside, inputs), **options))

    def __array__(self, dtype=None, copy=None):
        raise TypeError("a wrapped array does not become a plain one")

    def __getattr__(self, name):
        found = getattr(self.array, name)
        return (lambda *inputs, **options: wrapped(found(*inputs, **options))) if callable(found) else wrapped(found)

    def __getitem__(self, index):
        return wrapped(self.array[index])

    def __len__(self):
        return len(self.array)


def inside(value):
    if isinstance(value, tuple | list):
        return type(value)(map(inside, value))
    return value.array if isinstance(value, Wrapped) else value


def wrapped(value):
    return Wrapped(value) if isinstance(value, np.ndarray) else value


X = np.random.default_rng(0).normal(size=(300, 60))  # as large as the fast ways want it


@pytest.mark.parametrize(
    "formula",
    [positive, column_sums, wide_sum, lambda x: largest(x, -1)],
    ids=["positive", "columns", "sum", "largest"],
)
def test_another_class_of_array_gets_what_a_plain_one_gets(formula):
    np.testing.assert_allclose(inside(formula(Wrapped(X))), formula(X), rtol=1e-13)


@pytest.mark.parametrize("layer", [fn.ReLU(), fn.Softmax(), fn.LogSoftmax(), fn.Tanh()])
def test_it_passes_through_layers(layer):
    y, dx, _ = passes(layer, (), Wrapped(X), Wrapped(X[::-1].copy()))
    expected_y, expected_dx, _ = passes(layer, (), X, X[::-1].copy())
    np.testing.assert_allclose(inside(y), expected_y, rtol=1e-12)
    np.testing.assert_allclose(inside(dx), expected_dx, rtol=1e-9, atol=1e-15)


def test_a_class_may_have_a_rule_of_its_own():
    @kernel(lambda x: "plain")
    def asked(x):
        return "formula"

    asked.rules[Wrapped] = lambda x: "rule"
    assert [asked(X), asked(Wrapped(X)), asked(1.5)] == ["plain", "rule", "formula"]
