"""Laws that hold backward against the derivative of forward, and what follows from it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import attrs
import numpy as np

from funcnet import tree
from funcnet.arrays import Array
from funcnet.layer import Layer
from funcnet.testing.case import ROUNDING, Case, Difference, Inapplicable, Results, close, gradient, same_bits
from funcnet.testing.oracles import in_chunks, one_hot, one_sided, pushed, slope

_MOST_EXACT, _MOST_NUMERIC = 4096, 64  # coordinates of a leaf that are looked at in one case
_MOST_CORNERS = 8  # numbers of y


def coordinates(case: Case) -> None:
    """Every coordinate of dx and of grads is the derivative of <dy, y>."""
    point = Point.of(case)
    exact = point.derivatives(point.zeros(1)).oracle == "dual numbers"
    most = _MOST_EXACT if exact else _MOST_NUMERIC
    for which, leaf in enumerate(point.leaves):
        if leaf.dtype.kind == "f":
            indices = case.draws("coordinates").permutation(leaf.size)[:most]
            for part in in_chunks(np.sort(indices), 8 * max(leaf.size, case.dy.size)):
                point.compare(which, one_hot(point.leaves, which, part), part)


def adjointness(case: Case) -> None:
    """<dy, J v> = <dx, v> for a random v, and likewise for each leaf of params."""
    point, draws = Point.of(case), case.draws("adjointness")
    for which, leaf in enumerate(point.leaves):
        if leaf.dtype.kind == "f":
            directions = point.zeros(1)
            directions[which] = draws.normal(size=(1, *leaf.shape)).astype(leaf.dtype)
            point.compare(which, directions)


def kinks(case: Case) -> None:
    """At a tie or a corner of one number of y, <dx, v> lies between the one-sided derivatives along v."""
    case.needs(not (isinstance(case.layer, Layer) and case.layer.parts(case.input_shape)))  # where corners may meet
    x = case.x if case.is_given else np.sign(np.round(case.x))
    point, draws = Point.of(attrs.evolve(case, x=x)), case.draws("kinks")
    v = draws.integers(1, 5, x.shape) / 4.0
    try:
        low, high, error = point.one_sided([v[None], *point.zeros(1)[1:]])
    except Exception as outside:  # near a point that forward takes there may be some that it does not
        raise Inapplicable from outside
    slack = 8 * error + 1e-6 * (abs(low) + abs(high)) + ROUNDING * point.eps(0)
    for j in draws.permutation(low.size)[:_MOST_CORNERS]:
        place = np.unravel_index(j, low.shape)
        dy = np.zeros_like(point.case.dy)
        dy[place] = 1
        got = float(np.sum(v * _gradients(attrs.evolve(point.case, dy=dy))[0]))
        if np.isfinite(slack[place]) and not low[place] - slack[place] <= got <= high[place] + slack[place]:
            expected = f"from {low[place]:.6g} to {high[place]:.6g}"
            at = f"<dx, v>, dy being 1 at {tuple(map(int, place))} and 0 elsewhere,"
            raise Difference(at, got, expected, None, "one-sided differences", float(slack[place]))


def linearity(case: Case) -> None:
    """b(0) = 0 and b(2**k * dy) = 2**k * b(dy) to the bit, b(u + v) = b(u) + b(v)."""
    _, cache = case.layer.forward(case.params, case.x)

    def backward(dy: Array) -> Results:
        return gradient(*case.layer.backward(case.params, cache, dy.astype(case.dy.dtype)))

    first = backward(case.dy)
    same_bits(
        {at: leaf + 0 for at, leaf in backward(np.zeros_like(case.dy)).items()},  # -0.0 + 0 is 0.0
        {at: np.zeros_like(leaf) for at, leaf in first.items()},
        "b(0) = 0",
    )
    for k in (-6, 6):
        scaled = {at: np.ldexp(leaf, k) if leaf.dtype.kind == "f" else leaf for at, leaf in first.items()}
        got = backward(np.ldexp(case.dy, k))
        for leaves in (got, scaled):
            leaves.update({at: _normal(leaf, first[at]) for at, leaf in leaves.items()})
        same_bits(got, scaled, f"2**{k} * b(dy)")
    other = case.draws("linearity").normal(size=case.dy.shape).astype(case.dy.dtype)
    parts = backward(other)
    close(backward(case.dy + other), {at: first[at] + parts[at] for at in first}, case, "b(u) + b(v)")


def _normal(array: Array, original: Array) -> Array:
    """The array with 0 where the original is too small for scaling by a power of two to be exact."""
    if original.dtype.kind != "f":
        return array
    return np.where(np.abs(original) < np.finfo(original.dtype).tiny * 2.0**10, 0, array).astype(array.dtype)


def symmetry(case: Case) -> None:
    """A shift-invariant layer's dx sums to 0 over each example; one homogeneous of degree k has <dx, x> = k <dy, y>."""
    case.needs(bool(case.symmetries) and case.x.size > 0)
    results = case.passes()
    y, dx = results["y"], results["dx"]
    for declared in case.symmetries:
        degree = {"scale-invariant": 0}.get(declared, declared[-1]) if declared != "shift-invariant" else None
        if degree is None:
            got, expected, moved, image = _by_example(case, dx), 0.0, case.x + 1, y
        else:
            got = _by_example(case, dx * case.x)
            expected = degree * _by_example(case, case.dy * y)
            moved, image = case.x * 2, y * 2.0**degree
        name, n = declared if isinstance(declared, str) else f"homogeneous of degree {degree}", case.x.size + y.size
        bound = case.rounding(dx * case.x, dx, case.dy * y) * n
        if not np.all(np.abs(got - expected) <= bound):
            index = tuple(map(int, np.argwhere(~(np.abs(got - expected) <= bound))[0]))
            wanted = np.broadcast_to(expected, got.shape)[index]
            at = "the sum of dx" if degree is None else "<dx, x>"
            raise Difference(at, got[index], wanted, index, f"as it is declared {name}", bound)
        if not case.is_given:
            there, _ = case.layer.forward(case.params, moved.astype(case.x.dtype))
            close({"y": np.asarray(there)}, {"y": image.astype(y.dtype)}, case, f"y, as it is declared {name}")


