"""What a caller writes later reaches no node: not the array it was built from, nor the memory behind it."""

import pickle

import attrs
import numpy as np
import pytest

from funcnet import tree
from tests.tree.cases import NUMBERS, Box, Odd, Pair, pickled_with_buffers


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


# Each makes an array to build from, and the memory behind it.
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
@pytest.mark.parametrize("source", SOURCES)
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
