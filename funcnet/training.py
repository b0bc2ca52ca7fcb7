"""Training as a fold: a state and a batch go in, the next state and the loss come out; nothing else is remembered.

The random numbers of a step, such as the masks of Dropout, depend on the key and the number of the step alone. So a run
that stops and resumes from any of its states gives the same bits as a run without a stop.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from funcnet.errors import NonFiniteError
from funcnet.gradients.value_and_grad import Gradient, value_and_grad
from funcnet.layers.layer import Layer
from funcnet.losses.loss import Loss
from funcnet.losses.penalties import Penalty
from funcnet.optimizers.optimizer import Optimizer
from funcnet.random import Key, checked_key
from funcnet.tree import Array, Flow, Tree, build, has_buffers, named_arrays, node, static, with_buffers
from funcnet.values import register


@register
@node
class TrainState:
    """The state of training between steps, from which a run can resume.

    Parameters
    ----------
    step : int
        Number of steps made so far.
    params : Tree
        Params of the model.
    optimizer_state : Tree
        State of the optimizer.

    Examples
    --------
    >>> import funcnet as fn
    >>> params = (np.array([1.0]),)
    >>> TrainState(0, params, fn.SGD(0.1).init(params))
    TrainState(step=0, params=(array([1.]),), optimizer_state=OptimizerState(step=0, moments=(), kind='SGD'))
    """

    step: int = static()
    params: Tree
    optimizer_state: Tree


def train_step(
    model: Layer,
    loss: Loss,
    optimizer: Optimizer,
    state: TrainState,
    batch: tuple[Flow, Array],
    key: Key,
    penalty: Penalty | None = None,
    gradient: Gradient = value_and_grad,
) -> tuple[TrainState, Any]:
    """The state after one step of training on a batch, and the loss before the step.

    The step uses `model.training(key.fold_in(state.step))`. Errors of model, loss, optimizer and penalty pass through.

    Parameters
    ----------
    model : Layer
        Model to train.
    loss : Loss
        Loss to minimize.
    optimizer : Optimizer
        Rule by which gradients change params.
    state : TrainState
        State to start from.
    batch : tuple (x, target)
        Examples x (batch + input_shape), or a tuple of such arrays, and the target as the loss takes it.
    key : Key
        Source of the random numbers; the model draws from `key.fold_in(state.step)`.
    penalty : Penalty, optional
        Penalty, such as `L2`, to add to the loss.
    gradient : callable, default value_and_grad
        Function that computes value and gradient, with the parameters of `value_and_grad`, such as `clipped(1.0)`; the
        buffers of the gradient replace those of the params before the optimizer moves them.

    Returns
    -------
    state : TrainState
        State after the step.
    value : scalar
        Loss before the step, plus the penalty, in the dtype of the model's output.

    Raises
    ------
    TypeError
        If the key is not a Key.

    Examples
    --------
    >>> import funcnet as fn
    >>> model, loss, optimizer = fn.Linear(1), fn.MeanSquaredError(), fn.SGD(0.5)
    >>> params = fn.LinearParams(weight=np.array([[1.0]]), bias=np.array([0.0]))
    >>> state = fn.TrainState(0, params, optimizer.init(params))
    >>> state, value = train_step(model, loss, optimizer, state, (np.array([[2.0]]), np.array([[1.0]])), fn.Key(0))
    >>> state.step, float(value), state.params
    (1, 1.0, LinearParams(weight=array([[-1.]]), bias=array([-1.])))
    """
    x, target = batch
    in_training = model.training(checked_key(key).fold_in(state.step))
    value, grads = gradient(in_training, loss, state.params, x, target, penalty)
    tracked = with_buffers(state.params, grads) if has_buffers(state.params) else state.params
    params, optimizer_state = optimizer.update(tracked, grads, state.optimizer_state)
    return build(TrainState, state.step + 1, params, optimizer_state), value


def train(
    model: Layer,
    loss: Loss,
    optimizer: Optimizer,
    state: TrainState,
    batches: Iterable[tuple[Flow, Array]],
    key: Key,
    penalty: Penalty | None = None,
    gradient: Gradient = value_and_grad,
) -> Iterator[tuple[TrainState, Any]]:
    """The steps of training, one for each batch, each made when it is asked for.

    To resume from a state, pass the batches that come after it; see `data.stream`. Errors of model, loss, optimizer and
    penalty pass through.

    Parameters
    ----------
    model : Layer
        Model to train.
    loss : Loss
        Loss to minimize.
    optimizer : Optimizer
        Rule by which gradients change params.
    state : TrainState
        State to start from.
    batches : iterable of tuple (x, target)
        Batches, each as `train_step` takes it.
    key : Key
        Source of the random numbers; the model draws from `key.fold_in(state.step)`.
    penalty : Penalty, optional
        Penalty, such as `L2`, to add to the loss.
    gradient : callable, default value_and_grad
        Function that computes value and gradient, as for `train_step`.

    Yields
    ------
    state : TrainState
        State after the step.
    value : scalar
        Loss before the step, plus the penalty, in the dtype of the model's output.

    Raises
    ------
    NonFiniteError
        If a loss is NaN or infinite; the error holds the last good state that is known: of the two steps before or,
        where an earlier step overflowed unseen, one of at most 256 steps before that.
    TypeError
        If the key is not a Key.

    Examples
    --------
    >>> import funcnet as fn
    >>> key, loss, optimizer = fn.Key(0), fn.SoftmaxCrossEntropy(), fn.Adam(0.1)
    >>> model = fn.sequential(fn.Linear(4), fn.Tanh(), fn.Linear(2))
    >>> params = model.init(key.fold_in("init"), (3,))
    >>> state = fn.TrainState(0, params, optimizer.init(params))
    >>> batches = fn.data.stream(fn.data.parity(3), 4, key)
    >>> for _, (state, value) in zip(range(60), train(model, loss, optimizer, state, batches, key)):
    ...     pass
    >>> state.step, float(value) < 0.1
    (60, True)
    """
    good = before = state
    for batch in batches:
        after, value = train_step(model, loss, optimizer, state, batch, key, penalty, gradient)
        if not np.isfinite(value):
            good = next(filter(is_finite, (state, before)), good)
            raise NonFiniteError(good, float(value), state.step + 1, leaves=not_finite(state))
        before, state = state, after
        if state.step % LOOKED_AT_EVERY == 0 and is_finite(state):
            good = state
        yield state, value


LOOKED_AT_EVERY = 256  # steps: often enough to lose few of them, and so seldom that it costs none of them anything


def not_finite(tree: Tree) -> tuple[str, ...]:
    """The names of the leaves and buffers of a tree that have numbers which are not finite.

    >>> not_finite((np.array([1.0, np.inf]), np.array([0.0])))
    ('0',)
    """
    return tuple(name for name, leaf in named_arrays(tree).items() if not np.isfinite(leaf).all())


def is_finite(tree: Tree) -> bool:
    """Whether all numbers of a tree are finite, also those of its buffers.

    >>> is_finite((np.array([1.0, np.inf]),))
    False
    """
    return not not_finite(tree)
