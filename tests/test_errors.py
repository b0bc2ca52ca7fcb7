"""Each wrong use has a message of its own, that says where it was, what was expected and what came."""

import copy
import pickle
import re

import attrs
import numpy as np
import pytest

import funcnet as fn
from funcnet.errors import FuncnetError

KEY = fn.Key(0)
MODEL = fn.sequential(fn.Linear(50), fn.ReLU(), fn.Linear(10))
PARAMS = MODEL.init(KEY, (4,))
X = np.ones((3, 4))
Y, CACHE = MODEL.forward(PARAMS, X)
LINEAR, LINEAR_PARAMS = MODEL.layers[0], PARAMS[0]
NESTED = fn.sequential(fn.ReLU(), MODEL)
WITHOUT_BIAS = fn.Linear(50, bias=False)
LINEAR_CACHE = LINEAR.forward(LINEAR_PARAMS, X)[1]


def cache_of(model, input_shape):
    return model.forward(model.init(KEY, input_shape), np.ones((3, *input_shape)))[1]


def raised(error, use):
    with pytest.raises(error) as caught:
        use()
    return caught.value


def check(use, error, *words):
    """`use()` raises `error`, whose message has the words in this order."""
    assert re.search(".*".join(map(re.escape, words)), str(raised(error, use)), re.DOTALL)


def check_all(table):
    """Parametrize a test with the rows (name, use, *words) of a table."""
    return pytest.mark.parametrize(("use", "words"), [pytest.param(use, words, id=name) for name, use, *words in table])


# --- Shapes ---


