"""binary_accuracy: scores against a threshold, targets of 0 and 1, of one shape."""

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import funcnet as fn
from funcnet.errors import ShapeError
from funcnet.metrics import accuracy, binary_accuracy

PROBABILITY, LOGIT = binary_accuracy(), binary_accuracy(0)


def test_it_is_the_share_of_scores_on_the_right_side():
    assert PROBABILITY([0, 1, 1, 0], [0.4, 0.6, 0.4, 0.9]) == 2 / 4
    assert LOGIT([0, 1, 1, 0], [-0.1, 0.1, -3.0, -3.0]) == 3 / 4
    assert type(PROBABILITY([0], [0.0])) is float


@pytest.mark.parametrize("threshold", [0.5, 0.0, -1.0, 0.25])
def test_a_score_on_the_threshold_is_for_0(threshold):
    metric = binary_accuracy(threshold)
    assert metric([0, 0], [threshold, np.nextafter(threshold, -9)]) == 1.0
    assert metric([1, 1], [threshold, np.nextafter(threshold, 9)]) == 0.5


def test_the_threshold_is_a_half_unless_it_is_said():
    assert binary_accuracy() == binary_accuracy(0.5) != binary_accuracy(0)
    assert PROBABILITY([1, 1], [0.4, 0.6]) == 0.5
    assert repr(binary_accuracy()) == "metrics.binary_accuracy()"
    assert repr(binary_accuracy(np.float32(0.25))) == "metrics.binary_accuracy(threshold=0.25)"


@given(st.lists(st.tuples(st.booleans(), st.floats(-5, 5)), min_size=1))
@pytest.mark.slow
def test_it_is_the_accuracy_of_the_labels_that_the_scores_stand_for(pairs):
    targets, scores = np.array([int(target) for target, _ in pairs]), np.array([score for _, score in pairs])
    assert LOGIT(targets, scores) == accuracy(targets, (scores > 0).astype(int))
    assert LOGIT(1 - targets, scores) == pytest.approx(1 - LOGIT(targets, scores))


@pytest.mark.parametrize("shape", [(), (6,), (6, 1), (2, 3)])
@pytest.mark.parametrize("dtype", [bool, np.uint8, np.int64, np.float16, np.float32, np.float64])
def test_targets_and_scores_of_any_shape_and_dtype(shape, dtype):
    targets = np.ones(shape, dtype)
    for scores in (np.float16, np.float32, np.float64):
        assert LOGIT(targets, np.ones(shape, scores)) == 1.0
        assert LOGIT(targets, -np.ones(shape, scores)) == 0.0


@pytest.mark.parametrize(
    ("targets", "scores"), [((2,), (3,)), ((2,), (2, 1)), ((2, 1), (2,)), ((), (1,)), ((4,), (2, 2))]
)
def test_nothing_is_broadcast(targets, scores):
    with pytest.raises(ShapeError) as caught:
        PROBABILITY(np.zeros(targets), np.zeros(scores))
    remedy = ": write scores[..., 0]" if scores == (*targets, 1) else ""
    assert str(caught.value) == f"scores must have the shape {targets} of the targets, got {scores}{remedy}"


@pytest.mark.parametrize("targets", [[0, 2], [-1, 1], [0.5, 1.0], [np.nan, 1.0], [0, np.inf]])
def test_targets_are_0_or_1(targets):
    with pytest.raises(ValueError, match="targets must be 0 or 1"):
        PROBABILITY(targets, [0.1, 0.9])


@pytest.mark.parametrize("shape", [(0,), (0, 1), (3, 0)])
def test_no_targets_have_no_accuracy(shape):
    with pytest.raises(ValueError, match="at least one example, got none"):
        PROBABILITY(np.zeros(shape), np.zeros(shape))


def test_infinity_is_above_a_threshold():
    assert LOGIT([1, 0], [np.inf, -np.inf]) == 1.0


@pytest.mark.parametrize("threshold", ["0.5", None, True, 1j])
def test_a_threshold_is_a_real_number(threshold):
    with pytest.raises(TypeError, match="expected a real number"):
        binary_accuracy(threshold)


def test_nothing_given_is_changed():
    targets, scores = np.array([0, 1]), np.array([0.2, 0.8])
    PROBABILITY(targets, scores)
    assert (targets.tolist(), scores.tolist()) == ([0, 1], [0.2, 0.8])


def test_it_is_a_value_that_can_be_sent_and_written():
    experiment = fn.Experiment(fn.Linear(1), fn.MeanSquaredError(), fn.SGD(0.1), 4, 1, metrics=(LOGIT,))
    assert pickle.loads(pickle.dumps(LOGIT)) == LOGIT
    assert fn.Experiment.from_json(experiment.to_json()).metrics == (LOGIT,)


@pytest.mark.parametrize(
    ("loss", "layers"), [(fn.BinaryCrossEntropy(), (fn.Sigmoid(),)), (fn.SigmoidBinaryCrossEntropy(), ())]
)
def test_a_run_has_it_by_default_with_the_threshold_of_its_loss(loss, layers):
    parity = fn.data.parity(3)
    data = fn.data.Dataset(parity.x, parity.y[:, None])
    model = fn.sequential(fn.Linear(8), fn.Tanh(), fn.Linear(1), *layers)
    run = fn.run(fn.Experiment(model, loss, fn.Adam(0.1), batch_size=4, epochs=30), data)
    scores = model.apply(run.params, data.x)
    assert run.history["binary_accuracy"][-1] == binary_accuracy(0.5 if layers else 0)(data.y, scores) == 1.0
