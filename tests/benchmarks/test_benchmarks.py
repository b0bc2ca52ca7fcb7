"""The benchmark runs, all its sides take the same step, and memory keeps its bars. No times are asserted."""

import json

import numpy as np
import pytest

import funcnet as fn
from tests.benchmarks import beyond
from tests.benchmarks.networks import Network
from tests.benchmarks.sides import SIDES
from tests.children import python


@pytest.mark.slow
@pytest.mark.parametrize("side", [side for side in SIDES if side != "products"])
def test_all_sides_take_the_same_steps(side):
    if side in ("jax", "torch", "autograd"):
        pytest.importorskip(side)
    network = Network((5, 4, 3), 7)
    (step, weights), (expected_step, expected_weights) = SIDES[side](network), SIDES["handwritten"](network)
    for _ in range(3):
        step()
        expected_step()
    for pair, expected in zip(weights(), expected_weights(), strict=True):
        for array, wanted in zip(pair, expected, strict=True):
            np.testing.assert_allclose(np.asarray(array), wanted, rtol=1e-4, atol=1e-6)


@pytest.mark.slow
def test_it_prints_its_table_and_writes_json_and_a_picture(tmp_path):
    done = python("-m", "tests.benchmarks", "--quick", "--out", tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "784-50-10, 100" in done.stdout
    written = json.loads((tmp_path / "benchmarks.json").read_text())
    assert set(written["microseconds"]["2-4-4-2, 20"]) >= {"funcnet", "handwritten", "products"}
    assert (tmp_path / "benchmarks.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    "network", [Network((784, 50, 10), 100), Network((400, 25, 10), 5000), Network((512,) * 4, 256)]
)
def test_a_step_needs_at_most_half_more_memory_than_what_it_computes(network):
    assert beyond.peak_memory(network) < 1.5


def test_inference_frees_each_activation_as_soon_as_the_next_exists():
    model = fn.sequential(*[fn.Linear(1000, bias=False), fn.ReLU()] * 5)
    params, x = model.init(fn.Key(0), (1000,)), np.ones((1000, 1000), np.float32)
    model.apply(params, x)
    assert beyond.peak_of(lambda: model.apply(params, x)) < 2.1 * x.nbytes
