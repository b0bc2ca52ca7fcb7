"""What `report` says of every law: what came of it, on how many cases, and which broken law comes first."""

import json
import sys

import attrs
import numpy as np
import pytest

import funcnet as fn
from funcnet.testing import LawViolation, check_layer
from funcnet.testing import report as ask
from funcnet.testing.budgets import _LEAST
from funcnet.testing.laws import LAYER_LAWS, LOSS_LAWS, OPTIMIZER_LAWS
from funcnet.testing.reports.causes import causes
from funcnet.testing.reports.holding import Answer
from tests.testing.gallery.exhibits import Sine
from tests.testing.gallery.params import BiasMean
from tests.testing.gallery.state import NoiseInInference, RemembersInField

FEW = {"examples": 14}


@pytest.fixture(scope="module")
def right():
    return ask(fn.Tanh(), (3,), exempt={"statistics": "why not"}, **FEW)


@pytest.fixture(scope="module")
def wrong():
    return ask(BiasMean(), (4,), exempt={"batch.sum": "grads are means"}, **FEW)


# --- What came of each law ---


def test_a_right_layer_has_a_result_for_each_law(right):
    assert {result.law for result in right.results} == {*LAYER_LAWS}
    assert {result.status for result in right.results} == {"held", "not asked"}
    assert (right.ok, right.score, right.cases, right.subject) == (True, 1.0, 14, "Tanh()")


@pytest.mark.parametrize(
    ("law", "reason"),
    [("symmetry", "no symmetry is declared"), ("statistics", "params hold no buffer"), ("training", "it is the same")],
)
def test_a_law_that_was_not_asked_says_why(right, law, reason):
    assert (right[law].status, right[law].cases) == ("not asked", 0)
    assert reason in right[law].note


def test_cases_are_those_that_a_law_applied_to(right):
    assert right["coordinates"].cases == 14
    assert 0 < right["batch.axes"].cases < 14
    assert right["coordinates"].seconds > 0


def test_a_broken_law_has_a_violation_as_the_check_raises_it(wrong):
    with pytest.raises(LawViolation) as caught:
        check_layer(BiasMean(), (4,), examples=14)
    assert wrong.results[0].law == "coordinates"
    assert str(wrong["coordinates"].violation) == str(caught.value)
    assert not wrong.ok
    assert 0.8 < wrong.score < 1


def test_an_exempt_law_has_its_reason_and_does_not_count(wrong):
    assert (wrong["batch.sum"].status, wrong["batch.sum"].note) == ("exempt", "grads are means")
    assert wrong["batch.sum"].violation is None


def test_an_exempt_law_that_holds_fails_the_check():
    found = ask(fn.Tanh(), (3,), exempt={"nan": "perhaps"}, **FEW)
    assert (found["nan"].status, found["nan"].note, found.ok) == ("held", "exempt, though it holds", False)
    assert "because exempt says: 'perhaps'" in str(found)


# --- What comes first ---


@pytest.mark.parametrize(
    ("layer", "shape", "first"),
    [
        (BiasMean(), (4,), "coordinates"),
        (NoiseInInference(), (4,), "determinism"),
        (RemembersInField(), (4,), "interleaving"),
    ],
)
def test_the_root_comes_first_and_alone_is_shown_with_a_case(layer, shape, first):
    found = ask(layer, shape, **FEW)
    broken = [result for result in found.results if result.status == "broken"]
    assert found.results[: len(broken)] == tuple(broken)
    assert (broken[0].law, broken[0].cause) == (first, "")
    assert len(broken) > 1
    assert first in {result.cause for result in broken[1:]}
    roots = [result for result in broken if not result.cause]
    assert str(found).count("as code that runs") == len(roots)


def test_of_random_passes_nothing_but_determinism_is_a_root():
    found = ask(NoiseInInference(), (4,), **FEW)
    assert [result.law for result in found.results if result.violation and not result.cause] == ["determinism"]


