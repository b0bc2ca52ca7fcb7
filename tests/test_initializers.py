"""Initializers against the distributions that their sources state, and the laws that all of them obey.

Sizes of samples and keys are fixed, so a bound that holds once holds always. Each is a number of standard errors.
"""

import math
import pickle

import numpy as np
import pytest
from numpy.linalg import norm

import funcnet as fn
from funcnet import initializers

SIGMAS = 4  # a true statistic lies further off once in 16,000 times


def fans(shape):
    """n_in and n_out of a weight (..., n_in, n_out): each input feeds, and each output reads, a receptive field."""
    return math.prod(shape[:-1]), math.prod(shape[:-2]) * shape[-1]


# The variance by the formula of each source, from (n_in, n_out).
NORMAL = [
    (initializers.normal(0.3), lambda n_in, n_out: 0.3**2),
    (initializers.glorot_normal, lambda n_in, n_out: 2 / (n_in + n_out)),  # Glorot, Bengio 2010, eq. 12
    (initializers.he_normal, lambda n_in, n_out: 2 / n_in),  # He et al. 2015, eq. 10
    (initializers.lecun_normal, lambda n_in, n_out: 1 / n_in),  # LeCun et al. 1998, section 4.6
]
UNIFORM = [
    (initializers.uniform(0.3), lambda n_in, n_out: 0.3**2 / 3),
    (initializers.glorot_uniform, lambda n_in, n_out: 2 / (n_in + n_out)),  # Glorot, Bengio 2010, eq. 16
    (initializers.he_uniform, lambda n_in, n_out: 2 / n_in),  # He et al. 2015, eq. 10
]
CONSTANT = [initializers.zeros, initializers.constant(0.3)]
DRAWN = [*(initializer for initializer, _ in NORMAL + UNIFORM), initializers.orthogonal]
ALL = [*CONSTANT, *DRAWN]
FAN_BASED = [
    initializer for initializer in DRAWN if not isinstance(initializer, initializers.normal | initializers.uniform)
]

every_initializer = pytest.mark.parametrize("initializer", ALL)
drawn_initializer = pytest.mark.parametrize("initializer", DRAWN)
distributed = pytest.mark.parametrize(
    ("initializer", "variance", "kurtosis"),
    [(*row, 3) for row in NORMAL] + [(*row, 9 / 5) for row in UNIFORM],
)
shapes = pytest.mark.parametrize("shape", [(300, 100), (100, 300), (3, 5, 40, 50)])


@distributed
@shapes
def test_mean_and_variance_are_those_of_the_formula(initializer, variance, kurtosis, shape):
    expected = variance(*fans(shape))
    draws = initializer(fn.Key(1), shape, np.float64)
    assert abs(draws.mean()) <= SIGMAS * math.sqrt(expected / draws.size)
    # The mean of x**2, whose variance is E[x**4] - E[x**2]**2 = (kurtosis - 1) * variance**2.
    assert np.square(draws).mean() == pytest.approx(expected, rel=SIGMAS * math.sqrt((kurtosis - 1) / draws.size))


def normal_cdf(z):
    return (1 + np.vectorize(math.erf)(z / math.sqrt(2))) / 2


def uniform_cdf(z):
    return (1 + z / math.sqrt(3)) / 2


@distributed
@shapes
def test_the_distribution_is_normal_or_uniform(initializer, variance, kurtosis, shape):
    draws = np.sort(initializer(fn.Key(2), shape, np.float64), axis=None) / math.sqrt(variance(*fans(shape)))
    cdf = normal_cdf if kurtosis == 3 else uniform_cdf
    ranks = np.arange(draws.size + 1) / draws.size
    distance = max(np.max(ranks[1:] - cdf(draws)), np.max(cdf(draws) - ranks[:-1]))
    # Kolmogorov's limit: P(distance * sqrt(n) > d) = 2 * exp(-2 * d**2) for large n, here 1e-4.
    assert distance * math.sqrt(draws.size) <= math.sqrt(-math.log(1e-4 / 2) / 2)


@pytest.mark.parametrize(("initializer", "variance"), UNIFORM)
@shapes
def test_a_uniform_draw_fills_its_bounds_and_keeps_them(initializer, variance, shape):
    bound = math.sqrt(3 * variance(*fans(shape)))
    draws = initializer(fn.Key(3), shape, np.float64)
    # The chance that n draws all miss the outer fraction f of the interval is (1 - f / 2)**n, here about exp(-10).
    nearest = bound * (1 - 20 / draws.size)
    assert -bound <= draws.min() < -nearest
    assert nearest < draws.max() <= bound


@drawn_initializer
def test_neighbours_are_uncorrelated(initializer):
    draws = initializer(fn.Key(4), (200, 200), np.float64)
    for a, b in [(draws[1:], draws[:-1]), (draws[:, 1:], draws[:, :-1])]:
        correlation = np.sum(a * b) / (norm(a) * norm(b))
        assert abs(correlation) <= SIGMAS / math.sqrt(a.size)


def test_zeros_and_constant_are_what_they_say():
    assert initializers.zeros(fn.Key(0), (2, 3), np.float64).tolist() == [[0.0] * 3] * 2
    assert initializers.constant(0.3)(fn.Key(0), (2, 3), np.float64).tolist() == [[0.3] * 3] * 2


# --- orthogonal ---


