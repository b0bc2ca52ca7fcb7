"""The case of a violation is small, the same at every call, and one that breaks the law in the same way."""

import attrs
import numpy as np
import pytest

import funcnet as fn
from funcnet.testing import LawViolation, check_layer, layers
from funcnet.testing.cases import shrinking
from funcnet.testing.cases.case import Case
from funcnet.testing.cases.drawing import layer_cases
from tests.testing.gallery.exhibits import Dense
from tests.testing.gallery.kill_table import BROKEN
from tests.testing.pasting import is_like, pasted

# fmt: off
KINDS = [
    "ReLUPassesAll", "ReLUTwoAtZero", "LeakyForgotten", "SigmoidTail", "TanhOfInput", "SquareOnce",
    "WrongSignNearZero", "Clipped", "SoftmaxDiagonal", "NormaliseNoMeans", "LargestOfAllTies", "BiasMean",
    "WeightTransposed", "HiddenDecay", "UsedTwice", "FlipForward", "CumulatedForward", "PadShifted",
    "ResidualForgotten", "WritesX", "RemembersInField", "NoiseInInference", "CrossTalk", "SingleSummed",
    "SigmoidOverflow", "NaNSwallowed", "DxTurned", "StepCutOff",
]
# fmt: on
EXHIBITS = {exhibit.name: exhibit for exhibit in BROKEN}


def found(exhibit):
    with pytest.raises(LawViolation) as caught:
        check_layer(exhibit.layer, exhibit.input_shape, examples=200, **exhibit.options)
    return caught.value


def numbers_in(case):
    """The arrays that the code of a case makes."""
    names = {}
    exec(case.rpartition("\n")[0], names)
    return fn.tree.leaves((names["x"], names["dy"], names["params"]))


@pytest.mark.parametrize("kind", KINDS)
def test_a_case_has_at_most_eight_numbers_that_are_not_0(kind):
    violation = found(EXHIBITS[kind])
    assert sum(map(np.count_nonzero, numbers_in(violation.case))) <= 8
    if kind not in ("NoiseInInference", "RemembersInField"):  # whose state is not that of the first call
        assert is_like(pasted(violation.case), violation)


def test_there_are_28_kinds():
    assert len(set(KINDS)) == 28


def test_the_same_case_is_shown_every_time():
    assert len({found(EXHIBITS["SoftmaxDiagonal"]).case for _ in range(3)}) == 1


def test_the_tries_are_counted_and_not_the_seconds():
    case, asked = next(layer_cases(Dense(40), (40,), fn.Key(0), 1)), []
    shrinking.shrunk(case, asked.append)  # no smaller case fails
    assert len(asked) == shrinking._TRIES + 2  # one to find what is wrong, one to see that the end is wrong too


def test_only_the_coordinate_that_failed_is_asked_once_the_rows_are_few(monkeypatch):
    asked, ask = [], layers.LAYER_LAWS["coordinates"]
    monkeypatch.setitem(layers.LAYER_LAWS, "coordinates", lambda case: asked.append(case.only) or ask(case))
    violation = found(EXHIBITS["OneEntryOf3600"])
    assert violation.index == (17, 42)
    assert asked.count(("grads.weight", (17, 42))) > 20
    assert asked.count(None) < 10


@pytest.mark.parametrize("kind", ["ReLUTwoAtZero", "LargestOfAllTies", "HardSigmoidCorner", "BothAtTies", "ZeroAtZero"])
def test_kinks_show_the_x_that_the_law_used_in_one_row(kind):
    violation = found(EXHIBITS[kind])
    x, dy = fields_of(violation.case)
    assert violation.law == "kinks"
    assert all(np.array_equal(part, np.round(part * 4) / 4) for part in x)
    assert all(len(part) == 1 for part in (*x, dy))


def fields_of(case):
    """The arrays in x, and dy, that the code of a case makes."""
    names = {}
    exec(case.rpartition("\n")[0], names)
    return fn.tree.leaves(names["x"]), names["dy"]


def test_a_given_x_is_not_changed():
    x = np.array([[0.3, 0.7], [1.25, -2.0]])
    with pytest.raises(LawViolation) as caught:
        check_layer(EXHIBITS["SquareOnce"].layer, x=x)
    shown = numbers_in(caught.value.case)[0]
    assert {*shown.ravel()} <= {*x.ravel()}


@attrs.frozen
class Square(fn.Layer):
    """y = x**2, with a factor of 2 too many and a division by 0."""

    def forward(self, params, x):
        return x**2, x

    def backward(self, params, x, dy):
        return 4 * dy * x * (x / x), ()


def test_a_number_that_is_wrong_does_not_become_one_that_is_not_a_number():
    with pytest.raises(LawViolation) as caught:
        check_layer(Square(), (2,))
    assert (caught.value.law, np.isfinite(caught.value.got)) == ("coordinates", True)


def test_of_large_arrays_whole_ones_are_made_simple_first():
    case = next(layer_cases(Dense(300), (40,), fn.Key(0), 1))
    small = shrinking.shrunk(case, lambda other: ValueError() if other.dy.all() else None)
    assert not small.x.any()
    assert not np.any(small.params.weight)


def test_a_case_of_which_no_smaller_one_fails_stays_as_it_is():
    case = Case(fn.ReLU(), (), np.array([[1.5, 2.5]]), np.array([[0.3, 0.7]]), (2,))
    assert shrinking.shrunk(case, lambda other: None) is case
