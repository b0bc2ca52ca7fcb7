"""Optimizers against the published updates and against PyTorch."""

import math
from functools import partial

import numpy as np
import pytest

import funcnet as fn
from funcnet.tree import leaves, ravel
from tests.optimizers.cases import GRADIENTS, PARAMS, numbers, trajectory

# --- The published updates, for a single number p and its gradients, with the names and defaults of torch.optim.
# Transcribed from the boxes "algorithm" of https://docs.pytorch.org/docs/2.13/optim.html, which give the papers. ---


def sgd(p, gradients, lr=1e-3, momentum=0.0, nesterov=False, weight_decay=0.0):
    b = None
    for g in gradients:
        g = g + weight_decay * p
        if momentum != 0:
            b = g if b is None else momentum * b + g
            g = g + momentum * b if nesterov else b
        p = p - lr * g
        yield p


def adam(p, gradients, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0, decoupled=False):
    m = v = 0.0
    for t, g in enumerate(gradients, start=1):
        if decoupled:
            p = p - lr * weight_decay * p
        else:
            g = g + weight_decay * p
        m = betas[0] * m + (1 - betas[0]) * g
        v = betas[1] * v + (1 - betas[1]) * g**2
        m_hat = m / (1 - betas[0] ** t)
        v_hat = v / (1 - betas[1] ** t)
        p = p - lr * m_hat / (math.sqrt(v_hat) + eps)
        yield p


adamw = partial(adam, weight_decay=1e-2, decoupled=True)


def rmsprop(p, gradients, lr=1e-2, alpha=0.99, eps=1e-8, weight_decay=0.0, momentum=0.0, centered=False):
    v = mean = b = 0.0
    for g in gradients:
        g = g + weight_decay * p
        v = alpha * v + (1 - alpha) * g**2
        v_tilde = v
        if centered:
            mean = alpha * mean + (1 - alpha) * g
            v_tilde = v - mean**2
        if momentum > 0:
            b = momentum * b + g / (math.sqrt(v_tilde) + eps)
            p = p - lr * b
        else:
            p = p - lr * g / (math.sqrt(v_tilde) + eps)
        yield p


def adagrad(p, gradients, lr=1e-2, lr_decay=0.0, weight_decay=0.0, initial_accumulator_value=0.0, eps=1e-10):
    state_sum = initial_accumulator_value
    for t, g in enumerate(gradients, start=1):
        lr_tilde = lr / (1 + (t - 1) * lr_decay)
        g = g + weight_decay * p
        state_sum = state_sum + g**2
        p = p - lr_tilde * g / (math.sqrt(state_sum) + eps)
        yield p


PUBLISHED = {"SGD": sgd, "Adam": adam, "AdamW": adamw, "RMSprop": rmsprop, "Adagrad": adagrad}