@pytest.mark.parametrize("shape", [(1, 1), (7, 7), (100, 100), (9, 4), (9, 1), (4, 9), (1, 9), (3, 5, 4), (3, 5, 40)])
def test_columns_are_orthonormal_or_rows_where_there_are_fewer_of_them(shape):
    q = initializers.orthogonal(fn.Key(5), shape, np.float64)
    matrix = q.reshape(-1, shape[-1])
    gram = matrix.T @ matrix if matrix.shape[0] >= matrix.shape[1] else matrix @ matrix.T
    assert q.shape == shape
    np.testing.assert_allclose(gram, np.eye(len(gram)), rtol=0, atol=1e-12)


@pytest.mark.parametrize("shape", [(1, 1), (3, 3), (4, 2), (2, 4)])
def test_orthogonal_matrices_are_uniform(shape):
    """Haar's measure: q and any of its reflections are equally likely, so E[q] = 0, and E[q**2] = 1 / the longer side.

    Mezzadri 2007: QR without its correction of signs fails this.
    """
    n = max(shape)
    qs = np.array([initializers.orthogonal(key, shape, np.float64) for key in fn.Key(6).split(2000)])
    assert np.abs(qs.mean(axis=0)).max() <= SIGMAS * math.sqrt(1 / n / len(qs))
    # An entry of a uniform unit vector has E[q**4] = 3 / (n * (n + 2)).
    spread = math.sqrt((3 / (n * (n + 2)) - 1 / n**2) / len(qs))
    np.testing.assert_allclose(np.square(qs).mean(axis=0), 1 / n, rtol=1e-12, atol=SIGMAS * spread)


# --- Laws of all initializers ---


@every_initializer
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.complex128, ">f4"])
def test_every_precision_is_a_cast_of_the_same_draws(initializer, dtype):
    exact = initializer(fn.Key(7), (6, 5), np.float64)
    assert fn.tree.equal(initializer(fn.Key(7), (6, 5), dtype), exact.astype(dtype))


@every_initializer
def test_the_default_is_float32(initializer):
    assert initializer(fn.Key(7), (6, 5)).dtype == np.float32


@every_initializer
@pytest.mark.parametrize("dtype", [int, np.uint8, bool, object, str])
def test_other_dtypes_than_floating_point_are_refused(initializer, dtype):
    with pytest.raises(TypeError, match="params must have a floating-point dtype"):
        initializer(fn.Key(0), (2, 3), dtype)


@drawn_initializer
def test_the_same_key_gives_the_same_bits_and_another_key_other_numbers(initializer):
    draws = initializer(fn.Key(8), (6, 5))
    assert fn.tree.equal(initializer(fn.Key(8), (6, 5)), draws)
    for other in (fn.Key(9), fn.Key(8).fold_in(0), fn.Key(8).fold_in("weight")):
        assert not np.any(initializer(other, (6, 5)) == draws)


@every_initializer
@pytest.mark.parametrize("shape", [(0, 3), (3, 0), (0, 0), (2, 0, 3), (0, 2, 3)])
def test_zero_sizes_keep_their_shape(initializer, shape):
    assert initializer(fn.Key(0), shape).shape == shape


@pytest.mark.parametrize("initializer", FAN_BASED)
@pytest.mark.parametrize("shape", [(), (3,)])
def test_fans_need_two_axes(initializer, shape):
    with pytest.raises(fn.ShapeError, match=r"expected a weight of shape \(\.\.\., n_in, n_out\), got \("):
        initializer(fn.Key(0), shape)


@pytest.mark.parametrize("initializer", [init for init in ALL if init not in FAN_BASED])
@pytest.mark.parametrize("shape", [(), (3,), (2, 3, 4)])
def test_the_others_take_any_shape(initializer, shape):
    draws = initializer(fn.Key(0), shape)
    assert isinstance(draws, np.ndarray)
    assert draws.shape == shape


@every_initializer
def test_draws_are_the_callers_own(initializer):
    first, second = initializer(fn.Key(0), (2, 3)), initializer(fn.Key(0), (2, 3))
    assert not np.shares_memory(first, second)


# --- Values ---


@every_initializer
def test_an_initializer_is_a_value(initializer):
    for same in (pickle.loads(pickle.dumps(initializer)), eval(fn.values.registry.code(initializer), vars(fn))):
        assert same == initializer
        assert hash(same) == hash(initializer)


@every_initializer
def test_a_layer_with_an_initializer_prints_as_the_code_that_makes_it(initializer):
    layer = fn.Linear(3, weight_init=initializer, bias_init=initializer)
    assert eval(repr(layer), vars(fn)) == layer


@pytest.mark.parametrize("kind", [initializers.normal, initializers.uniform])
@pytest.mark.parametrize("value", [-0.1, -math.inf, math.nan])
def test_a_negative_or_nan_spread_is_refused(kind, value):
    with pytest.raises(ValueError, match=r"std|bound"):
        kind(value)


@pytest.mark.parametrize("kind", [initializers.normal, initializers.uniform])
def test_a_spread_of_0_gives_zeros(kind):
    assert not kind(0.0)(fn.Key(0), (2, 3)).any()


def test_an_initializer_that_makes_another_shape_is_refused():
    layer = fn.Linear(3, weight_init=lambda key, shape, dtype: np.ones(shape[::-1], dtype))
    with pytest.raises(fn.ShapeError, match=r"must return an array of shape \(4, 3\), got \(3, 4\)"):
        layer.init(fn.Key(0), (4,))


def test_an_initializer_that_forgets_the_dtype_is_cast():
    layer = fn.Linear(3, weight_init=lambda key, shape, dtype: np.ones(shape))
    assert layer.init(fn.Key(0), (4,)).weight.dtype == np.float32
