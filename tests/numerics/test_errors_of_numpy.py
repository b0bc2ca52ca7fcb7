"""Under `np.seterr(all="raise")` ordinary numbers raise nothing: what underflows is as good as 0."""

from itertools import product

import numpy as np
import pytest

import funcnet as fn
from funcnet import tree
from funcnet.tree import map_flow
from tests.layers.row import every_row
from tests.layers.table import ROWS
from tests.losses.cases import CASES
from tests.optimizers.cases import every_optimizer

SIZES = [1e-3, 1.0, 30.0, 100.0, 1e3, 1e4]
dtypes = pytest.mark.parametrize("dtype", [np.float32, np.float64])


@dtypes
@every_row(ROWS)
def test_layers(row, dtype):
    layer, shape = row.layer, row.shapes[0]
    params, x = layer.init(fn.Key(0), shape, dtype), row.x((6,), shape)
    for size in SIZES if row.n_ids is None else [1.0]:
        sized = x if row.n_ids is not None else map_flow(lambda part: (part * size).astype(dtype), x)  # noqa: B023
        with np.errstate(all="raise"):
            layer.apply(params, sized)
            y, cache = layer.forward(params, sized)
            layer.backward(params, cache, map_flow(np.ones_like, y))
            layer.backward(params, cache, y)


@dtypes
@pytest.mark.parametrize("case", CASES, ids=str)
def test_losses(case, dtype):
    y, target = case.arguments((6,), dtype)
    for loss, size in product(map(case.loss, ("mean", "sum")), SIZES):
        sized = y if case.loss is fn.BinaryCrossEntropy else (y * size).astype(dtype)
        with np.errstate(all="raise"):
            _, cache = loss.forward(sized, target)
            loss.backward(cache)


@dtypes
def test_probabilities_at_their_ends(dtype):
    y = np.array([0.0, 1.0, 1e-30, 1 - 2.0**-20, 0.5], dtype)
    for target in (np.zeros(5), np.ones(5), np.full(5, 0.5)):
        with np.errstate(all="raise"):
            _, cache = fn.BinaryCrossEntropy().forward(y, target)
            fn.BinaryCrossEntropy().backward(cache)


SATURATING = [fn.Sigmoid(), fn.Softmax(), fn.LogSoftmax(), fn.Softplus(), fn.Tanh(), fn.ELU(), fn.SiLU(), fn.GELU()]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("layer", SATURATING)
def test_every_place_between_the_ends(layer, size):
    x = np.linspace(-size, size, 1001).reshape(77, 13).astype(np.float32)
    with np.errstate(all="raise"):
        y, cache = layer.forward((), x)
        layer.backward((), cache, np.full_like(y, 1e-3))


@dtypes
@pytest.mark.parametrize("loss", [fn.SoftmaxCrossEntropy(), fn.MeanSquaredError()])
def test_a_step_of_training(loss, dtype):
    model = fn.sequential(
        fn.Linear(8), fn.Sigmoid(), fn.LayerNorm(), fn.Linear(3), fn.Tanh(), fn.Dropout(0.5), fn.Linear(3)
    )
    x, labels = np.linspace(-1e3, 1e3, 20).reshape(5, 4).astype(dtype), np.array([0, 1, 2, 0, 1])
    target = labels if isinstance(loss, fn.SoftmaxCrossEntropy) else 1e-20 * np.eye(3)[labels]
    params = model.init(fn.Key(0), (4,), dtype)
    with np.errstate(all="raise"):
        for step in range(3):
            _, grads = fn.value_and_grad(model.training(fn.Key(step)), loss, params, x, target, fn.L2(1e-4))
            params = fn.sgd_step(params, grads, 1e-3)
            params = fn.sgd_step(params, fn.tree.map(lambda g: np.full_like(g, 1e-30), grads), 1e-9)


def test_other_errors_of_numpy_are_raised_as_ever():
    with np.errstate(all="raise"), pytest.raises(FloatingPointError, match="overflow"):
        fn.MeanSquaredError().forward(np.array([1e300]), np.array([-1e300]))


def test_bits_are_those_of_numpy_as_it_comes():
    x = np.linspace(-200, 200, 100).reshape(10, 10).astype(np.float32)
    for layer in SATURATING:
        y, cache = layer.forward((), x)
        with np.errstate(all="raise"):
            other, other_cache = layer.forward((), x)
            np.testing.assert_array_equal(layer.backward((), other_cache, x)[0], layer.backward((), cache, x)[0])
        np.testing.assert_array_equal(other, y)


TINY = [1e-3, 1e-12, 1e-25, 1e-38]


@dtypes
@pytest.mark.parametrize("size", TINY)
@every_optimizer
def test_optimizers(optimizer, size, dtype):
    params = (np.array([1.0, size, 0.0], dtype),)
    state = optimizer.init(params)
    with np.errstate(all="raise"):
        for g in (size, -size, 0.0):
            params, state = optimizer.update(params, (np.array([g, 1.0, g], dtype),), state)


@pytest.mark.parametrize(
    "function",
    [
        tree.norm,
        lambda grads: fn.clip_by_global_norm(grads, 1e-3),
        lambda grads: tree.cast(grads, np.float16),
        lambda grads: tree.ravel(tree.cast(grads, np.float32))[1](np.array([1e-300, 1.0, 1e-42])),
    ],
    ids=["norm", "clip", "cast", "unravel"],
)
def test_trees_whose_numbers_are_of_different_sizes(function):
    grads = (np.array([1e-300, 1.0, 1e-42]),)
    expected = function(grads)
    with np.errstate(all="raise"):
        assert tree.equal(function(grads), expected)


def test_micro_batches_of_tiny_gradients():
    x, target = np.array([[1e-38], [1.0], [2.0]], np.float32), np.zeros((3, 1), np.float32)
    arguments = fn.Linear(1), fn.MeanSquaredError(), fn.LinearParams(np.float32([[1e-3]]), np.zeros(1, np.float32))
    expected = fn.accumulated(3)(*arguments, x, target)
    with np.errstate(all="raise"):
        assert tree.equal(fn.accumulated(3)(*arguments, x, target), expected)


def test_data_that_are_standardized():
    x = np.array([[0.0, 1e-170], [1e-60, 3e-170], [1.0, 2e-170]])
    layer = fn.data.Standardize.fit(x)
    params, dy = layer.init(fn.Key(0), (2,)), np.full((3, 2), 1e-38, np.float32)
    with np.errstate(all="raise"):
        assert fn.data.Standardize.fit(x) == layer
        _, cache = layer.forward(params, x)
        layer.backward(params, cache, dy)
