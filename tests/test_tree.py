"""Nodes can't be changed by anyone; trees keep their structure and are worked on leaf by leaf."""

import copy
import inspect
import math
import pickle
import time
from functools import partial
from itertools import combinations
from typing import Any, NamedTuple

import attrs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

import funcnet as fn
from funcnet import tree


@fn.tree.node
class Box:
    content: Any
    label: Any = "box"


@fn.tree.node
@attrs.frozen(kw_only=True)
class Odd:
    """Fields of every sort that attrs has."""

    _private: Any
    converted: Any = attrs.field(converter=np.asarray)
    derived: Any = attrs.field(init=False)

    def __attrs_post_init__(self):
        object.__setattr__(self, "derived", self.converted * 2)


class Pair(NamedTuple):
    left: Any
    right: Any


NUMBERS = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])


def params_of_two_layers():
    return fn.sequential(fn.Linear(3), fn.ReLU()).init(fn.Key(0), (2,), np.float64)


def memory(value):
    """The bytes of every array."""
    return [leaf.tobytes() for leaf in tree.leaves(value)]


# --- A node is immutable, whoever made it ---


def set_item(params):
    params[0].weight[0, 0] = 1


def add_in_place(params):
    params[0].weight += 1


def set_field(params):
    params[0].bias = np.ones(3)


def delete_field(params):
    del params[0].bias


def set_new_field(params):
    params[0].gain = np.ones(3)


def set_child(params):
    params[0] = ()


def write_as_out(params):
    np.add(params[0].bias, 1, out=params[0].bias)


def sort_in_place(params):
    params[0].weight.sort(axis=0)


def make_writable(params):
    params[0].weight.flags.writeable = True


def make_writable_by_setflags(params):
    params[0].bias.setflags(write=True)


ATTACKS = [
    set_item,
    add_in_place,
    set_field,
    delete_field,
    set_new_field,
    set_child,
    write_as_out,
    sort_in_place,
    make_writable,
    make_writable_by_setflags,
]


def through_pickle(protocol, params):
    return pickle.loads(pickle.dumps(params, protocol))


def pickled_with_buffers(value):
    """Pickle's protocol 5, where the receiver has the memory of the arrays."""
    buffers = []
    data = pickle.dumps(value, 5, buffer_callback=buffers.append)
    return data, [bytearray(buffer.raw()) for buffer in buffers]


def through_buffers(params):
    data, buffers = pickled_with_buffers(params)
    return pickle.loads(data, buffers=buffers)


def unravelled(params):
    vector, unravel = tree.ravel(params)
    return unravel(vector)


def updated(optimizer, params):
    return optimizer.update(params, params, optimizer.init(params))


def gradients(params):
    model = fn.sequential(fn.Linear(3), fn.ReLU())
    x, target = np.array([[1.0, 2.0]]), np.zeros((1, 3))
    return model, x, target, fn.MeanSquaredError()


def grads_of_loss(params, penalty=None):
    model, x, target, loss = gradients(params)
    return fn.value_and_grad(model, loss, params, x, target, penalty)[1]


def grads_of_backward(params):
    model, x, target, _ = gradients(params)
    return model.backward(params, model.forward(params, x)[1], target)[1]


WAYS = {
    "init": lambda params: params,
    **{f"pickle{n}": partial(through_pickle, n) for n in range(pickle.HIGHEST_PROTOCOL + 1)},
    "pickle5 with buffers": through_buffers,
    "deepcopy": copy.deepcopy,
    "copy": lambda params: tuple(map(copy.copy, params)),
    "evolve": lambda params: (attrs.evolve(params[0], bias=np.zeros(3)), ()),
    "map": lambda params: tree.map(np.negative, params),
    "map to the leaf itself": lambda params: tree.map(lambda leaf: leaf, params),
    "cast": lambda params: tree.cast(params, np.float32),
    "cast to the same dtype": lambda params: tree.cast(params, np.float64),
    "zeros_like": tree.zeros_like,
    "unravel": unravelled,
    "sgd_step": lambda params: fn.sgd_step(params, params, 0.1),
    "clip_by_global_norm": lambda params: fn.clip_by_global_norm(params, 1e9),
    "SGD": lambda params: updated(fn.SGD(0.1, momentum=0.9), params)[0],
    "Adam": lambda params: updated(fn.Adam(0.1), params)[0],
    "backward": grads_of_backward,
    "value_and_grad": grads_of_loss,
    "value_and_grad with a penalty": lambda params: grads_of_loss(params, fn.L2(0.1)),
}


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.__name__)
@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_params_can_not_be_changed(way, attack):
    params = way(params_of_two_layers())
    before = memory(params)
    with pytest.raises((AttributeError, TypeError, ValueError)):
        attack(params)
    assert memory(params) == before


