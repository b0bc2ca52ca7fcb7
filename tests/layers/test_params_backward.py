"""params_backward computes no more than it is asked for."""

import attrs
import numpy as np
import pytest

import funcnet as fn
from tests.layers.cases import one_pass


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


@attrs.frozen
class Named(fn.Layer):
    """A layer whose params are no numbers."""

    params: object

    def init(self, key, input_shape, dtype=np.float32):
        return self.params

    def forward(self, params, x):
        return x, None

    def backward(self, params, cache, dy):
        return dy, params


@pytest.mark.parametrize("params", ["a name", ("a", "b")])
def test_params_without_arrays_are_their_own_gradient_wherever_they_stand(params):
    model = fn.sequential(Named(params), fn.Linear(2), Named(params))
    params_of_layers, _, _, cache, dy = one_pass(model, (3,))
    grads = model.params_backward(params_of_layers, cache, dy)
    assert grads[0] is params
    assert grads[2] is params
