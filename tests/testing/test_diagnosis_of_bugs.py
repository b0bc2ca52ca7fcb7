"""What violations guess of bugs in real formulas, and that they guess nothing from too few numbers."""

import re

import attrs
import numpy as np
import pytest

import funcnet as fn
from funcnet.testing import LawViolation, check_layer, check_layer_law
from funcnet.testing.laws import LAYER_LAWS
from funcnet.testing.reports.comparing import Difference
from tests.testing.gallery.exhibits import Dense
from tests.testing.gallery.kill_table import BROKEN, kill

DRAWS = np.random.default_rng(0)
X, DY = DRAWS.normal(size=(2, 5, 4))
T, DT = DRAWS.normal(size=(2, 3, 5, 4))  # batch, time, features
WEIGHT = DRAWS.normal(size=(4, 4))
PARAMS = WEIGHT, np.arange(4.0)
VAGUE = re.compile(r"|\d+ of \d+ numbers are wrong")


@attrs.frozen
class Wrong(fn.Layer):
    """y = sin(x) @ weight + bias, right but for what is made of dx and of the gradients."""

    change_dx: object = lambda dx, x, dy, weight: dx
    change: object = lambda weight, bias, params: (weight, bias)

    def output_shape(self, input_shape):
        return input_shape

    def forward(self, params, x):
        return np.sin(x) @ params[0] + params[1], x

    def backward(self, params, x, dy):
        flat = x.reshape(-1, x.shape[-1]), dy.reshape(-1, dy.shape[-1])
        dx = self.change_dx(dy @ params[0].T * np.cos(x), x, dy, params[0])
        return dx, self.change(np.sin(flat[0]).T @ flat[1], flat[1].sum(axis=0), params)


def said(layer, x=X, dy=DY, law="coordinates", params=PARAMS, shape=None, is_given=False):
    with pytest.raises(LawViolation) as caught:
        check_layer_law(law, layer, params, x, dy, input_shape=shape, is_given=is_given)
    return caught.value.diagnosis


def zero_at(dx, *index):
    dx = dx.copy()
    dx[index] = 0
    return dx


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda dx, x, dy, w: dx[::-1], "it is flipped along axis 0"),
        (lambda dx, x, dy, w: dx[:, ::-1], "it is flipped along axis 1"),
        (lambda dx, x, dy, w: np.roll(dx, 2, axis=1), "it is rolled by 2 along axis 1"),
        (lambda dx, x, dy, w: np.pad(dx, ((0, 0), (1, 0)))[:, :-1], "it is shifted by 1 along axis 1"),
        (lambda dx, x, dy, w: np.pad(dx, ((0, 1), (0, 0)))[1:], "it is shifted by -1 along axis 0"),
        (lambda dx, x, dy, w: dx.reshape(dx.shape, order="F").ravel("F").reshape(dx.shape), "a different order"),
        (lambda dx, x, dy, w: 4 * dx, "4 times too large, the length of its axis 1: divide by it"),
        (lambda dx, x, dy, w: dx / 4, "4 times too small, the length of its axis 1: do not divide by it"),
        (lambda dx, x, dy, w: dx * x, "the factor x is one too many"),
        (lambda dx, x, dy, w: dx * dy, "the factor dy is one too many"),
        (lambda dx, x, dy, w: dx / x, "the factor x is missing"),
        (lambda dx, x, dy, w: dx - dy, "the summand dy is missing"),
        (lambda dx, x, dy, w: dx + 0.25 * x, "x is added to it, times 0.25"),
        (lambda dx, x, dy, w: dx + 1e-6, "1e-06 is added to every number"),
        (lambda dx, x, dy, w: dx + dx.mean(axis=1, keepdims=True), "it is off by the same along axis 1: a term with"),
        (lambda dx, x, dy, w: np.clip(dx, -0.25, 0.25), "it is clipped to 0.25"),
        (lambda dx, x, dy, w: dx.astype(np.float16).astype(float), "a narrow dtype on the way"),
        (lambda dx, x, dy, w: dy @ w * np.cos(x), "params.0 is not transposed in it"),
        (lambda dx, x, dy, w: np.where(dy < 0, -dx, dx), "numbers are wrong; there the sign is wrong"),
    ],
)
def test_of_dx(change, text):
    assert text in said(Wrong(change_dx=change))


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda dx, x, dy, w: dx[:, ::-1], "it is flipped along axis 1"),
        (lambda dx, x, dy, w: np.roll(dx, 1, axis=1), "it is rolled by 1 along axis 1"),
        (lambda dx, x, dy, w: zero_at(dx, slice(None), 0), "it is wrong only at index 0 of axis 1; there it is 0"),
        (lambda dx, x, dy, w: zero_at(dx, slice(None), slice(2)), "only at indices 0 to 1 of axis 1; there it is 0"),
        (lambda dx, x, dy, w: zero_at(dx, slice(None), [0, 3]), "only at indices 0, 3 of axis 1; there it is 0"),
        (lambda dx, x, dy, w: zero_at(dx, 2), "it is wrong only at index 2 of axis 0; there it is 0"),
        (lambda dx, x, dy, w: dx * 5, "5 times too large, the length of its axis 1: divide by it"),
        (lambda dx, x, dy, w: dx.transpose(1, 0, 2).reshape(dx.shape), "the same numbers are in a different order"),
    ],
)
def test_of_time(change, text):
    assert text in said(Wrong(change_dx=change), T, DT, shape=(5, 4))


