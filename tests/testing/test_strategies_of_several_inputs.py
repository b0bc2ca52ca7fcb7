"""Inputs for several shapes are tuples of arrays with one batch, drawn as the inputs of one shape are."""

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import Phase, find, given, settings
from numpy.testing import assert_array_equal

import funcnet as fn
from funcnet.testing import strategies
from tests.passes import FLOATS

pytestmark = pytest.mark.slow  # hundreds of values are drawn for each

SHAPES = (3,), ((2, 1), ((), (0,)))
MODEL = fn.sequential(fn.parallel(fn.Linear(4), fn.Identity()), fn.Concatenate(), fn.Linear(2))


def some(strategy, condition):
    return find(strategy, condition, settings=settings(max_examples=2000, phases=[Phase.generate]))


def arrays_in(x):
    return [array for part in x for array in arrays_in(part)] if isinstance(x, tuple) else [x]


@given(st.data(), st.sampled_from(FLOATS))
def test_every_array_has_its_shape_after_the_one_batch(data, dtype):
    x = data.draw(strategies.inputs(SHAPES, dtype))
    batch = x[1][1][0].shape  # that of one number
    assert fn.tree.shape_of(x) == ((*batch, 3), ((*batch, 2, 1), (batch, (*batch, 0))))
    assert {array.dtype for array in arrays_in(x)} == {np.dtype(dtype)}
    assert all(array.flags.writeable for array in arrays_in(x))


@pytest.mark.parametrize(
    "condition", [lambda b: b == (), lambda b: b == (0,), lambda b: len(b) == 1 and b[0] > 2, lambda b: b == (2, 3)]
)
def test_batches_of_every_kind_are_drawn(condition):
    some(strategies.inputs(((5,), ())), lambda x: condition(x[1].shape))


def test_the_arrays_are_drawn_apart():
    some(strategies.inputs(((2,), (2,))), lambda x: x[0].any() and x[1].any() and (x[0] != x[1]).all())


def test_they_shrink_to_one_example_of_zeros():
    first, second = find(strategies.inputs(((3,), (2, 2))), lambda x: x[0].size > 0)
    assert_array_equal(first, np.zeros(3))
    assert_array_equal(second, np.zeros((2, 2)))


def test_a_tuple_of_one_shape_is_not_that_shape():
    assert isinstance(some(strategies.inputs(((3,),)), lambda x: True), tuple)


@pytest.mark.parametrize(("shape", "error"), [(((3,), 4), TypeError), (((3,), [4]), TypeError), (4, TypeError)])
def test_what_is_not_a_shape_is_refused_at_the_call(shape, error):
    with pytest.raises(error, match="input_shape must be a tuple such as"):
        strategies.inputs(shape)


@given(st.data())
def test_an_example_of_use_a_model_of_several_inputs_is_row_by_row(data):
    x = data.draw(strategies.inputs(((3,), (2,))).filter(lambda x: x[0].ndim == 2))
    params = data.draw(strategies.params(MODEL, ((3,), (2,))))
    y = MODEL.apply(params, x)
    rows = [MODEL.apply(params, (a, b)) for a, b in zip(*x, strict=True)]
    np.testing.assert_allclose(y, np.reshape(rows, y.shape), rtol=1e-12, atol=1e-12)
