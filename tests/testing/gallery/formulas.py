"""Right layers of unusual formulas, and pairs of functions; no check may blame them."""

from functools import partial
from typing import Any

import attrs
import numpy as np

import funcnet as fn
from tests.testing.gallery.exhibits import Largest, Normalise, Pointwise, exhibit, rows


@attrs.frozen
class Plateau(Pointwise):
    """A clip: flat outside, with corners."""

    def f(self, x):
        return np.clip(x, -1, 1)

    def slope(self, x):
        return np.abs(x) < 1


@attrs.frozen
class Step(Pointwise):
    """A function of which the derivative is 0 where there is one."""

    step: Any

    def f(self, x):
        return self.step(x).astype(x.dtype.newbyteorder("="))

    def slope(self, x):
        return np.zeros_like(x)


def heaviside(x):
    return np.heaviside(x, 0.5)


def positive(x):
    return x > 0


@attrs.frozen
class LargestSplit(Largest):
    """Tied largest numbers share the gradient."""

    def backward(self, params, x, dy):
        ties = x == x.max(axis=-1, keepdims=True)
        return (ties / ties.sum(axis=-1, keepdims=True) * dy[..., None]).astype(dy.dtype), ()


@attrs.frozen
class TextbookSigmoid(fn.Layer):
    """y * (1 - y), from a copy of y."""

    def forward(self, params, x):
        y = 1 / (1 + np.exp(-x))
        return y, y.copy()

    def backward(self, params, y, dy):
        return dy * y * (1 - y), ()


@attrs.frozen
class TextbookTanh(fn.Layer):
    """1 - y**2, from a copy of y."""

    def forward(self, params, x):
        y = np.tanh(x)
        return y, y.copy()

    def backward(self, params, y, dy):
        return dy * (1 - y**2), ()


@attrs.frozen
class RootMeanSquare(fn.Layer):
    """RMSNorm with a gain."""

    def init(self, key, input_shape, dtype=np.float32):
        return np.ones(input_shape[-1:], dtype)

    def forward(self, gain, x):
        rms = np.sqrt((x * x).mean(axis=-1, keepdims=True) + 1e-6)
        return x / rms * gain, (x / rms, rms)

    def backward(self, gain, cache, dy):
        z, rms = cache
        dz = dy * gain
        return (dz - z * (dz * z).mean(axis=-1, keepdims=True)) / rms, rows(dy * z).sum(axis=0)


@attrs.frozen
class UnitLength(fn.Layer):
    """x / |x|, as it is written in a book: not differentiable at 0, where it is x / eps."""

    def forward(self, params, x):
        norm = np.maximum(np.sqrt((x * x).sum(axis=-1, keepdims=True)), 1e-3)
        return x / norm, (x / norm, norm)

    def backward(self, params, cache, dy):
        y, norm = cache
        along = y * (dy * y).sum(axis=-1, keepdims=True) * (norm > 1e-3)
        return (dy - along) / norm, ()


@attrs.frozen
class Total(fn.Layer):
    """y has no axes of its own."""

    def output_shape(self, input_shape):
        return ()

    def forward(self, params, x):
        return x.sum(axis=-1), x.shape

    def backward(self, params, shape, dy):
        return np.broadcast_to(dy[..., None], shape), ()


@attrs.frozen
class Constant(fn.Layer):
    """y does not depend on x."""

    def forward(self, params, x):
        return np.ones(x.shape, x.dtype.newbyteorder("=")), None

    def backward(self, params, cache, dy):
        return np.zeros(dy.shape, dy.dtype.newbyteorder("=")), ()


@attrs.frozen
class CentredBatch(fn.Layer):
    """Statistics over the batch: rows are meant to depend on each other."""

    def forward(self, params, x):
        return x - rows(x).sum(axis=0) / max(1, len(rows(x))), None

    def backward(self, params, cache, dy):
        return self.forward((), dy)[0], ()


def log_forward(params, x):
    return np.log(x), x


def log_backward(params, x, dy):
    return dy / x, ()


def leaky_forward(params, x, slope=0.1):
    return np.where(x > 0, x, slope * x), x


def leaky_backward(params, x, dy, slope=0.1):
    return np.where(x > 0, dy, dy * x.dtype.type(slope)), ()


def affine_forward(params, x):
    weight, bias = params
    return x @ weight + bias, x


def affine_backward(params, x, dy):
    return dy @ params[0].T, (rows(x).T @ rows(dy), rows(dy).sum(axis=0))


PARAMS = (np.arange(12.0).reshape(4, 3) / 8 - 0.5, np.array([0.5, -1.0, 0.25]))
OVER_BATCH = ("batch.rows", "batch.sum", "nan")
BATCH = dict.fromkeys(OVER_BATCH, "statistics over the batch")
NAN = {"nan": "NaN > 0 is False"}
SOUND = [
    exhibit(Largest(), (4,), symmetries=[("homogeneous", 1)]),
    exhibit(Normalise(), (4,), symmetries=["shift-invariant"]),
    exhibit(Plateau(), (4,)),
    exhibit(Step(positive), (4,), title="Step: x > 0", exempt=NAN),
    exhibit(Step(heaviside), (4,), title="Step: heaviside"),
    exhibit(Step(np.floor), (4,), title="Step: floor"),
    exhibit(Step(np.sign), (4,), title="Step: sign"),
    exhibit(LargestSplit(), (4,), symmetries=[("homogeneous", 1)]),
    exhibit(TextbookSigmoid(), (4,)),
    exhibit(TextbookTanh(), (4,)),
    exhibit(RootMeanSquare(), (4,)),
    exhibit(UnitLength(), (4,)),
    exhibit(Total(), (4,), symmetries=[("homogeneous", 1)]),
    exhibit(Constant(), (4,)),
    exhibit(CentredBatch(), (4,), exempt=BATCH),
    exhibit((log_forward, log_backward), None, title="log of positive numbers", x=np.array([[0.5, 2.0], [1.0, 30.0]])),
    exhibit((leaky_forward, leaky_backward), (4,), title="functions with defaults"),
    exhibit((affine_forward, affine_backward), (4,), title="functions with params", params=PARAMS),
    exhibit((log_forward, partial(log_backward)), None, title="partial functions", x=np.array([[0.5, 2.0]])),
]
