"""What `check_layer` and the like say of the mistakes with which one begins."""

import itertools
import re

import attrs
import numpy as np
import pytest

import funcnet as fn
from funcnet.testing import LawViolation, check_layer, check_loss, check_optimizer

pytestmark = pytest.mark.slow  # each mistake is looked for, and its case made smaller


@fn.tree.node
class Weight:
    weight: np.ndarray


class Product(fn.Layer):
    """y = x @ weight, right."""

    def output_shape(self, input_shape):
        return (*input_shape[:-1], 3)

    def init(self, key, input_shape, dtype=np.float32):
        return Weight(key.generator().normal(size=(input_shape[-1], 3)).astype(dtype))

    def forward(self, params, x):
        x = np.asarray(x, params.weight.dtype)
        return x @ params.weight, x

    def backward(self, params, x, dy):
        rows = x.reshape(-1, x.shape[-1]).T @ dy.reshape(-1, dy.shape[-1])
        return dy @ params.weight.T, Weight(rows)


def both(first, second):
    return first, second


@attrs.frozen
class Changed(Product):
    """The product, with a change of what forward and backward return."""

    forwards: object = both
    backwards: object = both

    def forward(self, params, x):
        return self.forwards(*super().forward(params, x))

    def backward(self, params, x, dy):
        return self.backwards(*super().backward(params, x, dy))


class KeepsItself(Product):
    """Keeps x on a global instead of in the cache."""

    kept = None

    def forward(self, params, x):
        y, KeepsItself.kept = super().forward(params, x)
        return y, ()

    def backward(self, params, cache, dy):
        return super().backward(params, self.kept, dy)


class IgnoresDy(Product):
    def backward(self, params, x, dy):
        return super().backward(params, x, np.ones_like(dy))


class Centers(Product):
    def forward(self, params, x):
        x -= x.mean() if x.size else 0
        return super().forward(params, x)


class SumsRows(Product):
    """y has one row, whatever the number of rows of x."""

    def forward(self, params, x):
        y, cache = super().forward(params, x)
        return y.sum(axis=0), cache


class NoShape(Product):
    """A product that does not tell the shape of y; x is the cache, whose shape y then should have."""

    output_shape = fn.Layer.output_shape


class Square(fn.Layer):
    """y = x**2, right."""

    def forward(self, params, x):
        return x**2, x

    def backward(self, params, x, dy):
        return 2 * x * dy, ()


class MeanOfRows(Square):
    def forward(self, params, x):
        return (x**2).sum(axis=0), x


class SumOfAll(Square):
    def forward(self, params, x):
        return (x**2).sum(), x


class EveryRow(Product):
    def backward(self, params, x, dy):
        return dy @ params.weight.T, Weight(np.einsum("...i,...j->...ij", x, dy))


class NoInit(fn.Layer):
    forward, backward, output_shape = Product.forward, Product.backward, Product.output_shape


class InitOfNone(Product):
    def init(self, key, input_shape, dtype=np.float32):
        pass


def noisy(array):
    return array + np.random.default_rng().normal(size=array.shape).astype(array.dtype)


CALLS = itertools.count()
RETURNS_Y = "forward returned an array, not (y, cache): end it with `return y, cache`"


def violation(check, *arguments, **options):
    with pytest.raises(LawViolation) as caught:
        check(*arguments, **options)
    return caught.value


def test_the_layer_without_a_mistake_is_right():
    check_layer(Changed(), (2,), examples=7)


@pytest.mark.parametrize(
    ("forwards", "said"),
    [
        (lambda y, cache: y, RETURNS_Y),
        (lambda y, cache: None, "forward returned None, not (y, cache)"),
        (lambda y, cache: [y, cache], "forward returned a list of 2, not (y, cache)"),
        (lambda y, cache: (y, cache, 1), "forward returned a tuple of 3, not (y, cache)"),
        (lambda y, cache: (cache, y), "y and cache seem to be swapped"),
        (lambda y, cache: (y, None), "forward returned None as the cache"),
    ],
)
def test_what_forward_returns(forwards, said):
    found = violation(check_layer, Changed(forwards=forwards), (2,))
    assert found.law == "structure"
    assert found.diagnosis.startswith(said)


