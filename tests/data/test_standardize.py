"""Standardization that is part of the model: what `fit` finds, and that whoever has the model has the numbers."""

from fractions import Fraction

import attrs
import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra import numpy as arrays_of

import funcnet as fn
from funcnet.data import Dataset, Standardize
from funcnet.values import from_json, to_json
from tests.data.cases import KEY

POINTS = st.tuples(st.integers(1, 30), st.integers(1, 4)).flatmap(
    lambda shape: arrays_of.arrays(np.float64, shape, elements=st.integers(-1000, 1000).map(lambda n: n / 16))
)


def applied(layer, x, dtype=np.float64):
    return layer.apply(layer.init(KEY, x.shape[1:], dtype), x)


@given(POINTS)
def test_mean_and_deviation_are_those_of_exact_arithmetic(x):
    layer = Standardize.fit(x)
    for column, mean, std in zip(x.T, layer.mean, layer.std, strict=True):
        values = [Fraction(value) for value in column]
        exact = sum(values) / len(values)
        variance = sum((value - exact) ** 2 for value in values) / len(values)
        assert mean == pytest.approx(float(exact), rel=1e-13, abs=1e-13)
        assert std == pytest.approx(float(variance) ** 0.5 if variance else 1, rel=1e-13)


@pytest.mark.parametrize("value", [0.1, 1e300, -7.3, 5])
def test_a_feature_that_is_constant_becomes_exactly_0(value):
    x = np.full((1000, 1), value)
    assert Standardize.fit(x) == Standardize([value], [1.0])
    assert not applied(Standardize.fit(x), x).any()


def test_differences_whose_squares_are_0_are_no_deviation():
    assert Standardize.fit(np.array([[0.0], [1e-200]])).std == (1.0,)


