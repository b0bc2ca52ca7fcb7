"""What every layer is: a value, with passes, defaults and a training form of its own; and its summary."""

import copy
import multiprocessing
import pickle
from concurrent.futures import ProcessPoolExecutor

import attrs
import numpy as np
import pytest

import funcnet as fn
from funcnet import tree

# One of each layer, with and without its options, and of each combinator; all take (..., 3).
LAYERS = [
    fn.Linear(4),
    fn.Linear(4, bias=False),
    fn.Linear(4, weight_init=fn.initializers.he_normal, bias_init=fn.initializers.constant(0.5)),
    fn.Linear(4, weight_init=fn.initializers.normal(0.01), bias_init=fn.initializers.uniform(0.1)),
    fn.ReLU(),
    fn.LeakyReLU(),
    fn.LeakyReLU(0.2),
    fn.ELU(),
    fn.ELU(alpha=0.5),
    fn.GELU(),
    fn.SiLU(),
    fn.Sigmoid(),
    fn.Tanh(),
    fn.Softplus(),
    fn.Softmax(),
    fn.LogSoftmax(),
    fn.Identity(),
    fn.Elementwise(np.sin, np.cos),
    fn.Flatten(),
    fn.Dropout(0.5),
    fn.Dropout(0.5).training(fn.Key(2**100).fold_in("name").fold_in(3)),
    fn.sequential(),
    fn.sequential(fn.Linear(4), fn.ReLU(), fn.sequential(fn.Linear(2))),
    fn.add(fn.Linear(4), fn.Linear(4)),
    fn.concatenate(fn.Linear(4), fn.Identity()),
    fn.residual(fn.sequential(fn.Tanh(), fn.Dropout(0.1))),
    fn.sequential(fn.Dropout(0.5), fn.residual(fn.Dropout(0.5))).training(fn.Key(1)),
]
layers = pytest.mark.parametrize("layer", LAYERS, ids=repr)


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


def keys(model):
    """The keys of all Dropouts inside."""
    if isinstance(model, fn.Dropout):
        return [model.key]
    inside = attrs.astuple(model, recurse=False) if isinstance(model, fn.Layer) else model
    return [key for part in inside if isinstance(part, fn.Layer | tuple) for key in keys(part)]


def test_a_combinator_of_ones_own_is_trained_without_a_word_of_its_own():
    trained = MODEL.training(fn.Key(0))
    assert type(trained) is Weighted
    assert (trained.factor, trained.others[1], trained.derived) == (3.0, fn.ReLU(), 0)
    assert len(set(keys(trained))) == len(keys(trained)) == 5
    assert None not in keys(trained)
    assert keys(MODEL) == [None] * 5


def test_the_key_fixes_the_draws():
    params, x = sample(MODEL)
    first, again, other = (MODEL.training(fn.Key(seed)) for seed in (0, 0, 1))
    assert first == again != other
    assert not set(keys(first)) & set(keys(other))
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


# --- Summary ---


def cells(model, input_shape, *dtype):
    """The rows of the summary as lists of cells."""
    return [line.split("  ") for line in fn.summary(model, input_shape, *dtype).splitlines()]


def stripped(row):
    return [cell.strip() for cell in row if cell.strip()]


NESTED = fn.sequential(
    fn.Flatten(),
    fn.Linear(50),
    fn.residual(fn.sequential(fn.ReLU(), fn.Linear(50, bias=False))),
    fn.concatenate(fn.Linear(1000), fn.Identity()),
    fn.sequential(),
)


def test_summary_of_a_nested_model():
    rows = [stripped(row) for row in cells(NESTED, (28, 28))]
    first, inner, last = 784 * 50 + 50, 50 * 50, 50 * 1000 + 1000
    total = first + inner + last
    assert rows == [
        ["path", "layer", "output shape", "params", "bytes"],
        ["0", "Flatten()", "(784,)", "0", "0"],
        ["1", "Linear(n_out=50)", "(50,)", f"{first:,}", f"{4 * first:,}"],
        ["2.0", "Identity()", "(50,)", "0", "0"],
        ["2.1.0", "ReLU()", "(50,)", "0", "0"],
        ["2.1.1", "Linear(n_out=50, bias=False)", "(50,)", f"{inner:,}", f"{4 * inner:,}"],
        ["3.0", "Linear(n_out=1000)", "(1000,)", f"{last:,}", f"{4 * last:,}"],
        ["3.1", "Identity()", "(50,)", "0", "0"],
        ["4", "sequential()", "(1050,)", "0", "0"],
        ["total", f"{total:,}", f"{4 * total:,}"],
    ]
    assert f"{total:,}" == "92,750"


def test_summary_of_a_single_layer():
    assert fn.summary(fn.Linear(2), (3,)).splitlines() == [
        "path   layer            output shape  params  bytes",
        "-      Linear(n_out=2)  (2,)               8     32",
        "total                                      8     32",
    ]


@layers
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_the_last_line_of_the_summary_is_the_total(layer, dtype):
    *rows, total = [stripped(row) for row in cells(layer, (3,), dtype)][1:]
    size = tree.size(layer.init(fn.Key(0), (3,)))
    assert total == ["total", f"{size:,}", f"{size * np.dtype(dtype).itemsize:,}"]
    assert sum(int(row[-2].replace(",", "")) for row in rows) == size


def test_the_columns_of_the_summary_are_aligned():
    header, *rows = fn.summary(NESTED, (28, 28)).splitlines()
    assert {len(row) for row in rows} == {len(header)}
    assert all(row[header.index(name) - 1] == " " for row in rows for name in ("layer", "output shape"))
