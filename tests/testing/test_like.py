"""`like=`: what agrees with a reference passes, and a valid rule of a different kind does not."""

import attrs
import numpy as np
import pytest

import funcnet as fn
from funcnet.testing import LawViolation, check_layer, check_loss, check_optimizer, check_optimizer_law
from tests.testing.gallery.other_steps import OTHER_STEPS, RIGHT_STEPS
from tests.testing.pasting import is_like, pasted


def violation(check, *arguments, **options):
    with pytest.raises(LawViolation) as caught:
        check(*arguments, **options)
    return caught.value


def names(pairs):
    return [
        pytest.param(*pair, id=f"{type(pair[0]).__name__}-{type(pair[1]).__name__}-{i}") for i, pair in enumerate(pairs)
    ]


# --- Optimizers ---


@pytest.mark.slow
@pytest.mark.parametrize(("optimizer", "like"), names(OTHER_STEPS))
def test_a_step_of_a_different_kind_is_valid_until_a_reference_is_given(optimizer, like):
    check_optimizer(optimizer)
    assert violation(check_optimizer, optimizer, like=like).law == "like"


@pytest.mark.slow
@pytest.mark.parametrize(("optimizer", "like"), names(RIGHT_STEPS))
def test_the_same_step_written_differently_agrees(optimizer, like):
    check_optimizer(optimizer, like=like)


@pytest.mark.parametrize(
    "optimizer", [fn.Adam(0.1), fn.AdamW(), fn.SGD(0.1, momentum=0.9), fn.RMSProp(centered=True), fn.Adagrad()]
)
def test_an_optimizer_agrees_with_itself(optimizer):
    check_optimizer(optimizer, like=optimizer)


def test_the_case_of_an_optimizer_unlike_its_reference_is_code_with_the_reference():
    found = violation(check_optimizer, fn.AdamW(0.1), like=fn.Adam(0.1))
    assert "like = Adam(" in found.case
    assert found.oracle == "the reference after update 1"
    assert is_like(pasted(found.case), found)


def test_a_reference_that_is_not_an_optimizer_is_refused():
    with pytest.raises(TypeError, match="like"):
        check_optimizer(fn.Adam(0.1), like=fn.Linear(2))


def test_the_law_of_references_alone_needs_one():
    check_optimizer_law("like", fn.Adam(0.1), (np.ones(2),), ((np.ones(2),),))
    check_optimizer_law("like", fn.Adam(0.1), (np.ones(2),), ((np.ones(2),),), fn.Adam(0.1))


# --- Layers ---


def dense(params, x):
    return x @ params["w"] + params["b"], x


def dense_backward(params, x, dy):
    rows, of_rows = x.reshape(-1, 3), dy.reshape(-1, 2)
    return dy @ params["w"].T, {"w": rows.T @ of_rows, "b": of_rows.sum(0)}


PARAMS = {"w": np.arange(6.0).reshape(3, 2) / 4, "b": np.array([0.5, -1.0])}


@attrs.frozen
class Scaled(fn.Layer):
    """A right layer, whatever the factor is."""

    factor: float = 2.0

    def forward(self, params, x):
        return x * np.asarray(self.factor, x.dtype), None

    def backward(self, params, cache, dy):
        return dy * np.asarray(self.factor, dy.dtype), ()


@attrs.frozen
class Ramp(fn.Layer):
    """A right ReLU whose gradient at 0 is 1."""

    def forward(self, params, x):
        return np.maximum(x, 0), x

    def backward(self, params, x, dy):
        return dy * (x >= 0), ()


@pytest.mark.slow
def test_a_right_layer_of_a_different_formula_is_caught_in_forward():
    check_layer(Scaled(), (3,))
    found = violation(check_layer, Scaled(2.0 + 2**-40), (3,), like=Scaled())
    assert (found.law, found.at, found.oracle) == ("like", "y", "the reference")
    assert is_like(pasted(found.case), found)


