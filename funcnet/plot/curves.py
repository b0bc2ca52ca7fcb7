"""Curves of training: the columns of one history, or a metric of several runs."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

import attrs
import numpy as np

from funcnet.errors import needs
from funcnet.experiments.differences import labels
from funcnet.experiments.history import DIGESTS
from funcnet.experiments.result import Run
from funcnet.tree import Array

with needs("matplotlib", extra="plot"):
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

_UNLIKE_METRICS = ("epoch", "step", "seconds", *DIGESTS)
_LETTERS = 13  # of a title, in an inch
_Columns: TypeAlias = Mapping[str, Sequence[float]]


@attrs.frozen
class _Line:
    label: str
    epochs: Array
    series: Array


def curves(
    runs: Run | Iterable[Run] | Iterable[tuple[Any, Run]] | Mapping[str, Any],
    metric: str | None = None,
    title: str | None = None,
) -> Figure:
    """Curves of a run or a history, a panel for each metric; or of several runs, a line for each.

    "loss" and "test loss" share a panel, "accuracy" and "test accuracy" the next. Several runs have one panel, and are
    labelled with the fields in which their experiments differ. A run that failed ends where it failed.

    Parameters
    ----------
    runs : Run, iterable of Run, or history
        A run; several runs, as a list, by name in a dict, or as pairs (experiment, run) from `sweep`; or a history:
        `run.history`, a dict or a data frame of series. A series "epoch" has the epochs, which else count from 1.
    metric : str, optional
        The only column to draw. By default all of one run or history, but for "step", "seconds" and digests; of several
        runs "validation loss" or "test loss" if all have it, else "loss".
    title : str, optional
        Title of the figure; by default what was run or is compared.

    Returns
    -------
    matplotlib.figure.Figure
        The figure.

    Raises
    ------
    KeyError
        If there is no column `metric`.
    TypeError
        If `runs` is neither runs nor a history, or a series does not have numbers.
    ValueError
        If there is no history, or it has no series, no epochs, or series of different lengths.

    Examples
    --------
    >>> import funcnet as fn
    >>> experiment = fn.Experiment(fn.Linear(2), fn.SoftmaxCrossEntropy(), fn.SGD(0.5), batch_size=4, epochs=3)
    >>> figure = curves(fn.run(experiment, fn.data.parity(3)))
    >>> [panel.get_ylabel() for panel in figure.axes]
    ['learning_rate', 'loss', 'accuracy']
    >>> sweep = fn.sweep(fn.grid(experiment, seed=range(2)), fn.data.parity(3))
    >>> [line.get_label() for line in curves(sweep).axes[0].lines]
    ['seed=0', 'seed=1']
    >>> [panel.get_ylabel() for panel in curves({"loss": [2.0, 1.0], "test loss": [2.5, 1.5]}).axes]
    ['loss']
    """
    if isinstance(runs, Run):
        _check_history(runs)
        return _panels(_checked(runs.history, metric), title or _about(runs))
    columns = _columns(runs)
    if columns is not None:
        panels = _checked(columns, metric)
        return _panels(panels, title or f"{', '.join(panels)} by epoch")
    named = _named(runs)
    if metric is None:
        known = ("validation loss", "test loss")
        metric = next((name for name in known if all(name in run.history for run in named.values())), "loss")
    lines = [_line(name, run.history, metric) for name, run in named.items()]
    return _comparison(metric, lines, title or (f"{metric} of {len(lines)} runs" if lines[1:] else metric))


# --- What is given ---


def _check_history(run: Run) -> None:
    if not run.history:
        failed = f": it failed with {type(run.error).__name__}: {run.error}" if run.error else ": it has 0 epochs"
        raise ValueError(f"the run has no history{failed}")


def _columns(runs: Any) -> dict[str, Any] | None:
    """The columns of a history or a data frame by name; None for anything else, such as several runs."""
    if isinstance(runs, Mapping) and not any(isinstance(run, Run) for run in runs.values()):
        return dict(runs)
    if hasattr(runs, "columns"):  # of pandas, of Polars
        index = getattr(runs, "index", None)
        epochs = {"epoch": index} if getattr(index, "name", None) == "epoch" else {}
        return {**epochs, **{str(name): runs[name] for name in runs.columns}}
    return None


def _named(runs: Any) -> dict[str, Run]:
    """The runs that have a history, by what tells them apart."""
    if not isinstance(runs, Iterable) or isinstance(runs, str | bytes):
        raise _wrong(f"a {type(runs).__name__}")
    given = runs.items() if isinstance(runs, Mapping) else ((None, each) for each in runs)
    found = [(name, _run(each)) for name, each in given]
    kept = [(name, run) for name, run in found if run.history]
    if not kept:
        raise ValueError("runs must include one with a history, got none")
    told = _labels([run for _, run in kept])
    return {label if name is None else str(name): run for (name, run), label in zip(kept, told, strict=True)}


def _run(given: Any) -> Run:
    """The run, which may be the second of a pair (experiment, run)."""
    run = given[1] if isinstance(given, tuple) and len(given) == 2 else given
    if not isinstance(run, Run):
        raise _wrong(f"a {type(run).__name__} among them")
    return run


def _wrong(given: str) -> TypeError:
    expected = 'a Run, several Runs, or a history such as run.history or {"loss": [...]}'
    return TypeError(f"runs must be {expected}, got {given}")


def _labels(runs: Sequence[Run]) -> list[str]:
    """The fields in which the experiments differ, and a number for each run that shares its experiment."""
    names = labels(run.experiment for run in runs)
    return [
        f"{name} (run {i})".lstrip() if names.count(name) > 1 else name or f"run {i}"
        for i, name in enumerate(names, start=1)
    ]


def _checked(columns: Mapping[str, Any], metric: str | None) -> dict[str, list[_Line]]:
    """The lines of each panel, by the last word of their names. Raises ValueError unless they are a history."""
    drawn = [name for name in columns if name not in _UNLIKE_METRICS] if metric is None else [metric]
    lines = [_line(name, columns, name) for name in drawn]
    lengths = {line.label: len(line.series) for line in lines}
    lengths |= {"epoch": len(lines[0].epochs)} if lines and "epoch" in columns else {}
    if not lines or len(set(lengths.values())) > 1 or 0 in lengths.values():
        raise ValueError(
            f"history must have series with one number for each epoch, got {lengths if lines else 'no series'}"
        )
    panels: dict[str, list[_Line]] = {}
    for line in lines:
        if metric or not np.isnan(line.series).all():  # as a learning rate that the optimizer does not have
            panels.setdefault(line.label.rpartition(" ")[2], []).append(line)
    if not panels:
        raise ValueError(f"history must have numbers, got only NaN or None in {', '.join(drawn)}")
    return panels


def _line(label: str, columns: Mapping[str, Any], name: str) -> _Line:
    if name not in columns:
        raise KeyError(f"the history has no column {name!r}; its columns are {', '.join(map(str, columns))}")
    series = _numbers(name, columns[name])
    epochs = _numbers("epoch", columns["epoch"]) if "epoch" in columns else np.arange(1, 1 + len(series))
    return _Line(label, epochs, series)


def _numbers(name: str, series: Any) -> Array:
    try:
        numbers = np.asarray(series, np.float64)
    except (TypeError, ValueError) as error:
        raise TypeError(f"the series {name!r} must have numbers: {error}") from error
    if numbers.ndim != 1:
        raise TypeError(f"the series {name!r} must have one number for each epoch, got shape {numbers.shape}")
    return numbers


def _about(run: Run) -> str:
    """The settings of a run in short, and why it failed."""
    e = run.experiment
    settings = f"{type(e.loss).__name__}, {e.optimizer!r}, batch size {e.batch_size}, seed {e.seed}"
    if run.error is None:
        return settings
    place = getattr(run.error, "place", None)
    return f"{settings}; failed {f'at {place}' if place else f'with {run.error!r}'}"


# --- How it is drawn ---


def _panels(panels: Mapping[str, Sequence[_Line]], title: str) -> Figure:
    figure = Figure(figsize=(5 * len(panels), 3.5), layout="constrained")
    for axes, (name, lines) in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels.items(), strict=True):
        _draw(axes, name, lines)
        if len(lines) > 1:
            axes.legend()
    return _titled(figure, title)


def _comparison(metric: str, lines: Sequence[_Line], title: str) -> Figure:
    figure = Figure(layout="constrained")
    _draw(figure.subplots(), metric, lines)
    if len(lines) > 1:  # below the panel, so that long or many names do not cover it
        figure.legend(loc="outside lower left")
    longest = max(len(line.label) for line in lines)
    figure.set_size_inches(max(5.0, longest / _LETTERS + 1), 3.5 + 0.25 * len(lines))
    return _titled(figure, title)


def _draw(axes: Axes, name: str, lines: Sequence[_Line]) -> None:
    for line in lines:
        # A line through a single epoch would be invisible without the marker.
        axes.plot(line.epochs, line.series, label=line.label, marker="o" if len(line.series) == 1 else None)
    axes.set(xlabel="epoch", ylabel=name)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True, min_n_ticks=1))
    axes.grid(alpha=0.3)


def _titled(figure: Figure, title: str) -> Figure:
    width = int(_LETTERS * figure.get_size_inches()[0])
    figure.suptitle("\n".join(textwrap.wrap(title, width) or [title]), fontsize=10)
    return figure
