"""Layers that act on each number by itself: y = f(x), dx = dy * f'(x).

The formula and the derivative of each are plain functions; `_forward` and `_backward` make a layer of them.
Derivatives are computed from x and not from y: 1 - tanh(x)**2 is 0 from x = 20 on in float64, where its true value
is 1.7e-17.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import attrs
import numpy as np

from funcnet.cache import Cache, opened
from funcnet.errors import ShapeError
from funcnet.layers.layer import Layer, check_no_params
from funcnet.numerics.elementwise import erfc, positive, sigmoid, softplus, zero
from funcnet.tree import Array, Tree, as_array, as_dtype, as_floating, frozen, read_only
from funcnet.values import real, register, specification

_UNDERFLOW = 2e4  # exp(-x) is 0 in every dtype beyond it


def _forward(layer: Layer, f: Callable[[Array], Array], params: Tree, x: Array) -> tuple[Array, Cache]:
    check_no_params(params)
    x = as_floating(x)
    y = as_dtype(f(x), x.dtype)
    return y, Cache(layer, y.shape, x)


def _backward(layer: Layer, derivative: Callable[[Array], Array], cache: Cache, dy: Array) -> tuple[Array, Tree]:
    x, dy = opened(layer, cache, dy)
    return as_dtype(dy * derivative(x), dy.dtype), ()


@register
@specification
class ReLU(Layer):
    """y = max(x, 0); dx = dy where x > 0, else 0 (also at 0). NaN is kept.

    Nair, Hinton: Rectified linear units improve restricted Boltzmann machines, ICML 2010.

    >>> ReLU().apply((), np.array([-1.0, 0.0, 2.0]))
    array([0., 0., 2.])
    """

    def forward(self, params: Tree, x: Array) -> tuple[Array, Cache]:
        check_no_params(params)
        x = as_floating(x)
        y = frozen(as_dtype(positive(x), x.dtype))
        return y, Cache(self, y.shape, y)  # y > 0 where x > 0, so that x need not be kept

    def backward(self, params: Tree, cache: Cache, dy: Array) -> tuple[Array, Tree]:
        y, dy = opened(self, cache, dy)
        dx = (y > zero(y)).astype(dy.dtype)  # to convert booleans first is faster than to multiply by them
        dx *= dy
        return as_dtype(dx, dy.dtype), ()


@register
@specification
class LeakyReLU(Layer):
    """y = x where x > 0, else slope * x; dx = dy or slope * dy. ValueError for a negative slope.

    Maas, Hannun, Ng: Rectifier nonlinearities improve neural network acoustic models, ICML workshop 2013.

    >>> LeakyReLU(0.1).apply((), np.array([-1.0, 0.0, 2.0]))
    array([-0.1,  0. ,  2. ])
    """

    slope: float = attrs.field(default=0.01, converter=real, validator=attrs.validators.ge(0))

    def forward(self, params: Tree, x: Array) -> tuple[Array, Cache]:
        return _forward(self, lambda x: np.maximum(x, 0) + self.slope * np.minimum(x, 0), params, x)

    def backward(self, params: Tree, cache: Cache, dy: Array) -> tuple[Array, Tree]:
        return _backward(self, lambda x: np.where(x > 0, 1, self.slope), cache, dy)


@register
@specification
class ELU(Layer):
    """y = x where x > 0, else alpha * (exp(x) - 1); dx = dy or alpha * exp(x) * dy. ValueError for a negative alpha.

    Clevert, Unterthiner, Hochreiter: Fast and accurate deep network learning by exponential linear units, ICLR 2016.

    >>> ELU().apply((), np.array([-np.inf, 0.0, 2.0]))
    array([-1.,  0.,  2.])
    """

    alpha: float = attrs.field(default=1.0, converter=real, validator=attrs.validators.ge(0))

    def forward(self, params: Tree, x: Array) -> tuple[Array, Cache]:
        return _forward(self, lambda x: np.maximum(x, 0) + self.alpha * np.expm1(np.minimum(x, 0)), params, x)

    def backward(self, params: Tree, cache: Cache, dy: Array) -> tuple[Array, Tree]:
        return _backward(self, lambda x: np.where(x > 0, 1, self.alpha * np.exp(np.minimum(x, 0))), cache, dy)


def _sigmoid_derivative(x: Array) -> Array:
    decay = np.exp(-np.abs(x))
    dydx: Array = decay / (1 + decay) ** 2
    return dydx


@register
@specification
class Sigmoid(Layer):
    """y = 1 / (1 + exp(-x)); dx = dy * y * (1 - y), computed from x.

    Rumelhart, Hinton, Williams: Learning representations by back-propagating errors, Nature 323, 1986.

    >>> Sigmoid().apply((), np.array([-1000.0, 0.0, 1000.0]))
    array([0. , 0.5, 1. ])
    """

    def forward(self, params: Tree, x: Array) -> tuple[Array, Cache]:
        return _forward(self, sigmoid, params, x)

    def backward(self, params: Tree, cache: Cache, dy: Array) -> tuple[Array, Tree]:
        return _backward(self, _sigmoid_derivative, cache, dy)


def _tanh_derivative(x: Array) -> Array:
    decay = np.exp(-np.abs(x))
    dydx: Array = (2 * decay / (1 + decay * decay)) ** 2  # sech(x) squared
    return dydx


@register
@specification
class Tanh(Layer):
    """y = tanh(x); dx = dy * (1 - y**2), computed from x.

    LeCun, Bottou, Orr, Mueller: Efficient backprop, in Neural Networks: Tricks of the Trade, 1998, section 4.4.

    >>> Tanh().apply((), np.array([-1000.0, 0.0, 1000.0]))
    array([-1.,  0.,  1.])
    """

    def forward(self, params: Tree, x: Array) -> tuple[Array, Cache]:
        return _forward(self, np.tanh, params, x)

    def backward(self, params: Tree, cache: Cache, dy: Array) -> tuple[Array, Tree]:
        return _backward(self, _tanh_derivative, cache, dy)


@register
@specification
class Softplus(Layer):
    """y = log(1 + exp(x)); dx = dy * sigmoid(x).

    Dugas, Bengio, Belisle, Nadeau, Garcia: Incorporating second-order functional knowledge for better option
    pricing, NIPS 2000.

    >>> Softplus().apply((), np.array([-1000.0, 1000.0]))
    array([   0., 1000.])
    """

    def forward(self, params: Tree, x: Array) -> tuple[Array, Cache]:
        return _forward(self, softplus, params, x)

    def backward(self, params: Tree, cache: Cache, dy: Array) -> tuple[Array, Tree]:
        return _backward(self, sigmoid, cache, dy)


def _silu(x: Array) -> Array:
    x = np.maximum(x, -_UNDERFLOW)
    y: Array = x * sigmoid(x)
    return y


def _silu_derivative(x: Array) -> Array:
    x = np.clip(x, -_UNDERFLOW, _UNDERFLOW)
    dydx: Array = sigmoid(x) * (1 + x * sigmoid(-x))
    return dydx


@register
@specification
class SiLU(Layer):
    """y = x * sigmoid(x); dx = dy * sigmoid(x) * (1 + x * sigmoid(-x)).

    Elfwing, Uchibe, Doya: Sigmoid-weighted linear units for neural network function approximation in reinforcement
    learning, Neural Networks 107, 2018.

    >>> SiLU().apply((), np.array([-np.inf, 0.0, 1000.0]))
    array([  -0.,    0., 1000.])
    """

    def forward(self, params: Tree, x: Array) -> tuple[Array, Cache]:
        return _forward(self, _silu, params, x)

    def backward(self, params: Tree, cache: Cache, dy: Array) -> tuple[Array, Tree]:
        return _backward(self, _silu_derivative, cache, dy)


def _normal_cdf(x: Array) -> Array:
    return as_dtype(erfc(x * -math.sqrt(0.5)), np.float64) / 2


def _gelu(x: Array) -> Array:
    x = np.maximum(as_array(x, np.float64), -40)  # the normal distribution function is 0 there
    return x * _normal_cdf(x)


def _gelu_derivative(x: Array) -> Array:
    x = np.clip(as_array(x, np.float64), -40, 40)
    return _normal_cdf(x) + x * np.exp(-x * x / 2) / math.sqrt(2 * math.pi)


@register
@specification
class GELU(Layer):
    """y = x * P(Z <= x) for a standard normal Z; dx = dy * (P(Z <= x) + x * exp(-x**2 / 2) / sqrt(2 pi)).

    Exact, not the approximation by tanh, and so slow: NumPy has no erf, so each number is a call of `math.erfc`.
    Hendrycks, Gimpel: Gaussian error linear units, arXiv 1606.08415, 2016.

    >>> GELU().apply((), np.array([-np.inf, 0.0, 1000.0]))
    array([  -0.,    0., 1000.])
    """

    def forward(self, params: Tree, x: Array) -> tuple[Array, Cache]:
        return _forward(self, _gelu, params, x)

    def backward(self, params: Tree, cache: Cache, dy: Array) -> tuple[Array, Tree]:
        return _backward(self, _gelu_derivative, cache, dy)


@register
@specification
class Elementwise(Layer):
    """y = function(x); dx = dy * derivative(x), for functions of one's own that act on each number by itself.

    Raises ShapeError if `function` changes the shape.

    >>> layer = Elementwise(np.sin, np.cos)
    >>> layer
    Elementwise(function=np.sin, derivative=np.cos)
    >>> layer.apply((), np.array([0.0]))
    array([0.])
    """

    function: Callable[[Array], Array]
    derivative: Callable[[Array], Array]

    def forward(self, params: Tree, x: Array) -> tuple[Array, Cache]:
        return _forward(self, self._computed, params, x)

    def backward(self, params: Tree, cache: Cache, dy: Array) -> tuple[Array, Tree]:
        return _backward(self, self.derivative, cache, dy)

    def _computed(self, x: Array) -> Array:
        y = read_only(as_array(self.function(x)))  # the function may return x itself
        if y.shape != x.shape:
            raise ShapeError(f"expected the function to keep the shape {x.shape}, got {y.shape}")
        return y
