"""`check_gradients`, which checks the gradient of a model and a loss against an oracle, and the report of a check."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import attrs
import numpy as np

from funcnet import tree
from funcnet.errors import UsageWarning
from funcnet.gradients.value_and_grad import value_and_grad
from funcnet.layers.layer import Layer
from funcnet.losses.loss import Loss
from funcnet.losses.penalties import Penalty
from funcnet.random import Key
from funcnet.testing import oracles
from funcnet.tree import Array, Flow, Shape, Tree, leaves_like, map_flow
from funcnet.values import aligned


@attrs.frozen
class LeafReport:
    """Differences between the model's gradient a of one leaf and the oracle's n.

    Parameters
    ----------
    path : str
        Path of the leaf in the params.
    shape : tuple of int
        Shape of the leaf.
    largest, mean : float
        Largest and mean absolute difference |n - a|.
    relative : float
        ||n - a|| / (||n|| + ||a||), 0 where both are 0.

    Examples
    --------
    >>> LeafReport("bias", (3,), largest=2e-9, mean=1e-9, relative=1e-8).relative <= 1e-7
    True
    """

    path: str
    shape: Shape
    largest: float
    mean: float
    relative: float


@attrs.frozen
class GradientReport:
    """Differences between the model's gradient a and the oracle's n, leaf by leaf and overall; prints as a table.

    Parameters
    ----------
    method : str
        Oracle that gave n: "exact", "richardson" or "central".
    leaves : tuple of LeafReport
        Reports of the leaves, in order.
    mean : float
        Mean absolute difference |n - a| over all leaves.
    relative : float
        ||n - a|| / (||n|| + ||a||) over all leaves, 0 where both are 0.

    Examples
    --------
    >>> leaf = LeafReport("bias", (3,), largest=2e-9, mean=1e-9, relative=1e-8)
    >>> report = GradientReport("exact", (leaf,), mean=1e-9, relative=1e-8)
    >>> report.worst.path, report.ok(1e-7)
    ('bias', True)
    """

    method: str
    leaves: tuple[LeafReport, ...]
    mean: float
    relative: float

    @property
    def worst(self) -> LeafReport:
        """The leaf with the largest relative difference; NaN is larger than any.

        Raises
        ------
        ValueError
            If there are no leaves.
        """
        if not self.leaves:
            raise ValueError("the report has no leaves, so none is the worst")
        return max(self.leaves, key=lambda leaf: (math.isnan(leaf.relative), leaf.relative))

    def ok(self, tolerance: float) -> bool:
        """Whether the relative difference of every leaf is at most the tolerance; NaN is not.

        Parameters
        ----------
        tolerance : float
            Largest relative difference to accept.

        Returns
        -------
        bool
            True also for a report without leaves.
        """
        return all(leaf.relative <= tolerance for leaf in self.leaves)

    def __str__(self) -> str:
        rows = [
            (leaf.path or "-", str(leaf.shape), *(f"{x:.3e}" for x in (leaf.largest, leaf.mean, leaf.relative)))
            for leaf in self.leaves
        ]
        largest = _largest(np.array([leaf.largest for leaf in self.leaves]))
        total = ("all", self.method, *(f"{x:.3e}" for x in (largest, self.mean, self.relative)))
        return aligned([("path", "shape", "max |n - a|", "mean |n - a|", "relative"), *rows, total])


@contextmanager
def _usage_is_meant() -> Iterator[None]:
    """A context, or a decorator, in which the gradient of an inference model does not warn."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UsageWarning)
        yield


