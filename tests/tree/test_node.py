"""A node is a frozen attrs class of immutable values, and equal to another by structure, dtypes and bits."""

import copy
import inspect
import pickle
from enum import Enum
from itertools import combinations
from typing import Any

import attrs
import numpy as np
import pytest

import funcnet as fn
from funcnet import tree
from tests.tree.cases import NUMBERS, Box, Odd, Pair

# --- The decorator ---


def test_node_makes_a_frozen_attrs_class_of_a_plain_one():
    assert attrs.has(Box)
    assert [field.name for field in attrs.fields(Box)] == ["content", "label"]
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        Box(()).content = 2


def test_node_takes_an_attrs_frozen_class_as_it_is():
    frozen = attrs.frozen(type("Frozen", (), {"__annotations__": {"a": Any}}))
    assert fn.tree.node(frozen) is frozen


@pytest.mark.parametrize("mutable", [attrs.define, attrs.define(slots=False), attrs.mutable])
def test_node_refuses_a_mutable_attrs_class(mutable):
    point = mutable(type("Point", (), {"__annotations__": {"a": Any}}))
    with pytest.raises(TypeError, match=r"must be frozen: decorate Point with @attrs.frozen"):
        fn.tree.node(point)


def test_signature_is_that_of_the_fields():
    parameters = inspect.signature(fn.LinearParams).parameters
    assert list(parameters) == ["weight", "bias"]
    assert parameters["weight"].default is inspect.Parameter.empty
    assert parameters["bias"].default is None


def test_a_wrong_argument_names_the_class():
    with pytest.raises(TypeError, match=r"LinearParams.*unexpected keyword argument 'wieght'"):
        fn.LinearParams(wieght=NUMBERS)


def test_repr_is_that_of_attrs():
    assert repr(Box(np.array([1.0, 2.0]))) == "Box(content=array([1., 2.]), label='box')"


# --- Fields ---


class Color(Enum):
    RED = 1


@pytest.mark.parametrize("scalar", [np.float16(1.5), np.float64(1.5), np.int8(3), np.bool_(True), np.complex64(1j)])
def test_a_numpy_scalar_becomes_a_read_only_array_of_its_dtype(scalar):
    content = Box(scalar).content
    assert type(content) is np.ndarray
    assert (content.shape, content.dtype) == ((), scalar.dtype)
    assert content == scalar
    with pytest.raises(ValueError, match="read-only"):
        content[...] = 0


@pytest.mark.parametrize("value", ["name", np.str_("name"), b"name", None, print, np.sin, int, Color.RED, fn.ReLU()])
def test_values_without_numbers_are_carried_along(value):
    assert Box(value).content is value
    assert tree.map(np.negative, (Box(value),))[0].content is value
    assert tree.leaves(Box(value)) == []


def test_a_field_of_every_sort_survives_copies():
    odd = Odd(private=NUMBERS, converted=[1.0, 2.0])
    assert np.array_equal(odd.derived, [2.0, 4.0])
    assert not any(leaf.flags.writeable for leaf in tree.leaves(odd))
    assert pickle.loads(pickle.dumps(odd)) == copy.deepcopy(odd) == copy.copy(odd) == odd


@pytest.mark.parametrize("order", ["C", "F"])
def test_memory_order_survives_copies(order):
    box = Box(np.array(NUMBERS, order=order))
    flag = f"{order}_CONTIGUOUS"
    assert all(copied.content.flags[flag] for copied in (box, copy.deepcopy(box), pickle.loads(pickle.dumps(box))))


@pytest.mark.parametrize("value", [[NUMBERS], {}, {"a": NUMBERS}, (NUMBERS, []), ("a", [NUMBERS])])
def test_mutable_values_are_refused_in_a_node(value):
    with pytest.raises(TypeError, match="lists and dicts cannot be trees because they are mutable"):
        Box(value)


# --- Equality: structure, dtypes and bits ---

DIFFERENT = [
    np.array([0.0]),
    np.array([-0.0]),
    np.array([np.nan]),
    np.array([0.0], np.float32),
    np.array([0]),
    np.array([False]),
    np.array([0.0], ">f8"),
    np.array(0.0),
    np.array([[0.0]]),
    np.array([0.0, 0.0]),
    np.array([]),
    None,
    "0.0",
    (),
    (np.array([0.0]),),
    Pair(np.array([0.0]), ()),
    (np.array([0.0]), ()),
    Box(np.array([0.0])),
    Box(np.array([0.0]), "other"),
    fn.LinearParams(np.array([0.0])),
]


@pytest.mark.parametrize("value", DIFFERENT)
def test_a_tree_equals_its_copy(value):
    other = copy.deepcopy(value)
    assert tree.equal(value, other) is True
    assert (Box(value) == Box(other)) is True
    assert (Box(value) != Box(other)) is False


def test_different_trees_are_not_equal():
    for a, b in combinations(DIFFERENT, 2):
        assert tree.equal(a, b) is tree.equal(b, a) is (Box(a) == Box(b)) is False, (a, b)
        assert (Box(a) != Box(b)) is True, (a, b)


@pytest.mark.parametrize("other", [1, "Box", None, (), (NUMBERS, "box"), fn.LinearParams(NUMBERS)])
def test_a_node_does_not_equal_another_type(other):
    assert (Box(NUMBERS) == other) is False
    assert (other == Box(NUMBERS)) is False
    assert (Box(NUMBERS) != other) is True


def test_memory_order_makes_no_difference():
    assert Box(NUMBERS) == Box(np.asfortranarray(NUMBERS)) == Box(NUMBERS[::-1][::-1])


def test_nodes_are_not_hashable():
    with pytest.raises(TypeError, match="unhashable"):
        hash(Box(()))


class Undecorated(Box):
    """Adds nothing to a node, and is one."""


@pytest.mark.parametrize("again", [copy.deepcopy, copy.copy, lambda value: pickle.loads(pickle.dumps(value))])
def test_a_subclass_of_a_node_stays_one(again):
    value = Undecorated(np.ones(2))
    assert type(again(value)) is Undecorated
    assert again(value) == value


@pytest.mark.parametrize("values", [(), (NUMBERS.copy(),), (NUMBERS.copy(),) * 3])
def test_build_takes_a_value_for_each_field(values):
    with pytest.raises(
        TypeError, match=rf"expected a value for each field of LinearParams \(weight, bias\), got {len(values)}$"
    ):
        tree.build(fn.LinearParams, *values)


def test_a_pickle_of_a_different_number_of_fields_is_not_a_node():
    make, (cls, *values) = fn.LinearParams(NUMBERS, NUMBERS[0]).__reduce__()
    with pytest.raises(TypeError, match=r"expected a value for each field of LinearParams \(weight, bias\), got 3$"):
        make(cls, *values, NUMBERS)


@attrs.frozen
class Labelled(fn.LinearParams):
    """A subclass of a node that is not made a node itself."""

    label: str = "a"


def test_a_subclass_that_is_not_a_node_has_the_leaves_of_the_node():
    assert list(tree.named_leaves(Labelled(NUMBERS, None))) == ["weight"]


@pytest.mark.parametrize("axes", [(0, -1), (0, 0), (5, 1), "10", None, (1,), [1, 0]])
def test_axes_of_pytorch_that_are_not_axes_are_refused(axes):
    with pytest.raises(ValueError, match=r"torch_axes must be the axes 0, 1, \.\.\. in some order"):
        tree.leaf(torch_axes=axes)
