"""Every metric with targets and predictions that it takes."""

import attrs
import numpy as np
import pytest

from funcnet import metrics

DRAWS = np.random.default_rng(0)
LABELS, SCORES = DRAWS.integers(0, 3, 20), DRAWS.standard_normal((20, 3))
PROBABILITIES = np.exp(SCORES) / np.exp(SCORES).sum(axis=-1, keepdims=True)
BITS, NUMBERS, PREDICTED = DRAWS.integers(0, 2, 20), DRAWS.standard_normal(20), DRAWS.standard_normal(20)


@attrs.frozen(eq=False)
class Case:
    """A metric, targets, predictions, and the name of the metric in scikit-learn with the arguments that it needs."""

    metric: object
    targets: np.ndarray
    predictions: np.ndarray
    theirs: str = ""
    options: dict = attrs.Factory(dict)

    def __str__(self):
        return getattr(self.metric, "__name__", type(self.metric).__name__)


CASES = [
    Case(metrics.accuracy, LABELS, SCORES),
    Case(metrics.binary_accuracy(0), BITS, PREDICTED),
    Case(metrics.top_k_accuracy(2), LABELS, SCORES, "top_k_accuracy_score", {"k": 2}),
    Case(metrics.top_k_accuracy(1), LABELS, SCORES, "top_k_accuracy_score", {"k": 1}),
    Case(metrics.confusion_matrix, LABELS, SCORES),
    Case(metrics.classification_report, LABELS, SCORES),
    Case(metrics.report_dict, LABELS, SCORES),
    Case(metrics.log_loss, LABELS, PROBABILITIES, "log_loss"),
    Case(metrics.log_loss, BITS, 1 / (1 + np.exp(PREDICTED)), "log_loss"),
    Case(metrics.roc_auc, BITS, PREDICTED, "roc_auc_score"),
    Case(metrics.roc_auc, BITS, np.round(PREDICTED), "roc_auc_score"),  # with ties
    Case(metrics.r2, NUMBERS, PREDICTED, "r2_score"),
    Case(metrics.r2, NUMBERS.reshape(10, 2), PREDICTED.reshape(10, 2), "r2_score"),
    Case(metrics.mae, NUMBERS, PREDICTED, "mean_absolute_error"),
    Case(metrics.rmse, NUMBERS, PREDICTED, "root_mean_squared_error"),
]
every_case = pytest.mark.parametrize("case", CASES, ids=str)
of_classes = pytest.mark.parametrize("case", [case for case in CASES if case.targets is LABELS], ids=str)
of_numbers = pytest.mark.parametrize("case", CASES[11:], ids=str)
_TABLES = metrics.confusion_matrix, metrics.classification_report, metrics.report_dict
every_number = pytest.mark.parametrize("case", [case for case in CASES if case.metric not in _TABLES], ids=str)
