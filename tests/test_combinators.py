"""Combinators are layers: their passes are bit for bit the composition that one would write by hand."""

import itertools
import pickle

import attrs
import numpy as np
import pytest

import funcnet as fn
from funcnet import tree

DEEP = fn.sequential(*[fn.Linear(2), fn.Tanh()] * 500)
BATCHES = [(), (1,), (0,), (5,), (2, 3)]

# Every combinator, alone and nested, smooth so that central differences hold everywhere; and the shape of its input.
MODELS = {
    "sequential": (fn.sequential(fn.Linear(4), fn.Tanh(), fn.Linear(2)), (3,)),
    "sequential of nothing": (fn.sequential(), (3,)),
    "sequential without params": (fn.sequential(fn.Tanh(), fn.Softmax()), (3,)),
    "sequential, params inside": (fn.sequential(fn.Sigmoid(), fn.Linear(2), fn.LogSoftmax()), (3,)),
    "sequential of sequentials": (
        fn.sequential(fn.sequential(fn.Tanh(), fn.Linear(4)), fn.sequential(fn.Linear(2))),
        (3,),
    ),
    "flatten": (fn.sequential(fn.Tanh(), fn.Flatten(), fn.Linear(2)), (2, 3)),
    "add": (fn.add(fn.Linear(3), fn.Tanh(), fn.Linear(3)), (3,)),
    "add of one": (fn.add(fn.Linear(2)), (3,)),
    "add of identities": (fn.add(fn.Identity(), fn.Identity()), (3,)),
    "concatenate": (fn.concatenate(fn.Linear(2), fn.Tanh(), fn.Linear(1)), (3,)),
    "concatenate of matrices": (fn.concatenate(fn.Linear(2), fn.Identity()), (2, 3)),
    "residual": (fn.residual(fn.sequential(fn.Linear(4), fn.Tanh(), fn.Linear(3))), (3,)),
    "residual first": (fn.sequential(fn.residual(fn.Linear(3)), fn.Tanh(), fn.residual(fn.Linear(3))), (3,)),
    "all": (fn.sequential(fn.Linear(3), fn.add(fn.concatenate(fn.Identity(), fn.SiLU()), fn.Linear(6))), (2,)),
    "in training": (fn.sequential(fn.Linear(4), fn.Dropout(0.5), fn.Linear(2)).training(fn.Key(3)), (3,)),
}
models = pytest.mark.parametrize(("model", "shape"), MODELS.values(), ids=MODELS)
batches = pytest.mark.parametrize("batch", BATCHES, ids=str)


