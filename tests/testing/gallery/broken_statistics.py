"""Layers with statistics, recurrence and tied weights, each with one bug; the right ones are those of the library."""

import attrs
import numpy as np

import funcnet as fn
from funcnet import tree
from funcnet.layers.recurrent import Recurrent
from funcnet.layers.tying import Tied
from tests.testing.gallery.exhibits import exhibit

# --- Batch normalization ---


@attrs.frozen
class RunningInGradient(fn.BatchNorm):
    """In training the gradient is that of the running statistics."""

    def backward(self, params, cache, dy):
        dx, grads = super().backward(params, cache, dy)
        scale = params.weight / np.sqrt(params.running_var.value + self.epsilon)
        return (dy * scale).astype(dx.dtype) if self.in_training else dx, grads


@attrs.frozen
class MeanIsConstant(fn.BatchNorm):
    """In training the gradient through the mean of the batch is missing."""

    def backward(self, params, cache, dy):
        dx, grads = super().backward(params, cache, dy)
        if dx is None:
            return dx, grads
        axes, made = tuple(range(dy.ndim - 1)), cache.saved[0]
        mean = (dy * params.weight).mean(axis=axes) / made.deviation.reshape(-1) if self.in_training and dy.size else 0
        return (dx + mean).astype(dx.dtype), grads


@attrs.frozen
class InferenceOverTheBatch(fn.BatchNorm):
    """Inference takes the statistics of the batch, and does not say so."""

    @property
    def statistics(self):
        return None

    def forward(self, params, x):
        return fn.BatchNorm(in_training=len(x) > 1).forward(params, x)

    def backward(self, params, cache, dy):
        return cache.owner.backward(params, cache, dy)


@attrs.frozen
class DoesNotSaySo(fn.BatchNorm):
    """In training statistics are those of the batch, and the layer does not say so."""

    @property
    def statistics(self):
        return None


@attrs.frozen
class TrackDecays(fn.BatchNorm):
    """`track` shrinks the weight, too."""

    def track(self, params, cache):
        return attrs.evolve(super().track(params, cache), weight=params.weight * 0.5)


@attrs.frozen
class EmptyBatchCounts(fn.BatchNorm):
    """An empty batch moves the running mean towards 0."""

    def track(self, params, cache):
        mean = tree.Buffer(params.running_mean.value * 0.9 + 0.01)
        return attrs.evolve(super().track(params, cache), running_mean=mean)


