"""A case, one point at which a law is asked: a layer, its params, an input and a dy; and the results of its passes.

x, y, dx and dy are arrays or tuples of arrays. Results are named "dx" or, part by part, "dx.0" and "dx.1.0".

A law is a function of a case whose docstring states the law. It raises `Difference` where the case breaks the law, and
`Inapplicable` where the law does not apply to the case.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from functools import reduce
from typing import Any, TypeAlias
from zlib import crc32

import attrs
import numpy as np

from funcnet import tree
from funcnet.layers.layer import Layer, layers_in
from funcnet.random import Key
from funcnet.testing.reports.comparing import largest, precision
from funcnet.tree import Array, DType, Flow, Shape, Tree, flatten, is_nested, map_flow

Results: TypeAlias = dict[str, Array]


@attrs.frozen(eq=False)
class Case:
    """A case: x (*batch, *input_shape) and dy of the shape of y. Where x `is_given`, no law may choose other numbers.

    `names` are the names of x, y and dx in reports, where they are not these: for a loss. `only` is the one number of
    dx or of grads, by the name of its array and its index, that the law of coordinates is asked about. `like` is a
    reference to agree with; backward is held against the derivative of `derivative_of`. Laws make no batch of a form
    whose law is `exempt`, and ask nothing in float64 of a layer whose `dtypes` are float32 alone.
    """

    layer: Any
    params: Tree
    x: Flow
    dy: Flow
    input_shape: Any
    symmetries: tuple[Any, ...] = ()
    is_given: bool = False
    names: Mapping[str, str] = {}
    only: tuple[str, tuple[int, ...]] | None = None
    like: Any = None
    derivative_of: Any = None
    exempt: Collection[str] = ()
    dtypes: tuple[DType, ...] | None = None

    @property
    def batch(self) -> Shape:
        return batch_of(self.x, self.input_shape)

    @property
    def dtype(self) -> Any:
        """The dtype of x or, where x is made of integers, of the params, else of dy."""
        return next((leaf.dtype for part in (self.x, self.params, self.dy) for leaf in floats(part)), np.dtype(float))

    @property
    def wider(self) -> Any:
        """The next wider dtype: float64 for float32, else long double."""
        return np.float64 if self.dtype == np.float32 else np.longdouble

    @property
    def has_independent_rows(self) -> bool:
        """Whether no layer here takes statistics over the batch."""
        return not over_batch(self.layer)

    def name(self, of: str) -> str:
        """The name of x, y or dx in reports."""
        return self.names.get(of, of)

    def passes(self, x: Flow = None, dy: Flow = None) -> Results:
        """The results of one forward and one backward pass by name, at a different x or dy where one is given."""
        y, cache = self.layer.forward(self.params, self.x if x is None else x)
        return named(y, *self.layer.backward(self.params, cache, self.dy if dy is None else dy))

    def gives(self, results: Results) -> bool:
        """Whether the passes give these bits, as they do if they have given them before and draw nothing."""
        return all(map(tree.equal, results.values(), self.passes().values()))

    def y(self, x: Flow, params: Tree) -> Flow:
        """The y whose derivative backward is to have."""
        layer = self.layer if self.derivative_of is None else self.derivative_of
        return layer.forward(params, x)[0]

    def cast(self, dtype: DType) -> Case:
        """The case with the same numbers in a different dtype. Raises TypeError where the layer is in float32 alone."""
        if self.dtypes == (np.float32,) and dtype == np.float64:
            raise TypeError("the layer is in float32 alone")
        x, dy = cast_parts(self.x, dtype), cast_parts(self.dy, dtype)
        return attrs.evolve(self, params=cast(self.params, dtype), x=x, dy=dy)

    def of_rows(self, rows: Any) -> Case:
        """The case with these rows alone of x and of dy, if that has the rows of x."""
        dy = map_flow(lambda part: part[rows] if part.shape[:1] == self.batch[:1] else part, self.dy)
        return attrs.evolve(self, x=take(self.x, rows), dy=dy)

    def draws(self, name: str) -> np.random.Generator:
        """A generator for the law of this name: the same one whenever the law is asked about this x."""
        code = reduce(lambda code, part: crc32(part.tobytes(), code), tree.leaves(self.x), 0)
        return Key(0).fold_in(name).fold_in(code).generator()

    def rounding(self, *arrays: Any) -> float:
        """Bound on the rounding error of a number in these results: a few roundings per number of an example."""
        sizes = [max(1.0, largest(array)) for array in (*tree.leaves((self.x, self.dy)), *floats(self.params))]
        count = 64 + _numbers(self.input_shape)
        if not self.has_independent_rows:  # what cancels over the batch has been divided by its deviation, often small
            count *= 2**10
        return float(count * precision(*arrays) * (max(map(largest, arrays)) + math.prod(sizes)))

    def needs_layer(self) -> Layer:
        """The layer; raises Inapplicable unless it is a `Layer`."""
        needs(isinstance(self.layer, Layer), "it is asked of a Layer, which this is not")
        return self.layer  # type: ignore[no-any-return]

    def needs_rows(self, least: int = 1) -> int:
        """The number of rows; raises Inapplicable unless there is one batch axis of at least `least` rows."""
        needs(len(self.batch) == 1 and self.batch[0] >= least)
        return self.batch[0]


def over_batch(layer: Any) -> bool:
    """Whether a layer, or one inside it, says that it takes statistics over the batch."""
    if getattr(layer, "statistics", None) == "batch":
        return True
    return isinstance(layer, Layer) and any(map(over_batch, layers_in(layer)))


Law: TypeAlias = Callable[[Case], str | None]


class Inapplicable(Exception):  # noqa: N818, it is not an error
    """The law does not apply to this case."""


def needs(condition: bool, reason: str = "") -> None:
    """Raise Inapplicable, because the law does not apply to this case, unless the condition holds."""
    if not condition:
        raise Inapplicable(reason)


def named(y: Flow, dx: Flow, grads: Tree) -> Results:
    """The results of both passes by name: y, dx, grads.weight and so on."""
    return {**parts("y", y), **gradient(dx, grads)}


def gradient(dx: Flow, grads: Tree) -> Results:
    """The results of backward by name; integers have none."""
    return {**parts("dx", dx), **leaves("grads", grads)}


def unsigned(results: Results) -> Results:
    """The results with 0 for -0: zero is zero."""
    return {at: leaf + leaf.dtype.type(0) for at, leaf in results.items()}


def parts(name: str, flow: Flow) -> Results:
    """The arrays that flow by name: dx.0 and dx.1.0, or dx where it is one array; without the None of integers."""
    return {at: np.asarray(part) for at, part in named_parts(name, flow).items() if part is not None}


def named_parts(name: str, flow: Flow) -> dict[str, Any]:
    """Whatever flows by name, as it is."""
    if not isinstance(flow, tuple):
        return {name: flow}
    return {at: part for i, each in enumerate(flow) for at, part in named_parts(f"{name}.{i}", each).items()}


def map_parts(f: Callable[[Array], Array], x: Flow) -> Flow:
    """x with f applied to its floating-point numbers; integers stay as they are."""
    return map_flow(lambda part: f(part) if part.dtype.kind == "f" else part, x)


def map_both(f: Callable[[Any, Any], Any], a: Flow, b: Flow) -> Flow:
    """f of an array of `a` and that of `b`, or the tuple of these."""
    return tuple(map_both(f, *pair) for pair in zip(a, b, strict=True)) if isinstance(a, tuple) else f(a, b)


def filled(dx: Flow, x: Flow) -> Flow:
    """dx as arrays, with zeros for the None of integers."""
    return map_both(lambda part, of_x: np.zeros(np.shape(of_x)) if part is None else np.asarray(part), dx, x)


def map_shapes(f: Callable[[Shape], Any], shape: Any) -> Any:
    """f of a shape, or the tuple of f of each shape."""
    return tuple(map_shapes(f, each) for each in shape) if is_nested(shape) else f(shape)


def cast_parts(x: Flow, dtype: DType) -> Flow:
    """x with its floating-point numbers converted."""
    return map_parts(lambda part: part.astype(dtype), x)


def take(x: Flow, index: Any) -> Flow:
    """What each array has at the index."""
    return map_flow(lambda part: part[index], x)


def batch_of(x: Flow, input_shape: Any) -> Shape:
    """The batch axes of x."""
    if isinstance(x, tuple):
        return batch_of(x[0], input_shape[0])
    return tuple(x.shape[: x.ndim - len(input_shape)])


def _numbers(shape: Any) -> int:
    """How many numbers an example has."""
    return sum(map(_numbers, shape)) if is_nested(shape) else math.prod(shape)


def leaves(name: str, params: Tree) -> Results:
    """The leaves of a tree under the tree's name: grads.weight, or grads where the tree is one leaf."""
    return {f"{name}.{path}" if path else name: leaf for path, leaf in tree.named_leaves(params).items()}


def floats(params: Tree) -> list[Array]:
    """The leaves that hold floating-point numbers."""
    return [leaf for leaf in tree.leaves(params) if leaf.dtype.kind == "f"]


def cast(params: Tree, dtype: DType) -> Tree:
    """`params` with every leaf and every buffer of floating-point numbers converted."""
    arrays, structure = flatten(params, buffers=True)
    return structure.fill(array.astype(dtype if array.dtype.kind == "f" else array.dtype) for array in arrays)


def map_floats(f: Callable[[Array], Array], params: Tree) -> Tree:
    """`params` with f applied to every leaf of floating-point numbers."""
    return tree.map(lambda leaf: f(leaf) if leaf.dtype.kind == "f" else leaf, params)