def normal(shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


def one_pass(model, shape, batch=(5,), dtype=np.float64):
    """params, x, y, cache and a random dy."""
    params = model.init(fn.Key(1), shape, dtype)
    x = normal(batch + shape).astype(dtype)
    y, cache = model.forward(params, x)
    return params, x, y, cache, normal(y.shape, 1).astype(dtype)


def outcome(model, params, x, dy):
    """(y, dx, grads) of one forward and one backward pass."""
    y, cache = model.forward(params, x)
    return y, *model.backward(params, cache, dy)


def chained(layers, params, x, dy):
    """(y, dx, grads) of layers one after another, as one would write it."""
    caches, grads = [], []
    for layer, p in zip(layers, params, strict=True):
        x, cache = layer.forward(p, x)
        caches.append(cache)
    for layer, p, cache in reversed(list(zip(layers, params, caches, strict=True))):
        dy, layer_grads = layer.backward(p, cache, dy)
        grads.append(layer_grads)
    return x, dy, tuple(reversed(grads))


# --- Laws of every combinator ---


@models
@batches
def test_backward_agrees_with_central_differences(model, shape, batch):
    params, x, _, cache, dy = one_pass(model, shape, batch)
    dx, grads = model.backward(params, cache, dy)
    vector, unravel = tree.ravel((params, x))

    def loss(numbers):
        return np.sum(dy * model.apply(*unravel(numbers)))

    steps = 1e-5 * np.eye(vector.size)
    expected = [(loss(vector + step) - loss(vector - step)) / 2e-5 for step in steps]
    np.testing.assert_allclose(tree.ravel((grads, dx))[0], expected, rtol=1e-6, atol=1e-8)


@models
@batches
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_structure_shapes_and_dtypes(model, shape, batch, dtype):
    params, x, y, cache, dy = one_pass(model, shape, batch, dtype)
    dx, grads = model.backward(params, cache, dy)
    assert (y.shape, y.dtype) == (batch + model.output_shape(shape), dtype)
    assert (dx.shape, dx.dtype) == (x.shape, dtype)
    assert tree.equal(tree.zeros_like(grads), tree.zeros_like(params))
    assert all(leaf.dtype == dtype for leaf in tree.leaves(params))


@models
@batches
def test_params_backward_is_backward_without_dx(model, shape, batch):
    params, _, _, cache, dy = one_pass(model, shape, batch)
    assert tree.equal(model.params_backward(params, cache, dy), model.backward(params, cache, dy)[1])


@models
def test_apply_is_forward_without_cache(model, shape):
    params, x, y, _, _ = one_pass(model, shape)
    assert tree.equal(model.apply(params, x), y)


@models
def test_a_cache_can_be_used_twice_and_after_another_forward_pass(model, shape):
    params, x, _, cache, dy = one_pass(model, shape)
    first = model.backward(params, cache, dy)
    model.forward(params, x + 1)
    assert tree.equal(model.backward(params, cache, dy), first)


@models
def test_cache_and_params_survive_pickle(model, shape):
    params, _, _, cache, dy = one_pass(model, shape)
    copies = pickle.loads(pickle.dumps((model, params, cache)))
    assert tree.equal(copies[0].backward(*copies[1:], dy), model.backward(params, cache, dy))


@models
def test_passes_take_write_protected_arrays_and_leave_them_as_they_are(model, shape):
    params, x, _, _, dy = one_pass(model, shape)
    expected = outcome(model, params, x, dy)
    before = x.tobytes(), dy.tobytes(), [leaf.tobytes() for leaf in tree.leaves(params)]
    x.flags.writeable = dy.flags.writeable = False
    assert tree.equal(outcome(model, params, x, dy), expected)
    assert before == (x.tobytes(), dy.tobytes(), [leaf.tobytes() for leaf in tree.leaves(params)])


def overwrite(array):
    """Write into the array, or be refused."""
    try:
        array[...] = 7
    except ValueError as error:
        assert "read-only" in str(error)  # noqa: PT017, either outcome will do


@models
def test_writing_into_y_changes_nothing_that_is_computed_later(model, shape):
    params, x, y, cache, dy = one_pass(model, shape)
    expected, x_before = outcome(model, params, x, dy), x.copy()
    overwrite(y)
    assert np.array_equal(x, x_before)
    assert tree.equal(model.backward(params, cache, dy), expected[1:])
    assert tree.equal(outcome(model, params, x, dy), expected)


@models
def test_writing_into_dx_changes_nothing_that_is_computed_later(model, shape):
    params, x, _, cache, dy = one_pass(model, shape)
    expected, dy_before = outcome(model, params, x, dy), dy.copy()
    dx, grads = model.backward(params, cache, dy)
    overwrite(dx)
    assert np.array_equal(dy, dy_before)
    assert tree.equal(grads, expected[2])
    assert tree.equal(outcome(model, params, x, dy), expected)


@models
def test_grads_share_no_memory_with_params_or_dy(model, shape):
    params, _, _, cache, dy = one_pass(model, shape)
    grads = tree.leaves(model.backward(params, cache, dy)[1])
    others = [*tree.leaves(params), dy]
    assert not any(np.shares_memory(a, b) for a, b in itertools.product(grads, others))
    assert not any(np.shares_memory(a, b) for a, b in itertools.combinations(grads, 2))


# --- sequential ---

SEQUENTIALS = {
    name: (model.layers, shape) for name, (model, shape) in MODELS.items() if repr(model).startswith("sequential")
}
sequentials = pytest.mark.parametrize(("layers", "shape"), SEQUENTIALS.values(), ids=SEQUENTIALS)
THREE = fn.Linear(4), fn.Tanh(), fn.Linear(2)


@sequentials
@batches
def test_sequential_is_bitwise_the_composition_by_hand(layers, shape, batch):
    model = fn.sequential(*layers)
    params, x, _, _, dy = one_pass(model, shape, batch)
    assert tree.equal(outcome(model, params, x, dy), chained(layers, params, x, dy))


def test_sequential_is_associative():
    a, b, c = THREE
    params, x, _, _, dy = one_pass(fn.sequential(a, b, c), (3,))
    pa, pb, pc = params
    y, dx, grads = outcome(fn.sequential(a, b, c), params, x, dy)
    left = outcome(fn.sequential(fn.sequential(a, b), c), ((pa, pb), pc), x, dy)
    right = outcome(fn.sequential(a, fn.sequential(b, c)), (pa, (pb, pc)), x, dy)
    assert tree.equal(left, (y, dx, (grads[:2], grads[2])))
    assert tree.equal(right, (y, dx, (grads[0], grads[1:])))


@pytest.mark.parametrize("neutral", [fn.Identity(), fn.sequential(), fn.add(fn.Identity()), fn.Dropout(0.5)], ids=repr)
@pytest.mark.parametrize("position", range(len(THREE) + 1))
def test_identities_are_neutral(neutral, position):
    params, x, _, _, dy = one_pass(fn.sequential(*THREE), (3,))
    nothing = neutral.init(fn.Key(0), (3,))
    y, dx, grads = outcome(fn.sequential(*THREE), params, x, dy)
    longer = fn.sequential(*THREE[:position], neutral, *THREE[position:])
    result = outcome(longer, (*params[:position], nothing, *params[position:]), x, dy)
    assert tree.equal(result, (y, dx, (*grads[:position], nothing, *grads[position:])))


@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 3)])
def test_the_empty_sequential_is_the_identity(shape):
    model = fn.sequential()
    params, x, _, _, dy = one_pass(model, shape)
    assert params == ()
    assert model.output_shape(shape) == shape
    assert tree.equal(outcome(model, params, x, dy), (x, dy, ()))


