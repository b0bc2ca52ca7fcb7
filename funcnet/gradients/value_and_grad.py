"""The value of a loss of a model, and its gradient with respect to the params: backpropagation from end to end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

from funcnet import tree
from funcnet.errors import note_unpacking
from funcnet.gradients.ends import warn_of_ends
from funcnet.layers.inputs import floats_for
from funcnet.layers.layer import Layer
from funcnet.losses.loss import Loss
from funcnet.losses.penalties import Penalty
from funcnet.tree import Array, Flow, Tree, as_dtype, with_buffers
from funcnet.values import code, register

Gradient: TypeAlias = Callable[..., tuple[Any, Tree]]  # with the parameters of `value_and_grad`


@register
def value_and_grad(
    model: Layer, loss: Loss, params: Tree, x: Flow, target: Array, penalty: Penalty | None = None
) -> tuple[Any, Tree]:
    """The loss of a model on a batch, plus a penalty, and its gradient with respect to the params.

    The gradient with respect to x is never computed. Errors of model, loss and penalty pass through. The buffers of the
    gradient are those of `model.track`: running statistics that now know this batch. `train_step` puts them into the
    params; a loop of your own does so by `params = tree.with_buffers(params, grads)` before its update.

    Parameters
    ----------
    model : Layer
        Model; for training pass `model.training(key)`.
    loss : Loss
        Loss of the model's output.
    params : Tree
        Params of the model.
    x : ndarray (batch + input_shape), or a tuple of them
        Examples.
    target : ndarray
        Target, as the loss takes it.
    penalty : Penalty, optional
        Penalty, such as `L2`, to add to the loss.

    Returns
    -------
    value : scalar
        Loss plus penalty, in the dtype of the model's output.
    grads : Tree
        Gradient of the value, a tree like params; its buffers are the tracked ones.

    Warns
    -----
    UsageWarning
        If a layer such as `Dropout` is in inference, or the model ends with a softmax or sigmoid and the loss takes
        logits.

    Examples
    --------
    >>> import funcnet as fn
    >>> params = fn.LinearParams(weight=np.array([[1.0]]), bias=np.array([0.0]))
    >>> x, target = np.array([[2.0]]), np.array([[1.0]])
    >>> value, grads = value_and_grad(fn.Linear(1), fn.MeanSquaredError(), params, x, target)
    >>> float(value), grads
    (1.0, LinearParams(weight=array([[4.]]), bias=array([2.])))
    """
    warn_of_ends(model, loss)
    x = x if model.takes_integers else floats_for(model, params, x)
    try:
        y, cache = model.forward(params, x)
    except (TypeError, ValueError) as error:
        _check_is_value("model", model)
        note_unpacking(error)
        raise
    value, dy = _value_and_dy(loss, y, target)
    del y  # frees memory for the backward pass
    grads = model.params_backward(params, cache, dy)
    tracked = model.track(params, cache)
    if tracked is not params:
        grads = with_buffers(grads, tracked)
    return (value, grads) if penalty is None else penalized((value, grads), params, penalty)


def penalized(of_loss: tuple[Any, Tree], params: Tree, penalty: Penalty) -> tuple[Any, Tree]:
    """A loss plus a penalty, in the dtype of the loss, and the gradient of the sum; given those of the loss."""
    value, grads = of_loss
    extra, cache = penalty.forward(params)
    total = as_dtype(value + extra, np.asarray(value).dtype)[()]
    return total, tree.map(np.add, grads, penalty.backward(cache))


def _value_and_dy(loss: Loss, y: Array, target: Array) -> tuple[Any, Array]:
    """The loss and its gradient; the loss's cache is freed on return, before the model's backward pass needs memory."""
    try:
        value, cache = loss.forward(y, target)
    except (TypeError, AttributeError):
        _check_is_value("loss", loss)
        raise
    return value, loss.backward(cache)


def _check_is_value(name: str, value: Any) -> None:
    """Raise TypeError for a class or a function in the place of a model or a loss."""
    if isinstance(value, type):
        raise TypeError(f"{name} is the class {code(value)}: write {code(value)}(...)")
    if not hasattr(value, "forward"):
        raise TypeError(f"{name} must have the methods forward and backward, got {value!r}")
