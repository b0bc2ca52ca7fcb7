"""The public names: there, loaded when first used, and found without an extra."""

import inspect
import math
import typing

import numpy as np
import pytest

import funcnet as fn
from funcnet import public
from tests.children import python

# The sections of the design that name them, less what later issues bring.
NAMES = """
    tree Key Layer Linear LinearParams ReLU LeakyReLU ELU GELU SiLU Sigmoid Tanh Softplus Softmax LogSoftmax Identity
    Elementwise Flatten Dropout sequential residual add concatenate initializers summary MeanSquaredError
    SoftmaxCrossEntropy SigmoidBinaryCrossEntropy BinaryCrossEntropy L2 value_and_grad sgd_step SGD Adam AdamW RMSProp
    Adagrad schedules clip_by_global_norm data metrics
"""


@pytest.mark.parametrize("name", [*NAMES.split(), "plot"])
def test_the_names_of_the_design_are_there(name):
    assert getattr(fn, name) is not None


def test_a_star_gives_every_name_of_the_design():
    names = {}
    exec("from funcnet import *", names)
    assert set(NAMES.split()) <= set(names)
    assert set(public.__all__) <= set(dir(fn))


def test_a_name_that_is_not_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'funcnet' has no attribute 'Conv'"):
        _ = fn.Conv


def test_all_modules_are_listed_before_they_are_loaded():
    pytest.importorskip("matplotlib")
    program = "import sys, funcnet; print(*dir(funcnet)); assert 'matplotlib' not in sys.modules"
    names = python("-c", program).stdout.split()
    assert {"data", "initializers", "metrics", "plot", "schedules", "testing", "tree"} <= set(names)
    assert len(names) == len(set(names))


def test_looking_at_all_names_needs_no_extra():
    program = "import sys; sys.modules['matplotlib'] = None; import inspect, funcnet; inspect.getmembers(funcnet)"
    done = python("-c", program)
    assert (done.returncode, done.stderr) == (0, "")
    assert "plot" not in dict(inspect.getmembers(fn.public))


def test_importing_funcnet_loads_nothing_of_an_extra():
    program = "import sys, funcnet; funcnet.Linear, funcnet.data; print(*sys.modules)"
    modules = python("-c", program).stdout.split()
    assert not {"matplotlib", "hypothesis", "scipy", "tqdm", "pooch"} & set(modules)


@pytest.mark.parametrize("value", [fn.Linear, fn.Dropout, fn.SGD, fn.L2, fn.value_and_grad, fn.data.Dataset])
def test_type_hints_resolve(value):
    assert typing.get_type_hints(value)


@pytest.mark.parametrize(
    "value",
    [fn.Elementwise(np.sin, np.cos), fn.Elementwise(np.sinc, np.real), fn.Elementwise(math.sin, len), fn.SGD(math.inf)],
)
def test_functions_and_infinities_print_as_what_can_be_typed_in(value):
    assert eval(repr(value), {**vars(fn), "np": np, "math": math}) == value
