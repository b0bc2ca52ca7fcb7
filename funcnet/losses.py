"""What a network is trained to make small. A loss is a value with two pure functions.

`forward(y, target) -> (value, cache)` and `backward(cache) -> dy`. `reduction` says over what losses are averaged:
"mean", every element (every example for `SoftmaxCrossEntropy`); "batch", every example, the feature axis summed;
"sum", nothing. Below, N is how many losses that averages: 1 for "sum". `value` is a scalar of the dtype of y. The mean
of nothing raises ValueError. The formulas: Bishop, Pattern Recognition and Machine Learning, 2006, chapters 4 and 5.
"""

from __future__ import annotations

import math
from typing import Any, Protocol

import attrs
import numpy as np

from funcnet.arrays import SHORT_ROW, Array, Shape, as_array, as_dtype, as_floating, wide, wide_sum
from funcnet.errors import ShapeError
from funcnet.layer import Cache, saved_by
from funcnet.layers.activations import sigmoid, softplus
from funcnet.layers.softmax import shifted, sum_of_others
from funcnet.specification import specification


class Loss(Protocol):
    """`forward(y, target) -> (value, cache)` and `backward(cache) -> dy`."""

    def forward(self, y: Array, target: Array) -> tuple[Any, Any]:
        """The loss, a scalar, and what `backward` needs."""

    def backward(self, cache: Any) -> Array:
        """Its gradient with respect to y, of the shape and dtype of y."""


def _is_reduction(instance: object, attribute: object, value: object) -> None:
    if value not in ("mean", "batch", "sum"):
        raise ValueError(f'reduction must be "mean", "batch" or "sum", got {value!r}')


def _divisor(reduction: str, shape: Shape) -> int:
    """By what the sum of the losses of y of this shape is divided."""
    count = 1 if reduction == "sum" else math.prod(shape if reduction == "mean" else shape[:-1])
    if count == 0:
        raise ValueError(f'the mean of no losses, y has the shape {shape}; reduction="sum" gives 0')
    return count


def _reduced(losses: Array, divisor: int, dtype: np.dtype[Any]) -> Any:
    """Their sum over the divisor, as a scalar of the dtype."""
    value = wide_sum(losses) / divisor
    return value if type(value) is dtype.type else as_dtype(value, dtype)[()]


def _same_shape(y: Any, target: Any) -> tuple[Array, Array]:
    """y, and the target in its dtype."""
    y = as_floating(y)
    target = as_array(target, y.dtype)
    if y.shape != target.shape:
        raise ShapeError(f"expected y and target of one shape, got {y.shape} and {target.shape}")
    return y, target


def _check_probabilities(name: str, p: Array) -> None:
    outside = p[~((p >= 0) & (p <= 1))]
    if outside.size:
        raise ValueError(f"expected {name} in [0, 1], got {outside.flat[0]}")


@specification
class MeanSquaredError:
    """sum((y - target)**2) / N, y and target (...); dy = 2 * (y - target) / N.

    Raises ShapeError if y and target differ in shape.

    >>> loss = MeanSquaredError()
    >>> value, cache = loss.forward(np.array([1.0, 3.0]), np.array([1.0, 1.0]))
    >>> float(value), loss.backward(cache)
    (2.0, array([0., 2.]))
    """

    reduction: str = attrs.field(default="mean", validator=_is_reduction)

    def forward(self, y: Array, target: Array) -> tuple[Any, Cache]:
        y, target = _same_shape(y, target)
        divisor, error = _divisor(self.reduction, y.shape), y - target
        squares = np.square(error, dtype=wide(y.dtype))
        return _reduced(squares, divisor, y.dtype), Cache(self, y.shape, (error, divisor))

    def backward(self, cache: Cache) -> Array:
        error, divisor = saved_by(self, cache)
        dy: Array = error * (2 / divisor)
        return dy


