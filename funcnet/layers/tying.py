"""Layers that share arrays: a model in which one array of the params stands in several places."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs
import numpy as np

from funcnet.cache import Cache, saved_by
from funcnet.errors import TreeError
from funcnet.layers import inputs
from funcnet.layers.composites import is_layer
from funcnet.layers.layer import Layer
from funcnet.random import Key
from funcnet.tree import Array, DType, Flow, Shape, Tree, at, frozen, is_leaf, named_leaves, placed, read_only, shape_of
from funcnet.values import register, specification

_TRANSPOSED = ".T"


def tied(model: Layer, ties: Mapping[str, str]) -> Layer:
    """A model whose params hold one array for several places: it is initialized, trained and saved once.

    y and dx are those of the model with the shared array in each of its places; the gradient of the shared array is the
    sum of the gradients of its places. In the params, None stands in each place that is tied to a different one.

    Parameters
    ----------
    model : Layer
        Model, such as a `sequential`.
    ties : mapping of str to str
        For each place without an array of its own, its path, as `tree.named_leaves` gives it, and the path of the array
        to use; ".T" after that path stands for the transposed array.

    Returns
    -------
    Layer
        The model with shared arrays; its params differ from those of the model only in the tied places.

    Raises
    ------
    TreeError
        At `init`, if a path is not that of a leaf, or two arrays differ in shape.
    TypeError
        If the model is not a layer, or ties is not a mapping of strings.
    ValueError
        If an array to use is itself tied.

    References
    ----------
    O. Press, L. Wolf: Using the output embedding to improve language models. EACL 2017.

    Examples
    --------
    >>> import funcnet as fn
    >>> autoencoder = fn.sequential(fn.Linear(2), fn.Tanh(), fn.Linear(5))
    >>> model = tied(autoencoder, {"2.weight": "0.weight.T"})
    >>> [*fn.tree.named_leaves(model.init(fn.Key(0), (5,)))]
    ['0.weight', '0.bias', '2.bias']
    """
    if not isinstance(ties, Mapping):
        raise TypeError(f'ties must map paths to paths, such as {{"2.weight": "0.weight.T"}}, got {ties!r}')
    return Tied(model, tuple(ties.items()))


def _are_ties(instance: object, attribute: object, ties: tuple[tuple[str, str], ...]) -> None:
    for tie in ties:
        if not isinstance(tie, tuple) or len(tie) != 2 or not all(isinstance(path, str) and path for path in tie):
            raise TypeError(f"each tie must be two paths, such as ('2.weight', '0.weight.T'), got {tie!r}")
    tied_places = {place for place, _ in ties}
    for place, source in ties:
        if source.removesuffix(_TRANSPOSED) in tied_places:
            raise ValueError(f"{place} is tied to {source}, which is tied itself: tie both to the same array")


@register
@specification
class Tied(Layer):
    """See `tied`."""

    n_inputs = None
    takes_integers = True
    passes_track_on = True
    model: Layer = attrs.field(validator=is_layer)
    ties: tuple[tuple[str, str], ...] = attrs.field(validator=_are_ties)

    def init(self, key: Key, input_shape: Shape, dtype: DType = np.float32) -> Tree:
        params = self.model.init(key, input_shape, dtype)
        leaves = named_leaves(params)
        for place, source in self.ties:
            for path in (place, source.removesuffix(_TRANSPOSED)):
                if path not in leaves:
                    raise TreeError(f"{path} in {self!r} is not a leaf of the params; they are {', '.join(leaves)}")
            shape, there = leaves[place].shape, _like_source(leaves[source.removesuffix(_TRANSPOSED)], source).shape
            if shape != there:
                raise TreeError(f"{place} of shape {shape} cannot be tied to {source} of shape {there}")
        return self._without_ties(params)

    def output_shape(self, input_shape: Shape) -> Shape:
        return self.model.output_shape(input_shape)

    def parts(self, input_shape: Shape) -> tuple[tuple[Layer, Shape], ...]:
        return self.model.parts(input_shape)

    def forward(self, params: Tree, x: Flow) -> tuple[Flow, Any]:
        y, cache = inputs.forward(self.model, self._whole(params), x)
        return y, Cache(self, shape_of(y), cache)

    def apply(self, params: Tree, x: Flow) -> Flow:
        return inputs.apply(self.model, self._whole(params), x)

    def backward(self, params: Tree, cache: Any, dy: Flow) -> tuple[Flow, Tree]:
        dx, grads = inputs.backward(self.model, self._whole(params), saved_by(self, cache), dy)
        return dx, self._summed(grads)

    def params_backward(self, params: Tree, cache: Any, dy: Flow) -> Tree:
        return self._summed(inputs.params_backward(self.model, self._whole(params), saved_by(self, cache), dy))

    def track(self, params: Tree, cache: Any) -> Tree:
        whole = self._whole(params)
        tracked = self.model.track(whole, inputs.cache_of_layer(saved_by(self, cache)))
        return params if tracked is whole else self._without_ties(tracked)

    def _whole(self, params: Tree) -> Tree:
        """The params of the model, with the shared arrays in all of their places."""
        whole = params
        for place, source in self.ties:
            try:
                array, mine = at(params, source.removesuffix(_TRANSPOSED)), at(params, place)
            except KeyError as error:
                got = f"nothing at {error.args[0]}"
                raise TreeError(f"expected params with {place} and {source}, which are tied, got {got}") from None
            if mine is not None or not is_leaf(array):
                got = f"{type(mine).__name__} and {type(array).__name__}"
                raise TreeError(f"expected None at {place} and the array it is tied to at {source}, got {got}")
            whole = placed(whole, place, read_only(_like_source(array, source)))
        return whole

    def _summed(self, grads: Tree) -> Tree:
        """The gradient of the shared arrays, from that of the params of the model."""
        for place, source in self.ties:
            path = source.removesuffix(_TRANSPOSED)
            total = np.asarray(at(grads, path) + _like_source(at(grads, place), source))
            grads = placed(grads, path, frozen(total))
        return self._without_ties(grads)

    def _without_ties(self, params: Tree) -> Tree:
        for place, _ in self.ties:
            params = placed(params, place, None)
        return params

    def __repr__(self) -> str:
        return f"tied({self.model!r}, {dict(self.ties)!r})"


def _like_source(array: Array, source: str) -> Array:
    return array.T if source.endswith(_TRANSPOSED) else array
