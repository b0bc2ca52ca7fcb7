"""Layers made of layers: one after another (`sequential`), or side by side (`add`, `concatenate`, `residual`).

The params of a combinator are the tuple of its layers' params. An error inside a layer names the layer's path.
"""

from __future__ import annotations

from functools import reduce
from itertools import accumulate
from typing import Any

import attrs
import numpy as np

from funcnet import tree
from funcnet.errors import ShapeError, TreeError, locating
from funcnet.layer import Cache, Layer, Shape, as_array, opened, read_only
from funcnet.layers.reshaping import Identity
from funcnet.random import Key
from funcnet.specification import specification
from funcnet.tree import Array, DType, Tree


def sequential(*layers: Layer) -> Layer:
    """The layers one after another: y = layer_n(... layer_1(x)); dx by the chain rule, last layer first.

    Raises TypeError for what is no layer. Appending a layer leaves the initial params of the others as they are.

    >>> import funcnet as fn
    >>> model = fn.sequential(fn.Linear(50), fn.ReLU(), fn.Linear(10))
    >>> params = model.init(fn.Key(0), (784,))
    >>> y, cache = model.forward(params, np.ones((3, 784)))
    >>> dx, grads = model.backward(params, cache, np.ones_like(y))
    >>> y.shape, dx.shape, grads[0].weight.shape
    ((3, 10), (3, 784), (784, 50))
    """
    return Sequential(layers)


def add(*layers: Layer) -> Layer:
    """The sum of the layers' outputs, which must have one shape: y = sum of layer_i(x); dx = sum of dx_i.

    Raises TypeError for what is no layer, ValueError for no layers, ShapeError if their outputs differ in shape.

    >>> import funcnet as fn
    >>> fn.add(fn.Identity(), fn.ReLU()).apply(((), ()), np.array([-1.0, 1.0]))
    array([-1.,  2.])
    """
    return Parallel(Sum, layers)


def concatenate(*layers: Layer) -> Layer:
    """The layers' outputs side by side on the last axis: y = [layer_1(x), ...]; dx = sum of dx_i.

    Raises TypeError for what is no layer, ValueError for no layers, ShapeError if other axes than the last differ.

    >>> import funcnet as fn
    >>> fn.concatenate(fn.Identity(), fn.ReLU()).apply(((), ()), np.array([-1.0, 1.0]))
    array([-1.,  1.,  0.,  1.])
    """
    return Parallel(Join, layers)


def residual(layer: Layer) -> Layer:
    """y = x + layer(x); dx = dy + the layer's dx.

    He, Zhang, Ren, Sun: Deep residual learning for image recognition, CVPR 2016.

    >>> import funcnet as fn
    >>> fn.residual(fn.ReLU())
    add(Identity(), ReLU())
    """
    return add(Identity(), layer)


def _are_layers(combinator: Any, attribute: object, layers: tuple[Layer, ...]) -> None:
    name = combinator.how.name if isinstance(combinator, Parallel) else "sequential"
    if not layers and isinstance(combinator, Parallel):
        raise ValueError(f"{name} needs at least one layer")
    for index, layer in enumerate(layers):
        if isinstance(layer, type) and issubclass(layer, Layer):
            raise TypeError(f"layer {index} of {name} is the class {layer.__name__}: write {layer.__name__}()")
        if not isinstance(layer, Layer):
            hint = f"; write {name}(*layers)" if isinstance(layer, list | tuple) else ""
            raise TypeError(f"layer {index} of {name} is no layer: {layer!r}{hint}")


def _init(name: str, parts: tuple[tuple[Layer, Shape], ...], key: Key, dtype: DType) -> Tree:
    if not isinstance(key, Key):
        raise TypeError(f"expected a key such as Key(0), got {key!r}")
    params = []
    with locating(name, [layer for layer, _ in parts]) as at:
        for at.index, (layer, shape) in enumerate(parts):
            params.append(layer.init(key.fold_in(at.index), shape, dtype))
    return tuple(params)