@specification
class SigmoidBinaryCrossEntropy:
    """sum(-(t * log(p) + (1 - t) * log(1 - p))) / N with p = sigmoid(y), logits y and targets t (...) in [0, 1].

    dy = (p - t) / N, computed so that no digits are lost where p is close to t.
    Raises ShapeError if y and target differ in shape, ValueError if a target is not in [0, 1].

    >>> loss = SigmoidBinaryCrossEntropy()
    >>> value, cache = loss.forward(np.array([0.0]), np.array([1.0]))
    >>> round(float(value), 6), loss.backward(cache)
    (0.693147, array([-0.5]))
    """

    reduction: str = attrs.field(default="mean", validator=_is_reduction)

    def forward(self, y: Array, target: Array) -> tuple[Any, Cache]:
        y, target = _same_shape(y, target)
        _check_probabilities("targets", target)
        divisor = _divisor(self.reduction, y.shape)
        losses = target * softplus(-y) + (1 - target) * softplus(y)
        return _reduced(losses, divisor, y.dtype), Cache(self, y.shape, (y, target, divisor))

    def backward(self, cache: Cache) -> Array:
        y, target, divisor = saved_by(self, cache)
        dy: Array = ((1 - target) * sigmoid(y) - target * sigmoid(-y)) * (1 / divisor)
        return dy


@specification
class BinaryCrossEntropy:
    """sum(-(t * log(p) + (1 - t) * log(1 - p))) / N, probabilities p = y and targets t (...), both in [0, 1].

    dy = ((1 - t) / (1 - p) - t / p) / N. A probability below the smallest normal number of its dtype (1.2e-38 in
    float32) counts as that number, under the logarithm and in the quotient: p = 0 with target 1 is bad, not infinite.
    With logits at hand, `SigmoidBinaryCrossEntropy` is the better choice.
    Raises ShapeError if y and target differ in shape, ValueError if one of them is not in [0, 1].

    >>> loss = BinaryCrossEntropy()
    >>> value, cache = loss.forward(np.array([0.5]), np.array([1.0]))
    >>> round(float(value), 6), loss.backward(cache)
    (0.693147, array([-2.]))
    """

    reduction: str = attrs.field(default="mean", validator=_is_reduction)

    def forward(self, y: Array, target: Array) -> tuple[Any, Cache]:
        y, target = _same_shape(y, target)
        _check_probabilities("y", y)
        _check_probabilities("targets", target)
        divisor, least = _divisor(self.reduction, y.shape), np.finfo(y.dtype).tiny
        p, q = np.maximum(y, least), np.maximum(1 - y, least)
        log_q = np.where(y < 0.5, np.log1p(-np.minimum(y, 0.5)), np.log(q))  # 1 - y has lost what a small y is
        losses = -(target * np.log(p) + (1 - target) * log_q)
        return _reduced(losses, divisor, y.dtype), Cache(self, y.shape, (p, q, target, divisor))

    def backward(self, cache: Cache) -> Array:
        p, q, target, divisor = saved_by(self, cache)
        dy: Array = ((1 - target) / q - target / p) * (1 / divisor)
        return dy


@specification
class SoftmaxCrossEntropy:
    """sum(-t * log(softmax(y))) / N, logits y (..., n).

    The target is integer labels (...,), for which t is 1 at the label and 0 elsewhere, or the t (..., n) themselves;
    they need not sum to 1. dy = (sum(t) * softmax(y) - t) / N, computed so that no digits are lost where the two are
    close. Raises ValueError for a label outside 0..n-1, ShapeError or TypeError for targets of another form.

    >>> loss = SoftmaxCrossEntropy()
    >>> value, cache = loss.forward(np.array([[0.0, 0.0], [0.0, 0.0]]), np.array([0, 1]))
    >>> round(float(value), 6), loss.backward(cache)
    (0.693147, array([[-0.25,  0.25],
           [ 0.25, -0.25]]))
    """

    reduction: str = attrs.field(default="mean", validator=_is_reduction)

    def forward(self, y: Array, target: Array) -> tuple[Any, Cache]:
        y, target = as_floating(y), np.asarray(target)
        if y.ndim == 0:
            raise ShapeError("expected logits of shape (..., n), got ()")
        divisor = _divisor("sum" if self.reduction == "sum" else "batch", y.shape)
        of = _of_distributions if target.shape == y.shape else _of_labels
        losses, backward, saved = of(y, target)
        return _reduced(losses, divisor, y.dtype), Cache(self, y.shape, (backward, saved, y.dtype, divisor))

    def backward(self, cache: Cache) -> Array:
        backward, saved, dtype, divisor = saved_by(self, cache)
        return as_dtype(backward(*saved, 1 / divisor), dtype).reshape(cache.shape)


