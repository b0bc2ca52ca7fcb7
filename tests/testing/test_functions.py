"""`check_function`, `from_functions` and `from_object`: layers in the forms of courses and textbooks."""

import numpy as np
import pytest

import funcnet as fn
from funcnet.testing import LawViolation, check_function, check_layer, from_functions, from_object, layer_tests, report
from tests.testing.pasting import is_like, pasted

X = np.array([[0.5, -1.0], [2.0, 0.25], [-0.75, 1.5]])
W, B = np.array([[1.0, -0.5, 0.25], [0.5, 2.0, -1.0]]), np.array([0.5, -1.0, 0.0])
KEPT = dict.fromkeys(["interleaving", "threads"], "x is kept in the object")


def blame(*arguments, check=check_function, **options):
    with pytest.raises(LawViolation) as caught:
        check(*arguments, **options)
    return caught.value


def affine(x, w, b, settings=None):
    return x @ w + b, (x, w, settings or {"scale": 1})


def affine_backward(dy, cache):
    x, w, settings = cache
    return dy @ w.T, x.T @ dy / settings["scale"], dy.sum(axis=0)


# --- Two functions of arrays ---


@pytest.mark.parametrize("settings", [(), (None,), ({"scale": 1},)])
def test_arrays_after_x_are_params_and_the_rest_is_passed_along(settings):
    check_function(affine, affine_backward, X, W, B, *settings, examples=14)


def test_a_wrong_gradient_is_told_by_the_name_that_forward_has_for_the_array():
    found = blame(affine, affine_backward, X, W, B, {"scale": 2})
    assert (found.law, found.at) == ("coordinates", "grads.w")
    assert found.got / found.expected == pytest.approx(0.5)


def test_the_case_is_code_that_runs():
    found = blame(affine, affine_backward, X, W, B, {"scale": 2})
    made = "fn.testing.from_functions(affine, affine_backward, np.zeros((2, 3)), np.zeros((3,)), {'scale': 2})"
    assert found.layer == made
    assert is_like(pasted(found.case), found)


def test_params_are_moved_around_those_given_and_cast():
    seen = []

    def scaled(x, w):
        seen.append(w)
        return x * w, (x, w)

    def scaled_backward(dy, cache):
        x, w = cache
        return dy * w, (dy * x).sum(axis=0)

    check_function(scaled, scaled_backward, X, B[:2], examples=14)
    assert {w.dtype for w in seen} >= {np.dtype(np.float32), np.dtype(np.float64)}
    assert any(np.array_equal(w, B[:2]) for w in seen)
    assert any(abs(w - B[:2]).max() > 0.1 for w in seen)


def test_what_is_passed_along_is_a_copy():
    settings = {"count": 0}

    def counting(x, settings):
        settings["count"] += 1
        return 2 * x, settings["count"]

    check_function(counting, lambda dy, count: 2 * dy / count, X, settings, examples=7)
    assert settings == {"count": 0}


def test_functions_of_several_inputs_return_a_gradient_of_each():
    def gate(a, b, w):
        return a * b * w, (a, b, w)

    def gate_backward(dy, cache):
        a, b, w = cache
        return dy * b * w, dy * a * w, (dy * a * b).sum(axis=0)

    check_function(gate, gate_backward, (X, X[::-1] + 1), B[:2], examples=14)


def test_a_missing_gradient_is_said_with_the_names_of_all():
    found = blame(affine, lambda dy, cache: dy @ cache[1].T, X, W, B)
    assert "backward must return (dx, dw, db), got 1 of them" in str(found)


def leaky(x, slope):
    return np.where(x > 0, x, slope * x), (x, slope)


def leaky_backward(dy, cache):
    x, slope = cache
    return np.where(x > 0, dy, slope * dy), float(np.sum(dy * np.minimum(x, 0)))


def test_a_number_that_has_a_gradient_is_given_as_an_array():
    check_function(leaky, leaky_backward, X, np.array(0.25), examples=14)
    found = blame(leaky, leaky_backward, X, 0.25)
    assert (found.law, found.at) == ("structure", "dx")
    assert "takes np.array(0.5), not 0.5, to have a gradient" in found.diagnosis


def test_an_array_of_integers_has_no_gradient():
    def pick(x, order):
        return x[:, order], (x.shape, order)

    def pick_backward(dy, cache):
        dx = np.zeros(cache[0], dy.dtype)
        np.add.at(dx, (slice(None), cache[1]), dy)
        return dx

    check_function(pick, pick_backward, X, np.array([1, 0, 0]), examples=14)