@check_all(
    [
        (
            "features of a layer",
            lambda: LINEAR.forward(LINEAR_PARAMS, np.ones((3, 5))),
            "expected x of shape (..., n_in=4), got (3, 5)",
        ),
        (
            "features of a layer in apply",
            lambda: LINEAR.apply(LINEAR_PARAMS, np.ones(5)),
            "expected x of shape (..., n_in=4), got (5,)",
        ),
        ("no features", lambda: LINEAR.apply(LINEAR_PARAMS, 1.0), "expected x of shape (..., n_in=4), got ()"),
        (
            "first layer",
            lambda: MODEL.forward(PARAMS, np.ones((3, 5))),
            "in layer 0 of sequential (Linear(n_out=50)): expected x of shape (..., n_in=4), got (3, 5)",
        ),
        (
            "first layer in apply",
            lambda: MODEL.apply(PARAMS, np.ones((3, 5))),
            "in layer 0 of sequential (Linear(n_out=50)): expected x of shape (..., n_in=4), got (3, 5)",
        ),
        (
            "layer 2",
            lambda: MODEL.forward((*PARAMS[:2], fn.Linear(10).init(KEY, (49,))), X),
            "in layer 2 of sequential (Linear(n_out=10)): expected x of shape (..., n_in=49), got (3, 50)",
        ),
        (
            "nested layer",
            lambda: NESTED.forward(((), PARAMS), np.ones((3, 5))),
            "in layer 1.0 of sequential (Linear(n_out=50)): expected x of shape (..., n_in=4), got (3, 5)",
        ),
        (
            "layer in a layer in add",
            lambda: fn.residual(NESTED).forward(((), ((), PARAMS)), np.ones((3, 5))),
            "in layer 1.1.0 of add (Linear(n_out=50)): expected x of shape (..., n_in=4), got (3, 5)",
        ),
        (
            "layer in concatenate",
            lambda: fn.concatenate(fn.ReLU(), LINEAR).forward(((), LINEAR_PARAMS), np.ones(5)),
            "in layer 1 of concatenate (Linear(n_out=50)): expected x of shape (..., n_in=4), got (5,)",
        ),
        (
            "value_and_grad",
            lambda: fn.value_and_grad(MODEL, fn.SoftmaxCrossEntropy(), PARAMS, np.ones((3, 5)), np.zeros(3, int)),
            "in layer 0 of sequential (Linear(n_out=50)): expected x of shape (..., n_in=4), got (3, 5)",
        ),
        (
            "flatten",
            lambda: fn.Flatten().forward(fn.Flatten().init(KEY, (2, 3)), np.ones((5, 3, 2))),
            "expected x of shape (..., 2, 3), got (5, 3, 2)",
        ),
        (
            "elementwise",
            lambda: fn.Elementwise(np.sum, np.cos).forward((), np.ones((5, 3))),
            "expected the function to keep the shape (5, 3), got ()",
        ),
        ("dy", lambda: LINEAR.backward(LINEAR_PARAMS, LINEAR_CACHE, X), "expected dy of", "(3, 50), got (3, 4)"),
        ("dy of sequential", lambda: MODEL.backward(PARAMS, CACHE, Y.T), "expected dy of", "(3, 10), got (10, 3)"),
        ("dy that broadcasts", lambda: MODEL.backward(PARAMS, CACHE, 1.0), "expected dy of", "(3, 10), got ()"),
        (
            "dy of params_backward",
            lambda: MODEL.params_backward(PARAMS, CACHE, Y[:1]),
            "expected dy of",
            "(3, 10), got (1, 10)",
        ),
        (
            "dy of add",
            lambda: fn.add(fn.ReLU()).backward(((),), cache_of(fn.add(fn.ReLU()), (4,)), np.ones((3, 1))),
            "expected dy of",
            "(3, 4), got (3, 1)",
        ),
        ("no features at init", lambda: fn.Linear(3).init(KEY, ()), "at least one axis, the features, got ()"),
        (
            "no features for output_shape",
            lambda: fn.Linear(3).output_shape(()),
            "at least one axis, the features, got ()",
        ),
        ("no features for softmax", lambda: fn.Softmax().output_shape(()), "at least one axis, the features, got ()"),
        (
            "no features at init of sequential",
            lambda: fn.sequential(fn.ReLU(), fn.Linear(3)).init(KEY, ()),
            "in layer 1 of sequential (Linear(n_out=3)): ",
            "at least one axis, the features, got ()",
        ),
        (
            "no features in summary",
            lambda: fn.summary(fn.sequential(fn.sequential(fn.Softmax())), ()),
            "in layer 0.0 of sequential (Softmax()): ",
            "at least one axis, the features, got ()",
        ),
    ]
)
def test_wrong_shape(use, words):
    check(use, fn.ShapeError, *words)


def two(combinator, first, second, input_shape):
    """A combinator of two layers, params for it and an x; a batch axis must not be taken for that of the features."""
    model = combinator(first, second)
    params = tuple(layer.init(KEY, input_shape) for layer in (first, second))
    return model, params, np.ones((2, *input_shape) if input_shape else ())


UNLIKE = {
    "other features": (fn.add, fn.Linear(3), fn.Linear(4), (2,), (3,), (4,)),
    "features that would broadcast": (fn.add, fn.Linear(3), fn.Linear(1), (2,), (3,), (1,)),
    "axes that would broadcast": (fn.add, fn.Flatten(), fn.Identity(), (1, 2), (2,), (1, 2)),
    "a residual": (lambda _, layer: fn.residual(layer), fn.Identity(), fn.Linear(3), (2,), (2,), (3,)),
    "axes side by side": (fn.concatenate, fn.Flatten(), fn.Identity(), (2, 2), (4,), (2, 2)),
    "nothing to join": (fn.concatenate, fn.Identity(), fn.Identity(), (), (), ()),
}
unlike = pytest.mark.parametrize(
    ("combinator", "first", "second", "input_shape", "one", "other"), UNLIKE.values(), ids=UNLIKE
)


@unlike
def test_outputs_that_do_not_fit_have_no_output_shape(combinator, first, second, input_shape, one, other):
    model, _, _ = two(combinator, first, second, input_shape)
    check(lambda: model.output_shape(input_shape), fn.ShapeError, "expected outputs", f"got {one} and {other}")


