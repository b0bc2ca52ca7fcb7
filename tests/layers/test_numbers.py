"""What every layer does with other layouts and dtypes, and with the largest numbers and NaN."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from funcnet import tree
from tests.layers.cases import DROPPING, assert_close, every_bounded_layer, every_layer, kept_by, some_pass
from tests.passes import every_dtype, passes

# --- Layouts and dtypes ---


def every_second(array):
    wide = np.full((*array.shape, 2), np.nan)
    wide[..., 0] = array
    return wide[..., 0]


LAYOUTS = {
    "Fortran": np.asfortranarray,
    "strided": every_second,
    "negative strides": lambda array: np.flip(np.flip(array).copy()),
    "read-only": lambda array: np.frombuffer(array.tobytes()).reshape(array.shape),
    "big-endian": lambda array: array.astype(">f8"),
}


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
@every_layer
def test_layout_does_not_matter(layer, shape, layout):
    params, x, dy = some_pass(layer, shape, (2, 3))
    laid_out = layout(x), layout(dy)
    assert_array_equal(laid_out[0], x)
    assert_close(passes(layer, params, *laid_out), passes(layer, params, x, dy))


@pytest.mark.parametrize("batch", [(), (5,)], ids=str)
@pytest.mark.parametrize("dtype", [np.float16, np.float32])
@every_layer
def test_dtype_is_kept(layer, shape, dtype, batch):
    params, x, dy = some_pass(layer, shape, batch, dtype)
    y, dx, grads = passes(layer, params, x, dy)
    assert isinstance(y, np.ndarray)
    assert isinstance(dx, np.ndarray)
    assert {leaf.dtype for leaf in tree.leaves((y, dx, grads))} == {np.dtype(dtype)}


@pytest.mark.parametrize(("dtype", "rtol"), [(np.float16, 1e-2), (np.float32, 1e-5)])
@every_layer
def test_lower_precision_agrees_to_rounding(layer, shape, dtype, rtol):
    params, x, dy = some_pass(layer, shape, (5,), dtype)
    exact = passes(layer, tree.cast(params, np.float64), x.astype(np.float64), dy.astype(np.float64))
    assert_close(passes(layer, params, x, dy), tree.cast(exact, dtype), rtol)


@pytest.mark.parametrize(
    ("dtype", "dtype_of_dy"), [(np.float32, np.float64), (np.float64, np.float32), (np.float16, np.float32)]
)
@every_layer
def test_dx_has_the_dtype_of_dy_and_grads_that_of_params(layer, shape, dtype, dtype_of_dy):
    params, x, dy = some_pass(layer, shape, (5,), dtype)
    y, dx, grads = passes(layer, params, x, dy.astype(dtype_of_dy))
    assert y.dtype == dtype
    assert dx.dtype == dtype_of_dy
    assert [leaf.dtype for leaf in tree.leaves(grads)] == [leaf.dtype for leaf in tree.leaves(params)]


# --- Finite, infinite, NaN ---


@every_dtype
@every_bounded_layer
def test_finite_in_finite_out(layer, shape, dtype):
    params, x, dy = some_pass(layer, shape, (5,), dtype)
    largest = float(np.finfo(dtype).max)
    for magnitude in (1e3, min(1e5, largest / 8), largest / 8):
        results = passes(layer, params, x * dtype(magnitude), dy)
        assert all(np.isfinite(leaf).all() for leaf in tree.leaves(results))


@every_layer
def test_nan_stays_in_its_row_and_is_not_swallowed(layer, shape):
    params, x, dy = some_pass(layer, shape, (5,))
    others = [0, 1, 3, 4]
    y, dx, _ = passes(layer, params, x, dy)
    x[2] = np.nan
    spoilt_y, cache = layer.forward(params, x)
    dy[2] = np.nan
    spoilt_dx, grads = layer.backward(params, cache, dy)
    assert_array_equal(spoilt_y[others], y[others])
    assert_array_equal(spoilt_dx[others], dx[others])
    kept = kept_by(layer, x.shape)[2] if layer == DROPPING else ...
    if x.size and y.size:
        assert np.isnan(spoilt_y[2][kept]).all()
        assert np.isnan(spoilt_dx[2][kept]).all()
        assert all(np.isnan(leaf).all() for leaf in tree.leaves(grads))
