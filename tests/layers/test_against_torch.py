"""Layers and losses against PyTorch's functions of the same name and its automatic differentiation."""

import math

import numpy as np
import pytest
from numpy.testing import assert_allclose

import funcnet as fn
from funcnet import tree

torch = pytest.importorskip("torch", reason="the other implementation to compare with is not installed")
functional = torch.nn.functional

# dtype, relative tolerance, and that of a number which cancellation made small
PRECISIONS = [(np.float64, 1e-12, 1e-14), (np.float32, 1e-4, 1e-5)]
precisions = pytest.mark.parametrize(("dtype", "rtol", "atol"), PRECISIONS, ids=["float64", "float32"])


def never_linear(x):
    """Softplus as the formula has it: torch's own is x from 20 on, if not told otherwise."""
    return functional.softplus(x, threshold=1e6)


SHAPE = 2, 3  # of one input

# layer, torch's function of x and of the params' leaves
LAYERS = [
    (fn.Linear(4, bias_init=fn.initializers.normal(1.0)), lambda x, weight, bias: functional.linear(x, weight.T, bias)),
    (fn.Linear(4, bias=False), lambda x, weight: functional.linear(x, weight.T)),
    (fn.ReLU(), functional.relu),
    (fn.LeakyReLU(), functional.leaky_relu),
    (fn.LeakyReLU(0.2), lambda x: functional.leaky_relu(x, 0.2)),
    (fn.ELU(), functional.elu),
    (fn.ELU(0.5), lambda x: functional.elu(x, alpha=0.5)),
    (fn.GELU(), functional.gelu),
    (fn.SiLU(), functional.silu),
    (fn.Sigmoid(), torch.sigmoid),
    (fn.Tanh(), torch.tanh),
    (fn.Softplus(), never_linear),
    (fn.Softmax(), lambda x: functional.softmax(x, dim=-1)),
    (fn.LogSoftmax(), lambda x: functional.log_softmax(x, dim=-1)),
    (fn.Identity(), torch.nn.Identity()),
    (fn.Elementwise(np.sin, np.cos), torch.sin),
    (fn.Flatten(), lambda x: torch.flatten(x, -2)),
    (fn.Dropout(0.3), lambda x: functional.dropout(x, 0.3, training=False)),
    (fn.residual(fn.Tanh()), lambda x: x + torch.tanh(x)),
    (fn.concatenate(fn.Tanh(), fn.ReLU()), lambda x: torch.cat([torch.tanh(x), torch.relu(x)], -1)),
    (
        fn.sequential(fn.Linear(5), fn.Tanh(), fn.Linear(2, bias=False), fn.Softmax()),
        lambda x, w, b, v: functional.softmax(torch.tanh(x @ w + b) @ v, dim=-1),
    ),
]


def tensor(array):
    return torch.tensor(np.array(array), requires_grad=True)


def assert_same(ours, theirs, rtol, atol):
    """The same numbers, shapes and dtypes."""
    for array, other in zip(ours, theirs, strict=True):
        other = other.detach().numpy()
        assert (array.shape, array.dtype) == (other.shape, other.dtype)
        assert_allclose(array, other, rtol=rtol, atol=atol)


@precisions
@pytest.mark.parametrize("batch", [(), (0,), (5,), (2, 3)], ids=str)
@pytest.mark.parametrize(
    ("layer", "function"), LAYERS, ids=lambda value: str(value) if isinstance(value, fn.Layer) else ""
)
def test_y_dx_and_every_leaf_of_grads(layer, function, batch, dtype, rtol, atol):
    draw = np.random.default_rng(0)
    params = layer.init(fn.Key(0), SHAPE, dtype)
    x = (3 * draw.standard_normal((*batch, *SHAPE))).astype(dtype)
    y, cache = layer.forward(params, x)
    dy = draw.standard_normal(y.shape).astype(dtype)
    dx, grads = layer.backward(params, cache, dy)
    inputs = [tensor(x), *map(tensor, tree.leaves(params))]
    theirs = function(*inputs)
    derivatives = torch.autograd.grad(theirs, inputs, torch.tensor(dy))
    assert_same([y, dx, *tree.leaves(grads)], [theirs, *derivatives], rtol, atol)


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
    (fn.BinaryCrossEntropy, functional.binary_cross_entropy, probabilities, bits),
    (fn.BinaryCrossEntropy, functional.binary_cross_entropy, probabilities, probabilities),
]


@precisions
@pytest.mark.parametrize("batch", [(), (5,), (2, 3)], ids=str)
@pytest.mark.parametrize("reduction", ["mean", "batch", "sum"])
@pytest.mark.parametrize(("loss", "function", "some_y", "some_target"), LOSSES, ids=lambda value: value.__name__)
def test_value_and_dy(loss, function, some_y, some_target, reduction, batch, dtype, rtol, atol):
    draw, shape = np.random.default_rng(0), (*batch, 4)
    y, target = np.asarray(some_y(draw, shape), dtype), np.asarray(some_target(draw, shape))
    target = target if some_target is labels else target.astype(dtype)
    value, cache = loss(reduction).forward(y, target)
    theirs_y, theirs_target = tensor(y), torch.tensor(target)
    if reduction == "batch":  # torch has it in the divergence of Kullback and Leibler only
        theirs = function(theirs_y, theirs_target, reduction="sum") / math.prod(batch)
    else:
        theirs = function(theirs_y, theirs_target, reduction=reduction)
    theirs_dy = torch.autograd.grad(theirs, theirs_y)
    assert_same([value, loss(reduction).backward(cache)], [theirs, *theirs_dy], rtol, atol)
