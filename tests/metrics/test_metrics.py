"""The metrics against their formulas, by hand and as laws."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from funcnet.errors import DTypeError, ShapeError
from funcnet.metrics import accuracy, classification_report, confusion_matrix
from funcnet.numerics.targets import are_one_hot

LABELS = [0, 0, 0, 1, 1, 2]
PREDICTED = [0, 0, 1, 1, 2, 0]  # three of six right
MATRIX = [[2, 1, 0], [0, 1, 1], [1, 0, 0]]
METRICS = (accuracy, confusion_matrix, classification_report)


@st.composite
def compared(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """Labels and predictions of one shape, at least one example."""
    shape = draw(st.sampled_from([(), (1,), (7,), (2, 3)]))
    draw_labels = st.lists(st.integers(0, 4), min_size=int(np.prod(shape)), max_size=int(np.prod(shape)))
    labels, predicted = (np.array(draw(draw_labels), dtype=np.int64).reshape(shape) for _ in range(2))
    assume(shape != (2, 3) or not are_one_hot(labels).all())  # rows that are one-hot would be an error
    return labels, predicted


def scores_of(predicted: np.ndarray, n: int) -> np.ndarray:
    """Scores whose argmax is `predicted`."""
    return -np.abs(np.arange(n) - np.asarray(predicted)[..., None]).astype(np.float32)


def rows_of(report: str) -> dict[str, list[str]]:
    """The cells of every row of a report, by name; no name here is longer than "weighted avg"."""
    lines = [line for line in report.splitlines() if line]
    return {line[:14].strip(): line[14:].split() for line in lines}


def test_accuracy_is_the_share_of_hits() -> None:
    assert accuracy(LABELS, PREDICTED) == 3 / 6
    assert accuracy(3, 3) == 1.0
    assert type(accuracy(LABELS, PREDICTED)) is float


def test_confusion_matrix_has_true_classes_as_rows() -> None:
    matrix = confusion_matrix(LABELS, PREDICTED)
    assert matrix.dtype == np.int64
    np.testing.assert_array_equal(matrix, MATRIX)


def test_a_report_by_hand() -> None:
    # Predicted 3, 2, 1 times; support 3, 2, 1; hits 2, 1, 0. Every precision is its recall and so its F1.
    # Macro: (2/3 + 1/2 + 0) / 3 = 7/18; weighted: (3 * 2/3 + 2 * 1/2 + 0) / 6 = 1/2.
    assert classification_report(LABELS, PREDICTED) == "\n".join(
        [
            "class         precision  recall      F1  support",
            "0                0.6667  0.6667  0.6667        3",
            "1                0.5000  0.5000  0.5000        2",
            "2                0.0000  0.0000  0.0000        1",
            "",
            "accuracy                         0.5000        6",
            "macro avg        0.3889  0.3889  0.3889        6",
            "weighted avg     0.5000  0.5000  0.5000        6",
        ]
    )


def test_precision_and_recall_are_not_mixed_up() -> None:
    # "b" was said three times and right once; its only example was found. F1 = 2 * 1 / (3 + 1).
    rows = rows_of(classification_report([0, 0, 0, 1], [0, 1, 1, 1], names=["a", "b"]))
    assert rows["b"] == ["0.3333", "1.0000", "0.5000", "1"]
    assert rows["a"] == ["1.0000", "0.3333", "0.5000", "3"]
    assert rows["macro avg"] == ["0.6667", "0.6667", "0.5000", "4"]
    assert rows["weighted avg"] == ["0.8333", "0.5000", "0.5000", "4"]  # (3 * 1 + 1/3) / 4, (3 * 1/3 + 1) / 4


def test_a_class_that_is_never_seen_or_never_predicted_counts_as_0() -> None:
    rows = rows_of(classification_report([0, 0, 1], [0, 0, 0], names=["a", "b", "c"]))
    assert rows["b"] == ["0.0000", "0.0000", "0.0000", "1"]
    assert rows["c"] == ["0.0000", "0.0000", "0.0000", "0"]
    assert rows["macro avg"][1] == "0.3333"


@given(compared())
def test_rows_sum_to_supports_and_columns_to_predictions(pair: tuple[np.ndarray, np.ndarray]) -> None:
    labels, predicted = pair
    matrix = confusion_matrix(labels, predicted, 5)
    assert matrix.shape == (5, 5)
    for k in range(5):
        assert matrix[k].sum() == np.sum(labels == k)
        assert matrix[:, k].sum() == np.sum(predicted == k)


@given(compared())
def test_accuracy_is_the_trace_over_the_sum(pair: tuple[np.ndarray, np.ndarray]) -> None:
    matrix = confusion_matrix(*pair)
    assert accuracy(*pair) == pytest.approx(np.trace(matrix) / matrix.sum(), abs=1e-15)


@given(compared(), st.randoms(use_true_random=False))
def test_the_order_of_examples_changes_nothing(pair: tuple[np.ndarray, np.ndarray], random: Random) -> None:
    labels, predicted = (array.ravel() for array in pair)
    order = list(range(labels.size))
    random.shuffle(order)
    for metric in METRICS:
        np.testing.assert_array_equal(metric(labels, predicted), metric(labels[order], predicted[order]))


@given(compared())
def test_scores_count_as_their_argmax(pair: tuple[np.ndarray, np.ndarray]) -> None:
    labels, predicted = pair
    scores = scores_of(predicted, 5)
    assert accuracy(labels, scores) == accuracy(labels, predicted)
    np.testing.assert_array_equal(confusion_matrix(labels, scores), confusion_matrix(labels, predicted, 5))
    names = list("abcde")
    assert classification_report(labels, scores, names) == classification_report(labels, predicted, names)


@pytest.mark.parametrize("seed", range(20))
def test_as_scikit_learn_has_it(seed: int) -> None:
    sklearn = pytest.importorskip("sklearn.metrics")
    generator = np.random.default_rng(seed)
    n = generator.integers(2, 8)
    labels, predicted = generator.integers(0, n, size=(2, generator.integers(1, 15)))
    given = {"labels": range(n), "zero_division": 0}
    matrix = sklearn.confusion_matrix(labels, predicted, labels=range(n))
    np.testing.assert_array_equal(confusion_matrix(labels, predicted, n), matrix)
    rows = rows_of(classification_report(labels, predicted, [f"class {k}" for k in range(n)]))
    by_class = zip(*sklearn.precision_recall_fscore_support(labels, predicted, **given), strict=True)
    for k, numbers in enumerate(by_class):
        assert [float(cell) for cell in rows[f"class {k}"]] == pytest.approx(numbers, abs=5.1e-5)
    for average in ("macro", "weighted"):
        numbers = sklearn.precision_recall_fscore_support(labels, predicted, **given, average=average)
        assert [float(cell) for cell in rows[f"{average} avg"][:3]] == pytest.approx(numbers[:3], abs=5.1e-5)
    assert float(rows["accuracy"][0]) == pytest.approx(sklearn.accuracy_score(labels, predicted), abs=5.1e-5)


def test_small_integers_bools_and_lists_are_labels() -> None:
    # 15 * 16 + 15 would not fit in int8.
    assert confusion_matrix(np.int8([15, 0]), np.uint8([15, 0]))[15, 15] == 1
    np.testing.assert_array_equal(confusion_matrix([True, False], np.array([[True], [True]])[:, 0]), [[0, 1], [0, 1]])


def test_the_first_of_equal_scores_wins() -> None:
    assert accuracy([1], [[0, 2, 2]]) == 1.0


def test_nothing_given_is_changed() -> None:
    labels, predicted = np.array(LABELS), np.array(PREDICTED)
    for metric in METRICS:
        metric(labels, predicted)
    assert labels.tolist() == LABELS
    assert predicted.tolist() == PREDICTED


@pytest.mark.parametrize("metric", [accuracy, classification_report])
@pytest.mark.parametrize("predictions", [[], np.zeros((0, 3))])
def test_no_examples_have_no_accuracy(metric: Callable[..., Any], predictions: object) -> None:
    with pytest.raises(ValueError, match="at least one example, got none"):
        metric([], predictions)


def test_no_examples_have_a_confusion_matrix_of_zeros() -> None:
    np.testing.assert_array_equal(confusion_matrix([], np.zeros((0, 3))), np.zeros((3, 3)))
    assert confusion_matrix([], []).shape == (0, 0)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize(
    ("labels", "predictions", "error", "words"),
    [
        (np.zeros((2, 3)), np.array([0, 1]), DTypeError, r"float64 of shape \(2, 3\) and int64 of shape \(2,\)"),
        (np.zeros(2), np.array([0, 1]), DTypeError, r"float64 of shape \(2,\) and int64 of shape \(2,\)"),
        (np.array([0, 1]), np.zeros(2), DTypeError, r"int64 of shape \(2,\) and float64 of shape \(2,\)"),
        (np.array([0, 1]), np.zeros((2, 3), complex), DTypeError, r"complex128 of shape \(2, 3\)"),
        (np.array(["a", "b"]), np.array([0, 1]), DTypeError, r"<U1 of shape \(2,\)"),
        (np.array([0, 1]), np.array([0, 1, 1]), ShapeError, r"shape \(2,\) and int64 of shape \(3,\)"),
        (np.array([0, 1]), np.zeros((3, 2)), ShapeError, r"shape \(2,\) and float64 of shape \(3, 2\)"),
        (np.array([[0], [1]]), np.array([0, 1]), ShapeError, r"shape \(2, 1\) and int64 of shape \(2,\)"),
        (np.array([0, 1]), np.zeros((2, 1, 1)), ShapeError, r"shape \(2,\) and float64 of shape \(2, 1, 1\)"),
    ],
)
def test_wrong_labels_are_refused(
    metric: Callable[..., Any], labels: object, predictions: object, error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match="labels come first.*" + words):
        metric(labels, predictions)


def test_labels_outside_the_classes_are_named() -> None:
    with pytest.raises(ValueError, match=r"^label 3 at index \(1,\) is not in 0..2 \(n = 3 classes\)$"):
        confusion_matrix([0, 3], [0, 1], 3)
    with pytest.raises(ValueError, match=r"^label -1 at index \(1, 0\) is not in 0..1 "):
        confusion_matrix([[0], [-1]], [[0], [1]])
    with pytest.raises(ValueError, match=r"^prediction 3 at index \(0,\) is not in 0..2 "):
        confusion_matrix([0, 1], [3, 1], 3)
    with pytest.raises(ValueError, match=r"^label 2 at index \(1,\) is not in 0..1 "):
        classification_report([0, 2], [0, 1], names=["a", "b"])


@pytest.mark.parametrize("metric", METRICS)
def test_scores_that_cannot_reach_a_label_are_an_error(metric: Callable[..., Any]) -> None:
    with pytest.raises(ValueError, match=r"^label 1 at index \(1,\) is not in 0..0 \(n = 1 classes\)$"):
        metric([0, 1], np.array([[0.1], [0.9]]))


def test_n_classes_must_be_the_number_of_scores() -> None:
    with pytest.raises(ValueError, match="expected 3 classes, one for each score, got 4"):
        confusion_matrix([0, 1], np.zeros((2, 3)), 4)
    with pytest.raises(ValueError, match="expected 3 classes, one for each score, got 2"):
        classification_report([0, 1], np.zeros((2, 3)), names=["a", "b"])