@_usage_is_meant()
def check_gradients(
    model: Layer,
    loss: Loss,
    params: Tree,
    x: Flow,
    target: Array,
    penalty: Penalty | None = None,
    *,
    method: str | None = None,
    step: float = 1e-5,
    sample: int | None = None,
    key: Key = Key(0),  # noqa: B008, a key is a value
) -> GradientReport:
    """Check the gradient that `value_and_grad` gives against an oracle that does not use a backward pass.

    The oracle works in float64, whatever the dtype of the params. At a corner, "exact" accepts whatever lies between
    the one-sided derivatives.

    Parameters
    ----------
    model : Layer
        Model to check.
    loss : Loss
        Loss to check.
    params : Tree
        Params of the model, at which to check.
    x : ndarray (*batch, *input_shape), or a tuple of them
        Inputs of the model.
    target : ndarray
        Targets as the loss takes them.
    penalty : Penalty, optional
        Penalty on the params to add to the loss.
    method : str, optional
        "exact" (dual numbers), "richardson" or "central" (differences); by default "exact" where every operation of
        model and loss has a rule, else "richardson".
    step : float, default 1e-5
        Step of "central".
    sample : int, optional
        Number of coordinates of each leaf to check, where all of them would take too long; by default all.
    key : Key, default Key(0)
        Key that chooses the sample.

    Returns
    -------
    GradientReport
        Differences between the two gradients.

    Raises
    ------
    ValueError
        For an unknown method, a step that is not above 0, or a sample below 1.
    TypeError
        If an operation has no rule for "exact".
    TreeError
        If the gradient has not the structure and shapes of params.

    Examples
    --------
    >>> import funcnet as fn
    >>> model = fn.sequential(fn.Linear(3), fn.Tanh(), fn.Linear(2))
    >>> params = model.init(fn.Key(0), (4,), np.float64)
    >>> report = check_gradients(model, fn.MeanSquaredError(), params, np.ones((5, 4)), np.zeros((5, 2)))
    >>> report.ok(1e-12), report.method, [leaf.path for leaf in report.leaves]
    (True, 'exact', ['0.weight', '0.bias', '2.weight', '2.bias'])
    """
    if not step > 0 or (sample is not None and sample < 1):
        raise ValueError(f"step must be above 0 and sample at least 1, got {step} and {sample}")
    _, grads = value_and_grad(model, loss, params, x, target, penalty)
    named = dict(zip(tree.named_leaves(params), leaves_like(params, grads, "grads"), strict=True))
    coordinates = [_coordinates(leaf.size, sample, key.fold_in(path)) for path, leaf in named.items()]
    wide_params = tree.cast(params, np.float64)
    wide_x = map_flow(_wide, x)

    def objective(params: Tree) -> Any:
        value, _ = loss.forward(model.forward(params, wide_x)[0], target)
        return value if penalty is None else value + penalty.forward(params)[0]

    asked = objective, wide_params, coordinates
    used, numeric = _derivatives(method, step, *asked)
    chosen = zip(named.values(), coordinates, strict=True)
    analytic = [leaf.ravel()[indices].astype(np.float64) for leaf, indices in chosen]
    if used == "exact":
        apart = [_apart(n, a, leaf) for n, a, leaf in zip(numeric, analytic, named.values(), strict=True)]
        numeric = _nearest(numeric, analytic, apart, *asked)
    leaves = tuple(
        LeafReport(path, leaf.shape, _largest(n - a), _mean(n - a), _relative(n, a))
        for (path, leaf), n, a in zip(named.items(), numeric, analytic, strict=True)
    )
    n, a = np.concatenate([np.zeros(0), *numeric]), np.concatenate([np.zeros(0), *analytic])
    return GradientReport(used, leaves, _mean(n - a), _relative(n, a))


def _wide(x: Any) -> Array:
    """The floating-point numbers x in float64; integers as they are."""
    array = np.asarray(x)
    return array.astype(np.float64) if array.dtype.kind == "f" else array


def _derivatives(method: str | None, step: float, *arguments: Any) -> tuple[str, list[Array]]:
    """The oracle's derivatives, and the name of the oracle that gave them."""
    if method is None:
        try:
            return _derivatives("exact", step, *arguments)
        except TypeError:
            return _derivatives("richardson", step, *arguments)
    named: dict[str, Callable[..., list[Array]]] = {
        "exact": oracles.exact,
        "richardson": oracles.richardson,
        "central": partial(oracles.central, step=step),
    }
    if method not in named:
        raise ValueError(f'method must be "exact", "richardson", "central" or None, got {method!r}')
    return method, named[method](*arguments)


def _apart(n: Array, a: Array, leaf: Array) -> Array:
    """Where n and a differ by more than rounding in the leaf's dtype explains."""
    eps = np.finfo(leaf.dtype if leaf.dtype.kind == "f" else np.float64).eps
    apart: Array = ~(np.abs(n - a) <= 100 * eps * np.abs(n))  # NaN counts as apart
    return apart


def _nearest(
    above: list[Array], analytic: list[Array], apart: list[Array], f: Any, params: Tree, coordinates: list[Array]
) -> list[Array]:
    """The derivatives from above; where the analytic one is apart, the nearest to it that the two sides allow."""
    asked = [indices[where] for indices, where in zip(coordinates, apart, strict=True)]
    nearest = [n.copy() for n in above]
    for n, a, where, below in zip(nearest, analytic, apart, oracles.exact(f, params, asked, side=-1), strict=True):
        n[where] = np.clip(a[where], np.minimum(n[where], below), np.maximum(n[where], below))
    return nearest


def _coordinates(size: int, sample: int | None, key: Key) -> Array:
    if sample is None or sample >= size:
        return np.arange(size)
    return np.sort(key.generator().choice(size, sample, replace=False))


def _largest(difference: Array) -> float:
    return float(np.max(np.abs(difference), initial=0))


def _mean(difference: Array) -> float:
    return float(np.abs(difference).mean()) if difference.size else 0.0


def _relative(n: Array, a: Array) -> float:
    """||n - a|| / (||n|| + ||a||), and 0 where both are 0."""
    scale = tree.norm((n,)) + tree.norm((a,))  # this norm neither overflows nor vanishes
    return tree.norm((n - a,)) / scale if scale != 0 else 0.0
