"""The base class of layers: frozen values with two pure passes, for every layer and every combination of layers."""

from __future__ import annotations

from collections.abc import Iterator
from functools import reduce
from operator import is_not
from types import FunctionType
from typing import Any, ClassVar

import attrs
import numpy as np

from funcnet.layers.checks import check_inputs, check_reached
from funcnet.layers.fields import DeclaresFields
from funcnet.random import Key, checked_key
from funcnet.tree import DType, Flow, Shape, Tree


@attrs.frozen(repr=False)
class Layer(DeclaresFields):
    """Base class of layers. A subclass is a frozen attrs class of sizes and rates; it holds no arrays.

    A layer without params must have `forward` and `backward`, nothing else. `input_shape` and `output_shape` are the
    shapes of one example; in x and y any number of batch axes stand before these axes.

    x, y, dx and dy are arrays or tuples of them, also nested; shapes are then tuples of shapes. Integers and bools have
    no gradient: their dx is None, and a dy that is None counts as zeros.

    Attributes
    ----------
    n_inputs : int or None
        1 for a layer whose x is an array, n > 1 for one whose x is a tuple of n, None for one that takes any x.
    takes_integers : bool
        Whether the layer takes integers, as ids; otherwise combinators convert them, to the dtype of its params or,
        without params, to float32.
    statistics : str or None
        "batch" for a layer whose rows depend on each other, by statistics over the batch; see also `tree.Buffer`.
    passes_track_on : bool
        Whether `track` does nothing but call `track` of the layers inside, as that of a combinator.

    Examples
    --------
    >>> import attrs, numpy as np, funcnet as fn
    >>> @attrs.frozen
    ... class Square(fn.Layer):
    ...     def forward(self, params, x):
    ...         return x**2, x
    ...     def backward(self, params, cache, dy):
    ...         return 2 * cache * dy, ()
    >>> Square().apply((), np.array([1.0, 3.0]))
    array([1., 9.])

    A layer of two inputs, whose x, dx and input_shape are tuples of two:

    >>> @attrs.frozen
    ... class Gate(fn.Layer):
    ...     n_inputs = 2
    ...     def output_shape(self, input_shape):
    ...         return input_shape[0]
    ...     def forward(self, params, x):
    ...         return x[0] * x[1], x
    ...     def backward(self, params, cache, dy):
    ...         return (dy * cache[1], dy * cache[0]), ()
    >>> Gate().apply((), (np.array([1.0, 2.0]), np.array([3.0, 4.0])))
    array([3., 8.])
    """

    n_inputs: ClassVar[int | None] = 1
    takes_integers: ClassVar[bool] = False
    statistics: ClassVar[str | None] = None
    passes_track_on: ClassVar[bool] = False

    def init(self, key: Key, input_shape: Shape, dtype: DType = np.float32) -> Tree:
        """The params of the layer at the start of training.

        Parameters
        ----------
        key : Key
            Source of the random numbers.
        input_shape : tuple of int
            Shape of one example of x.
        dtype : dtype, default float32
            Floating-point dtype of the params.

        Returns
        -------
        Tree
            The params, for x of shape batch + input_shape; by default `()`.

        Raises
        ------
        ShapeError
            If the layer does not fit the input shape.
        """
        return ()

    def output_shape(self, input_shape: Shape) -> Shape:
        """The shape of y for one example.

        Parameters
        ----------
        input_shape : tuple of int
            Shape of one example of x.

        Returns
        -------
        tuple of int
            Shape of one example of y; by default `input_shape`.

        Raises
        ------
        ShapeError
            If the layer does not fit the input shape.
        """
        check_inputs(self, input_shape)
        return input_shape

    def forward(self, params: Tree, x: Flow) -> tuple[Flow, Any]:
        """The output y, and a cache of what `backward` needs from this pass.

        Parameters
        ----------
        params : Tree
            Params as `init` makes them.
        x : ndarray (batch + input_shape)
            Input. Do not change it before `backward` has run: the cache may hold x itself.

        Returns
        -------
        y : ndarray (batch + output_shape)
            Output.
        cache : object
            Argument of `backward`, to be passed on unopened.

        Raises
        ------
        ShapeError
            If x does not fit the layer.
        TreeError
            If params are not params of this layer.
        """
        raise NotImplementedError(f"{type(self).__name__} has no forward")

    def backward(self, params: Tree, cache: Any, dy: Flow) -> tuple[Flow, Tree]:
        """The gradients of a scalar with respect to x and params, given its gradient with respect to y.

        Parameters
        ----------
        params, cache : Tree, object
            The params that `forward` was given, and the cache that it returned.
        dy : ndarray (batch + output_shape)
            Gradient with respect to y.

        Returns
        -------
        dx : ndarray (batch + input_shape)
            Gradient with respect to x.
        grads : Tree
            Gradient with respect to params, of the same structure.

        Raises
        ------
        CacheError
            If a different layer made the cache.
        ShapeError
            If dy does not have the shape of y.
        TreeError
            If params are not params of this layer.
        """
        raise NotImplementedError(f"{type(self).__name__} has no backward")

    def params_backward(self, params: Tree, cache: Any, dy: Flow) -> Tree:
        """The `grads` of `backward` without dx, which the first layer of a network need not compute.

        Parameters
        ----------
        params, cache : Tree, object
            The params that `forward` was given, and the cache that it returned.
        dy : ndarray (batch + output_shape)
            Gradient with respect to y.

        Returns
        -------
        Tree
            Gradient with respect to params, of the same structure.
        """
        return self.backward(params, cache, dy)[1]

    def apply(self, params: Tree, x: Flow) -> Flow:
        """The output y without a cache, for inference.

        Parameters
        ----------
        params : Tree
            Params as `init` makes them.
        x : ndarray (batch + input_shape)
            Input.

        Returns
        -------
        ndarray (batch + output_shape)
            Output.
        """
        return self.forward(params, x)[0]

    def training(self, key: Key) -> Layer:
        """The layer as it acts in training, with its randomness fixed by `key`: a new layer, as pure as this one.

        Parameters
        ----------
        key : Key
            Source of the random numbers.

        Returns
        -------
        Layer
            The layer in training; by default this one with each layer in its fields in training, under its own key.

        Raises
        ------
        TypeError
            If the key is not a Key, or a layer inside tracks statistics and this one does not define `track`.
        """
        return _in_training(self, checked_key(key), ())  # type: ignore[no-any-return]

    def track(self, params: Tree, cache: Any) -> Tree:
        """The params with statistics of what a pass saw, such as the running mean of batch normalization.

        Parameters
        ----------
        params, cache : Tree, object
            The params that `forward` was given, and the cache that it returned.

        Returns
        -------
        Tree
            Params with the same leaves and other buffers; by default, the same params.
        """
        return params

    def parts(self, input_shape: Shape) -> tuple[tuple[Layer, Shape], ...]:
        """The layers inside a combinator, each with the shape of its own input; `summary` shows them.

        Parameters
        ----------
        input_shape : tuple of int
            Shape of one example of x.

        Returns
        -------
        tuple of (Layer, tuple of int)
            Layers and their input shapes; empty unless the layer is a combinator.
        """
        return ()

    def __repr__(self) -> str:
        return f"{type(self).__qualname__}()"


