"""Docstrings as numpydoc has them: a first line, and every parameter and result of every public callable named."""

import inspect
import re

import pytest

import funcnet as fn
from funcnet import public as names_of_funcnet
from funcnet.testing import strategies

MODULES = {
    "fn": names_of_funcnet,
    "tree": fn.tree,
    "data": fn.data,
    "metrics": fn.metrics,
    "initializers": fn.initializers,
    "schedules": fn.schedules,
    "plot": fn.plot,
    "testing": fn.testing,
    "strategies": strategies,
}
SECTION = re.compile(
    r"^([A-Z][A-Za-z ]+)\n-{3,}\n(.*?)(?=^[A-Z][A-Za-z ]+\n-{3,}\n|\Z)", flags=re.MULTILINE | re.DOTALL
)
KNOWN = (
    "Parameters",
    "Attributes",
    "Returns",
    "Yields",
    "Raises",
    "Warns",
    "See Also",
    "Notes",
    "References",
    "Examples",
)


def public(module):
    """The classes and functions that a module gives to users, by name."""
    names = getattr(module, "__all__", None) or [
        name for name, item in vars(module).items() if getattr(item, "__module__", "") == module.__name__
    ]
    items = {name: getattr(module, name) for name in names if not name.startswith("_")}
    return {name: item for name, item in items.items() if getattr(item, "__module__", "").startswith("funcnet")}


def callables():
    """Each public function and class, and each of its methods that has a docstring of its own, once."""
    found = {}
    for place, module in MODULES.items():
        for name, item in public(module).items():
            found.setdefault(item, f"{place}.{name}")
            for method, function in inspect.getmembers(item, inspect.isfunction) if inspect.isclass(item) else ():
                if not method.startswith("_") and function.__doc__ and function.__module__.startswith("funcnet"):
                    found.setdefault(function, f"{place}.{name}.{method}")
    return found


def sections(item):
    return dict(SECTION.findall(inspect.getdoc(item) or ""))


CALLABLES = [pytest.param(item, id=name) for item, name in callables().items()]
every_callable = pytest.mark.parametrize("item", CALLABLES)


@every_callable
def test_the_first_line_is_a_sentence_by_itself(item):
    first, *rest = (inspect.getdoc(item) or "").split("\n")
    assert first.endswith(".")
    assert not rest or rest[0] == ""


def parameters(item):
    """The names of the parameters of a function or of a class's constructor, with their stars."""
    if inspect.isclass(item) and item.__init__ in (ValueError.__init__, object.__init__):
        return []  # of an exception without a constructor of its own
    stars, given = {2: "*", 4: "**"}, inspect.signature(item).parameters.values()
    return [stars.get(int(each.kind), "") + each.name for each in given if each.name != "self"]


@every_callable
def test_every_parameter_is_named(item):
    named = re.findall(
        r"^(\*{0,2}\w+(?:, \*{0,2}\w+)*)(?: :|$)", sections(item).get("Parameters", ""), flags=re.MULTILINE
    )
    assert [name for names in named for name in names.split(", ")] == parameters(item)


@every_callable
def test_every_result_is_described(item):
    if inspect.isfunction(item) and inspect.signature(item).return_annotation not in (None, "None"):
        assert {"Returns", "Yields"} & sections(item).keys()


@every_callable
def test_every_section_is_one_of_numpydoc_in_its_order(item):
    titles = list(sections(item))
    assert titles == [title for title in KNOWN if title in titles]
    underlined = re.findall(r"^(.+)\n(-{3,})$", inspect.getdoc(item) or "", flags=re.MULTILINE)
    assert all(len(title) == len(line) for title, line in underlined if title in KNOWN)


@every_callable
def test_every_function_and_value_has_an_example_that_runs(item):
    is_method = "." in item.__qualname__
    if not is_method and not (inspect.isclass(item) and issubclass(item, Exception)):
        assert ">>>" in sections(item).get("Examples", "")