def test_a_thousand_layers_are_no_deeper_than_one():
    params, x, _, _, dy = one_pass(DEEP, (2,))
    assert tree.equal(outcome(DEEP, params, x, dy), chained(DEEP.layers, params, x, dy))
    assert tree.equal(DEEP.params_backward(params, DEEP.forward(params, x)[1], dy), outcome(DEEP, params, x, dy)[2])


def test_a_thousand_layers_are_a_value():
    assert pickle.loads(pickle.dumps(DEEP)) == eval(repr(DEEP), dict(vars(fn))) == DEEP
    assert DEEP.training(fn.Key(0)) == DEEP
    assert len(fn.summary(DEEP, (2,)).splitlines()) == 1 + 1000 + 1


def test_input_given_as_a_list():
    model = fn.sequential(fn.ReLU())
    assert np.array_equal(model.apply(((),), [-1, 2]), [0, 2])


# --- add, concatenate, residual against their formulas ---

BRANCHES = fn.Linear(3), fn.Tanh(), fn.Linear(3, bias=False)


def of_each_branch(params, x, dys):
    """For each branch y, dx and grads."""
    rows = zip(BRANCHES, params, dys, strict=True)
    return zip(*(outcome(layer, p, x, dy) for layer, p, dy in rows), strict=True)


def test_add_is_the_sum_of_its_layers():
    params, x, _, _, dy = one_pass(fn.add(*BRANCHES), (3,))
    ys, dxs, grads = of_each_branch(params, x, [dy] * 3)
    expected = ys[0] + ys[1] + ys[2], dxs[0] + dxs[1] + dxs[2], grads
    assert tree.equal(outcome(fn.add(*BRANCHES), params, x, dy), expected)


def test_concatenate_is_its_layers_side_by_side():
    params, x, _, _, dy = one_pass(fn.concatenate(*BRANCHES), (3,))
    ys, dxs, grads = of_each_branch(params, x, [dy[..., 0:3], dy[..., 3:6], dy[..., 6:9]])
    expected = np.concatenate(ys, axis=-1), dxs[0] + dxs[1] + dxs[2], grads
    assert tree.equal(outcome(fn.concatenate(*BRANCHES), params, x, dy), expected)


