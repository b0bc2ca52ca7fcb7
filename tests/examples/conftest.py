"""How the tests ask a program for its refusal."""

import runpy
import sys

import pytest

from tests.examples.programs import EXAMPLES


@pytest.fixture
def refused(capsys, monkeypatch):
    """The line with which a program refuses its options, in this process, as it ends before it does any work."""

    def refused(program, *options):
        monkeypatch.setattr(sys, "argv", [program, *map(str, options)])
        monkeypatch.syspath_prepend(EXAMPLES)
        with pytest.raises(SystemExit) as left:
            runpy.run_path(str(EXAMPLES / program), run_name="__main__")
        said = capsys.readouterr()
        assert (left.value.code, said.out, said.err.count("\n")) == (2, "", 1)
        return said.err

    return refused
