"""Layers of several inputs and of integers, right and broken."""

import attrs
import numpy as np

import funcnet as fn
from tests.testing.gallery.exhibits import exhibit

# --- Right ones, each part a method of its own ---


@attrs.frozen
class Times(fn.Layer):
    """y = a * b of two arrays of one shape."""

    n_inputs = 2

    def output_shape(self, input_shape):
        return input_shape[0]

    def forward(self, params, x):
        a, b = x
        return a * b, x

    def backward(self, params, cache, dy):
        return self.dx(*cache, dy), ()

    def dx(self, a, b, dy):
        return dy * b, dy * a


@attrs.frozen
class Total(fn.Layer):
    """y = a + b of two arrays of one shape, integers or not."""

    n_inputs = 2
    takes_integers = True

    def output_shape(self, input_shape):
        return input_shape[0]

    def forward(self, params, x):
        a, b = map(self.number, x)
        return a + b, [part.dtype.kind == "f" for part in x]

    def number(self, part):
        return part if part.dtype.kind == "f" else part.astype(np.float32)

    def backward(self, params, have_gradients, dy):
        return tuple(self.dx(dy, each) for each in have_gradients), ()

    def dx(self, dy, has_gradient):
        return dy.copy() if has_gradient else None


@attrs.frozen
class Lookup(fn.Layer):
    """Rows of a table by ids, as an embedding has it; it refuses floats."""

    takes_integers = True

    def init(self, key, input_shape, dtype=np.float32):
        return key.generator().normal(size=(4, 2)).astype(dtype)

    def output_shape(self, input_shape):
        return (*input_shape, 2)

    def forward(self, table, ids):
        if ids.dtype.kind not in "iu":
            raise TypeError("ids must be integers")
        return table[ids], ids

    def backward(self, table, ids, dy):
        return None, self.grads(np.zeros_like(table), ids, dy)

    def grads(self, grads, ids, dy):
        np.add.at(grads, ids, dy)
        return grads


@attrs.frozen
class Weighed(Lookup):
    """The rows of the ids times a number for each: x is a tuple of integers and of floats."""

    n_inputs = 2

    def output_shape(self, input_shape):
        return (*input_shape[0], 2)

    def forward(self, table, x):
        ids, weights = x
        rows, _ = Lookup.forward(self, table, ids)
        return rows * weights[..., None], (ids, weights, rows)

    def backward(self, table, cache, dy):
        ids, weights, rows = cache
        _, grads = Lookup.backward(self, table, ids, dy * weights[..., None])
        return (None, (dy * rows).sum(axis=-1)), grads


@attrs.frozen
class Inside(fn.Layer):
    """(a, (b, c)) to (a * c, b): tuples in a tuple, and a tuple for y."""

    n_inputs = 2

    def output_shape(self, input_shape):
        return input_shape[0], input_shape[1][0]

    def forward(self, params, x):
        a, (b, c) = x
        return (a * c, b.copy()), (a, c)

    def backward(self, params, cache, dy):
        a, c = cache
        return (dy[0] * c, (dy[1].copy(), dy[0] * a)), ()


def product(params, x):
    return x[0] * x[1], x


def product_backward(params, x, dy):
    return (dy * x[1], dy * x[0]), ()


# --- Broken: tuples ---


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
class OneDxForBoth(Total):
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
class NanInSecond(Total):
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


# --- Broken: integers ---


@attrs.frozen
class Wraps(Total):
    """uint8 is added as uint8: 200 and 200 are 144."""

    def number(self, part):
        return part


@attrs.frozen
class BoolsAreOr(Total):
    """Integers are converted, bools are not, and True and True are True."""

    def number(self, part):
        return part.astype(np.float32) if part.dtype.kind in "iu" else part


@attrs.frozen
class ConvertsToFloat64(Total):
    """astype(float) of integers makes float64, in which all that follows is slow."""

    def number(self, part):
        return part if part.dtype.kind == "f" else part.astype(float)


@attrs.frozen
class ZerosForIntegers(Total):
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


TWO = (4,), (4,)
IDS = np.array([[0, 2, 2], [3, 1, 0]])
WEIGHTED = IDS, np.array([[0.5, 1.0, -2.0], [0.0, 3.0, 0.25]])
SOUND = [
    exhibit(Times(), TWO, symmetries=[("homogeneous", 2)]),
    exhibit(Total(), TWO, symmetries=[("homogeneous", 1)]),
    exhibit(Lookup(), None, x=IDS),
    exhibit(Weighed(), None, x=WEIGHTED),
    exhibit(Inside(), ((3,), ((2,), (3,)))),
    exhibit((product, product_backward), TWO, title="product"),
]
BROKEN = [
    exhibit(DxTurned(), TWO, "coordinates"),
    exhibit(OwnFactor(), TWO, "coordinates"),
    exhibit(ForgetsSecond(), TWO, "coordinates"),
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
