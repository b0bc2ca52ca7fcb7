"""recurrent(SimpleCell) against PyTorch's RNN and against the loop by hand; through 1,000 steps; what is refused."""

import inspect
import sys
import tracemalloc

import attrs
import numpy as np
import pytest
from numpy.testing import assert_allclose

import funcnet as fn
from funcnet import tree
from funcnet.values import from_json, to_json
from tests.against_torch import assert_same, tensor
from tests.layers.cases import normal, one_pass
from tests.passes import passes

KEY = fn.Key(0)
BIAS = fn.initializers.normal(1.0)
TANH, RELU = fn.SimpleCell(3, bias_init=BIAS), fn.SimpleCell(3, fn.ReLU(), bias_init=BIAS)
FORMS = [(reverse, last_only) for reverse in (False, True) for last_only in (False, True)]
every_form = pytest.mark.parametrize(("reverse", "last_only"), FORMS)
every_batch = pytest.mark.parametrize("batch", [(), (5,), (2, 3)])


def by_hand(cell, params, x, dy, reverse=False):
    """y, dx and grads of a loop over the steps of x (..., t, n), each a pass of the cell."""
    times = [*range(x.shape[-2])][:: -1 if reverse else 1]
    state, y, dx, caches = np.zeros((*x.shape[:-2], cell.n_out)), np.zeros_like(dy), np.zeros_like(x), {}
    for t in times:
        (y[..., t, :], state), caches[t] = cell.forward(params, (x[..., t, :], state))
    d_state, grads = np.zeros_like(state), tree.zeros_like(params)
    for t in reversed(times):
        (dx[..., t, :], d_state), step = cell.backward(params, caches[t], (dy[..., t, :], d_state))
        grads = tree.map(np.add, grads, step)
    return y, dx, grads


# --- PyTorch, and the loop ---


@every_form
@pytest.mark.parametrize("cell", [TANH, RELU], ids=["tanh", "relu"])
@pytest.mark.parametrize(("dtype", "rtol"), [(np.float64, 1e-11), (np.float32, 1e-4)])
def test_it_is_the_rnn_of_pytorch(cell, reverse, last_only, dtype, rtol):
    torch = pytest.importorskip("torch")
    params, x, y, cache, dy = one_pass(fn.recurrent(cell, reverse, last_only), (7, 4), dtype=dtype)
    dx, grads = fn.recurrent(cell, reverse, last_only).backward(params, cache, dy)
    name = "relu" if cell is RELU else "tanh"
    rnn = torch.nn.RNN(4, 3, nonlinearity=name, batch_first=True, dtype=tensor(x).dtype)
    theirs = params.weight_x.T, params.weight_h.T, params.bias, np.zeros(3, dtype)
    for leaf, array in zip(rnn.parameters(), theirs, strict=True):
        leaf.data = torch.tensor(np.array(array))
    x = tensor(x)
    output = rnn(x.flip(1) if reverse else x)[0]
    output = output[:, -1] if last_only else output.flip(1) if reverse else output
    found = torch.autograd.grad(output, [x, *rnn.parameters()], torch.tensor(dy))
    ours = [y, dx, grads.weight_x.T, grads.weight_h.T, grads.bias]
    assert_same(ours, [output, *found[:-1]], rtol, rtol / 10)


@every_batch
@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("cell", [TANH, RELU], ids=["tanh", "relu"])
def test_it_is_the_loop_by_hand_bit_for_bit(cell, reverse, batch):
    params, x, y, cache, dy = one_pass(fn.recurrent(cell, reverse), (7, 4), batch)
    assert tree.equal(
        (y, *fn.recurrent(cell, reverse).backward(params, cache, dy)), by_hand(cell, params, x, dy, reverse)
    )


@every_batch
@pytest.mark.parametrize("reverse", [False, True])
def test_the_last_output_alone_is_that_of_the_step_that_is_run_last(reverse, batch):
    params, x, y, _, dy = one_pass(fn.recurrent(TANH, reverse), (7, 4), batch)
    last, d_all = 0 if reverse else -1, np.zeros_like(dy)
    d_all[..., last, :] = dy[..., last, :]
    alone = passes(fn.recurrent(TANH, reverse, last_only=True), params, x, dy[..., last, :])
    whole = passes(fn.recurrent(TANH, reverse), params, x, d_all)
    assert tree.equal(alone[0], y[..., last, :])
    assert all(np.array_equal(a, b) for a, b in zip(tree.leaves(alone[1:]), tree.leaves(whole[1:]), strict=True))


