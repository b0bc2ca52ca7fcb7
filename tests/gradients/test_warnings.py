"""What is computed right and surely not meant is told once, with the line that is missing, at the line of the user."""

import warnings

import numpy as np
import pytest

import funcnet as fn
from funcnet.testing import check_gradients, check_layer, check_loss
from tests.layers.table import PLACES

DROPOUT, X = fn.Dropout(0.5), np.random.default_rng(0).standard_normal((6, 3))
MISSING = r"model = model.training\(key\)"
MODELS = {
    "first": fn.sequential(DROPOUT, fn.Linear(3)),
    "last": fn.sequential(fn.Linear(3), DROPOUT),
    "alone": DROPOUT,
    "without params": fn.sequential(fn.ReLU(), DROPOUT),
    "in a sequential without params, first": fn.sequential(fn.sequential(fn.ReLU(), DROPOUT), fn.Linear(3)),
    "in a residual": fn.residual(fn.sequential(fn.Linear(3), DROPOUT)),
    "in a residual without params, first": fn.sequential(fn.residual(DROPOUT), fn.Linear(3)),
    "in branches": fn.sequential(fn.branches(DROPOUT, fn.Identity()), fn.Sum(), fn.Linear(3)),
    "in concatenate": fn.sequential(fn.Linear(3), fn.concatenate(fn.ReLU(), DROPOUT), fn.Linear(3)),
    "tied": fn.tied(fn.sequential(fn.Linear(3), DROPOUT, fn.Linear(3)), {"2.weight": "0.weight.T"}),
    "batch normalization": fn.sequential(fn.BatchNorm(), fn.Linear(3)),
    "batch normalization without params": fn.sequential(fn.BatchNorm(affine=False), fn.Linear(3)),
}
every_model = pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
CELL = fn.SimpleCell(3, DROPOUT)


def grads(model, loss=fn.MeanSquaredError(), x=X, target=X):  # noqa: B008, a loss is a value
    params = model.init(fn.Key(0), x.shape[1:], np.float64)
    return fn.value_and_grad(model, loss, params, x, target)


@every_model
def test_a_gradient_in_inference_says_the_line_that_is_missing(model):
    with pytest.warns(fn.UsageWarning, match=MISSING) as heard:
        grads(model)
    assert {warning.filename for warning in heard} == {__file__}


@every_model
def test_so_does_a_backward_pass(model):
    params = model.init(fn.Key(0), (3,), np.float64)
    y, cache = model.forward(params, X)
    with pytest.warns(fn.UsageWarning, match=MISSING):
        model.backward(params, cache, y)


def test_so_does_a_cell():
    x = X.reshape(2, 3, 3)
    with pytest.warns(fn.UsageWarning, match=MISSING):
        grads(fn.recurrent(CELL), x=x, target=x)


@every_model
def test_neither_training_nor_a_pass_forward_says_a_thing(model):
    warnings.simplefilter("error")
    grads(model.training(fn.Key(1)))
    model.apply(model.init(fn.Key(0), (3,)), X)
    model.forward(model.init(fn.Key(0), (3,)), X)


def test_dropout_that_drops_nothing_says_nothing():
    warnings.simplefilter("error")
    grads(fn.sequential(fn.Dropout(0), fn.Linear(3), fn.Dropout(0.0)))


def test_a_loop_is_told_once():
    model = MODELS["last"]
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("default")
        for _ in range(3):
            grads(model)
    assert len(heard) == 1


@pytest.mark.parametrize("gradient", [fn.accumulated(2), fn.clipped(1.0)])
def test_other_gradients_tell_it_at_the_line_of_the_user_too(gradient):
    model = MODELS["last"]
    with pytest.warns(fn.UsageWarning, match=MISSING) as heard:
        gradient(model, fn.MeanSquaredError(), model.init(fn.Key(0), (3,)), X, X)
    assert {warning.filename for warning in heard} == {__file__}


def test_checks_of_inference_models_say_nothing():
    warnings.simplefilter("error")
    for model in MODELS.values():
        check_gradients(model, fn.MeanSquaredError(), model.init(fn.Key(0), (3,)), X, X)
    check_layer(fn.sequential(fn.Linear(2), fn.Sigmoid(), DROPOUT), (3,), exempt=PLACES, examples=14)
    softmax = fn.sequential(fn.Linear(3), fn.Softmax())
    check_gradients(softmax, fn.SoftmaxCrossEntropy(), softmax.init(fn.Key(0), (3,)), X, np.zeros(6, int))
    rows = np.full((2, 3), [0.25, 0.25, 0.5])
    check_loss(fn.SoftmaxCrossEntropy(), targets=np.array([0, 2]), outputs=rows, examples=2)