@pytest.mark.parametrize(
    "way", [way for name, way in WAYS.items() if name.startswith(("init", "pickle", "deep", "copy"))]
)
def test_copies_are_equal(way):
    params = params_of_two_layers()
    assert tree.equal(way(params), params)


@pytest.mark.parametrize("optimizer", [fn.SGD(0.1, momentum=0.9), fn.Adam(0.1), fn.RMSProp(0.1), fn.Adagrad(0.1)])
def test_optimizer_states_are_read_only(optimizer):
    params = params_of_two_layers()
    leaves = tree.leaves((optimizer.init(params), updated(optimizer, params)[1]))
    assert leaves
    assert not any(leaf.flags.writeable for leaf in leaves)


# --- What a caller writes later reaches no node. A source is an array to build from, and the memory behind it. ---


def writable():
    array = NUMBERS.copy()
    return array, array


def read_only_view():
    array = NUMBERS.copy()
    view = array.view()
    view.flags.writeable = False
    return view, array


def read_only_for_now():
    array = NUMBERS.copy()
    array.flags.writeable = False
    return array, array


def fortran_order():
    array = np.asfortranarray(NUMBERS)
    return array, array


def negative_strides():
    array = NUMBERS.copy()
    return array[::-1, ::-1], array


def every_other_column():
    array = NUMBERS.copy()
    return array[:, ::2], array


def broadcast():
    row = np.arange(3.0)
    return np.broadcast_to(row, (2, 3)), row


def zero_dimensional():
    array = np.array(1.5)
    return array, array


def foreign_buffer():
    buffer = bytearray(NUMBERS.tobytes())
    return np.frombuffer(buffer).reshape(2, 3), np.frombuffer(buffer)


def subclass():
    array = NUMBERS.copy()
    return array.view(np.recarray), array


SOURCES = [
    writable,
    read_only_view,
    read_only_for_now,
    fortran_order,
    negative_strides,
    every_other_column,
    broadcast,
    zero_dimensional,
    foreign_buffer,
    subclass,
]

HOLDERS = {
    "field": lambda array: Box(array),
    "tuple in a field": lambda array: Box((None, (array,))),
    "named tuple in a field": lambda array: Box(Pair(array, ())),
    "node in a node": lambda array: Box((Box(array),)),
    "evolve": lambda array: attrs.evolve(Box(None), content=array),
    "keyword": lambda array: Odd(private=array, converted=1.0),
    "converter": lambda array: Odd(private=None, converted=array),
    "map": lambda array: tree.map(lambda leaf: array, Box(np.zeros(()))),
    "map with a view": lambda array: tree.map(lambda leaf: array[...], (np.zeros(()),)),
    "unravel": lambda array: tree.ravel(Box(array))[1](array.reshape(-1)),
    "cast": lambda array: tree.cast((array,), np.float64),
}


@pytest.mark.parametrize("holder", HOLDERS.values(), ids=HOLDERS)
@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.__name__)
def test_writing_to_the_array_a_node_was_built_from_does_not_reach_it(source, holder):
    array, behind = source()
    expected = np.array(array)
    held = holder(array)
    behind.flags.writeable = True
    behind[...] = -1
    assert np.all(array == -1)
    assert np.array_equal(tree.leaves(held)[0], expected)
    assert not any(leaf.flags.writeable or np.shares_memory(leaf, behind) for leaf in tree.leaves(held))


def test_writing_to_the_buffers_a_node_was_unpickled_from_does_not_reach_it():
    data, buffers = pickled_with_buffers(Box((NUMBERS, 2 * NUMBERS)))
    box = pickle.loads(data, buffers=buffers)
    assert len(buffers) == 2
    for buffer in buffers:
        buffer[:] = bytes(len(buffer))
    assert box == Box((NUMBERS, 2 * NUMBERS))


def test_building_a_node_leaves_the_callers_array_writable():
    array = NUMBERS.copy()
    Box(array)
    array[0, 0] = 7
    assert array[0, 0] == 7


