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


def by_number(f):
    """The loss of a row from that of a number."""
    return lambda y, target: [f(p, t) for p, t in zip(y, target, strict=True)]


def square(y, target):
    return (y - target) ** 2


def square_gradient(y, target):
    return 2 * (y - target)


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
        return self.loss is fn.SoftmaxCrossEntropy


SOFTMAX = oracles.softmax_cross_entropy, oracles.softmax_cross_entropy_gradient
SIGMOID = by_number(oracles.sigmoid_binary_cross_entropy), by_number(oracles.sigmoid_binary_cross_entropy_gradient)
BINARY = by_number(oracles.binary_cross_entropy), by_number(oracles.binary_cross_entropy_gradient)
CASES = [
    Case(fn.MeanSquaredError, some_logits, some_probabilities, by_number(square), by_number(square_gradient)),
    Case(fn.SoftmaxCrossEntropy, some_logits, some_labels, *SOFTMAX),
    Case(fn.SoftmaxCrossEntropy, some_logits, some_distributions, *SOFTMAX),
    Case(fn.SoftmaxCrossEntropy, some_logits, some_probabilities, *SOFTMAX),  # they do not sum to 1
    Case(fn.SigmoidBinaryCrossEntropy, some_logits, some_bits, *SIGMOID),
    Case(fn.SigmoidBinaryCrossEntropy, some_logits, some_probabilities, *SIGMOID),
    Case(fn.BinaryCrossEntropy, some_probabilities, some_bits, *BINARY),
    Case(fn.BinaryCrossEntropy, some_probabilities, some_distributions, *BINARY),
]
every_case = pytest.mark.parametrize("case", CASES)
every_loss = pytest.mark.parametrize("case", [CASES[0], CASES[2], CASES[5], CASES[7]])
every_reduction = pytest.mark.parametrize("reduction", REDUCTIONS)
averages = pytest.mark.parametrize("reduction", ["mean", "batch"])


def divisor(case, reduction, batch):
    """By what the docstrings say that the sum of all losses is divided."""
    elements = 1 if case.counts_examples else CLASSES
    return {"mean": math.prod(batch) * elements, "batch": math.prod(batch), "sum": 1}[reduction]


def one_hot(labels):
    return np.eye(CLASSES)[labels]
