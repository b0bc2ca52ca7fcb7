"""Layers against the formulas of textbooks."""

from fractions import Fraction

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import funcnet as fn
from tests.layers.cases import some_numbers, some_pass
from tests.layers.row import every_row
from tests.layers.table import ROWS
from tests.oracles import ROUNDING, exactly
from tests.passes import every_batch, passes


@every_row([row for row in ROWS if row.of_number])
def test_y_and_dx_are_the_textbooks(row):
    f, derivative = row.of_number
    x = np.concatenate([some_numbers(5), [-10.0, -3.5, -0.01, 1e-5, 0.7, 6.0, 12.0]])
    y, dx, grads = passes(row.layer, (), x, np.full(x.shape, 2.0))
    assert_allclose(y, [exactly(f, number) for number in x], rtol=1e-14)
    assert_allclose(dx, [2 * exactly(derivative, number) for number in x], rtol=1e-14, atol=ROUNDING)
    assert grads == ()


@every_row([row for row in ROWS if row.of_row])
def test_rows_are_normalized_by_the_textbook(row):
    x = some_numbers((3, 4)) * 5
    # LogSoftmax is a difference of numbers of this size: 2e-15 is their rounding, where p is close to 1.
    assert_allclose(row.layer.apply((), x), [exactly(row.of_row, numbers) for numbers in x], rtol=1e-14, atol=2e-15)


@pytest.mark.parametrize("bias", [True, False])
def test_linear_is_exact_on_dyadic_numbers(bias):
    n, m = 3, 4
    sixteenths = np.random.default_rng(0).integers(-64, 64, 100) / 16
    weight, x, dy = sixteenths[: n * m].reshape(n, m), sixteenths[12:27].reshape(5, n), sixteenths[27:47].reshape(5, m)
    b = sixteenths[50:54] if bias else None
    y, dx, grads = passes(fn.Linear(m, bias=bias), fn.LinearParams(weight, b), x, dy)

    def total(terms):
        return float(sum(terms, Fraction(0)))

    exact = np.vectorize(Fraction, otypes=[object])
    w, xs, dys, bs = exact(weight), exact(x), exact(dy), exact(b if bias else np.zeros(m))
    rows, ins, outs = range(5), range(n), range(m)
    assert_array_equal(y, [[total([bs[j], *(xs[i, k] * w[k, j] for k in ins)]) for j in outs] for i in rows])
    assert_array_equal(dx, [[total(dys[i, j] * w[k, j] for j in outs) for k in ins] for i in rows])
    assert_array_equal(grads.weight, [[total(xs[i, k] * dys[i, j] for i in rows) for j in outs] for k in ins])
    if bias:
        assert_array_equal(grads.bias, [total(dys[i, j] for i in rows) for j in outs])
    else:
        assert grads.bias is None


@every_batch
def test_flatten_keeps_the_batch_and_the_order_of_the_features(batch):
    params, x, dy = some_pass(fn.Flatten(), (2, 3), batch)
    y, dx, grads = passes(fn.Flatten(), params, x, dy)
    assert y.shape == (*batch, 6)
    for i, j in np.ndindex(2, 3):
        assert_array_equal(y[..., 3 * i + j], x[..., i, j])
        assert_array_equal(dx[..., i, j], dy[..., 3 * i + j])
    assert grads == params
