"""Broken layers that remember, or draw; all from life."""

from typing import Any

import attrs
import numpy as np

import funcnet as fn
from tests.testing.gallery.exhibits import exhibit

LAST: dict[str, Any] = {}
GLOBAL = np.random.default_rng(0)


@attrs.frozen
class RemembersInField(fn.Layer):
    """x of the last forward is kept in the layer, as PyTorch's first neighbours did: two forwards, then two backwards
    go wrong."""

    last: list = attrs.field(factory=list, eq=False, repr=False)

    def forward(self, params, x):
        self.last[:] = [x]
        return np.sin(x), None

    def backward(self, params, cache, dy):
        return dy * np.cos(self.last[0]), ()


@attrs.frozen(slots=False)
class RemembersBySetattr(fn.Layer):
    """The same past a frozen class's back, by object.__setattr__."""

    def forward(self, params, x):
        object.__setattr__(self, "last", np.cos(x))
        return np.sin(x), None

    def backward(self, params, cache, dy):
        return dy * self.last, ()


@attrs.frozen
class RemembersShape(fn.Layer):
    """Only the shape of the last x is kept, in the module: any other batch size in between goes wrong."""

    def output_shape(self, input_shape):
        return ()

    def forward(self, params, x):
        LAST["shape"] = x.shape
        return np.asarray(x.sum(axis=-1)), None

    def backward(self, params, cache, dy):
        return np.broadcast_to(dy[..., None], LAST["shape"]).copy(), ()


@attrs.frozen
class ReusesBuffer(fn.Layer):
    """A buffer for y is allocated once for each shape: the y of the last batch changes with the next."""

    def forward(self, params, x):
        key = f"buffer {x.shape} {x.dtype}"
        y = np.sin(x, out=LAST.setdefault(key, np.empty(x.shape, x.dtype.newbyteorder("="))))
        return y, y

    def backward(self, params, y, dy):
        return dy * np.cos(np.arcsin(y)), ()


@attrs.frozen
class ReusesCacheBuffer(fn.Layer):
    """A buffer for the slope is allocated once for each shape and kept in the cache: of two passes the last wins."""

    def forward(self, params, x):
        buffer = LAST.setdefault(f"slope {x.shape} {x.dtype}", np.empty(x.shape, x.dtype.newbyteorder("=")))
        return np.sin(x), np.cos(x, out=buffer)

    def backward(self, params, slope, dy):
        return dy * slope, ()


@attrs.frozen
class Momentum(fn.Layer):
    """A running mean is updated at each forward, in inference too: the same x gives another y."""

    running: list = attrs.field(factory=lambda: [0.0], eq=False, repr=False)

    def forward(self, params, x):
        self.running[0] += 0.1 * (float(x.sum()) - self.running[0])
        return x - self.running[0], None

    def backward(self, params, cache, dy):
        return dy.copy(), ()


@attrs.frozen
class NoiseInInference(fn.Layer):
    """A mask from the global generator, drawn in inference too."""

    def forward(self, params, x):
        mask = GLOBAL.random(x.shape) < 0.5
        return x * mask, mask

    def backward(self, params, mask, dy):
        return dy * mask, ()


@attrs.frozen
class MaskedAgain(fn.Dropout):
    """The mask of backward is drawn anew, by a key folded once more."""

    takes_integers = False

    def backward(self, params, cache, dy):
        if self.key is None:
            return dy.copy(), ()
        kept = self.key.fold_in("backward").generator().random(dy.shape) >= self.rate
        return np.where(kept, dy / (1 - self.rate), 0).astype(dy.dtype), ()


@attrs.frozen
class ScaledByRate(fn.Dropout):
    """Backward scales by 1 / rate, forward by 1 / (1 - rate): alike at the usual rate of one half."""

    takes_integers = False

    def backward(self, params, cache, dy):
        kept = cache.saved
        return (dy.copy() if kept is None else np.where(kept, dy / self.rate, 0).astype(dy.dtype)), ()


@attrs.frozen
class KeyIgnored(fn.Dropout):
    """training(key) makes a layer of a key of its own: every step drops the same."""

    def training(self, key):
        return attrs.evolve(self, key=fn.Key(42))


@attrs.frozen
class DrawsGlobally(fn.Layer):
    """training(key) draws from NumPy's global generator: the key says nothing."""

    seed: int | None = None

    def training(self, key):
        return DrawsGlobally(int(GLOBAL.integers(1000)))

    def forward(self, params, x):
        mask = np.ones(x.shape) if self.seed is None else np.random.default_rng(self.seed).random(x.shape) < 0.5
        return (x * mask).astype(x.dtype), mask

    def backward(self, params, mask, dy):
        return (dy * mask).astype(dy.dtype), ()


@attrs.frozen
class TrainingIsNoLayer(fn.Layer):
    """training(key) changes a setting and returns nothing, as `model.train()` does elsewhere."""

    def training(self, key):
        return None

    def forward(self, params, x):
        return np.sin(x), x

    def backward(self, params, x, dy):
        return dy * np.cos(x), ()


BROKEN = [
    exhibit(RemembersInField(), (4,), "interleaving"),
    exhibit(RemembersBySetattr(), (4,), "interleaving"),
    exhibit(RemembersShape(), (4,), "interleaving"),
    exhibit(ReusesBuffer(), (4,)),
    exhibit(ReusesCacheBuffer(), (4,), "interleaving", "linearity"),
    exhibit(Momentum(), (4,), "determinism", "purity"),
    exhibit(NoiseInInference(), (4,), "determinism", "purity"),
    exhibit(MaskedAgain(0.5), (4,), "coordinates", "adjointness", "training"),
    exhibit(ScaledByRate(0.25), (4,), "coordinates", "adjointness"),
    exhibit(KeyIgnored(0.5), (4,), "training"),
    exhibit(DrawsGlobally(), (4,), "training"),
    exhibit(TrainingIsNoLayer(), (4,), "training"),
]
