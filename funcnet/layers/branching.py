"""Layers side by side: all with the same x, `Branches`, or each with one element of a tuple, `Zipped`."""

from __future__ import annotations

from functools import reduce
from typing import Any

import attrs
import numpy as np

from funcnet.cache import Cache, opened_flow, saved_by
from funcnet.errors import ShapeError
from funcnet.layers import inputs
from funcnet.layers.checks import described
from funcnet.layers.composites import are_layers, each, init_each, params_of_layers, shape_after, track_each, written
from funcnet.layers.layer import Layer
from funcnet.layers.merging import Concatenate, SideBySide, Sum
from funcnet.layers.reshaping import Identity
from funcnet.random import Key
from funcnet.tree import DType, Flow, Shape, Tree, added, dtypes_in, is_nested, passed_on, shape_of
from funcnet.values import register, specification


def _has_layers(combinator: Any, attribute: object, layers: tuple[Layer, ...]) -> None:
    are_layers(combinator, attribute, layers)
    if not layers:
        raise ValueError(f"{combinator.name} needs at least one layer")


def _forward(combinator: Any, params: Tree, xs: Flow) -> tuple[Flow, tuple[Any, ...]]:
    """The tuple of the layers' outputs, each for its x in `xs`, and that of their caches."""
    ys, caches = zip(*each(combinator, inputs.forward, params_of_layers(combinator, params), xs), strict=True)
    return ys, caches


def _apply(combinator: Any, params: Tree, xs: Flow) -> Flow:
    return tuple(each(combinator, inputs.apply, params_of_layers(combinator, params), xs))


def _backward(combinator: Any, params: Tree, caches: Any, dys: Flow) -> tuple[Flow, Tree]:
    """The tuple of the layers' dx, and that of their grads."""
    columns = params_of_layers(combinator, params), caches, dys
    dxs, grads = zip(*each(combinator, inputs.backward, *columns), strict=True)
    return dxs, grads


def _params_backward(combinator: Any, params: Tree, caches: Any, dys: Flow) -> Tree:
    return tuple(each(combinator, inputs.params_backward, params_of_layers(combinator, params), caches, dys))


def _is_joining(instance: object, attribute: object, value: Any) -> None:
    if value not in _MERGING:
        raise TypeError(f"joining must be Sum, SideBySide or None, got {value!r}")


_MERGING: dict[Any, tuple[str, Layer]] = {
    None: ("branches", Identity()),
    Sum: ("add", Sum()),
    SideBySide: ("concatenate", Concatenate()),
}


@register(name="Parallel")
@specification
class Branches(Layer):
    """Layers that all have the same x, and a layer that merges their outputs; see `branches`, `add`, `concatenate`.

    `joining` is a class that stands for the layer that merges, as in the files that users have.
    """

    n_inputs = None
    takes_integers = True
    passes_track_on = True
    joining: type[Sum] | type[SideBySide] | None = attrs.field(validator=_is_joining)
    layers: tuple[Layer, ...] = attrs.field(validator=_has_layers)

    @property
    def name(self) -> str:
        return _MERGING[self.joining][0]

    @property
    def _merging(self) -> Layer:
        return _MERGING[self.joining][1]

    def init(self, key: Key, input_shape: Shape, dtype: DType = np.float32) -> Tree:
        self.output_shape(input_shape)  # raises if the outputs do not fit
        return init_each(self, key, [input_shape] * len(self.layers), dtype)

    def output_shape(self, input_shape: Shape) -> Shape:
        return self._merging.output_shape(tuple(each(self, shape_after, [input_shape] * len(self.layers))))

    def parts(self, input_shape: Shape) -> tuple[tuple[Layer, Shape], ...]:
        return tuple((layer, input_shape) for layer in self.layers)

    def forward(self, params: Tree, x: Flow) -> tuple[Flow, Cache]:
        ys, caches = _forward(self, params, self._copies(x))
        y, merged = self._merging.forward((), ys)
        return y, Cache(self, shape_of(y), (caches, merged), dtypes_in(y))

    def apply(self, params: Tree, x: Flow) -> Flow:
        return self._merging.apply((), _apply(self, params, self._copies(x)))

    def backward(self, params: Tree, cache: Cache, dy: Flow) -> tuple[Flow, Tree]:
        dxs, grads = _backward(self, params, *self._split(cache, dy))
        return reduce(added, dxs), grads

    def params_backward(self, params: Tree, cache: Cache, dy: Flow) -> Tree:
        return _params_backward(self, params, *self._split(cache, dy))

    def track(self, params: Tree, cache: Cache) -> Tree:
        return track_each(self.layers, params_of_layers(self, params), saved_by(self, cache)[0])

    def _copies(self, x: Flow) -> Flow:
        return (passed_on(x),) * len(self.layers)

    def _split(self, cache: Cache, dy: Flow) -> tuple[Any, Flow]:
        """The caches and the dy of the layers."""
        (caches, merged), dy = opened_flow(self, cache, dy)
        return caches, self._merging.backward((), merged, dy)[0]

    def __repr__(self) -> str:
        return written(self)


@register
@specification
class Zipped(Layer):
    """See `parallel`."""

    name = "parallel"
    n_inputs = None
    takes_integers = True
    passes_track_on = True
    layers: tuple[Layer, ...] = attrs.field(validator=_has_layers)

    def init(self, key: Key, input_shape: Any, dtype: DType = np.float32) -> Tree:
        self.output_shape(input_shape)  # raises if there are more or fewer shapes than layers
        return init_each(self, key, input_shape, dtype)

    def output_shape(self, input_shape: Any) -> Shape:
        n = len(self.layers)
        if not is_nested(input_shape) or len(input_shape) != n:
            raise ShapeError(f"parallel of {n} layers takes a tuple of {n}, got {described(input_shape)}")
        return tuple(each(self, shape_after, input_shape))

    def parts(self, input_shape: Any) -> tuple[tuple[Layer, Shape], ...]:
        return tuple(zip(self.layers, input_shape, strict=True))

    def forward(self, params: Tree, x: Flow) -> tuple[Flow, Cache]:
        ys, caches = _forward(self, params, self._parts(x))
        return ys, Cache(self, shape_of(ys), caches, dtypes_in(ys))

    def apply(self, params: Tree, x: Flow) -> Flow:
        return _apply(self, params, self._parts(x))

    def backward(self, params: Tree, cache: Cache, dy: Flow) -> tuple[Flow, Tree]:
        return _backward(self, params, *self._opened(cache, dy))

    def params_backward(self, params: Tree, cache: Cache, dy: Flow) -> Tree:
        return _params_backward(self, params, *self._opened(cache, dy))

    def track(self, params: Tree, cache: Cache) -> Tree:
        return track_each(self.layers, params_of_layers(self, params), saved_by(self, cache))

    def _opened(self, cache: Cache, dy: Flow) -> tuple[Any, Flow]:
        caches, dys = opened_flow(self, cache, dy)
        return caches, passed_on(dys)

    def _parts(self, x: Flow) -> Flow:
        x = passed_on(x)
        if not isinstance(x, tuple) or len(x) != len(self.layers):
            self.output_shape(shape_of(x))  # raises
        return x

    def __repr__(self) -> str:
        return written(self)
