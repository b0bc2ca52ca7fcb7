"""Caches with an owner: what the forward pass of a layer or a loss of the library leaves for its backward pass."""

from __future__ import annotations

from typing import Any, NamedTuple

from funcnet.errors import CacheError, ShapeError
from funcnet.tree import Array, Shape, as_floating


class Cache(NamedTuple):
    """What a forward pass leaves for the backward pass: whose it is, the shape of its y, and what was saved."""

    owner: object
    shape: Shape
    saved: Any


def saved_by(owner: object, cache: Any) -> Any:
    """What `owner` saved in `cache`; raises CacheError if another layer or loss made it."""
    if not isinstance(cache, Cache):
        raise CacheError(f"expected a cache of {_named(owner)}, got {type(cache).__name__}")
    if cache.owner is not owner and cache.owner != owner:
        mine, other = _named(owner), _named(cache.owner)
        raise CacheError(f"expected a cache of {mine}, got one of {'a different ' if other == mine else ''}{other}")
    return cache.saved


def _named(owner: object) -> str:
    """The owner in a few words: a combinator without its layers, which would fill a page."""
    layers = getattr(owner, "layers", None)
    if layers is None:
        return repr(owner)
    return f"{getattr(owner, 'name', type(owner).__name__)} of {len(layers)} layer{'' if len(layers) == 1 else 's'}"


def opened(layer: Any, cache: Any, dy: Any) -> tuple[Any, Array]:
    """What `layer` saved, and dy as an array.

    Raises CacheError if another layer made the cache, ShapeError if dy has not the shape of y.
    """
    saved, dy = saved_by(layer, cache), as_floating(dy)
    if dy.shape != cache.shape:
        raise ShapeError(f"expected dy of the shape of y, {cache.shape}, got {dy.shape}")
    return saved, dy
