"""What the galleries of layers share: an exhibit, and right layers of a few lines whose parts can be overridden."""

from typing import Any

import attrs
import numpy as np

import funcnet as fn
from funcnet.tree.arrays import as_array

DERIVATIVE = ("coordinates", "adjointness", "kinks")


@attrs.frozen
class Exhibit:
    """A layer, how `check_layer` is called with it, and, of a broken one, the laws that may say so (empty: any)."""

    layer: Any
    input_shape: Any
    laws: frozenset
    options: dict
    title: str = ""

    @property
    def name(self):
        return self.title or type(self.layer).__name__

    @property
    def bug(self):
        return " ".join((type(self.layer).__doc__ or "").split())


def exhibit(layer, input_shape, *laws, title="", **options):
    return Exhibit(layer, input_shape, frozenset(laws), options, title)


def rows(x):
    """x as a matrix."""
    return x.reshape(int(np.prod(x.shape[:-1])), x.shape[-1])


@attrs.frozen
class Pointwise(fn.Layer):
    """y = f(x) and dx = dy * slope(x), both numpy code on each number."""

    def forward(self, params, x):
        return self.f(x), x

    def backward(self, params, x, dy):
        return (dy * self.slope(x)).astype(dy.dtype), ()


@attrs.frozen
class Sine(Pointwise):
    """y = sin(x), right."""

    def f(self, x):
        return np.sin(x)

    def slope(self, x):
        return np.cos(x)


@fn.tree.node
class DenseParams:
    weight: np.ndarray
    bias: np.ndarray


@attrs.frozen
class Dense(fn.Layer):
    """An affine map of the last axis, each gradient a method of its own."""

    n_out: int = 3

    def output_shape(self, input_shape):
        return (*input_shape[:-1], self.n_out)

    def init(self, key, input_shape, dtype=np.float32):
        weight = key.generator().normal(size=(input_shape[-1], self.n_out))
        return DenseParams(weight.astype(dtype), np.zeros(self.n_out, dtype))

    def forward(self, params, x):
        x = as_array(x, params.weight.dtype)
        return (rows(x) @ params.weight + params.bias).reshape(*x.shape[:-1], self.n_out), x

    def backward(self, params, x, dy):
        return self.dx(params, x, dy), DenseParams(self.weight(params, x, dy), self.bias(params, x, dy))

    def dx(self, params, x, dy):
        return dy @ params.weight.T

    def weight(self, params, x, dy):
        return rows(x).T @ rows(dy)

    def bias(self, params, x, dy):
        return rows(dy).sum(axis=0)


@attrs.frozen
class Scale(fn.Layer):
    """y = x * scale, scale of the shape of an example and 1 at first."""

    def init(self, key, input_shape, dtype=np.float32):
        return np.ones(input_shape, dtype)

    def forward(self, scale, x):
        return x * scale, x

    def backward(self, scale, x, dy):
        return dy * scale, (x * dy).sum(axis=tuple(range(dy.ndim - scale.ndim)))


@attrs.frozen
class Centre(fn.Layer):
    """y = x - the mean of its row."""

    def forward(self, params, x):
        return x - x.mean(axis=-1, keepdims=True), None

    def backward(self, params, cache, dy):
        return dy - dy.mean(axis=-1, keepdims=True), ()


@attrs.frozen
class Normalise(fn.Layer):
    """y = (x - mean) / sqrt(variance + eps) of each row."""

    eps: float = 1e-5

    def forward(self, params, x):
        centred = x - x.mean(axis=-1, keepdims=True)
        std = np.sqrt((centred * centred).mean(axis=-1, keepdims=True) + self.eps)
        y = centred / std
        return y, (y.copy(), std)

    def backward(self, params, cache, dy):
        y, std = cache
        return (dy - dy.mean(axis=-1, keepdims=True) - y * (dy * y).mean(axis=-1, keepdims=True)) / std, ()


@attrs.frozen
class Largest(fn.Layer):
    """y = the largest of each row; its gradient goes to the first of the largest."""

    def output_shape(self, input_shape):
        return input_shape[:-1]

    def forward(self, params, x):
        return np.max(x, axis=-1), x

    def backward(self, params, x, dy):
        dx = np.zeros(x.shape, dy.dtype)
        np.put_along_axis(dx, np.argmax(x, axis=-1)[..., None], dy[..., None], axis=-1)
        return dx, ()


@attrs.frozen
class Two(fn.Layer):
    """Two layers side by side: what a user's own combinators begin with."""

    first: fn.Layer
    second: fn.Layer

    def init(self, key, input_shape, dtype=np.float32):
        parts = enumerate((self.first, self.second))
        return tuple(part.init(key.fold_in(i), input_shape, dtype) for i, part in parts)

    def forward(self, params, x):
        (y1, cache1), (y2, cache2) = self.first.forward(params[0], x), self.second.forward(params[1], x)
        return y1 + y2, (cache1, cache2)

    def backward(self, params, cache, dy):
        dx1, grads1 = self.first.backward(params[0], cache[0], dy)
        dx2, grads2 = self.second.backward(params[1], cache[1], dy)
        return dx1 + dx2, (grads1, grads2)
