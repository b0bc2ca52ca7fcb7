"""Grids of images, and of weights that are drawn as images."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence

import attrs
import numpy as np
from numpy.typing import ArrayLike

from funcnet.errors import ShapeError, needs
from funcnet.tree import Array, as_array

with needs("matplotlib", extra="plot"):
    from matplotlib.figure import Figure


def images(
    x: ArrayLike,
    titles: Sequence[str] | None = None,
    columns: int = 10,
    shape: tuple[int, int] | None = None,
    symmetric: bool = False,
    title: str | None = None,
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
        Whether to draw negative numbers blue, 0 white and positive numbers red, with a colour bar, as suits weights.
        By default the smallest number is black and the largest white.
    title : str, optional
        Title over all images.

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
    frame = _Frame.around(x, titles, rows, columns, title or "", has_bar=symmetric)
    figure = Figure(figsize=frame.size)
    cells = figure.subplots(rows, columns, squeeze=False, gridspec_kw=frame.grid()).ravel()
    low, high = _scale(x, symmetric)
    for cell in cells:
        cell.set_axis_off()
    for cell, image, name in zip(cells, x, titles, strict=False):  # the last row may have empty cells
        drawn = cell.imshow(image, cmap="RdBu_r" if symmetric else "gray", vmin=low, vmax=high, interpolation="nearest")
        cell.set_title(name, fontsize=_FONT_SIZE)
    if symmetric:
        bar = figure.colorbar(drawn, cax=figure.add_axes(frame.bar()), ticks=[low, 0, high], format="{x:.2g}")
        bar.ax.tick_params(labelsize=_FONT_SIZE)
    if frame.heading:
        figure.text(0.5, 1 - _GAP / frame.size[1], frame.heading, ha="center", va="top", fontsize=_FONT_SIZE + 1)
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
_BAR = 0.75  # inches of the colour bar and its numbers
# A letter is at most 0.7 of the font size wide, and a line of text 1.5 of it high.
_LETTER, _TEXT = 0.7 * _FONT_SIZE / _INCH, 1.5 * _FONT_SIZE / _INCH


@attrs.frozen
class _Frame:
    """The places of all parts in inches. They are computed here: matplotlib's own layouts take minutes."""

    image: tuple[float, float]  # width and height, of which the longer is an inch
    cell: tuple[float, float]  # an image, its title over it, and the gap
    size: tuple[float, float]
    rows: int
    columns: int
    heading: str

    @classmethod
    def around(cls, x: Array, titles: Sequence[str], rows: int, columns: int, title: str, has_bar: bool) -> _Frame:
        """The frame of images x, each as wide as the longest line of the titles."""
        w, h = (side / max(x.shape[1:]) for side in x.shape[:0:-1])
        lines = [line for name in titles for line in name.split("\n")]
        above = _TEXT * max(name.count("\n") + 1 for name in titles) if any(titles) else 0.0
        cell = max(w, _LETTER * max(map(len, lines))) + _GAP, h + above + _GAP
        width = columns * cell[0] + _BAR * has_bar
        heading = textwrap.wrap(title, max(int(width / _LETTER), 1))
        size = width, rows * cell[1] + (_TEXT * 1.2 * len(heading) + _GAP) * bool(heading)
        return cls((w, h), cell, size, rows, columns, "\n".join(heading))

    def grid(self) -> dict[str, float]:
        """The place of the grid of cells, for gridspec."""
        (width, height), h, half_gap = self.size, self.image[1], _GAP / 2
        return {
            "left": half_gap / width,
            "right": (self.columns * self.cell[0] - half_gap) / width,
            "bottom": half_gap / height,
            "top": ((self.rows - 1) * self.cell[1] + h + half_gap) / height,
            "wspace": _GAP / (self.cell[0] - _GAP),
            "hspace": (self.cell[1] - h) / h,
        }

    def bar(self) -> tuple[float, float, float, float]:
        """The place of the colour bar, right of the cells, inset by half a line for the numbers at its ends."""
        (width, height), h = self.size, self.image[1]
        high = (self.rows - 1) * self.cell[1] + h
        inset = min(_TEXT / 2, high / 4)
        left, bottom = self.columns * self.cell[0], _GAP / 2 + inset
        return left / width, bottom / height, 0.12 / width, (high - 2 * inset) / height