@every_form
def test_a_batch_is_its_rows_one_by_one(reverse, last_only):
    layer = fn.recurrent(TANH, reverse, last_only)
    params, x, _, _, dy = one_pass(layer, (7, 4), (2, 3))
    y, dx, grads = passes(layer, params, x, dy)
    rows = {row: passes(layer, params, x[row], dy[row]) for row in np.ndindex(2, 3)}
    for row, (y_row, dx_row, _) in rows.items():
        assert_allclose(y[row], y_row, rtol=1e-12)
        assert_allclose(dx[row], dx_row, rtol=1e-11, atol=1e-14)
    total = tree.map(lambda *each: sum(each), *[of_row for _, _, of_row in rows.values()])
    assert tree.allclose(grads, total, rtol=1e-12, atol=1e-13)


def test_reverse_is_the_same_on_flipped_time():
    params, x, _, _, dy = one_pass(fn.recurrent(TANH), (7, 4))
    y, dx, grads = passes(fn.recurrent(TANH, reverse=True), params, x, dy)
    flipped = passes(fn.recurrent(TANH), params, x[:, ::-1], dy[:, ::-1])
    assert tree.equal((y, dx, grads), (flipped[0][:, ::-1], flipped[1][:, ::-1], flipped[2]))


def test_both_directions_side_by_side_in_a_model_that_takes_any_length():
    model = fn.sequential(
        fn.concatenate(fn.recurrent(TANH), fn.recurrent(RELU, reverse=True)),
        fn.recurrent(fn.SimpleCell(2), last_only=True),
        fn.Linear(1),
    )
    params = model.init(KEY, (7, 4), np.float64)
    assert model.output_shape((7, 4)) == (1,)
    for t in (1, 2, 30):
        y, dx, _ = passes(model, params, normal((5, t, 4)), normal((5, 1)))
        assert (y.shape, dx.shape) == ((5, 1), (5, t, 4))


def test_a_sum_over_time_by_hand():
    """With f(x) = x where x > 0 and all weights 1, y_t = x_1 + ... + x_t, dx_t = dy_t + ... + dy_T."""
    ones = fn.SimpleCellParams(np.ones((1, 1)), np.ones((1, 1)), np.zeros(1))
    x, dy = np.array([[1.0], [2.0], [4.0]]), np.array([[1.0], [10.0], [100.0]])
    y, dx, grads = passes(fn.recurrent(fn.SimpleCell(1, fn.ReLU())), ones, x, dy)
    assert y.ravel().tolist() == [1, 3, 7]
    assert dx.ravel().tolist() == [111, 110, 100]
    # sums of dx_t times the input, the state before, and 1
    assert [leaf.item() for leaf in tree.leaves(grads)] == [111 + 220 + 400, 0 + 110 + 300, 321]


# --- Long and short sequences ---


def peak_of(steps):
    """The bytes that a forward and a backward pass take at most."""
    layer = fn.recurrent(fn.SimpleCell(16))
    params, x, dy = layer.init(KEY, (steps, 4), np.float64), normal((8, steps, 4)), normal((8, steps, 16))
    tracemalloc.start()
    passes(layer, params, x, dy)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


def test_memory_is_linear_in_time():
    peak_of(10)
    assert peak_of(2000) <= 2.3 * peak_of(1000)


def test_1000_steps_need_no_recursion():
    layer, params = fn.recurrent(TANH, last_only=True), TANH.init(KEY, ((4,), (3,)), np.float64)
    passes(layer, params, normal((2, 3, 4)), normal((2, 3)))
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(len(inspect.stack()) + 50)
    try:
        _, dx, _ = passes(layer, params, normal((2, 1000, 4)), normal((2, 3)))
    finally:
        sys.setrecursionlimit(before)
    assert np.isfinite(dx).all()


def test_float16_gradients_are_summed_over_time_in_float32():
    params = tree.cast(fn.SimpleCellParams(np.zeros((1, 1)), np.zeros((1, 1)), np.ones(1)), np.float16)
    x = np.ones((5000, 1), np.float16)
    _, _, grads = passes(fn.recurrent(fn.SimpleCell(1, fn.ReLU())), params, x, x)
    assert [leaf.item() for leaf in tree.leaves(grads)] == [5000, 5000, 5000]  # 4999 is rounded
    assert {leaf.dtype for leaf in tree.leaves(grads)} == {np.dtype(np.float16)}


@every_batch
def test_no_steps_have_no_outputs_and_no_gradient(batch):
    params = TANH.init(KEY, ((4,), (3,)), np.float64)
    y, dx, grads = passes(fn.recurrent(TANH), params, np.zeros((*batch, 0, 4)), np.zeros((*batch, 0, 3)))
    assert (y.shape, dx.shape) == ((*batch, 0, 3), (*batch, 0, 4))
    assert tree.equal(grads, tree.zeros_like(params))
    with pytest.raises(fn.ShapeError, match="expected x with at least one step"):
        fn.recurrent(TANH, last_only=True).forward(params, np.zeros((*batch, 0, 4)))


