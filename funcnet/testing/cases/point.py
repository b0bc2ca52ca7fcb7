"""The point at which a layer is differentiated: its gradient by backward, and its derivatives by oracles."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import attrs
import numpy as np

from funcnet import tree
from funcnet.testing.cases.case import Case, floats, leaves, map_both, map_parts, named_parts
from funcnet.testing.oracles import directions, one_sided, pushed, slope
from funcnet.testing.reports.comparing import Difference, as_index, largest
from funcnet.tree import Array, Flow, flatten, leaves_like

_ROUNDING = 1024  # how many roundings of its terms a derivative may be off
_UNSURE = 4  # how many times its estimate an error may be
_NUMERIC = 1e-10  # how far off extrapolated differences may always be: the least of many estimates is a lucky one
_BESIDE = 16  # points beside a corner


@attrs.frozen(eq=False)
class Derivatives:
    """Derivatives of <dy, y> in k directions, (k,); the sums of the sizes of their terms; bounds on their errors."""

    values: Array
    terms: Array
    errors: Array
    is_exact: bool


@attrs.frozen(eq=False)
class Point:
    """A point to differentiate at: x and the leaves of params, in float64 if the layer takes it, and the gradient.

    A y that is a tuple counts as the vector of its numbers, see `joined`.
    """

    case: Case
    leaves: list[Array]
    gradients: tuple[Array, ...]

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
        _, cache = case.layer.forward(case.params, case.x)
        dx, grads = case.layer.backward(case.params, cache, dy)
        gradients = (
            *map(np.asarray, named_parts("dx", _filled(dx, case.x)).values()),
            *leaves_like(case.params, grads, "grads"),
        )
        return Point(attrs.evolve(case, dy=dy), tree.leaves((case.x, case.params)), gradients)

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

    def towards(self, v: Flow) -> list[Array]:
        """The one direction that moves x, all of its arrays at once, along v."""
        vs = tree.leaves(v)
        moved = [np.asarray(along[None], leaf.dtype) for along, leaf in zip(vs, self.leaves, strict=False)]
        return moved + [np.zeros((1,) * (leaf.ndim + 1), leaf.dtype) for leaf in self.leaves[len(vs) :]]

    def derivatives(self, directions: Sequence[Array]) -> Derivatives:
        """Derivatives by dual numbers, or by differences where an operation of forward has no rule."""
        try:
            products, is_exact = self._pushed(directions) * self.dy, True
            errors = np.zeros_like(products)
        except Exception:  # forward may do anything to dual numbers, and is then differentiated without them
            (products, errors), is_exact = self._slopes(directions), False
        over_y = tuple(range(1, products.ndim))
        terms, errors = np.abs(products).sum(axis=over_y), errors.sum(axis=over_y)
        return Derivatives(products.sum(axis=over_y), terms, errors, is_exact)

    def _pushed(self, directions: Sequence[Array]) -> Array:
        point = self.case.x, self.case.params
        return pushed(lambda at: joined(self.case.layer.forward(at[1], at[0])[0]), point, directions)

    def _slopes(self, directions: Sequence[Array]) -> tuple[Array, Array]:
        """The terms dy * (derivative of y) in each direction, and bounds on their errors."""
        if not len(directions[0]):
            return np.zeros((0, *self.dy.shape)), np.zeros((0, *self.dy.shape))
        each = [[d[i % len(d)] for d in directions] for i in range(max(map(len, directions)))]
        sizes = [self._size(direction) for direction in each]
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
        leaves, structure = flatten((self.case.x, self.case.params))

        def y(step: float) -> Array:
            moved = [
                np.asarray(leaf + (step * v).astype(leaf.dtype)) if leaf.dtype.kind == "f" else leaf.copy()
                for leaf, v in zip(leaves, direction, strict=True)
            ]
            x, params = structure.fill(moved)
            return np.asarray(joined(self.case.layer.forward(params, x)[0]))

        return y

    def rounding(self, y: Callable[[float], Array]) -> Array:
        """How far off the numbers of y may be by rounding, here and at the first step of differences."""
        largest: Array = np.max([np.abs(y(step)) for step in (0.0, -(2.0**-4), 2.0**-4)], axis=0)
        return largest * self.eps(0)

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

    def slopes(self, v: Flow) -> tuple[Array, Array, Array]:
        """The one-sided slopes of each number of y as x moves along v, the smaller first, and the slack to allow.

        The slack is infinite where differences can't tell because y is too steep or jumps.
        """
        low, high, error = self.one_sided(self.towards(v))
        size = np.abs(low) + np.abs(high)
        slack = _UNSURE * error + 1e-6 * size + _ROUNDING * self.eps(0)
        return low, high, np.where(slack > 1e-2 * size + 1e-6, np.inf, slack)

    def slopes_beside(self, direction: Sequence[Array], draws: np.random.Generator) -> Array:
        """The slopes of y in the direction from points next to x, (points, *y.shape).

        At a corner with more than two sides, the one-sided slopes are just two of those that a derivative may take.
        """
        slopes, distance = [], np.sqrt(self.eps(0))
        step = distance / 64  # with which rounding leaves six digits
        for _ in range(_BESIDE):
            x = map_parts(lambda part: part + distance * draws.normal(size=part.shape), self.case.x)
            y = Point.along(attrs.evolve(self, case=attrs.evolve(self.case, x=x)), [v[0] for v in direction])
            slopes.append((y(step) - y(-step)) / (2 * step))
        return np.array(slopes)

    def slope_of(self, place: Any, v: Flow) -> float:
        """<dx, v> for the dx of the one number of y at this place."""
        dy = np.zeros_like(self.dy)
        dy[place] = 1
        results = self.case.passes(dy=parted(dy, self.case.dy))
        return float(sum(np.sum(along * results[at]) for at, along in named_parts("dx", v).items() if at in results))

    def compare(self, moved: Sequence[int], directions: list[Array], indices: Array | None = None) -> None:
        """Raise Difference where <gradient, direction> is not the derivative in it.

        `moved` says which leaf each direction moves, and `indices` which number of that leaf, if just one.
        """
        expected = self.derivatives(directions)
        got, terms = self._products(moved, directions, indices)
        eps = np.array([self.eps(which) for which in moved])
        finite = np.isfinite(got)
        sizes = np.where(finite, terms, 0) + expected.terms
        bounds = (_ROUNDING * eps + (0 if expected.is_exact else _NUMERIC)) * sizes + _UNSURE * expected.errors
        for i in map(int, np.flatnonzero(~(np.abs(got - expected.values) <= bounds))):
            one = [d[[i]] if d.any() else d[:1] for d in directions]
            value, bound = self._weighed(moved[i], one, float(expected.values[i]), float(bounds[i]))
            is_near = finite[i] and (abs(got[i] - value) <= bound or self._is_corner(one, float(got[i])))
            is_known = np.isfinite(value) and expected.errors[i] <= max(1e-2 * abs(value), 1e-6)
            if is_known and not is_near:
                oracle = "dual numbers" if expected.is_exact else "extrapolated differences"
                difference = Difference("", float(got[i]), value, None, oracle, bound)
                raise self._placed(difference, moved, i, indices, expected)

    def _products(
        self, moved: Sequence[int], directions: Sequence[Array], indices: Array | None
    ) -> tuple[Array, Array]:
        """<gradient, direction> for each direction, and the sums of the magnitudes of their terms."""
        if indices is not None:
            got = np.array([self.gradients[which].flat[index] for which, index in zip(moved, indices, strict=True)])
            return got, np.abs(got)
        terms = [(directions[which][i] * self.gradients[which]).ravel() for i, which in enumerate(moved)]
        return np.array([np.sum(each) for each in terms]), np.array([np.sum(np.abs(each)) for each in terms])

    def _placed(
        self, difference: Difference, moved: Sequence[int], i: int, indices: Array | None, expected: Derivatives
    ) -> Difference:
        """The difference with the name of the leaf that direction i moves and, for one coordinate, its place there."""
        which = moved[i]
        name = self.names[which]
        g = self.gradients[which]
        if indices is None:
            return attrs.evolve(difference, at=f"<{self.case.name(name)}, v>")
        index = as_index(np.unravel_index(indices[i], g.shape))
        values = expected.values[np.asarray(moved) == which]
        whole = (g, values.reshape(g.shape)) if len(values) == g.size else None
        return attrs.evolve(difference, at=name, index=index, arrays=whole)

    def eps(self, which: int) -> float:
        return float(max(np.finfo(a.dtype).eps for a in (self.gradients[which], self.dy)))

    def _weighed(self, which: int, direction: list[Array], value: float, bound: float) -> tuple[float, float]:
        """The derivative and its bound, with the rounding of backward and of the oracle as a wider dtype shows it."""
        try:
            there = Point.at(self.case.cast(np.longdouble))
            exact = there.derivatives(direction)
        except Exception:  # a layer that does not take long double is judged by its float64
            return value, bound
        noise = abs(np.sum(direction[which] * (there.gradients[which] - self.gradients[which])))
        bound += _UNSURE * float(noise) + there.case.rounding(there.dy)  # the wider dtype can't show this part
        if not exact.is_exact or not np.isfinite(exact.values[0]):
            return value, bound
        return float(exact.values[0]), bound + _UNSURE * abs(float(exact.values[0]) - value)

    def _is_corner(self, direction: list[Array], got: float) -> bool:
        """Whether y or a derivative of y jumps here, so that the law `kinks` applies instead."""
        low, high, error = self.one_sided(direction)
        if (high - low > _UNSURE * error + 1e-6 * (np.abs(low) + np.abs(high))).any():
            return True
        y = self.along([v[0] for v in direction])
        change = np.maximum(*(np.abs(y(step) - y(0.0)) for step in (-(2.0**-40), 2.0**-40)))
        if (change > 64 * self.eps(0) * np.abs(y(0.0)) + 2.0**-16).any():  # a slope would be above 2**24
            return True
        if all(len(np.unique(x)) == x.size for x in floats(self.case.x)):
            return False
        slopes = self.slopes_beside(direction, self.case.draws("corner")) * self.dy
        sums = slopes.reshape(len(slopes), -1).sum(axis=1)
        return bool(sums.min() < got < sums.max())


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


def _filled(dx: Flow, x: Flow) -> Flow:
    """dx with zeros for the None of integers."""
    return map_both(lambda part, of_x: np.zeros(of_x.shape) if part is None else part, dx, x)