@pytest.mark.parametrize("scalar", [np.float16(1.5), np.float64(1.5), np.int8(3), np.bool_(True), np.complex64(1j)])
def test_a_numpy_scalar_becomes_a_read_only_array_of_its_dtype(scalar):
    content = Box(scalar).content
    assert type(content) is np.ndarray
    assert (content.shape, content.dtype) == ((), scalar.dtype)
    assert content == scalar
    with pytest.raises(ValueError, match="read-only"):
        content[...] = 0


@pytest.mark.parametrize("value", [3, 0.5, True, "name", None, print], ids=repr)
def test_other_values_are_carried_along(value):
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


# --- The decorator ---


def test_node_makes_a_frozen_attrs_class_of_a_plain_one():
    assert attrs.has(Box)
    assert [field.name for field in attrs.fields(Box)] == ["content", "label"]
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        Box(1).content = 2


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
    0.0,
    "0.0",
    (),
    (np.array([0.0]),),
    Pair(np.array([0.0]), ()),
    (np.array([0.0]), ()),
    Box(np.array([0.0])),
    Box(np.array([0.0]), "other"),
    fn.LinearParams(np.array([0.0])),
]


@pytest.mark.parametrize("value", DIFFERENT, ids=repr)
def test_a_tree_equals_its_copy(value):
    other = copy.deepcopy(value)
    assert tree.equal(value, other) is True
    assert (Box(value) == Box(other)) is True
    assert (Box(value) != Box(other)) is False


def test_different_trees_are_not_equal():
    for a, b in combinations(DIFFERENT, 2):
        assert tree.equal(a, b) is tree.equal(b, a) is (Box(a) == Box(b)) is False, (a, b)
        assert (Box(a) != Box(b)) is True, (a, b)


@pytest.mark.parametrize("other", [1, "Box", None, (), (NUMBERS, "box"), fn.LinearParams(NUMBERS)], ids=repr)
def test_a_node_does_not_equal_another_type(other):
    assert (Box(NUMBERS) == other) is False
    assert (other == Box(NUMBERS)) is False
    assert (Box(NUMBERS) != other) is True


def test_memory_order_is_no_difference():
    assert Box(NUMBERS) == Box(np.asfortranarray(NUMBERS)) == Box(NUMBERS[::-1][::-1])


def test_nodes_are_not_hashable():
    with pytest.raises(TypeError, match="unhashable"):
        hash(Box(1))


# --- Functions of trees ---

FLOATS = [np.float16, np.float32, np.float64]
law = settings(deadline=None, max_examples=60)


def trees(**elements):
    """Trees of every kind of child; `elements` go to `hypothesis.extra.numpy.from_dtype`."""
    shapes = arrays.array_shapes(min_dims=0, max_dims=2, min_side=0, max_side=3)
    leaves = st.sampled_from(FLOATS).flatmap(
        lambda dtype: arrays.arrays(dtype, shapes, elements=arrays.from_dtype(np.dtype(dtype), **elements))
    )
    return st.recursive(
        leaves | st.none() | st.just(()),
        lambda child: (
            st.tuples(child) | st.tuples(child, child) | st.builds(Pair, child, child) | st.builds(Box, child)
        ),
        max_leaves=6,
    )


SOME = (fn.LinearParams(np.array([[1.0], [2.0]]), np.array([3.0])), (), Pair(np.array(4.0), None), Box(np.array([5.0])))


@law
@given(trees())
def test_map_of_the_identity_is_the_identity(value):
    assert tree.equal(tree.map(lambda leaf: leaf, value), value)


@law
@given(trees(allow_nan=False))
def test_map_of_a_composition_is_the_composition_of_maps(value):
    assert tree.equal(
        tree.map(np.negative, tree.map(np.sign, value)), tree.map(lambda a: np.negative(np.sign(a)), value)
    )


@law
@given(trees())
def test_map_leaves_its_tree_as_it_was(value):
    before = memory(value)
    tree.map(np.zeros_like, value)
    assert memory(value) == before


def test_map_goes_through_the_leaves_in_order_and_takes_the_rest_along():
    seen = []
    doubled = tree.map(lambda leaf: 2 * leaf, SOME)
    total = tree.map(lambda *leaves: seen.append(leaves) or sum(leaves), SOME, doubled, SOME)
    assert [[float(leaf.flat[0]) for leaf in row] for row in seen] == [[n, 2 * n, n] for n in (1, 3, 4, 5)]
    assert tree.equal(total, tree.map(lambda leaf: 4 * leaf, SOME))