def test_of_axes_in_the_wrong_order():
    cube, dy = DRAWS.normal(size=(2, 3, 3, 3))
    turned = Wrong(change_dx=lambda dx, x, dy, w: dx.transpose(2, 0, 1))
    params = WEIGHT[:3, :3], np.zeros(3)
    assert said(turned, cube, dy, params=params, shape=(3, 3)).startswith("its axes are in the wrong order: transpose")


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda weight, bias, p: (weight + 1e-3 * p[0], bias), "the param is added to it, times 0.001"),
        (lambda weight, bias, p: (weight[::-1], bias), "it is flipped along axis 0"),
        (lambda weight, bias, p: (weight, np.roll(bias, 1)), "it is rolled by 1 along axis 0"),
    ],
)
def test_of_params(change, text):
    assert said(Wrong(change=change)) == text


@attrs.frozen
class Product(fn.Layer):
    """y = a * b, and what is made of the two gradients."""

    change: object
    n_inputs = 2

    def output_shape(self, input_shape):
        return input_shape[0]

    def forward(self, params, x):
        return x[0] * x[1], x

    def backward(self, params, x, dy):
        return self.change(dy * x[1], dy * x[0]), ()


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda da, db: (db, da), "dx.0 and dx.1 seem to be swapped"),
        (lambda da, db: (db, db.copy()), "it is the gradient of dx.1"),
        (lambda da, db: (da, da.copy()), "it is the gradient of dx.0"),
    ],
)
def test_of_the_gradient_of_another_array(change, text):
    assert said(Product(change), (X, X[::-1] + 1), params=(), shape=((4,), (4,))) == text


# --- Of the passes as calls ---


@attrs.frozen
class Random(fn.Layer):
    def forward(self, params, x):
        return x + np.random.default_rng().normal(size=x.shape), x

    def backward(self, params, x, dy):
        return dy, ()


@pytest.mark.parametrize("law", ["batch.permutation", "layout", "batch.sum"])
def test_of_random_passes_that_the_same_call_gave_something_else(law):
    assert said(Random(), law=law, params=()).startswith("the same call gave something else: it draws random numbers")


PAIRS = {
    "forward returned an array, not (y, cache)": (lambda p, x: x, lambda p, c, dy: (dy, ())),
    "forward returned a tuple of 3, not (y, cache)": (lambda p, x: (x, x, x), lambda p, c, dy: (dy, ())),
    "backward returned an array, not (dx, grads)": (lambda p, x: (x, x), lambda p, c, dy: dy),
    "backward returned None, not (dx, grads)": (lambda p, x: (x, x), lambda p, c, dy: None),
}


@pytest.mark.parametrize("text", PAIRS)
@pytest.mark.parametrize("law", ["coordinates", "purity", "batch.sum"])
def test_of_what_is_not_a_pair(law, text):
    names = "y, cache" if text.startswith("forward") else "dx, grads"
    assert said(PAIRS[text], law=law, params=()) == f"{text}: end it with `return {names}`"


# --- Of too few numbers nothing is said ---


def relu(params, x):
    return np.maximum(x, 0), x


def square(params, x):
    return x**2, x


def half_square(params, x, dy):
    return dy * x, ()


def test_one_number_has_a_sign_by_chance():
    broken = relu, lambda params, x, dy: (dy, ())
    found = said(broken, np.array([[2.0, -3.0]]), np.array([[1.0, 1.0]]), params=(), is_given=True)
    assert found == "1 of 2 numbers are wrong; there it should be 0"


