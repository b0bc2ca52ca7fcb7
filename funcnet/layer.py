"""What a layer is: a frozen value with two pure passes.

`forward(params, x) -> (y, cache)` and `backward(params, cache, dy) -> (dx, grads)`, for every layer and every
combination of layers. `Cache` and the functions beside it are what the library's own layers share; a layer of one's
own needs none of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import attrs
import numpy as np

from funcnet import tree
from funcnet.arrays import Array, DType, Shape, as_floating
from funcnet.errors import CacheError, ShapeError, TreeError
from funcnet.random import Key
from funcnet.table import aligned
from funcnet.tree import Tree


@attrs.frozen(repr=False)
class Layer:
    """The base class of layers. A subclass is a frozen attrs class of sizes and rates; it holds no arrays.

    `forward` and `backward` are all that a layer without params must have. Shapes are those of one example: batch
    axes, any number of them, stand before the axes that `input_shape` and `output_shape` speak of.

    >>> import attrs, numpy as np, funcnet as fn
    >>> @attrs.frozen
    ... class Square(fn.Layer):
    ...     def forward(self, params, x):
    ...         return x**2, x
    ...     def backward(self, params, cache, dy):
    ...         return 2 * cache * dy, ()
    >>> model = fn.sequential(Square(), fn.Flatten())
    >>> params = model.init(fn.Key(0), (2, 2))
    >>> model.apply(params, np.ones((5, 2, 2))).shape
    (5, 4)
    """

    def init(self, key: Key, input_shape: Shape, dtype: DType = np.float32) -> Tree:
        """The params for inputs of `batch + input_shape`: `()` unless the layer says otherwise."""
        return ()

    def output_shape(self, input_shape: Shape) -> Shape:
        """The shape of y for one example of `input_shape`: the same unless the layer says otherwise."""
        return input_shape

    def forward(self, params: Tree, x: Array) -> tuple[Array, Any]:
        """The layer's output y, and what `backward` needs to know of this pass.

        The cache may hold x itself: it is to stay as it is until `backward` has run.
        """
        raise NotImplementedError(f"{type(self).__name__} has no forward")

    def backward(self, params: Tree, cache: Any, dy: Array) -> tuple[Array, Tree]:
        """The gradients of a scalar with respect to x and params, given `dy`, the one with respect to y."""
        raise NotImplementedError(f"{type(self).__name__} has no backward")

    def params_backward(self, params: Tree, cache: Any, dy: Array) -> Tree:
        """The `grads` of `backward` alone, for a layer whose x is the network's input: no one asks for its dx."""
        return self.backward(params, cache, dy)[1]

    def apply(self, params: Tree, x: Array) -> Array:
        """The output y of inference, which keeps no cache."""
        return self.forward(params, x)[0]

    def training(self, key: Key) -> Layer:
        """This layer in training, its randomness fixed by `key`: another layer, as pure as this one.

        By default the same layer with every layer among its fields in training, each under a key of its own.
        """
        checked_key(key)
        changes = {}
        for field in attrs.fields(type(self)):
            value = getattr(self, field.name)
            trained = _in_training(value, key, field.name)
            if trained is not value:
                changes[field.alias] = trained
        return attrs.evolve(self, **changes) if changes else self

    def parts(self, input_shape: Shape) -> tuple[tuple[Layer, Shape], ...]:
        """The layers inside a combinator, each with the shape of its own input; `summary` shows them."""
        return ()

    def __repr__(self) -> str:
        return f"{type(self).__qualname__}()"


def _in_training(value: Any, key: Key, part: int | str) -> Any:
    if isinstance(value, Layer):
        return value.training(key.fold_in(part))
    if not isinstance(value, tuple) or not any(isinstance(child, Layer | tuple) for child in value):
        return value
    key = key.fold_in(part)
    trained = tuple(_in_training(child, key, index) for index, child in enumerate(value))
    return trained if any(a is not b for a, b in zip(trained, value, strict=True)) else value


def checked_key(key: Key) -> Key:
    """`key`; TypeError if it is none."""
    if not isinstance(key, Key):
        raise TypeError(f"expected a key such as Key(0), got {key!r}")
    return key


def checked_shape(input_shape: Shape) -> Shape:
    """`input_shape`; TypeError if it is no tuple."""
    if not isinstance(input_shape, tuple):
        raise TypeError(f"expected an input shape, a tuple such as (784,), got {input_shape!r}")
    return input_shape


def with_features(input_shape: Shape) -> Shape:
    """`input_shape`; ShapeError if it has no axis of features."""
    if not checked_shape(input_shape):
        raise ShapeError("expected an input shape of at least one axis, the features, got ()")
    return input_shape


class Cache(NamedTuple):
    """What a forward pass leaves for the backward pass: whose it is, the shape of its y, and what was saved."""

    owner: object
    shape: Shape
    saved: Any


def check_no_params(params: Tree) -> None:
    """Raise TreeError for params that are not `()`, those of a layer without any."""
    if type(params) is not tuple or params:
        raise TreeError(f"expected (), as the layer has no params, got {type(params).__name__}")


def saved_by(owner: object, cache: Any) -> Any:
    """What `owner` saved in `cache`; raises CacheError if another layer or loss made it."""
    if not isinstance(cache, Cache):
        raise CacheError(f"expected a cache of {owner!r}, got {type(cache).__name__}")
    if cache.owner is not owner and cache.owner != owner:
        raise CacheError(f"expected a cache of {owner!r}, got one of {cache.owner!r}")
    return cache.saved


def opened(layer: Layer, cache: Any, dy: Any) -> tuple[Any, Array]:
    """What `layer` saved, and dy as an array.

    Raises CacheError if another layer made the cache, ShapeError if dy has not the shape of y.
    """
    saved, dy = saved_by(layer, cache), as_floating(dy)
    if dy.shape != cache.shape:
        raise ShapeError(f"expected dy of the shape of y, {cache.shape}, got {dy.shape}")
    return saved, dy


def summary(model: Layer, input_shape: Shape, dtype: DType = np.float32) -> str:
    """A table of the layers of `model`: path, layer, output shape, number of params and their bytes.

    >>> import funcnet as fn
    >>> print(fn.summary(fn.sequential(fn.Linear(50), fn.ReLU(), fn.Linear(10)), (784,)))
    path   layer             output shape  params    bytes
    0      Linear(n_out=50)  (50,)         39,250  157,000
    1      ReLU()            (50,)              0        0
    2      Linear(n_out=10)  (10,)            510    2,040
    total                                  39,760  159,040
    """
    if not isinstance(model, Layer):
        raise TypeError(f"expected a layer, got {model!r}")
    params = model.init(Key(0), input_shape, dtype)
    total = ("total", "", "", *_counts(params))
    return aligned([("path", "layer", "output shape", "params", "bytes"), *_rows(model, input_shape, dtype, ""), total])


def _rows(layer: Layer, input_shape: Shape, dtype: DType, path: str) -> Iterator[tuple[str, ...]]:
    parts = layer.parts(input_shape)
    for index, (part, shape) in enumerate(parts):
        yield from _rows(part, shape, dtype, f"{path}.{index}" if path else str(index))
    if not parts:
        params = layer.init(Key(0), input_shape, dtype)
        yield path or "-", repr(layer), str(layer.output_shape(input_shape)), *_counts(params)


def _counts(params: Tree) -> tuple[str, str]:
    return f"{tree.size(params):,}", f"{sum(leaf.nbytes for leaf in tree.leaves(params)):,}"