def test_map_keeps_the_classes_of_the_tree():
    mapped = tree.map(np.negative, SOME)
    assert [type(child) for child in mapped] == [fn.LinearParams, tuple, Pair, Box]
    assert mapped[2].right is None
    assert mapped[3].label == "box"


def test_map_leaves_shapes_to_the_function():
    assert np.array_equal(tree.map(np.multiply, (NUMBERS,), (np.array(2.0),))[0], 2 * NUMBERS)


def test_map_takes_a_leaf_for_a_tree():
    assert tree.equal(tree.map(np.negative, np.array([1.0])), np.array([-1.0]))


def test_map_calls_nothing_for_a_tree_without_leaves():
    assert tree.map(pytest.fail, ((), None, Box(3))) == ((), None, Box(3))


def test_a_function_that_keeps_its_results_can_not_reach_the_tree():
    kept = []

    def doubled(leaf):
        kept.append(2 * leaf)
        return kept[-1]

    mapped = tree.map(doubled, (NUMBERS,))
    kept[0].flags.writeable = True
    kept[0][...] = 0
    assert np.array_equal(mapped[0], 2 * NUMBERS)


@law
@given(trees())
def test_named_leaves_are_the_leaves(value):
    named = list(tree.named_leaves(value).values())
    assert len(named) == len(tree.leaves(value))
    assert all(map(tree.equal, named, tree.leaves(value)))


def test_named_leaves_paths():
    assert list(tree.named_leaves(SOME)) == ["0.weight", "0.bias", "2.0", "3.content"]
    assert list(tree.named_leaves(Box((Box(NUMBERS), NUMBERS)))) == ["content.0.content", "content.1"]
    assert list(tree.named_leaves(NUMBERS)) == [""]
    assert tree.named_leaves(((), None, Box(3))) == {}


@pytest.mark.parametrize(
    ("other", "path", "expected", "got"),
    [
        ((SOME[0],), "the root", "a tuple of 4", "a tuple of 1"),
        (None, "the root", "a tuple of 4", "None"),
        ((attrs.evolve(SOME[0], weight=None), *SOME[1:]), "0.weight", "an array", "None"),
        ((attrs.evolve(SOME[0], weight=()), (1,), *SOME[2:]), "0.weight", "an array", "a tuple of 0"),
        ((attrs.evolve(SOME[0], bias=None), (1,), *SOME[2:]), "0.bias", "an array", "None"),
        (((), *SOME[1:]), "0", "LinearParams", "a tuple of 0"),
        ((SOME[0], None, *SOME[2:]), "1", "a tuple of 0", "None"),
        ((*SOME[:2], tuple(SOME[2]), SOME[3]), "2", "a Pair of 2", "a tuple of 2"),
        ((*SOME[:2], Pair(None, None), SOME[3]), "2.0", "an array", "None"),
        ((*SOME[:2], Pair(NUMBERS, NUMBERS), SOME[3]), "2.1", "None", "an array"),
        ((*SOME[:3], Box((NUMBERS,))), "3.content", "an array", "a tuple of 1"),
        ((*SOME[:3], Box(NUMBERS, "bag")), "3.label", "'box'", "'bag'"),
    ],
)
def test_trees_of_different_structure_raise_at_the_first_difference(other, path, expected, got):
    for compare in (lambda: tree.map(np.add, SOME, other), lambda: tree.allclose(SOME, other)):
        with pytest.raises(fn.TreeError) as caught:
            compare()
        assert str(caught.value).endswith(f"of another structure: at {path} expected {expected}, got {got}")


def test_every_one_of_the_rest_is_compared():
    with pytest.raises(fn.TreeError, match="at 0 expected an array, got None"):
        tree.map(lambda *leaves: leaves[0], (NUMBERS,), (NUMBERS,), (None,))


@pytest.mark.parametrize(
    "function", [tree.leaves, tree.named_leaves, tree.ravel, tree.size, tree.norm, tree.zeros_like]
)
@pytest.mark.parametrize(
    ("value", "kind"),
    [([NUMBERS], "list"), ({"a": NUMBERS}, "dict"), ((NUMBERS, [NUMBERS]), "list")],
    ids=["list", "dict", "list in a tuple"],
)
def test_what_can_change_is_no_tree(function, value, kind):
    with pytest.raises(TypeError, match=f"a {kind} is no tree, since it can change: use an array, a tuple or a node"):
        function(value)


