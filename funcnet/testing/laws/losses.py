"""Laws of losses. At a fixed target a loss is a layer without params, so it also obeys laws of layers."""

from __future__ import annotations

import warnings
from typing import Any

import attrs
import numpy as np

from funcnet.arrays import Array
from funcnet.testing.case import Case, Difference, Law, close, same_bits
from funcnet.testing.laws import derivatives, numbers, passes


@attrs.frozen(eq=False)
class AtTarget:
    """A loss at one target, as a layer: x is the loss's y, its y the value. A bounded loss does not take any number."""

    loss: Any
    target: Array
    is_bounded: bool

    def forward(self, params: tuple[()], x: Array) -> tuple[Any, Any]:
        return self.loss.forward(x, self.target)  # type: ignore[no-any-return]

    def backward(self, params: tuple[()], cache: Any, dy: Array) -> tuple[Array, tuple[()]]:
        dx = self.loss.backward(cache)
        return (dx if dy == 1 else dx * dy), ()


def loss_case(loss: Any, y: Array, target: Array, is_bounded: bool, symmetries: tuple[Any, ...] = ()) -> Case:
    """The loss at the target as a layer, at y."""
    # To the laws of layers x is given, as another one may not fit the target; and the only dy there is, is 1.
    layer = AtTarget(loss, target, is_bounded)
    return Case(layer, (), y, np.ones((), y.dtype), y.shape[-1:], symmetries, is_given=True)


def _value_and_dy(case: Case, y: Array | None = None, target: Array | None = None) -> tuple[Any, Array]:
    """The loss's value and dy, of another y and target where they are given."""
    value, cache = case.layer.loss.forward(case.x if y is None else y, case.layer.target if target is None else target)
    return value, np.asarray(case.layer.loss.backward(cache))


def structure(case: Case) -> None:
    """The value is one number of the dtype of y; dy has the shape and dtype of y."""
    value, dy = _value_and_dy(case)
    for at, got, expected in (("value", np.asarray(value), np.zeros((), case.x.dtype)), ("dy", dy, case.x)):
        for what in ("shape", "dtype"):
            if getattr(got, what) != getattr(expected, what):
                raise Difference(at, f"{what} {getattr(got, what)}", f"{what} {getattr(expected, what)}")


def purity(case: Case) -> None:
    """Forward and backward leave y, the target and the cache as they were."""
    target = case.layer.target.copy()
    before = target.tobytes()
    _value_and_dy(case, target=target)
    if target.tobytes() != before:
        raise Difference("target", "changed by a pass", "as it was")
    target.flags.writeable = False
    _value_and_dy(case, target=target)
    passes.purity(case)


def coordinates(case: Case) -> None:
    """Every coordinate of dy is the derivative of the value."""
    derivatives.coordinates(_in_float64(case))


def adjointness(case: Case) -> None:
    """The derivative of the value along a random v is <dy, v>."""
    derivatives.adjointness(_in_float64(case))


def _in_float64(case: Case) -> Case:
    """The case with y and the target in float64: the numbers are the same."""
    target = case.layer.target
    target = target.astype(np.float64) if target.dtype.kind == "f" else target
    return attrs.evolve(case.cast(np.float64), layer=attrs.evolve(case.layer, target=target))


def permutation(case: Case) -> None:
    """Examples in another order give the same value, and the rows of dy in that order."""
    order = np.roll(np.arange(_examples(case, 2)), 1)
    value, dy = _value_and_dy(case)
    again, rows = _value_and_dy(case, case.x[order], case.layer.target[order])
    close({"value": again, "dy": rows}, {"value": value, "dy": dy[order]}, case, "the examples in their order")


def sums(case: Case) -> None:
    """The value is the sum of those of its examples, or their mean; an example twice weighs as much as two."""
    n = _examples(case, 1)
    for rows in (np.arange(n), np.array([0, *range(n)])):
        _check_sum(case, case.x[rows], case.layer.target[rows])


def _check_sum(case: Case, y: Array, target: Array) -> None:
    n = len(y)
    name, divisor = ("mean", case.x.dtype.type(n)) if _is_mean(case) else ("sum", case.x.dtype.type(1))
    rows = [_value_and_dy(case, y[i : i + 1], target[i : i + 1]) for i in range(n)]
    expected = {
        "value": np.sum([value for value, _ in rows], axis=0) / divisor,
        "dy": np.concatenate([dy for _, dy in rows]) / divisor,
    }
    value, dy = _value_and_dy(case, y, target)
    close({"value": value, "dy": dy}, expected, case, f"the {name} of the examples one at a time")