def test_a_y_that_is_wider_than_x_is_told_with_what_to_do():
    found = violation(check_layer, Changed(forwards=lambda y, cache: (y.astype(np.float64), cache)), (2,))
    assert (found.law, found.at) == ("dtype", "y")
    assert found.diagnosis.startswith("forward must return the dtype of x and params")


@pytest.mark.parametrize(
    ("layer", "said"),
    [
        (NoShape(), "the layer does not define output_shape(input_shape), so y must have the shape of x"),
        (MeanOfRows(), "y has no row for each example: forward must keep the axes of the batch"),
        (SumOfAll(), "y has no row for each example: forward must keep the axes of the batch"),
    ],
)
def test_a_y_of_the_wrong_shape_is_not_taken_for_the_cache(layer, said):
    found = violation(check_layer, layer, (2,))
    assert (found.law, found.at, found.diagnosis) == ("structure", "y", said)


@pytest.mark.parametrize(
    ("backwards", "said"),
    [
        (lambda dx, grads: dx, "backward returned an array, not (dx, grads): end it with `return dx, grads`"),
        (lambda dx, grads: None, "backward returned None, not (dx, grads)"),
        (lambda dx, grads: [dx, grads], "backward returned a list of 2"),
        (lambda dx, grads: (dx, grads, 1), "backward returned a tuple of 3"),
        (lambda dx, grads: (grads, dx), "dx and grads seem to be swapped"),
    ],
)
def test_what_backward_returns(backwards, said):
    found = violation(check_layer, Changed(backwards=backwards), (2,))
    assert found.law == "structure"
    assert found.diagnosis.startswith(said)


@pytest.mark.parametrize(
    "grads", [lambda grads: grads.weight, lambda grads: {"weight": grads.weight}, lambda grads: (), lambda grads: None]
)
def test_grads_that_are_not_like_params(grads):
    found = violation(check_layer, Changed(backwards=lambda dx, right: (dx, grads(right))), (2,))
    assert (found.law, found.at, found.expected) == ("structure", "grads", "a tree like params")
    assert re.search(r"must have the structure of params|cannot be trees", found.got)


@pytest.mark.parametrize(
    ("layer", "call"),
    [
        (Changed(forwards=lambda y, cache: (noisy(y), cache)), "forward and backward"),
        (Changed(forwards=lambda y, cache: (y + y.dtype.type(next(CALLS)), cache)), "forward and backward"),
        (Changed(backwards=lambda dx, grads: (noisy(dx), grads)), "backward"),
    ],
)
def test_a_layer_that_draws_or_counts_is_not_deterministic(layer, call):
    found = violation(check_layer, layer, (2,))
    assert found.law == "determinism"
    assert found.diagnosis.startswith(f"the same call of {call} gave different results: it draws random numbers")


@pytest.mark.parametrize(
    ("layer", "law", "said"),
    [
        (KeepsItself(), "interleaving", "passes leave something for backward outside the cache"),
        (IgnoresDy(), "coordinates", "dy is not used: a different dy gives the same"),
        (Centers(), "purity", "a pass writes into x, params or dy"),
        (EveryRow(), "structure", "the sum over the batch is missing"),
        (NoInit(), "structure", "the layer does not define init(key, input_shape, dtype)"),
        (InitOfNone(), "structure", "params are None: init must return them"),
        (SumsRows(), "structure", ""),
    ],
)
def test_other_mistakes(layer, law, said):
    found = violation(check_layer, layer, (2,))
    assert (found.law, found.diagnosis[: len(said)]) == (law, said)


class ValueAlone(fn.MeanSquaredError):
    def forward(self, y, target):
        return super().forward(y, target)[0]


class DyInTuple(fn.MeanSquaredError):
    def backward(self, cache):
        return super().backward(cache), ()


class ParamsAlone(fn.SGD):
    def update(self, params, grads, state):
        return super().update(params, grads, state)[0]


@pytest.mark.parametrize(
    ("check", "subject", "said"),
    [
        (check_loss, ValueAlone(), "forward returned an array, not (value, cache): end it with `return value, cache`"),
        (check_loss, DyInTuple(), "backward of a loss returns dy alone"),
        (check_optimizer, ParamsAlone(0.5), "update returned "),
    ],
)
def test_losses_and_optimizers(check, subject, said):
    found = violation(check, subject)
    assert (found.law, found.diagnosis[: len(said)]) == ("structure", said)
