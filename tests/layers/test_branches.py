"""add, concatenate and residual against their formulas, and the shapes of all outputs."""

import numpy as np
import pytest

import funcnet as fn
from funcnet import tree
from tests.layers.cases import normal, one_pass
from tests.passes import passes

BRANCHES = fn.Linear(3), fn.Tanh(), fn.Linear(3, bias=False)


def of_each_branch(params, x, dys):
    """For each branch y, dx and grads."""
    rows = zip(BRANCHES, params, dys, strict=True)
    return zip(*(passes(layer, p, x, dy) for layer, p, dy in rows), strict=True)


def test_add_is_the_sum_of_its_layers():
    params, x, _, _, dy = one_pass(fn.add(*BRANCHES), (3,))
    ys, dxs, grads = of_each_branch(params, x, [dy] * 3)
    expected = ys[0] + ys[1] + ys[2], dxs[0] + dxs[1] + dxs[2], grads
    assert tree.equal(passes(fn.add(*BRANCHES), params, x, dy), expected)


def test_concatenate_is_its_layers_side_by_side():
    params, x, _, _, dy = one_pass(fn.concatenate(*BRANCHES), (3,))
    ys, dxs, grads = of_each_branch(params, x, [dy[..., 0:3], dy[..., 3:6], dy[..., 6:9]])
    expected = np.concatenate(ys, axis=-1), dxs[0] + dxs[1] + dxs[2], grads
    assert tree.equal(passes(fn.concatenate(*BRANCHES), params, x, dy), expected)


def test_residual_is_x_plus_the_layer():
    layer = fn.Linear(3)
    params, x, _, _, dy = one_pass(fn.residual(layer), (3,))
    y, dx, grads = passes(layer, params[1], x, dy)
    assert tree.equal(passes(fn.residual(layer), params, x, dy), (x + y, dy + dx, ((), grads)))


def test_the_sum_of_a_layer_with_itself_is_twice_the_layer():
    x, dy = normal((5, 3)), normal((5, 3), 1)
    y, dx, _ = passes(fn.ReLU(), (), x, dy)
    assert tree.equal(passes(fn.add(fn.ReLU(), fn.ReLU()), ((), ()), x, dy), (2 * y, 2 * dx, ((), ())))


@pytest.mark.parametrize(
    ("model", "shape", "expected"),
    [
        (fn.sequential(fn.Linear(5), fn.ReLU(), fn.Linear(2)), (3,), (2,)),
        (fn.sequential(), (4, 3), (4, 3)),
        (fn.add(fn.Linear(5), fn.Linear(5)), (2, 3), (2, 5)),
        (fn.concatenate(fn.Linear(5), fn.Identity(), fn.Linear(2)), (4, 3), (4, 5 + 3 + 2)),
        (fn.residual(fn.Linear(3)), (3,), (3,)),
    ],
)
def test_output_shape(model, shape, expected):
    assert model.output_shape(shape) == expected


def test_the_sum_and_the_join_of_many_branches():
    x = np.array([[1.0, 2.0]])
    many = [fn.LeakyReLU(slope) for slope in np.linspace(0, 1, 20).tolist()]
    nothing = ((),) * 20
    assert np.array_equal(fn.add(*many).apply(nothing, x), 20 * x)
    assert np.array_equal(fn.concatenate(*many).apply(nothing, x), np.tile(x, 20))


@pytest.mark.parametrize(
    ("model", "params"), [(fn.add(fn.ReLU(), fn.ReLU()), ((), ())), (fn.residual(fn.ReLU()), ((), ()))]
)
def test_a_single_number_goes_through(model, params):
    y, dx, _ = passes(model, params, np.array(1.5), np.array(2.0))
    assert (float(y), float(dx)) == (3.0, 4.0)
    assert isinstance(y, np.ndarray)
    assert isinstance(dx, np.ndarray)
