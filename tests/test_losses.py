"""Losses against central differences and textbook formulas, and the laws that every loss obeys."""

import math

import attrs
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import funcnet as fn
from tests import oracles
from tests.oracles import exactly, pulled_back

BATCHES = [(), (1,), (0,), (5,), (2, 3)]
REDUCTIONS = ["mean", "batch", "sum"]
CLASSES = 4


def some_logits(shape, seed=0):
    return np.random.default_rng(seed).uniform(-3, 3, shape)


def some_probabilities(shape, seed=0):
    return np.random.default_rng(seed).uniform(0.1, 0.9, shape)


def some_distributions(shape, seed=1):
    weights = some_probabilities(shape, seed)
    return weights / weights.sum(axis=-1, keepdims=True)


def some_labels(shape, seed=1):
    return np.random.default_rng(seed).integers(CLASSES, size=shape[:-1])


def some_bits(shape, seed=1):
    return np.random.default_rng(seed).integers(2, size=shape)


def by_number(f):
    """The loss of a row from that of a number."""
    return lambda y, target: [f(p, t) for p, t in zip(y, target, strict=True)]


def square(y, target):
    return (y - target) ** 2


def square_gradient(y, target):
    return 2 * (y - target)


@attrs.frozen
class Case:
    """A loss, what goes into it, and the textbook's losses and gradient of one example."""

    loss: type
    some_y: object
    some_target: object
    losses: object
    gradient: object

    def __str__(self):
        return f"{self.loss.__name__}-{self.some_target.__name__.removeprefix('some_')}"

    def arguments(self, batch, dtype=np.float64):
        """y and a target, one of labels or bits as integers."""
        shape = (*batch, CLASSES)
        target = np.asarray(self.some_target(shape))
        return np.asarray(self.some_y(shape)).astype(dtype), target.astype(dtype) if target.dtype == float else target

    @property
    def counts_examples(self):
        """Whether the mean is over examples and not over every element."""
        return self.loss is fn.SoftmaxCrossEntropy


SOFTMAX = oracles.softmax_cross_entropy, oracles.softmax_cross_entropy_gradient
SIGMOID = by_number(oracles.sigmoid_binary_cross_entropy), by_number(oracles.sigmoid_binary_cross_entropy_gradient)
BINARY = by_number(oracles.binary_cross_entropy), by_number(oracles.binary_cross_entropy_gradient)
CASES = [
    Case(fn.MeanSquaredError, some_logits, some_probabilities, by_number(square), by_number(square_gradient)),
    Case(fn.SoftmaxCrossEntropy, some_logits, some_labels, *SOFTMAX),
    Case(fn.SoftmaxCrossEntropy, some_logits, some_distributions, *SOFTMAX),
    Case(fn.SoftmaxCrossEntropy, some_logits, some_probabilities, *SOFTMAX),  # they do not sum to 1
    Case(fn.SigmoidBinaryCrossEntropy, some_logits, some_bits, *SIGMOID),
    Case(fn.SigmoidBinaryCrossEntropy, some_logits, some_probabilities, *SIGMOID),
    Case(fn.BinaryCrossEntropy, some_probabilities, some_bits, *BINARY),
    Case(fn.BinaryCrossEntropy, some_probabilities, some_distributions, *BINARY),
]
every_case = pytest.mark.parametrize("case", CASES, ids=str)
every_loss = pytest.mark.parametrize("case", [CASES[0], CASES[2], CASES[5], CASES[7]], ids=str)
every_reduction = pytest.mark.parametrize("reduction", REDUCTIONS)


def value_and_dy(loss, y, target):
    value, cache = loss.forward(y, target)
    return value, loss.backward(cache)


def divisor(case, reduction, batch):
    """By what the docstrings say that the sum of all losses is divided."""
    elements = 1 if case.counts_examples else CLASSES
    return {"mean": math.prod(batch) * elements, "batch": math.prod(batch), "sum": 1}[reduction]


def one_hot(labels):
    return np.eye(CLASSES)[labels]


# --- Values and gradients ---


@pytest.mark.parametrize("batch", BATCHES, ids=str)
@every_reduction
@every_case
def test_the_gradient_is_that_of_central_differences(case, reduction, batch):
    loss, (y, target) = case.loss(reduction), case.arguments(batch)
    if divisor(case, reduction, batch) == 0:
        with pytest.raises(ValueError, match="the mean of no losses"):
            loss.forward(y, target)
        return
    _, dy = value_and_dy(loss, y, target)
    assert dy.shape == y.shape
    assert_allclose(dy, pulled_back(lambda y: loss.forward(y, target)[0], y, 1.0), rtol=1e-6, atol=1e-12)