def test_residual_is_x_plus_the_layer():
    layer = fn.Linear(3)
    params, x, _, _, dy = one_pass(fn.residual(layer), (3,))
    y, dx, grads = outcome(layer, params[1], x, dy)
    assert tree.equal(outcome(fn.residual(layer), params, x, dy), (x + y, dy + dx, ((), grads)))


def test_the_sum_of_a_layer_with_itself_is_twice_the_layer():
    x, dy = normal((5, 3)), normal((5, 3), 1)
    y, dx, _ = outcome(fn.ReLU(), (), x, dy)
    assert tree.equal(outcome(fn.add(fn.ReLU(), fn.ReLU()), ((), ()), x, dy), (2 * y, 2 * dx, ((), ())))


@pytest.mark.parametrize(
    ("model", "shape", "expected"),
    [
        (fn.sequential(fn.Linear(5), fn.ReLU(), fn.Linear(2)), (3,), (2,)),
        (fn.sequential(), (4, 3), (4, 3)),
        (fn.add(fn.Linear(5), fn.Linear(5)), (2, 3), (2, 5)),
        (fn.concatenate(fn.Linear(5), fn.Identity(), fn.Linear(2)), (4, 3), (4, 5 + 3 + 2)),
        (fn.residual(fn.Linear(3)), (3,), (3,)),
    ],
    ids=repr,
)
def test_output_shape(model, shape, expected):
    assert model.output_shape(shape) == expected


# --- params_backward computes no more than it is asked for ---


@attrs.frozen
class Spy(fn.Layer):
    """Does as its layer does, and notes the backward passes that are asked of it."""

    name: str
    layer: fn.Layer
    calls: list = attrs.field(eq=False)

    def init(self, key, input_shape, dtype=np.float32):
        return self.layer.init(key, input_shape, dtype)

    def output_shape(self, input_shape):
        return self.layer.output_shape(input_shape)

    def forward(self, params, x):
        return self.layer.forward(params, x)

    def backward(self, params, cache, dy):
        self.calls.append((self.name, "backward"))
        return self.layer.backward(params, cache, dy)

    def params_backward(self, params, cache, dy):
        self.calls.append((self.name, "params_backward"))
        return self.layer.params_backward(params, cache, dy)


def calls_of_params_backward(build, shape=(3,)):
    """Which backward passes `params_backward` asks for; `build` makes the model with a function that makes spies."""
    calls = []
    model = build(lambda name, layer: Spy(name, layer, calls))
    params, _, _, cache, dy = one_pass(model, shape)
    model.params_backward(params, cache, dy)
    return calls


def test_no_gradient_of_the_networks_input_is_computed():
    calls = calls_of_params_backward(
        lambda spy: fn.sequential(
            spy("before", fn.Tanh()),
            spy("also before", fn.Flatten()),
            spy("first", fn.Linear(4)),
            spy("after", fn.Tanh()),
            spy("last", fn.Linear(2)),
        )
    )
    assert calls == [("last", "backward"), ("after", "backward"), ("first", "params_backward")]


def test_no_gradient_of_the_networks_input_is_computed_in_nested_models():
    calls = calls_of_params_backward(
        lambda spy: fn.sequential(
            fn.sequential(spy("before", fn.Tanh())),
            fn.sequential(spy("before too", fn.Tanh()), fn.residual(spy("branch", fn.Linear(3)))),
            spy("last", fn.Linear(2)),
        )
    )
    assert calls == [("last", "backward"), ("branch", "params_backward")]


@pytest.mark.parametrize("combinator", [fn.add, fn.concatenate])
def test_no_branch_computes_the_gradient_of_its_input(combinator):
    calls = calls_of_params_backward(lambda spy: combinator(spy("one", fn.Linear(3)), spy("two", fn.Linear(3))))
    assert calls == [("one", "params_backward"), ("two", "params_backward")]


def test_a_model_without_params_computes_nothing():
    assert calls_of_params_backward(lambda spy: fn.sequential(spy("one", fn.Tanh()), spy("two", fn.Tanh()))) == []


# --- init ---


