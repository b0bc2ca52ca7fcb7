"""Grids of experiments: one experiment for each combination of values."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import Any

import attrs

from funcnet.experiments.experiment import Experiment


def grid(experiment: Experiment, **values: Iterable[Any]) -> tuple[Experiment, ...]:
    """The experiment with every combination of values in place of its own; the last path changes fastest.

    Parameters
    ----------
    experiment : Experiment
        Experiment that all others are made from.
    **values : iterable
        Values to try, by the path of the field that they replace, such as `**{"model.layers.0.n_out": [8, 16]}`.

    Returns
    -------
    tuple of Experiment
        One experiment for each combination.

    Raises
    ------
    TypeError
        If the values to try are not iterable, or are a string.
    ValueError
        If a path names a field that does not exist; the message lists the fields that do.

    Examples
    --------
    >>> import funcnet as fn
    >>> model = fn.sequential(fn.Linear(4), fn.ReLU(), fn.Linear(2))
    >>> experiment = fn.Experiment(model, fn.SoftmaxCrossEntropy(), fn.Adam(0.1), batch_size=4, epochs=2)
    >>> experiments = fn.grid(experiment, seed=range(2), **{"optimizer.learning_rate": [0.1, 0.01]})
    >>> [(each.seed, each.optimizer.learning_rate) for each in experiments]
    [(0, 0.1), (0, 0.01), (1, 0.1), (1, 0.01)]
    >>> fn.grid(experiment, **{"model.layers.0.n_out": [8]})[0].model
    sequential(Linear(n_out=8), ReLU(), Linear(n_out=2))
    """
    for path, tried in values.items():
        if isinstance(tried, str | bytes) or not isinstance(tried, Iterable):
            raise TypeError(f"{path} must be a list of the values to try, got {tried!r}: write [{tried!r}]")
    made = []
    for combination in itertools.product(*values.values()):
        each = experiment
        for path, value in zip(values, combination, strict=True):
            each = _replaced(each, path.split("."), value, path)
        made.append(each)
    return tuple(made)


def _replaced(value: Any, path: list[str], new: Any, whole: str) -> Any:
    """`value` with `new` at the path, which is the rest of the path `whole`."""
    if not path:
        return new
    first, *rest = path
    kind = type(value)
    if isinstance(value, tuple):
        word, names = "position", {str(index): str(index) for index in range(len(value))}
    else:
        word, names = "field", {f.name: f.alias for f in attrs.fields(kind) if f.init} if attrs.has(kind) else {}
    if first not in names:
        there = f"its {word}s are {', '.join(names)}" if names else "it has none"
        raise ValueError(f"{kind.__name__} has no {word} {first!r} (in {whole!r}); {there}")
    if isinstance(value, tuple):
        index = int(first)
        return (*value[:index], _replaced(value[index], rest, new, whole), *value[index + 1 :])
    return attrs.evolve(value, **{names[first]: _replaced(getattr(value, first), rest, new, whole)})
