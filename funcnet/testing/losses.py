"""`check_loss`: every law of losses on every case."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import attrs
import numpy as np

from funcnet.losses.binary_cross_entropy import BinaryCrossEntropy, SigmoidBinaryCrossEntropy
from funcnet.losses.hinge import Hinge
from funcnet.losses.softmax_cross_entropy import SoftmaxCrossEntropy
from funcnet.random import Key
from funcnet.testing.cases.case import Case
from funcnet.testing.cases.drawing import REGIMES, allowed, dyadic
from funcnet.testing.cases.foreign import OneFunction
from funcnet.testing.cases.subjects import as_loss, floats_of, real
from funcnet.testing.laws import LOSS_LAWS
from funcnet.testing.laws.losses import loss_case
from funcnet.testing.layers import check_symmetries
from funcnet.testing.reports.diagnosis import diagnosis
from funcnet.testing.reports.holding import Check, Kind, raising
from funcnet.tree import Array, DType, Shape, as_floating
from funcnet.values import integer

_BATCHES: tuple[Shape, ...] = ((2,), (1,), (), (3,), (2, 2), (5,), (40,))
_FEATURES = (3, 1, 4)


def _probabilities(draws: np.random.Generator, shape: Shape) -> Array:
    """Probabilities in 64ths, some of them next to 0 and some next to 1."""
    which, ordinary = draws.integers(0, 6, shape), draws.integers(1, 64, shape) / 64.0
    small, large = 2.0 ** -draws.integers(7, 60, shape), 1 - 2.0 ** -draws.integers(7, 25, shape)
    return np.where(which == 0, small, np.where(which == 1, large, ordinary))


def _distributions(draws: np.random.Generator, shape: Shape) -> Array:
    weights = draws.integers(1, 64, shape) / 64.0
    return np.asarray(weights / weights.sum(axis=-1, keepdims=True))


_KINDS: dict[str, Callable[[np.random.Generator, Shape], Array]] = {
    "numbers": dyadic,
    "probabilities": _probabilities,
    "distributions": _distributions,
    "bits": lambda draws, shape: np.asarray(draws.integers(0, 2, shape) * 1.0),
    "signs": lambda draws, shape: np.asarray(draws.integers(0, 2, shape) * 2.0 - 1.0),
    "labels": lambda draws, shape: np.asarray(draws.integers(0, shape[-1], shape[:-1])),
}
_OF_OURS: dict[type, tuple[tuple[str, ...], str]] = {
    SoftmaxCrossEntropy: (("labels", "distributions"), "numbers"),
    SigmoidBinaryCrossEntropy: (("bits", "probabilities"), "numbers"),
    BinaryCrossEntropy: (("bits", "probabilities"), "probabilities"),
    Hinge: (("signs",), "numbers"),
}


@raising
def check_loss(
    loss: Any,
    *,
    targets: Any = None,
    outputs: Any = None,
    like: Any = None,
    dtypes: Sequence[Any] | None = None,
    exempt: Mapping[str, str] = {},
    symmetries: Sequence[Any] = (),
    examples: int = 48,
    seed: int = 0,
) -> Check:
    """Check a loss, `forward(y, target) -> (value, cache)` and `backward(cache) -> dy`, against every law of losses.

    y has the shape (*batch, n), and targets have the shape of y or, as labels, (*batch,). "numbers", "probabilities",
    "bits" and "signs", which are -1 and 1, stand for one number each, "distributions" for numbers that sum to 1 over
    the last axis, "labels" for integers below n.

    Parameters
    ----------
    loss : Loss, object or function
        A loss; an object with the methods `forward` and `backward` of one; or one function of y and target that returns
        the value and dy.
    targets : str, tuple of str, or ndarray, optional
        Kinds of targets that the loss takes, or the targets to use; by default those of a loss of the library, else
        "numbers".
    outputs : str or ndarray, optional
        "numbers", "probabilities" or "distributions" for y, or the y to use, row by row with targets that are an array;
        by default as for a loss of the library, else "numbers".
    like : Loss or object, optional
        Reference whose value and dy the loss's must be, up to rounding.
    dtypes : sequence of str, optional
        ("float64",) for a loss that computes in float64 alone, ("float32",) for one in float32 alone; by default both.
    exempt : mapping of str to str, default {}
        Reason for each law that need not hold, by its name, see Notes; an exempted law that holds is a violation too.
        Where "batch.single" or "batch.axes" is exempt, no law is asked about batches of that form.
    symmetries : sequence, default ()
        Symmetries in y that the loss must have, as for `check_layer`.
    examples : int, default 48
        Number of cases.
    seed : int, default 0
        Seed of the cases.

    Raises
    ------
    LawViolation
        If the loss breaks a law, or obeys an exempted one.
    TypeError
        If `loss` is not a loss, or only `outputs` is an array.
    ValueError
        For an unknown law, symmetry or kind of targets or outputs, or an exemption without a reason.

    Notes
    -----
    The laws, by the names that `exempt` takes: structure, like, purity, determinism, coordinates, adjointness,
    kinks, symmetry, batch.permutation, batch.sum, batch.reductions, batch.single, batch.axes, batch.empty, shapes,
    interleaving, threads, aliasing, layout, dtype, finite, nan, pickle.

    Examples
    --------
    >>> import funcnet as fn
    >>> check_loss(fn.SoftmaxCrossEntropy(), symmetries=["shift-invariant"])
    """
    __tracebackhide__ = True
    loss, like = as_loss(loss), None if like is None else as_loss(like, "like")
    check_symmetries(symmetries)
    integer(examples, "examples", 1)
    default_targets, default_outputs = _OF_OURS.get(type(loss), (("numbers",), "numbers"))
    targets = default_targets if targets is None else targets
    targets = tuple(targets) if isinstance(targets, tuple | list) else (targets,)
    outputs = default_outputs if outputs is None else outputs
    _check_drawn(targets, outputs)
    forms = _forms(dtypes, exempt)
    cases = _cases(loss, targets, outputs, forms, Key(seed), examples, tuple(symmetries))
    return Check(LOSSES, map(partial(_with_reference, like), cases), exempt)


def _check_drawn(targets: tuple[Any, ...], outputs: Any) -> None:
    """Raise for unknown kinds of targets and outputs, and for arrays that do not go together."""
    every = [("targets", target, tuple(_KINDS)) for target in targets]
    for name, given, kinds in [("outputs", outputs, ("numbers", "probabilities", "distributions")), *every]:
        if isinstance(given, str) and given not in kinds:
            raise ValueError(f"{name} must be an array or one of {', '.join(kinds)}, got {given!r}")
        if not isinstance(given, str) and not real(name, given).size:
            raise ValueError(f"{name} must have at least one example, got an empty array")
    if not isinstance(outputs, str) and any(isinstance(target, str) for target in targets):
        raise TypeError("outputs given as an array need targets given as an array, row by row")


def _forms(dtypes: Any, exempt: Collection[str]) -> tuple[Sequence[DType], Sequence[Shape]]:
    """The dtypes and the batches that cases are to have."""
    batches = allowed(_BATCHES, exempt)
    return floats_of(dtypes) or (np.float64, np.float32), batches + batches[: 1 - len(batches) % 2]


def _cases(
    loss: Any,
    targets: tuple[Any, ...],
    outputs: Any,
    forms: tuple[Sequence[DType], Sequence[Shape]],
    key: Key,
    examples: int,
    symmetries: tuple[Any, ...],
) -> Iterator[Case]:
    is_bounded = outputs != "numbers" if isinstance(outputs, str) else True
    dtypes, batches = forms
    for i in range(examples):  # periods of 7, 3 and 2 meet each other, and the kind of targets changes every 8
        draws, dtype, kind = key.fold_in(i).generator(), dtypes[i % len(dtypes)], targets[i // 8 % len(targets)]
        drawn: Any = _KINDS[outputs] if isinstance(outputs, str) else None
        if not is_bounded:
            drawn = REGIMES[i // 2 % len(REGIMES)]
        if isinstance(kind, str):
            features = max(_FEATURES[i % len(_FEATURES)], 2 if isinstance(loss, SoftmaxCrossEntropy) else 1)
            shape = (*batches[i % len(batches)], features)
            target, y = _KINDS[kind](draws, shape), drawn(draws, shape)
        else:
            target, y = _given(draws, np.asarray(kind), outputs, drawn, is_whole=i == 0)
        target = target.astype(dtype) if target.dtype.kind == "f" else target
        yield loss_case(loss, y.astype(dtype), target, is_bounded, symmetries)


def _given(draws: Any, targets: Array, outputs: Any, drawn: Any, is_whole: bool) -> tuple[Array, Array]:
    """Some rows of the given targets, at first all of them, with their rows of the outputs or with drawn ones."""
    rows: Any = ... if is_whole or not targets.ndim else draws.integers(len(targets), size=draws.integers(1, 6))
    target = targets[rows]
    if drawn is None:
        return target, np.asarray(outputs)[rows]
    return target, drawn(draws, target.shape if target.dtype.kind == "f" else (*target.shape, int(targets.max()) + 1))


def _with_reference(like: Any, case: Case) -> Case:
    """The case with a reference at the same target, if there is one."""
    return case if like is None else attrs.evolve(case, like=attrs.evolve(case.layer, loss=like))


@raising
def check_loss_law(
    law: str, loss: Any, y: Any, target: Any, like: Any = None, *, symmetries: Sequence[Any] = ()
) -> Check:
    """Check a loss against one law, on one case.

    y has the shape (*batch, n), and target has the shape that the loss takes.

    Parameters
    ----------
    law : str
        Name of the law, as a violation gives it.
    loss : Loss or object
        Loss as `check_loss` takes it.
    y : ndarray (*batch, n)
        Outputs of a model.
    target : ndarray
        Targets as the loss takes them.
    like : Loss or object, optional
        Reference that the loss must agree with.
    symmetries : sequence, default ()
        Symmetries in y that the loss must have, as for `check_layer`.

    Raises
    ------
    LawViolation
        If the loss breaks the law.
    TypeError
        If `loss` is not a loss.
    ValueError
        For an unknown law or symmetry.

    Examples
    --------
    >>> import funcnet as fn
    >>> check_loss_law("coordinates", fn.MeanSquaredError(), np.array([[0.5]]), np.array([[1.0]]))
    """
    __tracebackhide__ = True
    loss, like = as_loss(loss), None if like is None else as_loss(like, "like")
    check_symmetries(symmetries)
    case = loss_case(loss, as_floating(real("y", y)), np.asarray(target), False, tuple(symmetries))
    return Check(LOSSES.of_one(law), [_with_reference(like, case)])


def _shrunk(case: Case, fails: Callable[[Case], Any]) -> Case:
    """The case with only its first rows, and with y rounded to quarters, where that fails too."""
    loss, target = case.layer.loss, case.layer.target
    for n in range(1, len(case.x) + 1 if target.ndim else 1):
        for y in (case.x[:n] if case.layer.is_bounded else np.round(case.x[:n] * 4) / 4, case.x[:n]):
            smaller = loss_case(loss, y, target[:n], case.layer.is_bounded, case.symmetries)
            smaller = _with_reference(case.like and case.like.loss, smaller)
            if fails(smaller):
                return smaller
    return case


def _arguments(case: Case) -> dict[str, Any]:
    reference = {} if case.like is None else {"like": _as_given(case.like.loss)}
    return {"loss": _as_given(case.layer.loss), "y": case.x, "target": case.layer.target} | reference


def _as_given(loss: Any) -> Any:
    return loss.function if isinstance(loss, OneFunction) else loss


LOSSES = Kind(
    LOSS_LAWS,
    "check_loss_law",
    _arguments,
    lambda case: {"symmetries": case.symmetries or None},
    diagnosis,
    _shrunk,
)
