"""`layer_tests` and the like in a test module: the names of the tests, their outcomes, and what a failure shows."""

import re
import sys
import time
from collections import Counter

import attrs
import pytest

import funcnet as fn
from funcnet.errors import MissingExtraError
from funcnet.testing import LawViolation, check_layer, layer_tests, loss_tests, optimizer_tests
from funcnet.testing.budgets import _LEAST, made
from funcnet.testing.laws import LAYER_LAWS, LOSS_LAWS, OPTIMIZER_LAWS
from funcnet.testing.reports.holding import Check, Kind, answers
from tests.children import python
from tests.testing.gallery.exhibits import Sine
from tests.testing.gallery.params import BiasMean

MODULE = """
import numpy as np, funcnet as fn
from funcnet.testing import check_layer, layer_tests, loss_tests, optimizer_tests
from tests.testing.gallery.exhibits import Sine
from tests.testing.gallery.params import BiasMean

class Fails(Sine):
    def slope(self, x):
        return misspelt(x)

test_mine = layer_tests(Sine(), (4,), examples=14)
test_bias = layer_tests(BiasMean(), (4,), examples=14, exempt={"coordinates": "known", "nan": "perhaps"})
test_fails = layer_tests(Fails(), (4,), examples=14)
test_loss = loss_tests(fn.MeanSquaredError(), examples=6)
test_adam = optimizer_tests(fn.Adam(0.1), examples=6)

def test_check():
    check_layer(Fails(), (4,), examples=14)
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("module")
    (folder / "test_module.py").write_text(MODULE)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLUMNS", "200")  # reasons are cut at the edge
        done = python("-m", "pytest", "-v", "-p", "no:cacheprovider", "--rootdir", folder, folder / "test_module.py")
    return done.stdout


@pytest.fixture(scope="module")
def outcomes(run):
    return dict(re.findall(r"test_module.py::(\S+) (\w+)", run.partition("= FAILURES =")[0]))


@pytest.mark.slow
def test_each_law_is_a_test_with_its_name(outcomes):
    assert {f"test_mine[{law}]" for law in LAYER_LAWS} <= set(outcomes)
    assert {f"test_loss[{law}]" for law in LOSS_LAWS} <= set(outcomes)
    assert {f"test_adam[{law}]" for law in OPTIMIZER_LAWS} <= set(outcomes)
    assert outcomes["test_mine[coordinates]"] == "PASSED"


@pytest.mark.slow
def test_what_is_right_passes_or_is_skipped_with_the_reason(run, outcomes):
    right = {name: said for name, said in outcomes.items() if re.match("test_(mine|loss|adam)", name)}
    assert {*right.values()} == {"PASSED", "SKIPPED"}
    assert "test_mine[symmetry] SKIPPED (no symmetry is declared)" in run


@pytest.mark.slow
def test_an_exempt_law_is_an_expected_failure_and_one_that_holds_fails(run, outcomes):
    assert "test_bias[coordinates] XFAIL (known)" in run
    assert (outcomes["test_bias[nan]"], outcomes["test_bias[batch.sum]"]) == ("FAILED", "FAILED")
    assert "because exempt says: 'perhaps'" in run


@pytest.mark.slow
def test_a_failure_shows_the_violation_and_the_user_s_code_but_no_frame_of_funcnet(run):
    failures = re.split(r"\n_+ (\S+) _+\n", run)
    shown = dict(zip(failures[1::2], failures[2::2], strict=True))
    assert "breaks the law 'batch.sum':" in shown["test_bias[batch.sum]"]
    for name in ("test_fails[structure]", "test_check"):
        assert "return misspelt(x)" in shown[name]
    assert not re.search(r"funcnet/testing/\S*\.py:\d+", run)
    assert "check_layer(Fails(), (4,), examples=14)" in shown["test_check"]


# --- In this process ---


def test_a_violation_is_that_of_the_check():
    with pytest.raises(LawViolation) as expected:
        check_layer(BiasMean(), (4,), examples=14)
    with pytest.raises(LawViolation) as caught:
        layer_tests(BiasMean(), (4,), examples=14)("coordinates")
    assert str(caught.value) == str(expected.value)


def test_a_wrong_use_is_told_where_the_tests_are_made():
    with pytest.raises(TypeError, match="give input_shape"):
        layer_tests(Sine())
    with pytest.raises(ValueError, match="unknown law"):
        loss_tests(fn.MeanSquaredError(), exempt={"kinky": "why"})
    with pytest.raises(ValueError, match="budget must be"):
        optimizer_tests(fn.Adam(0.1), budget="1 day")


@attrs.frozen
class Counting(Sine):
    rows: list = attrs.field(factory=list, eq=False)

    def forward(self, params, x):
        self.rows.append(len(x))
        return Sine.forward(self, params, x)


def test_a_budget_is_for_each_test():
    layer = Counting()
    layer_tests(layer, (4,), budget="0.2s")("determinism")
    assert len(layer.rows) >= _LEAST


def test_a_law_that_has_taken_longer_than_the_budget_is_asked_no_more():
    def slow(case):
        time.sleep(0.02)

    check = Check(Kind({"slow": slow, "quick": lambda case: None}, "check", dict), range(_LEAST), most_seconds=0.015)
    assert Counter(answer.law for answer in answers(check)) == {"slow": 1, "quick": _LEAST}
    assert made(check_layer, Sine(), {"input_shape": (4,)}, "2min").most_seconds == 120


def test_without_pytest_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "pytest", None)
    with pytest.raises(MissingExtraError, match=r"funcnet\[testing\]"):
        layer_tests(Sine(), (4,))
