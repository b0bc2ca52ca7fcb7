"""Where model and loss meet: the value of a loss and its gradient with respect to params."""

from __future__ import annotations

from typing import Any

import numpy as np

from funcnet import tree
from funcnet.layers.layer import Layer
from funcnet.losses.loss import Loss
from funcnet.losses.penalties import Penalty
from funcnet.tree import Array, Tree, as_dtype


def value_and_grad(
    model: Layer, loss: Loss, params: Tree, x: Array, target: Array, penalty: Penalty | None = None
) -> tuple[Any, Tree]:
    """The loss of `model` on a batch, plus the penalty, and its gradient: a tree like `params`.

    Args: x of batch + input shape; target as the loss takes it. The gradient with respect to x is never computed.
    Raises what model, loss and penalty raise.

    >>> import funcnet as fn
    >>> params = fn.LinearParams(weight=np.array([[1.0]]), bias=np.array([0.0]))
    >>> x, target = np.array([[2.0]]), np.array([[1.0]])
    >>> value, grads = value_and_grad(fn.Linear(1), fn.MeanSquaredError(), params, x, target)
    >>> float(value), grads
    (1.0, LinearParams(weight=array([[4.]]), bias=array([2.])))
    """
    y, cache = model.forward(params, x)
    value, dy = _value_and_dy(loss, y, target)
    del y  # its memory is of use in the backward pass
    grads = model.params_backward(params, cache, dy)
    if penalty is None:
        return value, grads
    extra, penalty_cache = penalty.forward(params)
    total = as_dtype(value + extra, np.asarray(value).dtype)[()]
    return total, tree.map(np.add, grads, penalty.backward(penalty_cache))


def _value_and_dy(loss: Loss, y: Array, target: Array) -> tuple[Any, Array]:
    """The loss and its gradient; what it cached is forgotten here, before the model's backward pass needs memory."""
    value, cache = loss.forward(y, target)
    return value, loss.backward(cache)
