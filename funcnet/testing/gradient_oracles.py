"""The oracles that `check_gradients` asks, and what they say at corners, where a derivative depends on the side."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import attrs
import numpy as np

from funcnet.testing import oracles
from funcnet.tree import Array, Tree

Line: TypeAlias = Callable[[float], float]

_CLOSE = 2.0**-14  # how much shorter the steps are that tell a corner here from one nearby


@attrs.frozen(eq=False)
class Question:
    """Gradients `analytic` of f, at the coordinates of each leaf of a point, and the rounding of each leaf's dtype."""

    f: Callable[[Tree], Any]
    point: Tree
    coordinates: list[Array]
    analytic: list[Array]
    eps: list[float]

    def apart(self, derivatives: list[Array], errors: list[Array]) -> list[Array]:
        """Where gradient and derivative differ by more than rounding and these errors explain; NaN does."""
        each = zip(derivatives, self.analytic, self.eps, errors, strict=True)
        return [~(np.abs(n - a) <= 100 * eps * np.abs(n) + oracles.UNSURE * error) for n, a, eps, error in each]

    def chosen(self, where: list[Array]) -> list[Array]:
        """The coordinates at these places."""
        return [indices[chosen] for indices, chosen in zip(self.coordinates, where, strict=True)]


@attrs.frozen(eq=False)
class Judgement:
    """Derivatives by the oracle `method` and bounds on their errors; the number of corners; why not by "exact".

    At a corner the derivative is the number nearest to the gradient that the two sides allow.
    """

    method: str
    derivatives: list[Array]
    errors: list[Array]
    corners: list[int]
    reason: str = ""


def eps(leaf: Array) -> float:
    """The rounding of an array's dtype, or of float64 for what is not floating-point numbers."""
    return float(np.finfo(leaf.dtype if leaf.dtype.kind == "f" else np.float64).eps)


def judged(asked: Question, method: str | None, step: float) -> Judgement:
    """What an oracle says: that of the method or, by default, dual numbers where the function takes them."""
    if method is None:
        try:
            return _by_duals(asked)
        except Exception as error:  # the function may do anything to dual numbers
            return attrs.evolve(_by_differences(asked, "richardson", step), reason=oracles.why(error))
    if method not in ("exact", "richardson", "central"):
        raise ValueError(f'method must be "exact", "richardson", "central" or None, got {method!r}')
    return _by_duals(asked) if method == "exact" else _by_differences(asked, method, step)


def _by_duals(asked: Question) -> Judgement:
    above = oracles.exact(asked.f, asked.point, asked.coordinates)
    none = [np.zeros(len(n)) for n in above]
    where = asked.apart(above, none)
    below = oracles.exact(asked.f, asked.point, asked.chosen(where), side=-1)
    sides = [(n[chosen], m, 100 * 2.0**-52 * np.abs(m)) for n, chosen, m in zip(above, where, below, strict=True)]
    return Judgement("exact", *_between(asked, above, none, where, sides))


def _by_differences(asked: Question, method: str, step: float) -> Judgement:
    rounding = 2.0**-52 * abs(float(asked.f(asked.point)))
    lines = oracles.lines(asked.f, asked.point, asked.coordinates)

    def derivative(along: Line, size: float) -> tuple[float, float]:
        return _central(along, rounding, step) if method == "central" else oracles.slope(along, rounding, size)

    derivatives, errors = _pairs([[derivative(*line) for line in leaf] for leaf in lines])
    where = asked.apart(derivatives, errors)
    differing = [[leaf[i] for i in np.flatnonzero(chosen)] for leaf, chosen in zip(lines, where, strict=True)]
    if method == "richardson":
        for n, chosen, leaf in zip(derivatives, where, differing, strict=True):
            n[chosen] = [_beside_corners(*line, rounding, value) for line, value in zip(leaf, n[chosen], strict=True)]
    sides = [_sides(leaf, rounding) for leaf in differing]
    return Judgement(method, *_between(asked, derivatives, errors, where, sides))


def _central(along: Line, rounding: float, step: float) -> tuple[float, float]:
    """The central difference, and a bound on its error: that of rounding, and what half the step changes."""
    value = oracles.difference(along, step)
    return value, rounding / step + abs(value - oracles.difference(along, step / 2))


def _beside_corners(along: Line, size: float, rounding: float, value: float) -> float:
    """The derivative by much shorter steps, if it differs: then the longer ones stepped over a corner."""
    closer, error = oracles.slope(along, rounding, size * _CLOSE)
    return value if abs(closer - value) <= oracles.UNSURE * error + 1e-6 * abs(closer) else closer


def _pairs(each: list[list[tuple[float, float]]]) -> tuple[list[Array], list[Array]]:
    """The first and the second numbers of the pairs of each leaf."""
    arrays = [np.array(leaf, np.float64).reshape(-1, 2).T for leaf in each]
    return [first.copy() for first, _ in arrays], [second for _, second in arrays]


def _turned(along: Line) -> Line:
    return lambda step: along(-step)


def _sides(lines: list[Any], rounding: float) -> tuple[Array, Array, Array]:
    """The derivatives from above and from below along lines, and how far apart they may be without a corner."""
    above = [oracles.one_sided(along, rounding, size * _CLOSE) for along, size in lines]
    below = [oracles.one_sided(_turned(along), rounding, size * _CLOSE) for along, size in lines]
    (up, down), (up_error, down_error) = _pairs([above, below])
    return up, -down, oracles.without_corner(up, down, up_error + down_error)


def _between(
    asked: Question, derivatives: list[Array], errors: list[Array], where: list[Array], sides: list[Any]
) -> tuple[list[Array], list[Array], list[int]]:
    """The derivatives, errors and numbers of corners: at a corner, what is between the sides and nearest to a."""
    nearest, corners = [n.copy() for n in derivatives], []
    for n, a, chosen, (up, down, slack) in zip(nearest, asked.analytic, where, sides, strict=True):
        is_corner = np.abs(up - down) > slack
        between = np.clip(a[chosen], np.minimum(up, down) - slack, np.maximum(up, down) + slack)
        n[chosen] = np.where(is_corner, between, n[chosen])
        corners.append(int(is_corner.sum()))
    return nearest, errors, corners
