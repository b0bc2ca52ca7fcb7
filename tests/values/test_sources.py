"""The digest of a user's code changes with what the code computes, and with nothing else."""

import functools
import importlib
import linecache
import math
import sys
import types

import attrs
import numpy as np
import pytest

import funcnet as fn
from funcnet.values import sources
from tests.children import python

FACTOR = 2.0
TABLE = np.arange(3)


class Base(fn.Layer):
    def backward(self, params, cache, dy):
        return self.rule(dy), ()

    @staticmethod
    def rule(dy):
        return dy * FACTOR


@attrs.frozen
class Doubled(Base):
    def forward(self, params, x):
        return x * FACTOR, TABLE


def metric(targets, predictions):
    return helper(targets) + math.pi


def helper(targets):
    return metric(targets, targets) if len(targets) else FACTOR


def power(exponent):
    def of(x, y):
        return x**exponent

    return of


def test_only_code_of_ones_own_has_a_digest():
    assert sources((fn.Linear(2), fn.SGD(0.1), fn.metrics.accuracy, fn.schedules.cosine(0.1, 9), np.sin, len)) == {}
    assert sources((Doubled(), metric, fn.sequential(Doubled()))).keys() == {"Doubled", "metric"}


@pytest.mark.parametrize("name", ["FACTOR", "TABLE"])
def test_values_that_the_code_reads_count(name, monkeypatch):
    before = sources(Doubled())
    monkeypatch.setitem(globals(), name, globals()[name] + 1)
    assert sources(Doubled()) != before


def test_functions_that_a_function_calls_count(monkeypatch):
    before = sources(metric)
    monkeypatch.setitem(globals(), "helper", lambda targets: 0.0)
    assert sources(metric) != before
    monkeypatch.undo()
    assert sources(metric) == before


def test_methods_of_a_base_class_count(monkeypatch):
    before = sources(Doubled())
    monkeypatch.setattr(Base, "rule", staticmethod(lambda dy: dy))
    assert sources(Doubled()) != before


def test_what_a_closure_holds_counts():
    (two,), (three,), (again,) = (sources(power(exponent)).values() for exponent in (2, 3, 2))
    assert two == again != three


def test_what_a_function_assigns_does_not_count():
    def counting(x, y):
        nonlocal count
        count += 1
        return count

    count = 0
    before = sources(counting)
    counting(0, 0)
    assert sources(counting) == before


def test_code_without_source_has_its_bytes():
    one, other = {"__name__": "elsewhere"}, {"__name__": "elsewhere"}
    exec("def made(x, y):\n    return x + 1", one)
    exec("def made(x, y):\n    return x + 2", other)
    assert sources(one["made"]) != sources(other["made"])
    assert sources(one["made"]) == sources(one["made"])


def test_the_function_of_a_partial_counts():
    assert sources(functools.partial(metric, 1)).keys() == {"metric"}


def test_a_class_of_a_notebook_has_the_source_of_its_methods():
    code = "import funcnet as fn\nclass Cell(fn.Layer):\n    def forward(self, params, x):\n        return x * {}, x\n"
    cells = [{"__name__": "__notebook__"} for _ in range(3)]
    for factor, cell in zip((2, 2, 3), cells, strict=True):
        exec(code.format(factor), cell)
    one, same, other = (sources(cell["Cell"]()) for cell in cells)
    assert one == same != other


def test_the_order_of_a_set_does_not_count(monkeypatch):
    code = "import os, sys; sys.path[:0] = ['.']; from funcnet.values import sources; n = {'__name__': 'elsewhere'}"
    code += '; exec(\'def f(x): return x in {"a", "b", "c", "d"}\', n); print(sources(n[\'f\']))'
    printed = []
    for seed in "123":
        monkeypatch.setenv("PYTHONHASHSEED", seed)
        printed.append(python("-c", code).stdout)
    assert printed[0] == printed[1] == printed[2] != ""