def _params_of_each(name: str, layers: tuple[Layer, ...], params: Tree) -> tuple[Tree, ...]:
    if not isinstance(params, tuple) or len(params) != len(layers):
        got = f"a tuple of {len(params)}" if isinstance(params, tuple) else type(params).__name__
        raise TreeError(f"expected the params of {name}, a tuple of {len(layers)}, got {got}")
    return params


def _written(name: str, layers: tuple[Layer, ...]) -> str:
    return f"{name}({', '.join(map(repr, layers))})"


@specification
class Sequential(Layer):
    """See `sequential`."""

    layers: tuple[Layer, ...] = attrs.field(validator=_are_layers)

    def init(self, key: Key, input_shape: Shape, dtype: DType = np.float32) -> Tree:
        return _init("sequential", self.parts(input_shape), key, dtype)

    def output_shape(self, input_shape: Shape) -> Shape:
        return self._shapes(input_shape)[-1]

    def parts(self, input_shape: Shape) -> tuple[tuple[Layer, Shape], ...]:
        return tuple(zip(self.layers, self._shapes(input_shape)[:-1], strict=True))

    def _shapes(self, input_shape: Shape) -> list[Shape]:
        shapes = [input_shape]
        with locating("sequential", self.layers) as at:
            for at.index, layer in enumerate(self.layers):
                shapes.append(layer.output_shape(shapes[-1]))
        return shapes

    def forward(self, params: Tree, x: Array) -> tuple[Array, Cache]:
        each, caches = _params_of_each("sequential", self.layers, params), []
        y = read_only(as_array(x))
        with locating("sequential", self.layers) as at:
            for at.index, p in enumerate(each):
                y, cache = self.layers[at.index].forward(p, y)
                caches.append(cache)
        return y, Cache(self, y.shape, tuple(caches))

    def apply(self, params: Tree, x: Array) -> Array:
        each = _params_of_each("sequential", self.layers, params)
        y = read_only(as_array(x))
        with locating("sequential", self.layers) as at:
            for at.index, p in enumerate(each):
                y = self.layers[at.index].apply(p, y)
        return y

    def backward(self, params: Tree, cache: Cache, dy: Array) -> tuple[Array, Tree]:
        dx, _, grads = self._back_to(0, params, cache, dy)
        return dx, grads

    def params_backward(self, params: Tree, cache: Cache, dy: Array) -> Tree:
        each = _params_of_each("sequential", self.layers, params)
        first = next((index for index, p in enumerate(each) if tree.leaves(p)), len(each))
        if first == len(each):
            opened(self, cache, dy)  # for what it raises
            return params  # what has no leaves is its own gradient
        dy, caches, grads = self._back_to(first + 1, params, cache, dy)
        with locating("sequential", self.layers) as at:
            at.index = first
            grads_first = self.layers[first].params_backward(each[first], caches[first], dy)
        return (*each[:first], grads_first, *grads)

    def _back_to(self, first: int, params: Tree, cache: Cache, dy: Array) -> tuple[Array, tuple[Any, ...], Tree]:
        """The gradient with respect to the input of layer `first`, all caches, the grads from `first` on."""
        each = _params_of_each("sequential", self.layers, params)
        caches, dy = opened(self, cache, dy)
        dy, grads = read_only(dy), []
        with locating("sequential", self.layers) as at:
            for at.index in reversed(range(first, len(each))):
                dy, layer_grads = self.layers[at.index].backward(each[at.index], caches[at.index], dy)
                grads.append(layer_grads)
        return dy, caches, tuple(reversed(grads))

    def __repr__(self) -> str:
        return _written("sequential", self.layers)


class Sum:
    """Outputs of one shape, added: what makes a `Parallel` an `add`."""

    name = "add"

    @staticmethod
    def shape(shapes: list[Shape]) -> Shape:
        if any(shape != shapes[0] for shape in shapes):
            raise ShapeError(f"add expected outputs of one shape, got {_listed(shapes)}")
        return shapes[0]

    @staticmethod
    def join(outputs: list[Array]) -> Array:
        return np.asarray(reduce(np.add, outputs))  # a sum of 0-d arrays is a scalar

    @staticmethod
    def split(dy: Array, shapes: list[Shape]) -> list[Array]:
        return [dy] * len(shapes)


