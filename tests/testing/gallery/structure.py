"""Broken layers whose results have the wrong form, whose shortcuts differ, or which do not travel; all from life."""

import threading
from typing import Any

import attrs
import numpy as np

import funcnet as fn
from tests.testing.gallery.exhibits import Dense, DenseParams, Pointwise, exhibit, rows

# --- Form ---


@attrs.frozen
class OutputShapeWrong(Dense):
    """output_shape tells the shape of the input."""

    def output_shape(self, input_shape):
        return input_shape


@attrs.frozen
class OutputShapeOfBatch(Dense):
    """output_shape is made for a batch and counts a batch axis."""

    def output_shape(self, input_shape):
        return (1, self.n_out)


@attrs.frozen
class DxLosesAxis(fn.Layer):
    """dx is squeezed: an axis of length one is lost."""

    def forward(self, params, x):
        return np.sin(x), x

    def backward(self, params, x, dy):
        return np.squeeze(dy * np.cos(x)), ()


@attrs.frozen
class DxBroadcast(fn.Layer):
    """The gradient of a sum is left (..., 1), for broadcasting to make it up."""

    def output_shape(self, input_shape):
        return (1,)

    def forward(self, params, x):
        return x.sum(axis=-1, keepdims=True), None

    def backward(self, params, cache, dy):
        return dy.copy(), ()


@attrs.frozen
class BiasIsRow(Dense):
    """keepdims leaves the gradient of the bias (1, n): params - grads still broadcasts, and changes shape."""

    def bias(self, params, x, dy):
        return rows(dy).sum(axis=0, keepdims=True)


@attrs.frozen
class BiasMissing(Dense):
    """The gradient of the bias is None, as for a layer without one."""

    def backward(self, params, x, dy):
        return self.dx(params, x, dy), DenseParams(self.weight(params, x, dy), None)


@attrs.frozen
class GradsInTuple(Dense):
    """grads are a tuple where params are a node."""

    def backward(self, params, x, dy):
        return self.dx(params, x, dy), (self.weight(params, x, dy), self.bias(params, x, dy))


@attrs.frozen
class GradsInDict(Dense):
    """grads are a dict by name."""

    def backward(self, params, x, dy):
        return self.dx(params, x, dy), {"weight": self.weight(params, x, dy), "bias": self.bias(params, x, dy)}


@attrs.frozen
class ResultsTurned(Dense):
    """backward gives (grads, dx)."""

    def backward(self, params, x, dy):
        dx, grads = Dense.backward(self, params, x, dy)
        return grads, dx


@attrs.frozen
class YIsList(fn.Layer):
    """y is a list, which NumPy forgives for long."""

    def forward(self, params, x):
        return np.sin(x).tolist(), x

    def backward(self, params, x, dy):
        return dy * np.cos(x), ()


@attrs.frozen
class DxIsNone(Dense):
    """dx is left out, as the layer was once a network's first."""

    def dx(self, params, x, dy):
        return None


@attrs.frozen
class IntegerGrads(Dense):
    """The gradient is collected in an array of zeros that was made from integers."""

    def bias(self, params, x, dy):
        return rows(dy).sum(axis=0).astype(np.int64)


# --- Shortcuts ---


@attrs.frozen
class ParamsBackwardOther(Dense):
    """params_backward was not changed along with backward: it still takes the mean."""

    def params_backward(self, params, cache, dy):
        return fn.tree.map(lambda g: g / max(1, len(rows(dy))), self.backward(params, cache, dy)[1])


@attrs.frozen
class ApplyOther(Pointwise):
    """A faster apply approximates what forward computes."""

    def f(self, x):
        return np.tanh(x)

    def slope(self, x):
        return 1 / np.cosh(x) ** 2

    def apply(self, params, x):
        return np.clip(x * (1 - x**2 / 3), -1, 1)


@attrs.frozen
class ApplyLogits(fn.Softmax):
    """apply leaves the softmax out, as for a prediction only the largest counts."""

    def apply(self, params, x):
        return x.copy()


# --- Pickle ---


@attrs.frozen
class HoldsLock(Pointwise):
    """An open lock in a field: the layer can't be sent to another process."""

    lock: Any = attrs.field(factory=threading.Lock, eq=False, repr=False)

    def f(self, x):
        return np.sin(x)

    def slope(self, x):
        return np.cos(x)


@attrs.frozen
class LosesField(Pointwise):
    """__reduce__ leaves out a field that was added later: the copy has its default."""

    frequency: float = 1.0

    def f(self, x):
        return np.sin(self.frequency * x)

    def slope(self, x):
        return self.frequency * np.cos(self.frequency * x)

    def __reduce__(self):
        return LosesField, ()


@attrs.frozen
class CacheById(Pointwise):
    """The cache is the id of an entry of a table in the module: it means nothing to another process, and leaks."""

    def forward(self, params, x):
        handle = Handle(x)
        return np.sin(x), handle

    def backward(self, params, handle, dy):
        return dy * np.cos(handle.x), ()


class Handle:
    """An array that is not pickled along."""

    def __init__(self, x):
        self.x = x

    def __getstate__(self):
        return {}


@attrs.frozen(eq=False)
class IdentityOfConfig(Pointwise):
    """Which branch to take is told by `is`, which a copy is not."""

    MODE = ("exact",)
    mode: tuple = MODE

    def f(self, x):
        return np.sin(x) if self.mode is IdentityOfConfig.MODE else x * 1.0

    def slope(self, x):
        return np.cos(x) if self.mode is IdentityOfConfig.MODE else np.ones_like(x)


BROKEN = [
    exhibit(OutputShapeWrong(), (4,), "structure"),
    exhibit(OutputShapeOfBatch(), (4,), "structure"),
    exhibit(DxLosesAxis(), (4,)),
    exhibit(DxBroadcast(), (4,), "structure"),
    exhibit(BiasIsRow(), (4,), "structure"),
    exhibit(BiasMissing(), (4,), "structure"),
    exhibit(GradsInTuple(), (4,), "structure"),
    exhibit(GradsInDict(), (4,), "structure"),
    exhibit(ResultsTurned(), (4,), "structure"),
    exhibit(YIsList(), (4,), "structure"),
    exhibit(DxIsNone(), (4,), "structure"),
    exhibit(IntegerGrads(), (4,), "structure"),
    exhibit(ParamsBackwardOther(), (4,), "shortcuts"),
    exhibit(ApplyOther(), (4,), "shortcuts"),
    exhibit(ApplyLogits(), (4,), "shortcuts"),
    exhibit(HoldsLock(), (4,), "pickle"),
    exhibit(LosesField(3.0), (4,), "pickle"),
    exhibit(CacheById(), (4,), "pickle"),
    exhibit(IdentityOfConfig(), (4,), "pickle"),
]
