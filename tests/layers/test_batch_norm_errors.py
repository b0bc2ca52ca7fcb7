"""What BatchNorm refuses: options, inputs, params and caches that are not its own."""

import numpy as np
import pytest

import funcnet as fn
from funcnet import tree
from tests.layers.cases import normal
from tests.layers.test_batch_norm import KEY, TRAINING, params_of


@pytest.mark.parametrize("momentum", [-0.1, 1.1, np.nan, np.inf])
def test_momentum_must_be_from_0_to_1(momentum):
    with pytest.raises(ValueError, match="'momentum' must be"):
        fn.BatchNorm(momentum)


@pytest.mark.parametrize("x", [np.ones((2, 3)), np.ones((2, 1)), np.array(1.0), (np.ones((2, 4)), np.ones((2, 4)))])
def test_x_of_another_shape_is_a_shape_error(x):
    with pytest.raises(fn.ShapeError, match=r"n=4\), got|takes one array, got a tuple"):
        TRAINING.forward(params_of(), x)


FOUR, ONE = tree.Buffer(np.ones(4)), tree.Buffer(np.ones(1))


@pytest.mark.parametrize(
    ("layer", "params"),
    [
        (TRAINING, ()),
        (TRAINING, fn.NormParams(np.ones(4), np.ones(4))),
        (TRAINING, fn.BatchNormParams(None, None, FOUR, FOUR)),
        (fn.BatchNorm(affine=False), params_of()),
        (fn.BatchNorm(), fn.BatchNormParams(np.ones(4), np.ones(4), FOUR, ONE)),
        (fn.BatchNorm(), fn.BatchNormParams(np.ones(1), np.ones(4), FOUR, FOUR)),
        (fn.BatchNorm(), fn.BatchNormParams(np.ones(4), np.ones(4), np.ones(4), np.ones(4))),
    ],
)
def test_params_that_init_does_not_make_are_a_tree_error(layer, params):
    _, cache = layer.forward(layer.init(KEY, (4,), float), normal((5, 4)))
    for use in (lambda: layer.forward(params, normal((5, 4))), lambda: layer.backward(params, cache, normal((5, 4)))):
        with pytest.raises(fn.TreeError, match=r"expected BatchNormParams with weight .* and running_var\.value"):
            use()


def test_a_cache_of_inference_is_none_of_training():
    _, cache = fn.BatchNorm().forward(params_of(), normal((5, 4)))
    for use in (lambda: TRAINING.track(params_of(), cache), lambda: TRAINING.backward(params_of(), cache, cache)):
        with pytest.raises(fn.CacheError):
            use()
