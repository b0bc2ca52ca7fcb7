"""What a trained model predicts: outputs, probabilities and labels, a part of the rows at a time."""

from __future__ import annotations

from typing import Any

import numpy as np

from funcnet.layers.activations import Sigmoid
from funcnet.layers.inputs import apply
from funcnet.layers.layer import Layer
from funcnet.layers.softmax import Softmax
from funcnet.losses.binary_cross_entropy import BinaryCrossEntropy, SigmoidBinaryCrossEntropy
from funcnet.losses.loss import Loss
from funcnet.losses.softmax_cross_entropy import SoftmaxCrossEntropy
from funcnet.tree import Array, Flow, map_flow

_ROWS = 4096  # at a time; products round differently with another number, and the history would change


def outputs(model: Layer, params: Any, x: Flow) -> Any:
    """`model.apply(params, x)`, a part of the rows at a time: all activations may not fit into memory."""
    n = _n_rows(x)
    if n <= _ROWS:
        return apply(model, params, x)
    return np.concatenate([apply(model, params, _rows(x, start, start + _ROWS)) for start in range(0, n, _ROWS)])


def _n_rows(x: Flow) -> int:
    """The number of rows of an array, or of the first array of a tuple."""
    return _n_rows(x[0]) if isinstance(x, tuple) else len(x)


def _rows(x: Flow, start: int, stop: int) -> Flow:
    """The rows from `start` to `stop` of each array."""
    return map_flow(lambda array: array[start:stop], x)


def probabilities(loss: Loss, y: Array) -> Any:
    """The probabilities of the outputs y of a model that was trained with `loss`.

    Raises TypeError for a loss that is not one for classification.
    """
    if isinstance(loss, SoftmaxCrossEntropy):
        return Softmax().apply((), y)
    if isinstance(loss, SigmoidBinaryCrossEntropy):
        return Sigmoid().apply((), y)
    if isinstance(loss, BinaryCrossEntropy):
        return y
    raise TypeError(f"{loss!r} does not say how outputs become probabilities: use predict, or model.apply(params, x)")


def threshold_of(loss: Loss) -> float | None:
    """The output above which a model trained with `loss` predicts 1; None for a loss that is not one of 0 and 1."""
    if isinstance(loss, BinaryCrossEntropy):
        return 0.5
    return 0.0 if isinstance(loss, SigmoidBinaryCrossEntropy) else None


def predicted(loss: Loss, y: Array) -> Any:
    """The labels that the outputs y say, where `loss` is one for classification; else y.

    >>> import funcnet as fn
    >>> predicted(fn.SoftmaxCrossEntropy(), np.array([[0.5, 1.0, 0.0]]))
    array([1])
    """
    if isinstance(loss, SoftmaxCrossEntropy):
        return np.argmax(y, axis=-1)
    threshold = threshold_of(loss)
    return y if threshold is None else (y > threshold).astype(np.int64)
