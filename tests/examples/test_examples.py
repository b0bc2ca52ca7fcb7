"""The example programs, run as a newcomer runs them."""

import os
import re
import signal
import sys

import pytest

from tests.children import child, python
from tests.examples.programs import EXAMPLES, run

on_posix = pytest.mark.skipif(os.name == "nt", reason="Windows has neither SIGINT for one process nor such pipes")


@pytest.mark.slow
def test_digits_shows_model_table_report_and_pictures(tmp_path):
    done = run("digits.py", "--epochs", 2, "--out", tmp_path)
    assert done.returncode == 0
    assert done.stderr == ""  # no terminal, no progress bar
    for part in ("Linear(n_out=128", "total", "test accuracy", "precision", "confusion matrix"):
        assert part in done.stdout
    assert re.findall(r"^ +(\d+)  ", done.stdout, flags=re.MULTILINE) == ["1", "2"]
    for name in ("learning-curve", "hidden-weights", "mistakes"):
        path = tmp_path / f"{name}.png"
        assert str(path) in done.stdout.splitlines()
        assert path.read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
def test_the_same_seed_prints_the_same_and_another_does_not(tmp_path):
    first, second, other = (run("digits.py", "--epochs", 1, "--out", tmp_path, "--seed", seed) for seed in (7, 7, 8))
    assert first.stdout == second.stdout != other.stdout


@pytest.mark.slow
def test_digits_reads_97_of_100_on_average_over_five_seeds(tmp_path):
    runs = [run("digits.py", "--seed", seed, "--out", tmp_path) for seed in range(5)]
    accuracies = [float(re.search(r"test accuracy (\S+) on 359", done.stdout)[1]) for done in runs]
    assert sum(accuracies) / 5 >= 0.97


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--seed", "-1"),
        ("--seed", "one"),
        ("--seed", str(2**128)),
        ("--epochs", "0"),
        ("--epochs", "2.5"),
        ("--hidden", "0"),
        ("--learning-rate", "nan"),
        ("--learning-rate", "-0.1"),
        ("--learning-rate", "fast"),
        ("--out", __file__),
        ("--colour", "red"),
    ],
)
def test_a_bad_value_gets_one_line_and_exit_code_2(refused, option, value):
    assert option in refused("digits.py", f"{option}={value}")


@pytest.mark.slow
def test_a_refusal_is_the_exit_code_of_the_process():
    done = run("digits.py", "--colour", "red")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("rate", "word"),
    [
        (1e30, "the train loss is nan after epoch 1: try a smaller --learning-rate"),
        (1e9, "no better than guessing: the loss is"),
        (1.0, "no better than guessing: the loss is"),
        (1e-9, "no better than guessing: the loss is"),
    ],
)
def test_a_rate_with_which_nothing_is_learned_ends_with_a_word_on_why(rate, word, tmp_path):
    done = run("digits.py", "--learning-rate", rate, "--epochs", 2, "--out", tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith(word)
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.slow
@on_posix
@pytest.mark.parametrize(
    ("program", "sign"), [("digits.py", "    1  "), ("xor_lab.py", "a line"), ("check_your_layer.py", "FirstRMSNorm")]
)
def test_ctrl_c_ends_a_program_in_one_line(program, sign, tmp_path):
    with child([sys.executable, EXAMPLES / program, "--out", tmp_path]) as running:
        assert any(line.startswith(sign) for line in running.stdout)  # seen when it is printed
        os.killpg(running.pid, signal.SIGINT)  # as a terminal does
        _, err = running.communicate(timeout=60)
    assert (running.returncode, err) == (130, "error: stopped\n")


@pytest.mark.slow
@on_posix
@pytest.mark.parametrize("program", ["check_your_layer.py", "digits.py", "gradient_descent.py", "xor_lab.py"])
def test_a_reader_that_leaves_gets_no_traceback(program, tmp_path):
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = python(EXAMPLES / program, "--quick", "--out", tmp_path, stdout=writer)
    finally:
        os.close(writer)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.slow
def test_check_your_layer_prints_a_violation_and_passes_with_the_fix():
    done = run("check_your_layer.py")
    assert (done.returncode, done.stderr) == (0, "")
    for part in (
        "FirstRMSNorm(epsilon=1e-06) breaks the law 'coordinates'",
        "at         dx[",
        "check_layer_law('coordinates'",
    ):
        assert part in done.stdout
    assert done.stdout.endswith("RMSNorm, with the gain in its place, passes every law.\n")
