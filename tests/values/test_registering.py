"""Names in files lead to one thing each: what has no such name is given one, and no name is given twice."""

import functools
import math
import operator
from fractions import Fraction

import attrs
import numpy as np
import pytest

import funcnet as fn
from funcnet.values import UnregisteredError, from_json, to_json

CELL = """
import attrs
import funcnet as fn

@fn.register
@fn.values.specification
class RerunSquare(fn.Layer):
    times: int = {times}
    def forward(self, params, x):
        return x ** {times}, x

@fn.register
@fn.tree.node
class RerunParams:
    scale: float = {times}

@fn.register
def rerun(x):
    return x ** {times}
"""


def power(exponent):
    def powered(x, times=1):
        return times * x**exponent

    return powered


def recursive(depth, values):
    def descended(n=depth):
        return descended(n - 1) if n else values

    return descended


def power_layer(exponent):
    @attrs.frozen
    class Power(fn.Layer):
        scale: float = attrs.field(default=1.0, converter=lambda scale: float(scale))
        sizes: tuple = attrs.field(factory=lambda: (1, 2))

        def forward(self, params, x):
            return self.scale * x**exponent, __class__

        @property
        def exponent(self):
            return exponent

    return Power


class Scorer:
    def __init__(self, k):
        self.k = k

    def __call__(self, targets, predictions):
        return self.k

    def score(self, targets, predictions):
        return self.k

    @classmethod
    def none(cls, targets, predictions):
        return 0.0


MAKERS = {  # each makes a different thing of 2 and of 3, and a thing that is the same when it makes it again
    "a closure": power,
    "a default": lambda k: lambda x, k=k: x**k,
    "a default by name": lambda k: lambda x, *, k=k: x**k,
    "a constant": lambda k: (lambda x: x**2) if k == 2 else (lambda x: x**3),
    "a constant's sign": lambda k: lambda x, zero=0.0 if k == 2 else -0.0: x + zero,
    "a constant inside": lambda k: (lambda: [lambda x: x**2]) if k == 2 else (lambda: [lambda x: x**3]),
    "an array": lambda k: (lambda weights: lambda x: weights @ x)(np.full(3, float(k))),
    "a NaN": lambda k: (lambda weights: lambda x: weights)({"nan": math.nan, "k": k}),
    "itself": lambda k: recursive(3, [k]),
    "an object": lambda k: (lambda scorer: lambda t, p: scorer(t, p))(Scorer(k)),
    "a class": power_layer,
    "a getter": lambda k: (lambda getter: lambda x: getter(x))(operator.itemgetter(k)),
    "a number": lambda k: (lambda number: lambda x: x**number)(Fraction(k)),
    "a generator": lambda k: (lambda draws: lambda x: draws)(np.random.default_rng(k)),
    "a float32": lambda k: (lambda number: lambda x: x**number)(np.float32(k)),
    "a set": lambda k: (lambda numbers: lambda x: x in numbers)({k, "two"}),
    "a partial": lambda k: functools.partial(pow, k),
    "a method": lambda k: Scorer(k).score,
    "an instance": Scorer,
    "an attribute": lambda k: functools.update_wrapper(lambda x: x, power(k)),
}
every_maker = pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)


@every_maker
def test_what_its_name_does_not_lead_to_needs_a_name(make):
    with pytest.raises(ValueError, match=r"does not lead back .* register\(\.\.\., name="):
        fn.register(make(2))


@every_maker
def test_a_name_is_of_one_thing(make, request):
    name = f"one thing: {request.node.name}"
    first = fn.register(make(2), name=name)
    assert from_json(to_json((first,))) == (first,)
    with pytest.raises(ValueError, match=r"is taken by .* by a name of its own"):
        fn.register(make(3), name=name)
    assert from_json(to_json((first,))) == (first,)
    again = fn.register(make(2), name=name)  # as a cell of a notebook does
    assert from_json(to_json((again,))) == (again,)


def test_two_closures_come_back_as_themselves():
    square, cube = fn.register(power(2), name="tested square"), fn.register(power(3), name="tested cube")
    square_again, cube_again = from_json(to_json((square, cube)))
    assert (square_again(3), cube_again(3)) == (9, 27)
    assert repr(fn.Elementwise(square, cube)) == "Elementwise(function=tested square, derivative=tested cube)"