# --- Probabilities before a loss of logits ---

LOGITS = {"softmax": (fn.SoftmaxCrossEntropy(), np.arange(6) % 3), "sigmoid": (fn.SigmoidBinaryCrossEntropy(), X > 0)}
WRONG = {
    "softmax": fn.sequential(fn.Linear(3), fn.Softmax()),
    "sigmoid": fn.sequential(fn.Linear(3), fn.Sigmoid()),
    "nested": fn.sequential(fn.Linear(3), fn.sequential(fn.ReLU(), fn.sequential(fn.Linear(3), fn.Softmax()))),
    "before what does nothing": fn.sequential(fn.Linear(3), fn.Softmax(), fn.Identity(), fn.sequential()),
    "tied": fn.tied(fn.sequential(fn.Linear(3), fn.Linear(3), fn.Sigmoid()), {"1.weight": "0.weight.T"}),
}
RIGHT = {
    "none": fn.sequential(fn.Linear(3), fn.ReLU()),
    "logarithms": fn.sequential(fn.Linear(3), fn.LogSoftmax()),
    "inside": fn.sequential(fn.Linear(3), fn.Sigmoid(), fn.Linear(3)),
    "one layer": fn.Linear(3),
}
every_loss = pytest.mark.parametrize(("loss", "target"), LOGITS.values(), ids=LOGITS)
every_wrong = pytest.mark.parametrize("model", WRONG.values(), ids=WRONG)


def experiment(model, loss):
    return fn.Experiment(model, loss, fn.SGD(0.1), batch_size=2, epochs=1)


@every_loss
@every_wrong
def test_an_experiment_refuses_probabilities_before_a_loss_of_logits(model, loss, target):
    end = "Sigmoid()" if "Sigmoid" in repr(model) else "Softmax()"
    with pytest.raises(ValueError, match="takes logits, not probabilities") as error:
        experiment(model, loss)
    assert str(error.value) == f"{loss} takes logits, not probabilities: leave out the {end} at the end of the model"


@every_loss
@every_wrong
def test_a_gradient_of_them_warns(model, loss, target):
    with pytest.warns(fn.UsageWarning, match=r"takes logits, not probabilities: leave out the S.*\(\)") as heard:
        grads(model, loss, target=target)
    assert {warning.filename for warning in heard} == {__file__}
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("default")
        for _ in range(3):
            grads(model, loss, target=target)
    assert len(heard) == 1  # although model and loss both notice a softmax


@every_loss
@pytest.mark.parametrize("model", RIGHT.values(), ids=RIGHT)
def test_logits_are_fine(model, loss, target):
    warnings.simplefilter("error")
    experiment(model, loss)
    grads(model, loss, target=target)


@pytest.mark.parametrize("end", [fn.Sigmoid(), fn.Softmax()])
def test_probabilities_are_fine_for_a_loss_of_probabilities(end):
    warnings.simplefilter("error")
    for loss in (fn.BinaryCrossEntropy(), fn.MeanSquaredError()):
        experiment(fn.sequential(fn.Linear(3), end), loss)
        grads(fn.sequential(fn.Linear(3), end), loss, target=np.eye(6)[:, :3])


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("shape", [(6, 3), (3,), (2, 2, 5), (4, 1000)])
def test_the_loss_alone_notices_a_softmax(shape, dtype):
    y = fn.Softmax().apply((), np.random.default_rng(0).standard_normal(shape).astype(dtype))
    labels = np.zeros(shape[:-1], int)
    with pytest.warns(fn.UsageWarning, match=r"leave out the Softmax\(\)") as heard:
        fn.SoftmaxCrossEntropy().forward(y, labels)
    assert [warning.filename for warning in heard] == [__file__]


@pytest.mark.parametrize(
    "y",
    [
        np.zeros((4, 3)),
        np.eye(3),
        np.full((3, 2), 0.5),
        np.array([[0.5, 0.5], [0.5, 0.6]]),
        np.array([[0.5, 0.5], [1.5, -0.5]]),
        np.array([[0.25, 0.25, 0.25], [0.5, 0.25, 0.25]]),
        np.array([[np.nan, 0.5], [0.5, 0.5]]),
    ],
)
def test_the_loss_alone_says_nothing_of_logits(y):
    warnings.simplefilter("error")
    fn.SoftmaxCrossEntropy().forward(y, np.zeros(len(y), int))


def test_a_warning_can_be_silenced_by_its_class():
    warnings.simplefilter("error")
    warnings.simplefilter("ignore", fn.UsageWarning)
    grads(MODELS["last"])
