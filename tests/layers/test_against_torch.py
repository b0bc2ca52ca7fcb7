"""Layers against PyTorch's functions of the same name and its automatic differentiation."""

import numpy as np
import pytest

import funcnet as fn
from funcnet import tree
from funcnet.testing.cases.case import map_shapes
from funcnet.tree import map_flow
from tests.against_torch import assert_same, precisions, tensor
from tests.layers.cases import batched
from tests.layers.row import every_row
from tests.layers.table import ROWS

torch = pytest.importorskip("torch", reason="the other implementation to compare with is not installed")


@precisions
@every_row([row for row in ROWS if row.twin])
def test_y_dx_and_every_leaf_of_grads(row, dtype, rtol, atol):
    draw, layer, shape = np.random.default_rng(0), row.layer, row.shapes[0]
    params = layer.init(fn.Key(0), shape, dtype)
    for batch in [(), (0,), (5,), (2, 3)]:
        x = map_shapes(lambda each: (3 * draw.standard_normal(each)).astype(dtype), batched(batch, shape))
        y, cache = layer.forward(params, x)
        dy = map_flow(lambda part: draw.standard_normal(part.shape).astype(dtype), y)
        inputs = [tensor(leaf) for leaf in tree.leaves((x, params))]
        theirs = row.twin(torch, *inputs)
        theirs = theirs if isinstance(theirs, tuple) else (theirs,)
        weights = [torch.tensor(leaf) for leaf in tree.leaves(dy)]
        # What y does not depend on has zeros.
        derivatives = torch.autograd.grad(theirs, inputs, weights, allow_unused=True, materialize_grads=True)
        assert_same(tree.leaves((y, *layer.backward(params, cache, dy))), [*theirs, *derivatives], rtol, atol)
