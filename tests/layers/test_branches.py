"""Layers side by side against their formulas, the tuples that they take and give, and integers among these."""

import json

import attrs
import numpy as np
import pytest

import funcnet as fn
from funcnet import tree
from funcnet.values import from_json, to_json
from tests.layers.cases import normal, one_pass
from tests.layers.row import every_row
from tests.layers.table import LAYERS
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


# --- Tuples ---

PAIR = np.ones((5, 3)), np.ones((5, 2))


@attrs.frozen
class Square(fn.Layer):
    """The README's."""

    def forward(self, params, x):
        return x**2, x

    def backward(self, params, cache, dy):
        return 2 * cache * dy, ()


@attrs.frozen
class Seeing(fn.Layer):
    """The identity, which notes the dtypes that it sees."""

    seen: list = attrs.field(factory=list, eq=False)

    def forward(self, params, x):
        self.seen.append(x.dtype)
        return x * np.float32(1), x

    def backward(self, params, cache, dy):
        return None if self.takes_integers else dy, ()


class SeeingIntegers(Seeing):
    takes_integers = True


def test_branches_give_the_tuple_of_their_outputs():
    params, x, _, _, _ = one_pass(fn.branches(*BRANCHES), (3,))
    dys = normal(((5, 3), (5, 3), (5, 3)), 1)
    ys, dxs, grads = of_each_branch(params, x, dys)
    assert tree.equal(passes(fn.branches(*BRANCHES), params, x, dys), (ys, dxs[0] + dxs[1] + dxs[2], grads))


def test_parallel_gives_each_layer_its_own_element():
    params, xs, _, _, dys = one_pass(fn.parallel(*BRANCHES), ((3,), (3,), (4,)))
    each = [passes(*row) for row in zip(BRANCHES, params, xs, dys, strict=True)]
    assert tree.equal(passes(fn.parallel(*BRANCHES), params, xs, dys), tuple(zip(*each, strict=True)))


def test_select_passes_one_element_on_and_has_zeros_for_the_others():
    y, dx, _ = passes(fn.Select(0), (), PAIR, np.full((5, 3), 7.0))
    assert tree.equal((y, dx), (PAIR[0], (np.full((5, 3), 7.0), np.zeros((5, 2)))))


def test_a_dy_of_none_in_a_tuple_counts_as_zeros():
    model, zeros = fn.branches(*BRANCHES), np.zeros((5, 3))
    params, _, _, cache, (dy, *_) = one_pass(model, (3,))
    assert tree.equal(
        model.backward(params, cache, (dy, None, None)), model.backward(params, cache, (dy, zeros, zeros))
    )


@every_row([row for row in LAYERS if row.layer.n_inputs == 1])
def test_a_layer_of_one_array_refuses_a_tuple_wherever_it_stands(row):
    layer, params = row.layer, row.layer.init(fn.Key(0), row.shapes[0])
    for refuse in (
        lambda: layer.forward(params, PAIR),
        lambda: layer.output_shape(((3,), (2,))),
        lambda: fn.sequential(layer).init(fn.Key(0), ((3,), (2,))),
        lambda: fn.sequential(layer, fn.Tanh()).apply((params, ()), PAIR),
        lambda: fn.add(fn.Select(0), layer).forward(((), params), PAIR),
        lambda: fn.parallel(layer).forward((params,), (PAIR,)),
    ):
        with pytest.raises(fn.ShapeError, match=r"3,?\) and .*2,?\)") as error:
            refuse()
        assert f"{layer!r} takes one array, got a tuple of shapes" in str(error.value)


@pytest.mark.parametrize("before", [(), (fn.Identity(),)])
def test_a_layer_of_ones_own_is_not_asked_about_a_tuple(before):
    model = fn.sequential(*before, Square())
    with pytest.raises(fn.ShapeError, match=r"Square\(\) takes one array, got .* \(5, 3\) and \(5, 2\)"):
        model.forward(model.init(fn.Key(0), ()), PAIR)


@pytest.mark.parametrize(
    ("layer", "x", "message"),
    [
        (fn.parallel(fn.Tanh(), fn.Tanh()), PAIR[:1], r"parallel of 2 layers takes a tuple of 2, got a tuple of 1"),
        (fn.parallel(fn.Tanh(), fn.Tanh()), (*PAIR, PAIR[0]), r"takes a tuple of 2, got a tuple of 3 with shapes"),
        (fn.parallel(fn.Tanh(), fn.Tanh()), PAIR[0], r"takes a tuple of 2, got one array of shape \(5, 3\)"),
        (fn.Sum(), PAIR, r"arrays to add must have the same shape, got \(5, 3\) and \(5, 2\)"),
        (fn.Multiply(), PAIR, r"arrays to multiply must have the same shape, got \(5, 3\) and \(5, 2\)"),
        (fn.Sum(), PAIR[0], r"Sum\(\) takes a tuple of arrays, got one array of shape \(5, 3\)"),
        (fn.Sum(), (), r"Sum\(\) takes a tuple of arrays"),
        (fn.Sum(), (PAIR, PAIR), r"Sum\(\) takes a tuple of arrays, got a tuple of 2 with shapes"),
        (fn.Concatenate(), PAIR[0], r"Concatenate\(\) takes a tuple of arrays, got one array of shape \(5, 3\)"),
        (fn.Select(2), PAIR, r"Select\(index=2\) takes a tuple that has element 2, got a tuple of 2 with shapes"),
        (fn.Select(-3), PAIR, r"Select\(index=-3\) takes a tuple that has element -3"),
        (fn.Select(0), PAIR[0], r"takes a tuple that has element 0, got one array of shape \(5, 3\)"),
    ],
)
def test_a_tuple_of_the_wrong_length_or_shapes_is_an_error(layer, x, message):
    params = ((),) * len(getattr(layer, "layers", ()))
    with pytest.raises(fn.ShapeError, match=message):
        layer.forward(params, x)


