"""A cache of another layer, model or params has a message that says what was expected and what came."""

import numpy as np
import pytest

import funcnet as fn
from funcnet.errors import FuncnetError
from tests.library.wrong_uses import CACHE, KEY, LINEAR, LINEAR_PARAMS, MODEL, PARAMS, X, Y, cache_of, check, check_all


@check_all(
    [
        (
            "another layer",
            lambda: LINEAR.backward(LINEAR_PARAMS, cache_of(fn.ReLU(), (50,)), Y),
            "expected a cache from Linear(n_out=50), got one from ReLU()",
        ),
        (
            "the same class of layer",
            lambda: fn.ELU(0.5).backward((), cache_of(fn.ELU(), (4,)), X),
            "expected a cache from ELU(alpha=0.5), got one from ELU()",
        ),
        (
            "another model",
            lambda: MODEL.backward(PARAMS, cache_of(fn.sequential(fn.Linear(10)), (4,)), Y),
            "expected a cache from sequential of 3 layers, got one from sequential of 1 layer",
        ),
        (
            "another model in params_backward",
            lambda: MODEL.params_backward(PARAMS, cache_of(fn.sequential(fn.Linear(10)), (4,)), Y),
            "got one from sequential of 1 layer",
        ),
        (
            "add for concatenate",
            lambda: fn.add(fn.ReLU()).backward(((),), cache_of(fn.concatenate(fn.ReLU()), (4,)), X),
            "expected a cache from add of 1 layer, got one from concatenate of 1 layer",
        ),
        (
            "inference for training",
            lambda: fn.Dropout(0.5).training(KEY).backward((), cache_of(fn.Dropout(0.5), (4,)), X),
            "expected a cache from Dropout(rate=0.5, key=Key(seed=0)), got one from Dropout(rate=0.5)",
        ),
        (
            "no cache",
            lambda: LINEAR.backward(LINEAR_PARAMS, X, Y),
            "expected a cache from Linear(n_out=50), got ndarray",
        ),
        ("None", lambda: MODEL.backward(PARAMS, None, Y), "expected a cache from sequential", "got NoneType"),
        ("the pair", lambda: MODEL.backward(PARAMS, (Y, CACHE), Y), "expected a cache from sequential", "got tuple"),
        (
            "a layer without params_backward to do",
            lambda: fn.sequential(fn.ReLU()).params_backward(((),), cache_of(fn.ReLU(), (4,)), X),
            "expected a cache from sequential of 1 layer, got one from ReLU()",
        ),
    ]
)
def test_wrong_cache(use, words):
    check(use, fn.CacheError, *words)


@pytest.mark.parametrize("name", ["backward", "params_backward"])
def test_a_cache_of_other_params_is_refused(name):
    params, cache = LINEAR.init(KEY, (7,)), cache_of(LINEAR, (4,))
    use = getattr(LINEAR, name)
    check(lambda: use(params, cache, np.ones((3, 50))), FuncnetError, "expected", "7", "got", "4")
