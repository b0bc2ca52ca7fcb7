"""A case, one point at which a law is asked: a layer, its params, an input and a dy; and how results are compared.

A law is a function of a case whose docstring says what is true. It raises `Difference` where that is not so, and
`Inapplicable` where it says nothing about the case.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias
from zlib import crc32

import attrs
import numpy as np

from funcnet import tree
from funcnet.layers.layer import Layer
from funcnet.random import Key
from funcnet.testing.reports.comparing import largest
from funcnet.tree import Array, DType, Shape, Tree

Results: TypeAlias = dict[str, Array]


@attrs.frozen(eq=False)
class Case:
    """x of batch + input_shape, dy of the shape of y. Where x was given and not drawn, no law may choose another.

    `names` are what a report calls x, y and dx, where the case is that of a loss.
    """

    layer: Any
    params: Tree
    x: Array
    dy: Array
    input_shape: Shape
    symmetries: tuple[Any, ...] = ()
    is_given: bool = False
    names: Mapping[str, str] = {}

    @property
    def batch(self) -> Shape:
        return self.x.shape[: self.x.ndim - len(self.input_shape)]

    def name(self, of: str) -> str:
        """What a report calls x, y or dx."""
        return self.names.get(of, of)

    def passes(self, x: Array | None = None, dy: Array | None = None) -> Results:
        """What one forward and one backward pass give, by name; of another x or dy where one is given."""
        y, cache = self.layer.forward(self.params, self.x if x is None else x)
        return named(y, *self.layer.backward(self.params, cache, self.dy if dy is None else dy))

    def cast(self, dtype: DType) -> Case:
        """The same numbers in another precision."""
        return attrs.evolve(self, params=cast(self.params, dtype), x=self.x.astype(dtype), dy=self.dy.astype(dtype))

    def draws(self, name: str) -> np.random.Generator:
        """Random numbers for the law of this name, the same whenever it is asked about this x."""
        return Key(0).fold_in(name).fold_in(crc32(self.x.tobytes())).generator()

    def rounding(self, *arrays: Any) -> float:
        """By how much a number may differ for rounding alone: a few times for each number of an example."""
        dtypes = [array.dtype for array in map(np.asarray, arrays) if array.dtype.kind == "f"]
        eps = max((np.finfo(dtype).eps for dtype in dtypes), default=0)
        sizes = [max(1.0, largest(array)) for array in (self.x, self.dy, *floats(self.params))]
        count = 64 + math.prod(self.input_shape)
        return float(count * eps * (max(map(largest, arrays)) + math.prod(sizes)))

    def needs_layer(self) -> Layer:
        """The layer, where it is one of the class `Layer`."""
        needs(isinstance(self.layer, Layer))
        return self.layer  # type: ignore[no-any-return]

    def needs_rows(self, least: int = 1) -> int:
        """How many rows there are on the one batch axis, where there is just one, of at least so many rows."""
        needs(len(self.batch) == 1 and self.batch[0] >= least)
        return self.batch[0]


Law: TypeAlias = Callable[[Case], None]


class Inapplicable(Exception):  # noqa: N818, it is no error
    """The law says nothing about this case."""


def needs(condition: bool) -> None:
    """Say that the law is not about this case, unless the condition holds."""
    if not condition:
        raise Inapplicable


def named(y: Any, dx: Any, grads: Tree) -> Results:
    """The results of the two passes by name: y, dx, grads.weight and so on."""
    return {"y": np.asarray(y), **gradient(dx, grads)}


def gradient(dx: Any, grads: Tree) -> Results:
    """The results of backward by name."""
    return {"dx": np.asarray(dx), **leaves("grads", grads)}


def leaves(name: str, params: Tree) -> Results:
    """The leaves of a tree that goes by this name: grads.weight, or grads where the tree is one leaf."""
    return {f"{name}.{path}" if path else name: leaf for path, leaf in tree.named_leaves(params).items()}


def floats(params: Tree) -> list[Array]:
    """The leaves of floating-point numbers."""
    return [leaf for leaf in tree.leaves(params) if leaf.dtype.kind == "f"]


def cast(params: Tree, dtype: DType) -> Tree:
    """`params` with the leaves of floating-point numbers converted."""
    return map_floats(lambda leaf: leaf.astype(dtype), params)


def map_floats(f: Callable[[Array], Array], params: Tree) -> Tree:
    """`params` with f of the leaves of floating-point numbers."""
    return tree.map(lambda leaf: f(leaf) if leaf.dtype.kind == "f" else leaf, params)