def test_functions_can_be_asked_by_report_and_by_layer_tests():
    layer = from_functions(affine, affine_backward, W, B)
    assert report(layer, x=X, examples=7).ok
    layer_tests(layer, x=X, examples=7)("coordinates")


def doubled_backward(dy, cache):
    if cache < 0:
        dy = -dy
    return 2 * dy


class Doubled:
    def forward(self, x):
        self.sign = 1
        return 2 * x

    def backward(self, dy):
        if self.sign < 0:
            dy = -dy
        return 2 * dy


@pytest.mark.parametrize(
    "layer",
    [from_functions(lambda x: (2 * x, 1), doubled_backward), from_object(Doubled())],
    ids=["functions", "object"],
)
def test_a_report_tells_the_lines_of_users_that_never_ran(layer):
    found = report(layer, x=X, examples=7)
    assert [said for said in found.unexercised if said.endswith("never ran: dy = -dy")]


def test_functions_are_functions():
    with pytest.raises(TypeError, match="backward must be a function, got array"):
        from_functions(affine, W)


# --- Objects that keep what they saw ---


class Affine:  # with names as courses have them
    """Params and gradients are attributes."""

    def __init__(self, W, b):
        self.W, self.b = W, b

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, dy):
        self.dW, self.db = self.x.T @ dy, dy.sum(axis=0)
        return dy @ self.W.T


class Listed(Affine):
    """Params and gradients are in lists, and gradients are written in place."""

    def __init__(self, W, b):
        self.params, self.grads = [W, b], [np.zeros_like(W), np.zeros_like(b)]

    def forward(self, x):
        W, b = self.params
        self.x = x
        return x @ W + b

    def backward(self, dy):
        self.grads[0] = self.x.T @ dy
        self.grads[1] = dy.sum(axis=0)
        return dy @ self.params[0].T


class Both(Affine):
    """Params are attributes and in a dict too."""

    def __init__(self, W, b):
        self.W, self.b, self.params, self.grads = W, b, {"W": W, "b": b}, {}

    def backward(self, dy):
        self.grads = {"b": dy.sum(axis=0), "W": self.x.T @ dy}
        return dy @ self.W.T


class Relu:
    def forward(self, x):
        self.mask = x <= 0
        y = x.copy()
        y[self.mask] = 0
        return y

    def backward(self, dy):
        dy = dy.copy()
        dy[self.mask] = 0
        return dy


SINGLE = {"batch.single": "a matrix", "batch.axes": "a matrix"}


@pytest.mark.parametrize("cls", [Affine, Listed, Both])
def test_params_of_an_object_are_its_arrays_or_those_that_it_lists(cls):
    check_layer(from_object(cls(W, B)), x=X, exempt=KEPT, examples=14)
    check_layer(from_object(cls(W, B)), (2,), exempt={**KEPT, **SINGLE}, examples=14)


def test_an_object_without_params_is_checked_on_drawn_numbers():
    check_layer(from_object(Relu()), (3,), exempt=KEPT, examples=14)


def test_a_memory_is_told_by_interleaving():
    found = blame(from_object(Affine(W, B)), x=X, check=check_layer)
    assert found.law == "interleaving"
    assert "on self" in found.diagnosis


def test_a_wrong_object_is_told_with_code_that_runs():
    class_of = Affine.backward
    try:
        Affine.backward = lambda self, dy: 2 * class_of(self, dy)
        found = blame(from_object(Affine(W, B)), x=X, exempt=KEPT, check=check_layer)
        assert (found.law, found.at) == ("coordinates", "dx")
        assert found.layer == "fn.testing.from_object(Affine(W=np.zeros((2, 3)), b=np.zeros((3,))))"
        assert is_like(pasted(found.case), found)
    finally:
        Affine.backward = class_of


def test_an_object_itself_is_left_as_it_was():
    given = Affine(W, B)
    check_layer(from_object(given), x=X, exempt=KEPT, examples=7)
    assert vars(given).keys() == {"W", "b"}
    assert given.W is W


def test_params_can_be_named():
    used = Affine(W, B)
    used.forward(X)
    found = blame(from_object(used), x=X, exempt=KEPT, check=check_layer)
    assert "backward leaves no gradient of x: leave it in dx, or name the params" in str(found)
    check_layer(from_object(used, "W", "b"), x=X, exempt=KEPT, examples=7)
    with pytest.raises(TypeError, match="layer must have the array w, got"):
        from_object(used, "w")


def test_an_object_has_two_passes():
    with pytest.raises(TypeError, match="backward"):
        from_object(np.ones(2))


def test_the_names_are_public():
    assert {"check_function", "from_functions", "from_object"} <= set(fn.testing.__all__)