def test_a_cell_that_runs_again_replaces_what_it_made():
    spaces = [{"__name__": "a_notebook"} for _ in range(3)]
    for times, space in zip((2, 2, 3), spaces, strict=True):
        exec(CELL.format(times=times), space)
    last = spaces[-1]
    assert from_json('{"type": "RerunSquare"}') == last["RerunSquare"](3)
    assert from_json('{"function": "rerun"}') is last["rerun"]
    for old in (spaces[0]["RerunSquare"](2), (spaces[0]["rerun"],), spaces[0]["RerunParams"]):
        with pytest.raises(UnregisteredError, match="was defined again, so make the value again"):
            to_json(old)


LOOP = """
import attrs
import funcnet as fn
for k in (2, 3):
    {decorator}
    def looped(x, k=k):
        return x**k
"""


def test_functions_of_a_loop_need_a_name_each():
    with pytest.raises(ValueError, match=r"the name 'looped' is taken by a different a_loop.looped"):
        exec(LOOP.format(decorator="@fn.register"), {"__name__": "a_loop"})
    exec(LOOP.format(decorator="@fn.register(name=f'looped {k}')"), {"__name__": "a_loop"})
    assert from_json('[{"function": "looped 2"}, {"function": "looped 3"}]')[1](2) == 8


def test_classes_of_two_modules_with_one_name_say_to_give_one():
    here, there = (attrs.make_class("Twin", ["size"], frozen=True) for _ in range(2))
    there.__module__ = "elsewhere"
    fn.register(here)
    with pytest.raises(ValueError, match=r"taken by .*test_registering.Twin: register elsewhere.Twin by a name of its"):
        fn.register(there)
    fn.register(there, name="elsewhere.Twin")
    assert from_json(to_json((here(1), there(1)))) == (here(1), there(1))


@pytest.mark.parametrize("item", [math.sin, len, np.sin, np.linalg.norm, Scorer.none])
def test_functions_that_their_names_lead_to_need_none(item):
    assert fn.register(item) == item
    assert from_json(to_json((item,))) == (item,)


def test_a_ufunc_of_a_different_package_is_not_numpys():
    square = np.frompyfunc(lambda x: x**2, 1, 1)
    with pytest.raises(ValueError, match="does not lead back"):
        fn.register(square)
    fn.register(square, name="frompyfunc square")
    assert repr(fn.Elementwise(square, np.cos)) == "Elementwise(function=frompyfunc square, derivative=np.cos)"


class Plain:
    def __init__(self, size):
        self.size = size


class Undecorated(fn.Layer):
    size: int = 3


@pytest.mark.parametrize(
    ("use", "error", "message"),
    [
        (lambda: fn.register(Plain), TypeError, "write @attrs.frozen between @register and the class"),
        (lambda: fn.register(Undecorated), TypeError, "write @attrs.frozen between @register and the class"),
        (lambda: fn.register(fn.ReLU()), TypeError, r"got the value ReLU\(\): register its class"),
        (lambda: fn.register("power2"), TypeError, r"got 'power2': write @register\(name='power2'\)"),
        (lambda: fn.register(None), TypeError, "got None"),
        (lambda: fn.register(name=""), TypeError, "name must be a string, got ''"),
        (lambda: fn.register(len, name=3), TypeError, "name must be a string, got 3"),
        (lambda: fn.register(len, aliases="Old"), TypeError, "must be a list of names, such as .*\"], got 'Old'"),
        (lambda: fn.register(len, aliases=[3]), TypeError, r"aliases must be a list of names, .* got \[3\]"),
        (lambda: fn.register(len, aliases=["Linear"]), ValueError, "the name 'Linear' is taken by funcnet.layers"),
    ],
)
def test_wrong_uses_say_what_to_write(use, error, message):
    with pytest.raises(error, match=message):
        use()


def test_a_layer_without_fields_needs_no_attrs():
    bare = type("BareLayer", (fn.Layer,), {"__module__": __name__, "__qualname__": "BareLayer"})
    assert from_json(to_json(fn.register(bare)())) == bare()


# --- Aliases ---


@fn.register(name="new name", aliases=["old name", "older name"])
@attrs.frozen
class Renamed(fn.Layer):
    size: int = 1


def test_an_old_name_is_read_and_the_new_one_written():
    for name in ("old name", "older name", "new name"):
        assert from_json(f'{{"type": "{name}", "size": 2}}') == Renamed(2)
        assert from_json(f'{{"class": "{name}"}}') is Renamed
    assert '"new name"' in to_json(Renamed(2))


def test_an_alias_is_a_name_in_use():
    with pytest.raises(ValueError, match=r"'old name' is taken by .*\.Renamed"):
        fn.register(power(5), name="old name")