@every_case
def test_value_and_gradient_are_the_textbooks(case):
    y, target = case.arguments((2, 3))
    value, dy = value_and_dy(case.loss("sum"), y, target)
    distributions = target if target.shape == y.shape else one_hot(target)
    examples = list(zip(y.reshape(-1, CLASSES), distributions.reshape(-1, CLASSES), strict=True))
    assert_allclose(value, np.sum([exactly(case.losses, *example) for example in examples]), rtol=1e-14)
    expected = [exactly(case.gradient, *example) for example in examples]
    assert_allclose(dy.reshape(-1, CLASSES), expected, rtol=1e-13)


@every_loss
def test_without_batch_axes_a_number_is_an_example_of_its_own(case):
    if case.counts_examples:
        with pytest.raises(fn.ShapeError, match=r"logits of shape \(\.\.\., n\), got \(\)"):
            case.loss().forward(np.array(0.5), np.array(0))
        return
    values = [case.loss(reduction).forward(np.array(0.3), np.array(0.6))[0] for reduction in REDUCTIONS]
    assert_allclose(values, exactly(case.losses, [0.3], [0.6])[0], rtol=1e-14)


# --- Purity ---


@every_case
def test_inputs_are_left_as_they_were(case):
    arrays = y, target = case.arguments((5,))
    for array in arrays:
        array.flags.writeable = False
    before = [array.tobytes() for array in arrays]
    value_and_dy(case.loss(), y, target)
    assert [array.tobytes() for array in arrays] == before


@every_case
def test_a_pass_repeated_or_interleaved_gives_the_same_bits(case):
    loss, (y, target) = case.loss(), case.arguments((5,))
    value, cache = loss.forward(y, target)
    first = loss.backward(cache).tobytes()
    value_and_dy(loss, y[::-1] * 0.5, target)
    dy = loss.backward(cache)
    assert dy.tobytes() == first
    dy.fill(np.nan)
    assert loss.backward(cache).tobytes() == first
    assert loss.forward(y, target)[0] == value


@every_case
def test_the_gradient_shares_no_memory_with_y_and_target(case):
    y, target = case.arguments((5,))
    _, dy = value_and_dy(case.loss(), y, target)
    assert not np.shares_memory(dy, y)
    assert not np.shares_memory(dy, target)


# --- Laws ---


@pytest.mark.parametrize("batch", [(), (5,), (2, 3)], ids=str)
@every_case
def test_reductions_differ_by_a_factor(case, batch):
    y, target = case.arguments(batch)
    total, dy = value_and_dy(case.loss("sum"), y, target)
    for reduction in ("mean", "batch"):
        n = divisor(case, reduction, batch)
        value, mean_dy = value_and_dy(case.loss(reduction), y, target)
        assert_allclose(n * value, total, rtol=1e-14)
        assert_allclose(n * mean_dy, dy, rtol=1e-14)


@every_case
def test_mean_is_the_default(case):
    assert case.loss() == case.loss("mean")


@every_reduction
@every_case
def test_permuting_examples_permutes_the_gradient_and_keeps_the_value(case, reduction):
    loss, (y, target) = case.loss(reduction), case.arguments((5,))
    order = [3, 0, 4, 1, 2]
    value, dy = value_and_dy(loss, y, target)
    permuted_value, permuted_dy = value_and_dy(loss, y[order], target[order])
    assert_allclose(permuted_value, value, rtol=1e-14)
    assert_allclose(permuted_dy, dy[order], rtol=1e-14)


@every_case
def test_duplicating_an_example_is_giving_it_weight_2(case):
    y, target = case.arguments((5,))
    again = [0, 1, 2, 2, 3, 4]
    total, one = (case.loss("sum").forward(y[rows], target[rows])[0] for rows in (slice(None), [2]))
    assert_allclose(case.loss("sum").forward(y[again], target[again])[0], total + one, rtol=1e-14)
    twice = np.concatenate([y, y]), np.concatenate([target, target])
    assert_allclose(case.loss().forward(*twice)[0], case.loss().forward(y, target)[0], rtol=1e-14)


@every_reduction
@pytest.mark.parametrize("case", [case for case in CASES if case.counts_examples], ids=str)
def test_softmax_cross_entropy_is_shift_invariant(case, reduction):
    y, target = case.arguments((5,))
    sixteenths = np.round(y * 16) / 16
    value, dy = value_and_dy(case.loss(reduction), sixteenths, target)
    shifted_value, shifted_dy = value_and_dy(case.loss(reduction), sixteenths + 1024, target)
    assert shifted_value == value
    assert_array_equal(shifted_dy, dy)
    assert_allclose(dy.sum(axis=-1), 0, atol=1e-15)