@pytest.mark.parametrize("n", [2, 4095, 4096, 4097, 9000])
@pytest.mark.parametrize("dtype", [np.float32, np.float16, np.uint8, np.int64, bool])
def test_features_get_mean_0_and_deviation_1(n, dtype):
    x = (np.random.default_rng(0).normal(5, 3, (n, 3)) % 7).astype(dtype)
    x[0] = 0
    y = applied(Standardize.fit(x), x)
    np.testing.assert_allclose(y.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(y.std(axis=0), 1, rtol=1e-12)


@pytest.mark.parametrize("dtype", [np.float64, np.int64])
def test_a_small_difference_of_large_numbers_is_kept_in_params_of_float32(dtype):
    x = (1_700_000_000 + np.arange(100).reshape(100, 1)).astype(dtype)  # times, whose float32 are the same
    y = applied(Standardize.fit(x), x, np.float32)
    assert y.dtype == np.float32
    np.testing.assert_allclose(np.diff(y, axis=0), 1 / x.std(), rtol=1e-5)


@pytest.mark.parametrize(
    ("feature", "dtype"), [(1e-9, np.float16), (1e9, np.float16), (1e-60, np.float32), (1e45, np.float32)]
)
def test_numbers_that_the_params_cannot_hold_are_refused(feature, dtype):
    standardize = Standardize.fit(np.array([[0.0, 0.0], [1.0, feature]]))
    with pytest.raises(
        ValueError, match=f"feature 1 has the mean .* and the std .*, which {np.dtype(dtype)} cannot hold"
    ):
        standardize.init(fn.Key(0), (2,), dtype)
    assert standardize.init(fn.Key(0), (2,), np.float64).std.value.all()


def test_axes_before_the_features_are_examples_too():
    x = np.random.default_rng(0).normal(size=(6, 5, 2))
    assert Standardize.fit(x) == Standardize.fit(x.reshape(30, 2))


def test_several_inputs_have_a_layer_each_and_ids_are_left_alone():
    x = np.random.default_rng(0).normal(size=(6, 2)), (np.arange(6), np.arange(12.0).reshape(6, 2))
    expected = fn.parallel(Standardize.fit(x[0]), fn.parallel(fn.Identity(), Standardize.fit(x[1][1])))
    assert Standardize.fit(x) == expected


@pytest.mark.parametrize(
    ("x", "words"),
    [
        (
            [[1.0], [float("nan")]],
            r"x is nan in row 1, column 0, and all else is finite: fill it, or leave out its row$",
        ),
        ((np.ones((2, 1)), np.array([[1.0], [float("inf")]])), r"x\[1\] is inf in row 1"),
        ([1.0, 2.0], r"got \(2,\); write x\[:, None\] for one feature"),
        (np.ones((0, 3)), r"with a row and a feature, got \(0, 3\)"),
        (np.ones((3, 0)), r"with a row and a feature, got \(3, 0\)"),
    ],
)
def test_what_has_no_mean_is_refused(x, words):
    with pytest.raises(ValueError, match=words):
        Standardize.fit(x)


def test_a_dataset_is_not_x():
    with pytest.raises(fn.DTypeError, match=r"got a Dataset: write dataset.x"):
        Standardize.fit(fn.data.xor())


@pytest.mark.parametrize(
    ("mean", "std", "error", "words"),
    [
        ([1.0], [0.0], ValueError, "'std' must have finite numbers above 0"),
        ([1.0], [-1.0], ValueError, "'std' must have finite numbers above 0"),
        ([float("nan")], [1.0], ValueError, "'mean' must have finite numbers"),
        ([1.0], [1.0, 2.0], fn.ShapeError, "expected a std for each mean, got 1 means and 2 stds"),
        (["a"], [1.0], TypeError, "expected a real number, got 'a'"),
    ],
)
def test_numbers_that_cannot_standardize_are_refused(mean, std, error, words):
    with pytest.raises(error, match=words):
        Standardize(mean, std)


def test_x_and_params_of_other_features_are_refused():
    layer = Standardize([1.0, 2.0], [3.0, 4.0])
    with pytest.raises(fn.ShapeError, match=r"expected an input_shape of \(..., 2\), got \(3,\)"):
        layer.init(KEY, (3,))
    with pytest.raises(fn.ShapeError, match=r"expected x of shape \(..., n=2\), got \(5, 3\)"):
        layer.forward(layer.init(KEY, (2,)), np.ones((5, 3)))
    with pytest.raises(fn.TreeError, match=r"expected StandardizeParams with mean.value \(2,\) and std.value \(2,\)"):
        layer.forward(Standardize([1.0], [2.0]).init(KEY, (1,)), np.ones((5, 2)))


def test_it_is_a_value_that_prints_in_a_line():
    layer = Standardize.fit(fn.data.digits().x)
    assert from_json(to_json(layer)) == layer
    assert hash(layer) == hash(Standardize(layer.mean, layer.std))
    ends = f"mean=(0, ..., {layer.mean[-1]:.4g}), std=(1, ..., {layer.std[-1]:.4g})"
    assert repr(layer) == f"Standardize({ends}) of 64 features"
    small = Standardize([0.1, 2], [1, np.float32(0.5)])
    assert eval(repr(small), {"Standardize": Standardize}) == small


def test_it_is_trained_with_saved_with_and_read_with_the_model(tmp_path):
    train, test = fn.data.digits()[:300].split(KEY, 0.8)
    model = fn.sequential(Standardize.fit(train.x), fn.Linear(10))
    experiment = fn.Experiment(
        model, fn.SoftmaxCrossEntropy(), fn.AdamW(0.01), batch_size=32, epochs=3, penalty=fn.L2(1.0)
    )
    run = fn.run(experiment, train, test, directory=tmp_path / "run")
    assert run.params[0] == model.init(KEY, (64,))[0]  # nothing moves it
    assert fn.verify(tmp_path / "run", train, test)
    fn.save(tmp_path / "model.npz", model, run.params)
    read, params = fn.load(tmp_path / "model.npz")
    np.testing.assert_array_equal(read.apply(params, test.x), model.apply(run.params, test.x))
    by_hand = Dataset((train.x - np.float32(model.layers[0].mean)) / np.float32(model.layers[0].std), train.y)
    same = fn.run(attrs.evolve(experiment, model=fn.sequential(fn.Identity(), fn.Linear(10))), by_hand)
    np.testing.assert_allclose(same.history["loss"], run.history["loss"], rtol=1e-4)