# An optimizer, and PyTorch's name and options for the same.
SAME_AS_TORCH = [
    (fn.SGD(0.1), "SGD", {"lr": 0.1}),
    (fn.SGD(0.1, weight_decay=0.3), "SGD", {"lr": 0.1, "weight_decay": 0.3}),
    (fn.SGD(0.1, momentum=0.9), "SGD", {"lr": 0.1, "momentum": 0.9}),
    (fn.SGD(0.1, momentum=1.5), "SGD", {"lr": 0.1, "momentum": 1.5}),
    (fn.SGD(0.1, momentum=0.9, nesterov=True), "SGD", {"lr": 0.1, "momentum": 0.9, "nesterov": True}),
    (
        fn.SGD(0.1, momentum=0.8, nesterov=True, weight_decay=0.3),
        "SGD",
        {"lr": 0.1, "momentum": 0.8, "nesterov": True, "weight_decay": 0.3},
    ),
    (fn.Adam(), "Adam", {}),
    (fn.Adam(0.1, weight_decay=0.3), "Adam", {"lr": 0.1, "weight_decay": 0.3}),
    (fn.Adam(0.1, betas=(0.7, 0.9), eps=0.01), "Adam", {"lr": 0.1, "betas": (0.7, 0.9), "eps": 0.01}),
    (fn.Adam(0.1, betas=(0.0, 0.0), eps=0.01), "Adam", {"lr": 0.1, "betas": (0.0, 0.0), "eps": 0.01}),
    (fn.AdamW(), "AdamW", {}),
    (fn.AdamW(0.1, weight_decay=0.0), "AdamW", {"lr": 0.1, "weight_decay": 0.0}),
    (
        fn.AdamW(0.1, betas=(0.7, 0.9), eps=0.01, weight_decay=0.3),
        "AdamW",
        {"lr": 0.1, "betas": (0.7, 0.9), "eps": 0.01, "weight_decay": 0.3},
    ),
    (fn.RMSProp(), "RMSprop", {}),
    (
        fn.RMSProp(0.1, alpha=0.8, eps=0.01, weight_decay=0.3),
        "RMSprop",
        {"lr": 0.1, "alpha": 0.8, "eps": 0.01, "weight_decay": 0.3},
    ),
    (fn.RMSProp(0.1, momentum=0.9), "RMSprop", {"lr": 0.1, "momentum": 0.9}),
    (fn.RMSProp(0.1, centered=True), "RMSprop", {"lr": 0.1, "centered": True}),
    (
        fn.RMSProp(0.1, alpha=0.8, eps=0.01, momentum=0.9, centered=True, weight_decay=0.3),
        "RMSprop",
        {"lr": 0.1, "alpha": 0.8, "eps": 0.01, "momentum": 0.9, "centered": True, "weight_decay": 0.3},
    ),
    (fn.Adagrad(), "Adagrad", {}),
    (fn.Adagrad(0.1, lr_decay=0.5), "Adagrad", {"lr": 0.1, "lr_decay": 0.5}),
    (fn.Adagrad(0.1, initial_accumulator_value=2.0), "Adagrad", {"lr": 0.1, "initial_accumulator_value": 2.0}),
    (
        fn.Adagrad(0.1, lr_decay=0.5, weight_decay=0.3, initial_accumulator_value=0.2, eps=0.01),
        "Adagrad",
        {"lr": 0.1, "lr_decay": 0.5, "weight_decay": 0.3, "initial_accumulator_value": 0.2, "eps": 0.01},
    ),
]
same_as_torch = pytest.mark.parametrize(("optimizer", "name", "options"), SAME_AS_TORCH)


@same_as_torch
def test_20_steps_are_those_of_the_published_update(optimizer, name, options):
    columns = zip(ravel(PARAMS)[0].tolist(), numbers(GRADIENTS).T.tolist(), strict=True)
    expected = np.array([list(PUBLISHED[name](p, gradients, **options)) for p, gradients in columns]).T
    got = numbers(params for params, _ in trajectory(optimizer, PARAMS, GRADIENTS))
    np.testing.assert_allclose(got, expected, rtol=1e-12, atol=0)


@same_as_torch
def test_20_steps_are_those_of_torch(optimizer, name, options):
    torch = pytest.importorskip("torch", reason="the other implementation to compare with is not installed")
    tensors = [torch.tensor(leaf.tolist(), dtype=torch.float64) for leaf in leaves(PARAMS)]
    theirs = getattr(torch.optim, name)(tensors, **options)
    for grads, (params, _) in zip(GRADIENTS, trajectory(optimizer, PARAMS, GRADIENTS), strict=True):
        for tensor, gradient in zip(tensors, leaves(grads), strict=True):
            tensor.grad = torch.tensor(gradient.tolist(), dtype=torch.float64)
        theirs.step()
        for tensor, leaf in zip(tensors, leaves(params), strict=True):
            np.testing.assert_allclose(leaf, tensor.numpy(), rtol=1e-12, atol=0)


@pytest.mark.parametrize("dtype", [">f4", "<f4", ">f8", "<f8", "f2", "c8"])
@pytest.mark.parametrize("shape", [(), (2,), (0, 3)])
def test_a_step_keeps_the_dtype_and_is_that_of_sgd(dtype, shape):
    dtype = np.dtype(dtype)  # one object, as that of params and the grads made of them
    params, grads = (np.full(shape, 2.0, dtype),), (np.full(shape, -4.0, dtype),)
    optimizer = fn.SGD(0.25)
    updated, _ = optimizer.update(params, grads, optimizer.init(params))
    new = fn.sgd_step(params, grads, 0.25)
    assert type(new[0]) is np.ndarray
    assert new[0].dtype == dtype
    assert fn.tree.equal(new, updated)
