"""A reader such as `head`, which stops reading, is no error of the command."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("buffered", ["", "1"])
@pytest.mark.parametrize("arguments", [["--help"], ["check", "examples/digits.json", "--data", "xor"]])
def test_a_reader_that_stops_reading_is_no_error(arguments, buffered):
    command, env = [sys.executable, "-m", "funcnet", *arguments], {**os.environ, "PYTHONUNBUFFERED": buffered}
    with subprocess.Popen(command, stdout=-1, stderr=-1, text=True, cwd=ROOT, env=env) as running:
        running.stdout.close()  # as `head` does
        err = running.stderr.read()
        assert (running.wait(60), err) == (0, "")
