"""Layers and pairs of functions that break a law, for what is said of a violation; and how they are checked."""

import attrs
import numpy as np

import funcnet as fn


@attrs.frozen
class Doubled(fn.Layer):
    """y = f(x), dx = 2 * dy * slope(x)."""

    f: object = np.sin
    slope: object = np.cos

    def forward(self, params, x):
        return self.f(x), x

    def backward(self, params, x, dy):
        return 2 * dy * self.slope(x), ()


@fn.tree.node
class Gain:
    gain: np.ndarray
    offset: np.ndarray


@attrs.frozen
class Gains(fn.Layer):
    """y = x * gain + offset with params in a node, or in a node in a tuple; the sum over the batch is missing."""

    is_nested: bool = False

    def init(self, key, input_shape, dtype=np.float32):
        params = Gain(np.ones(input_shape, dtype), np.zeros(input_shape, dtype))
        return ((), params) if self.is_nested else params

    def forward(self, params, x):
        params = params[1] if self.is_nested else params
        return x * params.gain + params.offset, x

    def backward(self, params, x, dy):
        own = params[1] if self.is_nested else params
        rows = dy.reshape(-1, *own.gain.shape)
        offset = rows[0].copy() if len(rows) else np.zeros_like(own.offset)
        grads = Gain((x.reshape(rows.shape) * rows).sum(axis=0), offset)
        return dy * own.gain, ((), grads) if self.is_nested else grads


@attrs.frozen
class OnlyInTraining(fn.Layer):
    """In training a number drawn from the key scales y, but not dx."""

    key: fn.Key | None = None

    def training(self, key):
        return attrs.evolve(self, key=key)

    def forward(self, params, x):
        return (x if self.key is None else x * x.dtype.type(self.key.generator().random())), None

    def backward(self, params, cache, dy):
        return dy, ()


@attrs.frozen
class Narrow(fn.Layer):
    """y = x; dx of float32 is half of dy."""

    def forward(self, params, x):
        return x, None

    def backward(self, params, cache, dy):
        return (dy if dy.dtype == np.float64 else dy / 2), ()


@attrs.frozen
class Far(fn.Layer):
    """y = x, by a way on which exp overflows for a large x."""

    def forward(self, params, x):
        return x * (np.exp(x) / np.exp(x)), None

    def backward(self, params, cache, dy):
        return dy, ()


def sine(params, x):
    return np.sin(x), x


def minus_cosine(params, x, dy):
    return -np.cos(x) * dy, ()


def affine(params, x):
    return x @ params["w"] + params["layers"][0]["b"], x


def affine_backward(params, x, dy):
    rows = dy.reshape(-1, dy.shape[-1])
    weight = x.reshape(-1, x.shape[-1]).T @ rows
    return dy @ params["w"].T, {"w": weight, "layers": [{"b": rows.mean(axis=0)}]}


def in_dict(params, x):
    return x * params["a"].gain + params["a"].offset, x


def in_dict_backward(params, x, dy):
    rows = dy.reshape(-1, dy.shape[-1])
    gain = (x.reshape(rows.shape) * rows).sum(axis=0)
    return dy * params["a"].gain, {"a": Gain(gain, 2 * rows.sum(axis=0))}


DICT = {"w": np.array([[1.0, -2.0], [0.5, 3.0]]), "layers": [{"b": np.array([1.0, 0.0])}]}
NODE_IN_DICT = {"a": Gain(np.ones(2), np.zeros(2))}
X, DY = np.array([[0.5, 1.5], [-1.0, 2.0]]), np.array([[1.0, -2.0], [0.5, 3.0]])
KEY = fn.Key(0)
INITIALIZED = fn.sequential(fn.Linear(2, weight_init=fn.initializers.he_normal), Gains())
TRAINED = fn.sequential(fn.Linear(2), OnlyInTraining()).training(KEY)

# What check_layer is called with.
LAYERS = {
    "functions in fields": (Doubled(), (2,), {}),
    "a node": (Gains(), (2,), {}),
    "in a network": (fn.sequential(fn.Linear(2), Doubled(), fn.ReLU()), (2,), {}),
    "float32": (Narrow(), (2,), {}),
    "infinite": (Far(), (2,), {}),
    "a symmetry": (fn.Tanh(), (2,), {"symmetries": [("homogeneous", 2)]}),
    "a pair": ((sine, minus_cosine), (2,), {}),
    "a pair at x": ((sine, minus_cosine), None, {"x": [[0.5, 1.5]]}),
    "dicts and lists": ((affine, affine_backward), (2,), {"params": DICT}),
}

# What check_layer_law is called with, which shrinks nothing.
LAWS = {
    "functions of a module": ("coordinates", Doubled(np.tanh, np.cosh), (), X, DY),
    "own functions in fields": ("structure", Doubled(np.exp, sine), (), X, DY),
    "a node in a tuple": ("coordinates", Gains(is_nested=True), ((), NODE_IN_DICT["a"]), X, DY),
    "nodes in dicts": ("coordinates", (in_dict, in_dict_backward), NODE_IN_DICT, X, DY),
    "an initializer": ("coordinates", INITIALIZED, INITIALIZED.init(KEY, (2,), np.float64), X, DY),
    "in training": ("coordinates", OnlyInTraining(KEY), (), X, DY),
    "in training, in a network": ("coordinates", TRAINED, TRAINED.init(KEY, (2,), np.float64), X, DY),
    "dropout": ("batch.permutation", fn.Dropout(0.5).training(KEY), (), X, DY),
}
