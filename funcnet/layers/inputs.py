"""The passes of a layer as a combinator calls them.

A layer that does not declare `takes_integers` gets floating-point numbers for integers, and their part of dx is None.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from funcnet.errors import warn_user
from funcnet.layers.checks import check_inputs
from funcnet.layers.layer import Layer, layers_in
from funcnet.tree import Flow, Tree, checked_tree, converted, dtypes_in, is_integer, leaves, shape_of, without_integers


class Converted(NamedTuple):
    """The cache of a layer that was given floating-point numbers for integers, and the dtypes of x, see `dtypes_in`."""

    cache: Any
    dtypes: Any


def forward(layer: Layer, params: Tree, x: Flow) -> tuple[Flow, Any]:
    """The forward pass of a layer in a combinator."""
    if layer.takes_integers:
        return layer.forward(params, x)
    floats = floats_for(layer, params, x)
    y, cache = layer.forward(params, floats)
    return y, cache if floats is x else Converted(cache, dtypes_in(x))


def apply(layer: Layer, params: Tree, x: Flow) -> Flow:
    """The y of a layer in a combinator."""
    return layer.apply(params, x if layer.takes_integers else floats_for(layer, params, x))


def backward(layer: Layer, params: Tree, cache: Any, dy: Flow) -> tuple[Flow, Tree]:
    """The backward pass of a layer in a combinator."""
    if type(cache) is not Converted:
        return layer.backward(params, cache, dy)
    dx, grads = layer.backward(params, cache.cache, dy)
    return without_integers(dx, cache.dtypes), grads


def params_backward(layer: Layer, params: Tree, cache: Any, dy: Flow) -> Tree:
    """The grads of a layer in a combinator."""
    return layer.params_backward(params, cache_of_layer(cache), dy)


def cache_of_layer(cache: Any) -> Any:
    """The cache that the layer itself made."""
    return cache.cache if type(cache) is Converted else cache


def floats_for(layer: Layer, params: Tree, x: Flow) -> Flow:
    """x with its integers in the dtype of the params, or float32 without params; ShapeError if x is not for `layer`."""
    check_inputs(layer, shape_of(x))
    checked_tree(params)  # asked of the layers of users, whose params no other code has seen
    if converted(x) is x:
        return x
    of_params = [leaf.dtype for leaf in leaves(params) if not is_integer(leaf)]
    return converted(x, *of_params[:1])


def warn_in_inference(layer: Layer, effect: str) -> None:
    """Warn that a gradient is computed through a layer in inference; `effect` says what it does there."""
    warn_user(
        f"a gradient is computed through {layer!r} in inference, where it {effect}: for training write "
        "model = model.training(key), with a new key for each step, before the forward pass; if the gradient of the "
        "inference model is meant, ignore this fn.UsageWarning"
    )


def warn_of_skipped(layer: Layer) -> None:
    """Warn as the backward pass would of a layer, and of those inside it, that is skipped since it has no params."""
    if hasattr(layer, "warn_in_inference"):
        layer.warn_in_inference()
    if type(layer).__attrs_attrs__:
        for inner in layers_in(layer):
            warn_of_skipped(inner)
