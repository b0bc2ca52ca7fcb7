"""What the tests of errors use wrongly, and how they read the message."""

import re

import numpy as np
import pytest

import funcnet as fn

KEY = fn.Key(0)
MODEL = fn.sequential(fn.Linear(50), fn.ReLU(), fn.Linear(10))
PARAMS = MODEL.init(KEY, (4,))
X = np.ones((3, 4))
Y, CACHE = MODEL.forward(PARAMS, X)
LINEAR, LINEAR_PARAMS = MODEL.layers[0], PARAMS[0]
NESTED = fn.sequential(fn.ReLU(), MODEL)
WITHOUT_BIAS = fn.Linear(50, bias=False)
LINEAR_CACHE = LINEAR.forward(LINEAR_PARAMS, X)[1]


def cache_of(model, input_shape):
    return model.forward(model.init(KEY, input_shape), np.ones((3, *input_shape)))[1]


def raised(error, use):
    with pytest.raises(error) as caught:
        use()
    return caught.value


def check(use, error, *words):
    """`use()` raises `error`, whose message has the words in this order."""
    assert re.search(".*".join(map(re.escape, words)), str(raised(error, use)), re.DOTALL)


def check_all(table):
    """Parametrize a test with the rows (name, use, *words) of a table."""
    return pytest.mark.parametrize(("use", "words"), [pytest.param(use, words, id=name) for name, use, *words in table])
