"""What the author of a layer is told whose class, or whose passes, are not yet those of a layer."""

import attrs
import numpy as np
import pytest

import funcnet as fn


class Times(fn.Layer):
    """As one writes a class that is not a frozen attrs class."""

    def __init__(self, factor):
        super().__init__()
        self.factor = factor


@attrs.frozen
class Power(fn.Layer):
    """An attrs class with an `__init__` of its own, which is allowed."""

    exponent: int

    def __init__(self, exponent=3):
        super().__init__()
        self.__attrs_init__(exponent)


class Cube(Power):
    def __init__(self):
        super().__init__(3)


class Plain:
    """No layer, but with the passes of one."""

    def forward(self, params, x):
        return x, None

    def backward(self, params, cache, dy):
        return dy, ()


class Returning(fn.Layer):
    """A layer without a cache: `forward` returns y alone, or whatever is given."""

    def forward(self, params, x):
        return x


class Unpacks(fn.Layer):
    """A layer whose own code fails in the way in which funcnet's would."""

    def forward(self, params, x):
        a, b = x
        return a, b


def test_a_class_that_sets_its_fields_is_told_how_fields_are_declared():
    with pytest.raises(TypeError, match=r"^Times is frozen, and its __init__ sets a field: instead write @attrs.froz"):
        Times(2)


@pytest.mark.parametrize(("layer", "exponent"), [(Power(), 3), (Power(4), 4), (Cube(), 3)])
def test_an_init_of_ones_own_that_attrs_allows_still_works(layer, exponent):
    assert layer.exponent == exponent


def test_an_object_that_is_no_layer_is_told_what_to_derive_from():
    with pytest.raises(TypeError, match=r"; write `@attrs.frozen` and `class Plain\(fn.Layer\)`$"):
        fn.sequential(Plain())


@pytest.mark.parametrize("model", [Returning(), fn.sequential(Returning()), fn.sequential(fn.sequential(Returning()))])
def test_a_forward_that_returns_one_thing_is_told_to_return_two(model):
    params, x = model.init(fn.Key(0), (3,)), np.ones((3, 3))
    with pytest.raises(ValueError, match="too many values to unpack") as caught:
        fn.value_and_grad(model, fn.MeanSquaredError(), params, x, x)
    notes = [note for note in caught.value.__notes__ if not note.startswith("in layer")]
    assert notes == ["a layer's forward must return (y, cache), and its backward (dx, grads)"]


def test_an_error_of_the_layers_own_code_gets_no_such_note():
    with pytest.raises(ValueError, match="too many values") as caught:
        fn.sequential(Unpacks()).forward(((),), np.ones((3, 3)))
    assert caught.value.__notes__ == ["in layer 0 of sequential (Unpacks())"]
