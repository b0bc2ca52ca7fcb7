"""Checks of layers whose x is a tuple, or holds integers: what they take, what they ask, what they report."""

import attrs
import numpy as np
import pytest

import funcnet as fn
from funcnet import tree
from funcnet.testing import LawViolation, check_layer, check_layer_law
from funcnet.testing.cases.drawing import layer_cases
from funcnet.tree import map_flow
from tests.testing.gallery.broken_flows import DxTurned, NextRow, ZerosForIntegers
from tests.testing.gallery.flows import IDS, TWO, WEIGHTED, Inside, Times, Weighed, product

FLOATS = np.array([[0.5, 2.0, -1.0], [1.0, 0.25, 4.0]])


def violation(check, *arguments, **options):
    with pytest.raises(LawViolation) as caught:
        check(*arguments, **options)
    return caught.value


# --- What is taken ---


@pytest.mark.parametrize(
    ("layer", "options"),
    [
        (fn.Sum(), {"input_shape": ((3,), (3,))}),
        (Times(), {"x": (FLOATS, FLOATS + 1)}),
        (Times(), {"input_shape": ((2, 3), (2, 3)), "x": (FLOATS, FLOATS + 1)}),
        (Inside(), {"x": (FLOATS, (FLOATS[:, :1], FLOATS))}),
        (Weighed(), {"x": WEIGHTED}),
        (fn.Linear(2), {"x": IDS}),
        (fn.parallel(fn.Identity(), fn.Linear(2)), {"x": WEIGHTED}),
    ],
)
def test_tuples_and_integers_are_taken(layer, options):
    check_layer(layer, examples=7, **options)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"input_shape": ((3,), 3)}, TypeError, r"input_shape must be a tuple .* got \(\(3,\), 3\)"),
        ({"input_shape": ((3,), [3])}, TypeError, "input_shape must be a tuple"),
        (
            {"input_shape": ((3,), (2,)), "x": FLOATS},
            ValueError,
            r"shapes \(\(3,\), \(2,\)\) after the same batch axes, got \(2, 3\)",
        ),
        ({"input_shape": (3,), "x": (FLOATS, FLOATS)}, ValueError, r"got \(\(2, 3\), \(2, 3\)\)"),
        ({"input_shape": ((3,),), "x": (FLOATS, FLOATS)}, ValueError, r"got \(\(2, 3\), \(2, 3\)\)"),
        ({"x": (FLOATS, FLOATS[:1])}, ValueError, r"after the same batch axes, got \(\(2, 3\), \(1, 3\)\)"),
        ({"x": (FLOATS[:0], FLOATS[:0])}, ValueError, "x must have at least one example"),
        ({"x": (FLOATS, "a")}, TypeError, "expected numbers"),
    ],
)
def test_wrong_options(options, error, message):
    with pytest.raises(error, match=message):
        check_layer(Times(), **options)


# --- What is asked ---


@attrs.frozen
class Noting(fn.Layer):
    """The identity, which notes what it sees."""

    seen: list = attrs.field(factory=list, eq=False, repr=False)

    def forward(self, params, x):
        self.seen.append(x)
        return x.astype(np.float32 if x.dtype.kind in "biu" else x.dtype), x.dtype.kind

    def backward(self, params, kind, dy):
        return (dy.copy() if kind == "f" else None), ()


class NotingIntegers(Noting):
    takes_integers = True


def test_integers_stay_integers_where_the_layer_takes_them():
    given = np.array([[3, 7], [200, 1]], np.uint8)
    for layer, kind in ((NotingIntegers(), "u"), (Noting(), "f")):
        check_layer(layer, x=given, examples=4)
        assert {x.dtype.kind for x in layer.seen if type(x) is np.ndarray} == {kind}
    assert given.flags.writeable


