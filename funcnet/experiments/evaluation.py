"""The loss and the metrics of a model on whole datasets."""

from __future__ import annotations

from typing import Any

import numpy as np

from funcnet.data import Dataset
from funcnet.experiments.experiment import Experiment, Metric
from funcnet.experiments.history import NOT_METRICS
from funcnet.layers.inputs import apply
from funcnet.layers.layer import Layer
from funcnet.losses.binary_cross_entropy import BinaryCrossEntropy, SigmoidBinaryCrossEntropy
from funcnet.losses.loss import Loss
from funcnet.losses.softmax_cross_entropy import SoftmaxCrossEntropy
from funcnet.metrics import accuracy, binary_accuracy
from funcnet.tree import read_only

_TEST = "test "
_ROWS = 4096  # of a dataset at a time; products round differently with another number, and the history would change
_TAKEN = (*NOT_METRICS, "loss")


def metrics_of(experiment: Experiment, train: Dataset, test: Dataset | None) -> dict[str, Metric]:
    """The experiment's metrics by name.

    The default is accuracy if the loss is one for classification and the targets are labels or 0 and 1, else no metric.
    Raises ValueError if names are not distinct, or if early_stopping or keep_best watches a metric that is not there.
    """
    metrics = _default(experiment.loss, train) if experiment.metrics is None else experiment.metrics
    named = {getattr(metric, "__name__", type(metric).__name__): metric for metric in metrics}
    if len(named) < len(metrics) or not named.keys().isdisjoint(_TAKEN):
        raise ValueError(f"metrics must have distinct names other than {', '.join(_TAKEN)}, got {list(named)}")
    columns = [prefix + name for prefix in ("", *([_TEST] if test is not None else [])) for name in ("loss", *named)]
    for watch in (experiment.early_stopping, experiment.keep_best):
        if watch is not None and watch.metric not in columns:
            raise ValueError(f"{type(watch).__name__} watches {watch.metric!r}; the metrics are {', '.join(columns)}")
    return named


def _default(loss: Loss, train: Dataset) -> tuple[Metric, ...]:
    if isinstance(loss, SoftmaxCrossEntropy):
        return (accuracy,) if train.y.dtype.kind in "iu" else ()
    if isinstance(loss, BinaryCrossEntropy | SigmoidBinaryCrossEntropy) and np.isin(train.y, (0, 1)).all():
        return (binary_accuracy(0.5 if isinstance(loss, BinaryCrossEntropy) else 0.0),)
    return ()


def evaluate(
    experiment: Experiment, metrics: dict[str, Metric], params: Any, train: Dataset, test: Dataset | None
) -> dict[str, float]:
    """The loss, without penalty, and the metrics of the inference model on both datasets."""
    values = {}
    for prefix, dataset in (("", train), (_TEST, test)):
        if dataset is not None:
            y = read_only(predictions(experiment.model, params, dataset))
            values[f"{prefix}loss"] = float(experiment.loss.forward(y, dataset.y)[0])
            for name, metric in metrics.items():
                values[prefix + name] = _number(metric(dataset.y, y), name)
    return values


def predictions(model: Layer, params: Any, dataset: Dataset) -> Any:
    """`model.apply(params, dataset.x)`, a part of the rows at a time: all activations may not fit into memory."""
    if len(dataset) <= _ROWS:
        return apply(model, params, dataset.x)
    parts = [dataset.take(slice(start, start + _ROWS)) for start in range(0, len(dataset), _ROWS)]
    return np.concatenate([apply(model, params, part.x) for part in parts])


def _number(value: Any, name: str) -> float:
    try:
        return float(value)
    except (TypeError, ValueError) as error:
        raise TypeError(f"the metric {name} must return a number, got {value!r}") from error
