"""BatchNorm: statistics of the batch in training, running ones in inference, as the paper and PyTorch have them."""

from fractions import Fraction
from statistics import mean, variance

import attrs
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

import funcnet as fn
from funcnet import tree
from tests.against_torch import assert_same, tensor
from tests.layers.cases import normal
from tests.passes import passes

KEY = fn.Key(0)
TRAINING = fn.BatchNorm().training(KEY)
SHAPES = [(7, 4), (2, 4), (5, 3, 4), (1, 2, 4)]


def params_of(n=4, dtype=np.float64, mean=0.5, var=2.0):
    """Params of n features, none of them those of `init`."""
    steps = np.arange(n, dtype=dtype)
    running = [tree.Buffer(start + steps / 8) for start in (mean, var)]
    return fn.BatchNormParams(1 + steps / 4, steps - 1, *running)


def tracked(layer, params, x):
    return layer.track(params, layer.forward(params, x)[1])


def running(params):
    return params.running_mean.value, params.running_var.value


# --- PyTorch ---


def features_second(array):
    """(batch, t, n) as (batch, n, t), which PyTorch's layer takes."""
    return np.moveaxis(array, -1, 1)


@pytest.mark.parametrize("momentum", [0.1, 0.0, 1.0, 0.3])
@pytest.mark.parametrize("shape", [(7, 4), (5, 3, 4)])
@pytest.mark.parametrize(("dtype", "rtol"), [(np.float64, 1e-11), (np.float32, 1e-5)])
def test_running_statistics_after_20_steps_are_those_of_pytorch(momentum, shape, dtype, rtol):
    check_running_statistics(fn.BatchNorm(momentum).training(KEY), shape, dtype, rtol)


@attrs.frozen
class Biased(fn.BatchNorm):
    """The running variance is the biased one, which no law of ours knows to be wrong."""

    def track(self, params, cache):
        rows, var = cache.saved[0].y.size // len(params.weight), super().track(params, cache).running_var.value
        of_batch = (var - (1 - self.momentum) * params.running_var.value) * (rows - 1) / rows
        var = (1 - self.momentum) * params.running_var.value + of_batch
        return attrs.evolve(super().track(params, cache), running_var=tree.Buffer(var.astype(params.weight.dtype)))


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_biased_running_variance_is_caught(dtype):
    with pytest.raises(AssertionError):
        check_running_statistics(Biased(in_training=True), (5, 3, 4), dtype, 1e-5)


def check_running_statistics(layer, shape, dtype, rtol):
    torch = pytest.importorskip("torch")
    theirs = torch.nn.BatchNorm1d(4, momentum=layer.momentum, dtype=tensor(np.zeros(1, dtype)).dtype)
    params = layer.init(KEY, shape[1:], dtype)
    for step in range(20):
        x = (3 * normal(shape, step) + np.arange(4)).astype(dtype)
        theirs(tensor(features_second(x)))
        params = tracked(layer, params, x)
    for ours, other in zip(running(params), (theirs.running_mean, theirs.running_var), strict=True):
        assert ours.dtype == dtype
        assert_allclose(ours, other.numpy(), rtol=rtol, atol=rtol / 10)


@pytest.mark.parametrize("layer", [TRAINING, fn.BatchNorm(epsilon=0.5).training(KEY), fn.BatchNorm()], ids=repr)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("dtype", "rtol"), [(np.float64, 1e-11), (np.float32, 2e-4)])
def test_y_dx_and_grads_are_those_of_pytorch(layer, shape, dtype, rtol):
    torch = pytest.importorskip("torch")
    params, x, dy = params_of(dtype=dtype), normal(shape).astype(dtype), normal(shape, 1).astype(dtype)
    inputs = [tensor(x), tensor(params.weight), tensor(params.bias)]
    weights = {"weight": inputs[1], "bias": inputs[2], "training": layer.in_training, "eps": layer.epsilon}
    statistics = [torch.tensor(np.array(array)) for array in running(params)]
    y = torch.nn.functional.batch_norm(inputs[0].movedim(-1, 1), *statistics, **weights).movedim(1, -1)
    theirs = [y, *torch.autograd.grad(y, inputs, torch.tensor(dy))]
    y, dx, grads = passes(layer, params, x, dy)
    assert_same([y, dx, grads.weight, grads.bias], theirs, rtol, rtol / 10)


# --- In training ---