def test_rows_of_a_tuple_stay_together():
    x = np.arange(6.0).reshape(3, 2), np.arange(6).reshape(3, 2) + 10
    for case in layer_cases(fn.Identity(), ((2,), (2,)), fn.Key(0), 12, x=x):
        assert tree.equal(case.x[0].astype(int) + 10, case.x[1])
        assert case.x[1].dtype == x[1].dtype


def test_an_array_is_drawn_as_it_was_before_there_were_tuples():
    (case, *_), (pair, *_) = (layer_cases(fn.Identity(), shape, fn.Key(3), 4) for shape in ((2,), ((2,), (2,))))
    draws = fn.Key(3).fold_in(0).generator()
    expected = draws.normal(size=(2, 2))
    assert tree.equal(case.x, expected)
    assert tree.equal(pair.x[0], expected)
    assert tree.equal(case.dy, draws.normal(size=(2, 2)))


def test_every_part_of_y_has_a_dy():
    def form(part):
        return part.shape, part.dtype

    for case in layer_cases(Inside(), ((3,), ((2,), (3,))), fn.Key(0), 12):
        y, _ = Inside().forward((), case.x)
        assert map_flow(form, y) == map_flow(form, case.dy)


class ZerosOfDouble(fn.Tanh):
    """A dy of None gives a dx of float64, whatever x is."""

    takes_integers = False

    def backward(self, params, cache, dy):
        return super().backward(params, cache, np.zeros(cache.shape) if dy is None else dy)


def test_a_dy_of_none_is_asked_of_the_librarys_own_layers_alone(monkeypatch):
    case = "linearity", ZerosOfDouble(), (), FLOATS.astype(np.float32), FLOATS.astype(np.float32)
    check_layer_law(*case)
    monkeypatch.setattr(ZerosOfDouble.backward, "__module__", "funcnet.layers.activations")
    assert violation(check_layer_law, *case).oracle == "b(None) = 0"


# --- What is reported ---


def test_a_gradient_of_integers_is_reported_by_its_name():
    found = violation(check_layer, ZerosForIntegers(), TWO)
    assert (found.law, found.at, found.got) == ("integers", "dx.0", "ndarray")
    assert found.expected == "None: uint8 has no gradient"


@pytest.mark.parametrize(
    ("layer", "options", "at", "line"),
    [
        (DxTurned(), {"input_shape": ((1,), (1,))}, "dx.0", "x = (np.array([[0"),
        (NextRow(), {"x": WEIGHTED}, "grads", "x = (np.array([[3, 1, 0]]), np.array([[0"),
    ],
    ids=["two inputs", "ids"],
)
@pytest.mark.slow
def test_a_violation_is_code_that_breaks_again(layer, options, at, line):
    found = violation(check_layer, layer, **options)
    assert (found.law, found.at) == ("coordinates", at)
    assert line in found.case
    with pytest.raises(LawViolation) as again:
        exec(found.case, {})
    assert (again.value.law, again.value.at, again.value.index) == (found.law, found.at, found.index)


def test_the_diagnosis_is_that_of_the_part():
    def backward(params, x, dy):
        return (dy * x[1], -dy * x[0]), ()

    case = (product, backward), (), (FLOATS, FLOATS + 1), np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    found = violation(check_layer_law, "coordinates", *case)
    assert (found.at, found.diagnosis) == ("dx.1", "the sign is wrong")


def test_params_in_a_dict_and_x_in_a_tuple():
    def forward(params, x):
        return x[0] * params["scale"] + x[1], x[0]

    def backward(params, a, dy):
        return (dy * params["scale"], dy.copy()), {"scale": (dy * a).sum(axis=0)}

    def turned(params, a, dy):
        dx, grads = backward(params, a, dy)
        return dx[::-1], grads

    options = {"params": {"scale": np.array([0.5, -1.0, 2.0])}, "x": (FLOATS, FLOATS + 1)}
    check_layer((forward, backward), examples=7, **options)
    assert violation(check_layer, (forward, turned), **options).at == "dx.0"
