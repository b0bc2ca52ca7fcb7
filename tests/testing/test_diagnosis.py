"""The mistakes that violations guess behind wrong gradients."""

import attrs
import numpy as np
import pytest

import funcnet as fn
from funcnet.testing import LawViolation, check_layer, check_layer_law, check_loss

X = np.array([[0.0, 1.0, -2.0], [0.5, -0.25, 3.0], [6.0, -7.0, 0.75]])
DY = np.array([[1.0, -2.0, 3.0], [0.5, 1.5, -1.0], [2.0, 0.25, -0.5]])
WEIGHT = np.array([[1.0, -2.0, 0.5], [3.0, 0.25, -1.0], [2.0, 1.5, -0.75]])
NONE = ""


def violation(layer, params=(), x=X, dy=DY, law="coordinates", input_shape=None):
    with pytest.raises(LawViolation) as caught:
        check_layer_law(law, layer, params, x, dy, input_shape=input_shape)
    return caught.value


@attrs.frozen
class Cubic(fn.Layer):
    """y = x**3 + x, and what is made of its dx."""

    change: object

    def forward(self, params, x):
        return x**3 + x, x

    def backward(self, params, x, dy):
        return self.change((3 * x**2 + 1) * dy, x, dy), ()


@attrs.frozen
class Product(fn.Layer):
    """y = x @ weight, and what is made of dx and of the gradient of weight."""

    change_dx: object = lambda dx, x, dy: dx
    change: object = lambda grads, x, dy: grads

    def forward(self, weight, x):
        return x @ weight, x

    def backward(self, weight, x, dy):
        return self.change_dx(dy @ weight.T, x, dy), self.change(x.T @ dy, x, dy)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda dx, x, dy: -dx, "the sign is wrong"),
        (lambda dx, x, dy: 2 * dx, "a factor of 2 too many"),
        (lambda dx, x, dy: dx / 2, "a factor of 2 is missing"),
        (lambda dx, x, dy: 3 * dx, "3 times too large, and there are 3 rows: a mean was not taken"),
        (lambda dx, x, dy: dx / 3, "3 times too small, and there are 3 rows: a mean was taken instead of the sum"),
        (lambda dx, x, dy: 0.9375 * dx, "every number is 0.9375 times the expected one"),
        (lambda dx, x, dy: -4 * dx, "every number is -4 times the expected one"),
        (lambda dx, x, dy: 0 * dx, "it is all zeros"),
        (lambda dx, x, dy: dy, "dy is passed through as it is"),
        (lambda dx, x, dy: dx.T, "it is transposed"),
        (lambda dx, x, dy: np.where(x == 1, np.nan, dx), "1 of 9 numbers are NaN or infinite"),
        (lambda dx, x, dy: dx / (np.abs(x) > 0.75), "4 of 9 numbers are NaN or infinite"),
        (lambda dx, x, dy: np.where(x == 0, 0.5, dx), "it is wrong only where x is 0"),
        (
            lambda dx, x, dy: np.where(np.abs(x) > 4, 0, dx),
            "it is wrong only in the tails, from |x| = 6 on; there it is 0",
        ),
        (lambda dx, x, dy: np.where(np.abs(x) < 0.6, dy, dx) + (x == 0), "3 of 9 numbers are wrong"),
        (
            lambda dx, x, dy: np.where(x > 0, 2 * dx, dx),
            "it is wrong only where x is positive; there it is 2 times the right one",
        ),
        (lambda dx, x, dy: np.where(x < 0, -dx, dx), "it is wrong only where x is negative; there the sign is wrong"),
        (
            lambda dx, x, dy: np.where((x == 1) | (x == 3), 2 * dx, dx),
            "2 of 9 numbers are wrong; there it is 2 times the right one",
        ),
        (lambda dx, x, dy: dx + np.arange(9.0).reshape(3, 3) ** 2 + 1, NONE),
    ],
)
def test_of_dx(change, text):
    found = violation(Cubic(change))
    assert (found.at, found.diagnosis) == ("dx", text)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda grads, x, dy: -grads, "the sign is wrong"),
        (lambda grads, x, dy: grads / len(x), "3 times too small, and there are 3 rows: a mean was taken"),
        (lambda grads, x, dy: grads * len(x), "3 times too large, and there are 3 rows: a mean was not taken"),
        (lambda grads, x, dy: grads.T, "it is transposed"),
        (
            lambda grads, x, dy: np.outer(x[0], dy[0]),
            "the sum over the batch is missing: it is the gradient of one row",
        ),
        (lambda grads, x, dy: np.outer(x[-1], dy[-1]), "the sum over the batch is missing"),
        (lambda grads, x, dy: np.zeros_like(grads), "it is all zeros"),
        (lambda grads, x, dy: grads + np.eye(3)[0], "3 of 9 numbers are wrong"),
        (lambda grads, x, dy: np.where(grads > 10, np.inf, grads), "numbers are NaN or infinite"),
    ],
)
def test_of_grads(change, text):
    found = violation(Product(change=change), WEIGHT)
    assert found.at == "grads"
    assert text in found.diagnosis


