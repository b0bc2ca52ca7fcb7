"""The rules of NumPy's functions: at ties each direction is followed or refused, and no view goes stale."""

import contextlib
import copy
import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from funcnet.gradients.dual_rules import Dual, NoRuleError
from tests.gradients.numpy_idioms import IDIOMS, W

X = np.array([[0.5, -1.0, 0.5], [2.0, 2.0, 2.0]])  # with ties in each row
DIRECTIONS = np.concatenate([np.eye(6), -np.eye(6), [np.arange(6.0)], [np.ones(6)]]).reshape(-1, 2, 3)
STEP = 2.0**-30


def one_sided(f, x, directions):
    return np.array([(np.asarray(f(x + STEP * v)) - np.asarray(f(x))) / STEP for v in directions])


FOLLOWED = {
    "sort": lambda x: np.sort(x, axis=1),
    "sort of columns": lambda x: np.sort(x - x[:1], axis=0),
    "sort of all": lambda x: np.sort(x, axis=None),
    "median": lambda x: np.median(x, axis=1),
    "median of all": lambda x: np.median(x),
    "quantile": lambda x: np.quantile(x, [[0.25], [0.6]], axis=-1, keepdims=True),
    "percentile": lambda x: np.percentile(x, 40),
    "max": lambda x: x.max(),
    "max over axes": lambda x: np.max(x.reshape(2, 3, 1) * [1.0, 1.0], axis=(2, 0), keepdims=True),
    "max from an initial number": lambda x: np.max(x, axis=1, initial=2.0),
    "min": lambda x: x.min(axis=1),
    "ptp": lambda x: np.ptp(x, axis=1),
    "maximum.accumulate": lambda x: np.maximum.accumulate(x, axis=1),
    "fmin": lambda x: np.fmin(x, 2.0),
    "std of equal numbers": lambda x: np.std(x, axis=1),
    "norm of nothing but zeros": lambda x: np.linalg.norm(x - X, axis=1),
    "norm of order inf": lambda x: np.linalg.norm(x, np.inf, axis=1),
    "norm of order 1": lambda x: np.linalg.norm(x - X, 1, axis=1),
    "hypot at 0": lambda x: np.hypot(x - X, 2 * (x - X)),
    "prod with zeros": lambda x: np.prod(x - X + [[0, 0, 2], [0, 1, 2]], axis=1),
    "a comparison written": lambda x: written(x, x >= 2, 2.0),
    "floor times what is 0 there": lambda x: np.floor(x) * (x - X),
    "ceil times what is 0 there": lambda x: np.ceil(x) * (x - X),
    "round times what is 0 there": lambda x: np.round(x) * (x - X),
    "round to halves": lambda x: np.round(x / 10 + 0.2, 1) * (x - X),
    "heaviside times what is 0 there": lambda x: np.heaviside(x - X, 0.3) * (x - X),
    "copysign": lambda x: np.copysign(x - X, -1.0) + np.copysign(1.0, x - X) * (x - X),
    "mod times what is 0 there": lambda x: np.mod(x, 0.5) * (x - X),
    "absolute of complex zeros": lambda x: np.abs((x - X) * (1 + 2j)),
    "select": lambda x: np.select([x > 2, x > 0.5], [2 * x - 0.5, x + 1.5], 2 * x + 1),
    "logical and": lambda x: np.where(np.logical_and(x >= 2, 1.0), x, 2 * x - 2),
}


def written(x, mask, number):
    y = x.copy()
    y[mask] = number
    return y


@pytest.mark.parametrize("f", FOLLOWED.values(), ids=FOLLOWED)
def test_at_ties_and_corners_each_direction_has_its_own_slope(f):
    y = f(Dual(X.copy(), DIRECTIONS.copy()))
    assert_allclose(y.value, f(X), rtol=1e-15)
    assert_allclose(y.tangents, one_sided(f, X, DIRECTIONS), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(
    ("f", "operation"),
    [
        (lambda x: np.argsort(x, axis=1), "np.argsort"),
        (lambda x: x.argmax(), "np.argmax"),
        (lambda x: np.argmin(x[:, :2] - x[:, ::2], axis=1), "np.argmin"),
        (lambda x: np.partition(x, 1, axis=1), "np.argsort"),
        (lambda x: np.argpartition(x, 1), "np.argsort"),
        (lambda x: np.searchsorted([0.0, 0.5], x), "np.searchsorted"),
        (lambda x: np.digitize(x, [0.0, 0.5]), "np.digitize"),
        (lambda x: np.linalg.det(x[:, :2] * 0), "np.linalg.det"),
        (lambda x: np.linalg.pinv(x * 0), "np.linalg.pinv"),
        (np.linalg.eigh, "np.linalg.eigh"),
        (lambda x: np.sort(np.fft.rfft(x)), "np.sort"),
        (lambda x: np.linalg.svd(x), "np.linalg.svd"),
        (np.unique, "np.unique"),
        (np.unwrap, "np.unwrap"),
        (np.spacing, "np.spacing"),
        (np.bitwise_or.reduce, "np.bitwise_or.reduce"),
        (lambda x: x.item(0), "ndarray.item"),
        (lambda x: np.nanmedian(x), "np.nanmedian"),
    ],
)
def test_what_jumps_or_is_unknown_is_refused_by_its_name(f, operation):
    with pytest.raises(NoRuleError) as refused:
        f(Dual(X.copy(), DIRECTIONS.copy()))
    assert refused.value.operation == operation
    assert str(refused.value).startswith("there is no rule for the derivative of ")


def test_equal_numbers_that_move_together_have_an_order():
    x = Dual(np.array([0.0, 1.0, 1.0]), np.array([[3.0, 2.0, 2.0]]))
    assert_array_equal(np.argsort(x), [0, 1, 2])
    assert (x.argmax(), x.argmin()) == (1, 0)


VIEWS = {
    "flip": np.flip,
    "diagonal": np.diagonal,
    "sliding windows": lambda x: np.lib.stride_tricks.sliding_window_view(x, 2, axis=0),
    "broadcast": lambda x: np.broadcast_to(x, (2, *x.shape)),
    "rot90": np.rot90,
    "reshaped, turned": lambda x: x.T.reshape(-1),
    "swapaxes": lambda x: x.swapaxes(0, 1),
    "split": lambda x: np.split(x, 2)[0],
    "ravel": np.ravel,
    "squeeze": lambda x: x[None].squeeze(),
    "rows": lambda x: x[[0, 1]],
    "tril": np.tril,
    "diag": np.diag,
    "einsum": lambda x: np.einsum("ij->ji", x),
}


@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS)
def test_a_write_reaches_a_view_or_is_refused(view):
    def through(x):
        x = x * 1.0
        y = view(x)
        x += x
        return y * 1.0

    def into(x):
        x = x * 1.0
        y = view(x)
        y += 1.0 * y
        return x

    square, v = np.arange(16.0).reshape(4, 4), np.ones((1, 4, 4))
    for f in (through, into):
        try:
            y = f(Dual(square.copy(), v.copy()))
        except (NoRuleError, ValueError):  # as arrays refuse to write into a diagonal, too
            continue
        assert_array_equal(y.value, f(square.copy()))
        assert_array_equal(y.tangents[0], f(square + 1) - f(square))


