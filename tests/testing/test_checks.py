"""`check_layer` and `check_layer_law`: what they take, what they ask, their options and their errors."""

import functools

import numpy as np
import pytest

import funcnet as fn
from funcnet.testing import LawViolation, check_layer, check_layer_law
from tests.testing.checked_layers import (
    Bare,
    Duck,
    OtherInTraining,
    Recording,
    Unit,
    WrongDuck,
    WrongInTraining,
    affine_backward,
    cosine,
    logarithm,
    logarithm_backward,
    scaled,
    scaled_backward,
    square,
    square_backward,
)
from tests.testing.violating_layers import DICT, Doubled, affine, minus_cosine, sine


def violation(*arguments, check=check_layer, **options):
    with pytest.raises(LawViolation) as caught:
        check(*arguments, **options)
    return caught.value


# --- What is taken for a layer ---


@pytest.mark.slow
@pytest.mark.parametrize(
    ("layer", "shape", "options"),
    [
        ((sine, cosine), (3,), {}),
        ((sine, cosine), (), {}),
        ((sine, cosine), None, {"x": np.array([[0.5, 1.0]])}),
        ((sine, cosine), None, {"x": [[1, 2], [3, 4]]}),
        ((affine, affine_backward), (2,), {"params": DICT}),
        ((scaled, scaled_backward), (2,), {"params": {"a b": np.ones(2), 1: np.array([0.5, 2.0])}}),
        ((functools.partial(sine), functools.partial(cosine)), (2,), {}),
        ((lambda params, x: (2 * x, None), lambda params, cache, dy: (2 * dy, ())), (2,), {}),
        (Duck(), (3,), {}),
        (Duck(), (2,), {"params": (np.array([1.0, -1.0]),)}),
        (Bare(), (3,), {}),
        (fn.sequential(fn.Linear(3), fn.BatchNorm(), fn.Linear(3)), (3,), {}),
        (fn.sequential(fn.Linear(3), fn.BatchNorm(affine=False), fn.Tanh(), fn.Linear(3)), (3,), {}),
    ],
)
def test_right_layers_of_every_kind_are_accepted(layer, shape, options):
    check_layer(layer, shape, examples=14, **options)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("layer", "options"),
    [((sine, minus_cosine), {}), ((affine, lambda p, x, dy: (dy @ p["w"].T, p)), {"params": DICT}), (WrongDuck(), {})],
)
def test_wrong_layers_of_every_kind_are_caught(layer, options):
    assert violation(layer, (2,), **options).law == "coordinates"


@pytest.mark.parametrize(
    "layer",
    [
        fn.Linear,
        None,
        3,
        "layer",
        sine,
        (sine,),
        (sine, cosine, sine),
        (sine, None),
        [sine, cosine],
        fn.MeanSquaredError,
    ],
)
def test_what_is_not_a_layer_is_a_type_error(layer):
    message = "layer must be an instance with the methods forward and backward, or a pair of functions"
    with pytest.raises(TypeError, match=message):
        check_layer(layer, (2,))
    with pytest.raises(TypeError, match=message):
        check_layer_law("linearity", layer, (), np.zeros((1, 2)), np.zeros((1, 2)))


def test_the_leaves_of_dicts_and_lists_have_paths():
    def wrong(params, x, dy):
        dx, grads = affine_backward(params, x, dy)
        return dx, {**grads, "layers": [{"b": -grads["layers"][0]["b"]}]}

    found = violation((affine, wrong), params=DICT, x=np.array([[0.5, 1.0]]))
    assert (found.at, found.diagnosis) == ("grads.layers.item_0.b", "the sign is wrong")


@pytest.mark.slow
def test_grads_of_a_different_dict_break_the_structure():
    wrong = (affine, lambda p, x, dy: (dy @ p["w"].T, {"w": p["w"]}))
    assert violation(wrong, params=DICT, x=np.ones((1, 2))).law == "structure"


def test_training_is_asked_about_too():
    found = violation(WrongInTraining(), (1,), examples=2)
    assert (found.law, found.layer) == ("coordinates", "WrongInTraining(is_training=True)")


