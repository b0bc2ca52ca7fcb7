"""Keys: golden values, the rule that they come from, and independence."""

import hashlib
import struct
from concurrent.futures import ThreadPoolExecutor

import attrs
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import funcnet as fn
from tests.values.is_a_value import assert_is_a_value


def first_bits(key, n=2):
    return key.generator().bit_generator.random_raw(n).tolist()


# --- The rule, and values that no later change may move ---


def documented_bits(seed, path, n=2):
    """The rule of funcnet.random in plain NumPy: PCG64 of SeedSequence(seed, spawn_key=words of the path).

    A position is its own word; a name is the first 128 bits of its SHA-256, as four little-endian words.
    """
    words = []
    for part in path:
        words += [part] if isinstance(part, int) else struct.unpack("<4I", hashlib.sha256(part.encode()).digest()[:16])
    return np.random.PCG64(np.random.SeedSequence(entropy=seed, spawn_key=words)).random_raw(n).tolist()


# Computed once with `documented_bits`, that is without funcnet, under NumPy 2.4.6.
GOLDEN = [
    (0, (), [0xA30FEBCFD9C2825F, 0x4510BDF882D9D721]),
    (0, (0,), [0xF1645AFFCD5F76EE, 0x50FB78BC01675596]),
    (0, (1,), [0xAD5CC5F1A97C42B5, 0x3E34612A5A50A3C0]),
    (0, ("1",), [0x09D9B68AB9B06CC1, 0x8CE6E8D7DF17C4BB]),
    (0, ("weight",), [0xBBE3AE2935C9A8AC, 0xFD5878D462BF905C]),
    (42, (2, "weight"), [0xA6B99348CD968DB7, 0xE2B5637F7D9945CA]),
    (42, ("weight", 2), [0x815156A0BBC28684, 0x08CDA4CFF9E6CF5A]),
    (7, ("",), [0xC6ABDE29F255AFC5, 0xB60BC5ECB0A9704F]),
    (2**128 - 1, (2**32 - 1, "Größe", 0), [0xF53A094335B1BCCF, 0xE1C6C1EE5B57A7DC]),
]


@pytest.mark.parametrize(("seed", "path", "bits"), GOLDEN)
def test_golden_bits(seed, path, bits):
    assert first_bits(fn.Key(seed, path)) == bits


def test_golden_initial_weights():
    """So that no later change moves anyone's experiment.

    Computed without funcnet: (2 * u - 1) * sqrt(6 / (n_in + n_out)), Glorot's rule, with u from
    Generator(PCG64(SeedSequence(2024, spawn_key=[position of the layer, *words of "weight"]))).random(shape).
    """
    params = fn.sequential(fn.Linear(3), fn.ReLU(), fn.Linear(1)).init(fn.Key(2024), (2,), np.float64)
    assert params[0].weight.tolist() == [
        [0.9757211757241542, 0.06962630705560596, 0.37908886763929894],
        [0.19741826879816304, 0.8674338564936339, -0.543924107028824],
    ]
    assert params[2].weight.tolist() == [[0.7731697259041158], [1.0390295602677724], [-0.1552117649821444]]


seeds = st.integers(0, 2**128 - 1)
parts = st.integers(0, 2**32 - 1) | st.text(st.characters(codec="utf-8"))
paths = st.lists(parts, max_size=5).map(tuple)


@given(seeds, paths)
def test_every_key_follows_the_rule(seed, path):
    assert first_bits(fn.Key(seed, path)) == documented_bits(seed, path)


def test_the_generator_is_a_fresh_one_each_time():
    key = fn.Key(3)
    first = key.generator()
    draws = first.random(5)
    assert isinstance(first, np.random.Generator)
    assert np.array_equal(key.generator().random(5), draws)
    assert not np.any(first.random(5) == draws)


# --- Paths ---


@given(seeds, paths)
def test_folding_in_one_by_one_makes_the_path(seed, path):
    key = fn.Key(seed)
    for part in path:
        key = key.fold_in(part)
    assert key == fn.Key(seed, path)


@given(st.lists(st.tuples(seeds, paths), min_size=2, max_size=6, unique=True))
def test_different_keys_draw_different_numbers(keys):
    assert len({tuple(first_bits(fn.Key(*key))) for key in keys}) == len(keys)


NEIGHBOURS = [
    *[(), (0,), (1,), (0, 0), (0, 1), (1, 0), (0, 0, 0), (10,)],
    *[
        ("",),
        ("0",),
        ("1",),
        ("10",),
        ("1", "0"),
        ("0", 1),
        (0, "1"),
        ("weight",),
        ("Weight",),
        ("weight", ""),
        ("w", "eight"),
    ],
]


def test_a_name_a_position_and_other_orders_all_differ():
    bits = {path: tuple(first_bits(fn.Key(0, path))) for path in NEIGHBOURS}
    assert len(set(bits.values())) == len(NEIGHBOURS)


