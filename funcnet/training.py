"""Training as a fold: a state and a batch go in, the next state and the loss come out; nothing else is remembered.

The draws of a step, such as the masks of Dropout, are those of the key and the number of the step. So a run that is
stopped and goes on from any of its states is the straight run, bit for bit.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from funcnet.errors import NonFiniteError
from funcnet.gradients.value_and_grad import value_and_grad
from funcnet.layers.layer import Layer
from funcnet.losses.loss import Loss
from funcnet.losses.penalties import Penalty
from funcnet.optimizers.optimizer import Optimizer
from funcnet.random import Key, checked_key
from funcnet.tree import Array, Tree, build, leaves, node
from funcnet.values import register


@register
@node
class TrainState:
    """All that a run has come to: how many steps were made, the params, and the optimizer's state."""

    step: int
    params: Tree
    optimizer_state: Tree


def train_step(
    model: Layer,
    loss: Loss,
    optimizer: Optimizer,
    state: TrainState,
    batch: tuple[Array, Array],
    key: Key,
    penalty: Penalty | None = None,
) -> tuple[TrainState, Any]:
    """The state after one step on the batch (x, target), and the loss before it, with the penalty.

    The model is in training, its draws those of `key.fold_in(state.step)`. Raises what model, loss and optimizer raise.

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
    value, grads = value_and_grad(in_training, loss, state.params, x, target, penalty)
    params, optimizer_state = optimizer.update(state.params, grads, state.optimizer_state)
    return build(TrainState, state.step + 1, params, optimizer_state), value


def train(
    model: Layer,
    loss: Loss,
    optimizer: Optimizer,
    state: TrainState,
    batches: Iterable[tuple[Array, Array]],
    key: Key,
    penalty: Penalty | None = None,
) -> Iterator[tuple[TrainState, Any]]:
    """The state after each step, one for each of the batches, and the loss before it: as lazily as it is asked for.

    To go on from a state, give the batches that come after it, see `data.stream`. Raises NonFiniteError, which has the
    last good state, where a loss is NaN or infinite.

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
    before = state
    for batch in batches:
        after, value = train_step(model, loss, optimizer, state, batch, key, penalty)
        if not np.isfinite(value):
            good = state if is_finite(state.params) else before
            raise NonFiniteError(good, float(value), state.step + 1)
        before, state = state, after
        yield state, value


def is_finite(params: Tree) -> bool:
    """Whether all numbers of a tree are.

    >>> is_finite((np.array([1.0, np.inf]),))
    False
    """
    return all(np.isfinite(leaf).all() for leaf in leaves(params))
