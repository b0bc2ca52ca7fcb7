"""The README's examples run as they stand, and keep the promises made beside them."""

import re
from pathlib import Path

import numpy as np
import pytest

import funcnet as fn

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
EXAMPLE, LAYERS, CHECKS, SEVERAL, EXPERIMENTS, OWN_DATA = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)


def test_the_example_is_under_25_lines_and_learns():
    assert len(EXAMPLE.splitlines()) < 25
    names = {}
    exec(EXAMPLE, names)
    assert names["accuracy"] > 0.95


def test_the_example_prints_the_same_twice(capsys):
    exec(EXAMPLE, {})
    exec(EXAMPLE, {})
    first, second = capsys.readouterr().out.splitlines()
    assert first == second


@pytest.mark.parametrize("name", ["Square", "Scale"])
def test_the_layers_of_ones_own_have_right_gradients(name):
    names = {}
    exec(LAYERS, names)
    layer = names[name]()
    params = layer.init(fn.Key(0), (3,), np.float64)
    generator = fn.Key(1).generator()
    x, direction, dy = generator.normal(size=(3, 2, 3))
    dx, grads = layer.backward(params, layer.forward(params, x)[1], dy)
    assert fn.tree.equal(fn.tree.zeros_like(grads), fn.tree.zeros_like(params))
    h = 1e-6
    difference = layer.apply(params, x + h * direction) - layer.apply(params, x - h * direction)
    assert np.vdot(dx, direction) == pytest.approx(np.vdot(dy, difference) / (2 * h), rel=1e-8)


@pytest.mark.slow
def test_the_checks_pass_and_print_a_line_for_each_leaf(capsys):
    names = {}
    exec(LAYERS + CHECKS, names)
    printed = capsys.readouterr().out
    for path in ("0.weight", "0.bias", "2.scale", "3.weight", "3.bias", "all"):
        assert re.search(rf"^{re.escape(path)} ", printed, flags=re.MULTILINE)
    names["check_layer"](names["Square"](), input_shape=(3,))


def test_the_model_of_two_inputs_learns_and_its_statistics_are_those_of_the_data(capsys):
    exec(SEVERAL, names := {})
    capsys.readouterr()
    run, sizes = names["run"], names["sizes"]
    assert run.history["accuracy"][-1] > 0.95
    assert np.allclose(run.params[0][1].running_mean.value, sizes.mean(axis=0), atol=0.3)
    section = README.partition("## Several inputs, ids, statistics\n")[2].partition("\n## ")[0]
    assert len(section.strip().splitlines()) + 2 <= 25


@pytest.mark.slow
def test_the_experiments_run_and_come_back(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    exec(EXPERIMENTS, {})
    first, verified, *swept = capsys.readouterr().out.splitlines()
    assert float(first.split()[0]) > 0.9
    assert verified == "runs/digits: identical, 10 epochs"
    assert len(swept) == 4


def test_the_example_of_own_data_learns_and_predicts_names(capsys):
    exec(OWN_DATA, names := {})
    table, labels = capsys.readouterr().out.rsplit("\n", 2)[:2]
    assert "the best by validation loss" in table
    assert names["run"].history["test accuracy"][-1] > 0.95
    assert labels.startswith("['slender' 'round'] [[")
