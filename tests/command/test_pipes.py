"""A reader such as `head`, which stops reading, is no error of the command."""

import sys

import pytest

from tests.children import child


@pytest.mark.parametrize("buffered", ["", "1"])
@pytest.mark.parametrize("arguments", [["--help"], ["check", "examples/digits.json", "--data", "xor"]])
def test_a_reader_that_stops_reading_is_no_error(arguments, buffered, monkeypatch):
    monkeypatch.setenv("PYTHONUNBUFFERED", buffered)
    with child([sys.executable, "-m", "funcnet", *arguments]) as running:
        running.stdout.close()  # as `head` does
        err = running.stderr.read()
        assert (running.wait(60), err) == (0, "")
