"""Values that compute gradients in other ways than at once: each is called as `value_and_grad` is.

`train_step`, `train` and `Experiment` take them as `gradient`; they nest, as in `clipped(1.0, accumulated(4))`.
"""

from __future__ import annotations

from itertools import pairwise
from operator import itemgetter
from typing import Any

import attrs
import numpy as np

from funcnet import tree
from funcnet.errors import ShapeError
from funcnet.gradients.value_and_grad import Gradient, penalized, value_and_grad
from funcnet.layers.layer import Layer
from funcnet.losses.loss import Loss
from funcnet.losses.penalties import Penalty
from funcnet.numerics.sums import wide
from funcnet.numerics.underflow import past_underflow
from funcnet.optimizers.clipping import clip_by_global_norm
from funcnet.tree import Array, Flow, Tree, as_dtype, leaves, listed, map_flow, to_array, with_buffers
from funcnet.values import at_least, code, instead_of, real, register, specification


def is_gradient(instance: object, attribute: Any, value: Any) -> None:
    """A validator: the value must be called as `value_and_grad` is."""
    if isinstance(value, type):
        raise TypeError(f"{attribute.name} is the class {code(value)}: write {code(value)}(...)")
    if not callable(value):
        raise TypeError(f"{attribute.name} must be a function such as value_and_grad, got {value!r}{instead_of(value)}")


@register
@specification
class accumulated:  # noqa: N801, it is used as a function
    """The gradient of a batch from micro-batches, one after the other: the batch's activations never exist at once.

    value = sum of n_i / n * value_i, likewise the gradient, with n_i of the n rows in micro-batch i; for a loss with
    `reduction="sum"` it is the plain sum. Within rounding this is `value_and_grad` of the whole batch, unless rows of a
    batch depend on each other. Running statistics track the micro-batches one after the other.

    Parameters
    ----------
    n : int
        Number of micro-batches, at least 1; a batch of fewer rows is split into single rows.
    gradient : callable, default value_and_grad
        Function that computes the gradient of each micro-batch.

    Raises
    ------
    ShapeError
        In a call, if x and the target differ in their number of rows.
    TypeError
        If n is not an integer, or the gradient not a function.
    ValueError
        If n is below 1.

    Notes
    -----
    The masks of dropout depend on the key and the shape of x: micro-batches of one size have the same masks.

    Examples
    --------
    >>> import funcnet as fn
    >>> params = fn.LinearParams(weight=np.array([[1.0]]), bias=np.array([0.0]))
    >>> batch = np.array([[2.0], [0.0], [4.0]]), np.array([[1.0], [0.0], [1.0]])
    >>> value, grads = fn.accumulated(2)(fn.Linear(1), fn.MeanSquaredError(), params, *batch)
    >>> whole = fn.value_and_grad(fn.Linear(1), fn.MeanSquaredError(), params, *batch)
    >>> fn.tree.allclose((value, grads), whole)
    True
    """

    n: int = attrs.field(converter=at_least(1, "n"))
    gradient: Gradient = attrs.field(default=value_and_grad, validator=is_gradient)

    def __call__(
        self, model: Layer, loss: Loss, params: Tree, x: Flow, target: Array, penalty: Penalty | None = None
    ) -> tuple[Any, Tree]:
        x, target = map_flow(to_array, (x, target))
        rows = _rows_in(x, target)
        n = max(1, min(self.n, rows))
        is_sum = rows == 0 or getattr(loss, "reduction", "mean") == "sum"
        total: Any = None
        for start, end in pairwise([rows * i // n for i in range(n + 1)]):
            part = map_flow(itemgetter(slice(start, end)), (x, target))
            value, grads = self.gradient(model, loss, params, *part)
            params = with_buffers(params, grads)
            total = _plus(total, (value, grads), 1.0 if is_sum else (end - start) / rows)
        sums = tree.map(lambda total, g: as_dtype(total, g.dtype), total[1], grads)
        result = as_dtype(total[0], np.asarray(value).dtype)[()], sums
        return result if penalty is None else penalized(result, params, penalty)


def _rows_in(x: Flow, target: Array) -> int:
    """The number of rows of x and of the target; raises ShapeError unless all arrays have as many."""
    shapes = [part.shape for part in leaves((x, target))]
    if len({shape[:1] for shape in shapes}) != 1 or not shapes[0]:
        raise ShapeError(f"x and target must have as many rows, on their first axes, got shapes {listed(shapes)}")
    rows: int = shapes[0][0]
    return rows


@past_underflow
def _plus(total: Any, part: tuple[Any, Tree], share: float) -> tuple[Any, Tree]:
    """The total, None at first, plus a share of a value and its gradient; the buffers are those of the part.

    Totals of float16 are kept in float32, where they do not stall.
    """
    value, grads = _widened(part[0]), tree.map(_widened, part[1])
    so_far, sums = total or (0.0, tree.zeros_like(grads))
    new = tree.map(lambda g, s: as_dtype(s + g * share, g.dtype), grads, sums)
    return as_dtype(so_far + value * share, value.dtype), new


def _widened(number: Any) -> Array:
    array = np.asarray(number)
    return as_dtype(array, wide(array.dtype))


@register
@specification
class clipped:  # noqa: N801, it is used as a function
    """The gradient, scaled down so that its norm is at most `limit`, see `clip_by_global_norm`.

    grads * min(1, limit / norm of grads); the value as it is.

    Parameters
    ----------
    limit : float
        The largest norm to allow; at least 0.
    gradient : callable, default value_and_grad
        Function that computes the gradient.

    Raises
    ------
    TypeError
        If the limit is not a number, or the gradient not a function.
    ValueError
        If the limit is negative or NaN.

    References
    ----------
    R. Pascanu, T. Mikolov, Y. Bengio: On the difficulty of training recurrent neural networks. ICML 2013, algorithm 1.

    Examples
    --------
    >>> import funcnet as fn
    >>> params = fn.LinearParams(weight=np.array([[1.0]]), bias=np.array([0.0]))
    >>> batch = np.array([[2.0]]), np.array([[1.0]])
    >>> value, grads = fn.clipped(1.0)(fn.Linear(1), fn.MeanSquaredError(), params, *batch)
    >>> float(value), round(fn.tree.norm(grads), 12)
    (1.0, 1.0)
    """

    limit: float = attrs.field(converter=real, validator=attrs.validators.ge(0))
    gradient: Gradient = attrs.field(default=value_and_grad, validator=is_gradient)

    def __call__(
        self, model: Layer, loss: Loss, params: Tree, x: Flow, target: Array, penalty: Penalty | None = None
    ) -> tuple[Any, Tree]:
        value, grads = self.gradient(model, loss, params, x, target, penalty)
        return value, clip_by_global_norm(grads, self.limit)