@attrs.frozen
class LastRowCounts(fn.BatchNorm):
    """The running mean is moved by the last row alone."""

    def forward(self, params, x):
        y, cache = super().forward(params, x)
        return y, (cache, x.reshape(x.size // x.shape[-1], x.shape[-1])[-1:].sum(axis=0))

    def backward(self, params, cache, dy):
        return super().backward(params, cache[0], dy)

    def track(self, params, cache):
        mean = tree.Buffer((params.running_mean.value + 0.1 * cache[1]).astype(cache[1].dtype))
        return attrs.evolve(params, running_mean=mean)


@attrs.frozen
class GradsWithoutBuffers(fn.BatchNorm):
    """The buffers of grads are zeros."""

    def backward(self, params, cache, dy):
        dx, grads = super().backward(params, cache, dy)
        zeros = tree.Buffer(np.zeros_like(params.running_mean.value))
        return dx, attrs.evolve(grads, running_mean=zeros)


@tree.node
class MovingParams:
    mean: np.ndarray


@attrs.frozen
class MeanIsALeaf(fn.Layer):
    """The running mean is a leaf, and its gradient is 0 though y depends on it."""

    def init(self, key, input_shape, dtype=np.float32):
        return MovingParams(np.zeros(input_shape[-1], dtype))

    def forward(self, params, x):
        return x - params.mean, None

    def backward(self, params, cache, dy):
        return dy, tree.zeros_like(params)


@attrs.frozen
class DeviationForgotten(fn.Standardize):
    """dx is dy, as if the deviation were 1."""

    def backward(self, params, cache, dy):
        dx, grads = super().backward(params, cache, dy)
        return (None if dx is None else dy), grads


@attrs.frozen
class CentredOverTheBatch(fn.Standardize):
    """What is subtracted is the mean of the batch, not that of the training data."""

    def forward(self, params, x):
        y, cache = super().forward(params, x)
        return (y - y.mean(axis=0) if len(x) and y.ndim > 1 else y), cache


KEPT = []


@attrs.frozen
class StateIsKept(fn.LayerNorm):
    """A number is kept at each pass, and later passes add it to y."""

    def forward(self, params, x):
        y, cache = super().forward(params, x)
        KEPT.append(0.001)
        return (y + sum(KEPT)).astype(y.dtype), cache


# --- Normalization of rows ---


@attrs.frozen
class VarianceIsConstant(fn.LayerNorm):
    """The gradient through the variance is missing."""

    def backward(self, params, cache, dy):
        g, made = dy * params.weight, cache.saved
        dx = (g - g.mean(axis=-1, keepdims=True)) / made.deviation
        return dx.astype(dy.dtype), super().backward(params, cache, dy)[1]


@attrs.frozen
class WeightForgotten(fn.RMSNorm):
    """dx is that of a weight of 1."""

    def backward(self, params, cache, dy):
        ones = fn.NormParams(np.ones_like(params.weight))
        return super().backward(ones, cache, dy)[0], super().backward(params, cache, dy)[1]


@attrs.frozen
class OneGroup(fn.GroupNorm):
    """The gradient is that of one group of all features."""

    def backward(self, params, cache, dy):
        normalized, g = cache.saved, dy * params.weight
        z = normalized.y.reshape(dy.shape)
        centered = g - g.mean(axis=-1, keepdims=True) - z * (g * z).mean(axis=-1, keepdims=True)
        dx = centered.reshape(normalized.y.shape) / normalized.deviation
        return dx.reshape(dy.shape).astype(dy.dtype), super().backward(params, cache, dy)[1]


# --- Recurrence and tied weights ---


@attrs.frozen
class StepCutOff(Recurrent):
    """The gradient of the first step of time is 0."""

    def backward(self, params, cache, dy):
        dx, grads = super().backward(params, cache, dy)
        dx = dx.copy()
        dx[..., :1, :] = 0
        return dx, grads


@attrs.frozen
class TimeTurned(Recurrent):
    """dx is in the wrong order of time."""

    def backward(self, params, cache, dy):
        dx, grads = super().backward(params, cache, dy)
        return dx[..., ::-1, :], grads


@attrs.frozen
class StateLost(fn.SimpleCell):
    """The gradient of the old state is 0: nothing flows back in time."""

    def backward(self, params, cache, dy):
        (dx, d_state), grads = super().backward(params, cache, dy)
        return (dx, np.zeros_like(d_state)), grads


@attrs.frozen
class NewStateHasNoGradient(fn.SimpleCell):
    """The gradient of the output alone goes back, not that of the new state."""

    def backward(self, params, cache, dy):
        return super().backward(params, cache, (dy[0], np.zeros_like(dy[1])))


@attrs.frozen
class FirstPlaceOnly(Tied):
    """The gradient of the second place of a tied weight is lost."""

    def backward(self, params, cache, dy):
        dx, grads = self.model.backward(self._whole(params), cache.saved, dy)
        return dx, self._without_ties(grads)

    def params_backward(self, params, cache, dy):
        return self.backward(params, cache, dy)[1]


@attrs.frozen
class NotTurned(Tied):
    """The gradient of a transposed place is added as it is."""

    def _summed(self, grads):
        weight = tree.map(np.add, grads[0].weight, grads[2].weight)
        return self._without_ties((attrs.evolve(grads[0], weight=weight), *grads[1:]))


SQUARE = fn.sequential(fn.Linear(3), fn.Tanh(), fn.Linear(3)), (("2.weight", "0.weight.T"),)
BROKEN = [
    exhibit(RunningInGradient(), (3,), "coordinates"),
    exhibit(MeanIsConstant(), (3,), "coordinates"),
    exhibit(InferenceOverTheBatch(), (3,), "batch.rows"),
    exhibit(DoesNotSaySo(), (3,), "training", "batch.rows"),
    exhibit(TrackDecays(), (3,), "statistics"),
    exhibit(EmptyBatchCounts(), (3,), "statistics"),
    exhibit(LastRowCounts(), (3,), "statistics"),
    exhibit(GradsWithoutBuffers(), (3,), "statistics"),
    exhibit(MeanIsALeaf(), (3,), "coordinates"),
    exhibit(DeviationForgotten((0.5, -2.0, 7.0), (1.0, 3.0, 2.5)), (3,), "coordinates"),
    exhibit(CentredOverTheBatch((0.5, -2.0, 7.0), (1.0, 3.0, 2.5)), (3,), "coordinates", "batch.rows"),
    exhibit(StateIsKept(), (3,), "purity", "determinism"),
    exhibit(VarianceIsConstant(), (3,), "coordinates"),
    exhibit(WeightForgotten(), (3,), "coordinates"),
    exhibit(OneGroup(2), (4,), "coordinates"),
    exhibit(StepCutOff(fn.SimpleCell(2)), (3, 2), "coordinates"),
    exhibit(TimeTurned(fn.SimpleCell(2)), (3, 2), "coordinates"),
    exhibit(StateLost(2), ((3,), (2,)), "coordinates"),
    exhibit(Recurrent(StateLost(2)), (3, 2), "coordinates", title="Recurrent with StateLost"),
    exhibit(NewStateHasNoGradient(2), ((3,), (2,)), "coordinates"),
    exhibit(FirstPlaceOnly(*SQUARE), (3,), "coordinates"),
    exhibit(NotTurned(*SQUARE), (3,), "coordinates"),
]
