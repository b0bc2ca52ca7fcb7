"""Layers against PyTorch's functions of the same name and its automatic differentiation."""

import numpy as np
import pytest

import funcnet as fn
from funcnet import tree
from tests.against_torch import assert_same, precisions, tensor
from tests.layers.row import every_row
from tests.layers.table import ROWS

torch = pytest.importorskip("torch", reason="the other implementation to compare with is not installed")


@precisions
@every_row([row for row in ROWS if row.twin])
def test_y_dx_and_every_leaf_of_grads(row, dtype, rtol, atol):
    draw, layer, shape = np.random.default_rng(0), row.layer, row.shapes[0]
    params = layer.init(fn.Key(0), shape, dtype)
    for batch in [(), (0,), (5,), (2, 3)]:
        x = (3 * draw.standard_normal((*batch, *shape))).astype(dtype)
        y, cache = layer.forward(params, x)
        dy = draw.standard_normal(y.shape).astype(dtype)
        dx, grads = layer.backward(params, cache, dy)
        inputs = [tensor(x), *map(tensor, tree.leaves(params))]
        theirs = row.twin(torch, *inputs)
        derivatives = torch.autograd.grad(theirs, inputs, torch.tensor(dy))
        assert_same([y, dx, *tree.leaves(grads)], [theirs, *derivatives], rtol, atol)
