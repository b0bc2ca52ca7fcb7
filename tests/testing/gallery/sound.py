"""Right layers that compute in unusual ways: what they do is allowed, and no check may blame them."""

import math

import attrs
import numpy as np

import funcnet as fn
from tests.testing.gallery.exhibits import Pointwise, exhibit, rows


@attrs.frozen
class InPlace(fn.Layer):
    """Works in place on its own temporaries."""

    def forward(self, params, x):
        y = x.copy()
        y[y < 0] = 0
        y *= 2
        return y, y > 0

    def backward(self, params, mask, dy):
        dx = dy + dy
        dx *= mask
        return dx, ()


@attrs.frozen
class Transposed(fn.Layer):
    """y is a view of x, dx of dy."""

    def output_shape(self, input_shape):
        return input_shape[::-1]

    def forward(self, params, x):
        return x.swapaxes(-1, -2), None

    def backward(self, params, cache, dy):
        return dy.swapaxes(-1, -2), ()


@attrs.frozen
class EverySecond(fn.Layer):
    """y is a strided view of x."""

    def output_shape(self, input_shape):
        return (*input_shape[:-1], (input_shape[-1] + 1) // 2)

    def forward(self, params, x):
        return x[..., ::2], x.shape

    def backward(self, params, shape, dy):
        dx = np.zeros(shape, dy.dtype)
        dx[..., ::2] = dy
        return dx, ()


@attrs.frozen
class Flipped(fn.Layer):
    """y is a view of x with a negative stride."""

    def forward(self, params, x):
        return x[..., ::-1], None

    def backward(self, params, cache, dy):
        return dy[..., ::-1], ()


@attrs.frozen
class Same(fn.Layer):
    """y is x itself, dx is dy itself."""

    def forward(self, params, x):
        return x, None

    def backward(self, params, cache, dy):
        return dy, ()


@attrs.frozen
class Fourier(fn.Layer):
    """A circular convolution by Fourier transforms: complex numbers inside."""

    kernel = (0.5, -0.25, 0.125)

    def forward(self, params, x):
        return self._convolved(x, np.fft.rfft(self.kernel, x.shape[-1])), None

    def backward(self, params, cache, dy):
        return self._convolved(dy, np.fft.rfft(self.kernel, dy.shape[-1]).conj()), ()

    def _convolved(self, x, spectrum):
        return np.fft.irfft(np.fft.rfft(x, axis=-1) * spectrum, x.shape[-1], axis=-1).astype(x.dtype)


@attrs.frozen
class Rotation(fn.Layer):
    """Pairs of numbers turned as complex numbers."""

    angle: float = 0.7

    def forward(self, params, x):
        return self._turned(x, self.angle), None

    def backward(self, params, cache, dy):
        return self._turned(dy, -self.angle), ()

    def _turned(self, x, angle):
        z = (x[..., 0] + 1j * x[..., 1]) * np.exp(1j * angle)
        return np.stack([z.real, z.imag], axis=-1).astype(x.dtype)


@attrs.frozen
class MathSine(Pointwise):
    """Functions of the module math, number by number."""

    def f(self, x):
        return np.vectorize(math.sin, otypes=[x.dtype.newbyteorder("=")])(x)

    def slope(self, x):
        return np.vectorize(math.cos, otypes=[x.dtype.newbyteorder("=")])(x)


@attrs.frozen
class RowByRow(fn.Layer):
    """A loop over the rows, and over their numbers."""

    def forward(self, params, x):
        y = np.array([[v * v * v for v in row] for row in rows(x).tolist()], x.dtype.newbyteorder("="))
        return y.reshape(x.shape), x

    def backward(self, params, x, dy):
        return 3 * x * x * dy, ()


@attrs.frozen
class Sorted(fn.Layer):
    """The numbers of a row in order; ties to the first."""

    def forward(self, params, x):
        return np.sort(x, axis=-1), np.argsort(x, axis=-1, kind="stable")

    def backward(self, params, order, dy):
        dx = np.empty(dy.shape, dy.dtype)
        np.put_along_axis(dx, order, dy, axis=-1)
        return dx, ()


@attrs.frozen
class Cumulated(fn.Layer):
    """A cumulative sum."""

    def forward(self, params, x):
        return np.cumsum(x, axis=-1), None

    def backward(self, params, cache, dy):
        return np.cumsum(dy[..., ::-1], axis=-1)[..., ::-1], ()


@attrs.frozen
class Rolled(fn.Layer):
    """np.roll along the features."""

    def forward(self, params, x):
        return np.roll(x, 1, axis=-1), None

    def backward(self, params, cache, dy):
        return np.roll(dy, -1, axis=-1), ()


@attrs.frozen
class Padded(fn.Layer):
    """np.pad with the edge's numbers, which so have more than one gradient."""

    def output_shape(self, input_shape):
        return (*input_shape[:-1], input_shape[-1] + 2)

    def forward(self, params, x):
        return np.pad(x, [(0, 0)] * (x.ndim - 1) + [(1, 1)], mode="edge"), None

    def backward(self, params, cache, dy):
        dx = dy[..., 1:-1].copy()
        dx[..., 0] += dy[..., 0]
        dx[..., -1] += dy[..., -1]
        return dx, ()


@attrs.frozen
class Gathered(fn.Layer):
    """Fancy indices, one of them twice."""

    indices = (2, 0, 2)

    def output_shape(self, input_shape):
        return (len(self.indices),)

    def forward(self, params, x):
        return x[..., list(self.indices)], x.shape

    def backward(self, params, shape, dy):
        dx = np.zeros(shape, dy.dtype)
        np.add.at(dx, (..., list(self.indices)), dy)
        return dx, ()


@attrs.frozen
class Solved(fn.Layer):
    """y solves (A + 3 I) y = x, by np.linalg."""

    def init(self, key, input_shape, dtype=np.float32):
        return (key.generator().uniform(-0.2, 0.2, (input_shape[-1],) * 2) + 8 * np.eye(input_shape[-1])).astype(dtype)

    def forward(self, a, x):
        y = np.linalg.solve(a, x[..., None])[..., 0]
        return y, y.copy()

    def backward(self, a, y, dy):
        dx = np.linalg.solve(a.T, dy[..., None])[..., 0]
        return dx, -rows(dx).T @ rows(y)


SOUND = [
    exhibit(InPlace(), (4,)),
    exhibit(Transposed(), (2, 3)),
    exhibit(EverySecond(), (5,)),
    exhibit(Flipped(), (4,)),
    exhibit(Same(), (4,)),
    exhibit(Fourier(), (4,)),
    exhibit(Rotation(), (2,)),
    exhibit(MathSine(), (4,)),
    exhibit(RowByRow(), (4,)),
    exhibit(Sorted(), (4,)),
    exhibit(Cumulated(), (4,)),
    exhibit(Rolled(), (4,)),
    exhibit(Padded(), (4,)),
    exhibit(Gathered(), (3,)),
    exhibit(Solved(), (3,)),
]