@given(st.lists(st.lists(st.integers(-99, 99), min_size=2, max_size=2), min_size=2, max_size=9))
def test_with_momentum_1_the_running_statistics_are_mean_and_unbiased_variance(rows):
    layer = fn.BatchNorm(1.0).training(KEY)
    got = running(tracked(layer, params_of(2), np.array(rows) / 16))
    columns = [[Fraction(number, 16) for number in column] for column in zip(*rows, strict=True)]
    assert_allclose(got[0], [float(mean(column)) for column in columns], rtol=1e-14, atol=1e-14)
    assert_allclose(got[1], [float(variance(column)) for column in columns], rtol=1e-13)


def test_the_share_of_the_batch_is_momentum():
    params = tracked(fn.BatchNorm(0.25).training(KEY), params_of(1, mean=8.0, var=4.0), np.array([[1.0], [2.0], [6.0]]))
    assert (params.running_mean.value, params.running_var.value) == (0.75 * 8 + 0.25 * 3, 0.75 * 4 + 0.25 * 7)


def test_momentum_0_keeps_the_running_statistics():
    assert tracked(fn.BatchNorm(0).training(KEY), params_of(), normal((5, 4))) == params_of()


@pytest.mark.parametrize("shape", SHAPES)
def test_y_has_mean_bias_and_deviation_weight(shape):
    params, axes = params_of(), tuple(range(len(shape) - 1))
    x = 1e6 + 1e3 * normal(shape)
    y = TRAINING.apply(params, x)
    assert_allclose(y.mean(axis=axes), params.bias, atol=1e-9)
    assert_allclose(y.std(axis=axes), params.weight, rtol=1e-8)


@pytest.mark.parametrize("shape", SHAPES)
def test_the_order_of_rows_changes_nothing_but_the_order_of_rows(shape):
    x, dy, params = normal(shape), normal(shape, 1), params_of()
    axes = tuple(range(len(shape) - 1))
    y, dx, grads = passes(TRAINING, params, x, dy)
    reverse = passes(TRAINING, params, np.flip(x, axes), np.flip(dy, axes))
    for ours, other in zip(
        (y, dx, grads.weight, grads.bias),
        (np.flip(reverse[0], axes), np.flip(reverse[1], axes), reverse[2].weight, reverse[2].bias),
        strict=True,
    ):
        assert_allclose(ours, other, rtol=1e-12, atol=1e-13)
    for ours, other in zip(
        running(tracked(TRAINING, params, x)), running(tracked(TRAINING, params, np.flip(x, axes))), strict=True
    ):
        assert_allclose(ours, other, rtol=1e-14)


def test_the_running_statistics_have_no_part_in_training():
    x, dy = normal((5, 4)), normal((5, 4), 1)
    one, other = (passes(TRAINING, params, x, dy) for params in (params_of(), params_of(mean=-50.0, var=1e6)))
    assert tree.equal(one[:2], other[:2])
    assert tree.equal(one[2].weight, other[2].weight)
    assert tree.equal(one[2].bias, other[2].bias)


def test_dx_sums_to_0_over_the_batch_since_a_shift_changes_nothing():
    _, dx, _ = passes(TRAINING, params_of(), 3 * normal((9, 4)), normal((9, 4), 1))
    assert_allclose(dx.sum(axis=0), 0, atol=1e-14)


@pytest.mark.parametrize("shape", [(4,), (1, 4), (1, 1, 4)])
def test_one_row_cannot_be_trained_on(shape):
    with pytest.raises(ValueError, match="cannot be trained on one row, whose variance is 0, got x"):
        TRAINING.forward(params_of(), np.ones(shape))
    assert fn.BatchNorm().apply(params_of(), np.ones(shape)).shape == shape


@pytest.mark.parametrize("shape", [(0, 4), (0, 3, 4), (3, 0, 4)])
def test_an_empty_batch_changes_no_statistics_and_has_no_gradient(shape):
    params, x = params_of(), np.zeros(shape)
    y, dx, grads = passes(TRAINING, params, x, x)
    assert y.shape == dx.shape == shape
    assert not grads.weight.any()
    assert not grads.bias.any()
    assert tracked(TRAINING, params, x) == params


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        ([1e200, 0, -1e200], np.sqrt([1.5, 0, 1.5]) * [1, 0, -1]),
        ([1e200] * 3, [0] * 3),
        ([1e8 + 0.1] * 3, [0] * 3),
        ([5e-324, 0, -5e-324], np.array([5e-324, 0, -5e-324]) / np.sqrt(1e-5)),
    ],
)
def test_huge_constant_and_tiny_features_are_normalized_as_any_and_change_no_other(column, expected):
    x = np.stack([column, [1.0, 2.0, 4.0]], axis=1)
    params = TRAINING.init(KEY, (2,), float)
    y, dx, _ = passes(TRAINING, params, x, np.array([[1.0, 1.0], [2.0, 3.0], [0.0, 5.0]]))
    assert_allclose(y[:, 0], expected, rtol=1e-15, atol=2e-323)
    assert tree.equal(y[:, 1:], TRAINING.apply(TRAINING.init(KEY, (1,), float), x[:, 1:]))
    assert np.isfinite(dx).all()


