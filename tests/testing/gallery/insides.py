"""Right layers with unusual params and insides; no check may blame them."""

from typing import NamedTuple

import attrs
import numpy as np

import funcnet as fn
from tests.testing.gallery.exhibits import Dense, Scale, Two, exhibit, rows

# --- Params ---


class Shift(NamedTuple):
    """A NamedTuple of arrays."""

    scale: np.ndarray
    shift: np.ndarray


@attrs.frozen
class NamedParams(fn.Layer):
    """Params are a NamedTuple, of arrays without axes."""

    def init(self, key, input_shape, dtype=np.float32):
        return Shift(np.ones((), dtype), np.zeros((), dtype))

    def forward(self, params, x):
        return x * params.scale + params.shift, x

    def backward(self, params, x, dy):
        return dy * params.scale, Shift((dy * x).sum(), dy.sum())


@attrs.frozen
class NoneAmongParams(fn.Layer):
    """A bias that is not there is None, in params and in grads."""

    def init(self, key, input_shape, dtype=np.float32):
        return (np.ones(input_shape, dtype), None, ())

    def forward(self, params, x):
        return x * params[0], x

    def backward(self, params, x, dy):
        dx, scale = Scale.backward(self, params[0], x, dy)
        return dx, (scale, None, ())


@attrs.frozen
class Permuted(fn.Layer):
    """A permutation of integers among the params, whose gradient is zeros of its dtype."""

    def init(self, key, input_shape, dtype=np.float32):
        return (np.arange(input_shape[-1])[::-1], np.ones(input_shape, dtype))

    def forward(self, params, x):
        return (x * params[1])[..., params[0]], x

    def backward(self, params, x, dy):
        d = np.empty(dy.shape, dy.dtype)
        d[..., params[0]] = dy
        dx, scale = Scale.backward(self, params[1], x, d)
        return dx, (np.zeros_like(params[0]), scale)


@attrs.frozen
class Einsum(fn.Layer):
    """y[o] = x[i] x[j] w[i, j, o], by einsum."""

    def output_shape(self, input_shape):
        return (2,)

    def init(self, key, input_shape, dtype=np.float32):
        return key.generator().normal(size=(input_shape[-1], input_shape[-1], 2)).astype(dtype)

    def forward(self, w, x):
        return np.einsum("...i,...j,ijo->...o", x, x, w), x

    def backward(self, w, x, dy):
        dx = np.einsum("...j,ijo,...o->...i", x, w + w.swapaxes(0, 1), dy)
        return dx, np.einsum("ni,nj,no->ijo", rows(x), rows(x), rows(dy))


@attrs.frozen
class Table(fn.Layer):
    """An embedding: x are row numbers, and have no gradient."""

    def output_shape(self, input_shape):
        return (*input_shape, 2)

    def init(self, key, input_shape, dtype=np.float32):
        return key.generator().normal(size=(5, 2)).astype(dtype)

    def forward(self, table, x):
        return table[x.astype(int)], x.astype(int)

    def backward(self, table, indices, dy):
        grads = np.zeros_like(table)
        np.add.at(grads, indices, dy)
        return np.zeros(indices.shape, dy.dtype), grads


# --- Insides ---


@attrs.frozen
class Gated(Two):
    """A gated linear unit: first(x) * sigmoid(second(x)), two layers in the fields of a user's combinator."""

    def output_shape(self, input_shape):
        return self.first.output_shape(input_shape)

    def forward(self, params, x):
        (y1, cache1), (y2, cache2) = self.first.forward(params[0], x), self.second.forward(params[1], x)
        gate = 1 / (1 + np.exp(-y2))
        return y1 * gate, (cache1, cache2, y1.copy(), gate)

    def backward(self, params, cache, dy):
        cache1, cache2, y1, gate = cache
        dx1, grads1 = self.first.backward(params[0], cache1, dy * gate)
        dx2, grads2 = self.second.backward(params[1], cache2, dy * y1 * gate * (1 - gate))
        return dx1 + dx2, (grads1, grads2)


@attrs.frozen
class Average(fn.Layer):
    """A user's combinator of any number of layers, in a tuple in a field."""

    layers: tuple

    def output_shape(self, input_shape):
        return self.layers[0].output_shape(input_shape)

    def init(self, key, input_shape, dtype=np.float32):
        return tuple(layer.init(key.fold_in(i), input_shape, dtype) for i, layer in enumerate(self.layers))

    def forward(self, params, x):
        passes = [layer.forward(p, x) for layer, p in zip(self.layers, params, strict=True)]
        return sum(y for y, _ in passes) / len(passes), [cache for _, cache in passes]

    def backward(self, params, caches, dy):
        dy = dy / len(caches)
        passes = [layer.backward(*row, dy) for layer, *row in zip(self.layers, params, caches, strict=True)]
        return sum(dx for dx, _ in passes), tuple(grads for _, grads in passes)


@attrs.frozen
class Noise(fn.Layer):
    """In training noise is added, its draws fixed by the key; in inference nothing is done."""

    key: fn.Key | None = None

    def training(self, key):
        return Noise(key)

    def forward(self, params, x):
        if self.key is None:
            return x.copy(), None
        return (x + self.key.generator().normal(size=x.shape)).astype(x.dtype.newbyteorder("=")), None

    def backward(self, params, cache, dy):
        return dy.copy(), ()


@attrs.frozen
class HoldsArray(fn.Layer):
    """An array in a field: positions that are added, which no one trains."""

    positions: np.ndarray

    def forward(self, params, x):
        return x + self.positions.astype(x.dtype), None

    def backward(self, params, cache, dy):
        return dy.copy(), ()


class Plain:
    """No Layer, an object with the two passes."""

    def forward(self, params, x, power=2):
        return x**power, x

    def backward(self, params, x, dy, power=2):
        return power * x ** (power - 1) * dy, ()


PLACES = ("batch.permutation", "batch.sum")
POSITIONAL = dict.fromkeys(PLACES, "what is drawn depends on the place in the batch")
SOUND = [
    exhibit(NamedParams(), (4,)),
    exhibit(NoneAmongParams(), (4,)),
    exhibit(Permuted(), (4,)),
    exhibit(Einsum(), (3,)),
    exhibit(Table(), (3,), x=np.array([[0.0, 2.0, 2.0], [4.0, 1.0, 2.0]])),
    exhibit(Gated(Dense(3), Dense(3)), (4,)),
    exhibit(Gated(fn.Tanh(), fn.Identity()), (4,), title="Gated tanh"),
    exhibit(Average((Dense(3), Dense(3))), (4,)),
    exhibit(Noise(), (4,), exempt=POSITIONAL),
    exhibit(HoldsArray(np.array([0.0, 0.5, 1.0])), (3,)),
    exhibit(Plain(), (4,)),
]
