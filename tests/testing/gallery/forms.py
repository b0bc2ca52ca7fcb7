"""Right layers with unusual caches and dtypes; no check may blame them."""

import attrs
import numpy as np

import funcnet as fn
from tests.testing.gallery.exhibits import Dense, Pointwise, exhibit

# --- Caches ---


@attrs.frozen
class CacheIs(fn.Layer):
    """y = sin(x), its cache a dict, a list, an object or a closure's value."""

    kind: str

    def forward(self, params, x):
        slope = np.cos(x)
        makers = {"dict": lambda: {"slope": slope}, "list": lambda: [slope], "object": lambda: Saved(slope)}
        return np.sin(x), makers[self.kind]()

    def backward(self, params, cache, dy):
        if self.kind == "object":
            return dy * cache.slope, ()
        return dy * cache["slope" if self.kind == "dict" else 0], ()


class Saved:
    """An object of a class of one's own, which compares by identity."""

    def __init__(self, slope):
        self.slope = slope


@attrs.frozen
class Negated(fn.Layer):
    """There is nothing to remember."""

    def forward(self, params, x):
        return -x, None

    def backward(self, params, cache, dy):
        return -dy, ()


@attrs.frozen
class Recomputes(Dense):
    """Only x is cached: backward runs forward again."""

    def forward(self, params, x):
        return np.tanh(Dense.forward(self, params, x)[0]), x

    def backward(self, params, x, dy):
        y, cache = Dense.forward(self, params, x)
        return Dense.backward(self, params, cache, dy * (1 - np.tanh(y) ** 2))


@attrs.frozen
class HandsOutReadOnlyCache(fn.Layer):
    """y is cached and handed out alike, but read-only."""

    def forward(self, params, x):
        y = np.exp(x)
        y.flags.writeable = False
        return y, y

    def backward(self, params, y, dy):
        return dy * y, ()


# --- Dtypes ---


@attrs.frozen
class CastsToFloat32(Pointwise):
    """Whatever comes in, y is float32."""

    def f(self, x):
        return np.sin(np.asarray(x, np.float32))

    def slope(self, x):
        return np.cos(np.asarray(x, np.float32))


@attrs.frozen
class RefusesFloat64(Pointwise):
    """A layer for float32 that says so."""

    def f(self, x):
        if x.dtype.itemsize != 4:
            raise TypeError(f"expected float32, got {x.dtype}")
        return np.sin(x)

    def slope(self, x):
        return np.cos(x)


@attrs.frozen
class RefusesOtherBytes(RefusesFloat64):
    """A layer for float32 in this machine's byte order, that says so."""

    def f(self, x):
        if x.dtype != np.float32:
            raise TypeError(f"expected float32, got {x.dtype}")
        return np.sin(x)


SOUND = [
    exhibit(CacheIs("dict"), (4,), title="cache: dict"),
    exhibit(CacheIs("list"), (4,), title="cache: list"),
    exhibit(CacheIs("object"), (4,), title="cache: object"),
    exhibit(Negated(), (4,)),
    exhibit(Recomputes(), (4,)),
    exhibit(HandsOutReadOnlyCache(), (4,)),
    exhibit(CastsToFloat32(), (4,)),
    exhibit(RefusesFloat64(), (4,)),
    exhibit(RefusesOtherBytes(), (4,)),
]
