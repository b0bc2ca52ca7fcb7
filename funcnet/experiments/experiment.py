"""An experiment as a value: everything that determines a run, except the data and the machine."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import attrs
import numpy as np
from attrs.validators import instance_of, optional

from funcnet.experiments.stopping import EarlyStopping, KeepBest
from funcnet.gradients.ends import check_ends
from funcnet.gradients.gradient_functions import is_gradient
from funcnet.gradients.value_and_grad import Gradient, value_and_grad
from funcnet.layers.layer import Layer
from funcnet.losses.loss import Loss
from funcnet.losses.penalties import Penalty
from funcnet.optimizers.optimizer import Optimizer
from funcnet.random import Key
from funcnet.values import (
    ADDED_LATER,
    at_least,
    check_methods,
    from_json,
    instead_of,
    register,
    specification,
    strings,
    to_json,
)

Metric = Callable[[Any, Any], float]


def _float_dtype(value: Any) -> str:
    try:
        name = str(np.dtype("none" if value is None else value))
    except TypeError as error:
        raise TypeError(f"dtype must be float16, float32 or float64, got {value!r}") from error
    if name not in ("float16", "float32", "float64"):
        raise ValueError(f"dtype must be float16, float32 or float64, got {name}")
    return name


def _has(*names: str) -> Callable[[Any, Any, Any], None]:
    """A validator: an instance with these methods."""
    return lambda instance, attribute, value: check_methods(attribute.name, value, *names)


def _fits_the_end(instance: Any, attribute: object, value: Any) -> None:
    """A validator: a loss of logits does not follow a layer that makes probabilities."""
    check_ends(instance.model, value)


def _metrics(value: Iterable[Metric] | None) -> tuple[Metric, ...] | None:
    if value is None:
        return None
    metrics = tuple(value) if isinstance(value, Iterable) else (None,)
    if not all(callable(metric) and not isinstance(metric, type) for metric in metrics):
        strings = [value] if isinstance(value, str) else [metric for metric in metrics if isinstance(metric, str)]
        hint = instead_of(strings[0], "metrics") if strings else ""
        raise TypeError(f"metrics must be functions (targets, predictions) -> float, got {value!r}{hint}")
    return metrics


def _modules(value: Any) -> tuple[str, ...]:
    return strings(value, "imports to be a string or strings, modules such as 'layers' or paths such as 'layers.py'")


@register
@specification
class Experiment:
    """Settings of a run: model, loss, optimizer, epochs, seed; equal experiments on equal data give equal runs.

    Parameters
    ----------
    model : Layer
        Model to train.
    loss : Loss
        Loss to minimize.
    optimizer : Optimizer
        Optimizer that updates the params.
    batch_size : int
        Number of examples in a batch, at least 1.
    epochs : int
        Number of passes over the training data, at least 0.
    seed : int, default 0
        Seed of all that is random: initial params, order of the examples, dropout masks.
    penalty : Penalty, optional
        Penalty on the params that is added to the loss, such as `L2`.
    metrics : iterable of callable, optional
        Functions `(targets, predictions) -> float`; register your own with `fn.register`. By default accuracy, if the
        loss is one for classification and the targets are labels or 0 and 1, else none.
    early_stopping : EarlyStopping, optional
        When to stop before the last epoch.
    keep_best : KeepBest, optional
        Metric by which the params of the best epoch are chosen; without it the params are those of the last epoch.
    evaluate_every : int, default 1
        Number of epochs from one row of the history to the next; the last epoch always has a row.
    dtype : dtype, default "float32"
        Dtype of the params: "float16", "float32" or "float64".
    gradient : callable, default value_and_grad
        Function that computes value and gradient, such as `accumulated(4)` or `clipped(1.0)`, see `train_step`.
    imports : str or sequence of str, default ()
        Modules, or paths of .py files, that register classes and functions of the experiment. Only the command line
        imports them, before it reads the experiment.

    Raises
    ------
    TypeError
        If an argument has the wrong type, such as a class where an instance is meant.
    ValueError
        If a number is out of range, dtype is not one of the three, or the model ends with a softmax or sigmoid and the
        loss takes logits.

    Examples
    --------
    >>> import funcnet as fn
    >>> experiment = fn.Experiment(
    ...     model=fn.sequential(fn.Linear(4), fn.Tanh(), fn.Linear(2)),
    ...     loss=fn.SoftmaxCrossEntropy(),
    ...     optimizer=fn.Adam(0.05),
    ...     batch_size=4,
    ...     epochs=20,
    ... )
    >>> fn.Experiment.from_json(experiment.to_json()) == experiment
    True
    """

    model: Layer = attrs.field(validator=_has("init", "forward", "backward"))
    loss: Loss = attrs.field(validator=[_has("forward", "backward"), _fits_the_end])
    optimizer: Optimizer = attrs.field(validator=_has("init", "update"))
    batch_size: int = attrs.field(converter=at_least(1, "batch_size"))
    epochs: int = attrs.field(converter=at_least(0, "epochs"))
    seed: int = attrs.field(default=0, converter=lambda seed: Key(seed).seed)
    penalty: Penalty | None = attrs.field(default=None, validator=optional(_has("forward", "backward")))
    metrics: tuple[Metric, ...] | None = attrs.field(default=None, converter=_metrics)
    early_stopping: EarlyStopping | None = attrs.field(default=None, validator=optional(instance_of(EarlyStopping)))
    keep_best: KeepBest | None = attrs.field(default=None, validator=optional(instance_of(KeepBest)))
    evaluate_every: int = attrs.field(default=1, converter=at_least(1, "evaluate_every"))
    dtype: str = attrs.field(default="float32", converter=_float_dtype)
    gradient: Gradient = attrs.field(default=value_and_grad, validator=is_gradient, metadata=ADDED_LATER)
    imports: tuple[str, ...] = attrs.field(default=(), converter=_modules, metadata=ADDED_LATER)

    def to_json(self) -> str:
        """The JSON form of the experiment.

        Returns
        -------
        str
            JSON text that `from_json` reads.

        Raises
        ------
        UnregisteredError
            If a class or function in the experiment is not registered with `fn.register`.
        """
        return to_json(self)

    @staticmethod
    def from_json(text: str) -> Experiment:
        """The experiment that `to_json` wrote.

        Parameters
        ----------
        text : str
            JSON form of an experiment.

        Returns
        -------
        Experiment
            The experiment.

        Raises
        ------
        ValueError
            If the text is not the JSON form of an experiment; the message names the field.
        UnregisteredError
            If a class or function in it is not registered with `fn.register`.
        """
        experiment = from_json(text)
        if not isinstance(experiment, Experiment):
            raise ValueError(f"expected the JSON form of an Experiment, got one of type {type(experiment).__name__}")
        return experiment
