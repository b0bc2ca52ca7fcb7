"""What would end a run later is tried before it begins: all targets, the shortest batch, the first checkpoint."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

import numpy as np

from funcnet.data import Dataset
from funcnet.data.finite import check_finite
from funcnet.errors import NonFiniteError, TreeError
from funcnet.experiments.datasets import Datasets
from funcnet.experiments.experiment import Experiment
from funcnet.experiments.progress import Progress, initial_params
from funcnet.layers.inputs import apply
from funcnet.random import Key
from funcnet.saving.description import describe
from funcnet.training import train_step
from funcnet.tree import Tree, named_arrays
from funcnet.tree.structure import rows_like


def check_depth(experiment: Experiment) -> None:
    """Raise ValueError for an experiment that is nested too deeply to be read and printed once it is in a folder."""
    try:
        str(Experiment.from_json(experiment.to_json()))
    except RecursionError:
        raise ValueError(
            "the experiment is nested too deeply to be printed: write sequential(a, b, c) for sequential(sequential(a, "
            "b), c), or raise Python's limit with sys.setrecursionlimit, also where the run is read"
        ) from None


def tried(experiment: Experiment, data: Datasets, start: Progress, check_data: bool, is_saved: bool) -> None:
    """Raise what the run would raise later: for its data, its last batch, or what it has to save."""
    if check_data:
        for name, dataset in data:
            check_finite(dataset, name)
    with np.errstate(all="ignore"):
        for name, dataset in data:
            with _told(f"{name} data"):
                _try_loss(experiment, dataset, start.state.params)
        _try_last_batch(experiment, data.train, start)
    if is_saved:
        describe(experiment.model, start)


def _try_loss(experiment: Experiment, dataset: Dataset, params: Tree) -> None:
    """Try the loss on all targets, with the outputs for the first example as those for every one."""
    y = apply(experiment.model, params, dataset[:1].x)
    experiment.loss.forward(np.repeat(y, len(dataset), axis=0), dataset.y)


def _try_last_batch(experiment: Experiment, train: Dataset, start: Progress) -> None:
    """Try a step on as many examples as the last batch of an epoch has, if it has fewer than the others."""
    n = len(train) % experiment.batch_size
    if n:
        (x, y), key = train[:n], Key(experiment.seed)
        model, loss, optimizer = experiment.model, experiment.loss, experiment.optimizer
        with _told(f"the last batch of an epoch has {n} of {experiment.batch_size} examples"), suppress(NonFiniteError):
            train_step(model, loss, optimizer, start.state, (x, y), key, experiment.penalty, experiment.gradient)


@contextmanager
def _told(where: str) -> Iterator[None]:
    """A context in which errors say where they come from."""
    try:
        yield
    except (ValueError, TypeError, ArithmeticError) as error:
        if error.args and isinstance(error.args[0], str):
            error.args = (f"{where}: {error.args[0]}", *error.args[1:])
        raise


def check_experiment(experiment: Experiment) -> None:
    """Raise TypeError unless this is an experiment."""
    if not isinstance(experiment, Experiment):
        given = "the class" if isinstance(experiment, type) else f"an object of type {type(experiment).__name__}"
        raise TypeError(f"experiment must be an Experiment, got {given}: write fn.Experiment(model, loss, ...)")


def check_params(experiment: Experiment, train: Dataset, params: Tree) -> None:
    """Raise TreeError unless `params` have the structure, shapes and dtypes of the experiment's own."""
    if hasattr(params, "params") and hasattr(params, "state"):
        raise TypeError(f"params must be params, got a {type(params).__name__}: write run.params")
    own = initial_params(experiment, train)
    named, given = named_arrays(own), named_arrays(params)
    for name, array in named.items():
        if name in given and array.dtype != (dtype := given[name].dtype):
            advice = f"write fn.tree.cast(params, np.{array.dtype}), or dtype={str(dtype)!r} in the experiment"
            raise TreeError(f"params must have the experiment's dtypes: {name} is {dtype}; {advice}")
    rows_like(own, [("params", params)], "the params that the model draws")
