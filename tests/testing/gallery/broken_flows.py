"""Broken layers of several inputs and of integers."""

import attrs
import numpy as np

import funcnet as fn
from tests.testing.gallery.exhibits import exhibit
from tests.testing.gallery.flows import IDS, TWO, WEIGHTED, Added, Inside, Larger, Lookup, Times, Weighed

# --- Tuples ---


@attrs.frozen
class DxTurned(Times):
    """The two gradients are in the wrong order."""

    def dx(self, a, b, dy):
        return dy * a, dy * b


@attrs.frozen
class OwnFactor(Times):
    """The gradient of a factor is dy times y, its own factor included."""

    def dx(self, a, b, dy):
        return dy * a * b, dy * a * b


@attrs.frozen
class ForgetsSecond(Times):
    """The second array counts as a constant."""

    def dx(self, a, b, dy):
        return dy * b, np.zeros_like(dy)


@attrs.frozen
class BothAtTies(Larger):
    """Where a and b are equal, both get all of dy."""

    def dx(self, a, b, dy):
        return dy * (a >= b), dy * (a <= b)


@attrs.frozen
class DxIsList(Times):
    """dx is a list, x a tuple."""

    def dx(self, a, b, dy):
        return [dy * b, dy * a]


@attrs.frozen
class DxOfFirst(Times):
    """dx is the gradient of the first array alone."""

    def dx(self, a, b, dy):
        return dy * b


@attrs.frozen
class NoneForFloats(Times):
    """The first array held ids once, so its gradient is None."""

    def dx(self, a, b, dy):
        return None, dy * a


@attrs.frozen
class OneDxForBoth(Added):
    """Both gradients are one array: who adds to the first in place adds to the second."""

    def backward(self, params, have_gradients, dy):
        one = dy.copy()
        return tuple(one if each else None for each in have_gradients), ()


@attrs.frozen
class WritesSecond(Times):
    """b is scaled in place."""

    def forward(self, params, x):
        a, b = x
        b *= 2
        return a * b, (a, b.copy())

    def dx(self, a, b, dy):
        return dy * b, dy * a * 2


@attrs.frozen
class MeanOfSecond(Times):
    """b is taken as its mean over all axes but the last: rows of y depend on other rows of b."""

    def forward(self, params, x):
        a, b = x
        means = np.broadcast_to(b.mean(axis=tuple(range(b.ndim - 1)), keepdims=True), b.shape)
        return a * means, (a, means)

    def dx(self, a, means, dy):
        axes = tuple(range(a.ndim - 1))
        return dy * means, np.broadcast_to((dy * a).mean(axis=axes, keepdims=True), a.shape).copy()


@attrs.frozen
class NanInSecond(Added):
    """NaN in b counts as 0."""

    def forward(self, params, x):
        a, b = map(self.number, x)
        return a + np.where(np.isnan(b), 0, b).astype(b.dtype), [part.dtype.kind == "f" for part in x]


@attrs.frozen
class GivesToAll(fn.Select):
    """dy goes to every element, not to the selected one alone."""

    def backward(self, params, cache, dy):
        return (dy.copy(), dy.copy()), ()


@attrs.frozen
class SecondOutputLost(Inside):
    """Only the first array of dy is looked at."""

    def backward(self, params, cache, dy):
        a, c = cache
        return (dy[0] * c, (np.zeros_like(dy[1]), dy[0] * a)), ()


@attrs.frozen
class OutputIsList(Inside):
    """y is a list, output_shape a tuple."""

    def forward(self, params, x):
        y, cache = Inside.forward(self, params, x)
        return list(y), cache


# --- Integers ---


@attrs.frozen
class Wraps(Added):
    """uint8 is added as uint8: 200 and 200 are 144."""

    def number(self, part):
        return part


@attrs.frozen
class BoolsAreOr(Added):
    """Integers are converted, bools are not, and True and True are True."""

    def number(self, part):
        return part.astype(np.float32) if part.dtype.kind in "iu" else part


@attrs.frozen
class ConvertsToFloat64(Added):
    """astype(float) of integers makes float64, in which all that follows is slow."""

    def number(self, part):
        return part if part.dtype.kind == "f" else part.astype(float)


@attrs.frozen
class ZerosForIntegers(Added):
    """The gradient of integers is zeros, which are then added to and stored."""

    def dx(self, dy, has_gradient):
        return dy.copy() if has_gradient else np.zeros_like(dy)


@attrs.frozen
class RepeatedIdsLost(Lookup):
    """`grads[ids] += dy` adds one of the rows of an id that occurs twice."""

    def grads(self, grads, ids, dy):
        grads[ids] += dy
        return grads


@attrs.frozen
class DxOfIds(Lookup):
    """The gradient of ids is an array of zeros."""

    def backward(self, table, ids, dy):
        return np.zeros(ids.shape, dy.dtype), self.grads(np.zeros_like(table), ids, dy)


@attrs.frozen
class NextRow(Weighed):
    """The gradient goes to the row after that of the id."""

    def grads(self, grads, ids, dy):
        np.add.at(grads, (ids + 1) % len(grads), dy)
        return grads


BROKEN = [
    exhibit(DxTurned(), TWO, "coordinates"),
    exhibit(OwnFactor(), TWO, "coordinates"),
    exhibit(ForgetsSecond(), TWO, "coordinates"),
    exhibit(BothAtTies(), TWO, "kinks"),
    exhibit(DxIsList(), TWO, "structure"),
    exhibit(DxOfFirst(), TWO, "structure"),
    exhibit(NoneForFloats(), TWO, "structure"),
    exhibit(OneDxForBoth(), TWO, "aliasing"),
    exhibit(WritesSecond(), TWO, "purity"),
    exhibit(MeanOfSecond(), TWO, "batch.rows"),
    exhibit(NanInSecond(), TWO, "nan"),
    exhibit(GivesToAll(0), TWO, "coordinates"),
    exhibit(SecondOutputLost(), ((3,), ((2,), (3,))), "coordinates"),
    exhibit(OutputIsList(), ((3,), ((2,), (3,))), "structure"),
    exhibit(Wraps(), TWO, "integers"),
    exhibit(BoolsAreOr(), TWO, "integers"),
    exhibit(ConvertsToFloat64(), TWO, "integers"),
    exhibit(ZerosForIntegers(), TWO, "integers"),
    exhibit(RepeatedIdsLost(), None, "coordinates", x=IDS),
    exhibit(DxOfIds(), None, "structure", x=IDS),
    exhibit(NextRow(), None, "coordinates", x=WEIGHTED),
]
