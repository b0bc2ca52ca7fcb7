"""Experiments: frozen values that are written as JSON and read again, are checked when made, and make grids."""

import json
import math

import attrs
import numpy as np
import pytest

import funcnet as fn
from funcnet.values import UnregisteredError
from tests.experiments.cases import ADAM, EXPERIMENTS, MOMENTUM, TRAIN, margin, run
from tests.layers.table import ALL
from tests.losses import cases as losses
from tests.optimizers.cases import OPTIMIZERS
from tests.values.test_registry import INITIALIZERS, SCHEDULES

LINEAR = fn.Experiment(fn.Linear(2), fn.SoftmaxCrossEntropy(), fn.SGD(0.5), batch_size=4, epochs=2)
LOSSES = [
    *(loss(r) for loss in (fn.MeanSquaredError, fn.SoftmaxCrossEntropy) for r in ("mean", "batch", "sum")),
    *(fn.SigmoidBinaryCrossEntropy("batch"), fn.BinaryCrossEntropy(), fn.BinaryCrossEntropy("sum")),
    *losses.LOSSES,
]
LAYERS = [
    *(row.layer for row in ALL),
    *(fn.Linear(3, weight_init=initializer, bias_init=initializer) for initializer in INITIALIZERS),
]
VARIANTS = [
    *EXPERIMENTS.values(),
    *(attrs.evolve(LINEAR, model=model, loss=fn.MeanSquaredError()) for model in LAYERS),
    *(attrs.evolve(LINEAR, loss=loss) for loss in LOSSES),
    *(attrs.evolve(LINEAR, optimizer=optimizer) for optimizer in OPTIMIZERS),
    *(attrs.evolve(LINEAR, optimizer=fn.Adam(schedule, frozen="0.*")) for schedule in SCHEDULES),
    *(attrs.evolve(LINEAR, dtype=dtype) for dtype in ("float16", np.float64, np.dtype("float32"))),
    attrs.evolve(LINEAR, seed=2**128 - 1, penalty=fn.L2(0.5), metrics=(), evaluate_every=7, epochs=0),
    attrs.evolve(LINEAR, early_stopping=fn.EarlyStopping("accuracy", "max", target=1)),
    attrs.evolve(LINEAR, metrics=[fn.metrics.accuracy, fn.metrics.binary_accuracy(0.25), margin]),
]


@pytest.mark.parametrize("experiment", VARIANTS, ids=range(len(VARIANTS)))
def test_every_experiment_comes_back_from_json(experiment):
    text = experiment.to_json()
    again = fn.Experiment.from_json(text)
    assert again == experiment
    assert hash(again) == hash(experiment)
    assert again.to_json() == text
    assert fn.Experiment.from_json(json.dumps(json.loads(text), indent=None)) == experiment


def test_these_are_all_layers_losses_and_optimizers_there_are():
    public = {value for value in (getattr(fn, name) for name in fn.__all__) if isinstance(value, type)}
    kinds = {cls for cls in public - {fn.Layer, fn.L2} if hasattr(cls, "backward") or hasattr(cls, "update")}
    assert len(kinds) > 20
    assert kinds <= {type(value) for value in (*LAYERS, *LOSSES, *OPTIMIZERS)}


def test_the_json_form_reads_well_and_stays():
    assert json.loads(LINEAR.to_json()) == {
        "type": "Experiment",
        "model": {
            "type": "Linear",
            "n_out": 2,
            "bias": True,
            "weight_init": {"function": "initializers.glorot_uniform"},
            "bias_init": {"function": "initializers.zeros"},
        },
        "loss": {"type": "SoftmaxCrossEntropy", "reduction": "mean"},
        "optimizer": {
            "type": "SGD",
            "learning_rate": 0.5,
            "frozen": [],
            "momentum": 0.0,
            "nesterov": False,
            "weight_decay": 0.0,
        },
        "batch_size": 4,
        "epochs": 2,
        "seed": 0,
        "penalty": None,
        "metrics": None,
        "early_stopping": None,
        "keep_best": None,
        "evaluate_every": 1,
        "dtype": "float32",
    }
    form = json.loads(ADAM.to_json())
    assert form["early_stopping"] == {
        "type": "EarlyStopping",
        "metric": "test loss",
        "goal": "min",
        "patience": 3,
        "target": None,
    }
    assert form["metrics"] == [{"function": "metrics.accuracy"}, {"function": "hooked"}]


def test_an_experiment_is_a_frozen_value():
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        LINEAR.epochs = 3
    assert {MOMENTUM, attrs.evolve(MOMENTUM), ADAM} == {MOMENTUM, ADAM}
    assert repr(LINEAR) == (
        "Experiment(model=Linear(n_out=2), loss=SoftmaxCrossEntropy(), optimizer=SGD(learning_rate=0.5), "
        "batch_size=4, epochs=2)"
    )


