"""What every metric obeys: it agrees with scikit-learn, refuses NaN and nothing at all, and broadcasts nothing."""

import pickle

import numpy as np
import pytest

import funcnet as fn
from funcnet import metrics
from funcnet.errors import DTypeError, ShapeError
from funcnet.metrics import accuracy, report_dict, roc_auc, top_k_accuracy
from tests.metrics.cases import BITS, LABELS, PROBABILITIES, SCORES, every_case, every_number, of_classes, of_numbers


@every_number
def test_scikit_learn_has_the_same(case):
    if not case.theirs:
        pytest.skip("compared with scikit-learn elsewhere")
    theirs = getattr(pytest.importorskip("sklearn.metrics"), case.theirs)
    expected = theirs(case.targets, case.predictions, **case.options)
    assert case.metric(case.targets, case.predictions) == pytest.approx(expected, rel=1e-12)


@every_number
def test_a_metric_is_a_float_and_a_value_of_an_experiment(case):
    experiment = fn.Experiment(fn.Linear(1), fn.MeanSquaredError(), fn.SGD(0.1), 4, 1, metrics=(case.metric,))
    assert type(case.metric(case.targets, case.predictions)) is float
    assert pickle.loads(pickle.dumps(case.metric)) == case.metric
    assert fn.Experiment.from_json(experiment.to_json()) == experiment


@every_number
def test_lists_columns_and_float16_are_taken(case):
    targets, predictions = case.targets.tolist(), case.predictions.tolist()
    assert case.metric(targets, predictions) == case.metric(case.targets, case.predictions)
    column = case.targets[:, None], case.predictions[:, None]
    assert case.metric(*column) == pytest.approx(case.metric(case.targets, case.predictions))
    assert case.metric(case.targets, case.predictions.astype(np.float16)) == pytest.approx(
        case.metric(case.targets, case.predictions), abs=2e-3
    )


@pytest.mark.parametrize("dtype", [np.float16, np.float64])
@every_case
def test_nan_is_an_error_that_names_its_place(case, dtype):
    predictions = case.predictions.astype(dtype)
    predictions[7] = np.nan
    with pytest.raises(ValueError, match=r"must not be NaN: there is one at index \((7|7, 0),?\)"):
        case.metric(case.targets, predictions)


@of_numbers
def test_a_target_of_nan_is_an_error_too(case):
    targets = case.targets.copy()
    targets[3] = np.nan
    with pytest.raises(ValueError, match=r"targets must not be NaN: there is one at index \(3"):
        case.metric(targets, case.predictions)


@every_case
def test_nothing_has_no_measure(case):
    if case.metric is metrics.confusion_matrix:
        assert not case.metric(case.targets[:0], case.predictions[:0]).any()
        return
    with pytest.raises(ValueError, match="at least one example, got none"):
        case.metric(case.targets[:0], case.predictions[:0])


@every_case
def test_shapes_that_differ_are_an_error(case):
    for targets, predictions in [
        (case.targets[:-1], case.predictions),
        (case.targets[:1], case.predictions),
        (case.targets[None], case.predictions),
        (case.targets, case.predictions[:, None, None]),
    ]:
        with pytest.raises((ShapeError, DTypeError)):
            case.metric(targets, predictions)


@every_case
def test_nothing_raises_where_numpy_raises_for_everything(case):
    with np.errstate(all="raise"):
        case.metric(case.targets, case.predictions)
        if case.metric is not metrics.log_loss:
            case.metric(case.targets, case.predictions * 1e4)
            case.metric(case.targets, case.predictions * 1e-300)


@every_case
def test_what_is_not_a_number_is_a_type_error(case):
    for wrong in (case.predictions.astype(str), case.predictions * 1j):
        with pytest.raises(TypeError):
            case.metric(case.targets, wrong)


# --- One-hot rows ---