def raises(params, x):
    raise OSError("no such file")


def test_an_error_of_forward_is_told_once():
    found = ask((raises, raises), (2,), examples=4)
    assert [result.law for result in found.results if result.violation and not result.cause] == ["structure"]


def test_what_follows_is_told_of_the_first_cause_of_all():
    same, other = OSError("no such file"), ValueError("something else")
    broken = {"structure": same, "determinism": same, "purity": other, "coordinates": other, "kinks": KeyError("third")}
    found = causes({law: Answer(law, None, "", error, 0.0) for law, error in broken.items()})
    assert found == {"structure": "", **dict.fromkeys(("determinism", "purity", "coordinates", "kinks"), "structure")}


# --- What it is asked of ---


@pytest.mark.parametrize(
    ("subject", "laws"),
    [
        (fn.MeanSquaredError(), LOSS_LAWS),
        (fn.Adam(0.1), OPTIMIZER_LAWS),
        ((lambda p, x: (x, ()), lambda p, c, dy: (dy, ())), None),
    ],
)
def test_losses_optimizers_and_functions(subject, laws):
    found = ask(subject, **({} if laws else {"x": np.ones((2, 3))}), examples=6)
    assert {result.law for result in found.results} == {*(laws or LAYER_LAWS)}
    assert found.ok, found


class PlainLoss:
    """The mean of squares, as an object that knows nothing of funcnet and has an option."""

    def forward(self, y, target):
        if y.shape != target.shape:
            raise ValueError("y and target must have one shape")
        if not y.size:
            raise ValueError("the mean of nothing")
        return np.mean((y - target) ** 2, dtype=y.dtype), y - target

    def backward(self, error, scale=2):
        return scale * error / error.dtype.type(error.size)


def test_an_object_with_a_backward_of_the_cache_alone_is_a_loss():
    found = ask(PlainLoss(), examples=6)
    assert found.ok, found
    assert {result.law for result in found.results} == {*LOSS_LAWS}


def test_the_sentences_of_a_loss_have_its_names():
    assert ask(fn.MeanSquaredError(), examples=2)["kinks"].statement.startswith(
        "At a tie or a corner of one number of value"
    )


@pytest.mark.parametrize(
    ("arguments", "options", "error", "text"),
    [
        ((fn.Tanh(), (2,)), {"budget": "soon"}, ValueError, 'budget must be a time such as "1s", "2min" or "1h", got'),
        ((fn.Tanh(), (2,)), {"budget": 3}, ValueError, "got 3"),
        ((fn.Tanh(), (2,)), {"budget": "0s"}, ValueError, "got '0s'"),
        ((fn.Tanh(), (2,)), {"budget": "1s", "examples": 3}, TypeError, "give either examples"),
        ((fn.Tanh(), (2,)), {"exempt": {"kinky": "why"}}, ValueError, "unknown law 'kinky' in exempt"),
        ((fn.Tanh(),), {}, TypeError, "give input_shape"),
        ((fn.Tanh(), (2,)), {"example": 3}, TypeError, "unexpected keyword argument 'example'"),
        ((3,), {}, TypeError, "layer must"),
    ],
)
def test_wrong_uses(arguments, options, error, text):
    with pytest.raises(error, match=text):
        ask(*arguments, **options)


# --- How it reads ---


def test_it_prints_as_a_table(wrong):
    lines = str(wrong).splitlines()
    assert lines[0].startswith("BiasMean(n_out=3): ")
    assert lines[2].split() == ["law", "status", "cases", "seconds", "oracle"]
    assert lines[3].split()[:3] == ["coordinates", "broken", "1"]


def test_a_violation_says_which_leaves_are_wrong(wrong):
    counts = {"dx": (12, 24), "grads.weight": (0, 12), "grads.bias": (0, 3)}
    violation = attrs.evolve(wrong["coordinates"].violation, counts=counts)
    text = "dx wrong in 12 of 24; grads.weight right; grads.bias right"
    assert f"    leaves     {text}\n" in str(violation)
    result = attrs.evolve(wrong["coordinates"], violation=violation)
    assert result.note == text


