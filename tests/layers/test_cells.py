"""Cells by themselves, SimpleCell and cells of a user's own, with a state that is a tuple and with layers inside."""

import attrs
import numpy as np
import pytest
from numpy.testing import assert_allclose

import funcnet as fn
from funcnet import tree
from funcnet.testing import check_layer
from tests.against_torch import assert_same, precisions, tensor
from tests.layers.cases import normal, one_pass
from tests.passes import passes

KEY = fn.Key(0)
CELL = fn.SimpleCell(3, bias_init=fn.initializers.normal(1.0))
PARAMS = CELL.init(KEY, ((4,), (3,)), np.float64)


@attrs.frozen
class Halves(fn.Layer):
    """The first n features and the others, so that a cell can be checked as a layer of one array."""

    n: int

    def output_shape(self, input_shape):
        return (self.n,), (input_shape[-1] - self.n,)

    def forward(self, params, x):
        return (x[..., : self.n], x[..., self.n :]), ()

    def backward(self, params, cache, dy):
        return np.concatenate(dy, axis=-1), ()


# --- SimpleCell ---


@pytest.mark.parametrize("activation", [fn.Tanh(), fn.Sigmoid(), fn.ReLU()], ids=repr)
def test_a_simple_cell_obeys_every_law(activation):
    cell = fn.SimpleCell(3, activation)
    check_layer(fn.sequential(Halves(4), cell, fn.Concatenate()), (7,), examples=20)


def test_a_simple_cell_is_its_formula():
    x, h, dy, dh = (normal((5, n), seed) for seed, n in enumerate((4, 3, 3, 3)))
    (y, state), (dx, d_state), grads = passes(CELL, PARAMS, (x, h), (dy, dh))
    expected = np.tanh(x @ PARAMS.weight_x + h @ PARAMS.weight_h + PARAMS.bias)
    dz = (dy + dh) * (1 - expected**2)
    assert_allclose(y, expected, rtol=1e-13)
    assert tree.equal(state, y)
    assert_allclose(dx, dz @ PARAMS.weight_x.T, rtol=1e-12, atol=1e-14)
    assert_allclose(d_state, dz @ PARAMS.weight_h.T, rtol=1e-12, atol=1e-14)
    for leaf, of_formula in zip(tree.leaves(grads), (x.T @ dz, h.T @ dz, dz.sum(axis=0)), strict=True):
        assert_allclose(leaf, of_formula, rtol=1e-12, atol=1e-13)


@precisions
def test_a_simple_cell_is_the_rnn_cell_of_pytorch(dtype, rtol, atol):
    torch = pytest.importorskip("torch")
    params = tree.cast(PARAMS, dtype)
    x, h, dy, dh = (normal((5, n), seed).astype(dtype) for seed, n in enumerate((4, 3, 3, 3)))
    (y, _), (dx, d_state), grads = passes(CELL, params, (x, h), (dy, dh))
    inputs = [*map(tensor, (x, h, params.weight_x.T, params.weight_h.T, params.bias))]
    cell, zeros = torch.nn.RNNCell(4, 3, dtype=inputs[0].dtype), torch.zeros(3, dtype=inputs[0].dtype)
    names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    theirs = torch.func.functional_call(cell, dict(zip(names, [*inputs[2:], zeros], strict=True)), tuple(inputs[:2]))
    found = torch.autograd.grad(theirs, inputs, torch.tensor(dy + dh))
    ours = [y, dx, d_state, grads.weight_x.T, grads.weight_h.T, grads.bias]
    assert_same(ours, [theirs, *found], 10 * rtol, 10 * atol)


def test_a_gradient_that_one_output_lacks_counts_as_zeros():
    x = normal((5, 4)), normal((5, 3), 1)
    _, cache = CELL.forward(PARAMS, x)
    dy, zeros = normal((5, 3), 2), np.zeros((5, 3))
    whole = CELL.backward(PARAMS, cache, (dy, zeros))
    for lacking in ((dy, None), (None, dy)):
        assert tree.equal(CELL.backward(PARAMS, cache, lacking), whole)
    assert not any(leaf.any() for leaf in tree.leaves(CELL.backward(PARAMS, cache, (None, None))))


@pytest.mark.parametrize(
    "x",
    [
        normal((5, 4)),
        (normal((5, 4)),),
        (normal((5, 4)), normal((4, 3))),
        (normal((5, 4)), normal((1, 3))),
        (normal((5, 4)), normal((5, 4))),
        (normal((5, 3)), normal((5, 3))),
        (normal((5, 4)), normal(3)),
        (np.array(1.0), np.array(1.0)),
    ],
    ids=lambda x: " ".join(str(np.shape(part)) for part in x) if isinstance(x, tuple) else "one array",
)
def test_an_input_and_a_state_that_do_not_fit_are_a_shape_error(x):
    with pytest.raises(fn.ShapeError):
        CELL.forward(PARAMS, x)


def test_wrong_cells():
    with pytest.raises(fn.ShapeError, match=r"expected a state of shape \(\.\.\., n_out=3\)"):
        CELL.init(KEY, ((4,), (2,)))
    with pytest.raises(fn.ShapeError, match="takes a tuple of 2"):
        CELL.init(KEY, (4,))
    with pytest.raises(ValueError, match="n_out"):
        fn.SimpleCell(-1)
    with pytest.raises(TypeError, match=r"write Tanh\(\)"):
        fn.SimpleCell(3, fn.Tanh)
    with pytest.raises(TypeError, match="activation must be a layer"):
        fn.SimpleCell(3, np.tanh)