def test_draws_of_split_keys_are_uncorrelated():
    draws = np.array([key.generator().standard_normal(10_000) for key in fn.Key(0).split(20)])
    correlations = np.corrcoef(draws) - np.eye(20)
    # 190 correlations, each with a standard error of 1 / sqrt(10,000): five of them are missed once in 9,000 times.
    assert np.abs(correlations).max() <= 5 / 100


def test_split_gives_the_keys_of_the_first_positions():
    key = fn.Key(7).fold_in("data")
    assert key.split(3) == (key.fold_in(0), key.fold_in(1), key.fold_in(2))
    assert key.split(0) == ()


# --- What is no seed and no part of a path ---


@pytest.mark.parametrize("seed", [-1, 2**128, np.int64(-1)])
def test_a_bad_seed_is_refused(seed):
    with pytest.raises(ValueError, match=f"a seed must be an integer from 0 to {2**128 - 1}, got "):
        fn.Key(seed)


@pytest.mark.parametrize("position", [-1, 2**32, np.int64(2**32)])
def test_a_bad_position_is_refused(position):
    with pytest.raises(ValueError, match=f"a position must be an integer from 0 to {2**32 - 1}, got "):
        fn.Key(0).fold_in(position)


@pytest.mark.parametrize("value", [True, False, 0.0, 1.5, np.float64(1), None, b"name", (1,), np.bool_(True)])
def test_what_is_not_an_integer_is_refused(value):
    with pytest.raises(TypeError, match="a seed must be an integer, got"):
        fn.Key(value)
    with pytest.raises(TypeError, match="a position must be an integer, got"):
        fn.Key(0).fold_in(value)


@pytest.mark.parametrize("kind", [np.int8, np.uint32, np.int64, np.uint64, np.array])
def test_numpy_integers_are_integers(kind):
    key = fn.Key(kind(5)).fold_in(kind(3))
    assert key == fn.Key(5).fold_in(3)
    assert repr(key) == "Key(seed=5, path=(3,))"
    assert first_bits(key) == first_bits(fn.Key(5, (3,)))


# --- Randomness is an argument: nothing else is drawn from, and no draw moves another ---


def test_global_generators_are_never_touched():
    before = np.random.get_state()  # noqa: NPY002, the global state is what this is about
    key = fn.Key(0).fold_in("a").split(2)[1]
    key.generator().standard_normal(100)
    model = fn.sequential(fn.Linear(3, weight_init=fn.initializers.orthogonal), fn.Dropout(0.5), fn.Linear(1))
    model.training(key).apply(model.init(key, (4,)), np.ones((2, 4)))
    after = np.random.get_state()  # noqa: NPY002
    assert all(np.array_equal(a, b) for a, b in zip(before, after, strict=True))


def test_the_global_seed_changes_nothing():
    draws = []
    for seed in (0, 1):
        np.random.seed(seed)  # noqa: NPY002, that it does nothing is what this is about
        draws.append(fn.Linear(3).init(fn.Key(0), (4,)))
    assert draws[0] == draws[1]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_appending_a_layer_leaves_the_initial_weights_of_the_others(dtype):
    layers = [fn.Linear(5), fn.ReLU(), fn.residual(fn.Linear(5)), fn.Linear(3, weight_init=fn.initializers.orthogonal)]
    long = fn.sequential(*layers).init(fn.Key(1), (4,), dtype)
    for n in range(len(layers)):
        assert fn.tree.equal(fn.sequential(*layers[:n]).init(fn.Key(1), (4,), dtype), long[:n])


def test_layers_of_the_same_shape_begin_with_different_weights():
    params = fn.sequential(*[fn.Linear(4, bias_init=fn.initializers.normal(1.0))] * 3).init(fn.Key(1), (4,))
    for a, b in [(0, 1), (0, 2), (1, 2)]:
        assert not np.any(params[a].weight == params[b].weight)
        assert not np.any(params[a].bias == params[b].bias)


def test_eight_threads_draw_the_same_bits():
    def draws(_):
        return [first_bits(fn.Key(seed, path), 1000) for seed, path, _ in GOLDEN]

    with ThreadPoolExecutor(8) as executor:
        first, *others = executor.map(draws, range(64))
    assert [bits[:2] for bits in first] == [bits for _, _, bits in GOLDEN]
    assert all(other == first for other in others)


# --- Values ---


@given(seeds, paths)
def test_a_key_is_a_value(seed, path):
    assert_is_a_value(fn.Key(seed, path))


@pytest.mark.parametrize("name", ["seed", "path", "anything"])
def test_a_key_is_immutable(name):
    key = fn.Key(1, ("a",))
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        setattr(key, name, 2)
    assert key == fn.Key(1, ("a",))


def test_using_a_key_leaves_it_as_it_was():
    key = fn.Key(1, ("a",))
    key.generator().random(3)
    key.fold_in("b")
    key.split(2)
    assert key == fn.Key(1, ("a",))
