"""Ctrl-C ends the command with an exit code of its own, and the same command goes on."""

import os
import re
import signal
import sys
import time

import attrs
import pytest

from funcnet.experiments import directory
from funcnet.experiments.directory import Directory
from tests.children import child
from tests.experiments.sweep_cases import EXPERIMENT


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="Windows sends no SIGINT to one process")
def test_ctrl_c_exits_with_130_and_the_same_command_goes_on(said, written, tmp_path):
    path, folder = written(attrs.evolve(EXPERIMENT, epochs=10**6)), tmp_path / "a"
    command = [sys.executable, "-m", "funcnet", "run", path, "--data", "xor", "--out", folder]
    end = time.monotonic() + 60
    with child(command) as running:
        while not (folder / "checkpoint.npz").exists():
            assert running.poll() is None
            assert time.monotonic() < end
            time.sleep(0.01)
        running.send_signal(signal.SIGINT)
        out, err = running.communicate(timeout=30)
    assert (running.returncode, out) == (130, "")
    assert re.fullmatch(r".*stopped.*\n", err)
    made = Directory(folder).checkpoint().epoch
    assert said("verify", folder)[:2] == (0, f"{folder}: identical, {made} epochs\n")


@pytest.mark.slow
def test_ctrl_c_while_a_checkpoint_is_written_leaves_no_row_twice(said, written, tmp_path, monkeypatch):
    path, folder = written(EXPERIMENT), tmp_path / "a"
    real = directory.write_checkpoint
    calls = iter([real, None])

    def save(*arguments, **options):
        """The second checkpoint is interrupted, others are not."""
        if (write := next(calls, real)) is None:
            raise KeyboardInterrupt
        write(*arguments, **options)

    monkeypatch.setattr(directory, "write_checkpoint", save)
    assert said("run", path, "--data", "xor", "--out", folder)[0] == 130
    assert [row["epoch"] for row in Directory(folder).rows()] == [1, 2]
    assert said("verify", folder)[0] == 0
    assert said("run", path, "--data", "xor", "--out", folder)[0] == 0
    assert said("verify", folder)[:2] == (0, f"{folder}: identical, 4 epochs\n")
