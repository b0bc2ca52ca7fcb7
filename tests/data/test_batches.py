"""The batches of an epoch have every example once, in the order of the key and the epoch."""

from collections import Counter

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

import funcnet as fn
from funcnet.data import batches, digits
from tests.data.cases import KEY, keys, numbered


@given(st.integers(0, 20), st.integers(1, 25), keys, st.integers(0, 2**32 - 1))
def test_an_epoch_has_every_example_once_with_its_target(n, batch_size, key, epoch):
    pairs = list(batches(numbered(n), batch_size, key, epoch))
    whole, rest = divmod(n, batch_size)
    assert [len(y) for _, y in pairs] == [batch_size] * whole + [rest] * (rest > 0)
    assert sorted(int(label) for _, y in pairs for label in y) == list(range(n))
    for x, y in pairs:
        np.testing.assert_array_equal(x, numbered(n).x[y])


def order(key, epoch, batch_size=10):
    return [int(label) for _, y in batches(numbered(100), batch_size, key, epoch) for label in y]


def test_the_key_and_the_epoch_say_the_order():
    assert order(KEY, 0) == order(KEY, 0)
    orders = [order(key, epoch) for key in (KEY, fn.Key(1)) for epoch in range(3)]
    assert len({tuple(o) for o in [*orders, range(100)]}) == 7


def test_the_order_is_that_of_the_epochs_own_key_whatever_the_batch_size():
    expected = KEY.fold_in(3).generator().permutation(100).tolist()
    assert order(KEY, 3) == order(KEY, 3, batch_size=7) == expected


def test_every_place_in_an_epoch_is_as_likely():
    # The place of example 0 over 2,000 epochs: chi-squared with 9 degrees of freedom is above 27.9 once in 1,000.
    places = Counter(order(KEY, epoch).index(0) // 10 for epoch in range(2000))
    assert sum((places[tenth] - 200) ** 2 / 200 for tenth in range(10)) < 27.9


def test_batches_keep_the_dtypes():
    x, y = next(batches(digits(), 32, KEY, 0))
    assert (x.shape, x.dtype, y.shape, y.dtype) == ((32, 64), np.float32, (32,), np.int64)


def test_writing_to_a_batch_changes_no_dataset():
    dataset = numbered(3)
    x, _ = next(batches(dataset, 3, KEY, 0))
    x[:] = -1
    assert dataset == numbered(3)


@pytest.mark.parametrize("batch_size", [0, -1])
def test_a_batch_size_is_at_least_1_at_the_call(batch_size):
    with pytest.raises(ValueError, match=f"batch_size must be an integer of at least 1, got {batch_size}"):
        batches(numbered(3), batch_size, KEY, 0)


@pytest.mark.parametrize("batch_size", [2.0, float("nan"), True, None, "2"])
def test_a_batch_size_is_an_integer_at_the_call(batch_size):
    with pytest.raises(TypeError, match=f"batch_size must be an integer, got {batch_size!r}"):
        batches(numbered(3), batch_size, KEY, 0)


def test_a_seed_for_a_key_is_refused_at_the_call():
    with pytest.raises(TypeError, match=r"expected a key such as Key\(0\), got 0"):
        batches(numbered(3), 2, 0, 0)


def test_a_batch_size_may_be_numpys():
    assert len(list(batches(numbered(3), np.int64(2), KEY, 0))) == 2


def test_an_epoch_below_0_is_refused_at_the_call():
    with pytest.raises(ValueError, match=r"from 0 to .* got -1"):
        batches(numbered(3), 2, KEY, -1)
