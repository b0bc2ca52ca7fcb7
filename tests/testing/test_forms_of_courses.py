"""Forms of courses that are taken as they are, and what is said of those that are not."""

import numpy as np
import pytest

from funcnet.testing import LawViolation, check_function, check_layer, check_loss, from_object
from tests.testing.course_functions import lstm_step_backward, lstm_step_forward
from tests.testing.pasting import is_like, pasted

X, W = np.array([[0.5, -1.0], [2.0, 0.25], [-0.75, 1.5]]), np.array([[1.0, -0.5, 0.25], [0.5, 2.0, -1.0]])
KEPT = dict.fromkeys(["interleaving", "threads"], "the object keeps what it saw")


def blame(*arguments, check=check_function, **options):
    with pytest.raises(LawViolation) as caught:
        check(*arguments, **options)
    return caught.value


# --- Functions ---


def lookup(ids, w):
    return w[ids], (ids, w.shape)


def lookup_backward(dy, cache):
    ids, shape = cache
    dw = np.zeros(shape, dy.dtype)
    np.add.at(dw, ids, dy)
    return dw


def lookup_backward_wrong(dy, cache):
    ids, shape = cache
    dw = np.zeros(shape, dy.dtype)
    dw[ids] += dy  # of an id that is there twice only one counts
    return dw


IDS = np.array([[0, 1, 1], [1, 0, 1]])


def test_integers_have_no_gradient():
    check_function(lookup, lookup_backward, IDS, W, examples=14)
    check_function(lookup, lambda dy, cache: (None, lookup_backward(dy, cache)), IDS, W, examples=14)


def test_the_case_of_integers_is_code_that_runs():
    found = blame(lookup, lookup_backward_wrong, IDS, W)
    assert (found.law, found.at) == ("coordinates", "grads.w")
    assert is_like(pasted(found.case), found)


def test_integers_are_numbers_where_backward_returns_their_gradient():
    check_function(lambda x: (np.sin(x), x), lambda dy, x: dy * np.cos(x), np.array([[1, 2], [3, 4]]), examples=14)


def lstm_step_in_one(x, h, c, *params):
    (next_h, next_c), cache = lstm_step_forward(x, h, c, *params)
    return next_h, next_c, cache


def lstm_step_backward_in_one(dnext_h, dnext_c, cache):
    return lstm_step_backward((dnext_h, dnext_c), cache)


def test_forward_may_return_several_arrays_before_the_cache():
    draws = np.random.default_rng(0)
    inputs, params = [(4, 3), (4, 2), (4, 2)], [(3, 8), (2, 8), (8,)]
    x, params = tuple(map(draws.normal, [0] * 3, [1] * 3, inputs)), map(draws.normal, [0] * 3, [1] * 3, params)
    check_function(lstm_step_in_one, lstm_step_backward_in_one, x, *params, examples=14)


# --- Objects ---


class Dense:
    """As in a book that keeps what passes give in the object."""

    def __init__(self, weights):
        self.weights = weights

    def forward(self, inputs):
        self.inputs = inputs
        self.output = np.dot(inputs, self.weights)

    def backward(self, dvalues):
        self.dweights = np.dot(self.inputs.reshape(-1, 2).T, dvalues.reshape(-1, 3))
        self.dinputs = np.dot(dvalues, self.weights.T)


class WrongDense(Dense):
    def backward(self, dvalues):
        super().backward(dvalues)
        self.dinputs = -self.dinputs


def test_an_object_may_keep_y_and_dx():
    check_layer(from_object(Dense(W)), (2,), exempt=KEPT, examples=14)
    found = blame(from_object(WrongDense(W)), (2,), check=check_layer, exempt=KEPT)
    assert (found.law, found.at, found.diagnosis) == ("coordinates", "dx", "the sign is wrong")


def test_a_backward_of_an_object_that_fails_is_not_blamed_on_a_cache():
    layer = Dense(W)
    layer.backward = lambda dvalues, learning_rate: None
    found = blame(from_object(layer), (2,), check=check_layer)
    assert "missing 1 required positional argument: 'learning_rate'" in found.got
    assert not found.diagnosis


class Recurrent:
    """As in a book whose states are in float32, and whose gradients are written into arrays like the params."""

    def __init__(self, w):
        self.params, self.grads = [w], [np.zeros_like(w)]

    def forward(self, xs):
        self.xs, self.h = xs, np.zeros((len(xs), xs.shape[1] + 1, xs.shape[2]), dtype="f")
        for t in range(xs.shape[1]):
            self.h[:, t + 1] = np.tanh(self.h[:, t] @ self.params[0] + xs[:, t])
        return self.h[:, 1:]

    def backward(self, dhs):
        dxs, later, dw = np.empty(self.xs.shape, dtype="f"), 0, 0
        for t in reversed(range(dhs.shape[1])):
            dxs[:, t] = dz = (dhs[:, t] + later) * (1 - self.h[:, t + 1] ** 2)
            dw, later = dw + self.h[:, t].T @ dz, dz @ self.params[0].T
        self.grads[0][...] = dw
        return dxs


def test_states_in_float32_and_gradients_in_float64_are_judged_by_float32():
    x, w = np.random.default_rng(0).normal(size=(3, 4, 2)), np.array([[0.5, -0.25], [0.75, 1.0]])
    check_layer(from_object(Recurrent(w)), x=x, exempt=KEPT, dtypes=("float64",), examples=14)
    found = blame(from_object(Recurrent(w)), check=check_layer, x=x, exempt=KEPT, dtypes=("float32",))
    assert (found.law, found.got, found.expected) == ("dtype", "dtype float64", "dtype float32")


@pytest.mark.parametrize(
    ("layer", "instead"),
    [
        (Dense(W), r"give from_object\(layer\)"),
        ((lambda x, w, b: None, lambda dy, cache: None), r"call check_function\(forward, backward, x, ...\)"),
        ((lambda x: None, lambda dy, cache: None), r"call check_function\(forward, backward, x, ...\)"),
    ],
)
def test_a_forward_that_does_not_take_params_and_x_is_told_where_to_go(layer, instead):
    with pytest.raises(TypeError, match=rf"forward of layer must take params and x, .*: .*{instead}"):
        check_layer(layer, (2,))


# --- Losses ---


def svm_loss(x, y):
    n = len(x)
    margins = np.maximum(0, x - x[np.arange(n), y][:, None] + 1)
    margins[np.arange(n), y] = 0
    dx = (margins > 0).astype(x.dtype)
    dx[np.arange(n), y] -= dx.sum(axis=1)
    return margins.sum() / x.dtype.type(n), dx / n


def svm_loss_without_its_label(x, y):
    value, dx = svm_loss(x, y)
    dx[np.arange(len(x)), y] = 0
    return value, dx


MATRICES = {
    **dict.fromkeys(["batch.single", "batch.axes"], "rows are counted on the first axis"),
    "shapes": "labels of more rows than there are broadcast",
}


def test_a_loss_may_be_one_function_that_returns_the_value_and_dy():
    check_loss(svm_loss, targets="labels", exempt=MATRICES)
    found = blame(svm_loss_without_its_label, check=check_loss, targets="labels", exempt=MATRICES)
    assert (found.law, found.at) == ("coordinates", "dy")
    assert found.layer == "svm_loss_without_its_label"
    assert is_like(pasted(found.case), found)
