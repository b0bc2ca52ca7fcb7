"""Adam, and Adam with decoupled weight decay."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np

from funcnet.optimizers.optimizer import Optimizer, decayed, factor_field
from funcnet.schedules import Schedule, learning_rate_field
from funcnet.tree import Array
from funcnet.values import real, register, specification


def _as_betas(betas: Any) -> tuple[float, float]:
    """A converter: two numbers in [0, 1), as floats."""
    if not isinstance(betas, tuple | list) or len(betas) != 2 or not all(0 <= real(beta) < 1 for beta in betas):
        raise ValueError(f"betas must be two numbers in [0, 1), got {betas!r}")
    return real(betas[0]), real(betas[1])


@register
@specification
class Adam(Optimizer):
    """Adam: steps of about the learning rate, from running means of g and g**2 corrected for their start at 0.

    With (b1, b2) = betas: g += weight_decay * p;  m = b1 * m + (1 - b1) * g;  v = b2 * v + (1 - b2) * g**2;
    p -= rate * m / (1 - b1**t) / (sqrt(v / (1 - b2**t)) + eps).

    Parameters
    ----------
    learning_rate : float or callable, default 0.001
        Learning rate, or a schedule `step -> rate` of it; at least 0.
    betas : tuple of two floats, default (0.9, 0.999)
        Decay rates of the running means of g and g**2; in [0, 1).
    eps : float, default 1e-8
        Added to the root, so that the quotient stays finite; at least 0.
    weight_decay : float, default 0.0
        Factor of the params that is added to their gradients; at least 0.
    frozen : str or tuple of str, default ()
        Patterns, as `fnmatch` has them, of the paths of leaves to leave unchanged.

    Raises
    ------
    TypeError
        If a number is not real, or a pattern is not a string.
    ValueError
        If a number is negative or NaN, or `betas` are not two numbers in [0, 1).

    References
    ----------
    D. P. Kingma, J. Ba: Adam: a method for stochastic optimization. ICLR 2015, algorithm 1.

    Examples
    --------
    >>> optimizer = Adam(0.1)
    >>> params = (np.array([1.0]),)
    >>> optimizer.update(params, (np.array([5.0]),), optimizer.init(params))[0]
    (array([0.9]),)
    """

    learning_rate: float | Schedule = learning_rate_field(1e-3)
    betas: tuple[float, float] = attrs.field(default=(0.9, 0.999), converter=_as_betas)
    eps: float = factor_field(1e-8)
    weight_decay: float = factor_field(0.0)

    n_moments = 2

    def step(self, t: int, rate: float, p: Array, g: Array, *moments: Array) -> tuple[Array, ...]:
        return self._adam_step(t, rate, p, decayed(g, p, self.weight_decay), *moments)

    def _adam_step(self, t: int, rate: float, p: Array, g: Array, m: Array, v: Array) -> tuple[Array, ...]:
        b1, b2 = self.betas
        m = b1 * m + (1 - b1) * g
        v = b2 * v + (1 - b2) * g * g
        return p - rate / (1 - b1**t) * m / (np.sqrt(v / (1 - b2**t)) + self.eps), m, v


@register
@specification
class AdamW(Adam):
    """Adam with decoupled weight decay: a step of its own, which does not enter the running means.

    p -= rate * weight_decay * p, then Adam's step with g as it is.

    Parameters
    ----------
    learning_rate : float or callable, default 0.001
        Learning rate, or a schedule `step -> rate` of it; at least 0.
    betas : tuple of two floats, default (0.9, 0.999)
        Decay rates of the running means of g and g**2; in [0, 1).
    eps : float, default 1e-8
        Added to the root, so that the quotient stays finite; at least 0.
    weight_decay : float, default 0.01
        Factor of the decay, which the learning rate multiplies; at least 0.
    frozen : str or tuple of str, default ()
        Patterns, as `fnmatch` has them, of the paths of leaves to leave unchanged.

    Raises
    ------
    TypeError
        If a number is not real, or a pattern is not a string.
    ValueError
        If a number is negative or NaN, or `betas` are not two numbers in [0, 1).

    References
    ----------
    I. Loshchilov, F. Hutter: Decoupled weight decay regularization. ICLR 2019, algorithm 2.

    Examples
    --------
    >>> optimizer = AdamW(0.1, weight_decay=0.5)
    >>> params = (np.array([1.0]),)
    >>> optimizer.update(params, (np.array([5.0]),), optimizer.init(params))[0]
    (array([0.85]),)
    """

    weight_decay: float = factor_field(1e-2)

    def step(self, t: int, rate: float, p: Array, g: Array, *moments: Array) -> tuple[Array, ...]:
        return self._adam_step(t, rate, p * (1 - rate * self.weight_decay), g, *moments)