def test_training_without_draws_is_to_be_exempted():
    found = violation("training", OtherInTraining(), (), np.ones((2, 2)), np.ones((2, 2)), check=check_layer_law)
    assert (found.at, found.got) == ("y", "the same with nine keys")
    exempt = {"training": "it draws nothing"}
    assert 'exempt={"training": "it draws nothing"}' in found.diagnosis
    assert 'statistics over the batch declares statistics = "batch"' in found.diagnosis
    check_layer(OtherInTraining(), (2,), examples=4, exempt=exempt)


# --- x and params that are given ---


def test_a_layer_of_limited_domain_takes_a_given_x():
    x = np.array([[0.5, 2.0], [1.0, 7.0], [3.0, 0.125]])
    check_layer((logarithm, logarithm_backward), x=x, examples=10)
    assert violation((logarithm, logarithm_backward), (2,)).got.startswith("ValueError: the logarithm takes positive")


def test_of_a_given_x_the_rows_are_all_there_is():
    layer = Recording()
    check_layer(layer, x=np.array([[1.0, 2.0], [3.0, 4.0]]), examples=5)
    plain = [x for params, x in layer.seen if type(x) is np.ndarray and not params[0].any()]
    assert plain[0].tolist() == [[1.0, 2.0], [3.0, 4.0]]
    whole = [row.tolist() for x in plain for row in x.reshape(-1, 2).astype(np.float64)]
    assert sum(row in ([1.0, 2.0], [3.0, 4.0]) for row in whole) > len(whole) / 3


def test_given_params_are_not_moved():
    layer = Recording()
    check_layer(layer, (2,), params=(np.array([0.5, 3.0]),), examples=2)
    assert layer.seen[1][0][0].tolist() == [0.5, 3.0]


@pytest.mark.parametrize("shape", [(2,), (3, 2), (4, 3, 2), ()])
def test_an_input_shape_says_which_axes_of_x_are_the_batch(shape):
    check_layer((sine, cosine), shape, x=np.linspace(0.125, 3, 24).reshape(4, 3, 2), examples=3)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({}, TypeError, "give input_shape, the shape of one example"),
        ({"input_shape": 3}, TypeError, r"input_shape must be a tuple such as \(4,\), .* got 3"),
        ({"input_shape": [3]}, TypeError, r"got \[3\]"),
        ({"input_shape": (3,), "x": np.zeros((2, 4))}, ValueError, r"x must have shape \(..., 3\), got \(2, 4\)"),
        ({"x": np.zeros((0, 3))}, ValueError, r"x must have at least one example, got shape \(0, 3\)"),
        ({"input_shape": (2, 3), "x": np.zeros(3)}, ValueError, r"x must have shape \(..., 2, 3\), got \(3,\)"),
        (
            {"input_shape": (2,), "exempt": {"nans": "r"}},
            ValueError,
            "unknown law 'nans' in exempt; the laws are .*purity",
        ),
        ({"input_shape": (2,), "exempt": {"nan": ""}}, ValueError, "the exemption of 'nan' needs a reason, got ''"),
        ({"input_shape": (2,), "exempt": {"nan": True}}, ValueError, "needs a reason, got True"),
        ({"input_shape": (2,), "symmetries": ["shift"]}, ValueError, "got 'shift'"),
        ({"input_shape": (2,), "symmetries": [("homogeneous",)]}, ValueError, "each symmetry must be"),
        ({"input_shape": (2,), "symmetries": [("homogeneous", "1")]}, ValueError, "each symmetry must be"),
        ({"input_shape": (2,), "symmetries": "shift-invariant"}, TypeError, r"such as \['shift-invariant'\]"),
        ({"input_shape": (2,), "exempt": "nan"}, TypeError, "exempt must map laws to reasons"),
    ],
)
def test_wrong_options(options, error, message):
    with pytest.raises(error, match=message):
        check_layer(fn.ReLU(), **options)


@pytest.mark.parametrize("examples", [0, -3])
def test_no_examples_are_a_value_error(examples):
    with pytest.raises(ValueError, match="examples"):
        check_layer(Doubled(), (2,), examples=examples)


# --- Exemptions ---


def test_an_exempted_law_need_not_hold():
    exempt = dict.fromkeys(["coordinates", "adjointness", "kinks"], "it learns twice as fast")
    assert violation(Doubled(), (1,), exempt={"coordinates": "r"}).law == "adjointness"
    check_layer(Doubled(), (2,), exempt=exempt, examples=14)


