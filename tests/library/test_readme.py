"""The README's examples run as they stand, and keep the promises made beside them."""

import re
from pathlib import Path

import numpy as np
import pytest

import funcnet as fn

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
EXAMPLE, LAYERS, CHECKS, EXPERIMENTS = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)


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
    assert fn.tree.flatten(grads)[1] == fn.tree.flatten(params)[1]
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


@pytest.mark.slow
def test_the_experiments_run_and_come_back(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    exec(EXPERIMENTS, {})
    first, verified, *swept = capsys.readouterr().out.splitlines()
    assert float(first.split()[0]) > 0.9
    assert verified == "runs/digits: identical, 10 epochs"
    assert len(swept) == 4


def test_every_module_is_on_the_map():
    modules = {path.stem for path in (ROOT / "funcnet").iterdir() if path.suffix == ".py" or path.is_dir()}
    table = re.search(r"## Where things are\n(.*?)\n## ", README, flags=re.DOTALL)[1]
    mapped = set(
        re.findall(r"`(\w+)`", "".join(line.split("|")[1] for line in table.splitlines() if line[:3] == "| `"))
    )
    assert mapped == {module for module in modules if not module.startswith("__")}