@pytest.mark.parametrize("value", [[NUMBERS], {"a": NUMBERS}, (NUMBERS, [])], ids=["list", "dict", "list in a tuple"])
def test_what_can_change_is_no_field_of_a_node(value):
    with pytest.raises(TypeError, match="is no tree, since it can change: use an array, a tuple or a node"):
        Box(value)


@pytest.mark.parametrize(("value", "kind"), [([NUMBERS], "list"), ({}, "dict"), ((1, [NUMBERS]), "list")], ids=str)
def test_what_can_change_is_no_part_of_a_node(value, kind):
    with pytest.raises(TypeError, match=f"a {kind} is no tree, since it can change: use an array, a tuple or a node"):
        Box(value)


@law
@given(trees(allow_nan=False))
def test_unravel_undoes_ravel(value):
    vector, unravel = tree.ravel(value)
    assert vector.shape == (tree.size(value),)
    assert tree.equal(unravel(vector), value)


@law
@given(trees(allow_nan=False), st.randoms(use_true_random=False))
def test_ravel_undoes_unravel(value, random):
    wide = tree.cast(value, np.float64)
    vector, unravel = tree.ravel(wide)
    other = np.array([random.uniform(-1, 1) for _ in vector])
    assert np.array_equal(tree.ravel(unravel(other))[0], other)


def test_ravel_goes_row_by_row_in_the_order_of_the_leaves():
    value = (np.asfortranarray(NUMBERS), np.array(7.0), np.zeros((0, 3)), Box(np.array([8.0])))
    assert np.array_equal(tree.ravel(value)[0], np.arange(1.0, 9.0))


@pytest.mark.parametrize(
    "dtypes",
    [
        (np.float16, np.float64),
        (np.int32, np.int64),
        (np.int32, np.float64),
        (np.bool_, np.float32),
        (np.complex64, np.complex128),
    ],
    ids=lambda dtypes: " ".join(dtype.__name__ for dtype in dtypes),
)
def test_unravel_gives_every_leaf_its_dtype_back(dtypes):
    value = tuple(np.array([0, 1], dtype) for dtype in dtypes)
    vector, unravel = tree.ravel(value)
    assert vector.dtype == np.result_type(*dtypes)
    assert tree.equal(unravel(vector), value)


@pytest.mark.parametrize("empty", [(), None, ((), (None,)), Box(3)], ids=repr)
def test_an_empty_tree_is_an_empty_vector(empty):
    vector, unravel = tree.ravel(empty)
    assert vector.shape == (0,)
    assert tree.equal(unravel(vector), empty)


@pytest.mark.parametrize("shape", [(), (0,), (2,), (4,), (3, 1), (1, 3)])
def test_unravel_refuses_a_vector_of_another_size(shape):
    _, unravel = tree.ravel((np.zeros(2), np.array(0.0)))
    with pytest.raises(fn.ShapeError) as caught:
        unravel(np.zeros(shape))
    assert str(caught.value) == f"expected a vector of shape (3,), got {shape}"


def test_unravel_refuses_a_complex_vector_for_real_leaves():
    _, unravel = tree.ravel((np.zeros(2),))
    with pytest.raises(fn.DTypeError, match="expected a vector of float64, got complex128"):
        unravel(np.zeros(2, complex))


def test_the_vector_shares_no_memory_with_the_tree():
    value = (np.zeros(3),)
    tree.ravel(value)[0][:] = 1
    assert not value[0].any()


@law
@given(trees(), st.sampled_from(FLOATS))
def test_zeros_like_keeps_structure_shapes_and_dtypes(value, dtype):
    zeros = tree.zeros_like(tree.cast(tree.map(np.zeros_like, value), dtype))
    assert [leaf.shape for leaf in tree.leaves(zeros)] == [leaf.shape for leaf in tree.leaves(value)]
    assert all(leaf.dtype == dtype and not leaf.any() for leaf in tree.leaves(zeros))


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, int, object, "float32"])
def test_cast_converts_every_leaf(dtype):
    result = tree.cast(SOME, dtype)
    assert {leaf.dtype for leaf in tree.leaves(result)} == {np.dtype(dtype)}
    assert np.array_equal(tree.ravel(result)[0], [1, 2, 3, 4, 5])
    assert tree.equal(tree.cast(result, np.float64), SOME)