def test_an_exempted_law_that_holds_is_a_violation():
    found = violation(fn.Tanh(), (2,), exempt={"finite": "I was not sure"}, examples=14)
    assert (found.law, found.at, found.got) == ("finite", "exempt", "holds")
    assert found.expected == "a violation, because exempt says: 'I was not sure'"
    assert "I was not sure" in str(found)


def test_an_exempted_law_that_says_nothing_is_none():
    check_layer(fn.Tanh(), (2,), exempt={"symmetry": "none is declared"}, examples=2)


# --- Symmetries ---


@pytest.mark.parametrize(
    ("layer", "symmetries"),
    [
        (fn.Softmax(), ["shift-invariant"]),
        (fn.ReLU(), [("homogeneous", 1)]),
        ((square, square_backward), [("homogeneous", 2)]),
        (fn.sequential(fn.Softmax(), fn.Softmax()), ("shift-invariant",)),
    ],
)
@pytest.mark.slow
def test_symmetries_that_are_there(layer, symmetries):
    check_layer(layer, (3,), symmetries=symmetries, examples=14)


def test_a_layer_of_directions_is_scale_invariant():
    check_layer(Unit(), x=np.array([[1.0, 2.0, -2.0], [0.5, 0.0, 3.0]]), symmetries=["scale-invariant"], examples=10)


@pytest.mark.parametrize(
    ("layer", "symmetry"),
    [
        (fn.Tanh(), "shift-invariant"),
        (fn.Softmax(), "scale-invariant"),
        (fn.Identity(), ("homogeneous", 2)),
        ((square, square_backward), ("homogeneous", 1)),
    ],
)
def test_symmetries_that_are_not(layer, symmetry):
    found = violation(layer, x=np.array([[0.5, 1.5]]), symmetries=[symmetry])
    assert found.law == "symmetry"
    assert "declared " in found.oracle
    assert f"symmetries=({symmetry!r},)" in found.case


# --- Determinism, and one law alone ---


def test_the_same_seed_finds_the_same():
    assert str(violation((sine, minus_cosine), (1,), seed=5)) == str(violation((sine, minus_cosine), (1,), seed=5))


def test_the_same_seed_asks_the_same():
    def asked(seed):
        layer = Recording()
        check_layer(layer, (2,), examples=3, seed=seed)
        return [x.tobytes() for _, x in layer.seen if type(x) is np.ndarray]

    assert sorted(asked(0)) == sorted(asked(0))
    assert set(asked(0)) != set(asked(1))


def test_the_global_generator_is_left_alone():
    before = np.random.get_state()[1].tolist()  # noqa: NPY002, it is asked whether anyone uses it
    violation(Doubled(), (1,))
    assert np.random.get_state()[1].tolist() == before  # noqa: NPY002


def test_a_law_alone_is_asked_as_it_is_given():
    x, dy = np.array([[0.3, 0.123456789]]), np.array([[1.0, -0.3]])
    found = violation("adjointness", Doubled(), (), x, dy, check=check_layer_law)
    assert repr(x.tolist()) in found.case
    assert repr(dy.tolist()) in found.case
    check_layer_law("linearity", Doubled(), (), x, dy)
    check_layer_law("coordinates", (affine, affine_backward), DICT, x, dy)


def test_a_law_that_there_is_not():
    with pytest.raises(
        ValueError, match=r"unknown law 'gradient'; the laws are .*structure, like, purity, determinism"
    ):
        check_layer_law("gradient", fn.ReLU(), (), np.zeros((1, 2)), np.zeros((1, 2)))


def test_warnings_and_errors_of_numpy_are_left_as_they_are():
    with np.errstate(all="raise"):
        check_layer(fn.Tanh(), (2,), examples=8)
        assert np.geterr()["over"] == "raise"


def test_a_number_without_axes_is_an_input():
    check_layer(fn.ReLU(), input_shape=(), x=np.array(3.0), examples=7)


def test_grads_may_have_their_keys_in_another_order():
    def forward(params, x):
        return x * params["scale"] + params["shift"], x

    def backward(params, cache, dy):
        return dy * params["scale"], {"shift": dy.sum(0), "scale": (dy * cache).sum(0)}

    params = {"scale": np.array([2.0, 3.0]), "shift": np.array([0.5, 0.25])}
    check_layer((forward, backward), params=params, x=np.array([[1.0, 2.0], [3.0, -1.0]]), examples=7)
