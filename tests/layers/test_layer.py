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
from funcnet.tree import shape_of
from tests.layers import table
from tests.layers.cases import batched, normal
from tests.layers.row import every_row
from tests.layers.table import ROWS
from tests.passes import dropout_keys

every = every_row(ROWS)


def sample(layer, shape=(3,)):
    """Params, and an x they fit."""
    return layer.init(fn.Key(0), shape), normal(batched((5,), shape))


# --- A layer is a value ---


@every
def test_pickle_gives_an_equal_layer_which_hashes_alike(row):
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        copied = pickle.loads(pickle.dumps(row.layer, protocol))
        assert copied == row.layer
        assert hash(copied) == hash(row.layer)


@every
def test_copies_are_equal(row):
    for function in (copy.copy, copy.deepcopy, attrs.evolve):
        assert function(row.layer) == row.layer


@every
def test_repr_is_the_code_that_makes_it(row):
    scope = {**vars(fn), "np": np, "doubled": table.doubled} if isinstance(row.layer, fn.Elementwise) else vars(fn)
    assert eval(repr(row.layer), dict(scope)) == row.layer


def test_different_layers_differ():
    assert len({row.layer for row in ROWS}) == len({repr(row.layer) for row in ROWS}) == len(ROWS)


@every
def test_no_attribute_can_be_set(row):
    for name in [*(field.name for field in attrs.fields(type(row.layer))), "note"]:
        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            setattr(row.layer, name, None)


@every
def test_passes_do_not_change_the_layer(row):
    layer, before = row.layer, pickle.dumps(row.layer)
    params, x = sample(layer, row.shapes[0])
    y, cache = layer.forward(params, x)
    layer.backward(params, cache, y)
    layer.params_backward(params, cache, y)
    layer.training(fn.Key(0)).apply(params, x)
    assert pickle.dumps(layer) == before


@pytest.mark.slow
def test_layers_can_be_sent_to_another_process():
    samples = [sample(row.layer, row.shapes[0]) for row in ROWS]
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as executor:
        results = [executor.submit(row.layer.forward, *given) for row, given in zip(ROWS, samples, strict=True)]
        for row, (params, x), result in zip(ROWS, samples, results, strict=True):
            (y, cache), (expected, expected_cache) = result.result(), row.layer.forward(params, x)
            assert cache.owner == row.layer
            assert tree.equal(y, expected)
            expected = row.layer.backward(params, expected_cache, y)
            assert tree.equal(row.layer.backward(params, cache, y), expected)


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


@every
def test_a_layer_in_training_has_the_params_and_shapes_of_the_layer(row):
    layer, shape, trained = row.layer, row.shapes[0], row.layer.training(fn.Key(0))
    params, x = sample(layer, shape)
    assert tree.equal(trained.init(fn.Key(0), shape), params)
    shapes = shape_of(trained.apply(params, x)), shape_of(layer.apply(params, x))
    assert shapes == (batched((5,), layer.output_shape(shape)),) * 2


@every
def test_a_layer_without_randomness_is_its_own_training_form_and_no_other_is(row):
    assert (row.layer.training(fn.Key(0)) == row.layer) == (not row.differs_in_training)


# --- Layers in fields that training does not look into ---


@attrs.frozen
class Holder(fn.Layer):
    """A layer that holds others in any way."""

    held: object = None

    def forward(self, params, x):
        return x, None


@pytest.mark.parametrize("held", [[fn.ReLU()], {"first": fn.Dropout(0.5)}, [1, fn.ReLU()]])
@pytest.mark.parametrize("outer", [lambda layer: layer, fn.sequential], ids=["alone", "in sequential"])
def test_layers_in_a_list_or_a_dict_are_an_error_in_training(held, outer):
    kind = type(held).__name__
    with pytest.raises(TypeError, match=f"not reach the layers in the {kind} held of Holder: write a tuple"):
        outer(Holder(held)).training(fn.Key(0))


@pytest.mark.parametrize("held", [[1, 2], {"a": "b"}, [], (fn.ReLU(),), fn.ReLU()])
def test_any_other_field_is_none_of_trainings_business(held):
    Holder(held).training(fn.Key(0))
