"""`check_loss`: broken losses are caught, right but unusual ones accepted; its options and its errors."""

import attrs
import numpy as np
import pytest

import funcnet as fn
from funcnet.testing import LawViolation, check_loss, check_loss_law
from tests.testing.gallery.broken_losses import (
    BROKEN,
    LABELS,
    LOGITS,
    ClippedLog,
    ClippedProbability,
    CrossEntropy,
    DividesByClasses,
    DropsDuplicates,
    ForgetsToDivide,
    HandsOutItsCache,
    Mean,
    SwallowsNaN,
    WritesTarget,
)
from tests.testing.gallery.right_losses import (
    Absolute,
    EmptyIsNaN,
    Focal,
    Hinge,
    HingeOfTargets,
    Huber,
    KullbackLeibler,
    Pinball,
    Refuses,
    Total,
)
from tests.testing.pasting import is_like, pasted


def violation(loss, **options):
    with pytest.raises(LawViolation) as caught:
        check_loss(loss, **options)
    return caught.value


@pytest.mark.slow
@pytest.mark.parametrize(("loss", "options", "laws"), [pytest.param(*row, id=row[0].__name__) for row in BROKEN])
def test_a_broken_loss_is_caught_and_its_case_breaks_the_law_again(loss, options, laws):
    found = violation(loss(), **options)
    assert found.law in laws
    assert is_like(pasted(found.case), found)


def test_the_case_is_one_example_where_that_should_stop():
    case = violation(CrossEntropy(), symmetries=["scale-invariant"], **LABELS).case
    assert "target = np.array([" in case
    assert len(case.splitlines()) < 9


def test_duplicates_are_found_where_they_are_drawn_or_given():
    violation(DropsDuplicates(), examples=12)
    y, target = np.array([[1.0, 2.0], [1.0, 2.0], [0.5, 0.25]]), np.zeros((3, 2))
    assert violation(DropsDuplicates(), outputs=y, targets=target).law == "batch.sum"


def test_one_example_alone_has_several_numbers():
    violation(DividesByClasses(), targets="labels", examples=12)


@pytest.mark.parametrize("targets", ["bits", "probabilities"])
def test_probabilities_next_to_0_are_drawn(targets):
    violation(ClippedProbability(), outputs="probabilities", targets=targets, examples=12)


def test_a_written_target_is_named_and_the_tails_are_those_of_y():
    assert violation(WritesTarget()).at == "target"
    assert "|y|" in violation(ClippedLog(), **LOGITS).diagnosis


# --- Right, but unusual ---


SIGNS = np.array([[-1.0, 1.0, 1.0], [1.0, -1.0, -1.0]])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("loss", "options"),
    [
        (Mean(), {}),
        (Mean(), {"targets": ("bits", "probabilities", "distributions", "numbers")}),
        (CrossEntropy(), {"targets": "labels", "symmetries": ["shift-invariant"]}),
        (Hinge(), {"targets": SIGNS, "outputs": "numbers"}),
        (Absolute(), {}),
        (Pinball(), {}),
        (Huber(), {}),
        (Focal(), {"targets": "bits"}),
        (KullbackLeibler(), {"targets": "distributions", "outputs": "distributions"}),
        (KullbackLeibler(), {"targets": "distributions", "outputs": "probabilities"}),
        (Total(), {}),
        (Refuses(), {}),
        (EmptyIsNaN(), {}),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, dict) else "",
)
def test_right_losses_are_accepted(loss, options):
    check_loss(loss, examples=12, **options)


def test_targets_have_the_precision_of_y():
    check_loss(HingeOfTargets(), targets=SIGNS, outputs="numbers", examples=6)


# --- Options and errors ---


@attrs.frozen
class Recording(Mean):
    """A loss that keeps what it is called with; `==` of the list is that of the object."""

    seen: list = attrs.field(factory=list, eq=False)

    def forward(self, y, target):
        self.seen.append((np.array(y), np.array(target)))
        return super().forward(y, target)


@pytest.mark.parametrize(
    ("kind", "holds"),
    [
        ("bits", lambda t: np.isin(t, [0, 1]).all()),
        ("probabilities", lambda t: ((t > 0) & (t < 1)).all()),
        ("distributions", lambda t: np.allclose(t.sum(axis=-1), 1, rtol=1e-6)),
        ("numbers", lambda t: (t * 16 == np.round(t * 16)).all()),
    ],
)
def test_kinds_of_targets(kind, holds):
    loss = Recording()
    check_loss(loss, targets=kind, examples=4)
    assert all(holds(target) for y, target in loss.seen if target.shape == y.shape)


