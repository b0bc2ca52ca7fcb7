"""Broken layers that write where they must not, or share what is written to; all from life."""

import attrs
import numpy as np

import funcnet as fn
from tests.testing.gallery.exhibits import Pointwise, Scale, Two, exhibit


@attrs.frozen
class SumIntoCached(Two):
    """y1 += y2 where the first layer has y1 in its cache: thinc's add(Relu, Relu) has a wrong gradient by this."""

    def forward(self, params, x):
        (y, cache1), (y2, cache2) = self.first.forward(params[0], x), self.second.forward(params[1], x)
        y += y2
        return y, (cache1, cache2)


@attrs.frozen
class ExpCachingOutput(fn.Layer):
    """y = exp(x), which it caches and hands out alike, as it may: whoever writes into y changes the gradient."""

    def forward(self, params, x):
        y = np.exp(x)
        return y, y

    def backward(self, params, y, dy):
        return dy * y, ()


@attrs.frozen
class WritesX(fn.Layer):
    """ReLU in place: x[x < 0] = 0."""

    def forward(self, params, x):
        x[x < 0] = 0
        return x.copy(), x > 0

    def backward(self, params, mask, dy):
        return dy * mask, ()


@attrs.frozen
class WritesXIfFloat64(fn.Layer):
    """np.asarray(x, np.float64) copies a float32 input but not a float64 one, whose mean is then taken off in place."""

    def forward(self, params, x):
        x64 = np.asarray(x, np.float64)
        x64 -= x64.mean(axis=-1, keepdims=True)
        return x64.astype(x.dtype), None

    def backward(self, params, cache, dy):
        return dy - dy.mean(axis=-1, keepdims=True), ()


@attrs.frozen
class WritesDy(Pointwise):
    """dy *= slope: the next layer to ask for dy, a branch beside this one, gets another."""

    def forward(self, params, x):
        return np.sin(x), x

    def backward(self, params, x, dy):
        dy *= np.cos(x)
        return dy, ()


@attrs.frozen
class WritesDyRestored(Pointwise):
    """dy is scaled in place by 2 and back: the same to the bit for one thread, but it can't be read-only."""

    def forward(self, params, x):
        return 2 * x, x

    def backward(self, params, x, dy):
        dy *= 2
        dx = dy.copy()
        dy /= 2
        return dx, ()


@attrs.frozen
class WritesParams(Scale):
    """Weights are clipped in place at each forward: a constraint that params of another copy never see."""

    def init(self, key, input_shape, dtype=np.float32):
        return (np.full(input_shape, 2, dtype),)

    def forward(self, params, x):
        np.clip(params[0], -1, 1, out=params[0])
        return x * params[0], x

    def backward(self, params, x, dy):
        dx, grads = Scale.backward(self, params[0], x, dy)
        return dx, (grads,)


@attrs.frozen
class PopsCache(fn.Layer):
    """backward pops what it needs from the cache's dict, to save memory: the second call fails."""

    def forward(self, params, x):
        return np.sin(x), {"slope": np.cos(x)}

    def backward(self, params, cache, dy):
        return dy * cache.pop("slope"), ()


@attrs.frozen
class WritesCache(fn.Layer):
    """cache *= dy: dx is right the first time."""

    def forward(self, params, x):
        return np.sin(x), np.cos(x)

    def backward(self, params, slope, dy):
        slope *= dy
        return slope.copy(), ()


@attrs.frozen
class CacheIsIterator(fn.Layer):
    """The cache is an iterator: there is one backward in it."""

    def forward(self, params, x):
        return np.sin(x), iter([np.cos(x)])

    def backward(self, params, cache, dy):
        return dy * next(cache), ()


@attrs.frozen
class DxIsCache(fn.Layer):
    """A linear layer hands out the cache's array as dx, which a caller may add to in place."""

    def forward(self, params, x):
        return x.copy(), [np.zeros_like(x)]

    def backward(self, params, cache, dy):
        np.copyto(cache[0], dy)
        return cache[0], ()


@attrs.frozen
class GradsAreDy(fn.Layer):
    """The gradient of a bias of y's shape is dy itself."""

    def init(self, key, input_shape, dtype=np.float32):
        return np.zeros(input_shape, dtype)

    def forward(self, bias, x):
        return x + bias, None

    def backward(self, bias, cache, dy):
        axes = tuple(range(dy.ndim - bias.ndim))
        return dy.copy(), dy.sum(axis=axes) if axes else dy


@attrs.frozen
class GradsShared(Scale):
    """Two leaves that happen to have the same gradient get the same array."""

    def init(self, key, input_shape, dtype=np.float32):
        return (np.zeros(input_shape, dtype), np.zeros(input_shape, dtype))

    def forward(self, biases, x):
        return x + biases[0] + biases[1], None

    def backward(self, biases, cache, dy):
        g = dy.sum(axis=tuple(range(dy.ndim - biases[0].ndim)))
        return dy.copy(), (g.view(), g.view())


@attrs.frozen
class IntegersAsGrads(fn.Layer):
    """A permutation among the params, which has no gradient, is handed out as its own: a step would add it up."""

    def init(self, key, input_shape, dtype=np.float32):
        return np.arange(input_shape[-1])[::-1]

    def forward(self, order, x):
        return x[..., order], None

    def backward(self, order, cache, dy):
        dx = np.empty(dy.shape, dy.dtype)
        dx[..., order] = dy
        return dx, order.copy()


@attrs.frozen
class GradsAreParams(fn.Layer):
    """A counter among the params, at 0, is handed out as its own gradient, as 0 is right."""

    def init(self, key, input_shape, dtype=np.float32):
        return np.zeros(1, np.int64)

    def forward(self, counter, x):
        return -x, None

    def backward(self, counter, cache, dy):
        return -dy, counter


BROKEN = [
    exhibit(SumIntoCached(ExpCachingOutput(), ExpCachingOutput()), (4,), "coordinates", "adjointness", "purity"),
    exhibit(WritesX(), (4,), "purity"),
    exhibit(WritesXIfFloat64(), (4,), "purity"),
    exhibit(WritesDy(), (4,), "purity", "structure"),
    exhibit(WritesDyRestored(), (4,), "purity"),
    exhibit(WritesParams(), (4,), "purity", "structure"),
    exhibit(PopsCache(), (4,), "purity", "determinism"),
    exhibit(WritesCache(), (4,), "purity", "determinism"),
    exhibit(CacheIsIterator(), (4,), "purity", "determinism"),
    exhibit(DxIsCache(), (4,), "purity", "aliasing"),
    exhibit(GradsAreDy(), (4,), "aliasing"),
    exhibit(GradsShared(), (4,), "aliasing"),
    exhibit(IntegersAsGrads(), (4,), "linearity"),
    exhibit(GradsAreParams(), (4,), "aliasing"),
]