def test_as_json(wrong):
    plain = json.loads(wrong.to_json())
    assert (plain["ok"], plain["cases"]) == (False, 14)
    assert [result["law"] for result in plain["results"]] == [result.law for result in wrong.results]
    assert plain["results"][0]["violation"]["at"] == "grads.bias"
    assert plain["results"][-1]["violation"] is None


def test_json_of_numbers_that_are_not_finite_is_json():
    found = ask((lambda p, x: (x, ()), lambda p, c, dy: (dy * np.nan, ())), (2,), examples=2)
    assert json.loads(found.to_json(), parse_constant=pytest.fail)["results"][0]["violation"]["got"] == "nan"


def test_as_html(wrong):
    html = wrong._repr_html_()
    assert html.count("<tr>") == len(wrong.results) + 1
    assert "<td>coordinates</td><td>broken</td>" in html
    assert "derivative of &lt;dy, y&gt;" in html


# --- A budget ---


def test_a_budget_draws_the_same_cases_until_time_is_up(monkeypatch):
    assert ask(Sine(), (2,), budget="0.01s").cases == _LEAST
    assert ask(Sine(), (2,), budget="1s").cases > _LEAST


# --- What was not exercised ---


@pytest.mark.parametrize(("layer", "is_met"), [(fn.ReLU(), True), (fn.Tanh(), False)])
def test_whether_a_tie_or_a_corner_was_met(layer, is_met):
    found = ask(layer, (3,), **FEW)
    assert ("no tie or corner was met" in found.unexercised) != is_met
    assert found["kinks"].oracle == ("one-sided slopes" if is_met else "")


class Cautious:
    """y = sin(x), with a way in each pass that no case takes."""

    def forward(self, params, x):
        if x.ndim == 77:
            x = x.sum()
            return x, ()
        return np.sin(x), x

    def backward(self, params, x, dy):
        # a comment
        return dy * np.cos(x) if x.size < 10**9 else self.never(x), ()

    def never(self, x):
        return x


@attrs.frozen
class Careful(Sine):
    """y = sin(x), with a way that no case takes."""

    def slope(self, x):
        if x.ndim == 77:
            return x
        return np.cos(x)


@pytest.mark.parametrize("layer", [Careful(), fn.sequential(Careful(), fn.Tanh())])
def test_lines_that_never_ran_are_those_of_the_layer_and_the_layers_in_it(layer):
    lines = [each for each in ask(layer, (2,), **FEW).unexercised if "never ran" in each]
    assert len(lines) == 1
    assert lines[0].endswith("of slope in test_report.py never ran: return x")


def test_lines_next_to_each_other_are_told_once():
    lines = ask(Cautious(), (2,), **FEW).unexercised
    assert [each.partition(" of ")[2] for each in lines if "never ran" in each] == [
        "forward in test_report.py never ran: x = x.sum()"
    ]
    assert str(ask(Cautious(), (2,), **FEW)).endswith("\n    ".join(["Not exercised:", *lines]))


def test_whatever_else_traces_goes_on_and_sees_every_line():
    seen, before = set(), sys.gettrace()

    def traced(frame, event, arg):
        if event == "call":
            sys.settrace(traced)  # as coverage does
        if frame.f_code is Careful.slope.__code__:
            seen.add((event, frame.f_lineno - frame.f_code.co_firstlineno))
        return traced

    try:
        sys.settrace(traced)
        found = ask(Careful(), (2,), examples=2).unexercised
        assert sys.gettrace() is traced
    finally:
        sys.settrace(before)
    assert [each for each in found if each.endswith("of slope in test_report.py never ran: return x")]
    assert seen == {("call", 0), ("line", 1), ("line", 3), ("return", 3)}
