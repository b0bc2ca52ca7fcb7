"""A row of the table of layers: what the tests have to know of a layer."""

from collections.abc import Callable, Mapping
from typing import Any

import attrs
import pytest

import funcnet as fn

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
    # Whether it draws in training, so that its form in training is another layer.
    is_random: bool = attrs.field(default=False, kw_only=True)
    # Whether it hands integers on as they are, as the identity does.
    keeps_integers: bool = attrs.field(default=False, kw_only=True)
    name: str = attrs.field(default=attrs.Factory(lambda row: str(row.layer), takes_self=True), kw_only=True)


def every(rows):
    """Parametrize a test of layer and shape with each layer of the rows and each of its shapes."""
    cases = [pytest.param(row.layer, shape, id=f"{row.name}-{shape}") for row in rows for shape in row.shapes]
    return pytest.mark.parametrize(("layer", "shape"), cases)


def every_row(rows):
    """Parametrize a test of row with the rows."""
    return pytest.mark.parametrize("row", rows, ids=[row.name for row in rows])
