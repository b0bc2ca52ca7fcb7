"""What every layer is: a value, with passes, defaults and a training form of its own."""

import copy
import multiprocessing
import pickle
from concurrent.futures import ProcessPoolExecutor

import attrs
import numpy as np
import pytest

import funcnet as fn
from funcnet import tree
from tests.layers.values import LAYERS, layers
from tests.passes import dropout_keys


def sample(layer):
    """Params, and an x they fit."""
    return layer.init(fn.Key(0), (3,)), np.random.default_rng(0).standard_normal((5, 3))


# --- A layer is a value ---


@layers
@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_pickle_gives_an_equal_layer(layer, protocol):
    assert pickle.loads(pickle.dumps(layer, protocol)) == layer


@layers
@pytest.mark.parametrize("function", [copy.copy, copy.deepcopy, attrs.evolve])
def test_copies_are_equal(layer, function):
    assert function(layer) == layer


@layers
def test_repr_is_the_code_that_makes_it(layer):
    scope = {**vars(fn), "np": np} if isinstance(layer, fn.Elementwise) else dict(vars(fn))
    assert eval(repr(layer), scope) == layer


@layers
def test_equal_layers_hash_alike(layer):
    assert hash(pickle.loads(pickle.dumps(layer))) == hash(layer)


def test_different_layers_differ():
    assert len(set(LAYERS)) == len(LAYERS)
    assert len(set(map(repr, LAYERS))) == len(LAYERS)


@layers
def test_no_attribute_can_be_set(layer):
    for name in [*(field.name for field in attrs.fields(type(layer))), "note"]:
        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            setattr(layer, name, None)


@layers
def test_passes_do_not_change_the_layer(layer):
    before = pickle.dumps(layer)
    params, x = sample(layer)
    y, cache = layer.forward(params, x)
    layer.backward(params, cache, y)
    layer.params_backward(params, cache, y)
    layer.training(fn.Key(0)).apply(params, x)
    assert pickle.dumps(layer) == before


def test_layers_can_be_sent_to_another_process():
    samples = [sample(layer) for layer in LAYERS]
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as executor:
        results = [executor.submit(layer.forward, *given) for layer, given in zip(LAYERS, samples, strict=True)]
        for layer, given, result in zip(LAYERS, samples, results, strict=True):
            (y, cache), (expected, _) = result.result(), layer.forward(*given)
            assert cache.owner == layer
            assert tree.equal(y, expected)
            assert tree.equal(
                layer.backward(given[0], cache, y), layer.backward(*given[:1], layer.forward(*given)[1], y)
            )


@pytest.mark.parametrize(
    ("layer", "text"),
    [
        (fn.Linear(10), "Linear(n_out=10)"),
        (fn.Linear(10, bias=False), "Linear(n_out=10, bias=False)"),
        (fn.LeakyReLU(0.2), "LeakyReLU(slope=0.2)"),
        (fn.LeakyReLU(0.01), "LeakyReLU()"),
        (fn.sequential(fn.Flatten(), fn.add(fn.ReLU())), "sequential(Flatten(), add(ReLU()))"),
        (fn.residual(fn.ReLU()), "add(Identity(), ReLU())"),
        (fn.Linear(2, weight_init=fn.initializers.zeros), "Linear(n_out=2, weight_init=initializers.zeros)"),
    ],
    ids=str,
)
def test_repr_leaves_out_what_is_default(layer, text):
    assert repr(layer) == text


# --- A layer of one's own ---


@attrs.frozen
class Square(fn.Layer):
    def forward(self, params, x):
        return x**2, x

    def backward(self, params, cache, dy):
        return 2 * cache * dy, ()


@attrs.frozen
class Weighted(fn.Layer):
    """A combinator: first(x) + factor * the sum of the others; it says nothing of training."""

    first: fn.Layer
    others: tuple[fn.Layer, ...]
    factor: float = 2.0
    _private: fn.Layer | None = None
    derived: int = attrs.field(init=False, default=0)

    def init(self, key, input_shape, dtype=np.float32):
        return tuple(
            layer.init(key.fold_in(index), input_shape, dtype) for index, layer in enumerate((self.first, *self.others))
        )

    def forward(self, params, x):
        first, *others = (layer.apply(p, x) for layer, p in zip((self.first, *self.others), params, strict=True))
        return first + self.factor * sum(others), None