def test_where_more_rows_can_be_drawn_they_tell_more():
    leaky = lambda params, x: (np.where(x < 0, x / 4, x), x), lambda params, x, dy: (np.where(x < 0, 0, dy), ())
    found = said(leaky, np.array([[2.0, -3.0]]), np.array([[1.0, 1.0]]), params=())
    assert found == "it is wrong only where x is negative; there it is 0"


def test_two_zeros_may_be_chance():
    broken = relu, lambda params, x, dy: (np.where(dy > 0, 0.0, dy), ())
    assert "all zeros" not in said(broken, np.array([[2.0, 3.0]]), np.array([[1.0, 1.0]]), params=())


def test_a_few_numbers_of_one_column_may_be_chance():
    broken = Wrong(change_dx=lambda dx, x, dy, w: zero_at(dx, slice(None), 0))
    assert said(broken, X[:2], DY[:2], is_given=True) == "2 of 8 numbers are wrong; there it is 0"


def test_what_is_right_but_for_a_few_digits_is_not_said_to_be_reordered():
    broken = Wrong(change_dx=lambda dx, x, dy, w: dx * (1 + 1e-9 * np.arange(4)))
    assert "order" not in said(broken)


def test_numbers_among_zeros_may_be_moved_by_chance():
    sparse = np.where(np.arange(4) == 1, DY, 0)
    moved = relu, lambda params, x, dy: (np.roll(dy, 2, axis=1), ())
    assert said(moved, np.abs(X), sparse, params=()) == "the same numbers are in a different order"


def test_many_places_here_and_there_are_not_listed():
    rows, dy = DRAWS.normal(size=(2, 9, 4))
    broken = Wrong(change_dx=lambda dx, x, dy, w: zero_at(dx, [0, 2, 4, 6]))
    assert said(broken, rows, dy, is_given=True) == "16 of 36 numbers are wrong; there it is 0"


def test_one_number_at_the_top_is_not_clipped():
    largest = np.unravel_index(np.abs(DY).argmax(), DY.shape)
    broken = relu, lambda params, x, dy: (dy * (1 - 0.01 * (dy == dy[largest])), ())
    assert said(broken, np.abs(X), params=(), is_given=True) == "1 of 20 numbers are wrong"


@pytest.mark.parametrize("law", ["batch.permutation", "batch.sum"])
def test_of_a_y_nothing_is_said_that_is_about_gradients(law):
    """Neither that dy is not used, nor that a mean over the batch is an approximation."""
    scale = np.reshape([1, 1.001, 1.002, 0.999, 0.998], (5, 1))
    broken = lambda params, x: (x * scale[: len(x)], x), lambda params, x, dy: (dy * scale[: len(dy)], ())
    assert not re.search("dy|approximation", said(broken, law=law, params=()))


def test_a_slope_that_is_wrong_where_there_is_no_corner_is_not_said_to_be_at_one():
    assert said((square, half_square), law="kinks", params=()) == ""


def test_nothing_is_guessed_from_the_small_case_that_is_shown():
    broken = Wrong(change_dx=lambda dx, x, dy, w: dx * (1 + x**2))
    with pytest.raises(LawViolation) as caught:
        check_layer(broken, (4,), params=PARAMS)
    assert caught.value.diagnosis == ""
    names = {}
    exec(caught.value.case.rpartition("\n")[0].replace("layer =", "#"), names)
    assert (names["dy"] == 0).sum() > 2


def test_how_many_numbers_are_wrong_is_counted_before_numbers_become_0(monkeypatch):
    def law(case):
        """Say that all is wrong."""
        raise Difference("dx", 1.0, 0.0, counts={"dx": (np.count_nonzero(case.x), case.x.size)})

    monkeypatch.setitem(LAYER_LAWS, "coordinates", law)
    with pytest.raises(LawViolation) as caught:
        check_layer(fn.Tanh(), (3,))
    assert caught.value.counts == {"dx": (6, 6)}
    assert caught.value.leaves == "dx wrong in 6 of 6"


# --- Of the gallery ---


def test_of_a_missing_bias_in_a_real_layer_nothing_is_made_up():
    @attrs.frozen
    class Other(Dense):
        def bias(self, params, x, dy):
            return (dy**2).reshape(-1, self.n_out).sum(axis=0)

    with pytest.raises(LawViolation) as caught:
        check_layer(Other(), (4,))
    assert VAGUE.fullmatch(caught.value.diagnosis)


@pytest.mark.slow
def test_more_than_half_of_the_gallery_s_bugs_have_a_name():
    named = [exhibit.name for exhibit in BROKEN if not VAGUE.fullmatch(getattr(kill(exhibit).error, "diagnosis", ""))]
    assert len(named) >= 110  # of 197; 64 before
