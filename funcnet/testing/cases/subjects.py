"""What users give to a check, as a case needs it: layers in any form, params in dicts, lists of numbers."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np

from funcnet import tree
from funcnet.layers.layer import Layer
from funcnet.testing.cases.case import leaves
from funcnet.testing.cases.foreign import ForwardAlone, OneFunction, Pair, WithContainers, as_tree
from funcnet.testing.cases.textbook import OfFunctions
from funcnet.tree import Array, DType, Flow, Tree, as_array, as_floating, is_nested, map_flow, shape_of
from funcnet.values import check_methods


def as_layer(layer: Any, name: str = "layer", x: Any = None) -> Any:
    """The layer for this x, where two functions become one. Raises TypeError for anything else."""
    if isinstance(layer, tuple) and len(layer) == 2 and all(map(callable, layer)):
        layer = Pair(*layer)
    check_methods(name, layer, "forward", "backward", otherwise=", or a pair of functions")
    _check_takes_params(name, layer)
    return layer.taking(x) if isinstance(layer, OfFunctions) else layer


def _check_takes_params(name: str, layer: Any) -> None:
    """Raise TypeError where forward takes something other than params and x, as in courses."""
    try:
        signature = inspect.signature(layer.forward)
    except (TypeError, ValueError):  # of a function that is not written in Python
        return
    if not _takes(signature, 2):
        instead = "for other arguments call check_function(forward, backward, x, ...)"
        if not isinstance(layer, Pair) and _takes(signature, 1):
            instead = f"if it keeps its params and what it saw, give from_object({name})"
        raise TypeError(f"forward of {name} must take params and x, its signature is {signature}: {instead}")


def _takes(signature: inspect.Signature, count: int) -> bool:
    try:
        signature.bind(*range(count))
    except TypeError:
        return False
    return True


def as_loss(loss: Any, name: str = "loss") -> Any:
    """The loss, where a function becomes one. Raises TypeError for anything else."""
    if callable(loss) and not isinstance(loss, type) and not hasattr(loss, "forward"):
        return OneFunction(loss)
    check_methods(name, loss, "forward", "backward", otherwise=", or a function of y and target")
    if isinstance(loss, Layer):
        raise TypeError(f"{name} must be a loss, got a layer, which check_layer checks: {loss!r}")
    return loss


def as_given(layer: Any) -> Any:
    """The layer as `check_layer` was given it."""
    layer = layer.layer if isinstance(layer, WithContainers) else layer
    if isinstance(layer, ForwardAlone):
        return layer.function
    return (layer.forward, layer.backward) if isinstance(layer, Pair) else layer


def as_reference(like: Any, params: Any) -> Any:
    """The reference for a layer of these params, which takes the same unless it has its own."""
    if like is None:
        return None
    like = as_layer(like, "like")
    return like if hasattr(like, "init") else with_tree(like, params)[0]


def as_differentiable(derivative_of: Any, params: Any) -> Any:
    """What is differentiated in place of forward: a layer of these params, or a function of them and x."""
    if derivative_of is None:
        return None
    if not callable(getattr(derivative_of, "forward", derivative_of)):
        raise TypeError(f"derivative_of must be a layer or a function of params and x, got {derivative_of!r}")
    is_layer = hasattr(derivative_of, "forward")
    return with_tree(derivative_of if is_layer else ForwardAlone(derivative_of), params)[0]


def with_tree(layer: Any, params: Any) -> tuple[Any, Tree]:
    """The layer and its params, as a tree even if they were given in dicts and lists."""
    _check_no_settings("params", params)
    as_one = as_tree(params)
    for path, leaf in leaves("params", as_one).items():
        real(path, leaf)
    return (layer, params) if tree.equal(as_one, params) else (WithContainers(layer), as_one)


def _check_no_settings(at: str, params: Any) -> None:
    """Raise TypeError where dicts, lists or tuples of params hold text or whole numbers of Python."""
    if isinstance(params, str | bytes | int):
        setting = "write a setting into forward and backward, or give it to check_function after x"
        instead = f"write {float(params)} for a param, or " if type(params) is int else ""
        raise TypeError(f"{at} must be an array or a float, got {params!r}: {instead}{setting}")
    if isinstance(params, dict | list) or type(params) is tuple:
        for key, value in params.items() if isinstance(params, dict) else enumerate(params):
            _check_no_settings(f"{at}[{key!r}]", value)


def arrays(layer: Any, x: Any) -> Flow:
    """x as arrays: with floating-point numbers for integers unless the layer takes these, as in combinators.

    Raises ValueError where all numbers are NaN or infinite: every gradient would pass.
    """
    takes_integers = getattr(layer, "takes_integers", False)
    x = map_flow(lambda part: np.array(real("x", part)) if takes_integers else as_floating(real("x", part)), x)
    parts = tree.leaves(x)
    if any(part.size for part in parts) and not any(np.isfinite(part).any() for part in parts):
        raise ValueError("x must have a finite number, got NaN and infinities alone, at which there is no derivative")
    return x


def real(name: str, numbers: Any) -> Array:
    """The numbers as an array. Raises TypeError for complex ones, objects and text."""
    array = as_array(numbers)
    if array.dtype.kind == "c":
        instead = "give the real and the imaginary part as two inputs, (z.real, z.imag)"
        raise TypeError(f"{name} must hold real numbers, got {array.dtype}: {instead}")
    if array.dtype.kind not in "fiub":
        raise TypeError(f"{name} must hold real numbers, got {array.dtype}: write {name}.astype(float)")
    return array


def floats_of(dtypes: Any) -> tuple[DType, ...] | None:
    """The dtypes that cases are to have. Raises ValueError unless they are float64, float32 or both."""
    if dtypes is None:
        return None
    if isinstance(dtypes, str) or not dtypes or not {np.dtype(each) for each in dtypes} <= _FLOATS:
        raise ValueError(f'dtypes must be ("float64",), ("float32",) or both, got {dtypes!r}')
    return tuple(map(np.dtype, dtypes))


_FLOATS = {np.dtype(np.float64), np.dtype(np.float32)}


def shape_of_example(input_shape: Any, x: Flow) -> Any:
    """The shape of one example as given, or as rows of x have it. Raises unless it is a shape, which x has."""
    if input_shape is None and x is None:
        raise TypeError("give input_shape, the shape of one example, such as (4,), or x, a batch of examples")
    if input_shape is None:
        input_shape = map_flow(lambda part: tuple(part.shape[1:]), x)
    if not _is_shape(input_shape):
        wanted = "a tuple such as (4,), of sizes of at least 0, or one of such tuples"
        raise TypeError(f"input_shape must be {wanted}, got {input_shape!r}")
    if x is not None and len(_batches(x, input_shape)) > 1:
        wanted = f"shapes {input_shape} after the same batch axes"
        if not is_nested(input_shape):
            wanted = f"shape (..., {', '.join(map(str, input_shape))})"
        raise ValueError(f"x must have {wanted}, got {shape_of(x)}")
    return input_shape


def _is_shape(shape: Any) -> bool:
    if is_nested(shape):
        return all(map(_is_shape, shape))
    return isinstance(shape, tuple) and all(hasattr(size, "__index__") and size >= 0 for size in shape)


def _batches(x: Flow, shape: Any) -> set[Any]:
    """The batch axes that arrays in x have; None stands for an array that is not of its shape."""
    if isinstance(x, tuple) and is_nested(shape) and len(x) == len(shape):
        return set().union(*map(_batches, x, shape))
    if isinstance(x, tuple) or is_nested(shape):
        return {None, ()}
    axes = x.ndim - len(shape)
    return {x.shape[:axes]} if axes >= 0 and x.shape[axes:] == shape else {None, ()}
