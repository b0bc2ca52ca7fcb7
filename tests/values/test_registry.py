"""The JSON form: of every value of the library and of users' own, and nothing that it was not told of."""

import json
import math

import attrs
import numpy as np
import pytest
from hypothesis import assume, given, settings

import funcnet as fn
from funcnet.testing import strategies
from funcnet.values import UnregisteredError, from_json, to_json
from tests.layers.table import ALL
from tests.optimizers.cases import OPTIMIZERS

INITIALIZERS = [
    *(fn.initializers.zeros, fn.initializers.constant(0.5), fn.initializers.normal(0.1), fn.initializers.uniform(0.12)),
    *(fn.initializers.glorot_uniform, fn.initializers.glorot_normal, fn.initializers.he_uniform),
    *(fn.initializers.he_normal, fn.initializers.lecun_normal, fn.initializers.orthogonal),
]
SCHEDULES = [
    *(fn.schedules.constant(0.1), fn.schedules.exponential(0.1, 0.9), fn.schedules.step(0.1, 3, 0.5)),
    *(fn.schedules.cosine(0.1, 10), fn.schedules.warmup(3, fn.schedules.cosine(0.1, 10))),
]
VALUES = [
    *(row.layer for row in ALL),
    *OPTIMIZERS,
    *INITIALIZERS,
    *(fn.Linear(3, weight_init=initializer) for initializer in INITIALIZERS),
    *(fn.Adam(schedule, frozen="0.*") for schedule in SCHEDULES),
    *(loss(r) for loss in (fn.MeanSquaredError, fn.SoftmaxCrossEntropy) for r in ("mean", "batch", "sum")),
    *(fn.SigmoidBinaryCrossEntropy(), fn.BinaryCrossEntropy(), fn.L2(0.5), fn.Key(7).fold_in("a").fold_in(1)),
]


@pytest.mark.parametrize("value", VALUES)
def test_every_value_comes_back(value):
    text = to_json(value)
    assert from_json(text) == value
    assert type(from_json(text)) is type(value)
    assert to_json(from_json(text)) == text


@settings(max_examples=50)
@given(strategies.models((3,)))
@pytest.mark.slow
def test_every_model_comes_back(model):
    assume("np.ones_like" not in repr(model))  # a function of NumPy's that is no ufunc has no name in JSON
    assert from_json(to_json(model, indent=None)) == model


def test_it_reads_well():
    model = fn.sequential(fn.Linear(10, weight_init=fn.initializers.he_normal), fn.Dropout(0.5))
    assert json.loads(to_json(model)) == {
        "type": "Sequential",
        "layers": [
            {
                "type": "Linear",
                "n_out": 10,
                "bias": True,
                "weight_init": {"function": "initializers.he_normal"},
                "bias_init": {"function": "initializers.zeros"},
            },
            {"type": "Dropout", "rate": 0.5, "key": None},
        ],
    }


@pytest.mark.parametrize("value", [None, True, 3, 2**80, 0.1, 1e-300, math.inf, -math.inf, "ä", (1, (2.0, ()))])
def test_plain_values_come_back(value):
    assert from_json(to_json(value)) == value
    assert math.isnan(from_json(to_json(math.nan)))


@fn.register
@attrs.frozen
class Shift(fn.Layer):
    """A layer of a user's own."""

    by: float = 1.0


@fn.register
def cubed(x):
    return x**3


@attrs.frozen
class Unknown(fn.Layer):
    """A layer that nobody registered."""


def test_what_a_user_registers_comes_back():
    model = fn.sequential(Shift(2.0), fn.Elementwise(cubed, np.square))
    assert from_json(to_json(model)) == model


def test_a_name_can_be_taken_once():
    with pytest.raises(ValueError, match="the name 'Linear' is taken"):
        fn.register(attrs.make_class("Linear", ["size"], frozen=True))
    for wrong in (3, object):
        with pytest.raises(TypeError, match="expected an attrs class or a function"):
            fn.register(wrong)


def test_what_is_not_registered_is_not_written():
    for value, name in ((Unknown(), "Unknown"), (fn.Elementwise(lambda x: x, np.cos), "lambda"), (Unknown, "Unknown")):
        with pytest.raises(UnregisteredError, match=rf"{name}.* is not registered"):
            to_json(value)
    with pytest.raises(TypeError, match="a ndarray has no JSON form"):
        to_json((np.zeros(2),))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            '{"type": "os.system"}',
            "^class 'os.system' is not registered: import the module that registers it, "
            r"or, if it was renamed, register it with aliases=\['os.system'\]$",
        ),
        (
            '{"type": "Sequential", "layers": [{"type": "Unknown"}]}',
            r"class 'Unknown' at layers\[0\] is not registered",
        ),
        ('{"function": "Linear"}', "function 'Linear' is not registered"),
        ('{"class": "np.sin"}', "class 'np.sin' is not registered"),
        ('{"type": ["Linear"]}', r"class \['Linear'\] is not registered"),
        ('{"type": "Linear", "n_out": -1}', "Linear: n_out must be an integer of at least 0"),
        ('{"type": "Linear"}', "Linear: .*missing 1 required"),
        (
            '[{"type": "Linear", "n_out": 3, "groups": 2}]',
            r"Linear at \[0\] has no field 'groups': its fields are n_out, .*; a newer version of it may have written",
        ),
        ('{"type": "ReLU", "slope": 2}', "ReLU has no field 'slope': it has none; a newer version"),
        ('{"layers": []}', 'expected a "type"'),
        ('{"float": "three"}', 'expected a "type"'),
        ("NaN", "NaN is not valid JSON"),
        ("{", "Expecting property name"),
        ("[" * 100_000, "nested too deeply"),
    ],
)
def test_what_is_not_such_a_form_is_a_value_error(text, message):
    with pytest.raises(ValueError, match=message):
        from_json(text)


class Unhashable:
    """A callable with a name, which cannot be hashed."""

    __hash__ = None

    def __init__(self):
        self.__name__ = self.__qualname__ = "unhashable"

    def __call__(self, x):
        return x


def test_a_callable_that_cannot_be_hashed_prints_and_registers():
    item = Unhashable()
    assert repr(fn.Elementwise(item, np.cos)) == "Elementwise(function=unhashable, derivative=np.cos)"
    fn.register(item)
    assert from_json(to_json(fn.Elementwise(item, np.cos))).function is item


def test_functions_of_a_module_named_metrics_have_its_name_in_files():
    def f1(labels, predictions):
        return 0.5

    f1.__module__, f1.__qualname__ = "metrics", "f1"
    fn.register(f1)
    assert to_json((f1,), indent=None) == '[{"function": "metrics.f1"}]'
