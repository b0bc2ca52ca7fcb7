"""Passes of layers on random numbers, and how their results are compared."""

import numpy as np
from numpy.testing import assert_allclose

import funcnet as fn
from funcnet import tree


def some_numbers(shape, seed=0):
    """Random numbers of either sign from 0.25 to 2: away from the kinks at 0."""
    draw = np.random.default_rng(seed)
    return np.asarray(draw.uniform(0.25, 2, shape) * draw.choice([-1, 1], shape))


def some_pass(layer, shape, batch=(), dtype=np.float64):
    """params, x, and a dy of the shape of y."""
    params = layer.init(fn.Key(0), shape, dtype)
    dy = some_numbers(batch + layer.output_shape(shape), seed=1)
    return params, some_numbers(batch + shape).astype(dtype), dy.astype(dtype)


def assert_close(results, others, rtol=1e-13):
    for a, b in zip(tree.leaves(results), tree.leaves(others), strict=True):
        assert a.shape == b.shape
        assert_allclose(a, b, rtol=rtol, atol=rtol)


def kept_by(layer, shape, dtype=np.float64):
    return layer.apply((), np.ones(shape, dtype)) != 0


def normal(shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


def one_pass(model, shape, batch=(5,), dtype=np.float64):
    """params, x, y, cache and a random dy."""
    params = model.init(fn.Key(1), shape, dtype)
    x = normal(batch + shape).astype(dtype)
    y, cache = model.forward(params, x)
    return params, x, y, cache, normal(y.shape, 1).astype(dtype)
