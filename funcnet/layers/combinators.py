"""Functions that combine layers: one after another, or side by side.

Each returns a layer, which can be combined in turn; `composites` and `branching` have the classes of these layers.
"""

from __future__ import annotations

from funcnet.layers.branching import Branches, Zipped
from funcnet.layers.composites import Sequential
from funcnet.layers.layer import Layer
from funcnet.layers.merging import SideBySide, Sum
from funcnet.layers.reshaping import Identity


def sequential(*layers: Layer) -> Layer:
    """Layers one after another.

    y = layer_n(... layer_1(x)); dx by the chain rule, last layer first. The params are the tuple of the layers' params.

    Parameters
    ----------
    *layers : Layer
        Layers, first to last; none for the identity.

    Returns
    -------
    Layer
        The combined layer.

    Raises
    ------
    TypeError
        If an argument is not a layer.

    Notes
    -----
    Appending a layer does not change the initial params of the layers before it.

    Examples
    --------
    >>> import numpy as np, funcnet as fn
    >>> model = fn.sequential(fn.Linear(50), fn.ReLU(), fn.Linear(10))
    >>> params = model.init(fn.Key(0), (784,))
    >>> y, cache = model.forward(params, np.ones((3, 784)))
    >>> dx, grads = model.backward(params, cache, np.ones_like(y))
    >>> y.shape, dx.shape, grads[0].weight.shape
    ((3, 10), (3, 784), (784, 50))
    """
    return Sequential(layers)


def branches(*layers: Layer) -> Layer:
    """The tuple of the outputs of layers that all have the same input.

    y = (layer_1(x), ..., layer_n(x)); dx = sum of dx_i. The params are the tuple of the layers' params.

    Parameters
    ----------
    *layers : Layer
        At least one layer.

    Returns
    -------
    Layer
        The combined layer.

    Raises
    ------
    TypeError
        If an argument is not a layer.
    ValueError
        If there are no layers.

    Examples
    --------
    >>> import numpy as np, funcnet as fn
    >>> gated = fn.sequential(fn.branches(fn.Identity(), fn.Sigmoid()), fn.Multiply())
    >>> gated.apply((((), ()), ()), np.array([0.0, 2.0])).round(4)
    array([0.    , 1.7616])
    """
    return Branches(None, layers)


def parallel(*layers: Layer) -> Layer:
    """Layers that each have one element of a tuple: the first layer the first element, and so on.

    y = (layer_1(x_1), ..., layer_n(x_n)); dx = (dx_1, ..., dx_n). The params are the tuple of the layers' params.

    Parameters
    ----------
    *layers : Layer
        At least one layer; `Identity()` passes an element on.

    Returns
    -------
    Layer
        The combined layer.

    Raises
    ------
    ShapeError
        At `init` or in a pass, if x is not a tuple of as many elements as there are layers.
    TypeError
        If an argument is not a layer.
    ValueError
        If there are no layers.

    Examples
    --------
    >>> import funcnet as fn
    >>> model = fn.sequential(fn.parallel(fn.Linear(2), fn.Identity()), fn.Concatenate(), fn.Linear(1))
    >>> model.output_shape(((3,), (5,)))
    (1,)
    """
    return Zipped(layers)


def add(*layers: Layer) -> Layer:
    """The sum of the outputs of layers that all have the same input: `branches(*layers)`, then `Sum()`.

    y = sum of layer_i(x), outputs of the same shape; dx = sum of dx_i. The params are the tuple of the layers' params.

    Parameters
    ----------
    *layers : Layer
        At least one layer.

    Returns
    -------
    Layer
        The combined layer.

    Raises
    ------
    ShapeError
        At `init` or in a pass, if the outputs differ in shape.
    TypeError
        If an argument is not a layer.
    ValueError
        If there are no layers.

    Examples
    --------
    >>> import numpy as np, funcnet as fn
    >>> fn.add(fn.Identity(), fn.ReLU()).apply(((), ()), np.array([-1.0, 1.0]))
    array([-1.,  2.])
    """
    return Branches(Sum, layers)


def concatenate(*layers: Layer) -> Layer:
    """The outputs of layers side by side along the last axis: `branches(*layers)`, then `Concatenate()`.

    y = [layer_1(x), ..., layer_n(x)]; dx = sum of dx_i. The params are the tuple of the layers' params.

    Parameters
    ----------
    *layers : Layer
        At least one layer.

    Returns
    -------
    Layer
        The combined layer.

    Raises
    ------
    ShapeError
        At `init` or in a pass, if the outputs differ in an axis before the last, or have no axis.
    TypeError
        If an argument is not a layer.
    ValueError
        If there are no layers.

    Examples
    --------
    >>> import numpy as np, funcnet as fn
    >>> fn.concatenate(fn.Identity(), fn.ReLU()).apply(((), ()), np.array([-1.0, 1.0]))
    array([-1.,  1.,  0.,  1.])
    """
    return Branches(SideBySide, layers)


def residual(layer: Layer) -> Layer:
    """A layer with a connection around it: `add(Identity(), layer)`.

    y = x + layer(x), of the same shape; dx = dy + the dx of `layer`. The params are `((), params of layer)`.

    Parameters
    ----------
    layer : Layer
        A layer whose output has the shape of its input.

    Returns
    -------
    Layer
        The combined layer.

    Raises
    ------
    ShapeError
        At `init` or in a pass, if the layer changes the shape.
    TypeError
        If the argument is not a layer.

    References
    ----------
    K. He, X. Zhang, S. Ren, J. Sun: Deep residual learning for image recognition. CVPR 2016.

    Examples
    --------
    >>> import funcnet as fn
    >>> fn.residual(fn.ReLU())
    add(Identity(), ReLU())
    """
    return add(Identity(), layer)
