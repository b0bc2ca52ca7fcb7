"""Layers one after another, `Sequential`; and what it shares with the other layers made of layers.

The params of a combinator are the tuple of its layers' params. An error inside a layer names the layer's path.
The functions that make these layers are in `combinators`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import attrs
import numpy as np

from funcnet.cache import Cache, opened_flow, saved_by
from funcnet.errors import Place, TreeError
from funcnet.layers import inputs
from funcnet.layers.checks import check_inputs
from funcnet.layers.layer import Layer
from funcnet.random import Key, checked_key
from funcnet.tree import (
    DType,
    Flow,
    Shape,
    Tree,
    as_numpy_dtype,
    checked_tree,
    dtypes_in,
    has_leaves,
    passed_on,
    shape_of,
)
from funcnet.values import instead_of, register, specification


def are_layers(combinator: Any, attribute: object, layers: tuple[Layer, ...]) -> None:
    """A validator: each of the layers must be a layer."""
    name = combinator.name
    for index, layer in enumerate(layers):
        if isinstance(layer, type) and issubclass(layer, Layer):
            raise TypeError(f"layer {index} of {name} is the class {layer.__name__}: write {layer.__name__}()")
        if not isinstance(layer, Layer):
            hint = f"; write {name}(*layers)" if isinstance(layer, list | tuple) else instead_of(layer)
            if hasattr(layer, "forward") and not isinstance(layer, type):
                hint = f"; write `@attrs.frozen` and `class {type(layer).__name__}(fn.Layer)`"
            raise TypeError(f"layer {index} of {name} must be a layer, got {layer!r}{hint}")


def is_layer(instance: object, attribute: Any, value: Any) -> None:
    """A validator: the value must be a layer."""
    if not isinstance(value, Layer):
        hint = f": write {value.__name__}()" if isinstance(value, type) else instead_of(value)
        raise TypeError(f"{attribute.name} must be a layer, got {value!r}{hint}")


def params_of_layers(combinator: Any, params: Tree) -> tuple[Tree, ...]:
    """The params of a combinator; raises TreeError unless they are a tuple of as many params as there are layers."""
    n = len(combinator.layers)
    if not isinstance(params, tuple) or len(params) != n:
        got = f"a tuple of {len(params)}" if isinstance(params, tuple) else type(params).__name__
        raise TreeError(f"the params of {combinator.name} have the wrong structure: expected a tuple of {n}, got {got}")
    return params


def each(combinator: Any, call: Callable[..., Any], *columns: Sequence[Any]) -> list[Any]:
    """The results of `call(layer, ...)` for each layer, with the layer's row of the columns."""
    results = []
    with Place(combinator) as at:
        for at.index, row in enumerate(zip(combinator.layers, *columns, strict=True)):
            results.append(call(*row))
    return results


def init_each(combinator: Any, key: Key, shapes: Sequence[Shape], dtype: DType) -> Tree:
    """The params of each layer, from keys of its own."""
    keys = [checked_key(key).fold_in(index) for index in range(len(shapes))]
    as_numpy_dtype(dtype)
    return tuple(each(combinator, lambda layer, key, shape: checked_tree(layer.init(key, shape, dtype)), keys, shapes))


def shape_after(layer: Layer, shape: Shape) -> Shape:
    """The output shape of a layer; raises ShapeError for a tuple of shapes if the layer takes one array."""
    check_inputs(layer, shape)
    return layer.output_shape(shape)


def track_each(layers: Sequence[Layer], params: tuple[Tree, ...], caches: Sequence[Any]) -> tuple[Tree, ...]:
    """The params with what the layers saw in a pass; `params` itself if they track nothing."""
    rows = zip(layers, params, caches, strict=True)
    tracked = tuple(layer.track(own, inputs.cache_of_layer(cache)) for layer, own, cache in rows)
    return tracked if any(a is not b for a, b in zip(tracked, params, strict=True)) else params


