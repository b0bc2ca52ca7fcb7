"""Measures of predictions. Targets come first, predictions second, as in scikit-learn.

Predictions of classes are integers of the shape of the labels (...), or scores (..., n) such as logits, which predict
the class with the highest score; of equal scores the first one wins. Labels may be one-hot rows (..., n). A NaN among
predictions is an error.
"""

# fmt: off
from funcnet.metrics.accuracies import accuracy, binary_accuracy, top_k_accuracy
from funcnet.metrics.probabilities import log_loss, roc_auc
from funcnet.metrics.regression import mae, r2, rmse
from funcnet.metrics.reports import classification_report, confusion_matrix, report_dict

__all__ = [
    "accuracy", "binary_accuracy", "classification_report", "confusion_matrix", "log_loss", "mae", "r2", "report_dict",
    "rmse", "roc_auc", "top_k_accuracy",
]
