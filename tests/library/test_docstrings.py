"""Docstrings as numpydoc has them: a first line, and every parameter, result and error of every public callable named.

Methods and properties have docstrings too, those without parameters of their own by inheritance.
"""

import ast
import builtins
import inspect
import re
import textwrap

import pytest

import funcnet as fn
from funcnet import public as names_of_funcnet
from funcnet.losses.loss import Loss
from funcnet.losses.penalties import Penalty
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


def members(item):
    """The methods and properties of a class that are defined in funcnet, by their names."""
    for name in dir(item) if inspect.isclass(item) else ():
        member = inspect.getattr_static(item, name)
        code = getattr(member, "fget", getattr(member, "__func__", member))  # that of a property or a static method
        if not name.startswith("_") and inspect.isfunction(code) and code.__module__.startswith("funcnet"):
            yield name, member if isinstance(member, property) else code


def found():
    """Each public function and class, and each of its methods and properties: item, name and class."""
    for place, module in MODULES.items():
        for name, item in public(module).items():
            yield item, f"{place}.{name}", None
            for inner, member in members(item):
                yield member, f"{place}.{name}.{inner}", item


FOUND = {item: (name, owner) for item, name, owner in reversed([*found()])}  # each once, by its first name
MEMBERS = {item: (name, owner) for item, (name, owner) in FOUND.items() if owner}


def callables():
    """Each public function and class, and each of its methods that has a docstring of its own, once."""
    return {
        item: name
        for item, (name, _) in FOUND.items()
        if item not in MEMBERS or (inspect.isfunction(item) and item.__doc__)
    }


def sections(item):
    return dict(SECTION.findall(inspect.getdoc(item) or ""))


def docstring(member, owner):
    """The docstring of a method or property; that of the protocol for the passes of a loss or a penalty."""
    text, name = inspect.getdoc(member), getattr(member, "__name__", "")
    if text is None and owner.__module__.startswith("funcnet.losses."):
        passes = [getattr(protocol, name, None) for protocol in (Loss, Penalty)]
        return next((inspect.getdoc(each) for each in passes if each and parameters(each) == parameters(member)), None)
    return text


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


@pytest.mark.parametrize(("member", "owner"), [pytest.param(m, owner, id=name) for m, (name, owner) in MEMBERS.items()])
def test_every_method_and_property_has_a_sentence(member, owner):
    first, *rest = (docstring(member, owner) or "").split("\n")
    assert first.endswith(".")
    assert not rest or rest[0] == ""


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


def checking(item):
    """The code whose errors a docstring tells: a function, a property's, or a class's `__attrs_post_init__`, if any."""
    return getattr(item, "__attrs_post_init__", None) if inspect.isclass(item) else getattr(item, "fget", item)


def statements(node):
    """The nodes inside a node, without those of functions and classes inside it."""
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, ast.FunctionDef | ast.ClassDef | ast.Lambda):
            yield child
            yield from statements(child)


def raised(function):
    """The names of the classes of errors that stand after a `raise` of the function."""
    (code,) = ast.parse(textwrap.dedent(inspect.getsource(function))).body
    raises = [node.exc for node in statements(code) if isinstance(node, ast.Raise) and node.exc]
    names = {ast.unparse(each.func if isinstance(each, ast.Call) else each).rpartition(".")[2] for each in raises}
    known = {**vars(builtins), **inspect.unwrap(function).__globals__}
    return {name for name in names if inspect.isclass(known.get(name))} - {"NotImplementedError"}  # of what is abstract


@pytest.mark.parametrize(("item", "owner"), [pytest.param(i, owner, id=name) for i, (name, owner) in FOUND.items()])
def test_every_error_that_is_raised_is_named(item, owner):
    tellers = [item] if item.__doc__ else [item, owner]  # a class tells the errors of methods without a docstring
    told = "\n".join(sections(each).get("Raises", "") for each in tellers)
    code = checking(item)
    assert not code or raised(code) <= set(re.findall(r"^(\w+)$", told, flags=re.MULTILINE))


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
