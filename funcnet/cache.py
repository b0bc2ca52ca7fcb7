"""Caches with an owner: records that a forward pass leaves for the backward pass of the same layer or loss."""

from __future__ import annotations

from typing import Any, NamedTuple

from funcnet.errors import CacheError, ShapeError
from funcnet.tree import Array, Shape, as_floating


class Cache(NamedTuple):
    """The record that a forward pass leaves: its layer or loss, the shape of y, and what the backward pass needs."""

    owner: object
    shape: Shape
    saved: Any


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


def opened(layer: Any, cache: Any, dy: Any) -> tuple[Any, Array]:
    """The part that `layer` saved in `cache`, and dy as an array.

    Raises CacheError if a different layer made the cache, ShapeError if dy does not have the shape of y.
    """
    saved, dy = saved_by(layer, cache), as_floating(dy)
    if dy.shape != cache.shape:
        raise ShapeError(f"dy must have the shape of y, {cache.shape}, got {dy.shape}")
    return saved, dy
