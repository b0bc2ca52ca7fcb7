"""The errors themselves: what catches them, what they tell of their place, and that they travel whole."""

import copy
import pickle

import attrs
import numpy as np
import pytest

import funcnet as fn
from funcnet.errors import shown
from tests.library.wrong_uses import KEY, LINEAR, NESTED, PARAMS, X, raised


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


@pytest.mark.parametrize("stop", [KeyboardInterrupt(), SystemExit()])
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


def test_what_is_shown_of_a_value_does_not_grow_with_its_depth():
    value = 0
    for _ in range(4):
        value = [value] * 60
    assert len(shown(value)) < 20_000
