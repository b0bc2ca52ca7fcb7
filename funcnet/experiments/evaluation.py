"""The loss and the metrics of a model on whole datasets."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from funcnet.experiments.datasets import Datasets
from funcnet.experiments.experiment import Experiment, Metric
from funcnet.experiments.history import NOT_METRICS
from funcnet.experiments.prediction import outputs, threshold_of
from funcnet.losses.loss import Loss
from funcnet.losses.softmax_cross_entropy import SoftmaxCrossEntropy
from funcnet.metrics import accuracy, binary_accuracy
from funcnet.tree import Array, read_only

_TAKEN = (*NOT_METRICS, "loss")


def metrics_of(experiment: Experiment, data: Datasets) -> dict[str, Metric]:
    """The experiment's metrics by name.

    The default is accuracy if the loss is one for classification and the targets are labels or 0 and 1, else no metric.
    Raises ValueError if names are not distinct, or if early_stopping or keep_best watches a metric that is not there.
    """
    metrics = _default(experiment.loss, data.train.y) if experiment.metrics is None else experiment.metrics
    named = {getattr(metric, "__name__", type(metric).__name__): metric for metric in metrics}
    if len(named) < len(metrics) or not named.keys().isdisjoint(_TAKEN):
        raise ValueError(f"metrics must have distinct names other than {', '.join(_TAKEN)}, got {list(named)}")
    columns = [prefix + name for prefix, _ in data.prefixed() for name in ("loss", *named)]
    for watch in (experiment.early_stopping, experiment.keep_best):
        if watch is not None and watch.metric not in columns:
            raise ValueError(f"{type(watch).__name__} watches {watch.metric!r}; the metrics are {', '.join(columns)}")
    return named


def _default(loss: Loss, targets: Array) -> tuple[Metric, ...]:
    if isinstance(loss, SoftmaxCrossEntropy):
        return (accuracy,) if targets.dtype.kind in "iu" else ()
    threshold = threshold_of(loss)
    return () if threshold is None or not np.isin(targets, (0, 1)).all() else (binary_accuracy(threshold),)


def evaluate(experiment: Experiment, metrics: dict[str, Metric], params: Any, data: Datasets) -> dict[str, float]:
    """The loss, without penalty, and the metrics of the inference model on each of the datasets."""
    values = {}
    for prefix, dataset in data.prefixed():
        y = read_only(outputs(experiment.model, params, dataset.x))
        on_it = measured(experiment.loss, metrics, dataset.y, y)
        values.update({prefix + name: value for name, value in on_it.items()})
    return values


def measured(loss: Loss, metrics: dict[str, Metric], targets: Array, y: Array) -> dict[str, float]:
    """The loss and the metrics of the outputs y; metrics are NaN where the loss is, since they may refuse NaN."""
    value = float(loss.forward(y, targets)[0])
    unknown = math.isnan(value)
    return {"loss": value} | {
        name: math.nan if unknown else _number(metric(targets, y), name) for name, metric in metrics.items()
    }


def _number(value: Any, name: str) -> float:
    try:
        if isinstance(value, str | bytes):
            raise TypeError("a string is not a number, even if it can be read as one")
        return float(value)
    except (TypeError, ValueError) as error:
        got = f"an array of shape {value.shape}" if isinstance(value, np.ndarray) else repr(value)
        raise TypeError(f"the metric {name} must return a number, got {got}") from error
