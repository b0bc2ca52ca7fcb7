"""Wrong layers, numbers and sizes raise helpful errors."""

import numpy as np

import funcnet as fn
from tests.library.wrong_uses import CACHE, KEY, LINEAR, LINEAR_PARAMS, MODEL, PARAMS, X, Y, check, check_all

LAYERS = {
    "weight_init": lambda init: fn.Linear(3, weight_init=init),
    "state_init": lambda init: fn.SimpleCell(3, state_init=init),
    "embedding": lambda init: fn.Embedding(3, 2, weight_init=init),
}


def experiment(**changes):
    fields = {"model": fn.Linear(1), "loss": fn.MeanSquaredError(), "optimizer": fn.SGD(0.1), **changes}
    return fn.Experiment(**fields, batch_size=1, epochs=1)


@check_all(
    [
        (
            "a class",
            lambda: fn.sequential(fn.Flatten(), fn.ReLU),
            "layer 1 of sequential is the class ReLU: write ReLU()",
        ),
        ("a class in add", lambda: fn.add(fn.ReLU), "layer 0 of add is the class ReLU: write ReLU()"),
        ("a class in residual", lambda: fn.residual(fn.ReLU), "is the class ReLU: write ReLU()"),
        ("a number", lambda: fn.sequential(3), "layer 0 of sequential must be a layer, got 3"),
        ("None", lambda: fn.concatenate(fn.ReLU(), None), "layer 1 of concatenate must be a layer, got None"),
        ("a list of layers", lambda: fn.sequential([fn.ReLU()]), "layer 0 of sequential must be a layer, got [ReLU()]"),
        ("a list of layers, with a hint", lambda: fn.sequential([fn.ReLU()]), "write sequential(*layers)"),
        ("a number for a key", lambda: MODEL.init(0, (4,)), "expected a key such as Key(0), got 0"),
        (
            "a number for a shape",
            lambda: fn.Linear(2).init(KEY, 4),
            "input_shape must be a tuple such as (784,), got 4",
        ),
        ("a function", lambda: fn.residual(np.tanh), "must be a layer, got <ufunc 'tanh'>"),
        ("another class", lambda: fn.sequential(int), "layer 0 of sequential must be a layer, got <class 'int'>"),
        ("strings", lambda: LINEAR.apply(LINEAR_PARAMS, np.full((3, 4), "1")), "expected numbers of float32, got <U1"),
        ("complex", lambda: LINEAR.apply(LINEAR_PARAMS, X * 1j), "expected numbers of float32, got complex128"),
        ("objects", lambda: LINEAR.apply(LINEAR_PARAMS, X.astype(object)), "expected numbers of float32, got object"),
        (
            "dates in a model",
            lambda: MODEL.apply(PARAMS, np.zeros((3, 4), "M8[s]")),
            "expected numbers, got datetime64[s]",
        ),
        ("strings without params", lambda: fn.ReLU().apply((), ["a"]), "expected numbers, got <U1"),
        ("strings in softmax", lambda: fn.Softmax().apply((), ["a"]), "expected numbers, got <U1"),
        ("strings in identity", lambda: fn.Identity().apply((), ["a"]), "expected numbers, got <U1"),
        ("strings in sequential", lambda: fn.sequential().apply((), ["a"]), "expected numbers, got <U1"),
        ("a string for dy", lambda: MODEL.backward(PARAMS, CACHE, Y.astype(str)), "expected numbers, got <U"),
        ("a fraction of a feature", lambda: fn.Linear(1.5), "n_out must be an integer, got 1.5"),
        (
            "sizes of both sides",
            lambda: fn.Linear(784, 50),
            "'bias' must be True or False, got 50: Linear takes n_out alone, and finds n_in at `init`; for 784 inputs",
            "write Linear(50)",
        ),
        ("a word for a bias", lambda: fn.Linear(5, "yes"), "'bias' must be True or False, got 'yes'"),
        (
            "an initializer's class",
            lambda: fn.Linear(3, weight_init=fn.initializers.normal),
            "initializers.normal(...)",
        ),
        ("a schedule's class", lambda: fn.SGD(fn.schedules.cosine), "write schedules.cosine(...)"),
        ("a seed for a key", lambda: fn.Linear(3).init(0, (4,)), "expected a key such as Key(0), got 0"),
        ("a seed to train with", lambda: fn.Dropout(0.5).training(3), "expected a key such as Key(0), got 3"),
        ("a seed to train a model with", lambda: MODEL.training(3), "expected a key such as Key(0), got 3"),
        ("a seed to split with", lambda: fn.data.xor().split(0, 0.5), "expected a key such as Key(0), got 0"),
        ("a class to sum up", lambda: fn.summary(fn.Linear, (3,)), "expected a layer, got <class"),
        ("complex numbers in GELU", lambda: fn.GELU().apply((), X * 1j), "expected numbers of float64, got complex128"),
        ("a size for a shape", lambda: fn.Flatten().init(KEY, 4), "input_shape must be a tuple such as (784,)"),
        ("no size", lambda: fn.Linear(), "n_out"),
        ("a name in sequential", lambda: fn.sequential(fn.Linear(3), "relu"), "got 'relu': write fn.ReLU()"),
        ("a name in add", lambda: fn.add("layer_norm"), "write fn.LayerNorm()"),
        ("a name in residual", lambda: fn.residual("Dense"), "write fn.Linear(...)"),
        ("an unknown name", lambda: fn.sequential("conv"), "must be a layer, got 'conv'"),
        ("a name of an activation", lambda: fn.SimpleCell(3, "tanh"), "write fn.Tanh()"),
        ("a name of a cell", lambda: fn.recurrent("SimpleCell"), "write fn.SimpleCell(...)"),
        ("a name of a function", lambda: fn.Elementwise("swish", np.cos), "function must be", "write fn.SiLU()"),
        ("a name of a schedule", lambda: fn.SGD("cosine"), "write fn.schedules.cosine(...)"),
        ("a name of a loss", lambda: experiment(loss="mse"), "loss must be", "write fn.MeanSquaredError()"),
        ("a name of an optimizer", lambda: experiment(optimizer="adam"), "write fn.Adam()"),
        ("a name of a penalty", lambda: experiment(penalty="l2"), "write fn.L2(...)"),
        ("a name of a metric", lambda: experiment(metrics=["accuracy"]), "write fn.metrics.accuracy"),
        ("a name of metrics", lambda: experiment(metrics="top_k_accuracy"), "write fn.metrics.top_k_accuracy()"),
        ("a name of a gradient", lambda: experiment(gradient="clipped"), "write fn.clipped(...)"),
        *[
            (f"{name} for {field}", lambda name=name, field=field: LAYERS[field](name), "write fn.initializers." + what)
            for field in ("weight_init", "state_init", "embedding")
            for name, what in [
                ("he_normal", "he_normal"),
                ("HeNormal", "he_normal"),
                ("kaiming_uniform", "he_uniform"),
                ("xavier_normal", "glorot_normal"),
                ("constant", "constant(...)"),
                ("normal", "normal(...)"),
                (0.5, "constant(0.5)"),
            ]
        ],
        (
            "an array for an initializer",
            lambda: fn.Linear(3, weight_init=np.zeros((2, 3))),
            "must be an initializer, a function (key, shape, dtype) -> array, got an array of shape (2, 3)",
            "write a function that returns it",
        ),
        ("a list for an initializer", lambda: fn.Linear(3, bias_init=[0.0] * 3), "got a list", "write a function"),
        ("None for an initializer", lambda: fn.Linear(3, bias_init=None), "must be an initializer", "got None"),
    ]
)
def test_wrong_type(use, words):
    check(use, TypeError, *words)


@check_all(
    [
        ("add of nothing", fn.add, "add needs at least one layer"),
        ("concatenate of nothing", fn.concatenate, "concatenate needs at least one layer"),
        ("negative size", lambda: fn.Linear(-1), "n_out must be an integer of at least 0, got -1"),
        ("rate over 1", lambda: fn.Dropout(1.5), "'rate' must be <= 1: 1.5"),
        ("negative rate", lambda: fn.Dropout(-0.5), "'rate' must be >= 0: -0.5"),
        ("rate NaN", lambda: fn.Dropout(float("nan")), "'rate' must be >= 0: nan"),
        ("negative slope", lambda: fn.LeakyReLU(-0.5), "'slope' must be >= 0: -0.5"),
        ("negative alpha", lambda: fn.ELU(-0.5), "'alpha' must be >= 0: -0.5"),
    ]
)
def test_wrong_value(use, words):
    check(use, ValueError, *words)
