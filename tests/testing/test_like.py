"""`like=`: what agrees with a reference passes, and a valid rule of a different kind does not."""

import numpy as np
import pytest

import funcnet as fn
from funcnet.testing import LawViolation, check_optimizer, check_optimizer_law
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
