"""Pictures of training and of learned weights, as matplotlib figures: `figure.savefig("curve.png")`.

The figures are made without pyplot, so they need no display and leave no window or figure open.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from funcnet.errors import ShapeError, needs
from funcnet.experiments.differences import labels
from funcnet.experiments.history import DIGESTS
from funcnet.experiments.result import Run
from funcnet.tree import Array, as_array

with needs("matplotlib", extra="plot"):
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator


def learning_curve(history: Mapping[str, Sequence[float]]) -> Figure:
    """Each series of `history` as a line, in a panel for each last word of the names.

    "loss" and "test loss" share a panel, "accuracy" and "test accuracy" the next.

    Parameters
    ----------
    history : mapping of str to sequence of float
        Series by name, with one number for each epoch. A series "epoch" has the epochs; otherwise they count from 1.

    Returns
    -------
    matplotlib.figure.Figure
        The figure.

    Raises
    ------
    ValueError
        If there are no series or no epochs, or the series have different lengths.

    Examples
    --------
    >>> figure = learning_curve({"loss": [2.0, 1.0], "test loss": [2.5, 1.5], "accuracy": [0.5, 0.75]})
    >>> [panel.get_ylabel() for panel in figure.axes]
    ['loss', 'accuracy']
    """
    lengths = {name: len(series) for name, series in history.items()}
    if len(set(lengths.values())) != 1 or 0 in lengths.values() or lengths.keys() == {"epoch"}:
        raise ValueError(f"history must have series with one number for each epoch, got {lengths or 'no series'}")
    epochs = history.get("epoch", range(1, 1 + max(lengths.values())))
    return _panels([(name, _last_word(name), epochs, series) for name, series in history.items() if name != "epoch"])


def history(run: Run) -> Figure:
    """The losses, metrics and learning rates of a run, a panel for each.

    Parameters
    ----------
    run : Run
        Run to draw.

    Returns
    -------
    matplotlib.figure.Figure
        The figure.

    Raises
    ------
    ValueError
        If the run has no history.

    Examples
    --------
    >>> import funcnet as fn
    >>> experiment = fn.Experiment(fn.Linear(2), fn.SoftmaxCrossEntropy(), fn.SGD(0.5), batch_size=4, epochs=3)
    >>> figure = history(fn.run(experiment, fn.data.parity(3)))
    >>> [panel.get_ylabel() for panel in figure.axes]
    ['learning_rate', 'loss', 'accuracy']
    """
    unlike_metrics = ("step", "seconds", *DIGESTS)
    return learning_curve(
        {name: series for name, series in run.history.items() if name not in unlike_metrics and None not in series}
    )


def learning_curves(runs: Iterable[Run], metric: str | None = None) -> Figure:
    """A metric of several runs, a line for each, labelled with the fields in which the experiments differ.

    Parameters
    ----------
    runs : iterable of Run
        Runs to draw; the line of a run that failed ends where it failed, and runs without a history are left out.
    metric : str, optional
        Column of the history to draw; by default "test loss", or "loss" if a run had no test data.

    Returns
    -------
    matplotlib.figure.Figure
        The figure.

    Raises
    ------
    KeyError
        If a run has no such metric.
    ValueError
        If no run has a history.

    Examples
    --------
    >>> import funcnet as fn
    >>> experiment = fn.Experiment(fn.Linear(2), fn.SoftmaxCrossEntropy(), fn.SGD(0.5), batch_size=4, epochs=3)
    >>> runs = [run for _, run in fn.sweep(fn.grid(experiment, seed=range(2)), fn.data.parity(3))]
    >>> [line.get_label() for line in learning_curves(runs).axes[0].lines]
    ['seed=0', 'seed=1']
    """
    runs = [run for run in runs if run.history]
    if not runs:
        raise ValueError("runs must include one with a history, got none")
    metric = metric or ("test loss" if all("test loss" in run.history for run in runs) else "loss")
    names = [name or f"run {i}" for i, name in enumerate(labels(run.experiment for run in runs), start=1)]
    figure = Figure(layout="constrained")
    rows = [(name, run.history["epoch"], run.history[metric]) for name, run in zip(names, runs, strict=True)]
    _draw_panel(figure.subplots(), metric, rows)
    if len(runs) > 1:  # below the panel, so that long or many names do not cover it
        figure.legend(loc="outside lower left")
    figure.set_size_inches(max(5.0, 0.7 * _FONT_SIZE / _INCH * max(map(len, names)) + 1), 3.5 + 0.25 * len(runs))
    return figure


def _last_word(name: str) -> str:
    return name.rpartition(" ")[2]


def _panels(lines: Sequence[tuple[str, str, Sequence[float], Sequence[float]]]) -> Figure:
    """A panel for each title; lines are (label, title, epochs, series)."""
    titles = list(dict.fromkeys(title for _, title, _, _ in lines))
    figure = Figure(figsize=(5 * len(titles), 3.5), layout="constrained")
    for panel, title in zip(figure.subplots(1, len(titles), squeeze=False)[0], titles, strict=True):
        _draw_panel(panel, title, [(label, *line) for label, each, *line in lines if each == title])
        if len(panel.lines) > 1:
            panel.legend()
    return figure


def _draw_panel(panel: Axes, title: str, lines: Sequence[tuple[Any, ...]]) -> None:
    for label, epochs, series in lines:
        # A line through a single epoch would be invisible without the marker.
        panel.plot(epochs, series, label=label, marker="o" if len(series) == 1 else None)
    panel.set(xlabel="epoch", ylabel=title)
    panel.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True, min_n_ticks=1))
    panel.grid(alpha=0.3)


def images(
    x: ArrayLike,
    titles: Sequence[str] | None = None,
    columns: int = 10,
    shape: tuple[int, int] | None = None,
    symmetric: bool = False,
) -> Figure:
    """The images x in a grid, all on the same scale, with a title over each.

    Parameters
    ----------
    x : array_like (n, h, w) or (n, h * w)
        Images.
    titles : sequence of str, optional
        Title of each image.
    columns : int, default 10
        Number of columns of the grid, at least 1.
    shape : tuple of (int, int), optional
        Shape (h, w) of the images if x is (n, h * w); by default they are square.
    symmetric : bool, default False
        Whether to draw negative numbers blue, 0 white and positive numbers red, as suits weights. By default the
        smallest number is black and the largest white.

    Returns
    -------
    matplotlib.figure.Figure
        The figure.

    Raises
    ------
    DTypeError
        If x has complex numbers.
    ShapeError
        If x does not have one of these shapes.
    ValueError
        If there are no images, a number is not finite, the number of titles is not n, or columns is below 1.

    Examples
    --------
    >>> figure = images(np.zeros((3, 64)), titles=["a", "b", "c"], columns=2)
    >>> [axes.get_title() for axes in figure.axes]
    ['a', 'b', 'c', '']
    """
    x = _as_images(x, shape)
    titles = [""] * len(x) if titles is None else [str(title) for title in titles]
    if len(titles) != len(x):
        raise ValueError(f"titles must be {len(x)}, one for each image, got {len(titles)}")
    if columns < 1:
        raise ValueError(f"columns must be at least 1, got {columns}")
    columns = min(columns, len(x))
    rows = math.ceil(len(x) / columns)
    width, height = _cell_size(x, titles)
    figure = Figure(figsize=(columns * width, rows * height))
    cells = figure.subplots(rows, columns, squeeze=False, gridspec_kw=_margins(rows, columns, x, width, height)).ravel()
    low, high = _scale(x, symmetric)
    for cell in cells:
        cell.set_axis_off()
    for cell, image, title in zip(cells, x, titles, strict=False):  # the last row may have empty cells
        cell.imshow(image, cmap="RdBu_r" if symmetric else "gray", vmin=low, vmax=high, interpolation="nearest")
        cell.set_title(title, fontsize=_FONT_SIZE)
    return figure


def _as_images(x: ArrayLike, shape: tuple[int, int] | None) -> Array:
    """x as (n, h, w) in float64."""
    x = as_array(x, np.float64)
    side = math.isqrt(math.prod(x.shape[1:]))
    h, w = shape or (x.shape[1:] if x.ndim == 3 else (side, side))
    if x.shape[1:] not in ((h, w), (h * w,)):
        raise ShapeError(
            f"x must be images (n, h, w), or (n, h * w) with shape=(h, w), which is optional if h = w; "
            f"got x of shape {x.shape} and shape={shape}"
        )
    if x.size == 0:
        raise ValueError(f"x must have at least one image, got x of shape {x.shape}")
    if not np.isfinite(x).all():
        raise ValueError(f"x must have finite numbers, got {x[~np.isfinite(x)][0]} in images of shape {x.shape}")
    return x.reshape(len(x), h, w)


def _scale(x: Array, symmetric: bool) -> tuple[float, float]:
    """The numbers at the two ends of the colour map."""
    if not symmetric:
        return float(x.min()), float(x.max())
    limit = float(np.abs(x).max()) or 1.0  # in an empty range 0 would not be in the middle
    return -limit, limit


_FONT_SIZE = 8
_INCH = 72  # points
_GAP = 0.1  # inches between pictures


def _cell_size(x: Array, titles: Sequence[str]) -> tuple[float, float]:
    """Width and height of a cell in inches: the longer side of an image is an inch, and its title fits over it."""
    w, h = _image_size(x)
    lines = [line for title in titles for line in title.split("\n")]
    # A letter is at most 0.7 of the font size wide, and a line of text 1.5 of it high.
    title_width = 0.7 * _FONT_SIZE / _INCH * max(map(len, lines))
    title_height = 1.5 * _FONT_SIZE / _INCH * max(title.count("\n") + 1 for title in titles) if any(titles) else 0.0
    return max(w, title_width) + _GAP, h + title_height + _GAP


def _image_size(x: Array) -> tuple[float, float]:
    _, h, w = x.shape
    return w / max(h, w), h / max(h, w)


def _margins(rows: int, columns: int, x: Array, width: float, height: float) -> dict[str, float]:
    """The place of the grid of cells, for gridspec. It is computed here: matplotlib's own layouts take minutes."""
    _, h = _image_size(x)
    half_gap = _GAP / 2
    return {
        "left": half_gap / (columns * width),
        "right": 1 - half_gap / (columns * width),
        "bottom": half_gap / (rows * height),
        "top": 1 - (height - h - half_gap) / (rows * height),
        "wspace": _GAP / (width - _GAP),
        "hspace": (height - h) / h,
    }
