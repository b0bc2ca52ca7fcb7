"""An experiment as a value: all that determines a run, but for its data and the machine. And grids of them."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import attrs
import numpy as np
from attrs.validators import instance_of, optional

from funcnet.data import Dataset
from funcnet.experiments.history import NOT_METRICS
from funcnet.layer import Layer
from funcnet.losses import BinaryCrossEntropy, Loss, SigmoidBinaryCrossEntropy, SoftmaxCrossEntropy
from funcnet.metrics import accuracy, binary_accuracy
from funcnet.optimizers import Optimizer
from funcnet.penalties import Penalty
from funcnet.random import Key
from funcnet.registry import from_json, register, to_json
from funcnet.specification import integer, real, specification

Metric = Callable[[Any, Any], float]
_TEST = "test "
_TAKEN = (*NOT_METRICS, "loss")


def _is_goal(instance: object, attribute: object, value: Any) -> None:
    if value not in ("min", "max"):
        raise ValueError(f'goal must be "min" or "max", got {value!r}')


def _at_least(least: int, name: str) -> Callable[[Any], int]:
    return lambda value: integer(value, name, least)


def _is_better(value: float, other: float, goal: str) -> bool:
    return value > other if goal == "max" else value < other


@register
@specification
class KeepBest:
    """The params of a run are those of the epoch at which a metric was best, the first of several.

    `metric` is a column of the history, such as "test loss"; `goal` says whether it is best at its "min" or "max".
    """

    metric: str
    goal: str = attrs.field(validator=_is_goal)


@register
@specification
class EarlyStopping(KeepBest):
    """Stop after the epoch at which a metric reaches `target`, or has not become better for `patience` epochs.

    Raises ValueError without either. Prechelt: Early stopping, but when? Neural Networks: Tricks of the Trade, 1998.

    >>> EarlyStopping("test loss", "min", patience=5)
    EarlyStopping(metric='test loss', goal='min', patience=5)
    """

    patience: int | None = attrs.field(default=None, converter=attrs.converters.optional(_at_least(1, "patience")))
    target: float | None = attrs.field(default=None, converter=attrs.converters.optional(real))

    def __attrs_post_init__(self) -> None:
        if self.patience is None and self.target is None:
            raise ValueError("early stopping needs a patience or a target")


@attrs.frozen
class Best:
    """The epoch, of those so far, at which what is watched was best, the first of several. NaN is never best.

    >>> from functools import reduce
    >>> rows = [{"epoch": 1, "loss": 2.0}, {"epoch": 2, "loss": 1.0}, {"epoch": 3, "loss": 1.0}]
    >>> best = reduce(Best.after, rows, Best(EarlyStopping("loss", "min", patience=2)))
    >>> best.epoch, best.is_enough
    (2, False)
    """

    watch: KeepBest | None
    epoch: int = 0
    value: float = math.nan
    latest: int = 0

    def after(self, row: Mapping[str, Any]) -> Best:
        """The best once this row of the history has come."""
        if self.watch is None:
            return self
        epoch, value = row["epoch"], row[self.watch.metric]
        is_first = math.isnan(self.value) and not math.isnan(value)
        is_best = is_first or _is_better(value, self.value, self.watch.goal)
        return Best(self.watch, epoch, value, epoch) if is_best else attrs.evolve(self, latest=epoch)

    @property
    def is_enough(self) -> bool:
        """Whether the target is reached, or patience is over."""
        stopping = self.watch
        if not isinstance(stopping, EarlyStopping):
            return False
        target, patience = stopping.target, stopping.patience
        if target is not None and (self.value == target or _is_better(self.value, target, stopping.goal)):
            return True
        return patience is not None and self.latest - self.epoch >= patience


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
    batch_size: int = attrs.field(converter=_at_least(1, "batch_size"))
    epochs: int = attrs.field(converter=_at_least(0, "epochs"))
    seed: int = attrs.field(default=0, converter=lambda seed: Key(seed).seed)
    penalty: Penalty | None = attrs.field(default=None, validator=optional(_has("forward", "backward")))
    metrics: tuple[Metric, ...] | None = attrs.field(default=None, converter=_metrics)
    early_stopping: EarlyStopping | None = attrs.field(default=None, validator=optional(instance_of(EarlyStopping)))
    keep_best: KeepBest | None = attrs.field(default=None, validator=optional(instance_of(KeepBest)))
    evaluate_every: int = attrs.field(default=1, converter=_at_least(1, "evaluate_every"))
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


def metrics_of(experiment: Experiment, train: Dataset, test: Dataset | None) -> dict[str, Metric]:
    """The experiment's metrics by name, checked against the columns of the history that are watched.

    By default it is accuracy, where the loss is one of classification and the targets are labels or 0 and 1.
    Raises ValueError for two metrics of one name, or if early stopping or keep_best watches a column there is not.
    """
    metrics = _default(experiment.loss, train) if experiment.metrics is None else experiment.metrics
    named = {getattr(metric, "__name__", type(metric).__name__): metric for metric in metrics}
    if len(named) < len(metrics) or not named.keys().isdisjoint(_TAKEN):
        raise ValueError(f"each metric needs a name of its own, and not of {', '.join(_TAKEN)}: got {list(named)}")
    columns = [prefix + name for prefix in ("", *([_TEST] if test is not None else [])) for name in ("loss", *named)]
    for watched in (experiment.early_stopping, experiment.keep_best):
        if watched is not None and watched.metric not in columns:
            raise ValueError(f"there is no metric {watched.metric!r} to watch, there are {', '.join(columns)}")
    return named


def _default(loss: Loss, train: Dataset) -> tuple[Metric, ...]:
    if isinstance(loss, SoftmaxCrossEntropy):
        return (accuracy,) if train.y.dtype.kind in "iu" else ()
    if isinstance(loss, BinaryCrossEntropy | SigmoidBinaryCrossEntropy) and np.isin(train.y, (0, 1)).all():
        return (binary_accuracy(0.5 if isinstance(loss, BinaryCrossEntropy) else 0.0),)
    return ()


def evaluate(
    experiment: Experiment, metrics: dict[str, Metric], params: Any, train: Dataset, test: Dataset | None
) -> dict[str, float]:
    """The loss, without penalty, and the metrics of the inference model on all of both datasets."""
    values = {}
    for prefix, dataset in (("", train), (_TEST, test)):
        if dataset is not None:
            y = predictions(experiment.model, params, dataset.x)
            values[f"{prefix}loss"] = float(experiment.loss.forward(y, dataset.y)[0])
            for name, metric in metrics.items():
                values[prefix + name] = float(metric(dataset.y, y))
    return values


def predictions(model: Layer, params: Any, x: Any, rows: int = 4096) -> Any:
    """`model.apply(params, x)`, so many rows at a time: activations of a whole dataset may not fit into memory."""
    if len(x) <= rows:
        return model.apply(params, x)
    return np.concatenate([model.apply(params, x[start : start + rows]) for start in range(0, len(x), rows)])


def grid(experiment: Experiment, **values: Iterable[Any]) -> tuple[Experiment, ...]:
    """The experiment with every combination of values, which are given by the paths of what they replace.

    The last path changes fastest. Raises ValueError for a path that leads nowhere, and says what there is.

    >>> import funcnet as fn
    >>> model = fn.sequential(fn.Linear(4), fn.ReLU(), fn.Linear(2))
    >>> experiment = fn.Experiment(model, fn.SoftmaxCrossEntropy(), fn.Adam(0.1), batch_size=4, epochs=2)
    >>> experiments = fn.grid(experiment, seed=range(2), **{"optimizer.learning_rate": [0.1, 0.01]})
    >>> [(each.seed, each.optimizer.learning_rate) for each in experiments]
    [(0, 0.1), (0, 0.01), (1, 0.1), (1, 0.01)]
    >>> fn.grid(experiment, **{"model.layers.0.n_out": [8]})[0].model
    sequential(Linear(n_out=8), ReLU(), Linear(n_out=2))
    """
    made = []
    for combination in itertools.product(*values.values()):
        each = experiment
        for path, value in zip(values, combination, strict=True):
            each = _replaced(each, path.split("."), value, path)
        made.append(each)
    return tuple(made)


def _replaced(value: Any, path: list[str], new: Any, whole: str) -> Any:
    """`value` with what is at the path replaced by `new`."""
    if not path:
        return new
    first, rest = path[0], path[1:]
    if isinstance(value, tuple):
        names = {str(index): str(index) for index in range(len(value))}
        if first in names:
            index = int(first)
            return (*value[:index], _replaced(value[index], rest, new, whole), *value[index + 1 :])
    else:
        names = {f.name: f.alias for f in attrs.fields(type(value)) if f.init} if attrs.has(type(value)) else {}
        if first in names:
            return attrs.evolve(value, **{names[first]: _replaced(getattr(value, first), rest, new, whole)})
    raise ValueError(f"{whole!r} leads nowhere: {value!r} has {', '.join(names) or 'no fields'}, but no {first!r}")
