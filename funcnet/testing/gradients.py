"""`check_gradients`, which checks the gradient of a model and a loss against an oracle."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias

import numpy as np

from funcnet import tree
from funcnet.errors import UsageWarning
from funcnet.gradients.value_and_grad import value_and_grad
from funcnet.layers.layer import Layer
from funcnet.losses.loss import Loss
from funcnet.losses.penalties import Penalty
from funcnet.random import Key
from funcnet.testing.cases.case import filled, named_parts
from funcnet.testing.gradient_oracles import Judgement, Question, eps, judged
from funcnet.testing.gradient_reports import GradientReport, LeafReport, largest, mean, relative
from funcnet.testing.oracles import UNSURE
from funcnet.tree import Array, Flow, Tree, leaves_like, map_flow
from funcnet.values import check_methods, integer

Gradients: TypeAlias = dict[str, Array]

_ROUNDINGS = 64  # of the whole gradient's, how large the gradient of a leaf may be that counts as 0


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
    dx: bool = False,
    key: Key = Key(0),  # noqa: B008, a key is a value
) -> GradientReport:
    """Check the gradient that `value_and_grad` gives against an oracle that does not use a backward pass.

    The oracle works in float64, whatever the dtype of the params. At a corner, such as that of a ReLU at 0, it accepts
    whatever lies between the one-sided derivatives, and the report counts such coordinates.

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
        "exact" (dual numbers), "richardson" or "central" (differences); by default "exact" unless model or loss
        raise an error on dual numbers, as where an operation has no rule: then "richardson", and the report says why.
    step : float, default 1e-5
        Step of "central".
    sample : int, optional
        Number of coordinates of each leaf to check, where all of them would take too long; by default all.
    dx : bool, default False
        Whether to check the gradient with respect to x, too: a row "x", or "x.0" and so on for a tuple.
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
        If an operation has no rule and `method` is "exact", or if model or sample is not what it should be.
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
    check_methods("model", model, "forward", "backward", otherwise="; check_layer takes two functions")
    if not step > 0:
        raise ValueError(f"step must be above 0, got {step}")
    if sample is not None:
        integer(sample, "sample", 1)
    value, grads = value_and_grad(model, loss, params, x, target, penalty)
    named = dict(zip(tree.named_leaves(params), leaves_like(params, grads, "grads"), strict=True))
    wide_x = map_flow(_wide, x)
    inputs = _floats(x) if dx else {}
    named |= _gradient_of_x(model, loss, params, x, target) if dx else {}
    coordinates = [_coordinates(leaf.size, sample, key.fold_in(path)) for path, leaf in named.items()]

    def objective(point: Tree) -> Any:
        params, parts = point
        value, _ = loss.forward(model.forward(params, _with_floats(wide_x, parts) if dx else wide_x)[0], target)
        return value if penalty is None else value + penalty.forward(params)[0]

    chosen = zip(named.values(), coordinates, strict=True)
    analytic = [leaf.ravel()[indices].astype(np.float64) for leaf, indices in chosen]
    point = tree.cast(params, np.float64), tuple(map(_wide, inputs.values()))
    asked = Question(objective, point, coordinates, analytic, [eps(leaf) for leaf in named.values()])
    size = tree.norm(point)
    return _reported(named, analytic, judged(asked, method, step), abs(float(value)) / size if size else 0.0)


def _gradient_of_x(model: Layer, loss: Loss, params: Tree, x: Flow, target: Array) -> Gradients:
    """The model's gradient with respect to the floating-point numbers in x, by the names of these; None counts as 0."""
    y, cache = model.forward(params, x)
    dx, _ = model.backward(params, cache, loss.backward(loss.forward(y, target)[1]))
    return {at: part for at, part in named_parts("x", filled(dx, x)).items() if at in _floats(x)}


def _floats(x: Flow) -> Gradients:
    """The floating-point numbers in x by their names."""
    return {at: np.asarray(part) for at, part in named_parts("x", x).items() if np.asarray(part).dtype.kind == "f"}


def _with_floats(x: Flow, parts: tuple[Any, ...]) -> Flow:
    """x with these parts, in order, for its floating-point numbers."""
    rest = iter(parts)
    return map_flow(lambda part: next(rest) if part.dtype.kind == "f" else part, x)


def _wide(x: Any) -> Array:
    """The floating-point numbers x in float64; integers as they are."""
    array = np.asarray(x)
    return array.astype(np.float64) if array.dtype.kind == "f" else array


def _reported(named: Gradients, analytic: list[Array], oracle: Judgement, steepness: float) -> GradientReport:
    """The report of gradients a, of these leaves, held against an oracle's; the loss is `steepness` * ||params||."""
    n, a = (np.concatenate([np.zeros(0), *arrays]) for arrays in (oracle.derivatives, analytic))
    whole = tree.norm((n,)) + tree.norm((a,)) + steepness

    def report(i: int, path: str, leaf: Array) -> LeafReport:
        n, a = oracle.derivatives[i], analytic[i]
        floor = UNSURE * tree.norm((oracle.errors[i],)) + _ROUNDINGS * 2.0**-52 * whole
        n_is_0, a_is_0 = tree.norm((n,)) <= floor < np.inf, tree.norm((a,)) <= floor + _ROUNDINGS * eps(leaf) * whole
        apart = 0.0 if n_is_0 and a_is_0 else relative(n, a)
        return LeafReport(path, leaf.shape, largest(n - a), mean(n - a), apart, oracle.corners[i])

    leaves = tuple(report(i, *item) for i, item in enumerate(named.items()))
    apart = relative(n, a) if any(leaf.relative for leaf in leaves) else 0.0
    return GradientReport(oracle.method, leaves, mean(n - a), apart, oracle.reason)


def _coordinates(size: int, sample: int | None, key: Key) -> Array:
    if sample is None or sample >= size:
        return np.arange(size)
    return np.sort(key.generator().choice(size, sample, replace=False))