def test_kinds_of_outputs():
    losses = [Recording() for _ in range(4)]
    for seed, loss in enumerate(losses):
        check_loss(loss, outputs="probabilities", targets="bits", examples=1, seed=seed)
    y = np.concatenate([loss.seen[0][0] for loss in losses])
    is_power_of_two = (np.frexp(y)[0] == 0.5) | (np.frexp(1 - y)[0] == 0.5)
    assert ((y >= 2.0**-60) & (y < 1) & ((y * 64 == np.round(y * 64)) | is_power_of_two)).all()
    assert (y < 2.0**-12).any()
    assert (y > 1 - 2.0**-10).any()


def test_given_arrays_are_asked_about_as_they_are_first():
    y, target = np.array([[0.25, 7.0]]), np.array([[3.0, -5.0]])
    loss = Recording()
    check_loss(loss, outputs=y, targets=target, examples=2)
    assert loss.seen[0][0].tolist() == y.tolist()
    assert loss.seen[0][1].tolist() == target.tolist()
    assert {array.dtype for array, _ in loss.seen} >= {np.dtype(np.float64), np.dtype(np.float32)}


def test_given_labels_say_how_many_classes_there_are():
    check_loss(fn.SoftmaxCrossEntropy(), targets=np.array([0, 4, 2]), examples=4)
    check_loss(fn.SoftmaxCrossEntropy(), targets=np.array([0, 4, 2]), outputs=np.eye(6)[:3], examples=4)


def test_one_label_without_a_batch_can_be_given():
    check_loss(fn.SoftmaxCrossEntropy(), targets=np.array(1), outputs=np.array([0.0, 1.0, 2.0]), examples=2)


def test_the_same_seed_finds_the_same():
    assert str(violation(ForgetsToDivide(), seed=3)) == str(violation(ForgetsToDivide(), seed=3))
    assert str(violation(ForgetsToDivide(), seed=3)) != str(violation(ForgetsToDivide(), seed=4))


def test_an_exempted_law_needs_not_hold():
    check_loss(SwallowsNaN(), examples=4, exempt={"nan": "missing numbers are to count 0"})
    check_loss(HandsOutItsCache(), examples=4, exempt={"aliasing": "it is documented"})


def test_an_exempted_law_that_holds_is_a_violation():
    found = violation(fn.MeanSquaredError(), examples=4, exempt={"nan": "I was not sure"})
    assert (found.law, found.at, found.got) == ("nan", "exempt", "holds")
    assert "I was not sure" in found.expected


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"targets": "classes"}, "targets must be an array or one of numbers, probabilities, .*, got 'classes'"),
        ({"targets": ("numbers", "classes")}, "'classes'"),
        (
            {"outputs": "logits"},
            "outputs must be an array or one of numbers, probabilities, distributions, got 'logits'",
        ),
        ({"exempt": {"batch.rows": "why not"}}, "unknown law 'batch.rows' in exempt; the laws are .*structure"),
        ({"exempt": {"nan": " "}}, "the exemption of 'nan' needs a reason"),
        ({"symmetries": ["even"]}, "got 'even'"),
    ],
)
def test_wrong_options_are_value_errors(options, message):
    with pytest.raises(ValueError, match=message):
        check_loss(fn.MeanSquaredError(), **options)


@pytest.mark.parametrize("loss", [fn.MeanSquaredError, fn.Linear(3), 3, None])
def test_what_is_not_a_loss_is_a_type_error(loss):
    with pytest.raises(
        TypeError,
        match=r"loss must be (an instance with the methods forward and backward, or a function.*|a loss), got ",
    ):
        check_loss(loss)
    with pytest.raises(
        TypeError,
        match=r"loss must be (an instance with the methods forward and backward, or a function.*|a loss), got ",
    ):
        check_loss_law("structure", loss, np.zeros((1, 3)), np.zeros((1, 3)))


def test_a_symmetry_that_is_declared_but_not_there():
    assert violation(fn.MeanSquaredError(), symmetries=["shift-invariant"]).law == "symmetry"


class Doubled(fn.MeanSquaredError):
    """Its dy is twice what it should be."""

    def backward(self, cache):
        return 2 * super().backward(cache)


def test_a_report_has_the_loss_in_its_own_words():
    with pytest.raises(LawViolation) as caught:
        check_loss_law("adjointness", Doubled(), np.array([[1.0, 2.0]]), np.array([[0.5, 0.0]]))
    assert caught.value.at == "<dy, v>"
    found = violation(fn.MeanSquaredError(), symmetries=["shift-invariant"])
    assert found.statement == (
        "If shift-invariant, dy sums to 0 over each example; if homogeneous of degree k, <dy, y> = k <dy, value>."
    )
