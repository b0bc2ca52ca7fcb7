"""A row of the table of layers: what the tests have to know of a layer."""

from collections.abc import Callable, Mapping
from typing import Any

import attrs
import numpy as np
import pytest

import funcnet as fn
from funcnet.testing.cases.case import map_shapes, over_batch

Shape = tuple[int, ...]


@attrs.frozen(eq=False)
class Row:
    """A layer, the shapes that an input of it may have, the usual one first, and what is known of the layer."""

    layer: fn.Layer
    shapes: tuple[Shape, ...]
    # PyTorch's function of torch, x of the usual shape and the leaves of params.
    twin: Callable[..., Any] | None = attrs.field(default=None, kw_only=True)
    # The textbook's y and dy/dx of a number, or y of a row, for Decimals.
    of_number: tuple[Callable[..., Any], Callable[..., Any]] | None = attrs.field(default=None, kw_only=True)
    of_row: Callable[..., Any] | None = attrs.field(default=None, kw_only=True)
    # y and dy/dx at minus infinity and infinity, where dy/dx is bounded.
    limits: tuple[tuple[float, float], tuple[float, float]] | None = attrs.field(default=None, kw_only=True)
    # What `check_layer` is told: symmetries, and laws that need not hold, with the reason.
    symmetries: tuple[Any, ...] = attrs.field(default=(), kw_only=True)
    exempt: Mapping[str, str] = attrs.field(default={}, kw_only=True)
    # Whether numbers stay finite, however large they are.
    is_bounded: bool = attrs.field(default=True, kw_only=True)
    # Whether it is the form in training of some layer, which the laws ask of together with that.
    is_training_form: bool = attrs.field(default=False, kw_only=True)
    # The number of ids, for a layer whose x is made of them.
    n_ids: int | None = attrs.field(default=None, kw_only=True)
    # Whether its form in training is a different layer: it draws, or takes statistics.
    differs_in_training: bool = attrs.field(default=False, kw_only=True)
    # Whether it hands integers on as they are, as the identity does.
    keeps_integers: bool = attrs.field(default=False, kw_only=True)
    name: str = attrs.field(default=attrs.Factory(lambda row: str(row.layer), takes_self=True), kw_only=True)

    def x(self, batch, shape, dtype=np.float64, scale=1.0):
        """An x of this batch and this shape of an example: random numbers, or ids."""
        draw = np.random.default_rng(0)
        if self.n_ids is not None:
            return draw.integers(0, self.n_ids, batch + shape)
        return map_shapes(lambda each: (scale * draw.standard_normal(batch + each)).astype(dtype), shape)

    @property
    def batches(self):
        """Batches that it takes; one row alone has no variance."""
        return [(0,), (5,), (2, 3)] if over_batch(self.layer) else [(), (0,), (5,), (2, 3)]


def every(rows):
    """Parametrize a test of layer and shape with each layer of the rows and each of its shapes."""
    cases = [pytest.param(row.layer, shape, id=f"{row.name}-{shape}") for row in rows for shape in row.shapes]
    return pytest.mark.parametrize(("layer", "shape"), cases)


def every_row(rows):
    """Parametrize a test of row with the rows."""
    return pytest.mark.parametrize("row", rows, ids=[row.name for row in rows])
