"""Broken layers that change dy on its way, or whose rows have a wrong gradient; all from life."""

import attrs
import numpy as np

import funcnet as fn
from tests.testing.gallery.exhibits import DERIVATIVE, Centre, Largest, Normalise, Pointwise, Scale, exhibit

# --- What is done to dy on its way ---


@attrs.frozen
class Clipped(Scale):
    """The gradient is clipped to +-5 inside the layer."""

    def backward(self, scale, x, dy):
        dx, grads = Scale.backward(self, scale, x, dy)
        return np.clip(dx, -5, 5), grads


@attrs.frozen
class DyAsMask(Pointwise):
    """|dy| instead of dy: right as long as dy is positive, as the ones of a test are."""

    def f(self, x):
        return np.sin(x)

    def backward(self, params, x, dy):
        return np.abs(dy) * np.cos(x), ()


@attrs.frozen
class AbsoluteEps(Pointwise):
    """1e-6 is added to the gradient, once to keep a division from failing."""

    def f(self, x):
        return np.sin(x)

    def backward(self, params, x, dy):
        return (dy * np.cos(x) + 1e-6).astype(dy.dtype), ()


@attrs.frozen
class NotZeroAtZero(AbsoluteEps):
    """A gradient of 1e-9 where dy is 0: an eps below every absolute tolerance."""

    def backward(self, params, x, dy):
        return (dy * np.cos(x) + 1e-9).astype(dy.dtype), ()


@attrs.frozen
class HalfPrecision(Pointwise):
    """The gradient is rounded to float16 on its way, as by a cache kept small."""

    def f(self, x):
        return np.sin(x)

    def backward(self, params, x, dy):
        return dy * np.cos(x).astype(np.float16).astype(dy.dtype), ()


@attrs.frozen
class AlwaysOnes(Pointwise):
    """dy is ignored, as if y were summed to be the loss."""

    def f(self, x):
        return np.sin(x)

    def backward(self, params, x, dy):
        return np.cos(x) * np.ones_like(dy), ()


@attrs.frozen
class ForgetsSmallDy(Pointwise):
    """Gradients smaller than 1e-3 are dropped, to make them sparse."""

    def f(self, x):
        return np.sin(x)

    def backward(self, params, x, dy):
        return np.where(np.abs(dy) < 1e-3, 0, dy * np.cos(x)), ()


# --- Rows ---


@attrs.frozen
class SoftmaxAsIdentity(fn.Softmax):
    """Softmax whose backward passes dy on, as it may only where a loss has it fused."""

    def backward(self, params, cache, dy):
        return dy.copy(), ()


@attrs.frozen
class SoftmaxDiagonal(fn.Softmax):
    """Only the diagonal of softmax's Jacobian without its square: y * dy, without the sum."""

    def backward(self, params, cache, dy):
        return cache.saved * dy, ()


@attrs.frozen
class SoftmaxLikeSigmoid(fn.Softmax):
    """The diagonal of softmax's Jacobian alone, y * (1 - y) * dy, as for a sigmoid."""

    def backward(self, params, cache, dy):
        y = cache.saved
        return y * (1 - y) * dy, ()


@attrs.frozen
class LogSoftmaxNoSum(fn.LogSoftmax):
    """LogSoftmax without the term of the sum."""

    def backward(self, params, cache, dy):
        return dy.copy(), ()


@attrs.frozen
class NormaliseNoMeans(Normalise):
    """LayerNorm's mean and variance are taken for constants in backward."""

    def backward(self, params, cache, dy):
        return dy / cache[1], ()


@attrs.frozen
class NormaliseUnbiased(Normalise):
    """The variance is divided by n - 1 in backward and by n in forward."""

    def backward(self, params, cache, dy):
        y, std = cache
        n = y.shape[-1]
        along_y = (dy * y).sum(axis=-1, keepdims=True) / (n - 1)
        return (dy - dy.mean(axis=-1, keepdims=True) - y * along_y) / std, ()


@attrs.frozen
class EpsOutside(Normalise):
    """sqrt(variance) + eps in backward, sqrt(variance + eps) in forward."""

    def backward(self, params, cache, dy):
        y, std = cache
        return Normalise.backward(self, params, (y, np.sqrt(std**2 - self.eps) + self.eps), dy)


@attrs.frozen
class CentreNotMean(Centre):
    """The term of the mean is taken for constant in backward."""

    def backward(self, params, cache, dy):
        return dy.copy(), ()


@attrs.frozen
class LargestOfAllTies(Largest):
    """Every tied maximum gets the full gradient: the mask x == max has several ones."""

    def backward(self, params, x, dy):
        return (x == x.max(axis=-1, keepdims=True)) * dy[..., None], ()


@attrs.frozen
class LargestAtLast(Largest):
    """The gradient of the largest goes to the last of its row, as in a test whose rows ascend."""

    def backward(self, params, x, dy):
        dx = np.zeros(x.shape, dy.dtype)
        dx[..., -1] = dy
        return dx, ()


BROKEN = [
    exhibit(Clipped(), (4,), *DERIVATIVE, "linearity"),
    exhibit(DyAsMask(), (4,), *DERIVATIVE, "linearity"),
    exhibit(AbsoluteEps(), (4,), *DERIVATIVE, "linearity"),
    exhibit(NotZeroAtZero(), (4,), *DERIVATIVE, "linearity"),
    exhibit(HalfPrecision(), (4,), *DERIVATIVE),
    exhibit(AlwaysOnes(), (4,), *DERIVATIVE, "linearity"),
    exhibit(ForgetsSmallDy(), (4,), *DERIVATIVE, "linearity"),
    exhibit(SoftmaxAsIdentity(), (4,), *DERIVATIVE),
    exhibit(SoftmaxDiagonal(), (4,), *DERIVATIVE),
    exhibit(SoftmaxLikeSigmoid(), (4,), *DERIVATIVE),
    exhibit(LogSoftmaxNoSum(), (4,), *DERIVATIVE),
    exhibit(NormaliseNoMeans(), (4,), *DERIVATIVE),
    exhibit(NormaliseUnbiased(), (4,), *DERIVATIVE),
    exhibit(EpsOutside(), (4,), *DERIVATIVE),
    exhibit(CentreNotMean(), (4,), *DERIVATIVE),
    exhibit(LargestOfAllTies(), (4,), "kinks"),
    exhibit(LargestAtLast(), (4,), *DERIVATIVE),
]