@pytest.mark.parametrize("combinator", [fn.sequential, fn.add, fn.concatenate])
@pytest.mark.parametrize(
    "appended", [fn.Linear(3), fn.Dropout(0.5), fn.sequential(fn.Linear(7), fn.Linear(3))], ids=repr
)
def test_appending_a_layer_leaves_the_initial_params_of_the_others(combinator, appended):
    layers = fn.Linear(3), fn.ReLU(), fn.Linear(3)
    params = combinator(*layers).init(fn.Key(0), (3,))
    assert tree.equal(combinator(*layers, appended).init(fn.Key(0), (3,))[:3], params)


@models
def test_the_same_key_gives_the_same_initial_params(model, shape):
    assert tree.equal(model.init(fn.Key(0), shape), model.init(fn.Key(0), shape))


@pytest.mark.parametrize("combinator", [fn.sequential, fn.add, fn.concatenate])
def test_every_layer_draws_its_own_initial_params(combinator):
    model = combinator(fn.Linear(3), fn.Linear(3), combinator(fn.Linear(3)))
    weights = [model.init(fn.Key(seed), (3,)) for seed in (0, 1)]
    weights = [leaf for path, leaf in tree.named_leaves(tuple(weights)).items() if path.endswith("weight")]
    assert len({weight.tobytes() for weight in weights}) == len(weights) == 6


@models
def test_initial_params_of_two_precisions_agree_to_rounding(model, shape):
    single, double = (model.init(fn.Key(0), shape, dtype) for dtype in (np.float32, np.float64))
    assert tree.equal(single, tree.cast(double, np.float32))


# --- training ---

DROPPING = fn.sequential(fn.Dropout(0.5), fn.add(fn.Dropout(0.5), fn.sequential(fn.Dropout(0.5))), fn.Dropout(0.5))


def keys(model):
    """The keys of all Dropouts inside."""
    inside = [model.key] if isinstance(model, fn.Dropout) else []
    return inside + [key for layer in getattr(model, "layers", ()) for key in keys(layer)]


def test_each_dropout_is_trained_under_its_own_key():
    trained = keys(DROPPING.training(fn.Key(0)))
    assert len(set(trained)) == len(trained) == 4
    assert None not in trained
    assert not set(trained) & set(keys(DROPPING.training(fn.Key(1))))


def test_training_is_another_layer_and_the_model_stays_as_it_is():
    before = repr(DROPPING)
    trained = DROPPING.training(fn.Key(0))
    assert trained != DROPPING
    assert repr(DROPPING) == before
    assert keys(DROPPING) == [None] * 4


def test_the_same_key_drops_the_same():
    params, x, _, _, dy = one_pass(DROPPING, (50,))
    first, again, other = (outcome(DROPPING.training(fn.Key(seed)), params, x, dy) for seed in (0, 0, 1))
    assert tree.equal(first, again)
    assert not np.array_equal(first[0], other[0])


def test_appending_a_layer_leaves_the_draws_of_the_others():
    layers = fn.Linear(3), fn.Dropout(0.5)
    longer = fn.sequential(*layers, fn.Dropout(0.5), fn.Linear(2)).training(fn.Key(0))
    assert longer.layers[:2] == fn.sequential(*layers).training(fn.Key(0)).layers


def test_training_drops_what_inference_keeps():
    model, x = fn.sequential(fn.Dropout(1.0), fn.residual(fn.Dropout(1.0))), np.ones((2, 3))
    params = model.init(fn.Key(0), (3,))
    assert np.array_equal(model.apply(params, x), 2 * x)
    assert np.array_equal(model.training(fn.Key(0)).apply(params, x), 0 * x)


def test_a_model_without_randomness_is_its_own_training_form():
    model = fn.sequential(fn.Linear(3), fn.residual(fn.ReLU()))
    assert model.training(fn.Key(0)) == model


def test_training_has_the_same_params():
    assert tree.equal(DROPPING.training(fn.Key(0)).init(fn.Key(1), (3,)), DROPPING.init(fn.Key(1), (3,)))


# --- What else composes ---


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
    y, dx, _ = outcome(model, params, np.array(1.5), np.array(2.0))
    assert (float(y), float(dx)) == (3.0, 4.0)
    assert isinstance(y, np.ndarray)
    assert isinstance(dx, np.ndarray)
