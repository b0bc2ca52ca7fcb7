"""The examples in the docstrings of the package, and of what the examples share, run as they stand."""

import doctest
from importlib import import_module
from pathlib import Path

import pytest

import funcnet as fn

PACKAGE = Path(fn.__file__).parent
PATHS = sorted(PACKAGE.rglob("*.py"))
NAMES = [".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts) for path in PATHS]
MODULES = [import_module(name.removesuffix(".__init__")) for name in NAMES if not name.endswith("__main__")]
MODULES += [import_module("program")]
EXAMPLES = [each for module in MODULES for each in doctest.DocTestFinder().find(module) if each.examples]


def case(example):
    """The example by its name; those of checks and strategies look at hundreds of cases."""
    name = example.name.removeprefix("funcnet.")
    return pytest.param(example, id=name, marks=pytest.mark.slow if name.startswith("testing.") else ())


@pytest.mark.parametrize("example", [case(example) for example in EXAMPLES])
def test_an_example_runs(example):
    output = []
    failed, _ = doctest.DocTestRunner().run(example, out=output.append, clear_globs=False)
    assert not failed, "".join(output)


def test_there_are_examples_everywhere():
    assert len(EXAMPLES) > 170
