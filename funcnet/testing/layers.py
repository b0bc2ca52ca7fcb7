"""`check_layer`: every law on every case; and `check_layer_law`, one law on one case."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from numbers import Real
from typing import Any

from funcnet import tree
from funcnet.layers.layer import Layer
from funcnet.random import Key
from funcnet.testing.cases.case import Case
from funcnet.testing.cases.drawing import layer_cases
from funcnet.testing.cases.foreign import Pair, WithContainers, as_tree, with_containers
from funcnet.testing.cases.shrinking import shrunk
from funcnet.testing.laws import LAYER_LAWS
from funcnet.testing.reports.diagnosis import diagnosis
from funcnet.testing.reports.holding import Kind, hold
from funcnet.tree import Array, Shape, Tree, as_floating
from funcnet.values import integer


def check_layer(
    layer: Any,
    input_shape: Shape | None = None,
    *,
    params: Tree = None,
    x: Any = None,
    exempt: Mapping[str, str] = {},
    symmetries: Sequence[Any] = (),
    examples: int = 56,
    seed: int = 0,
) -> None:
    """Hold a layer against every law, as it is and in training, in float64 and float32.

    `layer` is a `Layer`, an object with such a `forward` and `backward`, or a pair of functions. `params` and `x` (a
    batch of examples) are what to use instead of drawn ones: a layer whose domain is limited needs them, and one
    without `init` needs params unless they are `()`. `input_shape` is that of one example, by default that of the rows
    of x. `symmetries` are those it is to have: "shift-invariant", "scale-invariant", ("homogeneous", k). `exempt` maps
    the name of a law to the reason why it need not hold; one that holds all the same is a violation too. Digits that
    the layer's own arithmetic loses are not missed: y * (1 - y) is right where 1 - y has become 0.

    Raises LawViolation where a law is broken. The same seed asks on the same cases; with Hypothesis installed, the
    case is shrunk. Raises TypeError for what is no layer and where neither input_shape nor x tells the shape,
    ValueError for an unknown law or symmetry, an exemption without a reason, or x without a row.

    >>> import numpy as np, funcnet as fn
    >>> check_layer(fn.Linear(3), (4,))
    >>> def forward(params, x):
    ...     return np.sin(x), x
    >>> def backward(params, cache, dy):
    ...     return dy * np.sin(cache), ()
    >>> try:
    ...     check_layer((forward, backward), x=np.array([[0.0]]))
    ... except fn.testing.LawViolation as violation:
    ...     print(violation.law, violation.at, violation.index, violation.got)
    coordinates dx (0, 0) 0.0
    """
    __tracebackhide__ = True
    subject = _as_layer(layer)
    check_symmetries(symmetries)
    integer(examples, "examples", 1)
    x = x if x is None else as_floating(x)
    if params is None and not hasattr(subject, "init"):
        params = ()
    subject, params = _with_tree(subject, params)
    shape = _input_shape(input_shape, x)
    if x is not None and 0 in x.shape[: x.ndim - len(shape)]:
        raise ValueError(f"expected x of at least one example, got {x.shape}")
    key = Key(seed)
    forms = [subject, *_in_training(subject, key)]
    cases = (layer_cases(form, shape, key, examples, params, x, symmetries) for form in forms)
    hold(LAYERS, chain.from_iterable(zip(*cases, strict=True)), exempt)


def check_layer_law(
    law: str,
    layer: Any,
    params: Tree,
    x: Any,
    dy: Any,
    *,
    input_shape: Shape | None = None,
    symmetries: Sequence[Any] = (),
    is_given: bool = False,
) -> None:
    """Hold a layer against one law, on one case; where x `is_given`, the law may not choose another.

    Raises LawViolation where it is broken, ValueError for an unknown law, TypeError for what is no layer.

    >>> import numpy as np, funcnet as fn
    >>> check_layer_law("linearity", fn.ReLU(), (), np.array([[-1.0, 1.0]]), np.array([[1.0, 2.0]]))
    """
    __tracebackhide__ = True
    check_symmetries(symmetries)
    x, dy = as_floating(x), as_floating(dy)
    subject, params = _with_tree(_as_layer(layer), params)
    case = Case(subject, params, x, dy, _input_shape(input_shape, x), tuple(symmetries), is_given)
    hold(LAYERS.of_one(law), [case], {})


def _arguments(case: Case) -> dict[str, Any]:
    layer = case.layer.layer if isinstance(case.layer, WithContainers) else case.layer
    layer = (layer.forward, layer.backward) if isinstance(layer, Pair) else layer
    return {"layer": layer, "params": with_containers(case.params), "x": case.x, "dy": case.dy}


def _options(case: Case) -> dict[str, Any]:
    return {"input_shape": case.input_shape, "symmetries": case.symmetries or None, "is_given": case.is_given or None}


LAYERS = Kind(LAYER_LAWS, "check_layer_law", _arguments, _options, diagnosis, shrunk)


def _as_layer(layer: Any) -> Any:
    if isinstance(layer, tuple) and len(layer) == 2 and all(map(callable, layer)):
        return Pair(*layer)
    if isinstance(layer, type) or not (hasattr(layer, "forward") and hasattr(layer, "backward")):
        raise TypeError(f"expected a layer, an object with forward and backward, or a pair of functions, got {layer!r}")
    return layer


def _in_training(layer: Any, key: Key) -> list[Any]:
    """The layer in training, where that is another one."""
    try:
        trained = layer.training(key) if isinstance(layer, Layer) else layer
    except Exception:  # the law of training will tell
        return []
    return [trained] if trained is not layer and isinstance(trained, Layer) else []


def _with_tree(layer: Any, params: Any) -> tuple[Any, Tree]:
    """The layer and its params, which are a tree even if they were given in dicts and lists."""
    as_one = as_tree(params)
    return (layer, params) if tree.equal(as_one, params) else (WithContainers(layer), as_one)


def _input_shape(input_shape: Any, x: Array | None) -> Shape:
    if input_shape is None and x is None:
        raise TypeError("expected an input_shape, the shape of one example, such as (4,); or x, a batch of examples")
    if input_shape is None:
        return tuple(x.shape[1:])  # type: ignore[union-attr]
    if not isinstance(input_shape, tuple):
        raise TypeError(f"expected an input shape, a tuple such as (4,), got {input_shape!r}")
    if x is not None and (x.ndim < len(input_shape) or x.shape[x.ndim - len(input_shape) :] != input_shape):
        raise ValueError(f"expected x of shape (..., {', '.join(map(str, input_shape))}), got {x.shape}")
    return input_shape


def check_symmetries(symmetries: Sequence[Any]) -> None:
    """Raise ValueError for what is no symmetry, TypeError for a string alone."""
    if isinstance(symmetries, str):
        raise TypeError(f"expected several symmetries, such as [{symmetries!r}], got a string")
    for declared in symmetries:
        is_degree = isinstance(declared, tuple) and len(declared) == 2 and isinstance(declared[1], Real)
        if declared not in ("shift-invariant", "scale-invariant") and not (is_degree and declared[0] == "homogeneous"):
            raise ValueError(
                f'a symmetry is "shift-invariant", "scale-invariant" or ("homogeneous", k), not {declared!r}'
            )