@unlike
@pytest.mark.parametrize("name", ["forward", "apply"])
def test_outputs_that_do_not_fit_are_not_joined(combinator, first, second, input_shape, one, other, name):
    model, params, x = two(combinator, first, second, input_shape)
    shapes = [layer.apply(p, x).shape for layer, p in zip((first, second), params, strict=True)]
    use = getattr(model, name)
    check(lambda: use(params, x), fn.ShapeError, "expected outputs", f"got {shapes[0]} and {shapes[1]}")


@unlike
def test_outputs_that_do_not_fit_have_a_place(combinator, first, second, input_shape, one, other):
    model = fn.sequential(fn.ReLU(), combinator(first, second))
    check(lambda: model.init(KEY, input_shape), fn.ShapeError, "in layer 1 of sequential", "expected outputs")


# --- Caches ---


@check_all(
    [
        (
            "another layer",
            lambda: LINEAR.backward(LINEAR_PARAMS, cache_of(fn.ReLU(), (50,)), Y),
            "expected a cache of Linear(n_out=50), got one of ReLU()",
        ),
        (
            "the same class of layer",
            lambda: fn.ELU(0.5).backward((), cache_of(fn.ELU(), (4,)), X),
            "expected a cache of ELU(alpha=0.5), got one of ELU()",
        ),
        (
            "another model",
            lambda: MODEL.backward(PARAMS, cache_of(fn.sequential(fn.Linear(10)), (4,)), Y),
            "expected a cache of sequential(Linear(n_out=50), ReLU(), Linear(n_out=10)), "
            "got one of sequential(Linear(n_out=10))",
        ),
        (
            "another model in params_backward",
            lambda: MODEL.params_backward(PARAMS, cache_of(fn.sequential(fn.Linear(10)), (4,)), Y),
            "got one of sequential(Linear(n_out=10))",
        ),
        (
            "add for concatenate",
            lambda: fn.add(fn.ReLU()).backward(((),), cache_of(fn.concatenate(fn.ReLU()), (4,)), X),
            "expected a cache of add(ReLU()), got one of concatenate(ReLU())",
        ),
        (
            "inference for training",
            lambda: fn.Dropout(0.5).training(KEY).backward((), cache_of(fn.Dropout(0.5), (4,)), X),
            "expected a cache of Dropout(rate=0.5, key=Key(seed=0)), got one of Dropout(rate=0.5)",
        ),
        ("no cache", lambda: LINEAR.backward(LINEAR_PARAMS, X, Y), "expected a cache of Linear(n_out=50), got ndarray"),
        ("None", lambda: MODEL.backward(PARAMS, None, Y), "expected a cache of sequential(", "got NoneType"),
        ("the pair", lambda: MODEL.backward(PARAMS, (Y, CACHE), Y), "expected a cache of sequential(", "got tuple"),
        (
            "a layer without params_backward to do",
            lambda: fn.sequential(fn.ReLU()).params_backward(((),), cache_of(fn.ReLU(), (4,)), X),
            "expected a cache of sequential(ReLU()), got one of ReLU()",
        ),
    ]
)
def test_wrong_cache(use, words):
    check(use, fn.CacheError, *words)


@pytest.mark.parametrize("name", ["backward", "params_backward"])
def test_a_cache_of_other_params_is_refused(name):
    params, cache = LINEAR.init(KEY, (7,)), cache_of(LINEAR, (4,))
    use = getattr(LINEAR, name)
    check(lambda: use(params, cache, np.ones((3, 50))), FuncnetError, "expected", "7", "got", "4")


# --- Params ---


