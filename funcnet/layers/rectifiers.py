"""Activations that pass large positive numbers on and hold negative ones back: ReLU and its smooth or leaky relatives.

Each acts on each number by itself: y = f(x), dx = dy * f'(x).
"""

from __future__ import annotations

import math

import attrs
import numpy as np

from funcnet.cache import Cache, opened
from funcnet.layers.activations import backward_of, forward_of
from funcnet.layers.checks import check_no_params
from funcnet.layers.layer import Layer
from funcnet.numerics.elementwise import erfc, positive, sigmoid, where_positive
from funcnet.tree import Array, Tree, as_array, as_dtype, frozen, one_array
from funcnet.values import real, register, specification

_UNDERFLOW = 2e4  # exp(-x) is 0 in every dtype beyond this x


@register
@specification
class ReLU(Layer):
    """Rectified linear unit: the larger of x and 0.

    y = max(x, 0), with x and y (...); dx = dy where x > 0, else 0 (also at 0). NaN is kept.

    References
    ----------
    V. Nair, G. E. Hinton: Rectified linear units improve restricted Boltzmann machines. ICML 2010.

    Examples
    --------
    >>> ReLU().apply((), np.array([-1.0, 0.0, 2.0]))
    array([0., 0., 2.])
    """

    takes_integers = True

    def forward(self, params: Tree, x: Array) -> tuple[Array, Cache]:
        check_no_params(params)
        x, dtype = one_array(self, x)
        y = frozen(as_dtype(positive(x), x.dtype))
        return y, Cache(self, y.shape, y, dtype)  # y > 0 where x > 0, so x need not be kept

    def backward(self, params: Tree, cache: Cache, dy: Array) -> tuple[Array, Tree]:
        y, dy = opened(self, cache, dy)
        return cache.dx(as_dtype(where_positive(y, dy), dy.dtype)), ()


@register
@specification
class LeakyReLU(Layer):
    """Leaky rectified linear unit: x, scaled by `slope` where x is negative.

    y = x where x > 0, else slope * x, with x and y (...); dx = dy where x > 0, else slope * dy.

    Parameters
    ----------
    slope : float, default 0.01
        Factor for negative x; at least 0.

    Raises
    ------
    ValueError
        If the slope is negative or NaN.

    References
    ----------
    A. L. Maas, A. Y. Hannun, A. Y. Ng: Rectifier nonlinearities improve neural network acoustic models. ICML
    workshop 2013.

    Examples
    --------
    >>> LeakyReLU(0.1).apply((), np.array([-1.0, 0.0, 2.0]))
    array([-0.1,  0. ,  2. ])
    """

    takes_integers = True
    slope: float = attrs.field(default=0.01, converter=real, validator=attrs.validators.ge(0))

    def forward(self, params: Tree, x: Array) -> tuple[Array, Cache]:
        return forward_of(self, lambda x: np.maximum(x, 0) + self.slope * np.minimum(x, 0), params, x)

    def backward(self, params: Tree, cache: Cache, dy: Array) -> tuple[Array, Tree]:
        return backward_of(self, lambda x: np.where(x > 0, 1, self.slope), cache, dy)


@register
@specification
class ELU(Layer):
    """Exponential linear unit: x where x is positive, an exponential that tends to -alpha where it is negative.

    y = x where x > 0, else alpha * (exp(x) - 1), with x and y (...); dx = dy where x > 0, else alpha * exp(x) * dy.

    Parameters
    ----------
    alpha : float, default 1.0
        Size of y at x = -infinity; at least 0.

    Raises
    ------
    ValueError
        If alpha is negative or NaN.

    References
    ----------
    D.-A. Clevert, T. Unterthiner, S. Hochreiter: Fast and accurate deep network learning by exponential linear
    units. ICLR 2016.

    Examples
    --------
    >>> ELU().apply((), np.array([-np.inf, 0.0, 2.0]))
    array([-1.,  0.,  2.])
    """

    takes_integers = True
    alpha: float = attrs.field(default=1.0, converter=real, validator=attrs.validators.ge(0))

    def forward(self, params: Tree, x: Array) -> tuple[Array, Cache]:
        return forward_of(self, lambda x: np.maximum(x, 0) + self.alpha * np.expm1(np.minimum(x, 0)), params, x)

    def backward(self, params: Tree, cache: Cache, dy: Array) -> tuple[Array, Tree]:
        return backward_of(self, lambda x: np.where(x > 0, 1, self.alpha * np.exp(np.minimum(x, 0))), cache, dy)


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
    """Sigmoid linear unit: x times its sigmoid.

    y = x * sigmoid(x), with x and y (...); dx = dy * sigmoid(x) * (1 + x * sigmoid(-x)).

    References
    ----------
    S. Elfwing, E. Uchibe, K. Doya: Sigmoid-weighted linear units for neural network function approximation in
    reinforcement learning. Neural Networks 107, 2018.

    Examples
    --------
    >>> SiLU().apply((), np.array([-np.inf, 0.0, 1000.0]))
    array([  -0.,    0., 1000.])
    """

    takes_integers = True

    def forward(self, params: Tree, x: Array) -> tuple[Array, Cache]:
        return forward_of(self, _silu, params, x)

    def backward(self, params: Tree, cache: Cache, dy: Array) -> tuple[Array, Tree]:
        return backward_of(self, _silu_derivative, cache, dy)


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
    """Gaussian error linear unit: x times the probability that a standard normal Z is at most x.

    y = x * P(Z <= x), with x and y (...); dx = dy * (P(Z <= x) + x * exp(-x**2 / 2) / sqrt(2 pi)).

    Notes
    -----
    Exact, not the approximation by tanh, and therefore slow: NumPy has no erf, so each number is a call of
    `math.erfc`.

    References
    ----------
    D. Hendrycks, K. Gimpel: Gaussian error linear units. arXiv 1606.08415, 2016.

    Examples
    --------
    >>> GELU().apply((), np.array([-np.inf, 0.0, 1000.0]))
    array([  -0.,    0., 1000.])
    """

    takes_integers = True

    def forward(self, params: Tree, x: Array) -> tuple[Array, Cache]:
        return forward_of(self, _gelu, params, x)

    def backward(self, params: Tree, cache: Cache, dy: Array) -> tuple[Array, Tree]:
        return backward_of(self, _gelu_derivative, cache, dy)