@pytest.mark.parametrize("kind", [np.int64, np.uint8, bool, np.float32])
@of_classes
def test_one_hot_rows_are_their_labels(case, kind):
    rows = np.eye(3, dtype=kind)[LABELS]
    for predictions in [case.predictions] if str(case) in ("log_loss", "top_2_accuracy") else [SCORES, SCORES > 1]:
        if predictions.dtype == bool:
            predictions = SCORES.argmax(axis=-1)
            if str(case) == "top_1_accuracy":
                continue
        expected = case.metric(LABELS, predictions)
        np.testing.assert_equal(case.metric(rows, predictions), expected)


@pytest.mark.parametrize("metric", [accuracy, metrics.confusion_matrix, metrics.classification_report, report_dict])
def test_one_hot_integers_on_both_sides_are_refused_since_they_may_be_labels(metric):
    rows, predicted = np.eye(3, dtype=int)[[0, 1, 2]], np.eye(3, dtype=int)[[0, 1, 1]]
    with pytest.raises(ValueError, match=r"write targets.argmax\(-1\) and predictions.argmax\(-1\) .* or .ravel\(\)"):
        metric(rows, predicted)
    assert accuracy(rows.argmax(-1), predicted.argmax(-1)) == 2 / 3
    assert accuracy(rows.ravel(), predicted.ravel()) == 7 / 9


def test_labels_at_several_places_are_compared_place_by_place():
    assert accuracy([[0, 2], [1, 1]], [[0, 2], [1, 0]]) == 3 / 4
    assert accuracy([[0], [1]], [[0], [0]]) == 1 / 2
    assert accuracy([0, 1], [0, 0]) == 1 / 2


def test_rows_that_are_not_one_hot_are_no_labels():
    with pytest.raises(DTypeError, match="labels come first"):
        accuracy(PROBABILITIES, SCORES)


def test_a_column_of_labels_and_one_score_are_told_what_to_write():
    with pytest.raises(ShapeError, match=r"write labels\[:, 0\]"):
        accuracy(LABELS[:, None], SCORES)
    with pytest.raises(DTypeError, match="use binary_accuracy"):
        accuracy(BITS, SCORES[:, 0])


# --- Each ---


def test_top_k_by_hand():
    scores = [[3.0, 2.0, 1.0]] * 3
    assert [top_k_accuracy(k)([0, 1, 2], scores) for k in (1, 2, 3)] == [1 / 3, 2 / 3, 1.0]
    assert top_k_accuracy(1)([1, 1], [[1.0, 1.0], [0.0, 1.0]]) == accuracy([1, 1], [[1.0, 1.0], [0.0, 1.0]]) == 0.5
    assert repr(top_k_accuracy(3)) == "metrics.top_k_accuracy(k=3)"


def test_top_k_needs_scores_of_at_least_k_classes():
    with pytest.raises(ValueError, match="k = 4 is more than the 3 classes"):
        top_k_accuracy(4)(LABELS, SCORES)
    with pytest.raises(DTypeError, match=r"scores of shape \(..., n\)"):
        top_k_accuracy(1)(LABELS, LABELS)


def test_two_of_them_have_columns_of_their_own():
    metric = top_k_accuracy(1), top_k_accuracy(2), metrics.accuracy
    experiment = fn.Experiment(fn.Linear(2), fn.SoftmaxCrossEntropy(), fn.SGD(0.5), 4, 1, metrics=metric)
    run = fn.run(experiment, fn.data.parity(3))
    assert run.history["top_1_accuracy"] == run.history["accuracy"]
    assert run.history["top_2_accuracy"][-1] == 1.0


def test_auc_by_hand_is_the_share_of_pairs_in_order():
    assert roc_auc([0, 0, 1, 1], [1, 2, 3, 4]) == 1.0
    assert roc_auc([1, 1, 0, 0], [1, 2, 3, 4]) == 0.0
    assert roc_auc([0, 1], [5.0, 5.0]) == 0.5
    assert roc_auc([0, 1, 0, 1], [0.1, 0.2, 0.3, np.inf]) == 3 / 4


