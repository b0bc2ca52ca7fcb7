"""Gradient descent, and its momentum."""

from __future__ import annotations

from functools import partial

import attrs

from funcnet.numerics.elementwise import descended
from funcnet.optimizers.optimizer import Optimizer, decayed, factor_field
from funcnet.tree import Array, Tree, map_new
from funcnet.values import is_bool, real, register, specification


def sgd_step(params: Tree, grads: Tree, learning_rate: float) -> Tree:
    """params - learning_rate * grads, as new params.

    Raises TreeError if grads are of another structure or shape, ValueError for a negative or NaN learning rate.

    >>> import numpy as np, funcnet as fn
    >>> params = fn.LinearParams(weight=np.array([[1.0]]), bias=np.array([0.0]))
    >>> fn.sgd_step(params, params, 0.5)
    LinearParams(weight=array([[0.5]]), bias=array([0.]))
    """
    rate = real(learning_rate)
    if not rate >= 0:
        raise ValueError(f"learning_rate must not be negative or NaN, got {rate}")
    return map_new(partial(descended, rate=rate), params, grads, name="grads", like="params")


@register
@specification
class SGD(Optimizer):
    """Gradient descent, with momentum v if `momentum` is not 0, by Nesterov's rule if asked for.

    g += weight_decay * p;  v = momentum * v + g;  p -= rate * v, or rate * (g + momentum * v) with `nesterov`.
    Raises ValueError for `nesterov` without momentum.
    Sutskever, Martens, Dahl, Hinton: On the importance of initialization and momentum in deep learning, ICML 2013.

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
            raise ValueError("nesterov needs a momentum")

    @property
    def n_moments(self) -> int:
        return int(self.momentum != 0)

    def step(self, t: int, rate: float, p: Array, g: Array, *moments: Array) -> tuple[Array, ...]:
        g = decayed(g, p, self.weight_decay)
        if not moments:
            return (descended(p, g, rate),)
        v = self.momentum * moments[0] + g
        return descended(p, g + self.momentum * v if self.nesterov else v, rate), v