@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS)
@pytest.mark.parametrize("before", ["none", *VIEWS])
def test_a_write_through_an_earlier_view_reaches_a_later_or_is_refused(before, view):
    def written(x):
        x = x * 1.0
        earlier = VIEWS.get(before, lambda x: x[:2])(x)
        later = view(x)
        earlier += 1.0 * earlier
        return later * 1.0

    square, v = np.arange(16.0).reshape(4, 4), np.ones((1, 4, 4))
    with contextlib.suppress(NoRuleError, ValueError):
        y = written(Dual(square.copy(), v.copy()))
        assert_array_equal(y.value, written(square.copy()))
        assert_array_equal(y.tangents[0], written(square + 1) - written(square))


def test_a_power_of_0_does_not_move_with_its_exponent():
    y = Dual(np.array([2.0, 0.5]), np.ones((1, 2)))
    assert_array_equal((0.0**y).tangents, [[0, 0]])
    assert_allclose((np.array([-2.0, 3.0]) ** np.array([3.0, 0.5]) * y).value, [-16.0, np.sqrt(3) / 2])


def test_arrays_of_the_caller_stay_writeable():
    value, tangents = np.arange(4.0), np.ones((1, 4))
    np.flip(Dual(value, tangents))
    assert value.flags.writeable
    assert tangents.flags.writeable


@pytest.mark.parametrize("copied", [lambda x: pickle.loads(pickle.dumps(x)), copy.deepcopy, copy.copy, np.copy])
@pytest.mark.parametrize("of", [lambda x: x, np.sign, np.fft.rfft], ids=["real", "jumps", "complex"])
def test_dual_numbers_are_pickled_and_copied(copied, of):
    x = of(Dual(np.zeros(2), np.array([[1.0, -1.0]])))
    other = copied(x)
    assert type(other) is type(x)
    assert_array_equal(other.value, x.value)
    assert_array_equal(other.tangents, x.tangents)
    assert (other.limits is None) == (x.limits is None)


def test_dual_numbers_are_written_into_dual_zeros():
    x = Dual(np.arange(3.0), np.eye(3))
    out = np.zeros_like(x)
    out[1:] = x[:2]
    out[0] = 7.0
    out[[2, 0]] = x[[0, 1]]
    assert_array_equal(out.value, [1, 0, 0])
    assert_array_equal(out.tangents, [[0, 1, 1], [1, 0, 0], [0, 0, 0]])
    assert type(np.zeros_like(x, dtype=int)) is np.ndarray


@pytest.mark.parametrize("name", ["x @ vector", "einsum", "sort", "max over axes", "batch norm", "solve", "inner"])
def test_torch_agrees(name):
    torch = pytest.importorskip("torch")
    f, shape = IDIOMS[name]
    twins = {
        "x @ vector": lambda x, w: x @ w[:, 0] + x @ x[0],
        "einsum": lambda x, w: x @ w,
        "sort": lambda x, w: x.sort(dim=1).values,
        "max over axes": lambda x, w: x.reshape(3, 2, 2).amax(dim=(0, 2)),
        "batch norm": lambda x, w: (x - x.mean(0)) / torch.sqrt(x.var(dim=0) + 1e-5),
        "solve": lambda x, w: torch.linalg.solve(x @ x.T + 3 * torch.eye(3, dtype=x.dtype), x),
        "inner": lambda x, w: x @ x.T,
    }
    draw = np.random.default_rng(5)
    x, v = draw.normal(size=shape), draw.normal(size=(4, *shape))
    jacobian = torch.autograd.functional.jacobian(lambda x: twins[name](x, torch.tensor(W)), torch.tensor(x)).numpy()
    assert_allclose(f(Dual(x, v)).tangents, np.tensordot(v, jacobian, [(1, 2), (-2, -1)]), rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("f", [np.divide, np.power, lambda x, c: c / x])
def test_a_number_in_float32_costs_no_digits_of_a_derivative_in_float64(f):
    x, c = np.array([0.7]), np.float32(2**0.5)
    exact = f(Dual(x, np.ones((1, 1))), np.float64(c)).tangents
    assert_allclose(f(Dual(x, np.ones((1, 1))), c).tangents, exact, rtol=1e-14)
