"""Layers made of layers: one after another (`Sequential`), or side by side (`Parallel`).

The params of a combinator are the tuple of its layers' params. An error inside a layer names the layer's path.
The functions that make these layers are in `combinators`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import attrs
import numpy as np

from funcnet.cache import Cache, opened
from funcnet.errors import Place, TreeError
from funcnet.layers.layer import Layer
from funcnet.layers.merging import SideBySide, Sum
from funcnet.random import Key, checked_key
from funcnet.tree import Array, DType, Shape, Tree, as_array, has_leaves, read_only
from funcnet.values import register, specification


def _are_layers(combinator: Any, attribute: object, layers: tuple[Layer, ...]) -> None:
    name = combinator.name
    for index, layer in enumerate(layers):
        if isinstance(layer, type) and issubclass(layer, Layer):
            raise TypeError(f"layer {index} of {name} is the class {layer.__name__}: write {layer.__name__}()")
        if not isinstance(layer, Layer):
            hint = f"; write {name}(*layers)" if isinstance(layer, list | tuple) else ""
            raise TypeError(f"layer {index} of {name} must be a layer, got {layer!r}{hint}")


def _params_of_layers(combinator: Any, params: Tree) -> tuple[Tree, ...]:
    n = len(combinator.layers)
    if not isinstance(params, tuple) or len(params) != n:
        got = f"a tuple of {len(params)}" if isinstance(params, tuple) else type(params).__name__
        raise TreeError(f"the params of {combinator.name} have the wrong structure: expected a tuple of {n}, got {got}")
    return params


def _each(combinator: Any, method: str, *columns: Sequence[Any]) -> list[Any]:
    """The results of a method of each layer, called with the layer's row of the columns."""
    results = []
    with Place(combinator) as at:
        for at.index, (layer, *row) in enumerate(zip(combinator.layers, *columns, strict=True)):
            results.append(getattr(layer, method)(*row))
    return results


def _init(combinator: Any, key: Key, input_shape: Shape, dtype: DType) -> Tree:
    shapes = [shape for _, shape in combinator.parts(input_shape)]
    keys = [checked_key(key).fold_in(index) for index in range(len(shapes))]
    return tuple(_each(combinator, "init", keys, shapes, [dtype] * len(shapes)))


def _written(combinator: Any) -> str:
    return f"{combinator.name}({', '.join(map(repr, combinator.layers))})"


@register
@specification
class Sequential(Layer):
    """See `sequential`."""

    name = "sequential"
    layers: tuple[Layer, ...] = attrs.field(validator=_are_layers)

    def init(self, key: Key, input_shape: Shape, dtype: DType = np.float32) -> Tree:
        return _init(self, key, input_shape, dtype)

    def output_shape(self, input_shape: Shape) -> Shape:
        return self._shapes(input_shape)[-1]

    def parts(self, input_shape: Shape) -> tuple[tuple[Layer, Shape], ...]:
        return tuple(zip(self.layers, self._shapes(input_shape)[:-1], strict=True))

    def _shapes(self, input_shape: Shape) -> list[Shape]:
        shapes = [input_shape]
        with Place(self) as at:
            for at.index, layer in enumerate(self.layers):
                shapes.append(layer.output_shape(shapes[-1]))
        return shapes

    def forward(self, params: Tree, x: Array) -> tuple[Array, Cache]:
        y, caches = read_only(as_array(x)), []
        params = _params_of_layers(self, params)
        with Place(self) as at:
            for at.index, layer in enumerate(self.layers):
                y, cache = layer.forward(params[at.index], y)
                caches.append(cache)
        return y, Cache(self, y.shape, tuple(caches))

    def apply(self, params: Tree, x: Array) -> Array:
        y = read_only(as_array(x))
        params = _params_of_layers(self, params)
        with Place(self) as at:
            for at.index, layer in enumerate(self.layers):
                y = layer.apply(params[at.index], y)
        return y

    def backward(self, params: Tree, cache: Cache, dy: Array) -> tuple[Array, Tree]:
        return self._back_to(-1, _params_of_layers(self, params), cache, dy)

    def params_backward(self, params: Tree, cache: Cache, dy: Array) -> Tree:
        params_of_layers = _params_of_layers(self, params)
        first = 0
        while first < len(self.layers) and not has_leaves(params_of_layers[first]):
            first += 1
        _, grads = self._back_to(first, params_of_layers, cache, dy)
        return params_of_layers[:first] + grads  # params without leaves are their own gradient

    def _back_to(self, first: int, params: tuple[Tree, ...], cache: Cache, dy: Array) -> tuple[Array, tuple[Tree, ...]]:
        """The dx of layer `first + 1`, and the grads of the layers from `first` on.

        Layer `first` computes its grads without its dx. With first = -1 the dx is that of x, and the grads are all.
        """
        caches, dy = opened(self, cache, dy)
        dx, grads, layers = read_only(dy), [], self.layers
        with Place(self) as at:
            for at.index in range(len(layers) - 1, first, -1):
                dx, layer_grads = layers[at.index].backward(params[at.index], caches[at.index], dx)
                grads.append(layer_grads)
            if 0 <= first < len(layers):
                at.index = first
                grads.append(layers[first].params_backward(params[first], caches[first], dx))
        return dx, tuple(reversed(grads))

    def __repr__(self) -> str:
        return _written(self)


