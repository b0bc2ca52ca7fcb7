"""Passes of layers on random numbers, and how their results are compared. A shape may be a tuple of shapes."""

import numpy as np
from numpy.testing import assert_allclose

import funcnet as fn
from funcnet import tree
from funcnet.testing.cases.case import map_shapes
from funcnet.tree import map_flow, shape_of


def batched(batch, shape):
    """The shape of a batch of examples of this shape."""
    return map_shapes(lambda each: batch + each, shape)


def as_type(x, dtype):
    return map_flow(lambda part: part.astype(dtype), x)


def some_numbers(shape, seed=0):
    """Random numbers of either sign from 0.25 to 2: away from the kinks at 0."""
    draw = np.random.default_rng(seed)
    return map_shapes(lambda each: np.asarray(draw.uniform(0.25, 2, each) * draw.choice([-1, 1], each)), shape)


def some_pass(layer, shape, batch=(), dtype=np.float64):
    """params, x, and a dy of the shape of y."""
    params = layer.init(fn.Key(0), shape, dtype)
    dy = some_numbers(batched(batch, layer.output_shape(shape)), seed=1)
    return params, as_type(some_numbers(batched(batch, shape)), dtype), as_type(dy, dtype)


def assert_close(results, others, rtol=1e-13):
    for a, b in zip(tree.leaves(results), tree.leaves(others), strict=True):
        assert a.shape == b.shape
        assert_allclose(a, b, rtol=rtol, atol=rtol)


def kept_by(layer, shape, dtype=np.float64):
    return layer.apply((), np.ones(shape, dtype)) != 0


def normal(shape, seed=0):
    draw = np.random.default_rng(seed)
    return map_shapes(lambda each: np.asarray(draw.standard_normal(each)), shape)


def one_pass(model, shape, batch=(5,), dtype=np.float64):
    """params, x, y, cache and a random dy."""
    params = model.init(fn.Key(1), shape, dtype)
    x = as_type(normal(batched(batch, shape)), dtype)
    y, cache = model.forward(params, x)
    return params, x, y, cache, as_type(normal(shape_of(y), 1), dtype)
