"""What the tests of layers, combinators, losses and optimizers share: dtypes, batches and passes."""

import attrs
import numpy as np
import pytest

import funcnet as fn

FLOATS = [np.float16, np.float32, np.float64]
BATCHES = [(), (1,), (0,), (5,), (2, 3)]
every_dtype = pytest.mark.parametrize("dtype", FLOATS)
needs_numpy_2 = pytest.mark.skipif(
    np.lib.NumpyVersion(np.__version__) < "2.0.0",
    reason="NumPy 1 makes float64 of a float32 array without axes times a Python float, and the law of dtypes says so",
)
every_batch = pytest.mark.parametrize("batch", BATCHES)


def passes(layer, params, x, dy):
    """y, dx and grads of one forward and one backward pass."""
    y, cache = layer.forward(params, x)
    return y, *layer.backward(params, cache, dy)


def value_and_dy(loss, y, target):
    value, cache = loss.forward(np.asarray(y), np.asarray(target))
    return value, loss.backward(cache)


def overwrite(array):
    """Write into the array, unless it is read-only."""
    if array.flags.writeable:
        array.fill(np.nan)


def dropout_keys(model):
    """The keys of all Dropouts inside."""
    if isinstance(model, fn.Dropout):
        return [model.key]
    inside = attrs.astuple(model, recurse=False) if isinstance(model, fn.Layer) else model
    return [key for part in inside if isinstance(part, fn.Layer | tuple) for key in dropout_keys(part)]
