"""Broken layers whose params have a wrong gradient; all from life."""

import attrs
import numpy as np

import funcnet as fn
from tests.testing.gallery.exhibits import DERIVATIVE, Dense, Scale, exhibit, rows


@attrs.frozen
class BatchOfOneNotSummed(Dense):
    """The batch sum is left out for a batch of one, "where there is nothing to sum": the bias has a row too many."""

    def bias(self, params, x, dy):
        return dy if len(rows(dy)) == 1 else rows(dy).sum(axis=0)


@attrs.frozen
class FirstRowOnly(Dense):
    """The batch sum of the bias is missing: right for a batch of one alone."""

    def bias(self, params, x, dy):
        return rows(dy)[:1].sum(axis=0)


@attrs.frozen
class BiasMean(Dense):
    """The gradient of the bias is the mean over the batch, that of the weight the sum."""

    def bias(self, params, x, dy):
        return rows(dy).sum(axis=0) / max(1, len(rows(dy)))


@attrs.frozen
class DividedByBatch(Dense):
    """Grads are divided by the batch size, which is for the loss to do."""

    def backward(self, params, x, dy):
        dx, grads = Dense.backward(self, params, x, dy)
        return dx, fn.tree.map(lambda g: (g / max(1, len(rows(dy)))).astype(g.dtype), grads)


@attrs.frozen
class WeightTransposed(Dense):
    """dy.T @ x instead of x.T @ dy: no shape tells where the weight is square."""

    def weight(self, params, x, dy):
        return rows(dy).T @ rows(x)


@attrs.frozen
class DxNotTransposed(Dense):
    """dy @ weight instead of dy @ weight.T: no shape tells where the weight is square."""

    def dx(self, params, x, dy):
        return dy @ params.weight


@attrs.frozen
class OneEntryOf3600(Dense):
    """One of the 3,600 entries of the weight's gradient is wrong by 0.3 %."""

    def weight(self, params, x, dy):
        weight = Dense.weight(self, params, x, dy)
        weight[17, 42] *= 1.003
        return weight


@attrs.frozen
class BiasForgotten(Dense):
    """The gradient of the bias is left at zero."""

    def bias(self, params, x, dy):
        return np.zeros_like(params.bias)


@attrs.frozen
class HiddenDecay(Dense):
    """Weight decay is added to the gradient inside the layer."""

    def weight(self, params, x, dy):
        return Dense.weight(self, params, x, dy) + 1e-4 * params.weight


@attrs.frozen
class DxOfScaleForgotten(Scale):
    """dy is passed through a scale that is 1 at first: right until the first step of training."""

    def backward(self, scale, x, dy):
        return dy.copy(), Scale.backward(self, scale, x, dy)[1]


@attrs.frozen
class UsedTwice(Dense):
    """y = W(Wx): a weight that is used twice gets the gradient of its second use only."""

    def forward(self, params, x):
        h = Dense.forward(self, params, x)[0]
        return Dense.forward(self, params, h)[0], h

    def backward(self, params, h, dy):
        dh, grads = Dense.backward(self, params, h, dy)
        return dh @ params.weight.T, grads


@attrs.frozen
class FirstBatchAxisOnly(Dense):
    """Sums run over axis 0 alone: with two batch axes something is left over, which is summed too late."""

    def bias(self, params, x, dy):
        return dy[0].sum(axis=0) if dy.ndim > 2 else rows(dy).sum(axis=0)


BROKEN = [
    exhibit(BatchOfOneNotSummed(), (4,), "structure", "batch.sum"),
    exhibit(FirstRowOnly(), (4,), *DERIVATIVE),
    exhibit(BiasMean(), (4,), *DERIVATIVE),
    exhibit(DividedByBatch(), (4,), *DERIVATIVE),
    exhibit(WeightTransposed(3), (3,), *DERIVATIVE),
    exhibit(DxNotTransposed(3), (3,), *DERIVATIVE),
    exhibit(OneEntryOf3600(60), (60,), *DERIVATIVE),
    exhibit(BiasForgotten(), (4,), *DERIVATIVE),
    exhibit(HiddenDecay(), (4,), *DERIVATIVE, "linearity"),
    exhibit(DxOfScaleForgotten(), (4,), *DERIVATIVE),
    exhibit(UsedTwice(3), (3,), *DERIVATIVE),
    exhibit(FirstBatchAxisOnly(), (4,), *DERIVATIVE, "batch.axes"),
]
