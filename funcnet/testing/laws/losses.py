"""Laws of losses. At a fixed target a loss is a layer without params, so some laws of layers apply as well."""

from __future__ import annotations

import warnings
from typing import Any

import attrs
import numpy as np

from funcnet.errors import UsageWarning
from funcnet.testing.cases.case import Case, Results, needs, unsigned
from funcnet.testing.laws import derivatives, numbers, passes
from funcnet.testing.laws.structure import two
from funcnet.testing.reports.comparing import Difference, close, same_bits, same_form
from funcnet.tree import Array, is_leaf


@attrs.frozen(eq=False)
class AtTarget:
    """A loss at one target as a layer: its x is the y of the loss, its y the value. `is_bounded` if y is limited."""

    loss: Any
    target: Array
    is_bounded: bool

    def forward(self, params: tuple[()], x: Array) -> tuple[Any, Any]:
        value, cache = self.loss.forward(x, self.target)
        return (np.asarray(value) if isinstance(value, float) else value), cache

    def backward(self, params: tuple[()], cache: Any, dy: Array) -> tuple[Array, tuple[()]]:
        dx = self.loss.backward(cache)
        return (dx if dy == 1 else dx * dy), ()


NAMES = {"x": "y", "y": "value", "dx": "dy"}  # a loss's names for a layer's x, y and dx


def loss_case(loss: Any, y: Array, target: Array, is_bounded: bool, symmetries: tuple[Any, ...] = ()) -> Case:
    """The case of the loss at this target as a layer, with x = y."""
    # For the laws of layers x is given, because a different x may not fit the target; and dy is always 1.
    layer = AtTarget(loss, target, is_bounded)
    return Case(layer, (), y, np.ones((), y.dtype), y.shape[-1:], symmetries, is_given=True, names=NAMES)


def _passes(case: Case, y: Array | None = None, target: Array | None = None) -> Results:
    """The value and dy of the loss, at a different y and target where they are given."""
    layer = case.layer
    value, cache = layer.loss.forward(case.x if y is None else y, layer.target if target is None else target)
    return {"value": np.asarray(value), "dy": np.asarray(layer.loss.backward(cache))}


def structure(case: Case) -> None:
    """The value is one number; dy has the shape of y."""
    _, cache = two(case.layer.loss.forward(case.x, case.layer.target), "forward", "(value, cache)")
    dy = case.layer.loss.backward(cache)
    if not is_leaf(dy):
        hint = "backward of a loss returns dy alone, not a tuple" if isinstance(dy, tuple) else ""
        raise Difference("dy", type(dy).__name__, "an array", diagnosis=hint)
    results = _passes(case)
    same_form("value", results["value"], np.zeros(()), "shape")
    same_form("dy", results["dy"], case.x, "shape")


def purity(case: Case) -> None:
    """Forward and backward leave y, the target and the cache as they were."""
    target = case.layer.target.copy()
    before = target.tobytes()
    _passes(case, target=target)
    if target.tobytes() != before:
        raise Difference("target", "changed by a pass", "as it was")
    target.flags.writeable = False
    _passes(case, target=target)
    passes.purity(case)


def coordinates(case: Case) -> None:
    """Every coordinate of dy is the derivative of the value."""
    derivatives.coordinates(_in_float64(case))


def adjointness(case: Case) -> None:
    """The derivative of the value along a random v is <dy, v>."""
    derivatives.adjointness(_in_float64(case))


def _in_float64(case: Case) -> Case:
    """The case with the same numbers, y and target, in float64."""
    target = case.layer.target
    target = target.astype(np.float64) if target.dtype.kind == "f" else target
    return attrs.evolve(case.cast(np.float64), layer=attrs.evolve(case.layer, target=target))


def permutation(case: Case) -> None:
    """Examples in a different order give the same value, and the rows of dy in that order."""
    order = np.roll(np.arange(case.needs_rows(2)), 1)
    expected = _passes(case)
    expected["dy"] = expected["dy"][order]
    got = _passes(case, case.x[order], case.layer.target[order])
    close(got, expected, case.rounding, "the examples before they changed places")


def sums(case: Case) -> None:
    """The value is the sum or the mean of the values of the examples; an example given twice counts twice."""
    n, target = case.needs_rows(), case.layer.target
    is_mean = _is_mean(case)
    oracle = f"the {'mean' if is_mean else 'sum'} of the examples one at a time"
    for rows in (np.arange(n), np.array([0, *range(n)])):
        divisor = case.x.dtype.type(len(rows) if is_mean else 1)
        each = [_passes(case, case.x[[i]], target[[i]]) for i in rows]
        values, dys = ([row[at] for row in each] for at in ("value", "dy"))
        expected = {"value": np.sum(values, axis=0) / divisor, "dy": np.concatenate(dys) / divisor}
        close(_passes(case, case.x[rows], target[rows]), expected, case.rounding, oracle)


