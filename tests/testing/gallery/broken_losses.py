"""Broken losses, each of a real bug; how `check_loss` is called with them, and the laws that may say so."""

import attrs
import numpy as np

LAST = {}


def native(array):
    return np.asarray(array).astype(np.asarray(array).dtype.newbyteorder("="))


def checked(y, target):
    """y and target in this machine's byte order; ValueError unless of one shape and not empty."""
    y, target = native(y), native(target)
    if y.shape != target.shape or not y.size:
        raise ValueError(f"shapes {y.shape} and {target.shape}")
    return y, target


def count(y):
    return int(np.prod(y.shape[:-1]))


def softmax(y):
    exponentials = np.exp(y - y.max(axis=-1, keepdims=True))
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


def sigmoid(y):
    return np.exp(-np.logaddexp(0, -y))


@attrs.frozen
class Mean:
    """The mean over the examples of the sums of their losses: squares, unless a subclass says otherwise."""

    def losses(self, y, target):
        return (y - target) ** 2

    def slope(self, y, target):
        return 2 * (y - target)

    def forward(self, y, target):
        y, target = checked(y, target)
        return (self.losses(y, target).sum() / count(y)).astype(y.dtype), (y, target)

    def backward(self, cache):
        return (self.slope(*cache) / count(cache[0])).astype(cache[0].dtype)


@attrs.frozen
class CrossEntropy(Mean):
    """The mean of -log(softmax(y)) at integer labels."""

    def forward(self, y, target):
        y = native(y)
        if target.shape != y.shape[:-1] or not y.size:
            raise ValueError(f"labels of shape {target.shape} for logits of shape {y.shape}")
        one_hot = (np.arange(y.shape[-1]) == target[..., None]).astype(y.dtype)
        return y.dtype.type(self.losses(y, one_hot).sum() / count(y)), (y, one_hot)

    def losses(self, y, target):
        shifted = y - y.max(axis=-1, keepdims=True)
        return target * (np.log(np.exp(shifted).sum(axis=-1, keepdims=True)) - shifted)

    def slope(self, y, target):
        return softmax(y) - target


class ForgetsToDivide(Mean):
    """The value is a mean, dy that of the sum: the learning rate depends on the batch size."""

    def backward(self, cache):
        return self.slope(*cache)


class DividesTwice(Mean):
    """The layer below divides by the batch size too, so that each gradient is divided twice."""

    def backward(self, cache):
        return super().backward(cache) / cache[0].dtype.type(count(cache[0]))


class ElementsForExamples(Mean):
    """The value is the mean over all elements, dy that of the mean over examples."""

    def forward(self, y, target):
        y, target = checked(y, target)
        return self.losses(y, target).mean(), (y, target)


class OneHotLessSoftmax(CrossEntropy):
    """One-hot minus softmax is the direction of descent; the loss wants the gradient."""

    def slope(self, y, target):
        return target - softmax(y)


class SmoothsTheValueAlone(CrossEntropy):
    """Labels are smoothed in the value; dy is that of hard labels."""

    def losses(self, y, target):
        return super().losses(y, 0.9 * target + y.dtype.type(0.1) / y.shape[-1])


class ClippedLog(Mean):
    """log(p) is clipped at 1e-7 as Keras did, where its gradient is 0; dy is that of no clipping."""

    def losses(self, y, target):
        p, q = np.maximum(sigmoid(y), 1e-7), np.maximum(sigmoid(-y), 1e-7)
        return -(target * np.log(p) + (1 - target) * np.log(q))

    def slope(self, y, target):
        return sigmoid(y) - target


class ClippedProbability(Mean):
    """The same for probabilities: below 1e-7 the value no longer moves, but dy is 1 / 1e-7."""

    def losses(self, y, target):
        p, q = np.maximum(y, 1e-7), np.maximum(1 - y, 1e-7)
        return -(target * np.log(p) + (1 - target) * np.log(q))

    def slope(self, y, target):
        return (1 - target) / np.maximum(1 - y, 1e-7) - target / np.maximum(y, 1e-7)


class OverflowingLogits(ClippedLog):
    """log(1 + exp(y)) as it stands in the book overflows from y = 710 on, in float32 from 89."""

    def losses(self, y, target):
        return target * np.log(1 + np.exp(-y)) + (1 - target) * np.log(1 + np.exp(y))


class OverflowingLogSumExp(CrossEntropy):
    """The largest logit is not taken off before exp."""

    def losses(self, y, target):
        return target * (np.log(np.exp(y).sum(axis=-1, keepdims=True)) - y)


