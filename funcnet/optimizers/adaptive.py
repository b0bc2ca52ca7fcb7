"""Optimizers whose steps are relative to the size of the gradients so far."""

from __future__ import annotations

import attrs
import numpy as np

from funcnet.optimizers.optimizer import Optimizer, decayed, factor_field
from funcnet.schedules import Schedule, learning_rate_field
from funcnet.tree import Array
from funcnet.values import is_bool, real, register, specification


@register
@specification
class RMSProp(Optimizer):
    """Steps relative to the root of the running mean of g**2 (less the squared mean of g if `centered`).

    g += weight_decay * p;  v = alpha * v + (1 - alpha) * g**2;  p -= rate * g / (sqrt(v) + eps), or with momentum
    b = momentum * b + g / (sqrt(v) + eps);  p -= rate * b.
    Tieleman, Hinton: Lecture 6.5, Neural Networks for Machine Learning, 2012; centered: Graves, arXiv 1308.0850, 2013.

    >>> optimizer = RMSProp(0.1, alpha=0.75)
    >>> params = (np.array([1.0]),)
    >>> optimizer.update(params, (np.array([5.0]),), optimizer.init(params))[0]
    (array([0.8]),)
    """

    learning_rate: float | Schedule = learning_rate_field(1e-2)
    alpha: float = attrs.field(default=0.99, converter=real, validator=[attrs.validators.ge(0), attrs.validators.lt(1)])
    eps: float = factor_field(1e-8)
    weight_decay: float = factor_field(0.0)
    momentum: float = factor_field(0.0)
    centered: bool = attrs.field(default=False, validator=is_bool)

    @property
    def n_moments(self) -> int:
        return 1 + self.centered + (self.momentum > 0)

    def step(self, t: int, rate: float, p: Array, g: Array, *moments: Array) -> tuple[Array, ...]:
        g = decayed(g, p, self.weight_decay)
        v, *others = moments
        v = self.alpha * v + (1 - self.alpha) * g * g
        kept, variance = [v], v
        if self.centered:
            mean = self.alpha * others[0] + (1 - self.alpha) * g
            kept, variance = [v, mean], np.maximum(v - mean * mean, 0)  # which rounding may take below 0
        update = g / (np.sqrt(variance) + self.eps)
        if self.momentum:
            update = self.momentum * others[-1] + update
            kept.append(update)
        return p - rate * update, *kept


@register
@specification
class Adagrad(Optimizer):
    """Steps relative to the root of the sum of all g**2 so far.

    g += weight_decay * p;  s += g**2;  p -= rate / (1 + (t - 1) * lr_decay) * g / (sqrt(s) + eps).
    Duchi, Hazan, Singer: Adaptive subgradient methods for online learning and stochastic optimization, JMLR 12, 2011.

    >>> optimizer = Adagrad(0.1)
    >>> params = (np.array([1.0]),)
    >>> optimizer.update(params, (np.array([5.0]),), optimizer.init(params))[0]
    (array([0.9]),)
    """

    learning_rate: float | Schedule = learning_rate_field(1e-2)
    lr_decay: float = factor_field(0.0)
    weight_decay: float = factor_field(0.0)
    initial_accumulator_value: float = factor_field(0.0)
    eps: float = factor_field(1e-10)

    n_moments = 1

    def moments(self, p: Array) -> tuple[Array, ...]:
        return (np.full_like(p, self.initial_accumulator_value),)

    def step(self, t: int, rate: float, p: Array, g: Array, *moments: Array) -> tuple[Array, ...]:
        g = decayed(g, p, self.weight_decay)
        s = moments[0] + g * g
        return p - rate / (1 + (t - 1) * self.lr_decay) * g / (np.sqrt(s) + self.eps), s
