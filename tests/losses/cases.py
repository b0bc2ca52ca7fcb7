"""Every loss with the targets it takes, and its textbook formula."""

import math

import attrs
import numpy as np
import pytest

import funcnet as fn
from tests import oracles

REDUCTIONS = ["mean", "batch", "sum"]
CLASSES = 4


def some_logits(shape, seed=0):
    return np.random.default_rng(seed).uniform(-3, 3, shape)


def some_probabilities(shape, seed=0):
    return np.random.default_rng(seed).uniform(0.1, 0.9, shape)


def some_distributions(shape, seed=1):
    weights = some_probabilities(shape, seed)
    return weights / weights.sum(axis=-1, keepdims=True)


def some_labels(shape, seed=1):
    return np.random.default_rng(seed).integers(CLASSES, size=shape[:-1])


def some_bits(shape, seed=1):
    return np.random.default_rng(seed).integers(2, size=shape)


def some_signs(shape, seed=1):
    return 2 * some_bits(shape, seed) - 1


def by_number(f):
    """The loss of a row from that of a number."""
    return lambda y, target: [f(p, t) for p, t in zip(y, target, strict=True)]


def square(y, target):
    return (y - target) ** 2


def square_gradient(y, target):
    return 2 * (y - target)


def absolute(y, target):
    return abs(y - target)


def absolute_gradient(y, target):
    return 1 if y > target else -1


def huber(y, target):
    error = abs(y - target)
    return error**2 / 2 if error <= 1 else error - error / error / 2


def huber_gradient(y, target):
    return max(min(y - target, 1), -1)


def hinge(y, target):
    return max(0, 1 - y * target)


def hinge_gradient(y, target):
    return -target if y * target < 1 else 0


def _length(row):
    return sum(number * number for number in row).sqrt()


def _cosine(y, target):
    return sum(p * t for p, t in zip(y, target, strict=True)) / (_length(y) * _length(target))


def angle(y, target):
    return 1 - _cosine(y, target)


def angle_gradient(y, target):
    unit = [t / _length(target) for t in target]
    return [(_cosine(y, target) * p / _length(y) - u) / _length(y) for p, u in zip(y, unit, strict=True)]


@attrs.frozen
class Case:
    """A loss, what goes into it, and the textbook's losses and gradient of one example."""

    loss: type
    some_y: object
    some_target: object
    losses: object
    gradient: object

    def __str__(self):
        return f"{self.loss.__name__}-{self.some_target.__name__.removeprefix('some_')}"

    def arguments(self, batch, dtype=np.float64):
        """y and a target, one of labels or bits as integers."""
        shape = (*batch, CLASSES)
        target = np.asarray(self.some_target(shape))
        return np.asarray(self.some_y(shape)).astype(dtype), target.astype(dtype) if target.dtype == float else target

    @property
    def counts_examples(self):
        """Whether the mean is over examples and not over every element."""
        return self.loss in (fn.SoftmaxCrossEntropy, fn.CosineSimilarity)


SOFTMAX = oracles.softmax_cross_entropy, oracles.softmax_cross_entropy_gradient
SIGMOID = by_number(oracles.sigmoid_binary_cross_entropy), by_number(oracles.sigmoid_binary_cross_entropy_gradient)
BINARY = by_number(oracles.binary_cross_entropy), by_number(oracles.binary_cross_entropy_gradient)
LOSSES = [
    *(fn.MeanSquaredError(), fn.SoftmaxCrossEntropy(), fn.SigmoidBinaryCrossEntropy(), fn.BinaryCrossEntropy()),
    *(fn.MeanAbsoluteError(), fn.Huber(), fn.Huber(delta=0.25), fn.Hinge(), fn.CosineSimilarity()),
]
CASES = [
    Case(fn.MeanSquaredError, some_logits, some_probabilities, by_number(square), by_number(square_gradient)),
    Case(fn.SoftmaxCrossEntropy, some_logits, some_labels, *SOFTMAX),
    Case(fn.SoftmaxCrossEntropy, some_logits, some_distributions, *SOFTMAX),
    Case(fn.SoftmaxCrossEntropy, some_logits, some_probabilities, *SOFTMAX),  # they do not sum to 1
    Case(fn.SigmoidBinaryCrossEntropy, some_logits, some_bits, *SIGMOID),
    Case(fn.SigmoidBinaryCrossEntropy, some_logits, some_probabilities, *SIGMOID),
    Case(fn.MeanAbsoluteError, some_logits, some_probabilities, by_number(absolute), by_number(absolute_gradient)),
    Case(fn.Huber, some_logits, some_probabilities, by_number(huber), by_number(huber_gradient)),
    Case(fn.Hinge, some_logits, some_signs, by_number(hinge), by_number(hinge_gradient)),
    Case(fn.CosineSimilarity, some_logits, some_distributions, angle, angle_gradient),
    Case(fn.BinaryCrossEntropy, some_probabilities, some_bits, *BINARY),
    Case(fn.BinaryCrossEntropy, some_probabilities, some_distributions, *BINARY),
]
every_case = pytest.mark.parametrize("case", CASES)
every_loss = pytest.mark.parametrize("case", [CASES[0], CASES[2], *CASES[5:10], CASES[11]])
every_reduction = pytest.mark.parametrize("reduction", REDUCTIONS)
averages = pytest.mark.parametrize("reduction", ["mean", "batch"])


def divisor(case, reduction, batch):
    """By what the docstrings say that the sum of all losses is divided."""
    elements = 1 if case.counts_examples else CLASSES
    return {"mean": math.prod(batch) * elements, "batch": math.prod(batch), "sum": 1}[reduction]


def one_hot(labels):
    return np.eye(CLASSES)[labels]
