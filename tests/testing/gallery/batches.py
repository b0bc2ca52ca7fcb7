"""Broken layers that mix rows, or mind the axes of a batch; all from life."""

import warnings

import attrs
import numpy as np

import funcnet as fn
from tests.testing.gallery.exhibits import Centre, Dense, Pointwise, Scale, exhibit


@attrs.frozen
class CrossTalk(fn.Layer):
    """The mean is taken over the batch, not over the features; backward is right for that."""

    def forward(self, params, x):
        return (x - x.mean(axis=0) if len(x) else x.copy()) if x.ndim > 1 else x - x, None

    def backward(self, params, cache, dy):
        return self.forward(params, dy)[0], ()


@attrs.frozen
class LargestOfBatch(Pointwise):
    """exp is made safe with the largest number of the whole batch in place of a row's: rounding leaks between rows."""

    def forward(self, params, x):
        e = np.exp(x - np.max(x, initial=-np.inf))
        y = e / e.sum(axis=-1, keepdims=True)
        return y, y.copy()

    def backward(self, params, y, dy):
        return y * (dy - (y * dy).sum(axis=-1, keepdims=True)), ()


@attrs.frozen
class DependsOnPosition(Scale):
    """The first row of a batch is treated as if it were the only one: a loop that starts at 1."""

    def forward(self, scale, x):
        y = x * scale
        if x.ndim > 1:
            y[1:] *= 2
        return y, x

    def backward(self, scale, x, dy):
        dy = dy.copy()
        if x.ndim > 1:
            dy[1:] *= 2
        return Scale.backward(self, scale, x, dy)


@attrs.frozen
class NaNOfNothing(Dense):
    """A mean over the batch times its size: NaN where the batch is empty, and only there."""

    def bias(self, params, x, dy):
        dy = dy.reshape(-1, dy.shape[-1])
        return (dy.sum(axis=0) / np.float64(len(dy)) * len(dy)).astype(dy.dtype)


@attrs.frozen
class WarnsOfNothing(Pointwise):
    """A statistic for a log is taken of the batch, with a warning where that is empty."""

    def f(self, x):
        if not x.size:
            warnings.warn("mean of empty slice", RuntimeWarning, stacklevel=2)
        return np.sin(x)

    def slope(self, x):
        return np.cos(x)


@attrs.frozen
class FailsOnNothing(Centre):
    """np.max of an empty batch raises: nobody asked for a loop over no rows."""

    def forward(self, params, x):
        assert np.isfinite(np.max(x))
        return Centre.forward(self, params, x)


@attrs.frozen
class SingleFails(Dense):
    """axis=1 is meant to be the features: an example without a batch axis fails."""

    def dx(self, params, x, dy):
        return dy @ params.weight.T if dy.ndim > 2 else np.tensordot(dy, params.weight, axes=([1], [1]))


@attrs.frozen
class SingleSummed(fn.Layer):
    """axis=0 is meant to be the batch: the features of an example without a batch axis are centred with each other."""

    def forward(self, params, x):
        return (x - x.mean() if x.ndim == 1 else x * 1.0), x.ndim

    def backward(self, params, ndim, dy):
        return (dy - dy.mean() if ndim == 1 else dy * 1.0), ()


@attrs.frozen
class TwoAxesMixed(fn.Layer):
    """axis=1 is meant to be the features: with two batch axes it is a batch axis."""

    def forward(self, params, x):
        axis = 1 if x.ndim > 1 else 0
        return x - x.mean(axis=axis, keepdims=True), axis

    def backward(self, params, axis, dy):
        return dy - dy.mean(axis=axis, keepdims=True), ()


@attrs.frozen
class AxesSwapped(fn.Layer):
    """Transposing a batch of matrices with .T turns the batch axes too; here only where there are two of them."""

    def forward(self, params, x):
        return (x.swapaxes(0, 1) if x.ndim == 3 else x).copy(), None

    def backward(self, params, cache, dy):
        return (dy.swapaxes(0, 1) if dy.ndim == 3 else dy).copy(), ()


BROKEN = [
    exhibit(CrossTalk(), (4,), "batch.rows"),
    exhibit(LargestOfBatch(), (4,), "batch.rows"),
    exhibit(DependsOnPosition(), (4,), "batch.permutation", "batch.rows", "batch.sum"),
    exhibit(NaNOfNothing(), (4,), "batch.empty"),
    exhibit(WarnsOfNothing(), (4,), "batch.empty"),
    exhibit(FailsOnNothing(), (4,)),
    exhibit(SingleFails(), (4,)),
    exhibit(SingleSummed(), (4,), "batch.single"),
    exhibit(TwoAxesMixed(), (4,), "batch.axes"),
    exhibit(AxesSwapped(), (4,), "batch.axes"),
]
