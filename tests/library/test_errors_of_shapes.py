"""A wrong shape has a message that says where it was, what was expected and what came."""

import numpy as np
import pytest

import funcnet as fn
from tests.library.wrong_uses import (
    CACHE,
    KEY,
    LINEAR,
    LINEAR_CACHE,
    LINEAR_PARAMS,
    MODEL,
    NESTED,
    PARAMS,
    X,
    Y,
    cache_of,
    check,
    check_all,
)

# --- What goes in ---


@check_all(
    [
        (
            "features of a layer",
            lambda: LINEAR.forward(LINEAR_PARAMS, np.ones((3, 5))),
            "expected x of shape (..., n_in=4), got (3, 5)",
        ),
        (
            "features of a layer in apply",
            lambda: LINEAR.apply(LINEAR_PARAMS, np.ones(5)),
            "expected x of shape (..., n_in=4), got (5,)",
        ),
        ("no features", lambda: LINEAR.apply(LINEAR_PARAMS, 1.0), "expected x of shape (..., n_in=4), got ()"),
        (
            "first layer",
            lambda: MODEL.forward(PARAMS, np.ones((3, 5))),
            "in layer 0 of sequential (Linear(n_out=50)): expected x of shape (..., n_in=4), got (3, 5)",
        ),
        (
            "first layer in apply",
            lambda: MODEL.apply(PARAMS, np.ones((3, 5))),
            "in layer 0 of sequential (Linear(n_out=50)): expected x of shape (..., n_in=4), got (3, 5)",
        ),
        (
            "layer 2",
            lambda: MODEL.forward((*PARAMS[:2], fn.Linear(10).init(KEY, (49,))), X),
            "in layer 2 of sequential (Linear(n_out=10)): expected x of shape (..., n_in=49), got (3, 50)",
        ),
        (
            "nested layer",
            lambda: NESTED.forward(((), PARAMS), np.ones((3, 5))),
            "in layer 1.0 of sequential (Linear(n_out=50)): expected x of shape (..., n_in=4), got (3, 5)",
        ),
        (
            "layer in a layer in add",
            lambda: fn.residual(NESTED).forward(((), ((), PARAMS)), np.ones((3, 5))),
            "in layer 1.1.0 of add (Linear(n_out=50)): expected x of shape (..., n_in=4), got (3, 5)",
        ),
        (
            "layer in concatenate",
            lambda: fn.concatenate(fn.ReLU(), LINEAR).forward(((), LINEAR_PARAMS), np.ones(5)),
            "in layer 1 of concatenate (Linear(n_out=50)): expected x of shape (..., n_in=4), got (5,)",
        ),
        (
            "value_and_grad",
            lambda: fn.value_and_grad(MODEL, fn.SoftmaxCrossEntropy(), PARAMS, np.ones((3, 5)), np.zeros(3, int)),
            "in layer 0 of sequential (Linear(n_out=50)): expected x of shape (..., n_in=4), got (3, 5)",
        ),
        (
            "flatten",
            lambda: fn.Flatten().forward(fn.Flatten().init(KEY, (2, 3)), np.ones((5, 3, 2))),
            "expected x of shape (..., 2, 3), got (5, 3, 2)",
        ),
        (
            "elementwise",
            lambda: fn.Elementwise(np.sum, np.cos).forward((), np.ones((5, 3))),
            "the function must keep the shape of x, (5, 3), got ()",
        ),
        (
            "dy",
            lambda: LINEAR.backward(LINEAR_PARAMS, LINEAR_CACHE, X),
            "dy must have the shape of y",
            "(3, 50), got (3, 4)",
        ),
        (
            "dy of sequential",
            lambda: MODEL.backward(PARAMS, CACHE, Y.T),
            "dy must have the shape of y",
            "(3, 10), got (10, 3)",
        ),
        (
            "dy that broadcasts",
            lambda: MODEL.backward(PARAMS, CACHE, 1.0),
            "dy must have the shape of y",
            "(3, 10), got ()",
        ),
        (
            "dy of params_backward",
            lambda: MODEL.params_backward(PARAMS, CACHE, Y[:1]),
            "dy must have the shape of y",
            "(3, 10), got (1, 10)",
        ),
        (
            "dy of add",
            lambda: fn.add(fn.ReLU()).backward(((),), cache_of(fn.add(fn.ReLU()), (4,)), np.ones((3, 1))),
            "dy must have the shape of y",
            "(3, 4), got (3, 1)",
        ),
        (
            "no features at init",
            lambda: fn.Linear(3).init(KEY, ()),
            "input_shape must have at least one axis, that of the features, got ()",
        ),
        (
            "no features for output_shape",
            lambda: fn.Linear(3).output_shape(()),
            "input_shape must have at least one axis, that of the features, got ()",
        ),
        (
            "no features for softmax",
            lambda: fn.Softmax().output_shape(()),
            "input_shape must have at least one axis, that of the features, got ()",
        ),
        (
            "no features at init of sequential",
            lambda: fn.sequential(fn.ReLU(), fn.Linear(3)).init(KEY, ()),
            "in layer 1 of sequential (Linear(n_out=3)): ",
            "input_shape must have at least one axis, that of the features, got ()",
        ),
        (
            "no features in summary",
            lambda: fn.summary(fn.sequential(fn.sequential(fn.Softmax())), ()),
            "in layer 0.0 of sequential (Softmax()): ",
            "input_shape must have at least one axis, that of the features, got ()",
        ),
    ]
)
def test_wrong_shape(use, words):
    check(use, fn.ShapeError, *words)


