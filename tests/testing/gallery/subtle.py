"""Broken layers that are wrong where few look: far out, at corners, in late digits; all from life."""

import math

import attrs
import numpy as np

import funcnet as fn
from tests.testing.gallery.exhibits import DERIVATIVE, Dense, Pointwise, Scale, Sine, exhibit

# --- Far out, far in ---


@attrs.frozen
class SoftplusThreshold(Pointwise):
    """Beyond a threshold of 100, where y = x, the gradient is the 0 of the other branch."""

    def f(self, x):
        return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))

    def slope(self, x):
        return np.where(x > 100, 0, 1 / (1 + np.exp(-x)))


@attrs.frozen
class NormUnderflows(fn.Layer):
    """sqrt(1 + sum(x**2)) overflows from 1e154 on, so that a row so large is normalised to 0."""

    def forward(self, params, x):
        norm = np.sqrt((x * x).sum(axis=-1, keepdims=True) + 1)
        return x / norm, (x / norm, norm)

    def backward(self, params, cache, dy):
        y, norm = cache
        return (dy - y * (dy * y).sum(axis=-1, keepdims=True)) / norm, ()


@attrs.frozen
class NormAtZero(fn.Layer):
    """The gradient of the norm is x / norm: 0 / 0 for a row of zeros, though y is finite."""

    def output_shape(self, input_shape):
        return input_shape[:-1]

    def forward(self, params, x):
        return np.sqrt((x * x).sum(axis=-1)), x

    def backward(self, params, x, dy):
        return dy[..., None] * x / np.sqrt((x * x).sum(axis=-1, keepdims=True)), ()


@attrs.frozen
class ClippedAtThousand(Sine):
    """The gradient is clipped to +-1000, where no test's dy comes."""

    def backward(self, params, x, dy):
        return np.clip(dy * np.cos(x), -1000, 1000).astype(dy.dtype), ()


@attrs.frozen
class FlushesTiny(Sine):
    """Gradients below 1e-9 are set to 0: a mean loss of large batches has none left."""

    def backward(self, params, x, dy):
        return np.where(np.abs(dy) < 1e-9, 0, dy * np.cos(x)).astype(dy.dtype), ()


@attrs.frozen
class ZeroAtZero(Sine):
    """A guard against x == 0 sets the gradient to 0 there."""

    def slope(self, x):
        return np.where(x == 0, 0, np.cos(x))


# --- Corners ---


@attrs.frozen
class HardSigmoidCorner(Pointwise):
    """At x = 3 and -3 both pieces' masks hold, and the gradient there is doubled."""

    def f(self, x):
        return np.clip(x / 6 + 0.5, 0, 1)

    def slope(self, x):
        return ((x >= -3) & (x <= 0)) / 6 + ((x >= 0) & (x <= 3)) / 6 - (x == 0) / 6 + (np.abs(x) == 3) / 6


@attrs.frozen
class ThresholdAndInput(Scale):
    """y = max(x, threshold): at a tie x and the threshold both get the full gradient."""

    def init(self, key, input_shape, dtype=np.float32):
        return np.zeros(input_shape, dtype)

    def forward(self, threshold, x):
        return np.maximum(x, threshold), x

    def backward(self, threshold, x, dy):
        axes = tuple(range(dy.ndim - threshold.ndim))
        return dy * (x >= threshold), (dy * (x <= threshold)).sum(axis=axes)


# --- Precision ---


@attrs.frozen
class HalfInSingle(Sine):
    """In float32 the slope is kept in float16, to save memory."""

    def slope(self, x):
        return np.cos(x).astype(np.float16) if x.dtype.itemsize == 4 else np.cos(x)


@attrs.frozen
class FastInSingle(Sine):
    """In float32 a table of 512 sines is interpolated: wrong in the fifth digit."""

    def f(self, x):
        if x.dtype.itemsize != 4:
            return np.sin(x)
        angles = np.linspace(0, 2 * np.pi, 512)
        return np.interp(x % (2 * np.pi), angles, np.sin(angles)).astype(np.float32)


@attrs.frozen
class ShortConstant(Pointwise):
    """pi is 3.14159265 in backward."""

    def f(self, x):
        return np.sin(math.pi * x)

    def slope(self, x):
        return 3.14159265 * np.cos(math.pi * x)


@attrs.frozen
class NumericBackward(Pointwise):
    """The gradient is a central difference; forward has no rule for dual numbers."""

    def f(self, x):
        return np.vectorize(math.sin, otypes=[x.dtype])(x)

    def slope(self, x):
        x = x.astype(np.float64)
        return (np.sin(x + 1e-6) - np.sin(x - 1e-6)) / 2e-6


@attrs.frozen
class OneEntryNoRule(Dense):
    """One of 3,600 entries is wrong by 0.3 %, and forward has no rule for dual numbers."""

    def forward(self, params, x):
        return Dense.forward(self, params, np.asarray(x))

    def weight(self, params, x, dy):
        weight = Dense.weight(self, params, x, dy)
        weight[17, 42] *= 1.003
        return weight


BROKEN = [
    exhibit(SoftplusThreshold(), (4,)),
    exhibit(NormUnderflows(), (4,)),
    exhibit(NormAtZero(), (4,), "kinks", "finite", title="NormAtZero of 4"),
    exhibit(NormAtZero(), (12,), "kinks", "finite", title="NormAtZero of 12"),
    exhibit(ClippedAtThousand(), (4,), "linearity"),
    exhibit(FlushesTiny(), (4,), "linearity"),
    exhibit(ZeroAtZero(), (4,), *DERIVATIVE),
    exhibit(HardSigmoidCorner(), (4,), "kinks"),
    exhibit(ThresholdAndInput(), (4,), "kinks"),
    exhibit(HalfInSingle(), (4,), "dtype"),
    exhibit(FastInSingle(), (4,), "dtype"),
    exhibit(ShortConstant(), (4,), *DERIVATIVE),
    exhibit(NumericBackward(), (4,), *DERIVATIVE),
    exhibit(OneEntryNoRule(60), (60,), *DERIVATIVE),
]
