"""`check_layer`: every law on every case; and `check_layer_law`, one law on one case."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import chain
from numbers import Real
from typing import Any

import attrs
import numpy as np

from funcnet.layers.layer import Layer
from funcnet.random import Key
from funcnet.testing.cases.case import Case, batch_of
from funcnet.testing.cases.drawing import layer_cases
from funcnet.testing.cases.foreign import with_containers
from funcnet.testing.cases.shrinking import shrunk
from funcnet.testing.cases.subjects import (
    arrays,
    as_differentiable,
    as_given,
    as_layer,
    as_reference,
    floats_of,
    real,
    shape_of_example,
    with_tree,
)
from funcnet.testing.laws import LAYER_LAWS
from funcnet.testing.reports.diagnosis import diagnosis
from funcnet.testing.reports.holding import Check, Kind, raising
from funcnet.tree import Tree, as_floating, map_flow, shape_of
from funcnet.values import integer


@raising
def check_layer(
    layer: Any,
    input_shape: Any = None,
    *,
    params: Tree = None,
    x: Any = None,
    like: Any = None,
    derivative_of: Any = None,
    dtypes: Sequence[Any] | None = None,
    exempt: Mapping[str, str] = {},
    symmetries: Sequence[Any] = (),
    examples: int = 56,
    seed: int = 0,
) -> Check:
    """Check a layer against every law, in inference and in training, in float64 and float32.

    x has the shape (*batch, *input_shape), or is a tuple of such arrays, and dy is like y. Integers in x stay integers
    for a layer that declares `takes_integers`; rows may depend on each other in one that declares `statistics="batch"`.
    Both are attributes, of `forward` where two functions are given.
    The same seed draws the same cases, and the case that breaks a law is shrunk to a small one. Rounding by the layer's
    own formula is tolerated: y * (1 - y) is accepted where 1 - y has become 0.

    Parameters
    ----------
    layer : Layer, object or tuple of two functions
        A layer; an object with the methods `forward` and `backward` of one; or the two as functions.
    input_shape : tuple of int, or tuple of shapes, optional
        Shape of one example; by default that of the rows of `x`.
    params : Tree, optional
        Params to use instead of drawn ones, dicts and lists allowed; by default `()` for a layer without `init`.
    x : ndarray (*batch, *input_shape) or tuple of them, optional
        Examples to use instead of drawn ones, for a layer whose domain is limited.
    like : Layer, object or tuple of two functions, optional
        Reference whose y, dx and grads the layer's must be, up to rounding. One that has `init` is given the layer's
        params, leaf by leaf, in the structure of its own. In training it is asked where it draws nothing.
    derivative_of : Layer, object or function, optional
        Layer of the same params, or function of params and x, whose derivative backward has in place of forward's: for
        straight-through and surrogate gradients.
    dtypes : sequence of str, optional
        ("float64",) for a layer that computes in float64 alone, ("float32",) for one in float32 alone; by default both.
    exempt : mapping of str to str, default {}
        Reason for each law that need not hold, by its name, see Notes; an exempted law that holds is a violation too.
        Where "batch.single", "batch.axes" or "batch.empty" is exempt, no law is asked about batches of that form.
    symmetries : sequence, default ()
        Symmetries that the layer must have: "shift-invariant", "scale-invariant" or ("homogeneous", k).
    examples : int, default 56
        Number of cases; 56 cases cover every combination of batch shape, dtype and magnitude of numbers.
    seed : int, default 0
        Seed of the cases.

    Raises
    ------
    LawViolation
        If the layer breaks a law, or obeys an exempted one.
    TypeError
        If `layer` is not a layer, or neither `input_shape` nor `x` is given.
    ValueError
        For an unknown law or symmetry, an exemption without a reason, or x without an example.

    Notes
    -----
    The laws, by the names that `exempt` takes: init, structure, like, purity, determinism, coordinates, adjointness,
    kinks, linearity, symmetry, batch.rows, batch.permutation, batch.sum, batch.single, batch.axes, batch.empty,
    interleaving, threads, aliasing, layout, dtype, integers, finite, nan, shortcuts, composition, pickle, training,
    statistics.

    Examples
    --------
    >>> import numpy as np, funcnet as fn
    >>> check_layer(fn.Linear(3), (4,))
    >>> check_layer(fn.Multiply(), ((4,), (4,)))
    >>> check_layer(fn.Embedding(5, 2), x=np.array([[0, 4, 4]]))
    >>> check_layer(fn.SimpleCell(2), ((3,), (2,)))
    >>> def forward(params, x):
    ...     return np.sin(x), x
    >>> def backward(params, cache, dy):
    ...     return dy * np.sin(cache), ()
    >>> try:
    ...     check_layer((forward, backward), x=np.array([[0.0]]))
    ... except fn.testing.LawViolation as violation:
    ...     print(violation.law, violation.at, violation.index, violation.got)
    coordinates dx (0, 0) 0.0
    >>> check_layer(fn.Sigmoid(), (3,), like=fn.sequential(fn.Sigmoid()))
    >>> def sign(params, x):
    ...     return np.sign(x), x
    >>> def straight_through(params, cache, dy):
    ...     return dy * (np.abs(cache) <= 1), ()
    >>> check_layer((sign, straight_through), (3,), derivative_of=lambda params, x: np.clip(x, -1, 1))
    """
    __tracebackhide__ = True
    subject = as_layer(layer, x=x)
    check_symmetries(symmetries)
    integer(examples, "examples", 1)
    of_dtypes = floats_of(dtypes)
    x = x if x is None else arrays(subject, x)
    if params is None and not hasattr(subject, "init"):
        params = ()
    reference, surrogate = as_reference(like, params), as_differentiable(derivative_of, params)
    subject, params = with_tree(subject, params)
    shape = shape_of_example(input_shape, x)
    if x is not None and 0 in batch_of(x, shape):
        raise ValueError(f"x must have at least one example, got shape {shape_of(x)}")
    key = Key(seed)
    forms = [subject, *_in_training(subject, key)]
    references = [reference, _in_training_alike(reference, key)]

    def drawn(form: Any, reference: Any) -> Iterator[Case]:
        cases = layer_cases(form, shape, key, examples, params, x, symmetries, of_dtypes, tuple(exempt))
        return map(partial(attrs.evolve, like=reference, derivative_of=surrogate), cases)

    cases = map(drawn, forms, references)
    return Check(LAYERS, chain.from_iterable(zip(*cases, strict=True)), exempt)


@raising
def check_layer_law(
    law: str,
    layer: Any,
    params: Tree,
    x: Any,
    dy: Any,
    like: Any = None,
    derivative_of: Any = None,
    *,
    input_shape: Any = None,
    symmetries: Sequence[Any] = (),
    is_given: bool = False,
    dtypes: Sequence[Any] | None = None,
) -> Check:
    """Check a layer against one law, on one case.

    x has the shape (*batch, *input_shape), or is a tuple of such arrays, and dy is like y.

    Parameters
    ----------
    law : str
        Name of the law, as a violation gives it.
    layer : Layer, object or tuple of two functions
        Layer as `check_layer` takes it.
    params : Tree
        Params of the layer, dicts and lists allowed.
    x : ndarray (*batch, *input_shape) or tuple of them
        Examples.
    dy : ndarray (*batch, *output_shape) or tuple of them
        Gradient with respect to y.
    like : Layer, object or tuple of two functions, optional
        Reference that the layer must agree with.
    derivative_of : Layer, object or function, optional
        Layer, or function of params and x, whose derivative backward has in place of forward's.
    input_shape : tuple of int, or tuple of shapes, optional
        Shape of one example; by default that of the rows of `x`.
    symmetries : sequence, default ()
        Symmetries that the layer must have, as for `check_layer`.
    is_given : bool, default False
        Whether the law must use this x; otherwise it may also try different ones.
    dtypes : sequence of str, optional
        Dtypes in which the layer computes, as for `check_layer`.

    Raises
    ------
    LawViolation
        If the layer breaks the law.
    TypeError
        If `layer` is not a layer.
    ValueError
        For an unknown law or symmetry.

    Examples
    --------
    >>> import numpy as np, funcnet as fn
    >>> check_layer_law("linearity", fn.ReLU(), (), np.array([[-1.0, 1.0]]), np.array([[1.0, 2.0]]))
    """
    __tracebackhide__ = True
    check_symmetries(symmetries)
    subject = as_layer(layer, x=x)
    x, dy = arrays(subject, x), map_flow(lambda part: as_floating(real("dy", part)), dy)
    like, surrogate = as_reference(like, params), as_differentiable(derivative_of, params)
    subject, params = with_tree(subject, params)
    case = Case(subject, params, x, dy, shape_of_example(input_shape, x), tuple(symmetries), is_given)
    return Check(LAYERS.of_one(law), [attrs.evolve(case, like=like, derivative_of=surrogate, dtypes=floats_of(dtypes))])


def _arguments(case: Case) -> dict[str, Any]:
    given = {"layer": as_given(case.layer), "params": with_containers(case.params), "x": case.x, "dy": case.dy}
    others = {"like": case.like, "derivative_of": case.derivative_of}
    return given | {name: as_given(other) for name, other in others.items() if other is not None}


def _options(case: Case) -> dict[str, Any]:
    options = {"symmetries": case.symmetries or None, "is_given": case.is_given or None}
    dtypes = case.dtypes and tuple(np.dtype(dtype).name for dtype in case.dtypes)
    return {"input_shape": case.input_shape, **options, "dtypes": dtypes}


LAYERS = Kind(LAYER_LAWS, "check_layer_law", _arguments, _options, diagnosis, shrunk)


def _in_training(layer: Any, key: Key) -> list[Any]:
    """The training form of the layer, if that is a different layer."""
    try:
        trained = layer.training(key) if isinstance(layer, Layer) else layer
    except Exception:  # the law of training reports it
        return []
    return [trained] if trained is not layer and isinstance(trained, Layer) else []


def _in_training_alike(like: Any, key: Key) -> Any:
    """The reference's training form; None if that draws, as a layer may draw differently."""
    if not isinstance(like, Layer):
        return like
    trained = like.training(key)
    return trained if trained == like.training(key.fold_in(1)) else None


def check_symmetries(symmetries: Sequence[Any]) -> None:
    """Raise ValueError for an unknown symmetry, TypeError for a string alone."""
    if isinstance(symmetries, str):
        raise TypeError(f"symmetries must be a sequence such as [{symmetries!r}], got a string")
    for declared in symmetries:
        is_degree = isinstance(declared, tuple) and len(declared) == 2 and isinstance(declared[1], Real)
        if declared not in ("shift-invariant", "scale-invariant") and not (is_degree and declared[0] == "homogeneous"):
            allowed = '"shift-invariant", "scale-invariant" or ("homogeneous", k)'
            raise ValueError(f"each symmetry must be {allowed}, got {declared!r}")
