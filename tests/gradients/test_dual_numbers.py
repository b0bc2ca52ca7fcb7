"""Dual numbers have the derivatives of NumPy's functions, or refuse."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from funcnet.gradients.dual_rules import Dual
from funcnet.numerics.elementwise import erfc
from funcnet.testing import oracles

GENERATOR = np.random.default_rng(0)
X = GENERATOR.uniform(0.2, 0.9, (2, 3))  # where every function below is smooth
Y = GENERATOR.uniform(1.1, 1.9, (2, 3))


def times_in_place(x, y):
    x *= y
    return x


def tripled_through_a_view(x):
    view = x.reshape(3, 2)[:, :1]
    view += view + view
    return x


def written(out, numbers):
    out[...] = numbers
    return out


UFUNCS = [
    *(np.negative, np.positive, np.absolute, np.sign, np.exp, np.expm1, np.log, np.log1p, np.sqrt, np.square),
    *(np.reciprocal, np.sin, np.cos, np.tanh, np.arctan),
]
FUNCTIONS = {
    "x + y": lambda x, y: x + y,
    "x - y": lambda x, y: x - y,
    "x * y": lambda x, y: x * y,
    "x / y": lambda x, y: x / y,
    "2 / y - x": lambda x, y: 2 / y - x,
    "x**3 + y**0": lambda x, y: x**3 + y**0,
    "x**y": lambda x, y: x**y,
    "maximum": np.maximum,
    "minimum": np.minimum,
    "logaddexp": np.logaddexp,
    "matmul": lambda x, y: x @ y.T,
    "matmul with an array": lambda x, y: X.T @ x + y.T @ X,
    "dot": lambda x, y: np.dot(x, y.T) + np.dot(X, y.T),
    "where": lambda x, y: np.where(Y > 1.5, x, 3 * y),
    "where with a number": lambda x, y: np.where(y > 1.5, x, 2.0),
    "clip": lambda x, y: np.clip(x, 0.4, 0.6) + np.clip(y, 0, 1.5),
    "concatenate": lambda x, y: np.concatenate([x, X, y * y], axis=-1),
    "concatenate with integers": lambda x, y: np.concatenate([x, np.uint8([[3], [250]]), X > 0.5, y], axis=-1),
    "sum": lambda x, y: np.sum(x * y, axis=0) + (x * y).sum(axis=-1, keepdims=True),
    "mean": lambda x, y: np.mean(x * y) * x.mean(axis=(0, 1)) + y,
    "max": lambda x, y: np.max(x * y, axis=-1) + np.max(y, -1),
    "max, the axis kept": lambda x, y: x - np.max(x, axis=-1, keepdims=True),
    "reshape": lambda x, y: np.reshape(x, (3, 2)) * y.reshape(3, 2),
    "transpose": lambda x, y: np.transpose(x) * y.transpose(1, 0),
    "index": lambda x, y: x[0] * y[..., 1:2],
    "broadcasting": lambda x, y: x[0] * y + x[:, :1],
    "power, broadcast": lambda x, y: x[0] ** Y[:, :1] * y,
    "where, of an infinite slope": lambda x, y: np.where(Y > 0, x, np.sqrt(y - y)),
    "in place": lambda x, y: times_in_place(x * 1.0, y),
    "in place through a view": lambda x, y: times_in_place((x + y)[:, 1:], y[:, 1:]),
    "in place through a reshaped view": lambda x, y: tripled_through_a_view(x * y),
    "erfc": lambda x, y: (erfc(x) * y).astype(np.float64),
    **{ufunc.__name__: lambda x, y, ufunc=ufunc: ufunc(x) * y for ufunc in UFUNCS},
}


@pytest.mark.parametrize("f", FUNCTIONS.values(), ids=FUNCTIONS)
def test_the_derivative_is_that_of_extrapolated_differences(f):
    weights = GENERATOR.normal(size=np.shape(f(X, Y)))

    def scalar(params):
        return np.sum(np.multiply(weights, f(*params)).astype(float) if params[0] is X else weights * f(*params))

    every = [np.arange(X.size), np.arange(Y.size)]
    exact, numeric = oracles.exact(scalar, (X, Y), every), oracles.richardson(scalar, (X, Y), every)
    assert_allclose(np.concatenate(exact), np.concatenate(numeric), rtol=1e-9, atol=1e-10)


def test_the_value_is_that_of_the_arrays():
    tangents = np.zeros((1, 2, 3))
    for f in FUNCTIONS.values():
        assert_allclose(f(Dual(X, tangents), Dual(Y, tangents)).value, np.asarray(f(X, Y), float), rtol=1e-15)


def test_tangents_are_one_derivative_for_each_direction():
    x = Dual(np.array([2.0, 3.0]), np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]))
    assert_array_equal(np.sum(x * x).tangents, [4, 6, 10])


def test_comparisons_look_at_values():
    x = Dual(X, np.ones((1, 2, 3)))
    assert_array_equal(x > 0.5, X > 0.5)
    assert_array_equal(np.isnan(x), np.zeros((2, 3), bool))
    assert (x.shape, x.ndim, x.size, x.dtype, len(x)) == (X.shape, 2, 6, X.dtype, 2)


def test_adding_in_place_changes_the_dual_that_is_added_to():
    x = Dual(np.ones(2), np.ones((1, 2)))
    same = x
    x += Dual(np.ones(2), np.full((1, 2), 2.0))
    assert_array_equal((same.value, same.tangents[0]), ([2, 2], [3, 3]))


@pytest.mark.parametrize(
    "f",
    [
        np.asarray,
        np.array,
        np.linalg.eigh,
        np.unique,
        np.nanmedian,
        np.spacing,
        np.bitwise_or.reduce,
        np.frexp,
        lambda x: x.partition(0),
        lambda x: x.item(),
        lambda x: x.astype(int),
        lambda x: np.square(x, dtype=complex),
        lambda x: np.sort(x + 1j),
        lambda x: np.linalg.norm(x * 1j),
        lambda x: np.tanh(x + 1j),
        lambda x: (x + 1j) > 0,
        lambda x: (x + 1j).max(axis=0),
        lambda x: np.abs(np.where(x > 1, 1j, 2j)),
        lambda x: written(np.zeros_like(x), x + 1j),
        lambda x: np.add(x, 1j, out=np.zeros_like(x)),
        lambda x: np.sum(x, out=np.zeros(())),
        lambda x: np.where(x, 1.0, 0.0),
        lambda x: np.add(x.view(), x, out=x.view()),
        lambda x: np.add(y := (x.reshape(2, 1) * np.ones(2)).T.reshape(4), y, out=y),
        lambda x: np.multiply(x, x, where=[True, False]),
        lambda x: np.add(x, x, out=np.zeros(2)),
        lambda x: np.greater(x, 0, out=x * 1.0),
    ],
)
def test_what_has_no_rule_is_refused(f):
    with pytest.raises(TypeError, match=r"there is no rule for the derivative of|cannot (convert|write) "):
        f(Dual(np.ones(2), np.ones((1, 2))))


def test_what_a_dual_does_not_have_is_missing_to_hasattr_too():
    assert not hasattr(Dual(np.ones(2), np.ones((1, 2))), "tolist")


@pytest.mark.parametrize("value", [lambda p: p[0], lambda p: np.array(None), lambda p: "1"])
def test_a_function_of_no_single_number_is_refused(value):
    with pytest.raises(TypeError, match="the function must give one real number"):
        oracles.exact(value, (np.ones(2),), [np.arange(2)])


def test_a_function_of_complex_numbers_is_refused():
    with pytest.raises(TypeError, match="the function must give real numbers"):
        oracles.pushed(lambda p: p[0] * 1j, (np.ones(2),), [np.ones((1, 2))])


def test_a_constant_has_no_slope():
    assert_array_equal(oracles.exact(lambda p: 3.0, (np.ones(2),), [np.arange(2)]), [[0, 0]])
