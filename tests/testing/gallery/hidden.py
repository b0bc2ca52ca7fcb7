"""Broken layers that are wrong at times: in some batches, after other calls, in shortcuts; all from life."""

import attrs
import numpy as np

import funcnet as fn
from tests.testing.gallery.exhibits import DERIVATIVE, Dense, Largest, Scale, Sine, exhibit, rows

LAST = {}


# --- Batches ---


@attrs.frozen
class ChunksOf32(Scale):
    """Rows are worked through 32 at a time, and grads are those of the last chunk."""

    def backward(self, scale, x, dy):
        dx, _ = Scale.backward(self, scale, x, dy)
        start = 32 * ((len(rows(x)) - 1) // 32) if x.size else 0
        return dx, (rows(x) * rows(dy))[start:].sum(axis=0)


@attrs.frozen
class BatchOfOneFails(Sine):
    """squeeze() takes the batch axis along where there is one row, so that forward raises."""

    def f(self, x):
        assert x.ndim < 2 or x.squeeze().ndim == x.ndim, "not enough dimensions"
        return np.sin(x)


@attrs.frozen
class NaNSwallowedByLoop(Largest):
    """A loop for the largest: a NaN in the first place stays, one in another is skipped, as no number is above it."""

    def forward(self, params, x):
        best = x[..., 0]
        for j in range(1, x.shape[-1]):
            best = np.where(x[..., j] > best, x[..., j], best)
        return best * 1.0, x


# --- State ---


@attrs.frozen
class RemembersParams(Dense):
    """dx is made with the weight of the last forward, kept in the module: wrong for two copies of params in turn."""

    def forward(self, params, x):
        LAST["weight"] = params.weight
        return Dense.forward(self, params, x)

    def dx(self, params, x, dy):
        return dy @ LAST["weight"].T


@attrs.frozen
class FirstParams(Dense):
    """The transposed weight is computed once and kept: right until the first step of training."""

    def dx(self, params, x, dy):
        return dy @ LAST.setdefault(f"transposed {params.weight.dtype}", params.weight.T.copy())


@attrs.frozen
class RemembersByShape(Sine):
    """x of the last forward is kept for each shape of a batch."""

    def forward(self, params, x):
        if x.ndim > 1:
            LAST[x.shape] = x
        return np.sin(x), None if x.ndim > 1 else x

    def backward(self, params, cache, dy):
        return dy * np.cos(LAST[dy.shape] if cache is None else cache), ()


@attrs.frozen
class ReusesGrads(Scale):
    """Grads are written into an array that is allocated once: those of the last step change with the next."""

    def backward(self, scale, x, dy):
        dx, grads = Scale.backward(self, scale, x, dy)
        buffer = LAST.setdefault(f"grads {grads.shape} {grads.dtype}", np.empty_like(grads))
        buffer[...] = grads
        return dx, buffer


@attrs.frozen
class GradsAreDx(Scale):
    """Without a batch dx and the gradient of a bias are one array."""

    def init(self, key, input_shape, dtype=np.float32):
        return np.zeros(input_shape, dtype)

    def forward(self, bias, x):
        return x + bias, None

    def backward(self, bias, cache, dy):
        axes = tuple(range(dy.ndim - bias.ndim))
        dx = dy.copy()
        return dx, dx.sum(axis=axes) if axes else dx


# --- Shortcuts, training and init ---


@attrs.frozen
class ApplyWritesX(Sine):
    """apply, which keeps no cache, works in place: on the caller's x."""

    def apply(self, params, x):
        return np.sin(x, out=x)


@attrs.frozen
class ParamsBackwardWritesDy(Scale):
    """params_backward, whose dx nobody wants, multiplies in place: the caller's dy."""

    def params_backward(self, scale, x, dy):
        dy *= x
        return dy.sum(axis=tuple(range(dy.ndim - scale.ndim)))


@attrs.frozen
class TrainingRaises(Sine):
    """training(key) was written for the keys of another library."""

    def training(self, key):
        return attrs.evolve(self, key=key)


@attrs.frozen
class InitIgnoresKey(Dense):
    """init draws from NumPy's global generator: the same key gives other params each time."""

    def init(self, key, input_shape, dtype=np.float32):
        return Dense.init(self, fn.Key(np.random.randint(1000)), input_shape, dtype)  # noqa: NPY002, the bug


@attrs.frozen
class InitIgnoresDtype(Dense):
    """init makes float64 params, whatever it is asked for."""

    def init(self, key, input_shape, dtype=np.float32):
        return Dense.init(self, key, input_shape, np.float64)

    def forward(self, params, x):
        y, x = Dense.forward(self, params, x.astype(params.weight.dtype))
        return y, x


BROKEN = [
    exhibit(ChunksOf32(), (4,)),
    exhibit(BatchOfOneFails(), (4,)),
    exhibit(NaNSwallowedByLoop(), (4,), "nan"),
    exhibit(RemembersParams(), (4,), "interleaving"),
    exhibit(FirstParams(), (4,), *DERIVATIVE),
    exhibit(RemembersByShape(), (4,), "interleaving"),
    exhibit(ReusesGrads(), (4,)),
    exhibit(GradsAreDx(), (4,), "aliasing"),
    exhibit(ApplyWritesX(), (4,), "shortcuts", "purity"),
    exhibit(ParamsBackwardWritesDy(), (4,), "shortcuts", "purity"),
    exhibit(TrainingRaises(), (4,), "training"),
    exhibit(InitIgnoresKey(), (4,)),
    exhibit(InitIgnoresDtype(), (4,)),
]
