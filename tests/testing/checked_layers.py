"""Layers, right but for three, and pairs of functions that `check_layer` is called with."""

import attrs
import numpy as np

import funcnet as fn


def cosine(params, x, dy):
    return np.cos(x) * dy, ()


def square(params, x):
    return x * x, x


def square_backward(params, x, dy):
    return 2 * x * dy, ()


def logarithm(params, x):
    if not (np.asarray(x[()] if isinstance(x, np.ndarray) else 1.0) > 0).all():
        raise ValueError("the logarithm takes positive numbers")
    return np.log(x), x


def logarithm_backward(params, x, dy):
    return dy / x, ()


def affine_backward(params, x, dy):
    rows = dy.reshape(-1, dy.shape[-1])
    weight = x.reshape(-1, x.shape[-1]).T @ rows
    return dy @ params["w"].T, {"w": weight, "layers": [{"b": rows.sum(axis=0)}]}


def scaled(params, x):
    return x * params[1] + params["a b"], x


def scaled_backward(params, x, dy):
    rows, inputs = dy.reshape(-1, dy.shape[-1]), x.reshape(-1, x.shape[-1])
    return dy * params[1], {"a b": rows.sum(axis=0), 1: (rows * inputs).sum(axis=0)}


class Duck:
    """A layer that is no Layer: sin(x) times a gain that its init makes."""

    def init(self, key, input_shape, dtype):
        return (np.full(input_shape, 2.0, dtype),)

    def forward(self, params, x):
        return np.sin(x) * params[0], x

    def backward(self, params, x, dy):
        gain = np.sin(x) * dy
        return np.cos(x) * params[0] * dy, (gain.sum(axis=tuple(range(gain.ndim - params[0].ndim))),)


class WrongDuck(Duck):
    def backward(self, params, x, dy):
        dx, grads = super().backward(params, x, dy)
        return -dx, grads


class Bare:
    """An object with forward and backward, and nothing else."""

    def forward(self, params, x):
        return np.sin(x), x

    def backward(self, params, x, dy):
        return np.cos(x) * dy, ()


@attrs.frozen
class Unit(fn.Layer):
    """y = x / |x|, a layer that does not mind how long x is."""

    def forward(self, params, x):
        norm = np.sqrt((x * x).sum(axis=-1, keepdims=True))
        return x / norm, (x / norm, norm)

    def backward(self, params, cache, dy):
        y, norm = cache
        return (dy - y * (dy * y).sum(axis=-1, keepdims=True)) / norm, ()


@attrs.frozen
class Recording(fn.Layer):
    """y = x; it keeps what it is called with."""

    seen: list = attrs.field(factory=list, eq=False)

    def init(self, key, input_shape, dtype=np.float32):
        return (np.zeros(input_shape, dtype),)

    def forward(self, params, x):
        self.seen.append((params, x))
        return x + params[0], None

    def backward(self, params, cache, dy):
        return dy, (dy.sum(axis=tuple(range(dy.ndim - params[0].ndim))),)


@attrs.frozen
class WrongInTraining(fn.Layer):
    """Its gradient is wrong in training alone."""

    is_training: bool = False

    def training(self, key):
        return attrs.evolve(self, is_training=True)

    def forward(self, params, x):
        return np.sin(x), x

    def backward(self, params, x, dy):
        return np.cos(x) * dy * (2 if self.is_training else 1), ()


@attrs.frozen
class OtherInTraining(fn.Layer):
    """In training it does something else, without a draw, as a normalisation over the batch does."""

    is_training: bool = False

    def training(self, key):
        return attrs.evolve(self, is_training=True)

    def forward(self, params, x):
        return (x - np.tanh(x) if self.is_training else x), x

    def backward(self, params, x, dy):
        return (dy * np.tanh(x) ** 2 if self.is_training else dy), ()
