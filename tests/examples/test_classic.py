"""The classic programs, in their quick versions: they meet their bars, draw their pictures and complain in one line."""

import re
import shutil

import pytest

from tests.data.mnist_files import REAL
from tests.examples.programs import EXAMPLES, run

needs_mnist = pytest.mark.skipif(not REAL.is_dir(), reason="MNIST's files are not here")

PROGRAMS = {
    "two_layer_net.py": (["accuracy", "units"], "b2 (2.bias), mean difference, central"),
    "xor_lab.py": (
        [
            *("line", "xor", "relu", "learning-rates", "hidden-sizes", "activations-and-losses"),
            *("success", "dead-units", "edge"),
        ],
        "and do not at",
    ),
    "gradient_descent.py": (["path"], "0.0033554"),
    "parity_and_digits.py": (["parity-weights", "digits", "digits-history"], "loaded weights predict"),
    "regularized_digits.py": (["digits", "hidden-units"], "gradient, richardson"),
    "xor_and_mnist.py": (["xor", "mnist", "mnist-units"], "XOR, a single affine map"),
}


@pytest.mark.slow
@needs_mnist
@pytest.mark.parametrize("program", PROGRAMS)
def test_the_quick_version_meets_its_bars(program, tmp_path, monkeypatch):
    pictures, row = PROGRAMS[program]
    monkeypatch.setenv("FUNCNET_DATA", str(REAL))
    done = run(program, "--quick", "--out", tmp_path)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert row in done.stdout
    assert "NO" not in done.stdout.split()
    for name in pictures:
        assert (tmp_path / f"{name}.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
@needs_mnist
def test_the_same_seed_prints_the_same_and_another_does_not(tmp_path, monkeypatch):
    monkeypatch.setenv("FUNCNET_DATA", str(REAL))
    first, second, other = (
        re.sub("seconds.*", "", run("two_layer_net.py", "--quick", "--out", tmp_path, "--seed", seed).stdout)
        for seed in (7, 7, 8)
    )
    assert first == second != other


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_bad_option_gets_one_line_and_exit_code_2(refused, program):
    assert "--seed: expected a whole number" in refused(program, "--seed", "one")


def test_a_folder_without_mnist_is_reported_in_one_line(refused, tmp_path):
    said = refused("xor_and_mnist.py", "--data", tmp_path, "--out", tmp_path)
    assert f"error: {tmp_path} has no train-images-idx3-ubyte" in said


def test_a_damaged_file_of_mnist_is_reported_in_one_line(refused, tmp_path):
    for name in ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1"):
        (tmp_path / f"{name}-ubyte").write_bytes(b"junk")
    assert "train-images-idx3-ubyte: " in refused("two_layer_net.py", "--data", tmp_path, "--out", tmp_path)


@pytest.mark.slow
def test_a_bar_that_is_missed_is_exit_code_1(tmp_path):
    broken = tmp_path / "descent.py"
    source = (EXAMPLES / "gradient_descent.py").read_text()
    broken.write_text(source.replace("RATE = 0.3", "RATE = 0.2"))
    shutil.copy(EXAMPLES / "program.py", tmp_path)  # which it imports from its own folder
    done = run(broken, "--out", tmp_path)
    assert done.returncode == 1
    assert "NO" in done.stdout.split()
