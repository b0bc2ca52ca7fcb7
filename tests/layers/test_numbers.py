"""What every layer does with other layouts and dtypes, and with the largest numbers and NaN."""

import numpy as np
from numpy.testing import assert_array_equal

import funcnet as fn
from funcnet import tree
from funcnet.testing.cases.case import over_batch
from funcnet.tree import map_flow, shape_of
from tests.layers.cases import as_type, assert_close, kept_by, some_pass
from tests.layers.row import every
from tests.layers.table import LAYERS, ROWS, every_layer
from tests.passes import FLOATS, passes

# --- Layouts and dtypes that no law asks of ---


@every_layer
def test_another_byte_order_is_accepted(layer, shape):
    params, x, dy = some_pass(layer, shape, (2, 3))
    assert_close(passes(layer, params, as_type(x, ">f8"), as_type(dy, ">f8")), passes(layer, params, x, dy))


@every_layer
def test_float16_is_kept_and_agrees_to_rounding(layer, shape):
    for batch in [(2,)] if over_batch(layer) else [(), (5,)]:
        params, x, dy = some_pass(layer, shape, batch, np.float16)
        results = passes(layer, params, x, dy)
        assert all(isinstance(array, np.ndarray) for array in tree.leaves(results[:2]))
        assert {leaf.dtype for leaf in tree.leaves(results)} == {np.dtype(np.float16)}
        exact = passes(layer, tree.cast(params, np.float64), as_type(x, np.float64), as_type(dy, np.float64))
        assert_close(results, tree.cast(exact, np.float16), 1e-2)


@every_layer
def test_an_empty_axis_may_be_the_last_of_a_batch(layer, shape):
    params, x, dy = some_pass(layer, shape, (2, 0))
    y, dx, grads = passes(layer, params, x, dy)
    assert (shape_of(y), shape_of(dx)) == (shape_of(dy), shape_of(x))
    assert tree.equal(grads, tree.zeros_like(params))


@every_layer
def test_grads_share_no_memory_with_x_or_y(layer, shape):
    params, x, dy = some_pass(layer, shape, (5,))
    y, dx, grads = passes(layer, params, x, dy)
    assert not any(np.shares_memory(leaf, other) for leaf in tree.leaves(grads) for other in tree.leaves((x, y, dx)))


@every_layer
def test_dx_has_the_dtype_of_dy_and_grads_that_of_params(layer, shape):
    for dtype, of_dy in [(np.float32, np.float64), (np.float64, np.float32), (np.float16, np.float32)]:
        params, x, dy = some_pass(layer, shape, (5,), dtype)
        y, dx, grads = passes(layer, params, x, as_type(dy, of_dy))
        assert {leaf.dtype for leaf in tree.leaves(y)} == {np.dtype(dtype)}
        assert {leaf.dtype for leaf in tree.leaves(dx)} == {np.dtype(of_dy)}
        assert [leaf.dtype for leaf in tree.leaves(grads)] == [leaf.dtype for leaf in tree.leaves(params)]


# --- Finite, infinite, NaN ---


@every([row for row in ROWS if row.is_bounded and not tree.leaves(row.layer.init(fn.Key(0), row.shapes[0]))])
def test_finite_in_finite_out(layer, shape):
    for dtype in FLOATS:
        params, x, dy = some_pass(layer, shape, (5,), dtype)
        largest = float(np.finfo(dtype).max)
        for magnitude in (1e3, min(1e5, largest / 8), largest / 8):
            large = map_flow(lambda part, size=magnitude, kind=dtype: part * kind(size), x)
            results = passes(layer, params, large, dy)
            assert all(np.isfinite(leaf).all() for leaf in tree.leaves(results))


@every([row for row in ROWS if not over_batch(row.layer) and (not row.is_training_form or row in LAYERS)])
def test_nan_stays_in_its_row_and_is_not_swallowed(layer, shape):
    params, x, dy = some_pass(layer, shape, (5,))
    others = [0, 1, 3, 4]
    results = passes(layer, params, x, dy)[:2]
    for array in tree.leaves((x, dy)):
        array[2] = np.nan
    *spoilt, grads = passes(layer, params, x, dy)
    kept = kept_by(layer, x.shape)[2] if isinstance(layer, fn.Dropout) else ...
    for array, before in zip(tree.leaves(tuple(spoilt)), tree.leaves(results), strict=True):
        assert_array_equal(array[others], before[others])
    if all(array.size for array in tree.leaves((x, dy))):
        passed = [array for array in tree.leaves(tuple(spoilt)) if array[others].any()]  # Select has zeros
        assert all(np.isnan(array[2][kept]).all() for array in passed)
        assert all(np.isnan(leaf).all() for leaf in tree.leaves(grads))
