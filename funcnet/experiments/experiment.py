"""An experiment as a value: all that determines a run, but for its data and the machine."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import attrs
import numpy as np
from attrs.validators import instance_of, optional

from funcnet.experiments.stopping import EarlyStopping, KeepBest
from funcnet.layers.layer import Layer
from funcnet.losses.loss import Loss
from funcnet.losses.penalties import Penalty
from funcnet.optimizers.optimizer import Optimizer
from funcnet.random import Key
from funcnet.values import at_least, from_json, register, specification, to_json

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
    """A validator: an instance that has these methods."""

    def check(instance: object, attribute: Any, value: Any) -> None:
        if isinstance(value, type) or not all(callable(getattr(value, name, None)) for name in names):
            raise TypeError(f"{attribute.name} must have {' and '.join(names)}, got {value!r}")

    return check


def _metrics(value: Iterable[Metric] | None) -> tuple[Metric, ...] | None:
    if value is None:
        return None
    metrics = tuple(value) if isinstance(value, Iterable) else (None,)
    if not all(callable(metric) and not isinstance(metric, type) for metric in metrics):
        raise TypeError(f"metrics must be functions (targets, predictions) -> float, got {value!r}")
    return metrics


@register
@specification
class Experiment:
    """What to train, by what, for how long, from which seed: the same value on the same data gives the same run.

    `metrics` are functions (targets, predictions) -> float; those of users are registered with `fn.register`. By
    default they are the loss's own, see `metrics_of`. `evaluate_every` is the epochs from one row of the history to
    the next; the last epoch always has one. Params are initialized in `dtype`, "float32" by default.

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
    loss: Loss = attrs.field(validator=_has("forward", "backward"))
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

    def to_json(self) -> str:
        """Its JSON form. Raises UnregisteredError for a class or function `fn.register` was not told of."""
        return to_json(self)

    @staticmethod
    def from_json(text: str) -> Experiment:
        """The experiment of a JSON form. Raises ValueError for what is none, and says where."""
        experiment = from_json(text)
        if not isinstance(experiment, Experiment):
            raise ValueError(f"expected the JSON form of an Experiment, got that of a {type(experiment).__name__}")
        return experiment