@check_all(
    [
        (
            "too few",
            lambda: MODEL.forward(PARAMS[:2], X),
            "expected the params of sequential, a tuple of 3, got a tuple of 2",
        ),
        (
            "too many for backward",
            lambda: MODEL.backward((*PARAMS, ()), CACHE, Y),
            "expected the params of sequential, a tuple of 3, got a tuple of 4",
        ),
        (
            "none at all",
            lambda: MODEL.apply(None, X),
            "expected the params of sequential, a tuple of 3, got NoneType",
        ),
        (
            "a list",
            lambda: MODEL.apply(list(PARAMS), X),
            "expected the params of sequential, a tuple of 3, got list",
        ),
        (
            "too few for add",
            lambda: fn.residual(fn.ReLU()).apply((), X),
            "expected the params of add, a tuple of 2, got a tuple of 0",
        ),
        (
            "of an inner model",
            lambda: NESTED.params_backward(((), PARAMS[1:]), cache_of(NESTED, (4,)), Y),
            "in layer 1 of sequential (sequential(",
            "expected the params of sequential, a tuple of 3, got a tuple of 2",
        ),
        (
            "swapped",
            lambda: MODEL.forward((PARAMS[1], PARAMS[0], PARAMS[2]), X),
            "in layer 0 of sequential (Linear(n_out=50)): expected LinearParams of weight (n_in, 50)",
            "got tuple",
        ),
        (
            "swapped at a layer without params",
            lambda: fn.sequential(fn.ReLU(), LINEAR).forward((LINEAR_PARAMS, ()), X),
            "in layer 0 of sequential (ReLU()): expected (), as the layer has no params, got LinearParams",
        ),
        (
            "None",
            lambda: LINEAR.forward(None, X),
            "expected LinearParams of weight (n_in, 50) and bias (50,), got NoneType",
        ),
        (
            "without bias",
            lambda: LINEAR.forward(WITHOUT_BIAS.init(KEY, (4,)), X),
            "expected LinearParams of weight (n_in, 50) and bias (50,), got weight (4, 50) and bias None",
        ),
        (
            "with bias",
            lambda: WITHOUT_BIAS.forward(LINEAR_PARAMS, X),
            "expected LinearParams of weight (n_in, 50) and bias None, got weight (4, 50) and bias (50,)",
        ),
        (
            "of another size",
            lambda: fn.Linear(3).forward(LINEAR_PARAMS, X),
            "expected",
            "weight (n_in, 3)",
            "got",
            "(4, 50)",
        ),
        (
            "bias of another size",
            lambda: LINEAR.forward(attrs.evolve(LINEAR_PARAMS, bias=np.zeros(1)), X),
            "expected",
            "bias (50,)",
            "got",
            "(1,)",
        ),
        (
            "numbers for arrays",
            lambda: fn.Linear(1).forward(fn.LinearParams(1.0, 0.0), np.ones((3, 1))),
            "expected LinearParams",
            "got weight () and bias ()",
        ),
        (
            "x for params",
            lambda: fn.ReLU().forward(np.ones(3), ()),
            "expected (), as the layer has no params, got ndarray",
        ),
        ("one number for params", lambda: fn.Tanh().forward(np.ones(1), ()), "expected ()", "got ndarray"),
        ("() for Flatten", lambda: fn.Flatten().forward((), X), "expected the FlattenParams that init makes, got ()"),
        (
            "grads of another model",
            lambda: fn.sgd_step(PARAMS, PARAMS[:2], 0.1),
            "at the root expected a tuple of 3, got a tuple of 2",
        ),
        (
            "grads of a layer without bias",
            lambda: fn.sgd_step(PARAMS, (WITHOUT_BIAS.init(KEY, (4,)), *PARAMS[1:]), 0.1),
            "at 0.bias expected an array",
            "got None",
        ),
    ]
)
def test_wrong_params(use, words):
    check(use, fn.TreeError, *words)


# --- What is no layer, no number, no size ---


