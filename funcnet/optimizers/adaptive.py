"""RMSProp and Adagrad, whose steps are relative to the size of the gradients so far."""

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
    """RMSProp: steps relative to the root of the running mean of g**2.

    g += weight_decay * p;  v = alpha * v + (1 - alpha) * g**2;  p -= rate * g / (sqrt(v) + eps), or with momentum
    b = momentum * b + g / (sqrt(v) + eps);  p -= rate * b. If `centered`, v - mean(g)**2 takes the place of v in sqrt.

    Parameters
    ----------
    learning_rate : float or callable, default 0.01
        Learning rate, or a schedule `step -> rate` of it; at least 0.
    alpha : float, default 0.99
        Decay rate of the running means; in [0, 1).
    eps : float, default 1e-8
        Added to the root, so that the quotient stays finite; at least 0.
    weight_decay : float, default 0.0
        Factor of the params that is added to their gradients; at least 0.
    momentum : float, default 0.0
        Factor of the velocity b in each step; at least 0.
    centered : bool, default False
        Whether to divide by the root of the variance of g, which is v less the square of g's running mean.
    frozen : str or tuple of str, default ()
        Patterns, as `fnmatch` has them, of the paths of leaves to leave unchanged.

    Raises
    ------
    TypeError
        If a number is not real, `centered` is not a bool, or a pattern is not a string.
    ValueError
        If a number is negative or NaN, or `alpha` is not below 1.

    References
    ----------
    T. Tieleman, G. Hinton: Lecture 6.5, Neural Networks for Machine Learning. Coursera 2012.

    A. Graves: Generating sequences with recurrent neural networks. arXiv 1308.0850, 2013 (centered).

    Examples
    --------
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

    @property
    def kind(self) -> str:
        options = [name for name in ("centered", "momentum") if getattr(self, name)]
        return " with ".join(["RMSProp", " and ".join(options)] if options else ["RMSProp"])

    def step(self, t: int, rate: float, p: Array, g: Array, *moments: Array) -> tuple[Array, ...]:
        g = decayed(g, p, self.weight_decay)
        v, *others = moments
        v = self.alpha * v + (1 - self.alpha) * g * g
        kept, variance = [v], v
        if self.centered:
            mean = self.alpha * others[0] + (1 - self.alpha) * g
            kept, variance = [v, mean], np.maximum(v - mean * mean, 0)  # rounding may take the difference below 0
        update = g / (np.sqrt(variance) + self.eps)
        if self.momentum:
            update = self.momentum * others[-1] + update
            kept.append(update)
        return p - rate * update, *kept


@register
@specification
class Adagrad(Optimizer):
    """Adagrad: steps relative to the root of the sum of all g**2 so far.

    g += weight_decay * p;  s += g**2;  p -= rate / (1 + (t - 1) * lr_decay) * g / (sqrt(s) + eps).

    Parameters
    ----------
    learning_rate : float or callable, default 0.01
        Learning rate, or a schedule `step -> rate` of it; at least 0.
    lr_decay : float, default 0.0
        Decay of the learning rate with the number of updates t; at least 0.
    weight_decay : float, default 0.0
        Factor of the params that is added to their gradients; at least 0.
    initial_accumulator_value : float, default 0.0
        Value of s before the first update; at least 0.
    eps : float, default 1e-10
        Added to the root, so that the quotient stays finite; at least 0.
    frozen : str or tuple of str, default ()
        Patterns, as `fnmatch` has them, of the paths of leaves to leave unchanged.

    Raises
    ------
    TypeError
        If a number is not real, or a pattern is not a string.
    ValueError
        If a number is negative or NaN.

    References
    ----------
    J. Duchi, E. Hazan, Y. Singer: Adaptive subgradient methods for online learning and stochastic optimization.
    JMLR 12, 2011.

    Examples
    --------
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

    def moments(self, p: Array) -> tuple[Array, ...]:
        return (np.full_like(p, self.initial_accumulator_value),)

    def step(self, t: int, rate: float, p: Array, g: Array, *moments: Array) -> tuple[Array, ...]:
        g = decayed(g, p, self.weight_decay)
        s = moments[0] + g * g
        return p - rate / (1 + (t - 1) * self.lr_decay) * g / (np.sqrt(s) + self.eps), s
