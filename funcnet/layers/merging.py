"""Merging the outputs of layers with the same x: the only difference between `add` and `concatenate`."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from itertools import accumulate

import numpy as np

from funcnet.errors import ShapeError
from funcnet.tree import Array, Shape, as_array
from funcnet.values import register, specification


@register
@specification
class Sum:
    """Adds outputs of the same shape; a `Parallel` with it is an `add`."""

    name = "add"

    @staticmethod
    def shape(shapes: Sequence[Shape]) -> Shape:
        if any(shape != shapes[0] for shape in shapes):
            raise ShapeError(f"the outputs of add must have the same shape, got {_listed(shapes)}")
        return shapes[0]

    @staticmethod
    def join(outputs: Sequence[Array]) -> Array:
        return as_array(reduce(np.add, outputs))  # a sum of 0-d arrays is a scalar

    @staticmethod
    def split(dy: Array, shapes: Sequence[Shape]) -> list[Array]:
        return [dy] * len(shapes)


@register
@specification
class SideBySide:
    """Joins outputs along the last axis; a `Parallel` with it is a `concatenate`."""

    name = "concatenate"

    @staticmethod
    def shape(shapes: Sequence[Shape]) -> Shape:
        if any(not shape or shape[:-1] != shapes[0][:-1] for shape in shapes):
            raise ShapeError(f"the outputs of concatenate may differ only in the last axis, got {_listed(shapes)}")
        return (*shapes[0][:-1], sum(shape[-1] for shape in shapes))

    @staticmethod
    def join(outputs: Sequence[Array]) -> Array:
        return np.concatenate(outputs, axis=-1)

    @staticmethod
    def split(dy: Array, shapes: Sequence[Shape]) -> list[Array]:
        ends = list(accumulate(shape[-1] for shape in shapes))
        return np.split(dy, ends[:-1], axis=-1)


def _listed(shapes: Sequence[Shape]) -> str:
    return " and ".join(map(str, shapes))
