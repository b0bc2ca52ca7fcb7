"""Right layers of several inputs and of integers, each part a method of its own; no check may blame them."""

import attrs
import numpy as np

import funcnet as fn
from tests.testing.gallery.exhibits import exhibit


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
class Larger(Times):
    """y = max(a, b), at a tie a."""

    def forward(self, params, x):
        return np.maximum(*x), x

    def dx(self, a, b, dy):
        return dy * (a >= b), dy * (a < b)


@attrs.frozen
class Added(fn.Layer):
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


TWO = (4,), (4,)
IDS = np.array([[0, 2, 2], [3, 1, 0]])
WEIGHTED = IDS, np.array([[0.5, 1.0, -2.0], [0.0, 3.0, 0.25]])
SOUND = [
    exhibit(Times(), TWO, symmetries=[("homogeneous", 2)]),
    exhibit(Larger(), TWO, symmetries=[("homogeneous", 1)]),
    exhibit(Added(), TWO, symmetries=[("homogeneous", 1)]),
    exhibit(Lookup(), None, x=IDS),
    exhibit(Weighed(), None, x=WEIGHTED),
    exhibit(Inside(), ((3,), ((2,), (3,)))),
    exhibit((product, product_backward), TWO, title="product"),
]
