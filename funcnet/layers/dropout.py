"""Dropout, the layer that is random in training."""

from __future__ import annotations

import attrs
import numpy as np

from funcnet.cache import Cache, opened
from funcnet.layers.checks import check_no_params
from funcnet.layers.inputs import warn_in_inference
from funcnet.layers.layer import Layer
from funcnet.numerics.underflow import past_underflow
from funcnet.random import Key, checked_key
from funcnet.tree import Array, Tree, as_dtype, one_array, read_only
from funcnet.values import real, register, specification


@register
@specification
class Dropout(Layer):
    """Dropout: in training each number is 0 with probability `rate`, and the others are scaled up; else y = x.

    In training y = x / (1 - rate) where x is kept, else 0, with x and y (...); in inference y = x.
    dx = dy / (1 - rate) where x was kept, else 0.

    Parameters
    ----------
    rate : float
        Probability that a number is dropped, from 0 to 1.
    key : Key, optional
        Source of the random numbers in training: the key and the shape of x fix the draws. None is inference; see
        `training`.

    Raises
    ------
    TypeError
        If the key is not a Key.
    ValueError
        If the rate is not in [0, 1].

    Warns
    -----
    UsageWarning
        If a gradient is computed in inference and the rate is above 0.

    References
    ----------
    N. Srivastava, G. E. Hinton, A. Krizhevsky, I. Sutskever, R. Salakhutdinov: Dropout: a simple way to prevent neural
    networks from overfitting. JMLR 15, 2014.

    Examples
    --------
    >>> import funcnet as fn
    >>> layer = Dropout(0.5)
    >>> layer.apply((), np.ones(4))
    array([1., 1., 1., 1.])
    >>> layer.training(fn.Key(0))
    Dropout(rate=0.5, key=Key(seed=0))
    >>> bool(np.isin(layer.training(fn.Key(0)).apply((), np.ones(100)), [0, 2]).all())
    True
    """

    takes_integers = True
    rate: float = attrs.field(converter=real, validator=[attrs.validators.ge(0), attrs.validators.le(1)])
    key: Key | None = attrs.field(default=None, validator=attrs.validators.optional(attrs.validators.instance_of(Key)))

    def training(self, key: Key) -> Dropout:
        return attrs.evolve(self, key=checked_key(key))

    def forward(self, params: Tree, x: Array) -> tuple[Array, Cache]:
        check_no_params(params)
        x, dtype = one_array(self, x)
        kept = None if self.key is None else self.key.generator().random(x.shape) >= self.rate
        return self._masked(x, kept), Cache(self, x.shape, kept, dtype)

    def backward(self, params: Tree, cache: Cache, dy: Array) -> tuple[Array, Tree]:
        kept, dy = opened(self, cache, dy)
        if kept is None:
            self.warn_in_inference()
        return cache.dx(self._masked(dy, kept)), ()

    def warn_in_inference(self) -> None:
        """Warn that a gradient is computed without dropout, unless the layer drops numbers or has nothing to drop."""
        if self.key is None and self.rate:
            warn_in_inference(self, "drops nothing")

    @past_underflow
    def _masked(self, x: Array, kept: Array | None) -> Array:
        if kept is None:
            return read_only(x)
        # Not x * mask: a dropped infinity is 0, and at rate 1 there is nothing to scale.
        scale = 1 / (1 - self.rate) if self.rate < 1 else 1.0
        return as_dtype(np.where(kept, x * scale, 0), x.dtype)
