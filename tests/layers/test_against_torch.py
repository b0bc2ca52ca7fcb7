"""Layers against PyTorch's functions of the same name and its automatic differentiation."""

import numpy as np
import pytest

import funcnet as fn
from funcnet import tree
from funcnet.tree import is_integer, map_flow
from tests.against_torch import assert_same, precisions, tensor
from tests.layers.row import every_row
from tests.layers.table import ALL

torch = pytest.importorskip("torch", reason="the other implementation to compare with is not installed")


@precisions
@every_row([row for row in ALL if row.twin])
def test_y_dx_and_every_leaf_of_grads(row, dtype, rtol, atol):
    draw, layer, shape = np.random.default_rng(0), row.layer, row.shapes[0]
    params = layer.init(fn.Key(0), shape, dtype)
    for batch in row.batches:
        x = row.x(batch, shape, dtype, scale=3.0)
        y, cache = layer.forward(params, x)
        dy = map_flow(lambda part: draw.standard_normal(part.shape).astype(dtype), y)
        dx, grads = layer.backward(params, cache, dy)
        leaves = [torch.tensor(leaf) if is_integer(leaf) else tensor(leaf) for leaf in tree.leaves((x, params))]
        theirs = row.twin(torch, *leaves)
        theirs = theirs if isinstance(theirs, tuple) else (theirs,)
        weights = [torch.tensor(leaf) for leaf in tree.leaves(dy)]
        inputs = [leaf for leaf in leaves if leaf.requires_grad]
        # What y does not depend on has zeros.
        derivatives = torch.autograd.grad(theirs, inputs, weights, allow_unused=True, materialize_grads=True)
        assert_same(tree.leaves((y, dx, grads)), [*theirs, *derivatives], rtol, atol)