@every_reduction
@pytest.mark.parametrize("batch", [(), (5,), (2, 3)], ids=str)
def test_labels_are_one_hot_probabilities_bit_for_bit(batch, reduction):
    loss, shape = fn.SoftmaxCrossEntropy(reduction), (*batch, CLASSES)
    y, labels = 20 * some_logits(shape), some_labels(shape)
    value, dy = value_and_dy(loss, y, labels)
    for target in (one_hot(labels), one_hot(labels).astype(int), one_hot(labels).astype(bool)):
        other_value, other_dy = value_and_dy(loss, y, target)
        assert other_value == value
        assert other_dy.tobytes() == dy.tobytes()


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int64, np.uint64])
def test_labels_may_be_integers_of_any_size(dtype):
    y, labels = some_logits((5, CLASSES)), some_labels((5, CLASSES))
    value, _ = fn.SoftmaxCrossEntropy().forward(y, labels)
    assert fn.SoftmaxCrossEntropy().forward(y, labels.astype(dtype))[0] == value
    assert fn.SoftmaxCrossEntropy().forward(y, labels.tolist())[0] == value


@every_loss
def test_layout_does_not_matter(case):
    y, target = case.arguments((5,))
    value, dy = value_and_dy(case.loss(), y, target)
    for layout in (np.asfortranarray, lambda array: array[::-1].copy()[::-1], lambda array: array.astype(">f8")):
        other_value, other_dy = value_and_dy(case.loss(), layout(y), layout(target))
        assert_allclose(other_value, value, rtol=1e-14)
        assert_allclose(other_dy, dy, rtol=1e-14)


# --- dtypes ---


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("batch", [(), (5,)], ids=str)
@every_reduction
@every_case
def test_the_value_is_a_scalar_of_the_dtype_of_y(case, reduction, batch, dtype):
    y, target = case.arguments(batch, dtype)
    for of_target in {target.dtype, np.dtype(float) if target.shape == y.shape else target.dtype}:
        value, dy = value_and_dy(case.loss(reduction), y, target.astype(of_target))
        assert type(value) is dtype
        assert dy.dtype == dtype


@pytest.mark.parametrize(("dtype", "rtol"), [(np.float16, 1e-2), (np.float32, 1e-5)])
@every_reduction
@every_case
def test_lower_precision_agrees_to_rounding(case, reduction, dtype, rtol):
    y, target = case.arguments((5,), dtype)
    value, dy = value_and_dy(case.loss(reduction), y, target)
    exact = value_and_dy(
        case.loss(reduction), y.astype(float), target.astype(float if target.shape == y.shape else int)
    )
    assert_allclose(value, exact[0], rtol=rtol)
    assert_allclose(dy, exact[1], rtol=rtol, atol=rtol / 5)  # terms of size 1 may cancel


@pytest.mark.parametrize("case", CASES[:6], ids=str)  # for the others NaN is an error, see test_edge_cases.py
def test_nan_is_not_swallowed_and_stays_in_its_row(case):
    y, target = case.arguments((5,))
    _, dy = value_and_dy(case.loss(), y, target)
    y[2, 1] = np.nan
    value, spoilt = value_and_dy(case.loss(), y, target)
    assert np.isnan(value)
    assert np.isnan(spoilt[2, 1])
    assert_array_equal(np.delete(spoilt, 2, axis=0), np.delete(dy, 2, axis=0))


# --- Errors ---


@every_case
def test_a_cache_of_another_loss_is_an_error(case):
    y, target = case.arguments((5,))
    p = some_probabilities((5, 2))
    others = [
        (fn.MeanSquaredError("batch"), p, p),
        (fn.BinaryCrossEntropy("batch"), p, p),
        (case.loss("sum"), y, target),
    ]
    for other, *of_other in others:
        _, cache = other.forward(*of_other)
        with pytest.raises(fn.CacheError) as error:
            case.loss().backward(cache)
        assert repr(case.loss()) in str(error.value)
        assert repr(other) in str(error.value)
    with pytest.raises(fn.CacheError, match="got ndarray"):
        case.loss().backward(y)


@pytest.mark.parametrize("reduction", ["none", "Mean", None, 1])
@every_loss
def test_a_reduction_of_another_name_is_an_error(case, reduction):
    with pytest.raises(ValueError, match="'mean', 'batch', 'sum'"):
        case.loss(reduction)
