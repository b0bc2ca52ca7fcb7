"""Broken layers with axes that move, or with layers inside; all from life."""

import attrs
import numpy as np

import funcnet as fn
from tests.testing.gallery.exhibits import DERIVATIVE, Dense, Two, exhibit

# --- Params ---


@attrs.frozen
class Embedding(fn.Layer):
    """Rows that are taken several times: dx[indices] += dy adds but one of the gradients of a repeated row."""

    indices = (0, 2, 2, 1)

    def output_shape(self, input_shape):
        return (len(self.indices),)

    def forward(self, params, x):
        return x[..., list(self.indices)], x.shape

    def backward(self, params, shape, dy):
        dx = np.zeros(shape, dy.dtype)
        dx[..., list(self.indices)] += dy
        return dx, ()


# --- Axes ---


@attrs.frozen
class FlipForward(fn.Layer):
    """y = x reversed; backward's slice [:-1] does not reverse, so dy is passed on as it came."""

    def forward(self, params, x):
        return x[..., ::-1].copy(), None

    def backward(self, params, cache, dy):
        return dy[..., slice(None, None, 1)].copy(), ()


@attrs.frozen
class RollTwice(fn.Layer):
    """Backward rolls in the direction of forward, not back."""

    def forward(self, params, x):
        return np.roll(x, 1, axis=-1), None

    def backward(self, params, cache, dy):
        return np.roll(dy, 1, axis=-1), ()


@attrs.frozen
class CumulatedForward(fn.Layer):
    """The gradient of a cumulative sum is cumulated from the front, not from the end."""

    def forward(self, params, x):
        return np.cumsum(x, axis=-1), None

    def backward(self, params, cache, dy):
        return np.cumsum(dy, axis=-1), ()


@attrs.frozen
class MeanWithoutN(fn.Layer):
    """The mean's gradient is spread over the row without being divided by its length."""

    def output_shape(self, input_shape):
        return input_shape[:-1]

    def forward(self, params, x):
        return x.mean(axis=-1), x.shape

    def backward(self, params, shape, dy):
        return np.broadcast_to(dy[..., None], shape).copy(), ()


@attrs.frozen
class PadShifted(fn.Layer):
    """One number of padding on each side; backward cuts both off at the end."""

    def output_shape(self, input_shape):
        return (*input_shape[:-1], input_shape[-1] + 2)

    def forward(self, params, x):
        edge = np.zeros_like(x[..., :1])
        return np.concatenate([edge, x, edge], axis=-1), None

    def backward(self, params, cache, dy):
        return dy[..., :-2].copy(), ()


@attrs.frozen
class ReshapeInF(fn.Layer):
    """An example is flattened in C order, and its gradient brought back in Fortran order."""

    def output_shape(self, input_shape):
        return (int(np.prod(input_shape)),)

    def forward(self, params, x):
        return x.reshape(*x.shape[:-2], -1 if x.size else x.shape[-1] * x.shape[-2]).copy(), x.shape

    def backward(self, params, shape, dy):
        return dy.reshape(*shape[:-2], shape[-1], shape[-2]).swapaxes(-1, -2).copy(), ()


# --- Layers inside ---


@attrs.frozen
class ResidualForgotten(Two):
    """y = x + layer(x), whose backward forgets the term dy of the way around."""

    def backward(self, params, cache, dy):
        dx, grads = self.second.backward(params[1], cache[1], dy)
        return dx, ((), grads)


@attrs.frozen
class Swapped(Two):
    """Two outputs side by side, whose gradients are swapped: no shape tells where they are as wide."""

    def output_shape(self, input_shape):
        return (2 * self.first.output_shape(input_shape)[-1],)

    def forward(self, params, x):
        (y1, cache1), (y2, cache2) = self.first.forward(params[0], x), self.second.forward(params[1], x)
        return np.concatenate([y1, y2], axis=-1), (cache1, cache2)

    def backward(self, params, cache, dy):
        dy2, dy1 = np.split(dy, 2, axis=-1)
        (dx1, grads1), (dx2, grads2) = (
            self.first.backward(params[0], cache[0], dy1),
            self.second.backward(params[1], cache[1], dy2),
        )
        return dx1 + dx2, (grads1, grads2)


@attrs.frozen
class GateStopped(Two):
    """y = first(x) * second(x); the gradient through the gate, the second, is forgotten."""

    def forward(self, params, x):
        (y1, cache1), (y2, cache2) = self.first.forward(params[0], x), self.second.forward(params[1], x)
        return y1 * y2, (cache1, cache2, y1, y2)

    def backward(self, params, cache, dy):
        dx1, grads1 = self.first.backward(params[0], cache[0], dy * cache[3])
        _, grads2 = self.second.backward(params[1], cache[1], dy * cache[2])
        return dx1, (grads1, grads2)


SQUARE = Dense(4)
BROKEN = [
    exhibit(Embedding(), (3,), *DERIVATIVE),
    exhibit(FlipForward(), (4,), *DERIVATIVE),
    exhibit(RollTwice(), (4,), *DERIVATIVE),
    exhibit(CumulatedForward(), (4,), *DERIVATIVE),
    exhibit(MeanWithoutN(), (4,), *DERIVATIVE),
    exhibit(PadShifted(), (4,), *DERIVATIVE),
    exhibit(ReshapeInF(), (2, 3), *DERIVATIVE),
    exhibit(ResidualForgotten(fn.Identity(), fn.Tanh()), (4,), *DERIVATIVE),
    exhibit(Swapped(Dense(4), Dense(4)), (4,), *DERIVATIVE),
    exhibit(GateStopped(SQUARE, fn.Sigmoid()), (4,), *DERIVATIVE),
]
