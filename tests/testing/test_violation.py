"""LawViolation: what it holds, how it reads, and that its case, pasted, breaks the same law in the same place."""

import copy
import functools
import pickle
import zlib

import attrs
import numpy as np
import pytest

import funcnet as fn
from funcnet.testing import LawViolation, check_layer, check_layer_law, check_loss, check_loss_law, check_optimizer
from funcnet.testing.laws import LOSS_LAWS
from tests.children import python
from tests.testing.gallery.broken_losses import CrossEntropy, ForgetsToDivide, SwallowsNaN
from tests.testing.gallery.broken_optimizers import SkipsLast
from tests.testing.pasting import is_like, pasted
from tests.testing.violating_layers import (
    LAWS,
    LAYERS,
    Doubled,
    sine,
)


class WantsABatch(CrossEntropy):
    """Takes the second axis for the classes, which a single example has not."""

    def backward(self, cache):
        return super().backward(cache) * (cache[0].shape[1] > 0)


def violation(check, *arguments, **options):
    with pytest.raises(LawViolation) as caught:
        check(*arguments, **options)
    return caught.value


@functools.cache
def found_in(name):
    if name in LAWS:
        return violation(check_layer_law, *LAWS[name])
    layer, shape, options = LAYERS[name]
    return violation(check_layer, layer, shape, **options)


@pytest.mark.slow
@pytest.mark.parametrize("name", [*LAYERS, *LAWS])
def test_the_case_of_a_layer_breaks_the_law_again(name):
    found = found_in(name)
    again = pasted(found.case)
    assert is_like(again, found)
    assert again.index == found.index
    assert repr((again.got, again.expected)) == repr((found.got, found.expected))
    assert again.case == found.case


def test_the_case_of_a_label_without_a_batch_runs():
    found = violation(check_loss, WantsABatch(), targets="labels")
    assert "target = np.array(" in found.case
    assert is_like(pasted(found.case), found)


@pytest.mark.parametrize(
    ("check", "subject", "exempt"),
    [(check_loss, ForgetsToDivide(), ("coordinates", "adjointness")), (check_optimizer, SkipsLast(), ("descent",))],
)
def test_the_case_knows_what_was_exempted(check, subject, exempt):
    found = violation(check, subject, exempt=dict.fromkeys(exempt, "known"))
    assert is_like(pasted(found.case), found)


def test_an_exemption_that_is_not_needed_has_no_case():
    found = violation(check_layer, fn.ReLU(), (2,), exempt={"nan": "perhaps"}, examples=4)
    assert found.case == ""
    assert "The case" not in str(found)


# --- What it holds ---


def test_every_attribute():
    x, dy = np.array([[0.0, np.pi]]), np.array([[1.0, 3.0]])
    found = violation(check_layer_law, "coordinates", Doubled(), (), x, dy)
    assert found.law == "coordinates"
    assert found.statement == "Every coordinate of dx and of grads is the derivative of <dy, y>."
    assert found.layer == "Doubled(f=np.sin, slope=np.cos)"
    assert (found.at, found.index) == ("dx", (0, 0))
    assert (found.got, found.expected) == (2.0, 1.0)
    assert found.oracle == "dual numbers"
    assert 0 < found.bound < 1e-11
    assert found.diagnosis == "a factor of 2 too many"
    assert found.case.splitlines() == [
        "import numpy as np",
        "import funcnet as fn",
        "from tests.testing.violating_layers import Doubled",
        "",
        "layer = Doubled(f=np.sin, slope=np.cos)",
        "params = ()",
        "x = np.array([[0.0, 3.141592653589793]])",
        "dy = np.array([[1.0, 3.0]])",
        "fn.testing.check_layer_law('coordinates', layer, params, x, dy, input_shape=(2,))",
    ]


def test_the_text_has_it_all():
    found = violation(check_layer_law, "coordinates", Doubled(), (), np.array([[0.0]]), np.array([[1.0]]))
    head, case = str(found).split("The case, as code that runs:\n\n")
    assert head.splitlines() == [
        "Doubled(f=np.sin, slope=np.cos) breaks the law 'coordinates':",
        "Every coordinate of dx and of grads is the derivative of <dy, y>.",
        "",
        "    at         dx[0, 0]",
        "    got        2.0",
        f"    expected   1.0, give or take {found.bound:.2g}",
        "    oracle     dual numbers",
        "    leaves     dx wrong in 1 of 1",
        "    diagnosis  a factor of 2 too many",
        "",
    ]
    assert case == "\n".join("    " + line if line else "" for line in found.case.splitlines())
    assert isinstance(found, AssertionError)


def test_the_path_of_a_leaf():
    found = found_in("an initializer")
    assert (found.at, len(found.index)) == ("grads.1.offset", 1)
    assert found_in("dicts and lists").at == "grads.layers.item_0.b"


def test_an_error_of_the_passes_is_what_there_is():
    found = violation(check_layer_law, "structure", (sine, sine), (), np.ones((1, 2)), np.ones((1, 2)))
    assert (found.law, found.index, found.expected) == ("structure", None, "no exception")
    assert found.got.startswith("TypeError: sine() takes 2 positional arguments")
    assert isinstance(found.__cause__, TypeError)
    assert "    at " not in str(found)