@every_form
def test_an_empty_batch_and_a_cell_without_outputs(reverse, last_only):
    for n_out, shape in ((3, (0, 7, 4)), (0, (5, 7, 4)), (3, (5, 7, 0))):
        layer = fn.recurrent(fn.SimpleCell(n_out, state_init=fn.initializers.zeros), reverse, last_only)
        params = layer.init(KEY, shape[1:], np.float64)
        y, cache = layer.forward(params, np.ones(shape))
        assert y.shape == shape[:1] + layer.output_shape(shape[1:])
        dx, grads = layer.backward(params, cache, np.ones(y.shape))
        assert dx.shape == shape
        assert not any(leaf.any() for leaf in tree.leaves(grads)) or shape == (5, 7, 0)


# --- Integers, values, errors ---


@pytest.mark.parametrize("wrap", [lambda layer: layer, fn.sequential], ids=["alone", "in a model"])
def test_integers_do_not_wrap_and_have_no_gradient(wrap):
    model, x = wrap(fn.recurrent(RELU)), np.array([[200, 1, 2, 3], [100, 255, 0, 0]], np.uint8)
    params = model.init(KEY, (2, 4))
    y, dx, grads = passes(model, params, x, np.ones((2, 3), np.float32))
    as_floats = passes(model, params, x.astype(np.float32), np.ones((2, 3), np.float32))
    assert tree.equal((y, grads), as_floats[::2])
    assert dx is None


@every_form
def test_it_is_a_value_with_json(reverse, last_only):
    layer = fn.recurrent(RELU, reverse, last_only)
    assert from_json(to_json(layer)) == layer
    assert layer.training(KEY) == layer


@attrs.frozen
class Pair(fn.Layer):
    """A cell whose y is a matrix: the input and the state."""

    n_inputs = 2

    def state_shape(self, input_shape):
        return input_shape

    def output_shape(self, input_shape):
        return (2, *input_shape[0]), input_shape[1]

    def forward(self, params, x):
        return (np.stack(x, axis=-2), x[0] + x[1]), None

    def backward(self, params, cache, dy):
        return (dy[0][..., 0, :] + dy[1], dy[0][..., 1, :] + dy[1]), ()


def test_a_cell_whose_y_is_a_matrix_has_a_last_one():
    last = fn.recurrent(Pair(), last_only=True)
    y, dx, _ = passes(last, (), np.ones((5, 7, 4)), np.ones((5, 2, 4)))
    assert y.shape == (5, *last.output_shape((7, 4))) == (5, 2, 4)
    assert (dx == 1).all()


PARAMS = TANH.init(KEY, ((4,), (3,)), np.float64)
RECURRENT = fn.recurrent(TANH)
WRONG = {
    "no axis of time at init": (fn.ShapeError, r"must be \(t, n\)", lambda: RECURRENT.init(KEY, (4,))),
    "an axis too many at init": (fn.ShapeError, r"must be \(t, n\)", lambda: RECURRENT.init(KEY, (2, 7, 4))),
    "a tuple at init": (fn.ShapeError, "one array, got a tuple", lambda: RECURRENT.output_shape(((7, 4), (7, 4)))),
    "no axis of time": (fn.ShapeError, r"axes \(\.\.\., t, n\), got", lambda: RECURRENT.apply(PARAMS, np.ones(4))),
    "other features": (fn.ShapeError, r"n_in=4\)", lambda: RECURRENT.forward(PARAMS, np.ones((7, 5)))),
    "a tuple": (fn.ShapeError, "takes one array", lambda: RECURRENT.forward(PARAMS, (np.ones((7, 4)),) * 2)),
    "other params": (fn.TreeError, "SimpleCellParams", lambda: RECURRENT.forward((), np.ones((7, 4)))),
    "params of a different size": (
        fn.TreeError,
        r"expected SimpleCellParams with weight_x \(n_in, 2\)",
        lambda: fn.recurrent(fn.SimpleCell(2)).forward(PARAMS, np.ones((7, 4))),
    ),
    "a dy of a different shape": (
        fn.ShapeError,
        r"the shape of y, \(7, 3\), got \(3,\)",
        lambda: passes(RECURRENT, PARAMS, np.ones((7, 4)), np.ones(3)),
    ),
    "a cell of matrices at init": (
        fn.ShapeError,
        r"\(n_out,\).* Pair\(\) gives \(2, 4\)",
        lambda: fn.recurrent(Pair()).output_shape((7, 4)),
    ),
    "a cell of matrices": (fn.ShapeError, r"\(n_out,\)", lambda: fn.recurrent(Pair()).forward((), np.ones((5, 7, 4)))),
    "a layer that is not a cell": (TypeError, "state_shape", lambda: fn.recurrent(fn.Linear(3))),
    "a class": (TypeError, r"write SimpleCell\(\)", lambda: fn.recurrent(fn.SimpleCell)),
    "a direction that is not a bool": (TypeError, "reverse", lambda: fn.recurrent(TANH, reverse=1)),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_uses(name):
    error, words, use = WRONG[name]
    with pytest.raises(error, match=words):
        use()