def test_auc_of_two_scores_is_that_of_their_difference():
    two = np.stack([-SCORES[:, 0], SCORES[:, 0]], axis=-1)
    assert roc_auc(BITS, two) == roc_auc(BITS, SCORES[:, 0])
    p = np.exp(two) / np.exp(two).sum(axis=-1, keepdims=True)
    assert roc_auc(BITS, p) == roc_auc(BITS, two)


def test_auc_needs_two_classes():
    with pytest.raises(ValueError, match="compares ones with zeros, but all targets are 1"):
        roc_auc([1, 1], [0.1, 0.2])
    with pytest.raises(ValueError, match="compares ones with zeros, but all targets are 0"):
        roc_auc([0, 0], [0.1, 0.2])
    with pytest.raises(ShapeError, match=r"roc_auc\(targets == k, scores\[..., k\]\)"):
        roc_auc(BITS, SCORES)


def test_log_loss_of_logits_is_refused():
    with pytest.raises(ValueError, match=r"takes probabilities, got .* at index \(0, 1\).*SoftmaxCrossEntropy"):
        metrics.log_loss([0], [[1.0, -3.0]])
    with pytest.raises(ValueError, match=r"must sum to 1, got the sum 0.5 at index \(1,\)"):
        metrics.log_loss([0, 1], [[0.5, 0.5], [0.25, 0.25]])


def test_log_loss_of_one_example_without_axes_is_checked_too():
    with pytest.raises(ValueError, match=r"takes probabilities, got 1.5 at index \(\)"):
        metrics.log_loss(1, 1.5)
    with pytest.raises(ValueError, match=r"must sum to 1, got the sum 0.5 at index \(\)"):
        metrics.log_loss(0, [0.25, 0.25])


def test_log_loss_is_the_loss_of_the_logits():
    value, _ = fn.SoftmaxCrossEntropy().forward(SCORES, LABELS)
    assert metrics.log_loss(LABELS, PROBABILITIES) == pytest.approx(value, rel=1e-12)


def test_log_loss_of_an_impossible_event_is_finite():
    for dtype in (np.float32, np.float64):
        expected = -np.log(float(np.finfo(dtype).tiny))
        assert metrics.log_loss([0], np.array([[0.0, 1.0]], dtype)) == pytest.approx(expected)


def test_r2_by_hand():
    assert metrics.r2([1.0, 2.0, 3.0], [2.0, 2.0, 2.0]) == 0.0
    assert metrics.r2([[1.0, 0.0], [3.0, 2.0]], [[1.0, 0.0], [3.0, 0.0]]) == (1 + (1 - 4 / 2)) / 2
    with pytest.raises(ValueError, match=r"targets that differ: all are 2.0$"):
        metrics.r2([2.0, 2.0], [1.0, 2.0])
    with pytest.raises(ValueError, match=r"in column 1$"):
        metrics.r2([[1.0, 2.0], [0.0, 2.0]], np.zeros((2, 2)))


def test_numbers_of_narrow_dtypes_are_summed_in_float64():
    assert metrics.mae(np.zeros(70_000, np.float16), np.full(70_000, 1e3, np.float16)) == 1e3
    assert metrics.rmse(np.zeros(10, np.float16), np.full(10, 1e3, np.float16)) == 1e3
    assert metrics.mae(np.array([250], np.uint8), np.array([255], np.uint8)) == 5.0


def test_a_column_of_targets_is_told_what_to_write():
    with pytest.raises(ShapeError, match=r"write target\[:, None\]"):
        metrics.mae(np.zeros(3), np.zeros((3, 1)))


# --- The report ---


def test_a_report_has_the_figures_of_the_table():
    report = report_dict(LABELS, SCORES, ["cat", "dog", "emu"])
    table = metrics.classification_report(LABELS, SCORES, ["cat", "dog", "emu"])
    for name in ("cat", "dog", "emu", "macro avg", "weighted avg"):
        cells = next(line for line in table.splitlines() if line.startswith(name)).removeprefix(name).split()
        figures = report[name]
        assert [*(f"{figures[key]:.4f}" for key in ("precision", "recall", "F1")), str(figures["support"])] == cells
    assert report["accuracy"] == accuracy(LABELS, SCORES)


