"""By how much a wrong gradient is off: by a factor, by something known that was added, or by rounding."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from funcnet.testing.cases.case import Case, leaves, parts
from funcnet.testing.reports.comparing import largest, nearly
from funcnet.tree import Array


def ratio_of(got: Array, expected: Array) -> float | None:
    """The one factor between the right numbers and these; None if there is none, or only one number to tell it by."""
    where = np.abs(expected) > 1e-9 * largest(expected)
    ratios = got[where] / expected[where]
    if (where.sum() < 2 and got.size > 1) or not ratios.size or not nearly(ratios, np.full(ratios.shape, ratios[0])):
        return None
    ratio = float(ratios[0])
    return ratio if nearly(got, ratio * expected) else None


def constant_ratio(got: Array, expected: Array, at: str, case: Case) -> str:
    """Say by which factor all of it is off, and where that may come from."""
    ratio, n = ratio_of(got, expected), math.prod(case.batch)
    if ratio is None:
        return ""
    names = {1.0: "", -1.0: "the sign is wrong", 2.0: "a factor of 2 too many", 0.5: "a factor of 2 is missing"}
    if n > 2 or (n == 2 and at.startswith("grads")):
        names[float(n)] = f"{n} times too large, and there are {n} rows: a mean was not taken"
        names[1.0 / n] = f"{n} times too small, and there are {n} rows: a mean was taken instead of the sum"
    for axis, length in _axes(got, case):
        names.setdefault(float(length), f"{length} times too large, the length of {axis}: divide by it")
        names.setdefault(1.0 / length, f"{length} times too small, the length of {axis}: do not divide by it")
    known = (text for factor, text in names.items() if math.isclose(ratio, factor, rel_tol=1e-4))
    return next(known, f"every number is {ratio:.6g} times the expected one")


def _axes(got: Array, case: Case) -> Iterator[tuple[str, int]]:
    """The axes of the gradient, of x and of dy, with their lengths."""
    for name, array in {"": got, **_flowing(case)}.items():
        for axis, length in enumerate(array.shape):
            if length > 2:
                yield (f"axis {axis} of {name}" if name else f"its axis {axis}"), length


def _flowing(case: Case) -> dict[str, Array]:
    """x and dy by name, part by part."""
    x = {name.replace("dx", case.name("x"), 1): part for name, part in parts("dx", case.x).items()}
    dy = {name.replace("y", "dy", 1): part for name, part in parts("y", case.dy).items()}
    return {name: np.asarray(part, np.float64) for name, part in {**x, **dy}.items()}


def factor(got: Array, expected: Array, at: str, case: Case) -> str:
    """Say which of x, dy and the params is a factor that is missing, or is there once too often."""
    for name, array in {**_flowing(case), **leaves("params", case.params)}.items():
        if array.size < 2 or np.ptp(array) == 0 or np.broadcast_shapes(array.shape, got.shape) != got.shape:
            continue
        if nearly(got * array, expected):
            return f"the factor {name} is missing"
        if nearly(got, expected * array):
            return f"the factor {name} is one too many"
    return ""


def added(got: Array, expected: Array, at: str, case: Case) -> str:
    """Say that a constant, x, dy, the param itself or a multiple of these was added, or is missing."""
    off, own = got - expected, leaves("grads", case.params).get(at)
    known = {**_flowing(case), **({} if own is None else {"the param": np.asarray(own, np.float64)})}
    for name, array in {**known, "1": np.ones(off.shape)}.items():
        is_one = array.shape == off.shape and off.size > 2 and (name == "1" or np.ptp(array) > 0)
        if is_one and (ratio := ratio_of(off, array)):
            return _sum(name, ratio)
    return ""


def _sum(name: str, ratio: float) -> str:
    if name == "1":
        return f"{ratio:.6g} is added to every number"
    if math.isclose(ratio, -1, rel_tol=1e-4):
        return f"the summand {name} is missing"
    return f"{name} is added to it" + ("" if math.isclose(ratio, 1, rel_tol=1e-4) else f", times {ratio:.6g}")


def same_along(got: Array, expected: Array, at: str, case: Case) -> str:
    """Say along which axis it is off by the same everywhere, as where a sum or a mean over that axis is forgotten."""
    off = got - expected
    for axis in range(off.ndim):
        mean = off.mean(axis=axis, keepdims=True)
        is_same = off.size - mean.size > 2 and nearly(off, np.broadcast_to(mean, off.shape))
        if is_same and np.count_nonzero(off) * 2 > off.size and not nearly(got, expected):
            return f"it is off by the same along axis {axis}: a term with the sum or mean over that axis is wrong"
    return ""


def clipped(got: Array, expected: Array, at: str, case: Case) -> str:
    """Say that it does not get larger than some number."""
    most = largest(got)
    is_at_most = np.abs(got) == most
    is_right = np.isclose(got, expected, rtol=1e-6, atol=0)
    is_clipped = (is_at_most & (np.sign(got) == np.sign(expected)) & (np.abs(expected) > most)) | is_right
    return f"it is clipped to {most:.6g}" if is_clipped.all() and (is_at_most & ~is_right).sum() > 1 else ""


def rough(got: Array, expected: Array, at: str, case: Case) -> str:
    """Say how exact it is, if it is nearly right everywhere."""
    off = np.abs(got - expected)
    share = float(np.max(off / np.maximum(np.abs(expected), np.finfo(float).tiny)))
    if off.size < 3 or (off == 0).sum() * 2 > off.size or not share < (1e-4 if at.startswith("y") else 1e-2):
        return ""
    return f"it is off by at most {share:.1e} of its size: an approximation, an eps, or a narrow dtype on the way"