def test_of_a_dx_that_forgets_to_transpose_the_weight():
    assert violation(Product(change_dx=lambda dx, x, dy: dy @ WEIGHT), WEIGHT).diagnosis == NONE


@pytest.mark.parametrize(
    ("factor", "text"), [(2, "2 times too large, and there are 2 rows"), (0.5, "2 times too small")]
)
def test_of_grads_of_two_rows_a_factor_of_two_is_the_mean(factor, text):
    found = violation(Product(change=lambda grads, x, dy: factor * grads), WEIGHT, X[:2], DY[:2])
    assert text in found.diagnosis


def test_of_dx_of_two_rows_a_factor_of_two_is_just_that():
    assert violation(Cubic(lambda dx, x, dy: 2 * dx), x=X[:2], dy=DY[:2]).diagnosis == "a factor of 2 too many"


def test_of_a_single_example_there_are_no_rows():
    found = violation(Cubic(lambda dx, x, dy: 3 * dx), x=X[0], dy=DY[0], input_shape=(3,))
    assert found.diagnosis == "3 times too large, the length of its axis 0: divide by it"


def test_of_one_number_alone_nothing_is_said_of_others():
    found = violation(Cubic(lambda dx, x, dy: 2 * dx), x=X[:1, 1:2], dy=DY[:1, 1:2])
    assert found.diagnosis == "a factor of 2 too many"


def test_of_grads_with_a_constant_added_no_sum_is_missed():
    layer = Product(change=lambda grads, x, dy: grads + np.diag([0, 0, 1]))
    assert violation(layer, WEIGHT, X * 0, DY).diagnosis == "1 of 9 numbers are wrong; there it should be 0"


def test_of_dx_near_0():
    layer = Cubic(lambda dx, x, dy: np.where(np.abs(x) < 1e-3, -dx, dx))
    assert violation(layer, x=np.array([[1e-4, 1.0, -2.0]]), dy=DY[:1]).diagnosis == (
        "it is wrong only near 0, up to |x| = 0.0001"
    )


def test_of_what_has_no_numbers_nothing_is_said():
    assert violation(Cubic(lambda dx, x, dy: dx[:1]), law="structure").diagnosis == NONE
    assert violation(Cubic(lambda dx, x, dy: 1 / 0), law="structure").diagnosis == NONE


def test_it_stands_in_the_text():
    assert "    diagnosis  the sign is wrong\n" in str(violation(Cubic(lambda dx, x, dy: -dx)))
    assert "diagnosis" not in str(violation(Cubic(lambda dx, x, dy: dx[:1]), law="structure"))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda dx, x, dy: -dx, "the sign is wrong"),
        (lambda dx, x, dy: 2 * dx, "a factor of 2 too many"),
        (lambda dx, x, dy: 0 * dx, "it is all zeros"),
        (lambda dx, x, dy: dy, "dy is passed through as it is"),
        (lambda dx, x, dy: np.where(np.abs(x) > 9, 0, dx), "it is wrong only in the tails, from |x| = "),
    ],
)
def test_shrinking_does_not_take_it_away(change, text):
    with pytest.raises(LawViolation) as caught:
        check_layer(Cubic(change), (3,))
    assert text in caught.value.diagnosis


@attrs.frozen
class Wrong(fn.MeanSquaredError):
    """A mean squared error, and what is made of its dy."""

    change: object = None

    def backward(self, cache):
        return self.change(super().backward(cache), cache.saved[0])


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda dy, error: -dy, "the sign is wrong"),
        (lambda dy, error: dy / 2, "a factor of 2 is missing"),
        (lambda dy, error: 0 * dy, "it is all zeros"),
        (lambda dy, error: np.where(error > 1, np.nan, dy).astype(dy.dtype), "numbers are NaN or infinite"),
    ],
)
def test_of_a_loss(change, text):
    with pytest.raises(LawViolation) as caught:
        check_loss(Wrong(change=change))
    assert caught.value.at == "dy"
    assert text in caught.value.diagnosis


def test_of_a_tiny_difference_no_ratio_of_1_is_given():
    assert "1 times" not in violation(Cubic(lambda dx, x, dy: dx * (1 + 1e-8))).diagnosis


def test_rows_that_depend_on_each_other_are_not_asked_one_at_a_time():
    normal = fn.BatchNorm(affine=False, in_training=True)
    broken = fn.sequential(normal, Product(change=lambda grads, x, dy: grads + dy))
    params = (normal.init(fn.Key(0), (3,), float), WEIGHT)
    assert violation(broken, params, input_shape=(3,)).at == "grads.1"