def _in_training(value: Any, key: Key, path: tuple[int | str, ...]) -> Any:
    """A layer or a tuple of layers in training; the path is folded into the key only where `training` is overridden."""
    if isinstance(value, tuple):
        children = tuple([_in_training(child, key, (*path, index)) for index, child in enumerate(value)])
        return children if any(map(is_not, children, value)) else value
    if not isinstance(value, Layer):
        return value
    if path and type(value).training is not Layer.training:
        return value.training(reduce(Key.fold_in, path, key))
    changes: dict[str, Any] = {}
    for field in type(value).__attrs_attrs__:  # as attrs.fields, which takes longer
        held = getattr(value, field.name)
        if type(held) not in _PLAIN and isinstance(held, _HOLDS_LAYERS):
            check_reached(value, field.name, held, Layer)
            trained = _in_training(held, key, (*path, field.name))
            if trained is not held:
                changes[str(field.alias)] = trained
    if not changes:
        return value
    if type(value).track is Layer.track and (tracking := [layer for layer in layers_in(value) if tracks(layer)]):
        name, inside = type(value).__name__, f"{tracking[0]!r} in it tracks statistics"
        raise TypeError(f"{name} must define track(params, cache): {inside}")
    return attrs.evolve(value, **changes)


_HOLDS_LAYERS, _PLAIN = (Layer, tuple, list, dict), frozenset((int, float, bool, str, FunctionType))


def layers_in(value: Any) -> Iterator[Layer]:
    """The layers among the fields of a layer, and in tuples there."""
    for item in value if isinstance(value, tuple) else [getattr(value, f.name) for f in attrs.fields(type(value))]:
        if isinstance(item, Layer):
            yield item
        elif isinstance(item, tuple):
            yield from layers_in(item)


def tracks(layer: Layer) -> bool:
    """Whether a layer, or one inside it, tracks statistics."""
    return (type(layer).track is not Layer.track and not layer.passes_track_on) or any(map(tracks, layers_in(layer)))
