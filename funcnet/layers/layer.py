"""What a layer is: a frozen value with two pure passes.

`forward(params, x) -> (y, cache)` and `backward(params, cache, dy) -> (dx, grads)`, for every layer and every
combination of layers.
"""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np

from funcnet.errors import ShapeError, TreeError
from funcnet.random import Key, checked_key
from funcnet.tree import Array, DType, Shape, Tree


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
            if _overrides_training(value):
                changes[field.alias] = _in_training(value, key.fold_in(field.name))
        return attrs.evolve(self, **changes) if changes else self

    def parts(self, input_shape: Shape) -> tuple[tuple[Layer, Shape], ...]:
        """The layers inside a combinator, each with the shape of its own input; `summary` shows them."""
        return ()

    def __repr__(self) -> str:
        return f"{type(self).__qualname__}()"


def _overrides_training(value: Any) -> bool:
    """Whether `training` changes a layer in `value`, which is a field: keys are folded only where it does."""
    if isinstance(value, tuple):
        return any(map(_overrides_training, value))
    if not isinstance(value, Layer):
        return False
    kind = type(value)
    return kind.training is not Layer.training or any(
        _overrides_training(getattr(value, field.name)) for field in attrs.fields(kind)
    )


def _in_training(value: Any, key: Key) -> Any:
    if isinstance(value, Layer):
        return value.training(key)
    children = enumerate(value)
    return tuple(_in_training(child, key.fold_in(i)) if _overrides_training(child) else child for i, child in children)


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


def check_no_params(params: Tree) -> None:
    """Raise TreeError for params that are not `()`, those of a layer without any."""
    if type(params) is not tuple or params:
        raise TreeError(f"expected (), as the layer has no params, got {type(params).__name__}")
