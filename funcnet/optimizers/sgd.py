"""Gradient descent, with and without momentum."""

from __future__ import annotations

from functools import partial

import attrs

from funcnet.numerics.elementwise import descended, moved
from funcnet.optimizers.optimizer import Optimizer, decayed, factor_field
from funcnet.tree import Array, Tree, map_new, to_array
from funcnet.values import is_bool, real, register, specification


def sgd_step(params: Tree, grads: Tree, learning_rate: float) -> Tree:
    """New params after one step of gradient descent: params - learning_rate * grads.

    Parameters
    ----------
    params : Tree
        Params, of floating-point numbers.
    grads : Tree
        Gradient with respect to params, of the same structure and shapes.
    learning_rate : float
        Learning rate; at least 0.

    Returns
    -------
    Tree
        New params; no array is shared with the old ones.

    Raises
    ------
    DTypeError
        If params are not floating-point numbers.
    TreeError
        If grads do not have the structure and shapes of params.
    TypeError
        If the learning rate is not a number, such as a schedule.
    ValueError
        If the learning rate is negative or NaN.

    Examples
    --------
    >>> import numpy as np, funcnet as fn
    >>> params = fn.LinearParams(weight=np.array([[1.0]]), bias=np.array([0.0]))
    >>> fn.sgd_step(params, params, 0.5)
    LinearParams(weight=array([[0.5]]), bias=array([0.]))
    """
    rate = real(learning_rate)
    if not rate >= 0:
        raise ValueError(f"learning_rate must not be negative or NaN, got {rate}")
    return map_new(partial(descended, rate), params, grads, name="grads", like="params")


@register
@specification
class SGD(Optimizer):
    """Stochastic gradient descent, optionally with momentum, plain or Nesterov's.

    g += weight_decay * p;  v = momentum * v + g;  p -= rate * v, or rate * (g + momentum * v) with `nesterov`.

    Parameters
    ----------
    learning_rate : float or callable
        Learning rate, or a schedule `step -> rate` of it; at least 0.
    momentum : float, default 0.0
        Factor of the velocity v in each step; at least 0.
    nesterov : bool, default False
        Whether to use Nesterov's momentum.
    weight_decay : float, default 0.0
        Factor of the params that is added to their gradients; at least 0.
    frozen : str or tuple of str, default ()
        Patterns, as `fnmatch` has them, of the paths of leaves to leave unchanged.

    Raises
    ------
    TypeError
        If a number is not real, `nesterov` is not a bool, or a pattern is not a string.
    ValueError
        If a number is negative or NaN, or `nesterov` is set without momentum.

    References
    ----------
    I. Sutskever, J. Martens, G. Dahl, G. Hinton: On the importance of initialization and momentum in deep learning.
    ICML 2013.

    Examples
    --------
    >>> import numpy as np
    >>> optimizer = SGD(0.5)
    >>> params = (np.array([1.0]),)
    >>> optimizer.update(params, (np.array([1.0]),), optimizer.init(params))[0]
    (array([0.5]),)
    """

    momentum: float = factor_field(0.0)
    nesterov: bool = attrs.field(default=False, validator=is_bool)
    weight_decay: float = factor_field(0.0)

    def __attrs_post_init__(self) -> None:
        if self.nesterov and not self.momentum:
            raise ValueError("nesterov=True needs momentum > 0")

    @property
    def n_moments(self) -> int:
        return int(self.momentum != 0)

    def step(self, t: int, rate: float, p: Array, g: Array, *moments: Array) -> tuple[Array, ...]:
        g = decayed(g, p, self.weight_decay)
        if not moments:
            return (moved(p, to_array(g), rate),)
        v = self.momentum * moments[0] + g
        return moved(p, to_array(g + self.momentum * v if self.nesterov else v), rate), v
