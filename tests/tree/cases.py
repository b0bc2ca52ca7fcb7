"""Nodes and trees for the tests, and what is asked of them."""

import pickle
from typing import Any, NamedTuple

import attrs
import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

import funcnet as fn
from funcnet import tree
from tests.passes import FLOATS


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


def pickled_with_buffers(value):
    """Pickle's protocol 5, where the receiver has the memory of the arrays."""
    buffers = []
    data = pickle.dumps(value, 5, buffer_callback=buffers.append)
    return data, [bytearray(buffer.raw()) for buffer in buffers]


def unravelled(params):
    vector, unravel = tree.ravel(params)
    return unravel(vector)


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
