"""The example programs, and how one is run."""

from tests.children import ROOT, python

EXAMPLES = ROOT / "examples"


def run(program, *arguments):
    return python(EXAMPLES / program, *arguments)
