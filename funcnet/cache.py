"""Caches with an owner: records that a forward pass leaves for the backward pass of the same layer or loss."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np

from funcnet.errors import CacheError, ShapeError
from funcnet.tree import Flow, as_floating


@attrs.define(eq=False)  # a frozen class takes longer to make, once for each layer in each pass
class Cache:
    """The record that a forward pass leaves: its layer or loss, the shape of y, and what the backward pass needs.

    `dtype` is that of the numbers the layer has computed with; None if its x was made of integers. A layer whose y may
    be a tuple leaves the dtypes of y, see `opened_flow`.
    """

    owner: object
    shape: Any
    saved: Any
    dtype: Any = None

    def dx(self, gradient: Flow) -> Flow:
        """The gradient with respect to x as `backward` returns it: None if x was made of integers."""
        return None if self.dtype is None else gradient


def saved_by(owner: object, cache: Any) -> Any:
    """The part that `owner` saved in `cache`; raises CacheError if a different layer or loss made the cache."""
    if not isinstance(cache, Cache):
        raise CacheError(f"expected a cache from {_named(owner)}, got {type(cache).__name__}")
    if cache.owner is not owner and cache.owner != owner:
        mine, other = _named(owner), _named(cache.owner)
        raise CacheError(f"expected a cache from {mine}, got one from {'a different ' if other == mine else ''}{other}")
    return cache.saved


def _named(owner: object) -> str:
    """The owner in a few words: a combinator by its number of layers, since their names would fill a page."""
    layers = getattr(owner, "layers", None)
    if layers is None:
        return repr(owner)
    return f"{getattr(owner, 'name', type(owner).__name__)} of {len(layers)} layer{'' if len(layers) == 1 else 's'}"


def opened(layer: Any, cache: Any, dy: Any) -> tuple[Any, Flow]:
    """The part that `layer` saved in `cache`, and dy as floating-point numbers; zeros where it is None.

    Raises CacheError if a different layer made the cache, ShapeError if dy does not have the shape of y.
    """
    # The first case is the usual one, without a call.
    saved = cache.saved if type(cache) is Cache and cache.owner is layer else saved_by(layer, cache)
    dy = np.zeros(cache.shape, cache.dtype) if dy is None else as_floating(dy)
    if dy.shape != cache.shape:
        raise ShapeError(f"dy must have the shape of y, {cache.shape}, got {dy.shape}")
    return saved, dy


def opened_flow(layer: Any, cache: Any, dy: Any) -> tuple[Any, Flow]:
    """Like `opened`, for a y that may be a tuple, whose dtypes are `cache.dtype`; None for integers in y."""
    return saved_by(layer, cache), _parts(cache.shape, cache.dtype, dy)


def _parts(shape: Any, dtype: Any, dy: Any) -> Flow:
    """dy, checked to have this shape or these shapes."""
    if isinstance(dtype, tuple):
        dy = (None,) * len(shape) if dy is None else dy
        if not isinstance(dy, tuple) or len(dy) != len(shape):
            got = f"a tuple of {len(dy)}" if isinstance(dy, tuple) else type(dy).__name__
            raise ShapeError(f"dy must be a tuple of {len(shape)}, as y is, got {got}")
        return tuple(map(_parts, shape, dtype, dy))
    if dtype is None:
        return None
    dy = np.zeros(shape, dtype) if dy is None else as_floating(dy)
    if dy.shape != shape:
        raise ShapeError(f"dy must have the shape of y, {shape}, got {dy.shape}")
    return dy
