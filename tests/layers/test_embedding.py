"""Embedding looks rows up; the gradient of a row is the sum over all places where its id stands."""

import attrs
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_numpy
from numpy.testing import assert_allclose

import funcnet as fn
from funcnet import tree
from tests.against_torch import assert_same, precisions, tensor
from tests.layers.cases import normal
from tests.passes import passes

KEY, LAYER = fn.Key(0), fn.Embedding(5, 3)
WEIGHT = np.arange(15.0).reshape(5, 3)
PARAMS = fn.EmbeddingParams(WEIGHT)
INTEGERS = [np.int8, np.uint8, np.int16, np.uint16, np.int32, np.uint32, np.int64, np.uint64, ">i4"]


def weight_grads(ids, dy, n_in):
    """The gradient of the weight (n_in, n_out)."""
    layer = fn.Embedding(n_in, dy.shape[-1])
    params = fn.EmbeddingParams(np.zeros((n_in, dy.shape[-1]), dy.dtype))
    return layer.backward(params, layer.forward(params, ids)[1], dy)[1].weight


def slow_sums(ids, dy, n_in):
    """Row i of the result is the sum of dy wherever ids is i, added one after the other."""
    sums = np.zeros((n_in, dy.shape[-1]))
    np.add.at(sums, np.ravel(ids), dy.reshape(-1, dy.shape[-1]))
    return sums


# --- The formula ---


@given(st.data(), st.integers(1, 40), st.integers(0, 3))
def test_it_is_a_product_with_one_hot_rows(data, n_in, n_out):
    shapes = st_numpy.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=60)
    ids = data.draw(st_numpy.arrays(np.int64, shapes, elements=st.integers(0, n_in - 1)))
    one_hot = np.eye(n_in)[ids]
    weight, dy = np.arange(n_in * n_out).reshape(n_in, n_out) / 16, np.round(16 * normal((*ids.shape, n_out))) / 16
    y, dx, grads = passes(fn.Embedding(n_in, n_out), fn.EmbeddingParams(weight), ids, dy)
    assert tree.equal(y, np.tensordot(one_hot, weight, 1))
    assert dx is None
    n = ids.ndim
    assert np.array_equal(grads.weight, np.tensordot(one_hot, dy, (range(n), range(n))))  # exact: all are n / 16


@pytest.mark.parametrize("dtype", INTEGERS)
def test_ids_of_every_integer_dtype(dtype):
    ids, dy = np.array([[4, 0, 4], [1, 1, 1]], dtype), normal((2, 3, 3))
    y, dx, grads = passes(LAYER, PARAMS, ids, dy)
    assert tree.equal(y, WEIGHT[[[4, 0, 4], [1, 1, 1]]])
    assert dx is None
    assert_allclose(grads.weight, slow_sums([[4, 0, 4], [1, 1, 1]], dy, 5), rtol=1e-15)


@pytest.mark.parametrize("ids", [3, np.int8(3), np.array(3, np.uint64), [3, 0], [[3], [0]], np.array([3, 1, 0])[::-2]])
def test_ids_as_numbers_lists_and_views(ids):
    y, cache = LAYER.forward(PARAMS, ids)
    assert tree.equal(y, WEIGHT[np.array(ids)])
    grads = LAYER.backward(PARAMS, cache, np.ones(y.shape))[1]
    assert grads.weight[:, 0].tolist() == np.bincount(np.ravel(ids).astype(int), minlength=5).tolist()


@pytest.mark.parametrize("shape", [(0,), (2, 0), (0, 3)])
def test_an_empty_batch_has_no_gradient(shape):
    y, dx, grads = passes(LAYER, PARAMS, np.zeros(shape, int), np.zeros((*shape, 3)))
    assert y.shape == (*shape, 3)
    assert dx is None
    assert tree.equal(grads, tree.zeros_like(PARAMS))


def test_dy_of_none_counts_as_zeros():
    _, cache = LAYER.forward(PARAMS, np.array([1, 2]))
    assert tree.equal(LAYER.backward(PARAMS, cache, None), (None, tree.zeros_like(PARAMS)))


def test_init_draws_each_number_from_the_standard_normal_distribution():
    weight = fn.Embedding(1000, 100).init(KEY, ()).weight
    assert (weight.shape, weight.dtype) == ((1000, 100), np.float32)
    assert abs(weight.mean()) < 4 / np.sqrt(1e5)
    assert abs(weight.std() - 1) < 4 / np.sqrt(2e5)
    assert not fn.Embedding(5, 3, fn.initializers.zeros).init(KEY, ()).weight.any()


# --- Repeated ids ---

