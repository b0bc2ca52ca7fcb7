"""Where values differ, and what tells each of several from the others."""

import attrs
import pytest

import funcnet as fn
from funcnet.experiments.differences import difference, labels
from tests.experiments.sweep_cases import EXPERIMENT, MODEL


def test_equal_values_do_not_differ():
    assert difference(EXPERIMENT, fn.Experiment.from_json(EXPERIMENT.to_json())) == ""
    assert difference(None, None) == difference((), ()) == difference(1, 1) == ""


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"seed": 3}, "seed is 0 there and 3 here"),
        ({"optimizer": fn.SGD(0.2, momentum=0.9)}, "optimizer.learning_rate is 0.1 there and 0.2 here"),
        ({"optimizer": fn.Adam(0.1)}, "optimizer is SGD(learning_rate=0.1, momentum=0.9) there and Adam("),
        ({"penalty": fn.L2(0.5)}, "penalty is None there and L2("),
        ({"loss": fn.MeanSquaredError()}, "loss is SoftmaxCrossEntropy() there and MeanSquaredError() here"),
        ({"dtype": "float64"}, "dtype is 'float32' there and 'float64' here"),
        ({"metrics": ()}, "metrics is None there and () here"),
    ],
)
def test_the_first_path_at_which_experiments_differ_is_reported(changes, where):
    assert difference(EXPERIMENT, attrs.evolve(EXPERIMENT, **changes)).startswith(where)


def test_the_first_of_several_differences_is_reported():
    assert difference(EXPERIMENT, attrs.evolve(EXPERIMENT, seed=3, epochs=9)).startswith("epochs is")


def test_layers_are_told_by_their_place():
    (other,) = fn.grid(EXPERIMENT, **{"model.layers.2.rate": [0.5]})
    assert difference(EXPERIMENT, other) == "model.layers.2.rate is 0.2 there and 0.5 here"
    assert difference(MODEL, other.model) == "layers.2.rate is 0.2 there and 0.5 here"


def test_models_of_other_lengths_differ_as_a_whole():
    words = difference(MODEL, fn.sequential(*MODEL.layers[:2]))
    assert words.startswith("layers is (Linear(n_out=8), ")
    assert words.endswith(" there and (Linear(n_out=8), Tanh()) here")


def test_values_that_are_no_specifications_differ_as_they_print():
    assert difference(1, 2) == "is 1 there and 2 here"
    assert difference("abc", None) == "is 'abc' there and None here"


def test_equal_values_of_other_types_differ():
    assert difference(fn.ReLU(), fn.Tanh()) == "is ReLU() there and Tanh() here"
    assert difference(1, True) == "is 1 there and True here"


def test_labels_are_what_differs_alone():
    experiments = fn.grid(EXPERIMENT, seed=range(2), **{"optimizer.momentum": [0.0, 0.9]})
    assert labels(experiments) == [f"momentum={momentum}, seed={seed}" for seed in (0, 1) for momentum in (0.0, 0.9)]


def test_what_is_the_same_for_all_is_in_no_label():
    assert labels([EXPERIMENT, EXPERIMENT]) == ["", ""]
    assert labels([EXPERIMENT]) == [""]
    assert labels(iter([])) == []


def test_a_label_has_the_place_of_a_layer():
    experiments = fn.grid(EXPERIMENT, **{"model.layers.0.n_out": [4, 8]})
    assert labels(experiments) == ["0.n_out=4", "0.n_out=8"]


def test_labels_of_other_kinds_are_whole():
    assert labels(fn.grid(EXPERIMENT, optimizer=[fn.SGD(0.1), fn.Adam(0.1)])) == [
        "optimizer=SGD(learning_rate=0.1)",
        "optimizer=Adam(learning_rate=0.1)",
    ]
    inits = [fn.initializers.zeros, fn.initializers.he_normal]
    assert labels([fn.Linear(2, weight_init=init) for init in inits]) == [
        "weight_init=initializers.zeros",
        "weight_init=initializers.he_normal",
    ]


def test_labels_tell_experiments_apart():
    experiments = fn.grid(EXPERIMENT, seed=range(3), loss=[fn.SoftmaxCrossEntropy(), fn.MeanSquaredError()])
    assert len(set(labels(experiments))) == 6