def reductions(case: Case) -> None:
    """reduction="sum" gives the value and dy of "mean" or "batch" times the number of terms that these average."""
    loss = case.layer.loss
    needs(hasattr(loss, "reduction") and attrs.has(type(loss)))
    total = _passes(_reducing(case, "sum"))
    examples = int(np.prod(case.x.shape[:-1]))
    for reduction, counts in (("mean", (case.x.size, examples)), ("batch", (examples,))):
        results = _passes(_reducing(case, reduction))
        differences = []
        for n in counts:
            try:
                scaled = {at: array * n for at, array in results.items()}
                close(scaled, total, case.rounding, f'reduction="sum", as "{reduction}" is over {n}')
            except Difference as difference:
                differences.append(difference)
        if len(differences) == len(counts):
            raise differences[0]


def _reducing(case: Case, reduction: str) -> Case:
    loss = attrs.evolve(case.layer.loss, reduction=reduction)
    return attrs.evolve(case, layer=attrs.evolve(case.layer, loss=loss))


def single(case: Case) -> None:
    """One example without a batch axis gives a value and a dy of its shape."""
    case.needs_rows()
    structure(_at_rows(case, 0))


def axes(case: Case) -> None:
    """Examples on several batch axes give a value and a dy of their shape."""
    case.needs_rows()
    structure(_at_rows(case, None))


def _at_rows(case: Case, rows: Any) -> Case:
    """The case with what this index makes of y and of the target."""
    target = np.asarray(case.layer.target[rows])
    return attrs.evolve(case, x=np.asarray(case.x[rows]), layer=attrs.evolve(case.layer, target=target))


def empty(case: Case) -> None:
    """Without examples the sum is 0 and dy empty; the mean is undefined, and raising ValueError best."""
    case.needs_rows()
    needs(not _is_mean(case), "a mean of nothing is undefined")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", UsageWarning)
        results = _passes(case, case.x[:0], case.layer.target[:0])
    expected = {"value": np.zeros(()), "dy": case.x[:0]}
    same_bits(unsigned(results), {at: array.astype(results[at].dtype) for at, array in expected.items()}, "no examples")


def _is_mean(case: Case) -> bool:
    """Whether an example given twice has the value of the example given once, rather than twice that value."""
    once, twice = (float(_passes(case, case.x[[0] * n], case.layer.target[[0] * n])["value"]) for n in (1, 2))
    needs(once != 0)
    return abs(twice - once) < abs(twice - 2 * once)


def shapes(case: Case) -> None:
    """A target of a wrong shape raises an error: nothing is broadcast by accident."""
    target = case.layer.target
    needs(target.ndim > 0)
    wrong = {"one example too many": np.concatenate([target, target[:1]]), "an axis too many": target[..., None]}
    if len(target) > 1:
        wrong["one example for all"] = target[:1]
    for name, other in wrong.items():
        if other.shape == case.x.shape:  # labels of a single class, with an axis too many
            continue
        try:
            value = _passes(case, target=other)["value"]
        except Exception:  # such as the IndexError of labels
            continue
        raise Difference("value", value, "an error", oracle=f"a target of {name}: {other.shape} for y {case.x.shape}")


def finite(case: Case) -> None:
    """y of magnitude 1e3 and 1e5 gives a finite value and dy where the true ones fit the dtype."""
    case.needs_rows()
    needs(not case.layer.is_bounded)
    numbers.check_magnitudes(case)


def nan(case: Case) -> None:
    """A NaN in y makes the value NaN or raises ValueError: it is not swallowed."""
    y, moved = case.x.copy(), case.x.copy()
    y.flat[0] = np.nan
    moved.flat[0] = moved.flat[0] * (1 - 2.0**-10) + 2.0**-12
    try:
        value = _passes(case, y)["value"]
    except ValueError:
        return
    if not np.isnan(value) and _passes(case, moved)["value"] != _passes(case)["value"]:
        raise Difference("value", value, "NaN, as the first number of y is NaN")


def layout(case: Case) -> None:
    """Fortran order, strides, negative strides, read-only memory and another byte order give the same values."""
    target = case.layer.target
    numbers.check_layouts(lambda laid: _passes(case, laid(case.x), laid(target)), _passes(case), case, "y and target")


def dtype(case: Case) -> None:
    """The value and dy have the dtype of y; those of float32 are those of float64 up to rounding."""
    got = _passes(case)
    for at, array in got.items():
        same_form(at, array, case.x, "dtype")
    needs(case.x.dtype == np.float32)
    wide = {at: array.astype(np.float32) for at, array in _passes(_in_float64(case)).items()}
    needs(all(np.isfinite(array).all() for array in got.values()))  # otherwise the law `finite` applies
    close(got, wide, case.rounding, "float64")
