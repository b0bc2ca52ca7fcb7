import copy
import hashlib
import pickle
import subprocess
import sys
from collections import Counter

import attrs
import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra import numpy as arrays_of

import funcnet as fn
from funcnet.data import Dataset, batches, digits, linearly_separable, parity, xor

KEY = fn.Key(0)
keys = st.builds(fn.Key, st.integers(0, 2**64))


def numbered(n):
    """A dataset whose rows tell which they are."""
    return Dataset(np.arange(2.0 * n).reshape(n, 2), np.arange(n))


# --- Dataset ---


def test_a_dataset_has_the_arrays_it_was_made_of():
    dataset = Dataset([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], [7, 8, 9])
    assert len(dataset) == 3
    np.testing.assert_array_equal(dataset.x, [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    np.testing.assert_array_equal(dataset.y, [7, 8, 9])


def test_what_is_written_later_never_reaches_a_dataset():
    x, y = np.zeros((3, 2)), np.zeros(3, int)
    dataset = Dataset(x, y)
    x[:], y[:] = 1, 1
    assert not dataset.x.any()
    assert not dataset.y.any()


@pytest.mark.parametrize(
    "again",
    [
        lambda d: d,
        lambda d: pickle.loads(pickle.dumps(d)),
        copy.deepcopy,
        attrs.evolve,
        lambda d: d.take([0, 1]),
        lambda d: d.take(slice(None)),
        lambda d: d.split(KEY, 1.0)[0],
    ],
)
def test_a_dataset_is_read_only(again):
    dataset = again(numbered(4))
    for array in (dataset.x, dataset.y):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1
        with pytest.raises(ValueError, match="WRITEABLE"):
            array.flags.writeable = True
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        dataset.x = np.zeros((4, 2))


@pytest.mark.parametrize("again", [lambda d: pickle.loads(pickle.dumps(d)), copy.deepcopy, attrs.evolve])
def test_a_copy_of_a_dataset_equals_it(again):
    assert again(numbered(4)) == numbered(4) != numbered(5)


def test_x_and_y_have_as_many_examples():
    with pytest.raises(fn.ShapeError, match=r"as many targets as examples, got x \(3, 2\) and y \(2,\)"):
        Dataset(np.zeros((3, 2)), np.zeros(2))


@pytest.mark.parametrize(("x", "y", "name"), [(1.0, [1], "x"), ([1.0], 1, "y"), (1.0, 1, "x")])
def test_a_scalar_is_no_set_of_examples(x, y, name):
    with pytest.raises(fn.ShapeError, match=rf"expected {name} of shape \(n, ...\), .*, got \(\)"):
        Dataset(x, y)


@pytest.mark.parametrize("dtype", [object, [("a", "f8")], np.longdouble])
def test_arrays_whose_bytes_do_not_tell_their_values_are_refused(dtype):
    with pytest.raises(fn.DTypeError, match="expected y of numbers, got"):
        Dataset(np.zeros(2), np.zeros(2, dtype))


def test_an_empty_dataset_is_one():
    empty = numbered(0)
    assert len(empty) == 0
    assert empty.take([]) == empty.take(slice(None)) == empty
    assert empty.split(KEY, 0.5) == (empty, empty)
    assert list(batches(empty, 2, KEY, 0)) == []


# --- take ---


@given(st.lists(st.integers(-5, 4)))
def test_take_has_the_examples_in_the_order_of_the_indices(indices):
    taken = numbered(5).take(indices)
    rows = [range(5)[index] for index in indices]
    assert taken.y.tolist() == rows
    assert taken.x.tolist() == [[2.0 * row, 2.0 * row + 1] for row in rows]


@given(st.slices(5))
def test_take_of_a_slice_is_that_of_a_list(part):
    assert numbered(5).take(part).y.tolist() == list(range(5))[part]


@given(st.lists(st.booleans(), min_size=5, max_size=5))
def test_take_of_a_mask_keeps_what_is_true(mask):
    kept = [row for row, keep in enumerate(mask) if keep]
    assert numbered(5).take(mask).y.tolist() == numbered(5).take(np.array(mask)).y.tolist() == kept


def test_take_of_one_integer_is_a_dataset_of_one():
    assert numbered(5).take(3) == numbered(5).take([3])


def test_a_tuple_of_indices_is_not_an_index_of_several_axes():
    assert numbered(5).take((1, 0)).y.tolist() == [1, 0]


@pytest.mark.parametrize("indices", [5, -6, [0, 5], [True, False], [0.5], "x", None, ...])
def test_what_is_out_of_range_or_no_index_is_an_index_error(indices):
    with pytest.raises(IndexError):
        numbered(5).take(indices)


def test_indices_of_several_axes_are_refused():
    with pytest.raises(fn.ShapeError, match=r"expected indices of shape \(k,\), got \(1, 2\)"):
        numbered(5).take([[0, 1]])


# --- split ---


@given(st.integers(0, 30), st.floats(0, 1), keys)
def test_the_parts_of_a_split_have_every_example_once(n, fraction, key):
    first, second = numbered(n).split(key, fraction)
    assert len(first) == round(n * fraction)
    assert sorted([*first.y, *second.y]) == list(range(n))
    for part in (first, second):
        np.testing.assert_array_equal(part.x, numbered(n).x[part.y])


def test_the_key_says_how_a_split_is_shuffled():
    first, second = numbered(100).split(KEY, 0.5)
    assert (first, second) == numbered(100).split(KEY, 0.5)
    assert first != numbered(100).split(fn.Key(1), 0.5)[0]
    assert first.y.tolist() != sorted(first.y)


@pytest.mark.parametrize("fraction", [-0.1, 1.1, float("nan"), float("inf")])
def test_a_fraction_outside_0_to_1_is_refused(fraction):
    with pytest.raises(ValueError, match=f"fraction must be from 0 to 1, got {fraction}"):
        numbered(5).split(KEY, fraction)


# --- digest ---


def test_the_digest_is_sha_256_of_dtype_shape_and_bytes():
    # By hand: 1.0 and 2.0 as little-endian float32, 3 and 4 as little-endian int64.
    x = b"<f4 (2, 1)\n" + bytes.fromhex("0000803f 00000040")
    y = b"<i8 (2,)\n" + bytes([3, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0])
    dataset = Dataset(np.array([[1.0], [2.0]], np.float32), np.array([3, 4], np.int64))
    assert dataset.digest == hashlib.sha256(x + y).hexdigest()


@pytest.mark.parametrize(
    "laid_out",
    [
        np.asfortranarray,
        lambda x: x.astype(">f8"),
        lambda x: np.repeat(x, 2, axis=1)[:, ::2],
        lambda x: x[::-1].copy()[::-1],
        lambda x: x.tolist(),
    ],
)
@given(x=arrays_of.arrays(np.float64, arrays_of.array_shapes(min_dims=2, max_dims=3, min_side=0)))
def test_the_digest_does_not_depend_on_layout_or_byte_order(laid_out, x):
    same = Dataset(np.reshape(laid_out(x), x.shape), np.arange(len(x)))
    assert same.digest == Dataset(x, np.arange(len(x))).digest


@pytest.mark.parametrize(
    "other",
    [
        Dataset([[1.0, 2.0], [3.0, 4.5]], [0, 1]),
        Dataset([[1.0, 2.0], [3.0, 4.0]], [1, 0]),
        Dataset([[2.0, 1.0], [4.0, 3.0]], [0, 1]),
        Dataset(np.array([[1.0, 2.0], [3.0, 4.0]], np.float32), [0, 1]),
        Dataset([[[1.0, 2.0]], [[3.0, 4.0]]], [0, 1]),
        Dataset([[1.0, 2.0], [3.0, 4.0]], [False, True]),
    ],
)
def test_other_data_has_another_digest(other):
    assert Dataset([[1.0, 2.0], [3.0, 4.0]], [0, 1]).digest != other.digest


# --- batches ---


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


@pytest.mark.parametrize("batch_size", [0, -1, 2.0, float("nan"), True, None, "2"])
def test_a_batch_size_is_a_positive_integer_at_the_call(batch_size):
    with pytest.raises(ValueError, match="batch_size must be an integer of at least 1, got"):
        batches(numbered(3), batch_size, KEY, 0)


def test_a_batch_size_may_be_numpys():
    assert len(list(batches(numbered(3), np.int64(2), KEY, 0))) == 2


def test_an_epoch_below_0_is_refused_at_the_call():
    with pytest.raises(ValueError, match=r"from 0 to .* got -1"):
        batches(numbered(3), 2, KEY, -1)


# --- digits ---


def test_digits_have_the_shapes_dtypes_and_range_that_are_promised():
    dataset = digits()
    assert (dataset.x.shape, dataset.x.dtype) == ((1797, 64), np.float32)
    assert (dataset.y.shape, dataset.y.dtype) == ((1797,), np.int64)
    assert set((dataset.x * 16).ravel().tolist()) == set(range(17))


def test_there_are_as_many_of_each_digit_as_the_repository_says():
    # optdigits.names in the UCI repository, "Class Distribution", testing.
    expected = [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    assert np.bincount(digits().y).tolist() == expected


def test_digits_are_scikit_learns():
    load_digits = pytest.importorskip("sklearn.datasets", reason="scikit-learn is not installed").load_digits
    images, labels = load_digits(return_X_y=True)
    np.testing.assert_array_equal(digits().x, images / 16)
    np.testing.assert_array_equal(digits().y, labels)


def test_digits_never_change():
    # hashlib.sha256 of load_digits().data.astype("uint8").tobytes(), and of .target in the same way, scikit-learn 1.9.1
    pixels, labels = (digits().x * 16).astype(np.uint8), digits().y.astype(np.uint8)
    assert (
        hashlib.sha256(pixels.tobytes()).hexdigest()
        == "8f26b2bd9d135c256808f68f14fdabddde6d9c7f869ae419704b051f0f14b3b3"
    )
    assert (
        hashlib.sha256(labels.tobytes()).hexdigest()
        == "8ba4f891220f5e4c9c819638d1602d74b83618f167043c6da52a2a247841ddf0"
    )


def test_importing_the_data_loads_no_downloader():
    heavy = ["pooch", "requests", "gzip", "tempfile", "importlib.resources", "sklearn"]
    program = f"import sys, funcnet.data; print([name for name in {heavy} if name in sys.modules])"
    shown = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"


# --- Made-up problems ---


@pytest.mark.parametrize("dataset", [xor(), xor(21), linearly_separable(7, KEY), linearly_separable(0, KEY), parity(3)])
def test_made_up_problems_have_float32_examples_and_int64_labels(dataset):
    assert dataset.x.dtype == np.float32
    assert dataset.x.ndim == 2
    assert (dataset.y.dtype, dataset.y.shape) == (np.int64, (len(dataset),))
    assert set(dataset.y) <= {0, 1}
    assert not any(array.flags.writeable for array in (dataset.x, dataset.y))


def test_xor_of_4_points_is_the_truth_table():
    assert xor() == xor(4)
    assert xor().x.tolist() == [[0, 0], [0, 1], [1, 0], [1, 1]]
    assert xor().y.tolist() == [a ^ b for a, b in [(0, 0), (0, 1), (1, 0), (1, 1)]]


def test_xor_of_21_points_is_the_diagonals_with_the_centre_once():
    expected = []
    for i in range(11):
        expected.append((i, i, 0))
        if i != 5:
            expected.append((i, 10 - i, 1))
    assert len(expected) == 21
    np.testing.assert_array_equal(xor(21).x, np.array([[i / 10, j / 10] for i, j, _ in expected], np.float32))
    assert xor(21).y.tolist() == [label for _, _, label in expected]


@pytest.mark.parametrize("points", [0, 5, 22, None])
def test_xor_of_other_points_says_what_is_accepted(points):
    with pytest.raises(ValueError, match=r"points must be 4 \(.*\) or 21 \(.*\), got"):
        xor(points)


@given(st.integers(0, 50), keys)
def test_linearly_separable_points_are_labelled_by_their_side(n, key):
    dataset = linearly_separable(n, key)
    assert dataset.x.shape == (n, 2)
    assert dataset == linearly_separable(n, key)
    assert dataset.y.tolist() == [int(a > b) for a, b in dataset.x]


def test_the_label_is_that_of_the_point_as_float32_has_it():
    class Drawn:
        def generator(self):
            return self

        def random(self, shape):
            return np.reshape([0.5 + 1e-12, 0.5], shape)  # a difference that float32 does not have

    dataset = linearly_separable(1, Drawn())
    assert (dataset.x.tolist(), dataset.y.tolist()) == ([[0.5, 0.5]], [0])


def test_linearly_separable_points_are_uniform_in_the_unit_square():
    x = linearly_separable(10_000, KEY).x.astype(np.float64)
    assert ((x >= 0) & (x <= 1)).all()
    # Mean 1/2, variance 1/12, no correlation; five standard errors each.
    np.testing.assert_allclose(x.mean(axis=0), 1 / 2, atol=5 * (1 / 12 / 10_000) ** 0.5)
    np.testing.assert_allclose(x.var(axis=0), 1 / 12, atol=5 * (1 / 180 / 10_000) ** 0.5)
    assert abs(np.corrcoef(x.T)[0, 1]) < 5 / 100
    assert linearly_separable(10, KEY) != linearly_separable(10, fn.Key(1))


@pytest.mark.parametrize("n", [-1, 2.0, True])
def test_the_number_of_points_is_an_integer_of_at_least_0(n):
    with pytest.raises(ValueError, match="n must be an integer of at least 0, got"):
        linearly_separable(n, KEY)


@pytest.mark.parametrize("bits", [1, 2, 3, 10])
def test_parity_has_all_numbers_in_order_and_whether_they_are_odd(bits):
    dataset = parity(bits)
    assert ["".join(str(int(digit)) for digit in row) for row in dataset.x] == [f"{i:0{bits}b}" for i in range(2**bits)]
    assert dataset.y.tolist() == [0, 1] * 2 ** (bits - 1)


def test_parity_goes_to_20_bits():
    dataset = parity(20)
    assert dataset.x.shape == (2**20, 20)
    np.testing.assert_array_equal(dataset.x[-2:], [[1] * 19 + [0], [1] * 20])


@pytest.mark.parametrize("bits", [0, -1, 21, 3.0, True])
def test_parity_of_other_bits_says_what_is_accepted(bits):
    with pytest.raises(ValueError, match="bits must be an integer from 1 to 20, got"):
        parity(bits)
