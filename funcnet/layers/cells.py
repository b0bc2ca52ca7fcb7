"""Cells, the layers that `recurrent` runs along time: each takes (x_t, state) and gives (y_t, state)."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np

from funcnet import initializers
from funcnet.cache import Cache, opened_flow
from funcnet.errors import ShapeError
from funcnet.initializers import Initializer
from funcnet.initializers.distributions import is_initializer
from funcnet.layers.activations import Tanh
from funcnet.layers.checks import check_inputs, check_params, drawn, with_features
from funcnet.layers.composites import is_layer
from funcnet.layers.layer import Layer
from funcnet.numerics.sums import column_sums, rows_of
from funcnet.numerics.underflow import past_underflow
from funcnet.random import Key, checked_key
from funcnet.tree import (
    Array,
    DType,
    Flow,
    Shape,
    added,
    as_array,
    as_dtype,
    build,
    dtypes_in,
    leaf,
    node,
    read_only,
    shape_of,
    without_integers,
)
from funcnet.values import at_least, register, specification


@register
@node
class SimpleCellParams:
    """The params of `SimpleCell`: a weight for the input, one for the state, and a bias.

    Parameters
    ----------
    weight_x : ndarray (n_in, n_out)
        Weight of the input.
    weight_h : ndarray (n_out, n_out)
        Weight of the state.
    bias : ndarray (n_out,)
        Bias.

    Examples
    --------
    >>> import funcnet as fn
    >>> {path: a.shape for path, a in fn.tree.named_leaves(fn.SimpleCell(2).init(fn.Key(0), ((3,), (2,)))).items()}
    {'weight_x': (3, 2), 'weight_h': (2, 2), 'bias': (2,)}
    """

    weight_x: Array = leaf(torch_axes=(1, 0))
    weight_h: Array = leaf(torch_axes=(1, 0))
    bias: Array = leaf()


@register
@specification
class SimpleCell(Layer):
    """The cell of Elman's network: a new state from the input and the old state.

    y = f(x @ weight_x + h @ weight_h + bias), the new state as well; with input x (..., n_in), state h (..., n_out) and
    y (..., n_out). With dz = (dy + the gradient of the new state) * f', dx = dz @ weight_x.T, dh = dz @ weight_h.T;
    summed over the batch, grads are x.T @ dz, h.T @ dz and the sum of dz.

    Parameters
    ----------
    n_out : int
        Size of the state; 0 is allowed.
    activation : Layer, default Tanh()
        Layer without params for f, such as `Tanh()` or `ReLU()`.
    weight_init : callable, default initializers.glorot_uniform
        Initializer `(key, shape, dtype) -> array` of weight_x.
    state_init : callable, default initializers.orthogonal()
        Initializer of weight_h.
    bias_init : callable, default initializers.zeros
        Initializer of the bias.

    Raises
    ------
    ShapeError
        If x is not a tuple of an input with n_in features and a state with n_out, of the same batch.
    TreeError
        If params are not those that `init` makes.
    TypeError
        If n_out is not an integer, the activation not a layer, or an initializer a class.
    ValueError
        If n_out is negative.

    References
    ----------
    J. L. Elman: Finding structure in time. Cognitive Science 14, 1990.

    Examples
    --------
    >>> import numpy as np, funcnet as fn
    >>> params = fn.SimpleCellParams(np.array([[1.0]]), np.array([[0.5]]), np.array([0.0]))
    >>> fn.SimpleCell(1, fn.ReLU()).apply(params, (np.array([2.0]), np.array([4.0])))
    (array([4.]), array([4.]))
    """

    n_inputs = 2
    takes_integers = True
    n_out: int = attrs.field(converter=at_least(0, "n_out"))
    activation: Layer = attrs.field(default=Tanh(), validator=is_layer)
    weight_init: Initializer = attrs.field(default=initializers.glorot_uniform, validator=is_initializer)
    state_init: Initializer = attrs.field(default=initializers.orthogonal, validator=is_initializer)
    bias_init: Initializer = attrs.field(default=initializers.zeros, validator=is_initializer)

    def state_shape(self, input_shape: Shape) -> Shape:
        """The shape of the state of one example.

        Parameters
        ----------
        input_shape : tuple of int
            Shape of one example of the input.

        Returns
        -------
        tuple of int
            (n_out,), whatever the input.
        """
        return (self.n_out,)

    def output_shape(self, input_shape: Any) -> Any:
        check_inputs(self, input_shape)
        for shape in input_shape:
            with_features(shape)
        if input_shape[1][-1] != self.n_out:
            raise ShapeError(f"expected a state of shape (..., n_out={self.n_out}), got {input_shape[1]}")
        return input_shape[1], input_shape[1]

    def init(self, key: Key, input_shape: Any, dtype: DType = np.float32) -> SimpleCellParams:
        self.output_shape(input_shape)
        n_in, n_out = input_shape[0][-1], self.n_out
        return SimpleCellParams(
            drawn(self.weight_init, checked_key(key).fold_in("weight_x"), (n_in, n_out), dtype),
            drawn(self.state_init, key.fold_in("weight_h"), (n_out, n_out), dtype),
            drawn(self.bias_init, key.fold_in("bias"), (n_out,), dtype),
        )

    @past_underflow
    def forward(self, params: SimpleCellParams, x: Flow) -> tuple[Flow, Cache]:
        self._check(params)
        check_inputs(self, shape_of(x))
        now, state = (as_array(part, params.bias.dtype) for part in x)
        n_in = len(params.weight_x)
        if now.shape != (*state.shape[:-1], n_in) or state.shape[-1:] != (self.n_out,):
            shapes = f"(..., n_in={n_in}) and (..., n_out={self.n_out})"
            raise ShapeError(f"expected an input and a state of shapes {shapes}, got {now.shape} and {state.shape}")
        z = np.dot(rows_of(now), params.weight_x) + np.dot(rows_of(state), params.weight_h) + params.bias
        y, of_activation = self.activation.forward((), z.reshape(state.shape))
        y = read_only(y)  # it is the output and the state
        saved = now, state, of_activation, dtypes_in(x)
        return (y, y), Cache(self, (y.shape, y.shape), saved, (y.dtype, y.dtype))

    @past_underflow
    def backward(self, params: SimpleCellParams, cache: Cache, dy: Flow) -> tuple[Flow, SimpleCellParams]:
        self._check(params)
        (now, state, of_activation, dtypes), (d_output, d_state) = opened_flow(self, cache, dy)
        dz, _ = self.activation.backward((), of_activation, added(d_output, d_state))
        rows = rows_of(dz)
        parts = [rows_of(now).T @ rows, rows_of(state).T @ rows, column_sums(rows)]
        grads = build(SimpleCellParams, *[as_dtype(part, params.bias.dtype) for part in parts])
        dx = [as_dtype(rows @ weight.T, dz.dtype) for weight in (params.weight_x, params.weight_h)]
        shaped = dx[0].reshape(now.shape), dx[1].reshape(state.shape)
        return without_integers(shaped, dtypes), grads

    def _check(self, params: Any) -> None:
        n = self.n_out
        check_params(params, SimpleCellParams, {"weight_x": ("n_in", n), "weight_h": (n, n), "bias": (n,)})
