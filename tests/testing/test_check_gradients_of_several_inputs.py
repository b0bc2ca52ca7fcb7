"""`check_gradients` of several inputs: floats are widened, integers stay, and what is wrong is found."""

import attrs
import numpy as np
import pytest

import funcnet as fn
from funcnet.testing import check_gradients

DRAW = np.random.default_rng(0)
X = DRAW.normal(size=(5, 3)), DRAW.integers(0, 256, (5, 2), dtype=np.uint8)
TARGET = np.array([0, 1, 1, 0, 1])
MODEL = fn.sequential(fn.parallel(fn.Linear(4), fn.Identity()), fn.Concatenate(), fn.Tanh(), fn.Linear(2))
SHAPES = (3,), (2,)
NAMES = ["0.0.weight", "0.0.bias", "3.weight", "3.bias"]


def check(model=MODEL, x=X, shapes=SHAPES, dtype=np.float64, **options):
    return check_gradients(model, fn.SoftmaxCrossEntropy(), model.init(fn.Key(0), shapes, dtype), x, TARGET, **options)


@pytest.mark.parametrize("kind", [np.uint8, np.int16, np.bool_, np.float64])
def test_a_right_gradient_is_right_to_rounding(kind):
    report = check(x=(X[0], X[1].astype(kind)))
    assert (report.method, [leaf.path for leaf in report.leaves]) == ("exact", NAMES)
    assert report.ok(1e-13)


@pytest.mark.parametrize(("method", "tolerance"), [("richardson", 1e-8), ("central", 1e-5)])
def test_differences_agree_too(method, tolerance):
    report = check(x=(X[0], X[1] % 4), method=method)
    assert report.method == method
    assert report.ok(tolerance)


def test_inputs_may_be_nested():
    model = fn.sequential(
        fn.parallel(fn.Linear(4), fn.sequential(fn.Sum(), fn.Linear(3))), fn.Concatenate(), fn.Linear(2)
    )
    assert check(model, (X[0], (X[1], X[1])), (SHAPES[0], (SHAPES[1],) * 2)).ok(1e-13)


def test_floats_of_single_precision_are_widened_for_the_oracle_and_integers_are_given_as_they_are():
    seen = []

    class Seeing(fn.Layer):
        n_inputs = None
        takes_integers = True

        def forward(self, params, x):
            seen.append(x)
            return x, None

        def backward(self, params, cache, dy):
            return dy, ()

    given = np.float32(X[0]), (X[1], np.float16(X[0]))
    model = fn.sequential(Seeing(), fn.Select(0), fn.Linear(2))
    check(model, given, (SHAPES[0], (SHAPES[1], SHAPES[0])), np.float32)
    wide = np.float64(given[0]), (X[1], np.float64(given[1][1]))
    assert fn.tree.equal(seen[0], given)
    assert len(seen) > 1
    assert all(fn.tree.equal(x, wide) for x in seen[1:])


@attrs.frozen
class Wrong(fn.Linear):
    """A layer that forgets the last example in the gradient of its params."""

    def params_backward(self, params, cache, dy):
        return super().params_backward(params, cache, dy * (np.arange(len(dy)) < len(dy) - 1)[:, None])


def test_a_wrong_gradient_is_found_where_it_is():
    model = fn.sequential(fn.parallel(Wrong(4), fn.Linear(3)), fn.Concatenate(), fn.Linear(2))
    report = check(model)
    assert {leaf.path for leaf in report.leaves if leaf.relative > 1e-6} == {"0.0.weight", "0.0.bias"}