@pytest.mark.parametrize("dy", [PAIR[0], PAIR[:1], [*PAIR]])
def test_the_dy_of_a_tuple_is_such_a_tuple(dy):
    _, cache = fn.Identity().forward((), PAIR)
    with pytest.raises(fn.ShapeError, match="dy must be a tuple of 2, as y is, got"):
        fn.Identity().backward((), cache, dy)


# --- Integers ---

IDS = np.array([[200, 3]], np.uint8)


def test_integers_have_no_gradient_and_the_other_parts_have_theirs():
    x = IDS, np.array([[0.5, 2.0]])
    for layer, dx in ((fn.Sum(), np.array([[1.0, 1.0]])), (fn.Multiply(), np.array([[200.0, 3.0]]))):
        assert tree.equal(passes(layer, (), x, np.ones((1, 2)))[1], (None, dx))
    assert tree.equal(passes(fn.Concatenate(), (), x, np.ones((1, 4)))[1], (None, np.ones((1, 2))))
    assert tree.equal(passes(fn.Identity(), (), x, (np.ones((1, 2)),) * 2)[1], (None, np.ones((1, 2))))
    assert tree.equal(passes(fn.Select(0), (), x, np.ones((1, 2)))[1], (None, np.zeros((1, 2))))
    assert tree.equal(passes(fn.Select(1), (), x, np.ones((1, 2)))[1], (None, np.ones((1, 2))))


def test_200_and_200_are_400():
    y, dx, _ = passes(fn.add(fn.Identity(), fn.Identity()), ((), ()), IDS, np.ones((1, 2)))
    assert tree.equal(y, np.array([[400, 6]], np.float32))
    assert dx is None


def test_integers_beside_floats_have_their_dtype():
    x = np.array([[2, 3]]), np.ones((1, 2), np.float32)
    assert {layer.apply((), x).dtype for layer in (fn.Sum(), fn.Multiply(), fn.Concatenate())} == {np.dtype(np.float32)}


def test_squares_of_pixels_do_not_wrap():
    model, params = fn.sequential(Square(), fn.Linear(1)), ((), fn.LinearParams(np.ones((3, 1)), np.zeros(1)))
    y, dx, (_, grads) = passes(model, params, np.array([[200, 100, 3]], np.uint8), np.ones((1, 1)))
    assert y.tolist() == [[50009]]
    assert dx is None
    assert grads.weight.tolist() == [[40000], [10000], [9]]


@pytest.mark.parametrize(
    "inside", [fn.sequential, fn.add, fn.branches, lambda layer: fn.residual(fn.sequential(layer))]
)
def test_a_layer_of_ones_own_gets_floats_unless_it_takes_integers(inside):
    for layer, dtype in ((Seeing(), np.float32), (SeeingIntegers(), np.uint8)):
        model = inside(layer)
        params = model.init(fn.Key(0), (2,))
        y, cache = model.forward(params, IDS)
        assert model.backward(params, cache, y)[0] is None
        model.apply(params, IDS)
        assert layer.seen == [np.dtype(dtype)] * 2


def test_the_first_layer_with_params_gets_integers_in_their_dtype():
    model = fn.sequential(fn.Linear(2))
    for dtype in (np.float16, np.float32, np.float64):
        assert model.apply(model.init(fn.Key(0), (2,), dtype), IDS).dtype == dtype


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("x", [(IDS, IDS), (IDS, np.ones((1, 2)))], ids=["integers", "mixed"])
def test_sequential_is_associative_for_integers(x, dtype):
    a, b, c, dy = fn.Sum(), fn.sequential(Square(), fn.Linear(2)), Square(), np.ones((1, 2))
    of_b = b.init(fn.Key(0), (2,), dtype)
    y, dx, (_, grads, _) = passes(fn.sequential(a, b, c), ((), of_b, ()), x, dy)
    left = passes(fn.sequential(fn.sequential(a, b), c), (((), of_b), ()), x, dy)
    right = passes(fn.sequential(a, fn.sequential(b, c)), ((), (of_b, ())), x, dy)
    assert tree.equal(left, (y, dx, (((), grads), ())))
    assert tree.equal(right, (y, dx, ((), (grads, ()))))


# --- JSON ---


@pytest.mark.parametrize(
    ("model", "joining"),
    [(fn.add, {"class": "Sum"}), (fn.concatenate, {"class": "SideBySide"}), (fn.branches, None)],
)
def test_the_json_of_branches_is_what_it_was(model, joining):
    layers = [{"type": "Identity"}, {"type": "ReLU"}]
    text = json.dumps({"type": "Parallel", "joining": joining, "layers": layers})
    assert from_json(text) == model(fn.Identity(), fn.ReLU())
    assert to_json(from_json(text), indent=None) == text