def reductions(case: Case) -> None:
    """The value of reduction "sum" is that of "mean", or of "batch", times the number of what they average."""
    loss = case.layer.loss
    case.needs(hasattr(loss, "reduction") and attrs.has(type(loss)))
    total, total_dy = _value_and_dy(_reducing(case, "sum"))
    examples = int(np.prod(case.x.shape[:-1]))
    for reduction, counts in (("mean", (case.x.size, examples)), ("batch", (examples,))):
        value, dy = _value_and_dy(_reducing(case, reduction))
        differences = []
        for n in counts:
            try:
                got = {"value": value * n, "dy": dy * n}
                close(got, {"value": total, "dy": total_dy}, case, f'reduction="sum", as "{reduction}" is over {n}')
            except Difference as difference:
                differences.append(difference)
        if len(differences) == len(counts):
            raise differences[0]


def _reducing(case: Case, reduction: str) -> Case:
    loss = attrs.evolve(case.layer.loss, reduction=reduction)
    return attrs.evolve(case, layer=attrs.evolve(case.layer, loss=loss))


def empty(case: Case) -> None:
    """Of no examples the sum is 0, dy is empty, and the mean raises ValueError."""
    _examples(case, 1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            value, dy = _value_and_dy(case, case.x[:0], case.layer.target[:0])
        except ValueError:
            if _is_mean(case):
                return
            raise
    if _is_mean(case):
        raise Difference("value", value, "ValueError: the mean of nothing", oracle="no examples")
    nothing = {"value": case.x.dtype.type(0), "dy": case.x[:0]}
    same_bits({"value": np.asarray(value) + 0, "dy": dy}, nothing, "no examples")


def _is_mean(case: Case) -> bool:
    """Whether an example twice has the value of the example once, and not twice that."""
    once, twice = (float(_value_and_dy(case, case.x[[0] * n], case.layer.target[[0] * n])[0]) for n in (1, 2))
    case.needs(once != 0)
    return abs(twice - once) < abs(twice - 2 * once)


def shapes(case: Case) -> None:
    """A target of another shape raises ValueError or TypeError: nothing is broadcast by accident."""
    target = case.layer.target
    case.needs(target.ndim > 0)
    wrong = {"one example too many": np.concatenate([target, target[:1]]), "an axis too many": target[..., None]}
    if len(target) > 1:
        wrong["one example for all"] = target[:1]
    for name, other in wrong.items():
        if other.shape == case.x.shape:  # as labels of a single class have, with an axis too many
            continue
        try:
            value, _ = _value_and_dy(case, target=other)
        except (ValueError, TypeError):
            continue
        raise Difference("value", value, "an error", oracle=f"a target of {name}: {other.shape} for y {case.x.shape}")


def finite(case: Case) -> None:
    """y of magnitude 1e3 and 1e5 gives a finite value and dy wherever the dtype has them."""
    _examples(case, 1)
    case.needs(not case.layer.is_bounded)
    for size in (1e3, 1e5):
        numbers.check_finite(case, case.x / max(1.0, np.abs(case.x).max()) * case.x.dtype.type(size), f"y of {size:g}")


def nan(case: Case) -> None:
    """NaN in y makes the value NaN, or raises ValueError: it is not swallowed."""
    y, moved = case.x.copy(), case.x.copy()
    y.flat[0] = np.nan
    moved.flat[0] = moved.flat[0] * (1 - 2.0**-10) + 2.0**-12
    try:
        value, _ = _value_and_dy(case, y)
    except ValueError:
        return
    if not np.isnan(value) and _value_and_dy(case, moved)[0] != _value_and_dy(case)[0]:
        raise Difference("value", value, "NaN, as the first number of y is NaN")


def dtype(case: Case) -> None:
    """float32 in, float32 out, as in float64 but for rounding."""
    case.needs(case.x.dtype == np.float32)
    value, dy = _value_and_dy(case)
    wide_value, wide_dy = _value_and_dy(_in_float64(case))
    expected = {"value": np.asarray(wide_value, np.float32), "dy": wide_dy.astype(np.float32)}
    close({"value": value, "dy": dy}, expected, case, "float64")


def layout(case: Case) -> None:
    """Fortran order, strides, negative strides, read-only memory and another byte order give the same values."""
    value, dy = _value_and_dy(case)
    for name, laid in numbers.LAYOUTS.items():
        again, dy_again = _value_and_dy(case, laid(case.x), laid(case.layer.target))
        close({"value": again, "dy": dy_again}, {"value": value, "dy": dy}, case, f"y and target before {name}")


def _examples(case: Case, least: int) -> int:
    """How many examples there are, on one axis."""
    return case.needs_rows(least)


LOSS_LAWS: dict[str, Law] = {
    "structure": structure,
    "purity": purity,
    "determinism": passes.determinism,
    "coordinates": coordinates,
    "adjointness": adjointness,
    "kinks": derivatives.kinks,
    "symmetry": derivatives.symmetry,
    "batch.permutation": permutation,
    "batch.sum": sums,
    "batch.reductions": reductions,
    "batch.empty": empty,
    "shapes": shapes,
    "interleaving": passes.interleaving,
    "threads": passes.threads,
    "aliasing": passes.aliasing,
    "layout": layout,
    "dtype": dtype,
    "finite": finite,
    "nan": nan,
    "pickle": passes.pickling,
}