@pytest.mark.parametrize("like", [fn.Linear(2), (dense, dense_backward), fn.sequential(fn.Linear(2))])
def test_a_reference_gets_params_leaf_by_leaf_or_as_they_are(like):
    check_layer((dense, dense_backward), (3,), params=PARAMS, like=like)


def test_a_library_layer_agrees_with_a_pair_of_functions():
    def forward(params, x):
        return dense({"w": params.weight, "b": params.bias}, x)

    def backward(params, x, dy):
        dx, grads = dense_backward({"w": params.weight, "b": params.bias}, x, dy)
        return dx, type(params)(grads["w"], grads["b"])

    check_layer(fn.Linear(2), (3,), like=(forward, backward))


@pytest.mark.slow
def test_params_that_do_not_fit_those_of_the_reference_are_told():
    found = violation(check_layer, (dense, dense_backward), (3,), params=PARAMS, like=fn.Linear(4))
    assert (found.law, found.at) == ("like", "params")


def test_gradients_may_differ_at_a_corner_where_both_are_right():
    check_layer(Ramp(), (3,), like=fn.ReLU())


@pytest.mark.slow
def test_a_gradient_unlike_the_reference_is_caught_before_the_derivative_is_asked():
    found = violation(
        check_layer,
        (dense, lambda *given: (2 * dense_backward(*given)[0], dense_backward(*given)[1])),
        (3,),
        params=PARAMS,
        like=fn.Linear(2),
    )
    assert (found.law, found.at) == ("like", "dx")


@attrs.frozen
class OtherInTraining(fn.BatchNorm):
    """A right layer that takes the statistics of twice x in training."""

    def forward(self, params, x):
        return super().forward(params, 2 * x if self.statistics == "batch" else x)

    def backward(self, params, cache, dy):
        dx, grads = super().backward(params, cache, dy)
        return 2 * dx if self.statistics == "batch" else dx, grads


@pytest.mark.slow
def test_a_layer_with_statistics_agrees_with_its_reference_in_training_too():
    check_layer(fn.BatchNorm(), (3,), like=fn.BatchNorm(), examples=14)
    found = violation(check_layer, OtherInTraining(), (3,), like=fn.BatchNorm())
    assert (found.law, found.at) == ("like", "y")


class OtherDraws(fn.Dropout):
    """Dropout with masks of its own."""

    def training(self, key):
        return super().training(key.fold_in("other"))


def test_draws_are_not_compared_with_those_of_the_reference():
    exempt = dict.fromkeys(["batch.permutation", "batch.sum"], "the mask is of the batch")
    check_layer(OtherDraws(0.5), (3,), like=fn.Dropout(0.5), exempt=exempt, examples=14)


def test_a_reference_that_is_not_a_layer_is_refused():
    with pytest.raises(TypeError, match="like"):
        check_layer(fn.ReLU(), (3,), like=fn.Adam())


# --- Losses ---


@attrs.frozen
class Half:
    """Half of the mean squared error, right in itself."""

    factor: float = 0.5

    def forward(self, y, target):
        if y.shape != target.shape:
            raise ValueError("shapes differ")
        if not y.size:
            raise ValueError("no examples")
        return (self.factor * (y - target) ** 2).mean(dtype=y.dtype), (y, target)

    def backward(self, cache):
        y, target = cache
        return (2 * self.factor * (y - target) / y.size).astype(y.dtype)


def test_a_right_loss_of_a_different_factor_is_caught():
    check_loss(Half())
    found = violation(check_loss, Half(), like=fn.MeanSquaredError())
    assert (found.law, found.at) == ("like", "value")
    assert "like = MeanSquaredError(" in found.case
    assert is_like(pasted(found.case), found)


def test_a_loss_that_agrees_with_the_reference_passes():
    check_loss(Half(1.0), like=fn.MeanSquaredError())


def test_a_reference_that_is_not_a_loss_is_refused():
    with pytest.raises(TypeError, match="like must be a loss"):
        check_loss(fn.MeanSquaredError(), like=fn.ReLU())
