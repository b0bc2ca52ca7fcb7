"""A case, one point at which a law is asked: a layer, its params, an input and a dy; and the results of its passes.

A law is a function of a case whose docstring states the law. It raises `Difference` where the case breaks the law, and
`Inapplicable` where the law does not apply to the case.
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
    """A case: x (*batch, *input_shape) and dy of the shape of y. Where x `is_given`, no law may choose a different x.

    `names` are the names of x, y and dx in reports, where they are not these: for a loss.
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
        """The name of x, y or dx in reports."""
        return self.names.get(of, of)

    def passes(self, x: Array | None = None, dy: Array | None = None) -> Results:
        """The results of one forward and one backward pass by name, at a different x or dy where one is given."""
        y, cache = self.layer.forward(self.params, self.x if x is None else x)
        return named(y, *self.layer.backward(self.params, cache, self.dy if dy is None else dy))

    def cast(self, dtype: DType) -> Case:
        """The case with the same numbers in a different dtype."""
        return attrs.evolve(self, params=cast(self.params, dtype), x=self.x.astype(dtype), dy=self.dy.astype(dtype))

    def draws(self, name: str) -> np.random.Generator:
        """A generator for the law of this name: the same one whenever the law is asked about this x."""
        return Key(0).fold_in(name).fold_in(crc32(self.x.tobytes())).generator()

    def rounding(self, *arrays: Any) -> float:
        """Bound on the rounding error of a number in these results: a few roundings per number of an example."""
        dtypes = [array.dtype for array in map(np.asarray, arrays) if array.dtype.kind == "f"]
        eps = max((np.finfo(dtype).eps for dtype in dtypes), default=0)
        sizes = [max(1.0, largest(array)) for array in (self.x, self.dy, *floats(self.params))]
        count = 64 + math.prod(self.input_shape)
        return float(count * eps * (max(map(largest, arrays)) + math.prod(sizes)))

    def needs_layer(self) -> Layer:
        """The layer; raises Inapplicable unless it is a `Layer`."""
        needs(isinstance(self.layer, Layer))
        return self.layer  # type: ignore[no-any-return]

    def needs_rows(self, least: int = 1) -> int:
        """The number of rows; raises Inapplicable unless there is one batch axis of at least `least` rows."""
        needs(len(self.batch) == 1 and self.batch[0] >= least)
        return self.batch[0]


Law: TypeAlias = Callable[[Case], None]


class Inapplicable(Exception):  # noqa: N818, it is not an error
    """The law does not apply to this case."""


def needs(condition: bool) -> None:
    """Raise Inapplicable, because the law does not apply to this case, unless the condition holds."""
    if not condition:
        raise Inapplicable


def named(y: Any, dx: Any, grads: Tree) -> Results:
    """The results of both passes by name: y, dx, grads.weight and so on."""
    return {"y": np.asarray(y), **gradient(dx, grads)}


def gradient(dx: Any, grads: Tree) -> Results:
    """The results of backward by name."""
    return {"dx": np.asarray(dx), **leaves("grads", grads)}


def leaves(name: str, params: Tree) -> Results:
    """The leaves of a tree under the tree's name: grads.weight, or grads where the tree is one leaf."""
    return {f"{name}.{path}" if path else name: leaf for path, leaf in tree.named_leaves(params).items()}


def floats(params: Tree) -> list[Array]:
    """The leaves that hold floating-point numbers."""
    return [leaf for leaf in tree.leaves(params) if leaf.dtype.kind == "f"]


def cast(params: Tree, dtype: DType) -> Tree:
    """`params` with every leaf of floating-point numbers converted."""
    return map_floats(lambda leaf: leaf.astype(dtype), params)


def map_floats(f: Callable[[Array], Array], params: Tree) -> Tree:
    """`params` with f applied to every leaf of floating-point numbers."""
    return tree.map(lambda leaf: f(leaf) if leaf.dtype.kind == "f" else leaf, params)
