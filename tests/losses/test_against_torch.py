"""Losses against PyTorch's functions of the same name and its automatic differentiation."""

import math

import numpy as np
import pytest

import funcnet as fn
from tests.against_torch import assert_same, precisions, tensor

torch = pytest.importorskip("torch", reason="the other implementation to compare with is not installed")
functional = torch.nn.functional


def logits(draw, shape):
    return 3 * draw.standard_normal(shape)


def probabilities(draw, shape):
    return draw.uniform(0.01, 0.99, shape)


def labels(draw, shape):
    return draw.integers(shape[-1], size=shape[:-1])


def distributions(draw, shape):
    return draw.dirichlet(np.ones(shape[-1]), shape[:-1])


def bits(draw, shape):
    return draw.integers(2, size=shape).astype(float)


def signs(draw, shape):
    return 2.0 * draw.integers(2, size=shape) - 1


def huber(y, target, reduction):
    return functional.huber_loss(y, target, reduction=reduction, delta=1.0)


def hinge(y, target, reduction):
    return getattr((1 - y * target).clamp(min=0), reduction)()


def angle(y, target, reduction):
    return getattr(1 - functional.cosine_similarity(y, target, dim=-1), reduction)()


def cross_entropy(y, target, reduction):
    """Over rows, which is all that torch's own takes; it has no examples without a batch axis among probabilities."""
    n = y.shape[-1]
    target = target.reshape(-1, n) if target.is_floating_point() else target.reshape(-1)
    return functional.cross_entropy(y.reshape(-1, n), target, reduction=reduction)


# loss, torch's function, y, target
LOSSES = [
    (fn.MeanSquaredError, functional.mse_loss, logits, logits),
    (fn.SoftmaxCrossEntropy, cross_entropy, logits, labels),
    (fn.SoftmaxCrossEntropy, cross_entropy, logits, distributions),
    (fn.SoftmaxCrossEntropy, cross_entropy, logits, probabilities),
    (fn.SigmoidBinaryCrossEntropy, functional.binary_cross_entropy_with_logits, logits, bits),
    (fn.SigmoidBinaryCrossEntropy, functional.binary_cross_entropy_with_logits, logits, probabilities),
    (fn.MeanAbsoluteError, functional.l1_loss, logits, logits),
    (fn.Huber, huber, logits, logits),
    (fn.Hinge, hinge, logits, signs),
    (fn.CosineSimilarity, angle, logits, logits),
    (fn.BinaryCrossEntropy, functional.binary_cross_entropy, probabilities, bits),
    (fn.BinaryCrossEntropy, functional.binary_cross_entropy, probabilities, probabilities),
]


@precisions
@pytest.mark.parametrize("reduction", ["mean", "batch", "sum"])
@pytest.mark.parametrize(("loss", "function", "some_y", "some_target"), LOSSES)
def test_value_and_dy(loss, function, some_y, some_target, reduction, dtype, rtol, atol):
    draw = np.random.default_rng(0)
    for batch in [(), (5,), (2, 3)]:
        y, target = np.asarray(some_y(draw, (*batch, 4)), dtype), np.asarray(some_target(draw, (*batch, 4)))
        target = target if some_target is labels else target.astype(dtype)
        value, cache = loss(reduction).forward(y, target)
        theirs_y, theirs_target = tensor(y), torch.tensor(target)
        if reduction == "batch":  # torch has it in the divergence of Kullback and Leibler only
            theirs = function(theirs_y, theirs_target, reduction="sum") / math.prod(batch)
        else:
            theirs = function(theirs_y, theirs_target, reduction=reduction)
        theirs_dy = torch.autograd.grad(theirs, theirs_y)
        assert_same([value, loss(reduction).backward(cache)], [theirs, *theirs_dy], rtol, atol)