@pytest.mark.parametrize("number", [1e8 + 0.1, 1e200, 1.0])
def test_a_constant_feature_has_the_gradient_that_epsilon_gives_it(number):
    _, dx, _ = passes(
        TRAINING, TRAINING.init(KEY, (1,), float), np.full((3, 1), number), np.array([[1.0], [2.0], [6.0]])
    )
    assert_allclose(dx, np.array([[-2.0], [-1.0], [3.0]]) / np.sqrt(1e-5), rtol=1e-15)


def test_float16_is_summed_and_normalized_in_float32():
    x = np.resize(np.array([3, 5], np.float16), (70_000, 1))
    params = TRAINING.init(KEY, (1,), np.float16)
    y, dx, grads = passes(TRAINING, params, x, np.resize(np.array([1, 2], np.float16), (70_000, 1)) / 4)
    assert y[:2, 0].tolist() == [-1, 1]
    assert np.abs(dx).max() < 1e-3  # dy is a line through y
    assert (grads.weight, grads.bias) == (8752, 26256)  # nearest to 8750 and 26250
    assert running(tracked(TRAINING, params, x)) == (np.float16(0.4), 1)


# --- In inference ---


def test_inference_normalizes_by_the_running_statistics():
    params, x, dy = params_of(), normal((5, 4)), normal((5, 4), 1)
    deviation = np.sqrt(params.running_var.value + 1e-5)
    z = (x - params.running_mean.value) / deviation
    y, dx, grads = passes(fn.BatchNorm(), params, x, dy)
    assert_allclose(y, z * params.weight + params.bias, rtol=1e-15, atol=1e-15)
    assert_allclose(dx, dy * params.weight / deviation, rtol=1e-15)
    assert_allclose(grads.weight, (dy * z).sum(axis=0), rtol=1e-13)


def test_in_inference_the_bits_of_a_row_do_not_depend_on_other_rows():
    params, x, dy = params_of(), normal((7, 4)), normal((7, 4), 1)
    for other in (normal(4), np.full(4, 1e300), np.full(4, np.nan)):
        x[3] = other
        y, dx, _ = passes(fn.BatchNorm(), params, x, dy)
        for i in (0, 1, 2, 4, 5, 6):
            for alone in (i, slice(i, i + 1)):
                assert tree.equal(passes(fn.BatchNorm(), params, x[alone], dy[alone])[:2], (y[alone], dx[alone]))


def test_inference_tracks_nothing():
    params = params_of()
    assert tracked(fn.BatchNorm(), params, normal((5, 4))) is params


def test_float16_differences_from_the_running_mean_do_not_overflow():
    far, wide = (tree.Buffer(np.array([number], np.float16)) for number in (-6e4, 6e4))
    params = fn.BatchNormParams(np.ones(1, np.float16), np.zeros(1, np.float16), far, wide)
    assert_allclose(fn.BatchNorm().apply(params, np.array([[6e4]], np.float16)), 12e4 / np.sqrt(6e4), rtol=1e-3)


# --- Integers ---


@pytest.mark.parametrize("layer", [TRAINING, fn.BatchNorm()], ids=repr)
def test_integers_do_not_wrap_and_have_no_gradient(layer):
    x, dy = np.array([[200, 0], [250, 1], [10, 255]], np.uint8), np.ones((3, 2), np.float32)
    params = params_of(2, np.float32)
    y, dx, grads = passes(layer, params, x, dy)
    assert dx is None
    assert tree.equal((y, grads), passes(layer, params, x.astype(np.float32), dy)[::2])
    assert tracked(TRAINING, params, x) == tracked(TRAINING, params, x.astype(np.float32))


@pytest.mark.parametrize("in_training", [False, True])
def test_it_computes_in_the_dtype_of_its_leaves(in_training):
    layer = fn.BatchNorm(in_training=in_training)
    params = tree.map(lambda leaf: leaf.astype(np.float64), layer.init(fn.Key(0), (3,)))  # which keeps the buffers
    x = np.random.default_rng(0).normal(size=(5, 3))
    y, cache = layer.forward(params, x)
    assert tree.equal(y, layer.apply(tree.cast(params, np.float64), x))
    assert layer.track(params, cache).running_mean.value.dtype == np.float32
