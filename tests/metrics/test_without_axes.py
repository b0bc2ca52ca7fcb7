"""Metrics of one number, which has no axes, refuse what they refuse in arrays."""

import numpy as np
import pytest

import funcnet as fn


@pytest.mark.parametrize(
    ("metric", "targets", "predictions"),
    [(fn.metrics.mae, np.inf, 1.0), (fn.metrics.binary_accuracy(), 5, 0.5), (fn.metrics.log_loss, 1, 1.5)],
)
def test_wrong_numbers_without_axes_are_errors(metric, targets, predictions):
    with pytest.raises(ValueError, match=r"at index \(\)"):
        metric(targets, predictions)
