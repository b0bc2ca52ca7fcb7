"""Comparisons of results, and the exception that says where they differ."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import attrs
import numpy as np

from funcnet import tree
from funcnet.tree import Array


@attrs.define(eq=False, slots=False)
class Difference(Exception):  # noqa: N818, a law turns it into a LawViolation
    """Raised by a broken law: the wrong result, the place in it, the value found there and the expected one."""

    at: str
    got: Any
    expected: Any
    index: tuple[int, ...] | None = None
    oracle: str = ""
    bound: float = 0.0
    diagnosis: str = ""
    arrays: tuple[Any, Any] | None = None
    counts: Mapping[str, tuple[int, int]] = {}


def same_form(at: str, got: Any, expected: Any, *whats: str) -> None:
    """Raise Difference where the arrays differ in one of the given attributes: "shape" or "dtype"."""
    for what in whats:
        if getattr(got, what) != getattr(expected, what):
            raise Difference(at, f"{what} {getattr(got, what)}", f"{what} {getattr(expected, what)}")


def same_bits(got: Mapping[str, Array], expected: Mapping[str, Array], oracle: str) -> None:
    """Raise Difference where `got` differs from `expected` in any bit."""
    for at, g, e in _pairs(got, expected, oracle):
        if g.dtype != e.dtype:
            raise _at(at, g, e, [], oracle, 0.0)
        if not tree.equal(g, e) and len(places := np.argwhere((_bytes(g) != _bytes(e)).any(axis=-1))):
            raise _at(at, g, e, places, oracle, 0.0)


def close(
    got: Mapping[str, Array], expected: Mapping[str, Array], bound_of: Callable[[Array, Array], float], oracle: str
) -> None:
    """Raise Difference where `got` is further from `expected` than `bound_of` the two arrays."""
    for at, g, e in _pairs(got, expected, oracle):
        bound = bound_of(g, e)
        with np.errstate(invalid="ignore"):
            near = (np.abs(g - e) <= bound) | (g == e) | (np.isnan(g) & np.isnan(e))
        if not near.all():
            raise _at(at, g, e, np.argwhere(~near), oracle, bound)


def _pairs(got: Mapping[str, Array], expected: Mapping[str, Array], oracle: str) -> Iterator[tuple[str, Array, Array]]:
    if got.keys() != expected.keys():
        raise Difference("grads", f"leaves {[*got]}", f"leaves {[*expected]}", oracle=oracle)
    for at in got:
        g, e = np.asarray(got[at]), np.asarray(expected[at])
        if g.shape != e.shape:
            raise Difference(at, f"shape {g.shape}", f"shape {e.shape}", oracle=oracle)
        yield at, g, e


def _bytes(array: Array) -> Array:
    """The bytes of each number, on a last axis; without those that only fill a long double up."""
    is_filled_up = array.dtype == np.longdouble and np.finfo(np.longdouble).nmant == 63
    return np.array(array, order="C")[..., None].view(np.uint8)[..., : 10 if is_filled_up else None]


def _at(at: str, got: Array, expected: Array, places: Any, oracle: str, bound: float) -> Difference:
    if not len(places):
        return Difference(at, got.dtype, expected.dtype, oracle=oracle)
    index = as_index(places[0])
    return Difference(at, got[index], expected[index], index, oracle, bound, arrays=(got, expected))


def own_memory(arrays: Mapping[str, Array], others: Mapping[str, Array]) -> None:
    """Raise Difference where any of the arrays shares memory with any of the others."""
    for at, array in arrays.items():
        for name, other in others.items():
            if np.shares_memory(array, other):
                hint = f"{at} and {name} share memory: copy one; parts of y or of dx may be read-only instead"
                raise Difference(at, f"memory of {name}", "separate memory", diagnosis=hint)


def as_index(place: Any) -> tuple[int, ...]:
    """A row of `np.argwhere`, or a result of `np.unravel_index`, as an index of plain ints."""
    return tuple(map(int, place))


def largest(array: Any) -> float:
    """The largest magnitude among the finite numbers of the array; 0 if it has none."""
    magnitudes = np.abs(np.asarray(array, np.float64))
    return float(np.max(magnitudes, initial=0, where=np.isfinite(magnitudes)))


def precision(*arrays: Any) -> float:
    """The largest eps of the arrays: that of float32 where one of them is in float32; 0 of no floats."""
    floats = [array.dtype for array in map(np.asarray, arrays) if array.dtype.kind == "f"]
    return max((float(np.finfo(dtype).eps) for dtype in floats), default=0.0)


def nearly(a: Array, b: Array) -> bool:
    """Whether two arrays are the same but for the error of an oracle."""
    return a.shape == b.shape and bool(np.allclose(a, b, rtol=1e-4, atol=1e-6 * largest(b), equal_nan=True))
