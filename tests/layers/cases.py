"""Every layer with the shapes of its input, its textbook formula, and its passes on random numbers."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

import funcnet as fn
from funcnet import tree
from tests import oracles

DROPPING = fn.Dropout(0.3).training(fn.Key(1))
BIAS = fn.initializers.normal(1.0)

# Layers that act on each number, with the textbook's y and dy/dx.
SQUARE = fn.Elementwise(np.square, lambda x: 2 * x)
FORMULAS = [
    (fn.ReLU(), lambda x: max(x, 0), lambda x: int(x > 0)),
    (fn.LeakyReLU(0.125), lambda x: max(x, x / 8), lambda x: 1 if x > 0 else 1 / 8),
    (fn.ELU(), oracles.elu, oracles.elu_derivative),
    (fn.ELU(2.0), lambda x: oracles.elu(x, 2), lambda x: oracles.elu_derivative(x, 2)),
    (fn.GELU(), oracles.gelu, oracles.gelu_derivative),
    (fn.SiLU(), oracles.silu, oracles.silu_derivative),
    (fn.Sigmoid(), oracles.sigmoid, oracles.sigmoid_derivative),
    (fn.Tanh(), oracles.tanh, oracles.tanh_derivative),
    (fn.Softplus(), oracles.softplus, oracles.sigmoid),
    (SQUARE, lambda x: x * x, lambda x: 2 * x),
    (fn.Identity(), lambda x: x, lambda x: 1),
    (fn.Dropout(0.3), lambda x: x, lambda x: 1),
]
ELEMENTWISE = [layer for layer, _, _ in FORMULAS]
NORMALIZING = [(fn.Softmax(), oracles.softmax), (fn.LogSoftmax(), oracles.log_softmax)]

# (layer, input shape)
LAYERS = [
    *((layer, shape) for layer in [*ELEMENTWISE, DROPPING] for shape in [(3,), ()]),
    *((layer, shape) for layer, _ in NORMALIZING for shape in [(4,), (1,), (2, 3), (0,)]),
    (fn.Linear(4, bias_init=BIAS), (3,)),
    (fn.Linear(4, bias=False), (3,)),
    (fn.Linear(2, bias_init=BIAS), (2, 3)),
    (fn.Linear(4, bias_init=BIAS), (0,)),
    (fn.Linear(0), (3,)),
    (fn.Flatten(), (2, 3)),
    (fn.Flatten(), ()),
    (fn.Flatten(), (0, 2)),
]
every_layer = pytest.mark.parametrize(("layer", "shape"), LAYERS, ids=str)
every_bounded_layer = pytest.mark.parametrize(
    ("layer", "shape"), [row for row in LAYERS if not isinstance(row[0], fn.Linear) and row[0] != SQUARE], ids=str
)
every_layer_of_rows = pytest.mark.parametrize(  # what Dropout drops depends on the position in the batch
    ("layer", "shape"), [row for row in LAYERS if row[0] != DROPPING], ids=str
)


def name(value):
    return str(value) if isinstance(value, fn.Layer) else ""


def some_numbers(shape, seed=0):
    """Random numbers of either sign from 0.25 to 2: away from the kinks at 0."""
    draw = np.random.default_rng(seed)
    return np.asarray(draw.uniform(0.25, 2, shape) * draw.choice([-1, 1], shape))


def some_pass(layer, shape, batch=(), dtype=np.float64):
    """params, x, and a dy of the shape of y."""
    params = layer.init(fn.Key(0), shape, dtype)
    dy = some_numbers(batch + layer.output_shape(shape), seed=1)
    return params, some_numbers(batch + shape).astype(dtype), dy.astype(dtype)


def same_bits(results, others):
    return all(tree.equal(a, b) for a, b in zip(results, others, strict=True))


def assert_close(results, others, rtol=1e-13):
    for a, b in zip(tree.leaves(results), tree.leaves(others), strict=True):
        assert a.shape == b.shape
        assert_allclose(a, b, rtol=rtol, atol=rtol)


def kept_by(layer, shape, dtype=np.float64):
    return layer.apply((), np.ones(shape, dtype)) != 0