# --- Cells of a user's own ---


@attrs.frozen
class Echo(fn.Layer):
    """y_t = x_t + echo * y_(t - 2): its state is the pair of the last two outputs."""

    n_inputs = 2

    def state_shape(self, input_shape):
        return input_shape, input_shape

    def init(self, key, input_shape, dtype=np.float32):
        return np.full(input_shape[0], 0.5, dtype)

    def output_shape(self, input_shape):
        return input_shape

    def forward(self, params, x):
        now, (last, before) = x
        y = now + params * before
        return (y, (y, last)), before

    def backward(self, params, cache, dy):
        d_output, (d_last, d_before) = dy
        dz = d_output + d_last
        return (dz, (d_before, params * dz)), (dz * cache).reshape(-1, len(params)).sum(axis=0)


@pytest.mark.parametrize("reverse", [False, True])
def test_a_state_may_be_a_tuple(reverse):
    layer, x, dy = fn.recurrent(Echo(), reverse), np.zeros((2, 9, 1)), np.zeros((2, 9, 1))
    params = layer.init(KEY, (9, 1), np.float64)
    x[:, 8 if reverse else 0], dy[:, 2] = 1, [[1], [10]]
    y, dx, grads = passes(layer, params, x, dy)
    powers = [1, 0, 0.5, 0, 0.25, 0, 0.125, 0, 0.0625]  # of echoes of the one number that is not 0
    assert y[0, :: -1 if reverse else 1, 0].tolist() == powers
    assert dx[0, :, 0].tolist() == ([0, 0, 1, 0, 0.5, 0, 0.25, 0, 0.125] if reverse else [0.5, 0, 1] + [0] * 6)
    # the derivative of echo**k at the k-th echo: 1 for the first, 3 / 4 for the third
    assert grads == 11 * (3 / 4 if reverse else 1)


def test_a_cell_of_ones_own_obeys_every_law():
    check_layer(fn.recurrent(Echo()), (5, 2), examples=20)


@attrs.frozen
class Around(fn.Layer):
    """A cell with a layer before it, and the layer's params before its own."""

    n_inputs = 2
    first: fn.Layer
    cell: fn.SimpleCell

    def state_shape(self, input_shape):
        return self.cell.state_shape(input_shape)

    def init(self, key, input_shape, dtype=np.float32):
        return self.first.init(key, input_shape[0], dtype), self.cell.init(key, input_shape, dtype)

    def output_shape(self, input_shape):
        return self.cell.output_shape(input_shape)

    def forward(self, params, x):
        z, of_first = self.first.forward(params[0], x[0])
        y, of_cell = self.cell.forward(params[1], (z, x[1]))
        return y, (of_first, of_cell)

    def backward(self, params, cache, dy):
        (dz, d_state), grads = self.cell.backward(params[1], cache[1], dy)
        dx, of_first = self.first.backward(params[0], cache[0], dz)
        return (dx, d_state), (of_first, grads)


@attrs.frozen
class AroundStatistics(Around):
    def track(self, params, cache):
        return self.first.track(params[0], cache[0]), self.cell.track(params[1], cache[1])


def test_dropout_in_a_cell_drops_the_same_at_each_step_of_a_pass():
    """As Y. Gal, Z. Ghahramani: A theoretically grounded application of dropout in recurrent networks. NIPS 2016."""
    model, plain = fn.recurrent(Around(fn.Dropout(0.5), CELL)), fn.recurrent(CELL)
    params, x, y, _, dy = one_pass(model, (6, 4))
    assert tree.equal(y, plain.apply(params[1], x))
    masks = []
    for key in (KEY, fn.Key(1)):
        trained = model.training(key)
        assert trained == model.training(key) != model
        mask = trained.cell.first.apply((), np.ones((5, 4)))
        y, dx, grads = passes(trained, params, x, dy)
        theirs = passes(plain, params[1], x * mask[:, None], dy)
        expected = theirs[0], theirs[1] * mask[:, None], theirs[2]
        assert tree.allclose((y, dx, grads[1]), expected, rtol=0, atol=0)  # dropout has no -0.0
        masks.append(mask)
    assert not tree.equal(*masks)


@pytest.mark.parametrize("reverse", [False, True])
def test_statistics_in_a_cell_are_tracked_step_by_step(reverse):
    norm = fn.BatchNorm(0.25)
    model = fn.sequential(fn.recurrent(AroundStatistics(norm, CELL), reverse), fn.Linear(2))
    params, x, _, _, _ = one_pass(model, (6, 4))
    trained = model.training(KEY)
    got = trained.track(params, trained.forward(params, x)[1])
    expected = params[0][0]
    for t in range(6)[:: -1 if reverse else 1]:
        expected = norm.training(KEY).track(expected, norm.training(KEY).forward(expected, x[:, t])[1])
    assert got == ((expected, params[0][1]), params[1])
    assert got != params


def test_a_cell_that_loses_its_statistics_is_told_so():
    with pytest.raises(TypeError, match=r"Around must define track\(params, cache\)"):
        fn.recurrent(Around(fn.BatchNorm(), CELL)).training(KEY)
