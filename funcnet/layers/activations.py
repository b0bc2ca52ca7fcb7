"""Layers that act on each number by itself: y = f(x), dx = dy * f'(x).

The formula and the derivative of each layer are plain functions; `forward_of` and `backward_of` make the two passes
of them. Derivatives are computed from x and not from y: 1 - tanh(x)**2 is 0 from x = 20 on in float64, where its
true value is 1.7e-17. ReLU and its relatives are in `rectifiers`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs
import numpy as np

from funcnet.cache import Cache, opened
from funcnet.errors import ShapeError
from funcnet.layers.checks import check_no_params
from funcnet.layers.layer import Layer
from funcnet.numerics.elementwise import sigmoid, softplus
from funcnet.numerics.underflow import ignoring_underflow
from funcnet.tree import Array, Tree, as_array, as_dtype, one_array, read_only
from funcnet.values import instead_of, register, specification


def forward_of(layer: Layer, f: Callable[[Array], Array], params: Tree, x: Array) -> tuple[Array, Cache]:
    """y = f(x), in the dtype of x, and the cache of `layer`; raises TreeError if params are not `()`."""
    check_no_params(params)
    x, dtype = one_array(layer, x)
    try:
        y = as_dtype(f(x), x.dtype)
    except FloatingPointError:
        y = ignoring_underflow(lambda: as_dtype(f(x), x.dtype))
    return y, Cache(layer, y.shape, x, dtype)


def backward_of(layer: Layer, derivative: Callable[[Array], Array], cache: Cache, dy: Array) -> tuple[Array, Tree]:
    """dx = dy * derivative(x), in the dtype of dy, and `()` as the grads; raises what `opened` raises."""
    x, dy = opened(layer, cache, dy)
    try:
        dx = as_dtype(dy * derivative(x), dy.dtype)
    except FloatingPointError:
        dx = ignoring_underflow(lambda: as_dtype(dy * derivative(x), dy.dtype))
    return cache.dx(dx), ()


def _sigmoid_derivative(x: Array) -> Array:
    decay = np.exp(-np.abs(x))
    dydx: Array = decay / (1 + decay) ** 2
    return dydx


@register
@specification
class Sigmoid(Layer):
    """Logistic sigmoid, from 0 to 1.

    y = 1 / (1 + exp(-x)), with x and y (...); dx = dy * y * (1 - y), computed from x.

    References
    ----------
    D. E. Rumelhart, G. E. Hinton, R. J. Williams: Learning representations by back-propagating errors. Nature 323,
    1986.

    Examples
    --------
    >>> Sigmoid().apply((), np.array([-1000.0, 0.0, 1000.0]))
    array([0. , 0.5, 1. ])
    """

    takes_integers = True

    def forward(self, params: Tree, x: Array) -> tuple[Array, Cache]:
        return forward_of(self, sigmoid, params, x)

    def backward(self, params: Tree, cache: Cache, dy: Array) -> tuple[Array, Tree]:
        return backward_of(self, _sigmoid_derivative, cache, dy)


def _tanh_derivative(x: Array) -> Array:
    decay = np.exp(-np.abs(x))
    dydx: Array = (2 * decay / (1 + decay * decay)) ** 2  # sech(x) squared
    return dydx


@register
@specification
class Tanh(Layer):
    """Hyperbolic tangent, from -1 to 1.

    y = tanh(x), with x and y (...); dx = dy * (1 - y**2), computed from x.

    References
    ----------
    Y. LeCun, L. Bottou, G. B. Orr, K.-R. Mueller: Efficient backprop. In Neural Networks: Tricks of the Trade,
    1998, section 4.4.

    Examples
    --------
    >>> Tanh().apply((), np.array([-1000.0, 0.0, 1000.0]))
    array([-1.,  0.,  1.])
    """

    takes_integers = True

    def forward(self, params: Tree, x: Array) -> tuple[Array, Cache]:
        return forward_of(self, np.tanh, params, x)

    def backward(self, params: Tree, cache: Cache, dy: Array) -> tuple[Array, Tree]:
        return backward_of(self, _tanh_derivative, cache, dy)


@register
@specification
class Softplus(Layer):
    """Softplus, a smooth and positive ReLU.

    y = log(1 + exp(x)), with x and y (...); dx = dy * sigmoid(x).

    References
    ----------
    C. Dugas, Y. Bengio, F. Belisle, C. Nadeau, R. Garcia: Incorporating second-order functional knowledge for better
    option pricing. NIPS 2000.

    Examples
    --------
    >>> Softplus().apply((), np.array([-1000.0, 1000.0]))
    array([   0., 1000.])
    """

    takes_integers = True

    def forward(self, params: Tree, x: Array) -> tuple[Array, Cache]:
        return forward_of(self, softplus, params, x)

    def backward(self, params: Tree, cache: Cache, dy: Array) -> tuple[Array, Tree]:
        return backward_of(self, sigmoid, cache, dy)


def _is_function(instance: object, attribute: Any, value: Any) -> None:
    if not callable(value):
        raise TypeError(f"{attribute.name} must be a function of an array, got {value!r}{instead_of(value)}")


@register
@specification
class Elementwise(Layer):
    """A function of your own that acts on each number by itself.

    y = function(x), with x and y (...); dx = dy * derivative(x).

    Parameters
    ----------
    function : callable
        Function of x that returns an array of the same shape.
    derivative : callable
        Derivative of `function` at x, an array of the shape of x.

    Raises
    ------
    ShapeError
        If `function` changes the shape of x.
    TypeError
        If `function` or `derivative` is not a function.

    Examples
    --------
    >>> layer = Elementwise(np.sin, np.cos)
    >>> layer
    Elementwise(function=np.sin, derivative=np.cos)
    >>> layer.apply((), np.array([0.0]))
    array([0.])
    """

    takes_integers = True
    function: Callable[[Array], Array] = attrs.field(validator=_is_function)
    derivative: Callable[[Array], Array] = attrs.field(validator=_is_function)

    def forward(self, params: Tree, x: Array) -> tuple[Array, Cache]:
        return forward_of(self, self._computed, params, x)

    def backward(self, params: Tree, cache: Cache, dy: Array) -> tuple[Array, Tree]:
        return backward_of(self, self.derivative, cache, dy)

    def _computed(self, x: Array) -> Array:
        y = read_only(as_array(self.function(x)))  # the function may return x itself
        if y.shape != x.shape:
            raise ShapeError(f"the function must keep the shape of x, {x.shape}, got {y.shape}")
        return y
