"""The digest of a user's code changes with what the code computes, and with nothing else."""

import functools
import math

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