def test_equal_experiments_have_equal_json_however_they_were_made():
    same = attrs.evolve(LINEAR, batch_size=np.int64(4), epochs=np.uint8(2), seed=np.int32(0), dtype=np.float32)
    assert same == LINEAR
    assert same.to_json() == LINEAR.to_json()


@fn.register
@attrs.frozen
class Doubled(fn.Layer):
    """A layer of a user's own, which takes one decorator to be written."""

    def forward(self, params, x):
        return 2 * x, ()

    def backward(self, params, cache, dy):
        return 2 * dy, ()


@attrs.frozen
class Forgotten(Doubled):
    """The same without the decorator."""


def test_a_layer_of_ones_own_is_registered_by_one_decorator():
    experiment = attrs.evolve(MOMENTUM, model=fn.sequential(fn.Linear(3), Doubled()), epochs=1)
    assert fn.Experiment.from_json(experiment.to_json()) == experiment
    assert run(experiment).history["epoch"] == (1,)


def forgotten_metric(labels, predictions):
    return 0.0


FORGOTTEN = {
    "a layer": {"model": fn.sequential(fn.Linear(3), Forgotten())},
    "a function": {"model": fn.sequential(fn.Linear(3), fn.Elementwise(lambda x: x, np.ones_like))},
    "a schedule": {"optimizer": fn.SGD(lambda step: 0.1)},
    "a metric": {"metrics": (forgotten_metric,)},
}


@pytest.mark.parametrize("fields", FORGOTTEN.values(), ids=FORGOTTEN)
def test_what_is_not_registered_is_reported_before_training_starts(fields, tmp_path):
    experiment = attrs.evolve(MOMENTUM, **fields)
    with pytest.raises(UnregisteredError, match="is not registered: decorate it with"):
        experiment.to_json()
    for directory in (None, tmp_path / "run"):
        with pytest.raises(UnregisteredError):
            run(experiment, directory)
    assert not (tmp_path / "run").exists()


WRONG = [
    ("model", fn.Linear, TypeError),
    ("model", None, TypeError),
    ("loss", fn.SoftmaxCrossEntropy, TypeError),
    ("loss", "mean", TypeError),
    ("optimizer", fn.Adam, TypeError),
    ("optimizer", 0.1, TypeError),
    ("batch_size", 0, ValueError),
    ("batch_size", 2.5, TypeError),
    ("batch_size", True, TypeError),
    ("epochs", -1, ValueError),
    ("epochs", "3", TypeError),
    ("seed", -1, ValueError),
    ("seed", 0.5, TypeError),
    ("evaluate_every", 0, ValueError),
    ("dtype", int, ValueError),
    ("dtype", "complex128", ValueError),
    ("dtype", "longdouble", ValueError),  # its digests would be of another number of bytes on another machine
    ("dtype", "float31", (TypeError, ValueError)),
    ("dtype", None, (TypeError, ValueError)),  # which NumPy takes for float64
    ("metrics", fn.metrics.accuracy, TypeError),
    ("metrics", "accuracy", TypeError),
    ("metrics", ("accuracy",), TypeError),
    ("metrics", (fn.metrics.binary_accuracy,), TypeError),
    ("penalty", 0.1, TypeError),
    ("penalty", fn.L2, TypeError),
    ("early_stopping", "test loss", TypeError),
    ("early_stopping", fn.KeepBest("loss", "min"), TypeError),  # which has no patience, and would never stop
    ("keep_best", "test loss", TypeError),
    *(("imports", value, TypeError) for value in (math, [math], 3, None, b"layers")),
]


@pytest.mark.parametrize(("given", "imports"), [("layers", ("layers",)), (["a", "b.py"], ("a", "b.py")), ((), ())])
def test_one_module_to_import_is_not_its_letters(given, imports):
    experiment = attrs.evolve(LINEAR, imports=given)
    assert experiment.imports == imports
    plain = json.loads(experiment.to_json()) | {"imports": given}
    assert fn.Experiment.from_json(json.dumps(plain)) == experiment