@check_all(
    [
        (
            "a class",
            lambda: fn.sequential(fn.Flatten(), fn.ReLU),
            "layer 1 of sequential is the class ReLU: write ReLU()",
        ),
        ("a class in add", lambda: fn.add(fn.ReLU), "layer 0 of add is the class ReLU: write ReLU()"),
        ("a class in residual", lambda: fn.residual(fn.ReLU), "is the class ReLU: write ReLU()"),
        ("a number", lambda: fn.sequential(3), "layer 0 of sequential is no layer: 3"),
        ("None", lambda: fn.concatenate(fn.ReLU(), None), "layer 1 of concatenate is no layer: None"),
        ("a list of layers", lambda: fn.sequential([fn.ReLU()]), "layer 0 of sequential is no layer: [ReLU()]"),
        ("a list of layers, with a hint", lambda: fn.sequential([fn.ReLU()]), "write sequential(*layers)"),
        ("a number for a key", lambda: MODEL.init(0, (4,)), "expected a key such as Key(0), got 0"),
        (
            "a number for a shape",
            lambda: fn.Linear(2).init(KEY, 4),
            "expected an input shape, a tuple such as (784,), got 4",
        ),
        ("a function", lambda: fn.residual(np.tanh), "is no layer: <ufunc 'tanh'>"),
        ("another class", lambda: fn.sequential(int), "layer 0 of sequential is no layer: <class 'int'>"),
        ("strings", lambda: LINEAR.apply(LINEAR_PARAMS, np.full((3, 4), "1")), "expected numbers of float32, got <U1"),
        ("complex", lambda: LINEAR.apply(LINEAR_PARAMS, X * 1j), "expected numbers of float32, got complex128"),
        ("objects", lambda: LINEAR.apply(LINEAR_PARAMS, X.astype(object)), "expected numbers of float32, got object"),
        (
            "dates in a model",
            lambda: MODEL.apply(PARAMS, np.zeros((3, 4), "M8[s]")),
            "expected numbers, got datetime64[s]",
        ),
        ("strings without params", lambda: fn.ReLU().apply((), ["a"]), "expected numbers, got <U1"),
        ("strings in softmax", lambda: fn.Softmax().apply((), ["a"]), "expected numbers, got <U1"),
        ("strings in identity", lambda: fn.Identity().apply((), ["a"]), "expected numbers, got <U1"),
        ("strings in sequential", lambda: fn.sequential().apply((), ["a"]), "expected numbers, got <U1"),
        ("a string for dy", lambda: MODEL.backward(PARAMS, CACHE, Y.astype(str)), "expected numbers, got <U"),
        ("a fraction of a feature", lambda: fn.Linear(1.5), "float"),
        ("no size", lambda: fn.Linear(), "n_out"),
    ]
)
def test_wrong_type(use, words):
    check(use, TypeError, *words)


@check_all(
    [
        ("add of nothing", fn.add, "add needs at least one layer"),
        ("concatenate of nothing", fn.concatenate, "concatenate needs at least one layer"),
        ("negative size", lambda: fn.Linear(-1), "'n_out' must be >= 0: -1"),
        ("rate over 1", lambda: fn.Dropout(1.5), "'rate' must be <= 1: 1.5"),
        ("negative rate", lambda: fn.Dropout(-0.5), "'rate' must be >= 0: -0.5"),
        ("rate NaN", lambda: fn.Dropout(float("nan")), "'rate' must be >= 0: nan"),
        ("negative slope", lambda: fn.LeakyReLU(-0.5), "'slope' must be >= 0: -0.5"),
        ("negative alpha", lambda: fn.ELU(-0.5), "'alpha' must be >= 0: -0.5"),
    ]
)
def test_wrong_value(use, words):
    check(use, ValueError, *words)


# --- The errors themselves ---


@pytest.mark.parametrize(
    ("error", "builtin"),
    [
        (fn.ShapeError, ValueError),
        (fn.TreeError, ValueError),
        (fn.CacheError, ValueError),
        (fn.DTypeError, TypeError),
        (fn.MissingExtraError, ImportError),
    ],
)
def test_code_that_knows_nothing_of_funcnet_can_catch_them(error, builtin):
    assert issubclass(error, builtin)