def _of_labels(y: Array, labels: Array) -> tuple[Array, Any, tuple[Any, ...]]:
    """-log(softmax(y)) at the label, from the sum of the exponentials of all others, which loses no digits near 0."""
    n = y.shape[-1]
    if labels.shape != y.shape[:-1] or labels.dtype.kind not in "iu":
        raise ShapeError(
            f"expected integer labels of shape {y.shape[:-1]} or probabilities of shape {y.shape}, "
            f"got {labels.dtype} of shape {labels.shape}"
        )
    classes, size = checked_classes("label", labels, n).reshape(-1), labels.size
    if n < SHORT_ROW:  # class by class: NumPy's inner loops are as long as the batch
        axis, table, at_label = 0, y.reshape(size, n).T.copy(), classes * size + np.arange(size)
    else:
        axis, table, at_label = 1, y.reshape(size, n), classes + np.arange(0, y.size, n)
    table = shifted(table, axis)
    logits = table.reshape(-1)
    exponentials = np.exp(logits)
    of_label = exponentials[at_label]
    exponentials[at_label] = 0
    of_others = exponentials.reshape(table.shape)
    others = wide_sum(of_others, axis)
    losses = np.log1p(others + (of_label - 1)) - logits[at_label]
    return losses, _labels_backward, (of_others, of_label, others, at_label, axis)


def _labels_backward(
    of_others: Array, of_label: Array, others: Array, at_label: Array, axis: int, weight: float
) -> Array:
    scale = weight / (others + of_label)
    flat = (of_others * (scale if axis == 0 else scale[:, None])).reshape(-1)
    flat[at_label] = -others * scale
    dy: Array = flat.reshape(of_others.shape)
    return dy.T if axis == 0 else dy


def _of_distributions(y: Array, target: Array) -> tuple[Array, Any, tuple[Array, ...]]:
    """-t * log(softmax(y)), and what its gradient p * sum(t) - t needs so that no digits are lost where p is near 1."""
    target = as_array(target, y.dtype)
    logits = shifted(y)
    exponentials = np.exp(logits)
    others = sum_of_others(logits, exponentials)
    surprisal = np.where(target == 0, 0, np.log1p(others) - logits)
    p = exponentials / (1 + others)
    complement = np.where(logits == 0, others / (1 + others), 1 - p)
    return target * surprisal, _distributions_backward, (as_dtype(p, y.dtype), as_dtype(complement, y.dtype), target)


def _distributions_backward(p: Array, complement: Array, target: Array, weight: float) -> Array:
    rest = as_dtype(wide_sum(target, axis=-1, keepdims=True) - target, target.dtype)
    dy: Array = (p * rest - complement * target) * weight
    return dy


def checked_classes(name: str, labels: Array, n: int) -> Array:
    """Raise ValueError, which names the first one and where it is, unless all labels are in 0..n-1; them as int64."""
    indices = labels.astype(np.int64)
    unsigned = indices.view(np.uint64)  # in which a negative one is the largest; argmax takes half the time of max
    if not labels.size or unsigned.flat[unsigned.argmax()] < n:
        return indices
    index = tuple(map(int, np.argwhere((labels < 0) | (labels >= n))[0]))
    raise ValueError(f"{name} {labels[index]} at index {index} is not in 0..{n - 1} (n = {n} classes)")
