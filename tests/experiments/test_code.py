"""A run notices that the code of its layers and metrics was edited."""

import importlib
import linecache
import sys

import attrs
import pytest

import funcnet as fn
from tests.experiments.cases import ADAM, MOMENTUM, STATISTICS, TEST, TRAIN, interrupted, run

LAYER = """
import attrs
import funcnet as fn
from bending import bent

EXPONENT = 2
calls = 0

@fn.register
@attrs.frozen
class Bend(fn.Layer):
    # the power of x
    def forward(self, params, x):
        global calls
        calls += 1
        return bent(x, EXPONENT), x

    def backward(self, params, cache, dy):
        return EXPONENT * cache ** (EXPONENT - 1) * dy, ()
"""
HELPER = "def bent(x, exponent):\n    return x**exponent\n"
EDITS = {
    "the method": ("layer", "return bent(x, EXPONENT), x", "return bent(x, EXPONENT) * 1, x"),
    "a number": ("layer", "EXPONENT = 2", "EXPONENT = 3"),
    "the function of another module": ("bending", "return x**exponent", "return x ** (exponent + 1)"),
}
HARMLESS = {
    "a comment": ("layer", "# the power of x", "# x to the power of EXPONENT"),
    "other code": ("layer", "calls = 0", "calls = 7  # changes as it runs"),
}


@pytest.fixture
def edit(tmp_path, monkeypatch):
    """A function that edits a module and loads both again, and returns an experiment with the layer."""
    folder = tmp_path / "code"
    folder.mkdir()
    monkeypatch.syspath_prepend(folder)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    texts = {"layer": LAYER, "bending": HELPER}

    def edited(module=None, old="", new=""):
        if module is not None:
            texts[module] = texts[module].replace(old, new)
        for name, text in texts.items():
            (folder / f"{name}.py").write_text(text)
            sys.modules.pop(name, None)
        linecache.clearcache()
        importlib.invalidate_caches()
        model = fn.sequential(fn.Linear(4), importlib.import_module("layer").Bend(), fn.Linear(3))
        return attrs.evolve(MOMENTUM, model=model, metrics=(), epochs=4)

    yield edited
    for name in texts:
        sys.modules.pop(name, None)


@pytest.mark.parametrize(("module", "old", "new"), EDITS.values(), ids=EDITS)
def test_a_run_with_edited_code_is_refused(module, old, new, edit, tmp_path):
    ended = run(edit(), tmp_path / "run").receipt.digest
    assert run(edit(), tmp_path / "run").receipt.digest == ended
    with pytest.raises(fn.ExperimentError, match=r"the source of Bend has changed .* accept_changes=True"):
        run(edit(module, old, new), tmp_path / "run")
    assert run(edit(), tmp_path / "run", accept_changes=True).receipt.digest == ended
    assert "source of Bend" in {fact for fact, _, _ in fn.verify(tmp_path / "run", TRAIN, TEST).environment}


@pytest.mark.parametrize(("module", "old", "new"), HARMLESS.values(), ids=HARMLESS)
def test_a_change_that_computes_the_same_is_accepted(module, old, new, edit, tmp_path):
    ended = run(edit(), tmp_path / "run").receipt.digest
    assert run(edit(module, old, new), tmp_path / "run").receipt.digest == ended
    assert fn.verify(tmp_path / "run", TRAIN, TEST).environment == ()


def test_a_stopped_run_goes_on_with_accepted_code_and_says_from_which_epoch_on(edit, tmp_path):
    longer = attrs.evolve(edit(), epochs=6)
    run(edit(), tmp_path / "run")
    edit(*EDITS["the method"])
    longer = attrs.evolve(edit(), epochs=6)
    with pytest.raises(fn.ExperimentError, match="accept_changes"):
        run(longer, tmp_path / "run")
    made = run(longer, tmp_path / "run", accept_changes=True)
    assert [epoch for epoch, facts in made.receipt.environments if "source of Bend" in dict(facts)] == [1, 5]
    assert run(longer, tmp_path / "run") == made


@pytest.mark.parametrize("experiment", [MOMENTUM, ADAM, STATISTICS])
def test_code_of_ones_own_is_in_the_facts_and_not_in_the_digest(experiment, tmp_path):
    interrupted(experiment, tmp_path, 3)
    made = run(experiment, tmp_path)
    ((_, facts),) = made.receipt.environments
    assert any(name.startswith("source of ") for name, _ in facts)
    assert attrs.evolve(made.receipt, environments=()) == made.receipt