def test_a_layer_without_params_needs_only_its_passes():
    x, dy = np.array([[1.0, 2.0, 3.0]]), np.array([[1.0, 10.0, 100.0]])
    assert Square().init(fn.Key(0), (3,)) == ()
    assert Square().output_shape((2, 3)) == (2, 3)
    assert Square().parts((3,)) == ()
    assert Square().training(fn.Key(0)) == Square()
    assert repr(Square()) == "Square()"
    assert np.array_equal(Square().apply((), x), [[1, 4, 9]])
    cache = Square().forward((), x)[1]
    assert np.array_equal(Square().backward((), cache, dy)[0], [[2, 40, 600]])
    assert Square().params_backward((), cache, dy) == ()


def test_a_layer_of_ones_own_composes_with_the_librarys():
    model = fn.sequential(fn.Identity(), fn.residual(Square()), fn.Flatten())
    params = model.init(fn.Key(0), (2, 2))
    x = np.arange(8.0).reshape(2, 2, 2)
    y, cache = model.forward(params, x)
    dx, _ = model.backward(params, cache, np.ones_like(y))
    assert np.array_equal(y, (x + x**2).reshape(2, 4))
    assert np.array_equal(dx, 1 + 2 * x)
    assert "add(Identity(), Square())" in repr(model)


@pytest.mark.parametrize("name", ["forward", "backward", "apply", "params_backward"])
def test_a_pass_that_is_missing_is_named(name):
    missing = "forward" if name in ("forward", "apply") else "backward"
    with pytest.raises(NotImplementedError, match=f"^Layer has no {missing}$"):
        getattr(fn.Layer(), name)(*(() for _ in range(2 if missing == "forward" else 3)))


# --- Training ---

DROPOUT = fn.Dropout(0.5)
MODEL = Weighted(DROPOUT, (DROPOUT, fn.ReLU(), fn.sequential(DROPOUT, fn.residual(DROPOUT))), 3.0, DROPOUT)


def test_a_combinator_of_ones_own_is_trained_without_a_word_of_its_own():
    trained = MODEL.training(fn.Key(0))
    assert type(trained) is Weighted
    assert (trained.factor, trained.others[1], trained.derived) == (3.0, fn.ReLU(), 0)
    assert len(set(dropout_keys(trained))) == len(dropout_keys(trained)) == 5
    assert None not in dropout_keys(trained)
    assert dropout_keys(MODEL) == [None] * 5


def test_the_key_fixes_the_draws():
    params, x = sample(MODEL)
    first, again, other = (MODEL.training(fn.Key(seed)) for seed in (0, 0, 1))
    assert first == again != other
    assert not set(dropout_keys(first)) & set(dropout_keys(other))
    assert tree.equal(first.apply(params, x), again.apply(params, x))
    assert not np.array_equal(first.apply(params, x), other.apply(params, x))


def test_training_twice_is_training_with_the_last_key():
    assert MODEL.training(fn.Key(0)).training(fn.Key(1)) == MODEL.training(fn.Key(1))


@layers
def test_a_layer_in_training_has_the_params_and_shapes_of_the_layer(layer):
    trained = layer.training(fn.Key(0))
    params, x = sample(layer)
    assert tree.equal(trained.init(fn.Key(0), (3,)), params)
    assert trained.apply(params, x).shape == layer.apply(params, x).shape == (5, *layer.output_shape((3,)))
    assert tree.equal(trained.apply(params, x), trained.apply(params, x))


@pytest.mark.parametrize("layer", [layer for layer in LAYERS if "Dropout" not in repr(layer)], ids=repr)
def test_a_layer_without_randomness_is_its_own_training_form(layer):
    assert layer.training(fn.Key(0)) == layer
