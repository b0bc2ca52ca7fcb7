"""`check_optimizer`: broken optimizers are caught, right but unusual ones accepted; its options and its errors."""

import attrs
import numpy as np
import pytest

import funcnet as fn
from funcnet import tree
from funcnet.testing import LawViolation, check_optimizer, check_optimizer_law
from funcnet.testing.laws import OPTIMIZER_LAWS
from tests.passes import needs_numpy_2
from tests.testing.gallery.broken_optimizers import (
    BROKEN,
    Ascends,
    Noisy,
    RightAdam,
    RightMomentum,
    SkipsLast,
    StateIsGrads,
    SwapsAlike,
    Uncorrected,
)
from tests.testing.gallery.right_optimizers import (
    Accumulating,
    Clipped,
    Cosine,
    InDict,
    Lion,
    Lookahead,
    Normalised,
    RectifiedAdam,
    SignSGD,
    UncorrectedAdam,
)
from tests.testing.pasting import is_like, pasted

PARAMS, GRADS = (np.array([0.3, -7.0]),), ((np.array([1.0, 3.0]),), (np.array([2.0, -1.5]),))


def violation(*arguments, check=check_optimizer, **options):
    with pytest.raises(LawViolation) as caught:
        check(*arguments, **options)
    return caught.value


@pytest.mark.slow
@pytest.mark.parametrize(("optimizer", "laws"), [pytest.param(*row, id=repr(row[0])) for row in BROKEN])
def test_a_broken_optimizer_is_caught_and_its_case_is_too(optimizer, laws):
    found = violation(optimizer)
    assert found.law in laws
    assert is_like(pasted(found.case), found)


@pytest.mark.parametrize("step", range(1, 12))
def test_bias_correction_forgotten_at_any_step_is_caught(step):
    found = violation(Uncorrected(step=step))
    assert (found.law, found.at) == ("steadiness", f"step {step} of number 0")


@pytest.mark.parametrize("params", [None, (np.zeros(2), np.zeros(2))])
def test_the_moments_of_leaves_of_one_shape_are_told_apart(params):
    assert violation(SwapsAlike(), params=params).law in ("descent", "steadiness", "order")


# --- Right, but unusual ---


@pytest.mark.slow
@needs_numpy_2
@pytest.mark.parametrize(
    "optimizer",
    [
        RightAdam(),
        RightAdam(betas=(0.9, 0.99)),
        RightMomentum(),
        SignSGD(),
        Lion(),
        UncorrectedAdam(),
        RectifiedAdam(),
        Normalised(),
        Lookahead(),
        Accumulating(),
        Cosine(),
        Clipped(),
        InDict(),
        fn.SGD(0.1, weight_decay=0.5),
        fn.SGD(0.0),
        fn.AdamW(fn.schedules.cosine(0.1, 7)),
    ],
)
def test_right_optimizers_are_accepted(optimizer):
    check_optimizer(optimizer, examples=8)  # each tree in both precisions


@attrs.frozen
class Recording(RightMomentum):
    """Momentum that keeps what it updates."""

    seen: list = attrs.field(factory=list, eq=False, repr=False)

    def update(self, params, grads, state):
        self.seen.append((params, grads))
        return super().update(params, grads, state)


def seen(**options):
    optimizer = Recording()
    check_optimizer(optimizer, exempt={"purity": "it keeps what it sees"}, **options)
    return optimizer.seen


@needs_numpy_2
def test_params_are_as_given_or_in_both_precisions_and_one_number_first():
    assert tree.equal(seen(params=PARAMS, examples=1)[0][0], PARAMS)
    updates = seen(examples=8)
    assert {leaf.dtype for params, _ in updates for leaf in tree.leaves(params)} == {np.dtype("f4"), np.dtype("f8")}
    assert tree.size(updates[0][0]) == 1