def test_a_report_is_that_of_scikit_learn():
    theirs = pytest.importorskip("sklearn.metrics").classification_report
    ours = report_dict(LABELS, SCORES)
    for name, figures in theirs(LABELS, SCORES.argmax(axis=-1), output_dict=True, zero_division=0).items():
        if name == "accuracy":
            assert ours[name] == pytest.approx(figures)
        else:
            numbers = [figures[key] for key in ("precision", "recall", "f1-score", "support")]
            assert [*ours[name].values()] == pytest.approx(numbers)


@pytest.mark.parametrize("names", [["a", "a", "b"], ["a", "b", "accuracy"], ["macro avg", "b", "c"]])
def test_names_that_are_lost_in_a_dict_are_refused(names):
    with pytest.raises(ValueError, match="names must be distinct"):
        report_dict(LABELS, SCORES, names)


@pytest.mark.parametrize("rows", [np.eye(2)[[0, 1, 1]], np.eye(3, dtype=int), np.eye(3, dtype=bool)[[0, 0]]])
def test_one_ranking_of_the_scores_of_all_classes_is_refused(rows):
    with pytest.raises(ValueError, match=r"one-hot rows: for class k .*\(targets\[..., k\], scores\[..., k\]\)"):
        metrics.roc_auc(rows, rows * 0.5)


def test_bits_of_several_labels_share_a_ranking():
    assert metrics.roc_auc([[0, 1], [1, 1]], [[0.1, 0.5], [0.6, 0.7]]) == 1.0
    assert metrics.roc_auc([[0, 1]], [[0.1, 0.5]]) == 1.0


@pytest.mark.parametrize(("targets", "got"), [([0, -1, 1], "-1"), ([0, 2, 1], "2"), ([0, 0.5, 1], "0.5")])
def test_what_is_no_bit_is_named(targets, got):
    with pytest.raises(ValueError, match=rf"^targets must be 0 or 1, got {got} at index \(1,\)$"):
        metrics.roc_auc(targets, [0.1, 0.2, 0.3])


@pytest.mark.parametrize("size", [1e-300, 1e-160, 1.0, 1e160, 1e300])
def test_squares_neither_overflow_nor_vanish(size):
    targets, predictions = np.array([3.0, 1.0, -2.0]) * size, np.array([3.0, 0.0, -1.0]) * size
    assert metrics.r2(targets, predictions) == pytest.approx(1 - 2 / (38 / 3), rel=1e-14)
    assert metrics.rmse(targets, predictions) == pytest.approx((2 / 3) ** 0.5 * size, rel=1e-14)
    columns = np.stack([targets, targets / size], axis=-1), np.stack([predictions, predictions / size], axis=-1)
    assert metrics.r2(*columns) == pytest.approx(1 - 2 / (38 / 3), rel=1e-14)


@pytest.mark.parametrize("metric", [metrics.r2, metrics.mae, metrics.rmse])
def test_no_prediction_is_near_an_infinite_target(metric):
    with pytest.raises(ValueError, match=r"targets must be finite: there is an infinite one at index \(1,\)"):
        metric([0.0, np.inf, 1.0], [0.0, np.inf, 1.0])
    assert np.isinf(metric([0.0, 1.0], [0.0, np.inf]))


def test_probabilities_that_rounding_has_moved_above_1_are_1():
    p = np.array([[1.0000001, 0.0], [0.0, 1.0]], np.float32)
    assert str(metrics.log_loss([0, 1], p)) == str(metrics.log_loss([1, 1], p[:, 0] * 0 + 1)) == "0.0"
    with pytest.raises(ValueError, match="log_loss takes probabilities, got 1"):
        metrics.log_loss([0, 1], p * np.float32(1.00001))