# --- What is to be joined ---


def two(combinator, first, second, input_shape):
    """A combinator of two layers, params for it and an x; a batch axis must not be taken for that of the features."""
    model = combinator(first, second)
    params = tuple(layer.init(KEY, input_shape) for layer in (first, second))
    return model, params, np.ones((2, *input_shape) if input_shape else ())


UNLIKE = {
    "other features": (fn.add, fn.Linear(3), fn.Linear(4), (2,), (3,), (4,)),
    "features that would broadcast": (fn.add, fn.Linear(3), fn.Linear(1), (2,), (3,), (1,)),
    "axes that would broadcast": (fn.add, fn.Flatten(), fn.Identity(), (1, 2), (2,), (1, 2)),
    "a residual": (lambda _, layer: fn.residual(layer), fn.Identity(), fn.Linear(3), (2,), (2,), (3,)),
    "axes side by side": (fn.concatenate, fn.Flatten(), fn.Identity(), (2, 2), (4,), (2, 2)),
    "nothing to join": (fn.concatenate, fn.Identity(), fn.Identity(), (), (), ()),
}
unlike = pytest.mark.parametrize(
    ("combinator", "first", "second", "input_shape", "one", "other"), UNLIKE.values(), ids=UNLIKE
)


@unlike
def test_outputs_that_do_not_fit_have_no_output_shape(combinator, first, second, input_shape, one, other):
    model, _, _ = two(combinator, first, second, input_shape)
    check(lambda: model.output_shape(input_shape), fn.ShapeError, "the arrays to ", f"got {one} and {other}")


@unlike
@pytest.mark.parametrize("name", ["forward", "apply"])
def test_outputs_that_do_not_fit_are_not_joined(combinator, first, second, input_shape, one, other, name):
    model, params, x = two(combinator, first, second, input_shape)
    shapes = [layer.apply(p, x).shape for layer, p in zip((first, second), params, strict=True)]
    use = getattr(model, name)
    check(lambda: use(params, x), fn.ShapeError, "the arrays to ", f"got {shapes[0]} and {shapes[1]}")


@unlike
def test_outputs_that_do_not_fit_have_a_place(combinator, first, second, input_shape, one, other):
    model = fn.sequential(fn.ReLU(), combinator(first, second))
    check(lambda: model.init(KEY, input_shape), fn.ShapeError, "in layer 1 of sequential", "the arrays to ")