def _is_joining(instance: object, attribute: object, value: Any) -> None:
    if value not in (Sum, SideBySide):
        raise TypeError(f"joining must be Sum or SideBySide, got {value!r}")


@register
@specification
class Parallel(Layer):
    """Layers that all have the same x, and `joining`, which merges their outputs; see `add` and `concatenate`."""

    joining: type[Sum] | type[SideBySide] = attrs.field(validator=_is_joining)
    layers: tuple[Layer, ...] = attrs.field(validator=_are_layers)

    def __attrs_post_init__(self) -> None:
        if not self.layers:
            raise ValueError(f"{self.name} needs at least one layer")

    @property
    def name(self) -> str:
        return self.joining.name

    def init(self, key: Key, input_shape: Shape, dtype: DType = np.float32) -> Tree:
        self.output_shape(input_shape)  # raises if the outputs do not fit
        return _init(self, key, input_shape, dtype)

    def output_shape(self, input_shape: Shape) -> Shape:
        return self.joining.shape(_each(self, "output_shape", [input_shape] * len(self.layers)))

    def parts(self, input_shape: Shape) -> tuple[tuple[Layer, Shape], ...]:
        return tuple((layer, input_shape) for layer in self.layers)

    def forward(self, params: Tree, x: Array) -> tuple[Array, Cache]:
        passes = _each(self, "forward", _params_of_layers(self, params), self._copies(x))
        outputs, caches = zip(*passes, strict=True)
        y, shapes = self._joined(outputs)
        return y, Cache(self, y.shape, (caches, shapes))

    def apply(self, params: Tree, x: Array) -> Array:
        return self._joined(_each(self, "apply", _params_of_layers(self, params), self._copies(x)))[0]

    def backward(self, params: Tree, cache: Cache, dy: Array) -> tuple[Array, Tree]:
        dxs, grads = zip(*_each(self, "backward", *self._split(params, cache, dy)), strict=True)
        return Sum.join(dxs), grads

    def params_backward(self, params: Tree, cache: Cache, dy: Array) -> Tree:
        return tuple(_each(self, "params_backward", *self._split(params, cache, dy)))

    def _copies(self, x: Array) -> list[Array]:
        return [read_only(as_array(x))] * len(self.layers)

    def _joined(self, outputs: Sequence[Array]) -> tuple[Array, tuple[Shape, ...]]:
        shapes = tuple(y.shape for y in outputs)
        self.joining.shape(shapes)  # raises where joining would broadcast
        return self.joining.join(outputs), shapes

    def _split(self, params: Tree, cache: Cache, dy: Array) -> tuple[Sequence[Any], ...]:
        """The params, the cache and the dy of each layer."""
        params_of_layers = _params_of_layers(self, params)
        (caches, shapes), dy = opened(self, cache, dy)
        return params_of_layers, caches, self.joining.split(read_only(dy), shapes)

    def __repr__(self) -> str:
        return _written(self)
