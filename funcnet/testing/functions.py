"""`check_function`: layers as courses and textbooks write them, two functions of arrays or an object with a memory."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from inspect import unwrap
from typing import Any

from funcnet.testing.cases.textbook import OfFunctions, OfObject
from funcnet.testing.layers import check_layer
from funcnet.testing.reports.holding import Check, raising
from funcnet.values import check_methods


@raising
def check_function(
    forward: Callable[..., Any], backward: Callable[..., Any], x: Any, *arguments: Any, **options: Any
) -> Check:
    """Check ``forward(x, *arguments) -> (y, cache)`` and ``backward(dy, cache) -> (dx, *grads)`` against every law.

    This is `check_layer` of `from_functions`, with rows drawn from `x`. Arrays of floating-point numbers after x are
    params: laws are asked at these and at others around them, and backward returns a gradient of each, in this order.
    Everything else, such as a stride or a dict of settings, is passed on in a copy. Where forward returns several
    arrays before the cache, backward takes a dy of each before it. Integers in x stay integers where backward returns
    None or nothing for them.

    Parameters
    ----------
    forward, backward : callable
        The two functions.
    x : ndarray (n, *input_shape) or tuple of them
        Examples. Those of a tuple are the first arguments of forward, and backward returns a gradient of each.
    *arguments : ndarray or object
        The other arguments of forward.
    **options
        The options of `check_layer`: `exempt`, `dtypes`, `like`, `symmetries`, `examples` and `seed`.

    Raises
    ------
    LawViolation
        If the functions break a law, or obey an exempted one.
    TypeError, ValueError
        For what `check_layer` refuses.

    Examples
    --------
    >>> import numpy as np
    >>> def affine_forward(x, w, b):
    ...     return x @ w + b, (x, w)
    >>> def affine_backward(dy, cache):
    ...     x, w = cache
    ...     return dy @ w.T, x.T @ dy, dy.sum(axis=0)
    >>> x, w, b = np.array([[0.5, -1.0], [2.0, 0.0]]), np.ones((2, 3)), np.zeros(3)
    >>> check_function(affine_forward, affine_backward, x, w, b)
    """
    __tracebackhide__ = True
    found: Check = unwrap(check_layer)(from_functions(forward, backward, *arguments), x=x, **options)
    return found


def from_functions(forward: Callable[..., Any], backward: Callable[..., Any], *arguments: Any) -> Any:
    """Make a layer, for `check_layer`, `report` or `layer_tests`, of two functions, see `check_function`.

    Parameters
    ----------
    forward, backward : callable
        ``forward(x, *arguments) -> (y, cache)`` and ``backward(dy, cache) -> (dx, *grads)``.
    *arguments : ndarray or object
        Arguments of forward after x; params are drawn around those that are arrays of floating-point numbers.

    Returns
    -------
    object
        The layer, to be checked with `x`.

    Raises
    ------
    TypeError
        If one of the two cannot be called.

    Examples
    --------
    >>> import numpy as np, funcnet as fn
    >>> def scaled(x, w):
    ...     return x * w, (x, w)
    >>> def scaled_backward(dy, cache):
    ...     x, w = cache
    ...     return dy * w, (dy * x).sum(axis=0)
    >>> layer = from_functions(scaled, scaled_backward, np.array([2.0, -1.0]))
    >>> fn.testing.report(layer, x=np.array([[1.0, 0.5]]), examples=7).ok
    True
    """
    for name, function in (("forward", forward), ("backward", backward)):
        if not callable(function):
            raise TypeError(f"{name} must be a function, got {function!r}")
    return OfFunctions(forward, backward, arguments)


def from_object(layer: Any, *params: str) -> Any:
    """Make a layer, for `check_layer`, `report` or `layer_tests`, of an object that keeps what it saw.

    ``forward(x)`` returns y, and ``backward(dy)`` returns dx and leaves the gradient of W in dW, or those of all params
    in `grads`. Where they return nothing, y is in `output` and dx in `dinputs`. A copy of the object is checked. Two
    passes disturb each other in it, as do two threads: exempt "interleaving" and "threads".

    Parameters
    ----------
    layer : object
        The object.
    *params : str
        Names of its params; by default the arrays in `params` where there are `grads` too, else all its arrays of
        floating-point numbers but dW for a W.

    Returns
    -------
    object
        The layer, to be checked with `x` or an `input_shape`.

    Raises
    ------
    TypeError
        If `layer` lacks one of the two methods, or an array of this name.

    Examples
    --------
    >>> import numpy as np
    >>> class Scale:
    ...     def __init__(self, w):
    ...         self.w = w
    ...     def forward(self, x):
    ...         self.x = x
    ...         return self.w * x
    ...     def backward(self, dy):
    ...         self.dw = (dy * self.x).sum(axis=0)
    ...         return dy * self.w
    >>> exempt = dict.fromkeys(["interleaving", "threads"], "x is kept in the object")
    >>> check_layer(from_object(Scale(np.array([2.0, -1.0]))), x=np.array([[1.0, 0.5], [3.0, 2.0]]), exempt=exempt)
    """
    check_methods("layer", layer, "forward", "backward")
    for name in params:
        if not hasattr(layer, name):
            raise TypeError(f"layer must have the array {name}, got {sorted(vars(layer))}")
    return OfObject.of(deepcopy(layer), params)