def test_size_counts_the_numbers():
    assert tree.size(SOME) == 2 + 1 + 1 + 1
    assert tree.size(((), None, np.zeros((0, 3)))) == 0
    assert type(tree.size(SOME)) is int


@law
@given(trees(allow_nan=False))
def test_norm_is_the_root_of_the_sum_of_squares(value):
    resolution = max((float(np.finfo(leaf.dtype).eps) for leaf in tree.leaves(value)), default=0.0)
    numbers = [float(number) for leaf in tree.leaves(value) for number in leaf.flat]
    assert tree.norm(value) == pytest.approx(math.hypot(*numbers), rel=4 * resolution, abs=4 * math.ulp(0))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ((), 0.0),
        ((None, np.zeros((0, 3))), 0.0),
        ((np.zeros(3),), 0.0),
        ((np.full(4, 1e200),), 2e200),
        ((np.full(4, 1e-200),), 2e-200),
        ((np.full(4, -1e200), np.full(5, 1e200)), 3e200),
        ((np.full(4, 1e30, np.float32),), 2e30),
        ((np.full(4, 1e-30, np.float32),), 2e-30),
        ((np.full(90_000, 1, np.float16),), 300.0),
        ((np.full(4, 6e4, np.float16),), 1.2e5),
        ((np.zeros(2, np.float32), np.array([3e-200, 4e-200])), 5e-200),
        ((np.ones(2, np.float32), np.array([3e200, 4e200])), 5e200),
        ((np.array([3 + 4j]), np.array([12.0])), 13.0),
        ((np.array([3, 4]), np.array(True)), math.sqrt(26)),
        ((np.array([-128], np.int8),), 128.0),
        ((np.array([1.0, -np.inf]),), np.inf),
        ((np.array([1.0]), np.array([np.nan])), np.nan),
    ],
)
def test_norm_at_the_edges(value, expected):
    result = tree.norm(value)
    assert type(result) is float
    assert result == pytest.approx(expected, rel=1e-6, abs=0, nan_ok=True)


@law
@given(trees(), trees())
def test_equal_means_structure_and_bits(a, b):
    same = tree.flatten(a)[1] == tree.flatten(b)[1] and [(leaf.dtype, leaf.shape) for leaf in tree.leaves(a)] == [
        (leaf.dtype, leaf.shape) for leaf in tree.leaves(b)
    ]
    assert tree.equal(a, b) is (same and memory(a) == memory(b))


@pytest.mark.parametrize(
    ("b", "error", "rtol", "atol", "close"),
    [
        (100.0, 0.9, 0.01, 0.0, True),
        (100.0, 1.1, 0.01, 0.0, False),
        (100.0, 1.4, 0.01, 0.5, True),
        (100.0, 1.6, 0.01, 0.5, False),
        (0.0, 0.4, 0.01, 0.5, True),
        (0.0, 0.4, 0.01, 0.0, False),
    ],
)
def test_allclose_is_within_atol_plus_rtol_times_b(b, error, rtol, atol, close):
    fine, bound = np.zeros(2), np.array([0.0, b])
    for sign in (-1, 1):
        a = bound + np.array([0.0, sign * error])
        assert tree.allclose((fine, Box(a)), (fine, Box(bound)), rtol, atol) is close


def test_allclose_refuses_other_shapes_even_where_they_broadcast():
    with pytest.raises(fn.TreeError, match=r"at 1 expected an array of shape \(3,\), got an array of shape \(1,\)"):
        tree.allclose((np.zeros(2), np.zeros(3)), (np.zeros(2), np.zeros(1)))


def seconds(function, value):
    """The least of several runs, which other processes disturb the least."""

    def run():
        start = time.perf_counter()
        function(value)
        return time.perf_counter() - start

    return min(run() for _ in range(4))


@pytest.mark.parametrize(
    "function",
    [lambda value: tree.map(np.add, value, value), tree.named_leaves, unravelled],
    ids=["map", "named", "ravel"],
)
def test_ten_times_the_leaves_take_about_ten_times_as_long(function):
    def wide(n):
        return tuple(Box(np.zeros(1)) for _ in range(n))

    assert seconds(function, wide(10_000)) < 40 * seconds(function, wide(1_000))