def written(combinator: Any) -> str:
    """The call that makes the combinator."""
    parts = []
    for layer in combinator.layers:  # a loop and the method, which take half of Python's stack that `map(repr)` takes
        parts.append(layer.__repr__())
    return f"{combinator.name}({', '.join(parts)})"


@register
@specification
class Sequential(Layer):
    """See `sequential`."""

    name = "sequential"
    n_inputs = None
    takes_integers = True
    passes_track_on = True
    layers: tuple[Layer, ...] = attrs.field(validator=are_layers)

    def init(self, key: Key, input_shape: Shape, dtype: DType = np.float32) -> Tree:
        return init_each(self, key, self._shapes(input_shape)[:-1], dtype)

    def output_shape(self, input_shape: Shape) -> Shape:
        return self._shapes(input_shape)[-1]

    def parts(self, input_shape: Shape) -> tuple[tuple[Layer, Shape], ...]:
        return tuple(zip(self.layers, self._shapes(input_shape)[:-1], strict=True))

    def _shapes(self, input_shape: Shape) -> list[Shape]:
        shapes = [input_shape]
        with Place(self) as at:
            for at.index, layer in enumerate(self.layers):
                shapes.append(shape_after(layer, shapes[-1]))
        return shapes

    def forward(self, params: Tree, x: Flow) -> tuple[Flow, Cache]:
        y, caches = passed_on(x), []
        params = params_of_layers(self, params)
        if not self.layers:
            return y, Cache(self, shape_of(y), None, dtypes_in(y))
        with Place(self) as at:
            for at.index, layer in enumerate(self.layers):
                if layer.takes_integers:  # most do: a call less
                    y, cache = layer.forward(params[at.index], y)
                else:
                    y, cache = inputs.forward(layer, params[at.index], y)
                caches.append(cache)
        return y, Cache(self, shape_of(y), tuple(caches), dtypes_in(y))

    def apply(self, params: Tree, x: Flow) -> Flow:
        y = passed_on(x)
        params = params_of_layers(self, params)
        with Place(self) as at:
            for at.index, layer in enumerate(self.layers):
                y = inputs.apply(layer, params[at.index], y)
        return y

    def backward(self, params: Tree, cache: Cache, dy: Flow) -> tuple[Flow, Tree]:
        return self._back_to(-1, params_of_layers(self, params), cache, dy)

    def params_backward(self, params: Tree, cache: Cache, dy: Flow) -> Tree:
        params = params_of_layers(self, params)
        first = 0
        while first < len(self.layers) and not has_leaves(params[first]):
            inputs.warn_of_skipped(self.layers[first])
            first += 1
        _, grads = self._back_to(first, params, cache, dy)
        return params[:first] + grads  # params without leaves are their own gradient

    def _back_to(self, first: int, params: tuple[Tree, ...], cache: Cache, dy: Flow) -> tuple[Flow, tuple[Tree, ...]]:
        """The dx of layer `first + 1`, and the grads of the layers from `first` on.

        Layer `first` computes its grads without its dx. With first = -1 the dx is that of x, and the grads are all.
        """
        caches, dy = opened_flow(self, cache, dy)
        dx, grads, layers = passed_on(dy), [], self.layers
        if not layers:
            return dx, ()
        with Place(self) as at:
            for at.index in range(len(layers) - 1, first, -1):
                layer = layers[at.index]
                if layer.takes_integers:
                    dx, layer_grads = layer.backward(params[at.index], caches[at.index], dx)
                else:
                    dx, layer_grads = inputs.backward(layer, params[at.index], caches[at.index], dx)
                grads.append(layer_grads)
            if 0 <= first < len(layers):
                at.index = first
                grads.append(inputs.params_backward(layers[first], params[first], caches[first], dx))
        return dx, tuple(reversed(grads))

    def track(self, params: Tree, cache: Cache) -> Tree:
        untracked = Layer.track
        for layer in self.layers:
            if type(layer).track is not untracked:
                return track_each(self.layers, params_of_layers(self, params), saved_by(self, cache))
        return params

    def __repr__(self) -> str:
        return written(self)
