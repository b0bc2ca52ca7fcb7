"""Broken layers that mind memory layout or dtype, or lose numbers; all from life."""

import attrs
import numpy as np

import funcnet as fn
from tests.testing.gallery.exhibits import Dense, Normalise, Pointwise, exhibit

# --- Layout and dtype ---


@attrs.frozen
class AsItLies(Pointwise):
    """ravel(order="K") takes numbers as they lie in memory: another order for a transposed array."""

    def f(self, x):
        return np.sin(x.ravel(order="K")).reshape(x.shape)

    def slope(self, x):
        return np.cos(x.ravel(order="K")).reshape(x.shape)


@attrs.frozen
class ReadsBytes(Pointwise):
    """The bytes are read as numbers of this machine, as C code does that is handed a pointer."""

    def f(self, x):
        return np.sin(np.frombuffer(x.tobytes(), x.dtype.newbyteorder("=")).reshape(x.shape))

    def slope(self, x):
        return np.cos(np.frombuffer(x.tobytes(), x.dtype.newbyteorder("=")).reshape(x.shape))


@attrs.frozen
class Pointer(Pointwise):
    """A pointer to the first number, and strides not minded: what lies behind it is taken for the others."""

    def f(self, x):
        return x * np.sign(x.strides[-1] if x.ndim else 1)

    def slope(self, x):
        return np.full_like(x, np.sign(x.strides[-1] if x.ndim else 1))


@attrs.frozen
class WritesIfItMay(Pointwise):
    """Where the input may be written to, it is: the result for a read-only input is another."""

    def f(self, x):
        return np.sin(x) if x.flags.writeable else np.sin(x) + 1e-3

    def slope(self, x):
        return np.cos(x)


@attrs.frozen
class NeedsC(Pointwise):
    """An input that is not contiguous is refused."""

    def f(self, x):
        if not x.flags.c_contiguous:
            raise ValueError("ndarray is not C-contiguous")
        return np.sin(x)

    def slope(self, x):
        return np.cos(x)


@attrs.frozen
class DoubleOut(Pointwise):
    """An array of float64 constants makes y float64 for a float32 x."""

    def f(self, x):
        return np.sin(x) * np.ones(x.shape[-1])

    def slope(self, x):
        return np.cos(x)


@attrs.frozen
class DoubleDx(Pointwise):
    """A float64 constant makes dx float64 for a float32 dy."""

    def f(self, x):
        return np.sin(x)

    def backward(self, params, x, dy):
        return dy * np.cos(x) * np.ones(1), ()


@attrs.frozen
class DoubleGrads(Dense):
    """The gradient of the bias is accumulated, and left, in float64."""

    def bias(self, params, x, dy):
        return dy.reshape(-1, dy.shape[-1]).sum(axis=0, dtype=np.float64)


@attrs.frozen
class SinglePrecision(Pointwise):
    """Everything is computed in float32, then said to be of the dtype of x."""

    def f(self, x):
        return np.sin(x)

    def slope(self, x):
        return np.cos(x.astype(np.float32)).astype(x.dtype)


# --- Large numbers and NaN ---


@attrs.frozen
class SigmoidOverflow(Pointwise):
    """exp(x) / (1 + exp(x)): infinity over infinity from x = 710 on."""

    def f(self, x):
        return np.exp(x) / (1 + np.exp(x))

    def slope(self, x):
        return np.exp(x) / (1 + np.exp(x)) ** 2


@attrs.frozen
class SigmoidSlopeOverflow(Pointwise):
    """exp(-x) / (1 + exp(-x))**2: infinity over infinity at -1000, though y itself is right."""

    def f(self, x):
        return 1 / (1 + np.exp(-x))

    def slope(self, x):
        return np.exp(-x) / (1 + np.exp(-x)) ** 2


@attrs.frozen
class SoftplusOverflow(Pointwise):
    """log(1 + exp(x)) is infinite from x = 710 on."""

    def f(self, x):
        return np.log(1 + np.exp(x))

    def slope(self, x):
        return 1 / (1 + np.exp(-x))


@attrs.frozen
class SoftmaxOverflow(fn.Layer):
    """Softmax without the largest subtracted."""

    def forward(self, params, x):
        y = np.exp(x) / np.exp(x).sum(axis=-1, keepdims=True)
        return y, y.copy()

    def backward(self, params, y, dy):
        return y * (dy - (y * dy).sum(axis=-1, keepdims=True)), ()


@attrs.frozen
class NaNSwallowed(Pointwise):
    """where(x > 0, x, 0) makes 0 of a NaN, and a diverged network looks sound."""

    def f(self, x):
        return np.where(x > 0, x, 0)

    def slope(self, x):
        return x > 0


@attrs.frozen
class NaNSpread(Pointwise):
    """0 times the sum of the batch is added, to keep a graph connected: a NaN reaches every row."""

    def f(self, x):
        return np.sin(x) + 0 * x.sum()

    def slope(self, x):
        return np.cos(x)


# --- Symmetries that are declared and are not there ---


@attrs.frozen
class AlmostSoftmax(fn.Layer):
    """Softmax with 1 added to the sum, "against dividing by 0"; backward is right for that."""

    def forward(self, params, x):
        e = np.exp(x)
        y = e / (1 + e.sum(axis=-1, keepdims=True))
        return y, y.copy()

    def backward(self, params, y, dy):
        return y * (dy - (y * dy).sum(axis=-1, keepdims=True)), ()


@attrs.frozen
class AlmostScaleFree(Normalise):
    """The eps of a normalisation makes it depend on the scale of x; backward is right for that."""


BROKEN = [
    exhibit(AsItLies(), (4,), "layout"),
    exhibit(ReadsBytes(), (4,), "layout"),
    exhibit(Pointer(), (4,), "layout"),
    exhibit(WritesIfItMay(), (4,), "purity", "layout"),
    exhibit(NeedsC(), (4,), "layout"),
    exhibit(DoubleOut(), (4,), "dtype"),
    exhibit(DoubleDx(), (4,), "dtype"),
    exhibit(DoubleGrads(), (4,), "dtype"),
    exhibit(SinglePrecision(), (4,), "coordinates", "adjointness"),
    exhibit(SigmoidOverflow(), (4,), "finite"),
    exhibit(SigmoidSlopeOverflow(), (4,), "finite"),
    exhibit(SoftplusOverflow(), (4,), "finite"),
    exhibit(SoftmaxOverflow(), (4,), "finite"),
    exhibit(NaNSwallowed(), (4,), "nan"),
    exhibit(NaNSpread(), (4,), "nan"),
    exhibit(AlmostSoftmax(), (4,), "symmetry", symmetries=["shift-invariant"]),
    exhibit(AlmostScaleFree(), (4,), "symmetry", symmetries=["scale-invariant"]),
]
