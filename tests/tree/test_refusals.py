"""Numbers that training would not move are errors, which name the path and say what to write."""

import copy
import pickle
from array import array
from dataclasses import dataclass, field
from enum import IntEnum
from fractions import Fraction
from functools import partial
from typing import Any

import attrs
import numpy as np
import pytest

import funcnet as fn
from funcnet import tree
from funcnet.errors import LeafError
from tests.tree.cases import NUMBERS, Box, Pair

# --- What a tree cannot hold ---


@dataclass
class Data:
    scale: Any = field(default_factory=lambda: np.ones(2))


@attrs.frozen
class Undecorated:
    scale: Any = 1.0


class Plain:
    def __init__(self):
        self.scale = np.ones(2)


class Count(IntEnum):
    ONE = 1


WRITE = {
    "float": (
        4.0,
        r"got the float 4\.0: write np\.array\(4\.0\), or hold it in a field declared with fn\.tree",
    ),
    "infinite": (np.inf, r"got the float inf: write np\.array\(float\('inf'\)\)"),
    "int": (3, r"got the int 3: write np\.array\(3\)"),
    "bool": (True, r"got the bool True: write np\.array\(True\)"),
    "complex": (1j, r"got the complex 1j: write np\.array\(1j\)"),
    "fraction": (Fraction(1, 2), r"got the fractions\.Fraction Fraction\(1, 2\): write np\.array"),
    "enum of numbers": (Count.ONE, r"got the tests\.Count <Count\.ONE: 1>: write np\.array"),
    "dataclass": (Data(), r"got the dataclass tests\.Data: write @fn\.tree\.node in place of"),
    "attrs class": (
        Undecorated(),
        r"got the attrs class tests\.Undecorated: decorate Undecorated with @fn",
    ),
    "plain class": (
        Plain(),
        r"got a tests\.Plain: decorate Plain with @fn\.tree\.node, or hold it",
    ),
    "layer": (fn.Linear(2), r"got Linear\(n_out=2\): hold it in a field declared with fn\.tree\.static"),
    "partial": (partial(print, 1), r"got functools\.partial\(.*hold it in a field declared with fn\.tree\.static"),
    "memory": (array("d", [1.0]), r"got a array\.array: write np\.asarray"),
    "range": (range(3), r"got range\(0, 3\): hold it in a field declared with fn\.tree\.static"),
    "list": ([NUMBERS], "lists and dicts cannot be trees because they are mutable; use a tuple or a node"),
    "dict": ({"a": 1}, "lists and dicts cannot be trees because they are mutable; use a tuple or a node"),
}
USES = {
    "leaves": tree.leaves,
    "named_leaves": tree.named_leaves,
    "named_buffers": tree.named_buffers,
    "map": lambda value: tree.map(np.negative, value),
    "norm": tree.norm,
    "size": tree.size,
    "ravel": tree.ravel,
    "cast": lambda value: tree.cast(value, float),
    "zeros_like": tree.zeros_like,
    "allclose": lambda value: tree.allclose(value, value),
    "sgd_step": lambda value: fn.sgd_step(value, value, 0.1),
    "optimizer": fn.Adam().init,
    "clipping": lambda value: fn.clip_by_global_norm(value, 1.0),
    "penalty": fn.L2(0.1).forward,
    "save": lambda value: fn.save("never.npz", fn.ReLU(), value),
}
every_refused = pytest.mark.parametrize(("value", "message"), WRITE.values(), ids=WRITE)


@every_refused
def test_what_holds_numbers_and_is_not_a_leaf_is_an_error(value, message):
    for use in USES.values():
        with pytest.raises(LeafError, match=rf"^at 1\.0: .*{message}"):
            use((NUMBERS, Pair(value, ())))


@pytest.mark.parametrize("entry", [None, "a", [1, 2], (1.0,), {"a": 1}, np.ones(2)], ids=repr)
@pytest.mark.parametrize("use", [tree.norm, tree.size, tree.ravel, lambda value: fn.sgd_step(value, value, 0.1)])
def test_an_array_of_objects_holds_numbers(entry, use):
    objects = np.array([[1.0, 2.0]], object)
    assert tree.norm((objects,)) == 5**0.5
    objects[0, 1] = entry
    with pytest.raises(
        LeafError, match=r"^at 1\.0: expected numbers, got an array of objects that has .* at index \(0, 1\)"
    ):
        use((NUMBERS, Pair(objects, ())))


def test_arrays_of_another_library_do_not_tell_whether_they_are_equal():
    series = pytest.importorskip("pandas").Series([1.0, 2.0])
    with pytest.raises(LeafError, match=r"got a pandas\.Series: write np\.asarray"):
        tree.equal((NUMBERS, series), (NUMBERS, series))


@every_refused
def test_a_node_refuses_it_in_its_constructor(value, message):
    with pytest.raises(LeafError, match=rf"^in the field content\.1\.0 of Box: .*{message}"):
        Box((np.ones(1), (value, None)))


def test_the_error_is_one_of_trees_and_one_of_types():
    for kind in (fn.TreeError, TypeError):
        with pytest.raises(kind, match=r"^at the root: "):
            tree.norm(4.0)