M = 10_000
REPEATED = {
    "zipf": (np.minimum(np.random.default_rng(0).zipf(1.2, M), 5000) - 1, 5000),
    "one id": (np.full(M, 7), 9),
    "all distinct": (np.random.default_rng(1).permutation(M), M),
    "each as often as is rare": (np.tile(np.arange(M // 32), 32), M // 32),
    "each once more than is rare": (np.tile(np.arange(M // 33), 33), M // 33),
    "more ids than uint16 has": (np.random.default_rng(2).integers(0, 70_000, M) // 7 * 7, 70_000),
    "two that are equal modulo 65536": (np.array([3, 65539] * 50), 65_540),
    "the last of 65536": (np.array([65_535, 0, 65_535]), 65_536),
}


@pytest.mark.parametrize("name", REPEATED)
def test_the_gradients_of_repeated_ids_add_up(name):
    ids, n_in = REPEATED[name]
    dy = np.round(16 * normal((len(ids), 4))) / 16
    assert np.array_equal(weight_grads(ids, dy, n_in), slow_sums(ids, dy, n_in))  # exact: all are n / 16


@pytest.mark.parametrize("n_in", [1, 3000])
def test_float16_rows_are_summed_in_float32(n_in):
    ids = np.arange(70_000) % n_in
    grads = weight_grads(ids, np.full((70_000, 2), 0.5, np.float16), n_in)
    assert grads.dtype == np.float16
    assert tree.equal(grads, np.tile(np.bincount(ids)[:, None] / 2, 2).astype(np.float16))


@pytest.mark.parametrize("ones", [30, 60], ids=["rare", "often"])
def test_float16_sums_do_not_stall_at_2048(ones):
    dy = np.array([[2048], *[[1]] * ones], np.float16)
    assert weight_grads(np.full(1 + ones, 1), dy, 3).ravel().tolist() == [0, 2048 + ones, 0]


def test_the_order_of_ids_changes_nothing_but_rounding():
    ids, dy = REPEATED["zipf"][0], normal((M, 4))
    assert_allclose(weight_grads(ids[::-1], dy[::-1], 5000), weight_grads(ids, dy, 5000), rtol=1e-12, atol=1e-13)


@precisions
def test_it_is_the_embedding_of_pytorch(dtype, rtol, atol):
    torch = pytest.importorskip("torch")
    ids, weight = REPEATED["zipf"][0].reshape(100, 100) % 500, tensor(normal((500, 6)).astype(dtype))
    dy = normal((100, 100, 6), 1).astype(dtype)
    theirs = torch.nn.functional.embedding(torch.tensor(ids), weight)
    derivative = torch.autograd.grad(theirs, weight, torch.tensor(dy))[0]
    y, _, grads = passes(fn.Embedding(500, 6), fn.EmbeddingParams(weight.detach().numpy()), ids, dy)
    assert_same([y, grads.weight], [theirs, derivative], 10 * rtol, 100 * atol)


# --- In models ---


def test_as_first_layer_of_a_model():
    model = fn.sequential(LAYER, fn.Flatten(), fn.Linear(2))
    params = model.init(KEY, (4,), np.float64)
    assert model.output_shape((4,)) == (2,)
    ids, dy = np.array([[0, 1, 1, 4], [4, 4, 4, 4]]), normal((2, 2))
    dx, grads = model.backward(params, model.forward(params, ids)[1], dy)
    assert dx is None
    assert tree.equal(model.params_backward(params, model.forward(params, ids)[1], dy), grads)
    assert_allclose(grads[0].weight, slow_sums(ids, (dy @ params[2].weight.T).reshape(2, 4, 3), 5), rtol=1e-14)


def test_two_inputs_of_which_one_is_ids():
    model = fn.sequential(fn.parallel(LAYER, fn.Identity()), fn.Concatenate(), fn.Linear(2))
    params = model.init(KEY, ((), (2,)), np.float64)
    x, dy = (np.array([3, 3]), normal((2, 2))), normal((2, 2), 1)
    y, dx, grads = passes(model, params, x, dy)
    joined = np.concatenate([params[0][0].weight[x[0]], x[1]], axis=1)
    assert tree.equal(y, fn.Linear(2).apply(params[2], joined))
    d_joined = dy @ params[2].weight.T
    assert dx[0] is None
    assert_allclose(dx[1], d_joined[:, 3:], rtol=1e-14)
    assert_allclose(grads[0][0].weight[3], d_joined[:, :3].sum(axis=0), rtol=1e-14)


def test_after_select():
    model = fn.sequential(fn.Select(1), LAYER)
    x = normal((2, 7)), np.array([4, 2])
    y, dx, grads = passes(model, ((), PARAMS), x, np.ones((2, 3)))
    assert tree.equal(y, WEIGHT[[4, 2]])
    assert tree.equal(dx[0], np.zeros((2, 7)))
    assert dx[1] is None
    assert grads[1].weight[:, 0].tolist() == [0, 0, 1, 0, 1]


@pytest.mark.parametrize("join", [fn.add, fn.branches, fn.concatenate])
def test_beside_another_layer_of_the_same_ids(join):
    model = join(LAYER, fn.Embedding(9, 3))
    params = model.init(KEY, (4,), np.float64)
    ids = np.array([[0, 1, 1, 4]])
    y, cache = model.forward(params, ids)
    dx, grads = model.backward(params, cache, tree.map(np.ones_like, y))
    assert dx is None
    assert [g.weight[:5, 0].tolist() for g in grads] == [[1, 2, 0, 0, 1]] * 2


def test_with_a_path_on_which_the_ids_are_numbers():
    model, ids = fn.branches(LAYER, fn.Linear(2)), np.array([4, 0, 2], np.uint8)
    params = model.init(KEY, (3,), np.float32)
    y, dx, grads = passes(model, params, ids, (np.ones((3, 3), np.float32), np.ones(2, np.float32)))
    assert dx is None
    assert grads[1].weight.tolist() == [[4, 4], [0, 0], [2, 2]]
    assert_allclose(y[1], ids.astype(np.float32) @ params[1].weight, rtol=1e-6)


# --- Errors ---

BAD_IDS = {
    "negative": ([0, -1, -2], r"id -1 at index \(1,\) is not in 0\.\.4"),
    "too large": ([[0, 1], [5, 9]], r"id 5 at index \(1, 0\) is not in 0\.\.4"),
    "alone": (np.array(7), r"id 7 at index \(\) is not"),
    "smallest": (np.array([1, -128], np.int8), r"id -128 at index \(1,\)"),
    "huge": (np.array([1, 2**63 + 4], np.uint64), r"id 9223372036854775812 at index \(1,\)"),
    "largest": (np.array([2**64 - 1], np.uint64), r"id 18446744073709551615 at index \(0,\)"),
    "equal to one modulo 256": (np.array([0, 256]), r"id 256 at index \(1,\)"),
}


@pytest.mark.parametrize("name", BAD_IDS)
def test_an_id_out_of_range_is_an_index_error_that_names_it_and_its_place(name):
    ids, words = BAD_IDS[name]
    with pytest.raises(IndexError, match=words):
        LAYER.forward(PARAMS, ids)


@pytest.mark.parametrize("ids", [[1.0], [True, False], np.zeros(3, np.float32), np.array(["a"]), np.array([1 + 0j])])
def test_ids_must_be_integers(ids):
    with pytest.raises(fn.DTypeError, match=r"Embedding\(n_in=5, n_out=3\) takes integer ids, got"):
        LAYER.forward(PARAMS, ids)


WRONG = {
    "a tuple": (fn.ShapeError, lambda: LAYER.forward(PARAMS, (np.array(1), np.array(2)))),
    "the shape of a tuple": (fn.ShapeError, lambda: LAYER.init(KEY, ((2,), (2,)))),
    "too few rows": (fn.TreeError, lambda: LAYER.forward(fn.EmbeddingParams(WEIGHT[:4]), np.array(1))),
    "too few columns": (fn.TreeError, lambda: LAYER.apply(fn.EmbeddingParams(WEIGHT[:, :2]), np.array(1))),
    "other params": (fn.TreeError, lambda: LAYER.forward((), np.array(1))),
    "a dy of a different shape": (fn.ShapeError, lambda: passes(LAYER, PARAMS, np.array([1]), np.ones(3))),
    "no ids": (ValueError, lambda: fn.Embedding(0, 3)),
    "a negative size": (ValueError, lambda: fn.Embedding(3, -1)),
    "a size that is not an integer": (TypeError, lambda: fn.Embedding(3.0, 1)),
    "an initializer that is a class": (TypeError, lambda: fn.Embedding(3, 1, type(fn.initializers.normal(1.0)))),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_uses(name):
    error, use = WRONG[name]
    with pytest.raises(error):
        use()


@attrs.frozen
class Held(fn.Layer):
    """A layer around a different one, which does not say that it takes integers."""

    layer: fn.Layer

    def forward(self, params, x):
        return self.layer.forward(params, x)

    def backward(self, params, cache, dy):
        return self.layer.backward(params, cache, dy)


def test_floats_that_a_combinator_has_made_of_ids_are_explained():
    model, params = fn.sequential(Held(fn.Embedding(5, 2))), (fn.Embedding(5, 2).init(fn.Key(0), ()),)
    with pytest.raises(fn.DTypeError, match=r"got float32; a layer of your own .* declares takes_integers"):
        model.forward(params, np.array([1, 2]))


def test_its_gradient_is_checked_exactly():
    model, ids = fn.sequential(fn.Embedding(5, 3), fn.Linear(2)), np.array([[0, 4], [4, 1]])
    params = model.init(fn.Key(0), (2,), np.float64)
    check = fn.testing.check_gradients(model, fn.MeanSquaredError(), params, ids, np.zeros((2, 2, 2)), method="exact")
    assert check.relative < 1e-14
