"""How the tests use the command line."""

import re
import sys

import pytest

from funcnet.command import main


@pytest.fixture(autouse=True)
def _path_of_modules(monkeypatch):
    """The command adds folders to the path of modules; the tests that come later, and their processes, have none."""
    monkeypatch.setattr(sys, "path", [*sys.path])


@pytest.fixture
def said(capsys):
    """What the command prints, with its exit code."""

    def run(*arguments):
        try:
            code = main([*map(str, arguments)])
        except SystemExit as error:  # argparse
            code = error.code
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


@pytest.fixture
def refused(said):
    """The one line on stderr of a use that is refused."""

    def run(*arguments, code=2):
        found, out, err = said(*arguments)
        assert (found, out) == (code, "")
        assert re.fullmatch(r"(funcnet: )?error: .+\n", err)
        return err

    return run


@pytest.fixture
def written(tmp_path):
    """The file of an experiment, or of whatever text."""

    def write(content, name="experiment.json"):
        path = tmp_path / name
        path.write_text(content if isinstance(content, str) else content.to_json())
        return path

    return write