@pytest.mark.parametrize(("field", "value", "error"), WRONG)
def test_a_wrong_field_is_reported_by_name(field, value, error):
    with pytest.raises(error, match=field):
        attrs.evolve(LINEAR, **{field: value})


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: fn.KeepBest("loss", "up"), ValueError, 'goal must be "min" or "max", got \'up\''),
        (lambda: fn.KeepBest("loss"), TypeError, "goal"),
        (lambda: fn.EarlyStopping("loss", "min", 0), ValueError, "patience must be an integer of at least 1"),
        (lambda: fn.EarlyStopping("loss", "min"), ValueError, "EarlyStopping needs a patience or a target"),
        (lambda: fn.EarlyStopping("loss", "min", target="low"), TypeError, "number"),
        (lambda: fn.EarlyStopping("loss", "min", 1.5), TypeError, "patience must be an integer"),
        (
            lambda: fn.Experiment.from_json('{"type": "SGD", "learning_rate": 1.0}'),
            ValueError,
            "an Experiment, got one of type SGD",
        ),
        (lambda: fn.Experiment.from_json("[]"), ValueError, "Experiment"),
        (lambda: fn.Experiment.from_json("{"), ValueError, "Expecting"),
        (lambda: fn.Experiment.from_json(LINEAR.to_json().replace("4,", "0,")), ValueError, "batch_size"),
        (lambda: fn.Experiment.from_json(LINEAR.to_json().replace("epochs", "turns")), ValueError, "turns"),
    ],
)
def test_what_is_not_an_experiment_is_reported(make, error, message):
    with pytest.raises(error, match=message):
        make()


WATCHED = {
    "no such metric": ({"early_stopping": fn.EarlyStopping("los", "min", 1)}, "'los'; the metrics are loss, accuracy$"),
    "no test data": ({"keep_best": fn.KeepBest("test loss", "min")}, "KeepBest watches 'test loss'; the metrics"),
    "one name twice": ({"metrics": (margin, margin)}, "metrics must have distinct names"),
}


@pytest.mark.parametrize(("fields", "message"), WATCHED.values(), ids=WATCHED)
def test_metrics_that_are_not_there_are_told_before_training_starts(fields, message, tmp_path):
    experiment = attrs.evolve(LINEAR, model=fn.Linear(3), **fields)
    with pytest.raises(ValueError, match=message):
        fn.run(experiment, TRAIN, directory=tmp_path / "run")
    assert not (tmp_path / "run").exists()


# --- Grids ---


def test_the_last_path_of_a_grid_changes_fastest():
    paths = {"seed": range(2), "optimizer.learning_rate": [0.1, fn.schedules.constant(0.2)], "epochs": iter([3, 4])}
    experiments = fn.grid(LINEAR, **paths)
    assert isinstance(experiments, tuple)
    assert [(e.seed, e.optimizer.learning_rate, e.epochs) for e in experiments] == [
        (seed, rate, epochs) for seed in (0, 1) for rate in (0.1, fn.schedules.constant(0.2)) for epochs in (3, 4)
    ]
    assert attrs.evolve(experiments[-1], seed=0, optimizer=LINEAR.optimizer, epochs=2) == LINEAR


def test_a_path_leads_through_tuples_by_their_indexes():
    rates = [0.0, 0.5]
    experiments = fn.grid(MOMENTUM, **{"model.layers.2.rate": rates})
    assert [e.model.layers[2] for e in experiments] == [fn.Dropout(0.0), fn.Dropout(0.5)]
    for experiment in experiments:
        kept = experiment.model.layers
        assert (kept[0], kept[1], kept[3]) == tuple(MOMENTUM.model.layers[i] for i in (0, 1, 3))
    assert fn.grid(MOMENTUM, **{"model.layers.1": [fn.ReLU()]})[0].model.layers[1] == fn.ReLU()
    assert fn.grid(ADAM, **{"optimizer.learning_rate.then.rate": [0.5]})[0].optimizer.learning_rate.then.rate == 0.5


def test_a_grid_of_nothing():
    assert fn.grid(LINEAR) == (LINEAR,)
    assert fn.grid(LINEAR, seed=[]) == ()


@pytest.mark.parametrize(
    ("path", "message"),
    [
        (
            "learning_rate",
            r"Experiment has no field 'learning_rate' \(in 'learning_rate'\); its fields are model, loss, optimizer, ",
        ),
        (
            "optimizer.rate",
            r"SGD has no field 'rate' \(in 'optimizer.rate'\); its fields are learning_rate, frozen, mom",
        ),
        ("model.layers.4", r"tuple has no position '4' \(in 'model.layers.4'\); its positions are 0, 1, 2, 3$"),
        ("model.layers.-1", r"tuple has no position '-1' \(in 'model.layers.-1'\); its positions are 0, 1, 2, 3$"),
        ("epochs.0", r"int has no field '0' \(in 'epochs.0'\); it has none"),
        ("", r"Experiment has no field '' \(in ''\); its fields are model, "),
    ],
)
def test_a_path_that_leads_nowhere_is_reported_with_what_there_is(path, message):
    with pytest.raises(ValueError, match=message):
        fn.grid(MOMENTUM, **{path: [1]})


def test_a_wrong_value_in_a_grid_is_reported():
    with pytest.raises(ValueError, match="learning_rate"):
        fn.grid(LINEAR, **{"optimizer.learning_rate": [0.1, math.nan]})