def _by_example(case: Case, array: Array) -> Array:
    """The sums over each example, of the shape of the batch."""
    return np.asarray(array.sum(axis=tuple(range(len(case.batch), array.ndim)), dtype=np.float64))


@attrs.frozen(eq=False)
class Derivatives:
    """Derivatives of <dy, y> in k directions, (k,); the magnitudes of their terms, summed; how far off they may be."""

    values: Array
    terms: Array
    errors: Array
    oracle: str


@attrs.frozen(eq=False)
class Point:
    """Where derivatives are taken: x and the leaves of params, in float64 if the layer takes that, and the gradient."""

    case: Case
    gradients: tuple[Array, ...]

    @staticmethod
    def of(case: Case) -> Point:
        for dtype in (np.float64, case.x.dtype):
            try:
                cast = case.cast(dtype)
                return Point(cast, _gradients(cast))
            except TypeError:
                if dtype == case.x.dtype:
                    raise
        raise AssertionError("unreachable")

    @property
    def tree(self) -> Any:
        return self.case.x, self.case.params

    @property
    def leaves(self) -> list[Array]:
        return tree.leaves(self.tree)

    def zeros(self, k: int) -> list[Array]:
        """Directions in which nothing moves."""
        return [np.zeros((k, *(1,) * leaf.ndim)) for leaf in self.leaves]

    def derivatives(self, directions: Sequence[Array]) -> Derivatives:
        """By dual numbers, or by differences where forward does something that has no rule."""
        dy = self.case.dy
        try:
            tangents = pushed(lambda at: self.case.layer.forward(at[1], at[0])[0], self.tree, directions)
            products = tangents * dy
        except Exception:  # whatever forward makes of dual numbers, it is to be differentiated as it is
            products, errors = self._slopes(directions)
            oracle = "extrapolated differences"
        else:
            errors, oracle = np.zeros(1), "dual numbers"
        products, errors = (np.reshape(a, (len(a), -1)) for a in (products, errors))
        return Derivatives(products.sum(axis=1), np.abs(products).sum(axis=1), errors.sum(axis=1), oracle)

    def _slopes(self, directions: Sequence[Array]) -> tuple[Array, Array]:
        """The terms dy * (derivative of y) in each direction, and how far off they may be."""
        dy = np.abs(self.case.dy)
        each = [self.along([d[i % len(d)] for d in directions]) for i in range(max(map(len, directions)))]
        slopes = [slope(y, np.abs(y(0.0)) * self.eps(0)) for y in each]
        return np.array([self.case.dy * s for s, _ in slopes]), np.array([dy * e for _, e in slopes])

    def along(self, direction: Sequence[Array]) -> Callable[[float], Array]:
        """y as a function of how far the point moves in the direction."""
        leaves, structure = tree.flatten(self.tree)

        def y(step: float) -> Array:
            moved = [
                np.asarray(leaf + (step * v).astype(leaf.dtype)) if leaf.dtype.kind == "f" else leaf
                for leaf, v in zip(leaves, direction, strict=True)
            ]
            x, params = tree.unflatten(structure, iter(moved))
            return np.asarray(self.case.layer.forward(params, x)[0])

        return y

    def one_sided(self, directions: Sequence[Array]) -> tuple[Array, Array, Array]:
        """The smaller and the larger of the one-sided derivatives of each number of y, and how far off they may be."""
        y = self.along([d[0] for d in directions])
        rounding = np.abs(y(0.0)) * self.eps(0)
        up, up_error = one_sided(y, rounding)
        down, down_error = one_sided(lambda step: y(-step), rounding)
        return np.minimum(up, -down), np.maximum(up, -down), up_error + down_error

    def compare(self, which: int, directions: list[Array], indices: Array | None = None) -> None:
        """Raise Difference where <gradient, direction> is not the derivative in it."""
        expected = self.derivatives(directions)
        flat = directions[which].reshape(len(directions[which]), -1)
        got = flat @ self.gradients[which].ravel()
        terms = expected.terms + np.abs(flat) @ np.abs(self.gradients[which].ravel())
        bounds = ROUNDING * self.eps(which) * terms + 4 * expected.errors
        for i in np.flatnonzero(~(np.abs(got - expected.values) <= bounds)):
            one = [d[[i]] if len(d) > i else d for d in directions]
            value, bound = self._weighed(which, one, float(expected.values[i]), float(bounds[i]))
            if abs(got[i] - value) <= bound or not np.isfinite(value) or self._is_corner(one):
                continue
            index, whole = None, None
            if indices is not None:
                index = tuple(map(int, np.unravel_index(indices[i], self.gradients[which].shape)))
                if len(indices) == self.gradients[which].size:
                    whole = (self.gradients[which], expected.values.reshape(self.gradients[which].shape))
            name = self._name(which) if indices is not None else f"<{self._name(which)}, v>"
            raise Difference(name, got[i], value, index, expected.oracle, bound, arrays=whole)

    def eps(self, which: int) -> float:
        return float(max(np.finfo(a.dtype).eps for a in (self.gradients[which], self.case.dy)))

    def _name(self, which: int) -> str:
        return [*gradient(0, self.case.params)][which]

    def _weighed(self, which: int, direction: list[Array], value: float, bound: float) -> tuple[float, float]:
        """The derivative, and the bound with what rounding does to backward and the oracle, as more digits show."""
        try:
            wide = self.case.cast(np.longdouble)
            there = Point(wide, _gradients(wide))
            exact = there.derivatives(direction)
        except Exception:  # a layer that knows no long double is judged by what it does in float64
            return value, bound
        noise = abs(np.sum(direction[which] * (there.gradients[which] - self.gradients[which])))
        if exact.oracle != "dual numbers" or not np.isfinite(exact.values[0]):
            return value, bound + 4 * float(noise)
        return float(exact.values[0]), bound + 4 * float(noise + abs(exact.values[0] - value))

    def _is_corner(self, directions: list[Array]) -> bool:
        """Whether a derivative of y jumps here, or y itself does: `kinks` is the law of that."""
        low, high, error = self.one_sided(directions)
        y = self.along([d[0] for d in directions])
        change = np.maximum(*(np.abs(y(step) - y(0.0)) for step in (-(2.0**-40), 2.0**-40)))
        jump = change > 64 * self.eps(0) * np.abs(y(0.0)) + 2.0**-16
        return bool((jump | (high - low > 4 * error + 1e-6 * (np.abs(low) + np.abs(high)))).any())


def _gradients(case: Case) -> tuple[Array, ...]:
    """dx and the leaves of grads."""
    _, cache = case.layer.forward(case.params, case.x)
    dx, grads = case.layer.backward(case.params, cache, case.dy)
    return np.asarray(dx), *tree.leaves_like(case.params, grads, "grads")