@attrs.frozen
class Broken(fn.Layer):
    """Raises `error` in the pass of that name."""

    name: str
    error: Exception

    def broken(self, name, value):
        if name == self.name:
            raise self.error
        return value

    def init(self, key, input_shape, dtype=np.float32):
        return self.broken("init", ())

    def output_shape(self, input_shape):
        return self.broken("output_shape", input_shape)

    def forward(self, params, x):
        return self.broken("forward", (x, None))

    def apply(self, params, x):
        return self.broken("apply", x)

    def backward(self, params, cache, dy):
        return self.broken("backward", (dy, ()))


def everything(model):
    """Every method that a model has."""
    params = model.init(KEY, (4,))
    model.apply(params, X)
    y, cache = model.forward(params, X)
    model.backward(params, cache, y)


@pytest.mark.parametrize("name", ["init", "output_shape", "forward", "apply", "backward"])
def test_a_foreign_error_gets_a_note_with_its_place(name):
    layer = Broken(name, KeyError("what went wrong"))
    error = raised(KeyError, lambda: everything(fn.sequential(fn.ReLU(), fn.sequential(layer, fn.ReLU()))))
    assert error is layer.error
    assert error.__notes__ == [
        f"in layer 0 of sequential ({layer!r})",
        f"in layer 1 of sequential (sequential({layer!r}, ReLU()))",
    ]


@pytest.mark.parametrize("name", ["init", "output_shape", "forward", "apply", "backward"])
def test_an_error_of_funcnet_gets_its_place(name):
    layer = Broken(name, fn.ShapeError("what went wrong"))
    error = raised(fn.ShapeError, lambda: everything(fn.sequential(fn.ReLU(), fn.sequential(layer, fn.ReLU()))))
    assert (error.path, error.model, error.layer) == (("1", "0"), "sequential", repr(layer))
    assert str(error) == f"in layer 1.0 of sequential ({layer!r}): what went wrong"
    assert not hasattr(error, "__notes__")


def test_the_place_in_params_backward():
    model = fn.sequential(LINEAR, fn.sequential(Broken("backward", KeyError("what went wrong"))))
    params = model.init(KEY, (4,))
    y, cache = model.forward(params, X)
    error = raised(KeyError, lambda: model.params_backward(params, cache, y))
    assert [note.split(" (")[0] for note in error.__notes__] == ["in layer 0 of sequential", "in layer 1 of sequential"]


@pytest.mark.parametrize("stop", [KeyboardInterrupt(), SystemExit()], ids=repr)
def test_an_interruption_is_let_through_as_it_is(stop):
    assert raised(type(stop), lambda: everything(fn.sequential(Broken("forward", stop)))) is stop
    assert not hasattr(stop, "__notes__")


def located():
    return raised(fn.ShapeError, lambda: NESTED.apply(((), PARAMS), np.ones(5)))


ERRORS = {
    "located": located(),
    **{error.__name__: error("words") for error in (fn.ShapeError, fn.TreeError, fn.CacheError, fn.DTypeError)},
    "missing extra": fn.MissingExtraError("pooch", "download"),
}


@pytest.mark.parametrize("error", ERRORS.values(), ids=ERRORS)
@pytest.mark.parametrize("copied", [lambda error: pickle.loads(pickle.dumps(error)), copy.copy], ids=["pickle", "copy"])
def test_errors_come_back_whole_from_another_process(error, copied):
    result = copied(error)
    assert type(result) is type(error)
    assert str(result) == str(error)
    assert vars(result) == vars(error)
    assert getattr(result, "name", None) == getattr(error, "name", None)


def test_a_missing_extra_says_what_to_install():
    error = fn.MissingExtraError("pooch", "download")
    assert str(error) == 'pooch is not installed: python -m pip install "funcnet[download]"'
    assert error.name == "pooch"
