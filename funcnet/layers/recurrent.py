"""Recurrence: a cell, which is a layer of an input and a state, run along an axis of time."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np

from funcnet.cache import Cache, opened, saved_by
from funcnet.errors import ShapeError
from funcnet.layers import inputs
from funcnet.layers.checks import checked_shape
from funcnet.layers.composites import is_layer
from funcnet.layers.layer import Layer
from funcnet.numerics.sums import wide
from funcnet.random import Key
from funcnet.tree import (
    Array,
    DType,
    Flow,
    Shape,
    Tree,
    is_nested,
    map_new,
    passed_on,
    read_only,
    shape_of,
    zeros_of,
)
from funcnet.values import check_methods, is_bool, register, specification


def recurrent(cell: Layer, reverse: bool = False, last_only: bool = False) -> Layer:
    """A cell run along time: at each step it gets an input and the state that the step before left.

    (y_t, h_t) = cell((x_t, h_(t - 1))) for t = 1, 2, ..., with h_0 = 0; x (..., t, n), y (..., t, n_out) or, with
    `last_only`, (..., n_out). dx by the chain rule, last step first; grads are summed over the steps. The params are
    those of the cell.

    Parameters
    ----------
    cell : Layer
        Layer of (x_t, state) to (y_t, state), such as `SimpleCell`; its method `state_shape(input_shape)` gives the
        shape of the state of one example, for the shape of x_t.
    reverse : bool, default False
        Whether to run from the last step to the first; y is in the order of x either way.
    last_only : bool, default False
        Whether y is the output of the last step run, alone.

    Returns
    -------
    Layer
        The layer of whole sequences, of any length.

    Raises
    ------
    ShapeError
        At `init` or in a pass, if x has no axes (t, n) or, with `last_only`, no steps; or, without it, if the y of
        the cell is not of shape (..., n_out).
    TypeError
        If the cell is not a layer with `state_shape`, or an option not a bool.

    References
    ----------
    J. L. Elman: Finding structure in time. Cognitive Science 14, 1990.
    P. J. Werbos: Backpropagation through time: what it does and how to do it. Proceedings of the IEEE 78, 1990.

    Examples
    --------
    >>> import numpy as np, funcnet as fn
    >>> model = fn.sequential(fn.recurrent(fn.SimpleCell(8), last_only=True), fn.Linear(2))
    >>> params = model.init(fn.Key(0), (20, 3))
    >>> model.apply(params, np.ones((5, 20, 3))).shape, model.apply(params, np.ones((5, 7, 3))).shape
    ((5, 2), (5, 2))

    A cell without params, whose state is a sum that fades:

    >>> class Fading(fn.Layer):
    ...     n_inputs = 2
    ...     def state_shape(self, input_shape):
    ...         return input_shape
    ...     def output_shape(self, input_shape):
    ...         return input_shape
    ...     def forward(self, params, x):
    ...         state = x[0] + 0.5 * x[1]
    ...         return (state, state.copy()), None
    ...     def backward(self, params, cache, dy):
    ...         total = dy[0] + dy[1]
    ...         return (total, 0.5 * total), ()
    >>> fn.recurrent(Fading()).apply((), np.array([[4.0], [0.0], [0.0]])).T
    array([[4., 2., 1.]])
    """
    return Recurrent(cell, reverse, last_only)


def _is_cell(instance: object, attribute: Any, value: Any) -> None:
    is_layer(instance, attribute, value)
    check_methods("cell", value, "forward", "backward", "state_shape")


@register
@specification
class Recurrent(Layer):
    """See `recurrent`."""

    passes_track_on = True
    cell: Any = attrs.field(validator=_is_cell)
    reverse: bool = attrs.field(default=False, validator=is_bool)
    last_only: bool = attrs.field(default=False, validator=is_bool)

    def init(self, key: Key, input_shape: Shape, dtype: DType = np.float32) -> Tree:
        return self.cell.init(key, self._cell_shapes(input_shape), dtype)

    def output_shape(self, input_shape: Shape) -> Shape:
        y_shape: Shape = self.cell.output_shape(self._cell_shapes(input_shape))[0]
        if self.last_only:
            return y_shape
        self._check_output(y_shape)
        return (input_shape[0], *y_shape)

    def _cell_shapes(self, input_shape: Shape) -> tuple[Shape, Any]:
        """The shapes of x_t and of the state."""
        if len(checked_shape(input_shape, self)) != 2:
            raise ShapeError(f"input_shape must be (t, n), steps and features, got {input_shape}")
        return input_shape[1:], self.cell.state_shape(input_shape[1:])

    def forward(self, params: Tree, x: Array) -> tuple[Array, Cache]:
        x = passed_on(x)
        floats = inputs.floats_for(self, params, x)
        self._check(floats.shape)
        batch, n_times, features = floats.shape[:-2], floats.shape[-2], floats.shape[-1:]
        state = zeros_of(self.cell.state_shape(features), floats.dtype, batch)
        ys, caches = [], []
        for t in self._times(n_times):
            x_t = floats[..., t, :].copy()  # products with a view of x would round otherwise after pickle
            (y, state), cache = inputs.forward(self.cell, params, (x_t, state))
            ys.append(y)
            caches.append(cache)
        if self.last_only:
            y = ys[-1]
        elif not ys:
            y = np.zeros((*batch, *self.output_shape((0, *features))), floats.dtype)
        else:
            self._check_output(ys[-1].shape[len(batch) :])
            y = self._along_time(ys)
        saved = tuple(caches), floats.shape, shape_of(state)
        return y, Cache(self, y.shape, saved, floats.dtype if floats is x else None)

    def backward(self, params: Tree, cache: Cache, dy: Array) -> tuple[Flow, Tree]:
        (caches, x_shape, state_shape), dy = opened(self, cache, dy)
        d_state, dxs = zeros_of(state_shape, dy.dtype), []
        grads = map_new(lambda leaf: np.zeros(leaf.shape, wide(leaf.dtype)), params)
        for step, t in reversed([*enumerate(self._times(len(caches)))]):
            dy_t = read_only(self._dy_at(t, dy, is_last=step == len(caches) - 1))
            (dx, d_state), step_grads = inputs.backward(self.cell, params, caches[step], (dy_t, d_state))
            dxs.append(dx)
            grads = map_new(np.add, grads, step_grads)
        dx = self._along_time(dxs[::-1]) if dxs else np.zeros(x_shape, dy.dtype)
        return cache.dx(dx), map_new(lambda total, leaf: total.astype(leaf.dtype), grads, params)

    def _dy_at(self, t: int, dy: Array, is_last: bool) -> Array:
        """The gradient with respect to the output of the step at time t."""
        if self.last_only:
            return dy if is_last else np.zeros_like(dy)
        return dy[..., t, :]

    def track(self, params: Tree, cache: Cache) -> Tree:
        for of_step in saved_by(self, cache)[0]:
            params = self.cell.track(params, inputs.cache_of_layer(of_step))
        return params

    def _check(self, shape: Shape) -> None:
        if len(shape) < 2 or (self.last_only and shape[-2] == 0):
            wanted = "at least one step" if len(shape) > 1 else "axes (..., t, n)"
            raise ShapeError(f"expected x with {wanted}, got shape {shape}")

    def _check_output(self, shape: Any) -> None:
        if len(shape) != 1 or is_nested(shape):
            raise ShapeError(
                f"the y of a cell must be one array (n_out,) for each example, {self.cell!r} gives {shape}"
            )

    def _times(self, n_times: int) -> range:
        return range(n_times)[::-1] if self.reverse else range(n_times)

    def _along_time(self, parts: list[Array]) -> Array:
        """Arrays (..., n), in the order in which the steps were run, as one (..., t, n) in the order of time."""
        in_time = parts[::-1] if self.reverse else parts
        return np.concatenate([part[..., None, :] for part in in_time], axis=-2)

    def __repr__(self) -> str:
        options = [f"{name}=True" for name in ("reverse", "last_only") if getattr(self, name)]
        return f"recurrent({', '.join([repr(self.cell), *options])})"
