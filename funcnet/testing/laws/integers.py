"""The law that integers in x are the numbers that they are, and have no gradient."""

from __future__ import annotations

from typing import Any

import numpy as np

from funcnet import tree
from funcnet.layers.combinators import sequential
from funcnet.layers.layer import Layer
from funcnet.testing.cases.case import Case, Inapplicable, Results, floats, named, named_parts, needs
from funcnet.testing.reports.comparing import Difference, same_bits
from funcnet.tree import Array, DType, Flow, flatten

_KINDS = {np.uint8: (0, 200, 200), np.int8: (-128, 100, -128), np.bool_: (0, 1, 1)}  # from, to, the first number


def integers(case: Case) -> None:
    """Integers and bools in x give the y and grads of the same numbers as floats, bit for bit, and a dx of None."""
    layer, count = case.layer, len(tree.leaves(case.x))
    takes_integers = getattr(layer, "takes_integers", False)
    needs(takes_integers or isinstance(layer, Layer), "it is asked of a Layer, or of what takes_integers")
    needs(not case.is_given and len(floats(case.x)) == count)
    asked, params, dtype = layer, case.params, np.dtype(np.float32)
    if not takes_integers:  # combinators convert them, to the dtype of the params
        asked, params, dtype = sequential(layer), (params,), next((leaf.dtype for leaf in floats(params)), dtype)
    for kind in _KINDS:
        for which in [range(count), range(0, count, 2), range(1, count, 2)] if count > 1 else [range(1)]:
            x, as_floats = (_with_integers(case.x, which, kind, each) for each in (kind, dtype))
            expected, _ = _results(layer, case.params, as_floats, case.dy)
            got, dx = _results(asked, params, x, case.dy)
            names, of_parts = [*named_parts("dx", x)], [*named_parts("dx", dx).values()]
            for at, part in [(names[i], of_parts[i]) for i in which]:
                if part is not None:
                    raise Difference(at, type(part).__name__, f"None: {np.dtype(kind)} has no gradient")
                expected.pop(at)
            if asked is not layer:
                got = {at.replace("grads.0", "grads", 1): array for at, array in got.items()}
            same_bits(_as_floats(got, expected), expected, f"the numbers of {np.dtype(kind)} as {dtype}")


def _results(layer: Any, params: Any, x: Flow, dy: Flow) -> tuple[Results, Flow]:
    """The results of both passes, and dx. Raises Inapplicable for a layer that refuses such numbers."""
    try:
        y, cache = layer.forward(params, x)
    except TypeError as refused:
        raise Inapplicable from refused
    dx, grads = layer.backward(params, cache, dy)
    return named(y, dx, grads), dx


def _with_integers(x: Flow, which: range, kind: type, dtype: DType) -> Flow:
    """x with whole numbers that `kind` holds in some of its arrays, which are then of `dtype`."""
    arrays, structure = flatten(x)
    return structure.assemble(_whole(a, kind).astype(dtype) if i in which else a for i, a in enumerate(arrays))


def _whole(x: Array, kind: type) -> Array:
    """Whole numbers that depend on x, the first of them one whose sums or products do not fit the kind."""
    least, most, first = _KINDS[kind]
    numbers = np.array(least + np.floor(np.abs(x) * 16) % (most - least + 1))
    numbers.flat[:1] = first
    return numbers


def _as_floats(got: Results, expected: Results) -> Results:
    """The results with the dtype of the expected ones for integers, which a layer may hand on as they are."""
    return {
        at: array.astype(expected[at].dtype) if array.dtype.kind in "biu" and at in expected else array
        for at, array in got.items()
    }
