"""One of each layer, with and without its options, and of each combinator; all take (..., 3)."""

import numpy as np
import pytest

import funcnet as fn

LAYERS = [
    fn.Linear(4),
    fn.Linear(4, bias=False),
    fn.Linear(4, weight_init=fn.initializers.he_normal, bias_init=fn.initializers.constant(0.5)),
    fn.Linear(4, weight_init=fn.initializers.normal(0.01), bias_init=fn.initializers.uniform(0.1)),
    fn.ReLU(),
    fn.LeakyReLU(),
    fn.LeakyReLU(0.2),
    fn.ELU(),
    fn.ELU(alpha=0.5),
    fn.GELU(),
    fn.SiLU(),
    fn.Sigmoid(),
    fn.Tanh(),
    fn.Softplus(),
    fn.Softmax(),
    fn.LogSoftmax(),
    fn.Identity(),
    fn.Elementwise(np.sin, np.cos),
    fn.Flatten(),
    fn.Dropout(0.5),
    fn.Dropout(0.5).training(fn.Key(2**100).fold_in("name").fold_in(3)),
    fn.sequential(),
    fn.sequential(fn.Linear(4), fn.ReLU(), fn.sequential(fn.Linear(2))),
    fn.add(fn.Linear(4), fn.Linear(4)),
    fn.concatenate(fn.Linear(4), fn.Identity()),
    fn.residual(fn.sequential(fn.Tanh(), fn.Dropout(0.1))),
    fn.sequential(fn.Dropout(0.5), fn.residual(fn.Dropout(0.5))).training(fn.Key(1)),
]
layers = pytest.mark.parametrize("layer", LAYERS, ids=repr)
