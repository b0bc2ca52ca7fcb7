"""Params of another model have a message that says where they were, what was expected and what came."""

import attrs
import numpy as np

import funcnet as fn
from tests.library.wrong_uses import (
    CACHE,
    KEY,
    LINEAR,
    LINEAR_PARAMS,
    MODEL,
    NESTED,
    PARAMS,
    WITHOUT_BIAS,
    X,
    Y,
    cache_of,
    check,
    check_all,
)


@check_all(
    [
        (
            "too few",
            lambda: MODEL.forward(PARAMS[:2], X),
            "the params of sequential have the wrong structure: expected a tuple of 3, got a tuple of 2",
        ),
        (
            "too many for backward",
            lambda: MODEL.backward((*PARAMS, ()), CACHE, Y),
            "the params of sequential have the wrong structure: expected a tuple of 3, got a tuple of 4",
        ),
        (
            "none at all",
            lambda: MODEL.apply(None, X),
            "the params of sequential have the wrong structure: expected a tuple of 3, got NoneType",
        ),
        (
            "a list",
            lambda: MODEL.apply(list(PARAMS), X),
            "the params of sequential have the wrong structure: expected a tuple of 3, got list",
        ),
        (
            "too few for add",
            lambda: fn.residual(fn.ReLU()).apply((), X),
            "the params of add have the wrong structure: expected a tuple of 2, got a tuple of 0",
        ),
        (
            "of an inner model",
            lambda: NESTED.params_backward(((), PARAMS[1:]), cache_of(NESTED, (4,)), Y),
            "in layer 1 of sequential (sequential(",
            "the params of sequential have the wrong structure: expected a tuple of 3, got a tuple of 2",
        ),
        (
            "swapped",
            lambda: MODEL.forward((PARAMS[1], PARAMS[0], PARAMS[2]), X),
            "in layer 0 of sequential (Linear(n_out=50)): expected LinearParams with weight (n_in, 50)",
            "got tuple",
        ),
        (
            "swapped at a layer without params",
            lambda: fn.sequential(fn.ReLU(), LINEAR).forward((LINEAR_PARAMS, ()), X),
            "in layer 0 of sequential (ReLU()): the layer has no params: expected (), got LinearParams",
        ),
        (
            "None",
            lambda: LINEAR.forward(None, X),
            "expected LinearParams with weight (n_in, 50) and bias (50,), got NoneType",
        ),
        (
            "without bias",
            lambda: LINEAR.forward(WITHOUT_BIAS.init(KEY, (4,)), X),
            "expected LinearParams with weight (n_in, 50) and bias (50,), got weight (4, 50) and bias None",
        ),
        (
            "with bias",
            lambda: WITHOUT_BIAS.forward(LINEAR_PARAMS, X),
            "expected LinearParams with weight (n_in, 50) and bias None, got weight (4, 50) and bias (50,)",
        ),
        (
            "of another size",
            lambda: fn.Linear(3).forward(LINEAR_PARAMS, X),
            "expected",
            "weight (n_in, 3)",
            "got",
            "(4, 50)",
        ),
        (
            "bias of another size",
            lambda: LINEAR.forward(attrs.evolve(LINEAR_PARAMS, bias=np.zeros(1)), X),
            "expected",
            "bias (50,)",
            "got",
            "(1,)",
        ),
        (
            "numbers for arrays",
            lambda: fn.Linear(1).forward(fn.LinearParams(np.float32(1), np.float32(0)), np.ones((3, 1))),
            "expected LinearParams",
            "got weight () and bias ()",
        ),
        (
            "a number in a tree",
            lambda: fn.sgd_step((4.0,), (4.0,), 0.1),
            "at 0: expected an array, got the float 4.0: write np.array(4.0), or hold it in a field declared with",
            "fn.tree.static()",
        ),
        (
            "a number in a node",
            lambda: fn.LinearParams(1.0, None),
            "in the field weight of LinearParams: expected an array, got the float 1.0: write np.array(1.0)",
        ),
        (
            "x for params",
            lambda: fn.ReLU().forward(np.ones(3), ()),
            "the layer has no params: expected (), got ndarray",
        ),
        ("one number for params", lambda: fn.Tanh().forward(np.ones(1), ()), "expected ()", "got ndarray"),
        ("() for Flatten", lambda: fn.Flatten().forward((), X), "expected the FlattenParams that init makes, got ()"),
        (
            "grads of another model",
            lambda: fn.sgd_step(PARAMS, PARAMS[:2], 0.1),
            "expected a tuple of 3 at the root, got a tuple of 2",
        ),
        (
            "grads of a layer without bias",
            lambda: fn.sgd_step(PARAMS, (WITHOUT_BIAS.init(KEY, (4,)), *PARAMS[1:]), 0.1),
            "expected an array at 0.bias",
            "got None",
        ),
    ]
)
def test_wrong_params(use, words):
    check(use, fn.TreeError, *words)
