"""What checks say of odd inputs: params and shapes that fit nothing, numbers that are none."""

import numpy as np
import pytest

from funcnet.testing import LawViolation, check_layer


def scaled(params, x):
    return params["w"] * x + params["b"], x


def blame_of(grads, params):
    def backward(params, x, dy):
        return params["w"] * dy, grads

    with pytest.raises(LawViolation) as caught:
        check_layer((scaled, backward), (3,), params=params)
    return caught.value.got


# --- Grads ---


@pytest.mark.parametrize(
    ("grads", "said"),
    [
        ({"w": np.zeros(())}, "a dict of ['w']"),
        ({"w": np.zeros(()), "b": np.zeros(()), "c": np.zeros(())}, "a dict of ['w', 'b', 'c']"),
        ([np.zeros(())], "a list of 1"),
        (None, "None"),
    ],
    ids=["a key is missing", "a key too many", "a list", "None"],
)
def test_grads_of_other_keys_are_told_by_the_keys(grads, said):
    got = blame_of(grads, {"w": np.ones(()), "b": np.ones(())})
    assert f"expected a dict of ['w', 'b'] at the root, got {said}" in got
