"""The point at which a layer is differentiated: its gradient by backward, and its derivatives by oracles."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import attrs
import numpy as np

from funcnet import tree
from funcnet.testing.cases.case import Case, filled, leaves, map_both, named_parts
from funcnet.testing.oracles import directions, one_sided, pushed, slope, why, without_corner
from funcnet.testing.reports.comparing import largest, precision
from funcnet.tree import Array, Flow, flatten, leaves_like


@attrs.frozen(eq=False)
class Derivatives:
    """Derivatives of <dy, y> in k directions, (k,); the sums of the sizes of their terms; bounds on their errors.

    `why_not` says why they are differences; "" for dual numbers, which are exact.
    """

    values: Array
    terms: Array
    errors: Array
    why_not: str = ""

    @property
    def is_exact(self) -> bool:
        return not self.why_not

    @property
    def oracle(self) -> str:
        return f"differences, as {self.why_not}" if self.why_not else "dual numbers"


@attrs.frozen(eq=False)
class Point:
    """A point to differentiate at: x and the leaves of params, in float64 if the layer takes it, and the gradient.

    A y that is a tuple counts as the vector of its numbers, see `joined`.
    """

    case: Case
    leaves: list[Array]
    gradients: tuple[Array, ...]
    precision: float  # the eps of y

    @staticmethod
    def of(case: Case) -> Point:
        try:
            return Point.at(case.cast(np.float64))
        except TypeError:  # a layer may take float32 alone
            return Point.at(case)

    @staticmethod
    def at(case: Case) -> Point:
        """The point of the case in the case's own dtype, with a dy of the dtype of y."""
        y, _ = case.layer.forward(case.params, case.x)
        dy = map_both(_as_dtype_of, case.dy, y)
        eps = precision(*tree.leaves(y))
        _, cache = case.layer.forward(case.params, case.x)
        dx, grads = case.layer.backward(case.params, cache, dy)
        gradients = (
            *named_parts("dx", filled(dx, case.x)).values(),
            *leaves_like(case.params, grads, "grads"),
        )
        return Point(attrs.evolve(case, dy=dy), tree.leaves((case.x, case.params)), gradients, eps)

    @property
    def dy(self) -> Array:
        return np.asarray(joined(self.case.dy))

    @property
    def moving(self) -> list[int]:
        """The indices of the leaves that have a gradient."""
        return [which for which, leaf in enumerate(self.leaves) if leaf.dtype.kind == "f"]

    @property
    def names(self) -> list[str]:
        """The names of the leaves in results."""
        return [*named_parts("dx", self.case.x), *leaves("grads", self.case.params)]

    def place(self, at: str, index: tuple[int, ...]) -> tuple[int, int]:
        """The leaf of this name, and the number at the index in it."""
        which = self.names.index(at)
        return which, int(np.ravel_multi_index(index, self.leaves[which].shape))

    def directions(self, vectors: Sequence[tuple[int, Array]]) -> list[Array]:
        """Directions of this point's leaves, see `oracles.directions`."""
        return directions(self.leaves, vectors)

    @property
    def n_inputs(self) -> int:
        """How many of the leaves are arrays of x; the others are of params."""
        return len(tree.leaves(self.case.x))

    def towards(self, vectors: Sequence[Array]) -> list[Array]:
        """The one direction that moves each leaf along its vector, all at once; leaves without a vector stay."""
        moved = [np.asarray(along[None], leaf.dtype) for along, leaf in zip(vectors, self.leaves, strict=False)]
        return moved + [np.zeros((1,) * (leaf.ndim + 1), leaf.dtype) for leaf in self.leaves[len(vectors) :]]

    def derivatives(self, directions: Sequence[Array]) -> Derivatives:
        """Derivatives by dual numbers, or by differences where an operation of forward has no rule."""
        try:
            products = self._pushed(directions) * self.dy
        except Exception as error:  # forward may do anything to dual numbers, and is then differentiated without them
            return self.differences(directions, why(error))
        return _summed(products, np.zeros_like(products))

    def differences(self, directions: Sequence[Array], why: str, scale: float = 1.0) -> Derivatives:
        """Derivatives by differences, whose steps may be scaled."""
        return _summed(*self._slopes(directions, scale), why)

    def _pushed(self, directions: Sequence[Array]) -> Array:
        point = self.case.x, self.case.params
        return pushed(lambda at: joined(self.case.y(*at)), point, directions)

    def _slopes(self, directions: Sequence[Array], scale: float) -> tuple[Array, Array]:
        """The terms dy * (derivative of y) in each direction, and bounds on their errors."""
        if not len(directions[0]):
            return np.zeros((0, *self.dy.shape)), np.zeros((0, *self.dy.shape))
        each = [[d[i % len(d)] for d in directions] for i in range(max(map(len, directions)))]
        sizes = [self._size(direction) * scale for direction in each]
        moved = [self.along([v * size for v in direction]) for direction, size in zip(each, sizes, strict=True)]
        rounding = np.array([self.rounding(y) for y in moved])
        slopes, errors = slope(lambda step: np.array([y(step) for y in moved]), rounding)
        dy = self.dy / np.reshape(sizes, (-1, *(1,) * self.dy.ndim))
        return dy * slopes, np.abs(dy) * errors

    def _size(self, direction: Sequence[Array]) -> float:
        """The magnitude, a power of two, of the numbers that the direction moves: steps must be smaller than it."""
        xs, axes = tree.leaves(self.case.x), len(self.case.batch)
        beside = []
        for x, v in zip(xs, direction, strict=False):
            is_moved = np.any(np.broadcast_to(v, x.shape), axis=tuple(range(axes, x.ndim)))
            beside += [*x[is_moved]]
        rest = zip(self.leaves[len(xs) :], direction[len(xs) :], strict=True)
        beside += [leaf for leaf, v in rest if v.any()]
        least = min((largest(numbers) or 1.0 for numbers in beside), default=1.0)
        return float(2.0 ** np.round(np.log2(np.clip(least, 2.0**-26, 1))))

    def along(self, direction: Sequence[Array]) -> Callable[[float], Array]:
        """y as a function of how far the point moves along the direction."""
        return lambda step: self.moved([step * v for v in direction])

    def moved(self, offsets: Sequence[Array]) -> Array:
        """y where the leaves are moved by these offsets."""
        leaves, structure = flatten((self.case.x, self.case.params))
        moved = [
            np.asarray(leaf + offset.astype(leaf.dtype)) if leaf.dtype.kind == "f" else leaf.copy()
            for leaf, offset in zip(leaves, offsets, strict=True)
        ]
        return np.asarray(joined(self.case.y(*structure.fill(moved))))

    def rounding(self, y: Callable[[float], Array]) -> Array:
        """How far off the numbers of y may be by rounding, here and at the first step of differences."""
        largest: Array = np.max([np.abs(y(step)) for step in (0.0, -(2.0**-4), 2.0**-4)], axis=0)
        return largest * self.precision

    def one_sided(self, direction: Sequence[Array]) -> tuple[Array, Array, Array]:
        """The smaller and the larger one-sided derivative of each number of y, and a bound on their errors."""
        try:
            up, down = self._pushed([np.concatenate([v, -v]) for v in direction])
            up_error = down_error = np.zeros_like(up)
        except Exception:  # as in `derivatives`
            y = self.along([v[0] for v in direction])
            up, up_error = one_sided(y, self.rounding(y))
            down, down_error = one_sided(lambda step: y(-step), self.rounding(y))
        return np.minimum(up, -down), np.maximum(up, -down), up_error + down_error

    def slopes(self, direction: Sequence[Array]) -> tuple[Array, Array, Array]:
        """The one-sided slopes of each number of y in the direction, the smaller first, and the slack to allow.

        The slack is infinite where differences can't tell because y is too steep or jumps.
        """
        low, high, error = self.one_sided(direction)
        size = np.abs(low) + np.abs(high)
        slack = without_corner(high, low, error) + 1024 * self.precision
        return low, high, np.where(slack > 1e-2 * size + 1e-6, np.inf, slack)

    def slope_of(self, place: Any, direction: Sequence[Array]) -> float:
        """The slope in the direction of the one number of y at this place, as its gradient gives it."""
        results = self.case.passes(dy=parted(self.one(place), self.case.dy))
        moved = zip(self.names, direction, strict=True)
        return float(sum(np.sum(along * results[at]) for at, along in moved if at in results and along.any()))

    def one(self, place: Any) -> Array:
        """A dy that is 1 at the place and 0 elsewhere."""
        dy = np.zeros_like(self.dy)
        dy[place] = 1
        return dy

    def eps(self, which: int) -> float:
        return max(precision(self.gradients[which]), self.precision)


def _summed(products: Array, errors: Array, why_not: str = "") -> Derivatives:
    """The derivatives of <dy, y> from the terms dy * (derivative of y), and from bounds on their errors."""
    over_y = tuple(range(1, products.ndim))
    terms, errors = np.abs(products).sum(axis=over_y), errors.sum(axis=over_y)
    return Derivatives(products.sum(axis=over_y), terms, errors, why_not)


def joined(y: Flow) -> Any:
    """y itself, or the vector of all numbers in a tuple."""
    if not isinstance(y, tuple):
        return y
    return np.concatenate([joined(part).reshape(-1) for part in y])


def parted(numbers: Array, like: Flow) -> Flow:
    """The flow, of the shapes of `like`, that `joined` makes these numbers of."""
    if not isinstance(like, tuple):
        return numbers.reshape(like.shape)
    ends = np.cumsum([joined(part).size for part in like])[:-1]
    return tuple(map(parted, np.split(numbers, ends), like))


def _as_dtype_of(dy: Array, y: Any) -> Array:
    dtype = np.asarray(y).dtype
    return dy.astype(dtype) if dtype.kind == "f" else dy