@pytest.mark.parametrize("again", [lambda e: pickle.loads(pickle.dumps(e)), copy.copy, copy.deepcopy])
@pytest.mark.parametrize("find", [lambda: found_in("a node in a tuple"), lambda: violation(check_loss, SwallowsNaN())])
def test_pickle_and_copy(find, again):
    found = find()
    other = again(found)
    assert type(other) is LawViolation
    assert str(other) == str(found)
    assert attrs.asdict(other, recurse=False) == attrs.asdict(found, recurse=False)


# --- One law of losses alone ---

Y, TARGET = np.array([[0.3, 0.123456789], [2.0, -1.0]]), np.array([[1.0, -0.3], [0.5, 0.0]])


@pytest.mark.parametrize("law", LOSS_LAWS)
def test_each_law_of_losses_accepts_what_is_right(law):
    check_loss_law(law, fn.MeanSquaredError(), Y, TARGET)
    check_loss_law(
        law, fn.SoftmaxCrossEntropy(), Y.astype(np.float32), np.array([1, 0]), symmetries=["shift-invariant"]
    )


def test_a_law_of_losses_is_asked_as_it_is_given():
    found = violation(check_loss_law, "coordinates", ForgetsToDivide(), Y, TARGET)
    assert (found.law, found.at, found.index) == ("coordinates", "dy", (0, 0))
    assert (found.got, found.expected) == (2 * (0.3 - 1.0), pytest.approx(0.3 - 1.0))
    assert found.case.splitlines()[-3:] == [
        f"y = np.array({Y.tolist()})",
        f"target = np.array({TARGET.tolist()})",
        "fn.testing.check_loss_law('coordinates', loss, y, target)",
    ]
    check_loss_law("nan", ForgetsToDivide(), Y, TARGET)
    check_loss_law("coordinates", ForgetsToDivide(), Y[:1], TARGET[:1])


def test_a_symmetry_of_losses_is_one_that_is_declared():
    found = violation(check_loss_law, "symmetry", fn.MeanSquaredError(), Y, TARGET, symmetries=["shift-invariant"])
    assert found.case.endswith("('symmetry', loss, y, target, symmetries=('shift-invariant',))")
    with pytest.raises(ValueError, match="got 'even'"):
        check_loss_law("symmetry", fn.MeanSquaredError(), Y, TARGET, symmetries=["even"])


def test_a_law_of_losses_that_there_is_not():
    with pytest.raises(
        ValueError, match=r"unknown law 'gradient'; the laws are .*structure, like, purity, determinism"
    ):
        check_loss_law("gradient", fn.MeanSquaredError(), Y, TARGET)


# --- Shrinking ---


@pytest.mark.slow
@pytest.mark.parametrize("name", ["functions in fields", "a node", "a pair", "in a network"])
def test_cases_shrink_to_few_rows_of_short_numbers(name):
    case, numbers = found_in.__wrapped__(name).case, {}
    exec(case.rpartition("\n")[0], numbers)
    arrays = [numbers["x"], numbers["dy"], *fn.tree.leaves(numbers["params"])]
    assert len(numbers["x"]) <= 2
    assert all((np.abs(array) <= 4).all() and (array * 16 % 1 == 0).all() for array in arrays)


# --- Without Hypothesis ---


def in_new_process(code):
    done = python("-W", "error", "-c", code)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def test_the_import_takes_no_hypothesis():
    code = "import sys, funcnet, funcnet.testing; print([name for name in sys.modules if 'hypothesis' in name])"
    assert in_new_process(code) == "[]\n"
    code = "import sys; sys.modules['hypothesis'] = None; import funcnet.testing; print(funcnet.testing.__all__[0])"
    assert in_new_process(code) == "GradientReport\n"


def test_without_it_strategies_say_what_is_missing():
    code = """
import sys
sys.modules["hypothesis"] = None
import funcnet.testing
try:
    funcnet.testing.strategies
except ImportError as error:
    print(type(error).__name__, error)
"""
    assert in_new_process(code).startswith("MissingExtraError")


@pytest.mark.slow
def test_without_it_the_same_cases_are_found():
    code = """
import sys, zlib
sys.modules["hypothesis"] = None
from funcnet.testing import LawViolation, check_layer
from tests.testing.violating_layers import LAYERS
for name in ("functions in fields", "a node", "in a network", "dicts and lists", "float32", "a pair"):
    layer, shape, options = LAYERS[name]
    try:
        check_layer(layer, shape, **options)
    except LawViolation as violation:
        try:
            exec(violation.case, {})
        except LawViolation as again:
            assert (again.law, again.at, again.index) == (violation.law, violation.at, violation.index), name
        print(name, violation.law, violation.at, zlib.crc32(violation.case.encode()), sep=";")
"""
    rows = [line.split(";") for line in in_new_process(code).splitlines()]
    assert len(rows) == 6
    for name, law, at, code_of_case in rows:
        found = found_in(name)
        assert (law, at, int(code_of_case)) == (found.law, found.at, zlib.crc32(found.case.encode())), name


@pytest.mark.slow
def test_what_is_right_passes_without_it_too():
    code = """
import sys
sys.modules["hypothesis"] = None
import funcnet as fn
from funcnet.testing import check_layer, check_loss, check_optimizer
check_layer(fn.sequential(fn.Linear(2), fn.Tanh()), (3,), examples=14)
check_loss(fn.SoftmaxCrossEntropy(), examples=6)
check_optimizer(fn.Adam(0.1), examples=4)
"""
    in_new_process(code)
