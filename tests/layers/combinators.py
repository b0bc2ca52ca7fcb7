"""Every combinator, and its passes on random numbers."""

import numpy as np
import pytest

import funcnet as fn

# Every combinator, alone and nested, smooth so that central differences hold everywhere; and the shape of its input.
MODELS = {
    "sequential": (fn.sequential(fn.Linear(4), fn.Tanh(), fn.Linear(2)), (3,)),
    "sequential of nothing": (fn.sequential(), (3,)),
    "sequential without params": (fn.sequential(fn.Tanh(), fn.Softmax()), (3,)),
    "sequential, params inside": (fn.sequential(fn.Sigmoid(), fn.Linear(2), fn.LogSoftmax()), (3,)),
    "sequential of sequentials": (
        fn.sequential(fn.sequential(fn.Tanh(), fn.Linear(4)), fn.sequential(fn.Linear(2))),
        (3,),
    ),
    "flatten": (fn.sequential(fn.Tanh(), fn.Flatten(), fn.Linear(2)), (2, 3)),
    "add": (fn.add(fn.Linear(3), fn.Tanh(), fn.Linear(3)), (3,)),
    "add of one": (fn.add(fn.Linear(2)), (3,)),
    "add of identities": (fn.add(fn.Identity(), fn.Identity()), (3,)),
    "concatenate": (fn.concatenate(fn.Linear(2), fn.Tanh(), fn.Linear(1)), (3,)),
    "concatenate of matrices": (fn.concatenate(fn.Linear(2), fn.Identity()), (2, 3)),
    "residual": (fn.residual(fn.sequential(fn.Linear(4), fn.Tanh(), fn.Linear(3))), (3,)),
    "residual first": (fn.sequential(fn.residual(fn.Linear(3)), fn.Tanh(), fn.residual(fn.Linear(3))), (3,)),
    "all": (fn.sequential(fn.Linear(3), fn.add(fn.concatenate(fn.Identity(), fn.SiLU()), fn.Linear(6))), (2,)),
    "in training": (fn.sequential(fn.Linear(4), fn.Dropout(0.5), fn.Linear(2)).training(fn.Key(3)), (3,)),
}
models = pytest.mark.parametrize(("model", "shape"), MODELS.values(), ids=MODELS)


def normal(shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


def one_pass(model, shape, batch=(5,), dtype=np.float64):
    """params, x, y, cache and a random dy."""
    params = model.init(fn.Key(1), shape, dtype)
    x = normal(batch + shape).astype(dtype)
    y, cache = model.forward(params, x)
    return params, x, y, cache, normal(y.shape, 1).astype(dtype)