MODULE = """
from other import SHARED
import package.part

TABLE = {"factor": 2}
RULES = [lambda x: x + 1]
calls, counter = [], 0

class Settings:
    def __init__(self):
        self.factor = 2

settings = Settings()

def count():
    global counter
    counter += 1

def f(x, *, power=2):
    '''What f is.'''
    calls.append(x)
    count()
    return x**power * TABLE["factor"] * settings.factor + RULES[0](x) + SHARED[0] + package.part.g(x) + counter
"""
FILES = {"own": MODULE, "other": "SHARED = [2]\n", "package": "", "package.part": "def g(x):\n    return x + 1\n"}
CHANGES = {
    "an entry of a dict": ("own", '"factor": 2', '"factor": 3'),
    "an entry that is set later": ("own", "\ncalls,", "\nTABLE['factor'] = 3\ncalls,"),
    "a function in a list": ("own", "lambda x: x + 1", "lambda x: x + 2"),
    "an attribute": ("own", "self.factor = 2", "self.factor = 3"),
    "a keyword's default": ("own", "power=2", "power=3"),
    "a list of another module": ("other", "2", "3"),
    "a function of a module in a package": ("package.part", "+ 1", "+ 2"),
    "where a counter starts": ("own", "[], 0", "[], 1"),
}
NO_CHANGES = {
    "layout": ("own", "x**power * TABLE", "x ** power  *  TABLE"),
    "a comment behind the code": ("own", "counter += 1", "counter += 1  # by one"),
    "a docstring": ("own", "What f is.", "What f was."),
    "ends of lines": ("own", "\n", "\r\n"),
    "a place": ("own", "\ndef f(", "\n\n\ndef unused():\n    pass\n\n\ndef f("),
}


@pytest.fixture
def edited(tmp_path, monkeypatch):
    """A function that edits a module and imports all again, and returns the digest of the module's function f."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    (tmp_path / "package").mkdir()

    def edit(module=None, old="", new="", is_imported=True):
        for name, text in FILES.items():
            path = tmp_path / {"package": "package/__init__.py"}.get(name, name.replace(".", "/") + ".py")
            path.write_bytes((text.replace(old, new) if name == module else text).encode())
            if is_imported:
                sys.modules.pop(name, None)
        linecache.clearcache()
        importlib.invalidate_caches()
        return sources(importlib.import_module("own").f)

    yield edit
    for name in FILES:
        sys.modules.pop(name, None)


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_what_makes_the_values_that_a_function_reads_counts(change, edited):
    assert edited() != edited(*change)


@pytest.mark.parametrize("change", NO_CHANGES.values(), ids=NO_CHANGES)
def test_code_that_only_looks_different_does_not_count(change, edited):
    assert edited() == edited(*change)


def test_values_that_change_as_the_code_runs_do_not_count(edited):
    before = edited()
    own = sys.modules["own"]
    assert own.f(1) != own.f(1)
    own.TABLE["cached"] = own.settings.cached = 1
    assert sources(own.f) == before


def test_code_that_was_edited_and_not_imported_again_is_neither_the_old_nor_the_new(edited):
    change = ("own", "x**power", "x ** (power + 1)")
    before, unlike, after = edited(), edited(*change, is_imported=False), edited(*change)
    assert before != unlike != after != before


def test_a_dict_of_a_notebook_counts_by_the_cells_that_make_it(monkeypatch):
    module = types.ModuleType("__notebook__")
    monkeypatch.setitem(sys.modules, "__notebook__", module)
    cells = ["%time", "TABLE = {}", "TABLE['a'] = 1", "def f(x):\n    return TABLE['a'] * x"]
    vars(module).update(get_ipython=None, In=cells, __file__="a notebook")
    exec("\n".join(cells[1:]), vars(module))
    before = sources(module.f)
    module.In = [*cells, "TABLE['a'] = 2"]
    assert sources(module.f) != before
    module.In = [*module.In, "TABLE = {}", "TABLE['a'] = 1"]
    assert sources(module.f) == before