def test_params_given_may_be_a_tree_of_any_kind_and_frozen():
    params = fn.sequential(fn.Linear(2), fn.ReLU(), fn.Linear(1)).init(fn.Key(0), (3,))
    check_optimizer(fn.Adam(0.1), params=params, examples=4)
    check_optimizer(fn.Adam(0.1, frozen="2.*"), params=params, examples=4)
    check_optimizer(fn.SGD(0.1, frozen="0"), params=(np.zeros(2), np.zeros(2)), examples=4)


def test_the_same_seed_finds_the_same():
    assert str(violation(Ascends(), seed=3)) == str(violation(Ascends(), seed=3))
    assert str(violation(Ascends(), seed=3)) != str(violation(Ascends(), seed=4))


@needs_numpy_2
def test_exempted_laws_need_not_hold_and_the_others_do():
    exempt = {"descent": "the last leaf is frozen", "order": "by its position"}
    check_optimizer(SkipsLast(), exempt=exempt, examples=8)
    assert violation(Noisy(), exempt={"purity": "it draws noise"}).law == "determinism"


def test_an_exempted_law_that_holds_is_a_violation():
    found = violation(fn.SGD(0.1), exempt={"zero": "I was not sure"}, examples=2)
    assert (found.law, found.at, found.got) == ("zero", "exempt", "holds")


@pytest.mark.parametrize(
    ("exempt", "message"),
    [
        ({"kinks": "why not"}, "unknown law 'kinks' in exempt; the laws are .*purity, structure"),
        ({"zero": ""}, "the exemption of 'zero' needs a reason, got ''"),
        ({"zero": None}, "the exemption of 'zero' needs a reason, got None"),
    ],
)
def test_wrong_exemptions_are_value_errors(exempt, message):
    with pytest.raises(ValueError, match=message):
        check_optimizer(fn.SGD(0.1), exempt=exempt)


@pytest.mark.parametrize("optimizer", [fn.SGD, fn.Linear(3), 3, None, lambda params: params])
def test_what_is_not_an_optimizer_is_a_type_error(optimizer):
    with pytest.raises(TypeError, match="optimizer must be an instance with the methods init and update"):
        check_optimizer(optimizer)
    with pytest.raises(TypeError, match="optimizer must be an instance with the methods init and update"):
        check_optimizer_law("zero", optimizer, (), ())


# --- One law alone ---


@pytest.mark.parametrize("law", OPTIMIZER_LAWS)
def test_each_law_alone_accepts_what_is_right(law):
    check_optimizer_law(law, fn.Adam(0.1), PARAMS, GRADS)


def test_a_law_alone_is_asked_as_it_is_given():
    found = violation("aliasing", StateIsGrads(), PARAMS, GRADS, check=check_optimizer_law)
    assert (found.law, found.at, found.got) == ("aliasing", "state.0", "memory of grads.0")
    assert found.case.splitlines()[-3:] == [
        "params = (np.array([0.3, -7.0]),)",
        "grads = ((np.array([1.0, 3.0]),), (np.array([2.0, -1.5]),))",
        "fn.testing.check_optimizer_law('aliasing', optimizer, params, grads)",
    ]
    check_optimizer_law("aliasing", Ascends(), PARAMS, GRADS)
    assert violation("descent", Ascends(), PARAMS, GRADS, check=check_optimizer_law).index == (0,)


def test_a_law_that_there_is_not():
    with pytest.raises(ValueError, match=r"unknown law 'moments'; the laws are .*purity, structure"):
        check_optimizer_law("moments", fn.SGD(0.1), PARAMS, GRADS)


@attrs.frozen
class CountsInATuple(StateIsGrads):
    """Its state has a number of steps beside the arrays, in a plain tuple, which is then not a tree."""

    def init(self, params):
        return 0, super().init(params)

    def update(self, params, grads, state):
        params, velocity = super().update(params, grads, state[1])
        return params, (state[0] + 1, velocity)


def test_arrays_beside_a_number_in_the_state_are_checked_too():
    assert violation(CountsInATuple()).law == violation(StateIsGrads()).law == "aliasing"
