"""How the outputs of layers that have the same x become one: the part in which `add` and `concatenate` differ."""

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
    """Outputs of one shape, added: what makes a `Parallel` an `add`."""

    name = "add"

    @staticmethod
    def shape(shapes: Sequence[Shape]) -> Shape:
        if any(shape != shapes[0] for shape in shapes):
            raise ShapeError(f"add expected outputs of one shape, got {_listed(shapes)}")
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
    """Outputs joined on the last axis: what makes a `Parallel` a `concatenate`."""

    name = "concatenate"

    @staticmethod
    def shape(shapes: Sequence[Shape]) -> Shape:
        if any(not shape or shape[:-1] != shapes[0][:-1] for shape in shapes):
            raise ShapeError(f"concatenate expected outputs that differ in the last axis only, got {_listed(shapes)}")
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
