"""The law of what passes return: two things each, of the right shapes, dtypes and structures.

It is asked early, and says what a beginner has most often forgotten.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import attrs
import numpy as np

from funcnet import tree
from funcnet.errors import TreeError
from funcnet.layers.layer import Layer
from funcnet.testing.cases.case import Case, Results, leaves, map_shapes, named_parts, parts
from funcnet.testing.cases.snapshots import fresh
from funcnet.testing.reports.comparing import Difference, same_form
from funcnet.tree import Array, Flow, Tree, dtypes_in, is_leaf, leaves_like, map_flow, without_integers


def structure(case: Case) -> None:
    """y has shape batch + output_shape, dx the shape of x or None for integers, grads have the structure of params."""
    case = fresh(case)  # what passes write here must not hide from `purity`
    y, cache = two(_forward(case), "forward", "(y, cache)")
    swapped = "y and cache seem to be swapped: forward returns (y, cache)"
    rows = "y has no row for each example: forward must keep the axes of the batch"
    inherited = "the layer does not define output_shape(input_shape), so y must have the shape of x"
    with (
        _Hint(lambda: _inherits_shape(case), inherited),
        _Hint(lambda: _is_without_batch(case, y), rows),
        _Hint(lambda: not _is_x(case, cache) and _fits(_check_y, case, cache), swapped),
    ):
        _check_y(case, y)
    dx, grads = two(_backward(case, cache), "backward", "(dx, grads)")
    swapped = "dx and grads seem to be swapped: backward returns (dx, grads)"
    several = "backward returned several dx for one x; check_function takes np.array(0.5), not 0.5, to have a gradient"
    with (
        _Hint(lambda: isinstance(dx, tuple) and is_leaf(case.x), several),
        _Hint(lambda: _fits(_check_dx, case, grads), swapped),
    ):
        _check_dx(case, dx)
    _check_numbers(parts("y", y), "fbiu")
    _check_numbers(parts("dx", dx), "f")
    for (at, p), g in zip(leaves("grads", case.params).items(), _grads_like(case, grads), strict=True):
        _check_numbers({at: g}, "f" if p.dtype.kind == "f" else "fbiu")


def same_dtypes(case: Case) -> None:
    """Raise Difference unless y has the dtype of x, or float32, and dx that of y, and grads that of y or of params."""
    y, cache = case.layer.forward(case.params, case.x)
    dx, grads = case.layer.backward(case.params, cache, case.dy)
    for at, part in parts("y", y).items():
        if part.dtype.kind == "f" and part.dtype.itemsize > case.dtype.itemsize:
            hint = 'forward must return the dtype of x and params; of a layer in float64 alone, say dtypes=("float64",)'
            raise Difference(at, f"dtype {part.dtype}", f"dtype {case.dtype}", diagnosis=hint)
    of_dy = np.result_type(*tree.leaves(case.dy))
    for at, part in parts("dx", dx).items():
        same_form(at, part, of_dy.type(), "dtype")
    for (at, p), g in zip(leaves("grads", case.params).items(), _grads_like(case, grads), strict=True):
        if p.dtype.kind != "f" or g.dtype != of_dy:
            same_form(at, g, p, "dtype")


def two(result: Any, call: str, names: str) -> tuple[Any, Any]:
    """The two things that a call returned; raises Difference unless they are a tuple of two, whose names are given."""
    if isinstance(result, tuple) and len(result) == 2:
        return result
    hint = f"{call} returned {_kind(result)}, not {names}: end it with `return {names.strip('()')}`"
    got = f"an array of shape {result.shape}" if is_leaf(result) else _kind(result)
    raise Difference(call, got, names, diagnosis=hint)


def _kind(value: Any) -> str:
    """What a value is, in words."""
    if isinstance(value, tuple | list):
        return f"a {type(value).__name__} of {len(value)}"
    return "None" if value is None else "an array" if is_leaf(value) else type(value).__name__


def _forward(case: Case) -> Any:
    try:
        return case.layer.forward(case.params, case.x)
    except Exception as error:
        if case.params is None:
            raise _failed(error, "params are None: init must return them, or () if there are none") from error
        if (
            type(case.params) is tuple
            and not case.params
            and isinstance(case.layer, Layer)
            and type(case.layer).init is Layer.init
        ):
            hint = "the layer does not define init(key, input_shape, dtype), so its params are ()"
            raise _failed(error, hint) from error
        raise


def _backward(case: Case, cache: Any) -> Any:
    try:
        return case.layer.backward(case.params, cache, case.dy)
    except Exception as error:
        if cache is None:
            hint = "forward returned None as the cache: it must return there what backward needs"
            raise _failed(error, hint) from error
        raise


def _failed(error: Exception, hint: str) -> Difference:
    """The difference for an error of a pass."""
    return Difference("", f"{type(error).__name__}: {error}", "no exception", diagnosis=hint)


def _check_y(case: Case, y: Flow) -> None:
    if isinstance(case.layer, Layer):
        shape = case.layer.output_shape(case.input_shape)
        _same_parts("y", y, map_shapes(lambda of_one: np.broadcast_to(0, case.batch + tuple(of_one)), shape))
    else:
        _same_parts("y", y, map_flow(lambda part: np.zeros(np.shape(part)), y))


def _check_dx(case: Case, dx: Flow) -> None:
    _same_parts("dx", dx, without_integers(case.x, dtypes_in(case.x)))


def _grads_like(case: Case, grads: Tree) -> list[Array]:
    """The leaves of grads; raises Difference unless grads have the structure and the shapes of params."""
    try:
        return leaves_like(case.params, grads, "grads")
    except (TreeError, TypeError) as error:
        hint = "the sum over the batch is missing" if _fits(_check_rows, case, grads) else ""
        if case.params == () and (grads is None or grads == {}):
            hint = f"a layer without params has the grads (): end backward with `return dx, ()`, or say params={grads}"
        raise Difference("grads", str(error), "a tree like params", diagnosis=hint) from error


def _check_rows(case: Case, grads: Tree) -> None:
    """Raise unless grads are like params with the axes of the batch before those of each leaf."""
    leaves_like(tree.map(lambda leaf: np.zeros(case.batch + leaf.shape), case.params), grads, "grads")
    if not case.batch:
        raise TreeError("there is no batch")


def _check_numbers(results: Results, kinds: str) -> None:
    """Raise Difference unless the dtypes are of these kinds, and floating-point numbers have at least 32 bits."""
    for at, part in results.items():
        if part.dtype.kind not in kinds or part.dtype == np.float16:
            wanted = "floating-point numbers" if kinds == "f" else "real numbers"
            raise Difference(at, f"dtype {part.dtype}", f"{wanted} of at least 32 bits")


def _is_x(case: Case, cache: Any) -> bool:
    """Whether the cache is x, which has the shape of y where a layer is thought to change no shape."""
    return cache is case.x or (is_leaf(cache) and is_leaf(case.x) and cache.size > 0 and np.array_equal(cache, case.x))


def _is_without_batch(case: Case, y: Any) -> bool:
    """Whether y has the shape of one example, or is one number, in place of a batch of them."""
    if not case.batch or not is_leaf(y) or not isinstance(case.layer, Layer):
        return False
    return np.shape(y) in ((), tuple(case.layer.output_shape(case.input_shape)))


def _inherits_shape(case: Case) -> bool:
    return isinstance(case.layer, Layer) and type(case.layer).output_shape is Layer.output_shape


def _fits(check: Callable[[Case, Any], None], case: Case, value: Any) -> bool:
    """Whether the check finds nothing wrong with a value."""
    try:
        check(case, value)
    except Exception:
        return False
    return True


@attrs.frozen
class _Hint:
    """A context that adds a diagnosis to a difference, if that applies."""

    applies: Callable[[], bool]
    text: str

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        if isinstance(error, Difference) and not error.diagnosis and self.applies():
            error.diagnosis = self.text


def _same_parts(name: str, got: Flow, like: Flow) -> None:
    """Raise Difference unless both are arrays of one shape, or tuples of such; None is like None alone."""
    found, expected = named_parts(name, got), named_parts(name, like)
    if found.keys() != expected.keys():
        raise Difference(name, _said(found), _said(expected))
    for at, part in found.items():
        if expected[at] is None:
            if part is not None:
                raise Difference(at, type(part).__name__, "None: integers have no gradient")
        elif not is_leaf(part):
            raise Difference(at, type(part).__name__, "an array")
        else:
            same_form(at, part, expected[at], "shape")


def _said(parts: Mapping[str, Any]) -> str:
    return "an array" if len(parts) == 1 else f"a tuple of {', '.join(parts)}"