class WritesTarget(Mean):
    """Smooths the targets in place: the next epoch's are smoother still."""

    def forward(self, y, target):
        target *= target.dtype.type(0.5)
        return super().forward(y, target)


class WritesY(Mean):
    """Takes the largest logit off in place, in the network's output."""

    def forward(self, y, target):
        y -= y.max(axis=-1, keepdims=True)
        return super().forward(y, target)


class LastForward(Mean):
    """Keeps what backward needs on the side: with two batches in flight, it is the other one's."""

    def forward(self, y, target):
        value, LAST["cache"] = super().forward(y, target)
        return value, y

    def backward(self, cache):
        return super().backward(LAST["cache"])


class Broadcasts(Mean):
    """A target (n,) against a prediction (n, 1) makes n * n errors of n; nobody looks at the shapes."""

    def forward(self, y, target):
        if not y.size:
            raise ValueError("no examples")
        return np.mean((y - target) ** 2, dtype=y.dtype.newbyteorder("=")), (y, target)

    def backward(self, cache):
        y, target = cache
        return 2 * (y - target) / y.dtype.type(y.size)


class SwallowsNaN(Mean):
    """nansum: a network that has diverged reports a fine loss."""

    def losses(self, y, target):
        return np.nan_to_num(super().losses(y, target))


class ValuePerExample(Mean):
    """The reduction is left to the caller, who does not know."""

    def forward(self, y, target):
        y, target = checked(y, target)
        return self.losses(y, target).sum(axis=-1, keepdims=True) / count(y), (y, target)


class WideValue(Mean):
    """The value of float32 is a Python float."""

    def forward(self, y, target):
        value, cache = super().forward(y, target)
        return float(value), cache


class WideGradient(Mean):
    """dy of float32 is float64, and with it the whole backward pass at half the speed."""

    def backward(self, cache):
        return super().backward(cache).astype(np.float64)


class DropsDuplicates(Mean):
    """Examples go through a set: one that occurs twice counts once."""

    def weights(self, y, target):
        rows = np.concatenate([y, target], axis=-1).reshape(-1, 2 * y.shape[-1])
        _, first = np.unique(rows, axis=0, return_index=True)
        return np.isin(np.arange(len(rows)), first).reshape(*y.shape[:-1], 1).astype(y.dtype)

    def losses(self, y, target):
        return self.weights(y, target) * super().losses(y, target)

    def slope(self, y, target):
        return self.weights(y, target) * super().slope(y, target)


class LaterCountsMore(Mean):
    """A discount over time steps is applied along the batch."""

    def weights(self, y):
        return np.arange(1, count(y) + 1, dtype=y.dtype).reshape(*y.shape[:-1], 1)

    def losses(self, y, target):
        return self.weights(y) * super().losses(y, target)

    def slope(self, y, target):
        return self.weights(y) * super().slope(y, target)


class HandsOutItsCache(Mean):
    """dy is made in forward and handed out as it is: who scales it in place has scaled the next one."""

    def forward(self, y, target):
        value, cache = super().forward(y, target)
        return value, super().backward(cache)

    def backward(self, cache):
        return cache


class DividesByClasses(CrossEntropy):
    """len(y) is the number of classes where there is a single example without a batch."""

    def backward(self, cache):
        y, target = cache
        return (self.slope(y, target) / (len(y) if y.ndim == 1 else count(y))).astype(y.dtype)


DERIVATIVE = ("coordinates", "adjointness")
LOGITS = {"targets": ("bits", "probabilities")}
LABELS = {"targets": "labels"}
BROKEN = [
    (ForgetsToDivide, {}, DERIVATIVE),
    (DividesTwice, {}, DERIVATIVE),
    (ElementsForExamples, {}, DERIVATIVE),
    (OneHotLessSoftmax, LABELS, DERIVATIVE),
    (SmoothsTheValueAlone, LABELS, DERIVATIVE),
    (ClippedLog, LOGITS, DERIVATIVE),
    (OverflowingLogits, LOGITS, ("finite",)),
    (OverflowingLogSumExp, LABELS, ("finite",)),
    (WritesTarget, {}, ("purity",)),
    (WritesY, {}, ("purity",)),
    (LastForward, {}, ("determinism", "interleaving", "threads")),
    (Broadcasts, {}, ("shapes",)),
    (SwallowsNaN, {}, ("nan",)),
    (ValuePerExample, {}, ("structure",)),
    (WideValue, {}, ("dtype",)),
    (WideGradient, {}, ("dtype",)),
    (LaterCountsMore, {}, ("batch.permutation",)),
    (HandsOutItsCache, {}, ("aliasing",)),
]
