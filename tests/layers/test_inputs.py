"""What combinators give the layers inside: arrays that cannot be written to, and numbers in the params' dtype."""

import attrs
import numpy as np
import pytest

import funcnet as fn
from funcnet import tree
from funcnet.layers.branching import Zipped
from funcnet.testing.cases.case import map_shapes
from funcnet.tree import map_flow, shape_of
from tests.passes import passes

AROUND = {
    "sequential": lambda layer: fn.sequential(layer),
    "last": lambda layer: fn.sequential(fn.Identity(), layer),
    "add": lambda layer: fn.add(layer, fn.Identity()),
    "branches": lambda layer: fn.branches(layer),
    "parallel": lambda layer: fn.parallel(layer),
}
around = pytest.mark.parametrize("around", AROUND.values(), ids=AROUND)


@attrs.frozen
class Writes(fn.Layer):
    """The identity, which writes where it is told to."""

    where: str

    def forward(self, params, x):
        if self.where == "x":
            x += 1
        return x.copy(), None

    def backward(self, params, cache, dy):
        dy *= 1
        return dy, ()


@attrs.frozen
class Scaled(fn.Layer):
    """y = sin(x) * scale, which notes the dtype of x."""

    seen: list = attrs.field(factory=list, eq=False)

    def init(self, key, input_shape, dtype=np.float32):
        return np.full((), 0.5, dtype)

    def forward(self, scale, x):
        self.seen.append(x.dtype)
        return np.sin(x) * scale, x

    def backward(self, scale, x, dy):
        return dy * np.cos(x) * scale, np.sum(dy * np.sin(x))


def passed(model, number):
    """An x or a dy of this number, in a tuple where the model is `parallel`."""
    x = np.full((1, 3), number)
    return (x,) if isinstance(model, Zipped) else x


@around
def test_no_layer_inside_can_write_into_x_or_dy(around):
    for where in ("x", "dy"):
        model = around(Writes(where))
        x = passed(model, 1.0)
        params = model.init(fn.Key(0), map_flow(lambda part: part.shape[1:], x))
        with pytest.raises(ValueError, match="read-only"):
            passes(model, params, x, map_shapes(np.ones, shape_of(model.apply(params, x)) if where == "dy" else (1, 3)))
        assert tree.equal(x, passed(model, 1.0))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@around
def test_integers_become_numbers_of_the_dtype_of_the_params_in_all_passes(around, dtype):
    layer = Scaled()
    model = around(layer)
    x = passed(model, np.uint8(200))
    params = model.init(fn.Key(0), map_flow(lambda part: part.shape[1:], x), dtype)
    y, cache = model.forward(params, x)
    model.apply(params, x)
    assert layer.seen == [np.dtype(dtype)] * 2
    dx, grads = model.backward(params, cache, y)
    assert dx == map_flow(lambda part: None, x)
    assert len(tree.leaves(grads)) == 1
    assert tree.equal(model.params_backward(params, cache, y), grads)


@pytest.mark.parametrize(
    ("x", "words"),
    [
        ([np.ones((2, 3)), np.ones((2, 4))], "expected one array: .*; write several inputs as a tuple of arrays"),
        ([np.ones((2, 3)), np.ones((2, 3))], r"takes a tuple of 2, got one array of shape \(2, 2, 3\)"),
    ],
)
def test_a_list_is_not_several_inputs(x, words):
    with pytest.raises(fn.ShapeError, match=words):
        fn.parallel(fn.ReLU(), fn.ReLU()).forward(((), ()), x)


@pytest.mark.parametrize("layer", [fn.Sum(), fn.Multiply(), fn.Concatenate()])
def test_a_layer_that_merges_says_that_a_list_is_not_a_tuple(layer):
    with pytest.raises(fn.ShapeError, match=r"takes a tuple of arrays, got one array of shape \(2, 3\)"):
        layer.forward((), [np.ones(3), np.ones(3)])


@pytest.mark.parametrize("layer", [fn.Identity(), fn.sequential(), fn.Select(0)])
def test_none_is_not_an_input(layer):
    with pytest.raises(fn.DTypeError, match="in each place of a tuple, got None"):
        layer.forward((), (np.ones(3), None))