class Join:
    """Outputs side by side on the last axis: what makes a `Parallel` a `concatenate`."""

    name = "concatenate"

    @staticmethod
    def shape(shapes: list[Shape]) -> Shape:
        if any(not shape or shape[:-1] != shapes[0][:-1] for shape in shapes):
            raise ShapeError(f"concatenate expected outputs that differ in the last axis only, got {_listed(shapes)}")
        return (*shapes[0][:-1], sum(shape[-1] for shape in shapes))

    @staticmethod
    def join(outputs: list[Array]) -> Array:
        return np.concatenate(outputs, axis=-1)

    @staticmethod
    def split(dy: Array, shapes: list[Shape]) -> list[Array]:
        ends = list(accumulate(shape[-1] for shape in shapes))
        return np.split(dy, ends[:-1], axis=-1)


def _listed(shapes: list[Shape]) -> str:
    return " and ".join(map(str, shapes))


@specification
class Parallel(Layer):
    """Layers that all have the same x, and how their outputs become one; see `add` and `concatenate`."""

    how: type[Sum] | type[Join]
    layers: tuple[Layer, ...] = attrs.field(validator=_are_layers)

    def init(self, key: Key, input_shape: Shape, dtype: DType = np.float32) -> Tree:
        self.output_shape(input_shape)  # for what it raises: outputs that do not fit
        return _init(self.how.name, self.parts(input_shape), key, dtype)

    def output_shape(self, input_shape: Shape) -> Shape:
        shapes = []
        with locating(self.how.name, self.layers) as at:
            for at.index, layer in enumerate(self.layers):
                shapes.append(layer.output_shape(input_shape))
        return self.how.shape(shapes)

    def parts(self, input_shape: Shape) -> tuple[tuple[Layer, Shape], ...]:
        return tuple((layer, input_shape) for layer in self.layers)

    def forward(self, params: Tree, x: Array) -> tuple[Array, Cache]:
        each = _params_of_each(self.how.name, self.layers, params)
        x, outputs, caches = read_only(as_array(x)), [], []
        with locating(self.how.name, self.layers) as at:
            for at.index, p in enumerate(each):
                y, cache = self.layers[at.index].forward(p, x)
                outputs.append(y)
                caches.append(cache)
        shapes = [y.shape for y in outputs]
        shape = self.how.shape(shapes)  # before joining, which would broadcast
        return self.how.join(outputs), Cache(self, shape, (caches, shapes))

    def apply(self, params: Tree, x: Array) -> Array:
        each = _params_of_each(self.how.name, self.layers, params)
        x, outputs = read_only(as_array(x)), []
        with locating(self.how.name, self.layers) as at:
            for at.index, p in enumerate(each):
                outputs.append(self.layers[at.index].apply(p, x))
        self.how.shape([y.shape for y in outputs])  # for what it raises: joining would broadcast
        return self.how.join(outputs)

    def backward(self, params: Tree, cache: Cache, dy: Array) -> tuple[Array, Tree]:
        passed = self._each("backward", params, cache, dy)
        return Sum.join([dx for dx, _ in passed]), tuple(grads for _, grads in passed)

    def params_backward(self, params: Tree, cache: Cache, dy: Array) -> Tree:
        return tuple(self._each("params_backward", params, cache, dy))

    def _each(self, name: str, params: Tree, cache: Cache, dy: Array) -> list[Any]:
        """What the method `name`, one of the backward passes, gives for each layer."""
        each = _params_of_each(self.how.name, self.layers, params)
        (caches, shapes), dy = opened(self, cache, dy)
        rows = zip(each, caches, self.how.split(read_only(dy), shapes), strict=True)
        passed = []
        with locating(self.how.name, self.layers) as at:
            for at.index, row in enumerate(rows):
                passed.append(getattr(self.layers[at.index], name)(*row))
        return passed

    def __repr__(self) -> str:
        return _written(self.how.name, self.layers)
