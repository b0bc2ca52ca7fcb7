"""Right code of courses passes, with an exemption at most for what it truly breaks."""

import inspect

import numpy as np
import pytest

from funcnet.testing import LawViolation, check_function, check_layer, check_loss, from_object, layers
from tests.testing import course_functions as functions
from tests.testing import course_objects as objects
from tests.testing.gallery.kill_table import UNSHRUNK

DRAWS = np.random.default_rng(0)
DOUBLE = {"dtypes": ("float64",)}  # np.zeros(shape) without a dtype, or np.float64 numbers
NO_ROWS = {"batch.empty": "no rows can't be reshaped to (0, -1)"}


def normal(*shape):
    return DRAWS.normal(size=shape)


FUNCTIONS = {
    "affine": ((normal(3, 2, 2), normal(4, 3), normal(3)), {"exempt": NO_ROWS}),
    "relu": ((normal(4, 5),), {}),
    "affine_relu": ((normal(3, 4), normal(4, 3), normal(3)), {"exempt": NO_ROWS}),
    "conv_naive": ((normal(2, 2, 4, 4), normal(2, 2, 3, 3), normal(2), {"stride": 1, "pad": 1}), DOUBLE),
    "max_pool_naive": ((normal(2, 2, 4, 4), {"pool_height": 2, "pool_width": 2, "stride": 2}), DOUBLE),
    "batchnorm": (
        (normal(5, 3), 1 + normal(3) / 4, normal(3), {"mode": "train"}),
        {"exempt": {"batch.empty": "no mean"}},
    ),
    "layernorm": ((normal(4, 3), normal(3), normal(3), {}), {}),
    "dropout": ((normal(4, 5), {"mode": "test", "p": 0.5}), {}),
    "rnn_step": (((normal(4, 3), normal(4, 2)), normal(3, 2), normal(2, 2), normal(2)), {}),
    "rnn": (((normal(3, 4, 2), normal(3, 2)), normal(2, 2), normal(2, 2), normal(2)), DOUBLE),
    "lstm_step": (((normal(4, 3), normal(4, 2), normal(4, 2)), normal(3, 8), normal(2, 8), normal(8)), {}),
    "word_embedding": ((np.array([[0, 2, 2], [1, 0, 3]]), normal(5, 2)), {}),
}


BUGS = {
    ("affine", "np.sum(dout, axis=0)", "np.mean(dout, axis=0)"),
    ("affine", "x.reshape(n, -1).T @ dout", "x.reshape(n, -1)[:1].T @ dout[:1]"),
    ("affine_relu", "relu_backward(dout, relu_cache)", "dout"),
    ("conv_naive", "dout.sum(axis=(0, 2, 3))", "dout.mean(axis=(0, 2, 3))"),
    ("conv_naive", "dpadded[:, :, pad : pad + x.shape[2], pad", "dpadded[:, :, : x.shape[2], pad"),
    ("max_pool_naive", "np.argmax(window)", "np.argmax(np.abs(window))"),
    ("batchnorm", " - xhat * np.sum(dxhat * xhat, axis=0)", ""),
    ("layernorm", "d = dout.shape[1]", "d = dout.shape[0]"),
    ("rnn", "dh[:, i, :] + dprev_h", "dh[:, i, :]"),
    ("rnn_step", "1 - next_h**2", "1 - next_h"),
    ("lstm_step", "dnext_c + dnext_h * o", "dnext_h * o"),
    ("word_embedding", "np.add.at(dW, x, dout)", "dW[x] += dout"),
}


def pair(name):
    base, _, naive = name.partition("_naive")
    return tuple(getattr(functions, f"{base}_{way}{_ + naive}") for way in ("forward", "backward"))


@pytest.mark.slow
@pytest.mark.parametrize("name", FUNCTIONS)
def test_right_functions_of_courses_pass(name):
    arguments, options = FUNCTIONS[name]
    check_function(*pair(name), *arguments, examples=14, **options)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "right", "wrong"), sorted(BUGS))
def test_bugs_in_functions_of_courses_are_caught(name, right, wrong, monkeypatch):
    monkeypatch.setattr(layers, "LAYERS", UNSHRUNK)  # for time
    forward, backward = pair(name)
    source, names = inspect.getsource(backward), dict(vars(functions))
    assert source.count(right) == 1
    exec(source.replace(right, wrong), names)
    arguments, options = FUNCTIONS[name]
    with pytest.raises(LawViolation) as caught:
        check_function(forward, names[backward.__name__], *arguments, examples=14, **options)
    assert caught.value.law in ("coordinates", "structure")


KEPT = dict.fromkeys(["interleaving", "threads"], "what backward needs is kept in the object")
OBJECTS = {
    "Relu": (objects.Relu(), (4,), {"exempt": KEPT}),
    "Sigmoid": (objects.Sigmoid(), (4,), {"exempt": KEPT}),
    "Affine": (objects.Affine(normal(4, 3), normal(3)), normal(3, 2, 2), {"exempt": {**KEPT, **NO_ROWS}}),
    "MatMul": (objects.MatMul(normal(4, 3)), normal(3, 4), {"exempt": KEPT, **DOUBLE}),
    "Convolution": (
        objects.Convolution(normal(2, 1, 3, 3), normal(2), 1, 1),
        normal(2, 1, 4, 4),
        {"exempt": {**KEPT, **NO_ROWS}, **DOUBLE},
    ),
    "Layer": (objects.Layer(normal(4, 3), normal(3)), normal(3, 4), {"exempt": KEPT}),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", OBJECTS)
def test_right_objects_of_textbooks_pass(name):
    layer, x, options = OBJECTS[name]
    given = {"x": x} if isinstance(x, np.ndarray) else {"input_shape": x}
    check_layer(from_object(layer), examples=14, **given, **options)


MATRICES = {
    **dict.fromkeys(["batch.single", "batch.axes"], "rows are counted on the first axis"),
    "shapes": "labels of more rows than there are broadcast",
}


@pytest.mark.parametrize(
    ("loss", "options"),
    [
        (objects.Mse(), {}),
        (objects.SoftmaxLoss(), {"targets": "labels", "exempt": MATRICES, "dtypes": ("float64",)}),
    ],
    ids=lambda value: type(value).__name__,
)
def test_right_losses_of_courses_pass(loss, options):
    check_loss(loss, **options)


def test_an_eps_in_a_logarithm_that_the_gradient_ignores_is_told():
    with pytest.raises(LawViolation) as caught:
        check_loss(objects.SoftmaxWithLoss(), targets="labels", exempt=MATRICES, examples=7)
    assert caught.value.law == "coordinates"
    assert "an eps" in caught.value.diagnosis