def test_the_path_is_that_of_the_first_value():
    with pytest.raises(LeafError, match=r"^at 1\.content\.1: .*the float 2\.0"):
        tree.size((NUMBERS, tree.build(Box, (None, 2.0), 3.0), 4.0))


def test_grads_are_named():
    with pytest.raises(LeafError, match=r"^in grads at 0: .*the float 4\.0"):
        fn.sgd_step((np.array(4.0),), (4.0,), 0.1)


# --- Layers of users ---


@fn.register
@attrs.frozen
class Scale(fn.Layer):
    """y = params * x with params of any kind."""

    params: Any

    def init(self, key, input_shape, dtype=np.float32):
        return self.params

    def forward(self, params, x):
        return x, None

    def backward(self, params, cache, dy):
        return dy, params


@every_refused
def test_init_names_the_layer(value, message):
    for name, combine in {"sequential": fn.sequential, "add": fn.add, "branches": fn.branches}.items():
        with pytest.raises(LeafError, match=rf"(?s)in layer 1 of {name} \(Scale.*at 0: .*{message}"):
            combine(fn.ReLU(), Scale((value,))).init(fn.Key(0), (2,))


@every_refused
def test_a_layer_alone_is_asked_by_value_and_grad_and_summary(value, message):
    layer, x = Scale((value,)), np.ones((3, 2))
    with pytest.raises(LeafError, match=f"at 0: .*{message}"):
        fn.value_and_grad(layer, fn.MeanSquaredError(), layer.params, x, x)
    with pytest.raises(LeafError, match=f"at 0: .*{message}"):
        fn.summary(layer, (2,))


class OfIds(Scale):
    """A layer that combinators hand its x as it is."""

    takes_integers = True


@every_refused
def test_params_without_a_leaf_are_not_taken_for_their_own_gradient(value, message):
    model, x = fn.sequential(OfIds((value,))), np.ones((3, 2))
    with pytest.raises(LeafError, match=message):
        fn.value_and_grad(model, fn.MeanSquaredError(), ((value,),), x, x)


def test_a_run_does_not_begin():
    data = fn.data.Dataset(np.ones((4, 2)), np.ones((4, 2)))
    experiment = fn.Experiment(Scale((4.0,)), fn.MeanSquaredError(), fn.SGD(0.1), batch_size=2, epochs=1)
    with pytest.raises(LeafError, match=r"at 0: .*the float 4\.0"):
        fn.run(experiment, data)


# --- Static fields ---


@tree.node
class Counted:
    mean: np.ndarray
    count: int = tree.static()
    shape: tuple = tree.static(default=(2, 3))


COUNTED = Counted(np.ones(2), 3)


def test_a_static_field_is_structure():
    assert list(tree.named_leaves((COUNTED,))) == ["0.mean"]
    assert tree.map(np.negative, COUNTED) == Counted(-np.ones(2), 3, (2, 3))
    assert Counted(np.ones(2), 4) != COUNTED
    with pytest.raises(fn.TreeError, match="expected 3 at count, got 4"):
        tree.map(np.add, COUNTED, Counted(np.ones(2), 4))
    with pytest.raises(fn.TreeError, match=r"expected 3 at shape\.1, got 4"):
        tree.map(np.add, COUNTED, Counted(np.ones(2), 3, (2, 4)))


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda value: pickle.loads(pickle.dumps(value))])
def test_a_static_field_survives_copies(again):
    assert again(COUNTED) == COUNTED


def test_a_scalar_of_numpy_becomes_a_plain_number():
    count = Counted(np.ones(2), np.int64(3)).count
    assert (count, type(count)) == (3, int)


@pytest.mark.parametrize("value", [np.ones(2), np.array(3), (1, np.ones(2))], ids=["array", "0-d", "in a tuple"])
def test_an_array_is_not_static(value):
    with pytest.raises(LeafError, match=r"in the field count of Counted: .* leave out fn\.tree\.static\(\)"):
        Counted(np.ones(2), value)


@pytest.mark.parametrize("value", [[1], {"a": 1}, (1, [2])])
def test_a_list_is_not_static(value):
    with pytest.raises(LeafError, match="in the field count of Counted: lists and dicts cannot be trees"):
        Counted(np.ones(2), value)


def test_what_a_function_returns_for_a_leaf_is_an_array():
    with pytest.raises(TypeError, match="must return an array for each leaf, got None"):
        tree.map(lambda leaf: None, (NUMBERS,))
    with pytest.raises(fn.DTypeError, match="1 of 2 entries are masked"):
        tree.map(lambda leaf: np.ma.array([1.0, 2.0], mask=[False, True]), (NUMBERS,))


def test_numbers_that_numpy_takes_for_objects_are_told_what_to_write():
    sparse = pytest.importorskip("scipy.sparse").csr_matrix(np.eye(3))
    with pytest.raises(fn.DTypeError, match=r"got object, a csr_matrix: write its \.toarray\(\)$"):
        fn.MeanSquaredError().forward(np.eye(3), sparse)
    with pytest.raises(fn.DTypeError, match=r"got object: write its \.astype\(float\)$"):
        fn.MeanSquaredError().forward(np.eye(3), np.eye(3).astype(object))
