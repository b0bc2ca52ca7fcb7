"""Drawing cases: from a seed, and the same with and without Hypothesis.

Batches, dtypes and regimes of numbers take turns: 56 cases cover every combination.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator, Sequence
from functools import partial
from typing import Any

import attrs
import numpy as np

from funcnet.random import Key
from funcnet.testing.cases.case import Case, batch_of, cast, cast_parts, map_floats, map_shapes, over_batch
from funcnet.testing.cases.snapshots import writable
from funcnet.tree import Array, DType, Flow, Shape, Tree, has_buffers, map_flow

BATCHES: tuple[Shape, ...] = ((2,), (1,), (), (3,), (0,), (2, 2), (40,))


def dyadic(draws: np.random.Generator, shape: Shape) -> Array:
    """Sixteenths from -4 to 4: their sums and products are exact, and some are equal or 0."""
    return np.asarray(draws.integers(-64, 65, shape) / 16.0)


def ordinary(draws: np.random.Generator, shape: Shape) -> Array:
    """Normal random numbers."""
    return np.asarray(draws.normal(size=shape))


def tails(draws: np.random.Generator, shape: Shape) -> Array:
    """Magnitudes from 1e-8 to 300."""
    return np.asarray(draws.choice([-1.0, 1.0], shape) * 10 ** draws.uniform(-8, 2.5, shape))


_IN_TURN = 56  # cases with every combination of batch, dtype and regime; batches of later cases are of any size
REGIMES = (ordinary, dyadic, tails, ordinary)


def layer_cases(
    layer: Any,
    input_shape: Any,
    key: Key,
    examples: int,
    params: Tree = None,
    x: Flow = None,
    symmetries: Sequence[Any] = (),
    dtypes: Sequence[DType] | None = None,
    exempt: Collection[str] = (),
) -> Iterator[Case]:
    """Cases of a layer, with params and x as given or drawn; without batches of a form whose law is exempt."""
    declared = None if dtypes is None else tuple(dtypes)
    dtypes = _accepted(layer, input_shape, params, x) if dtypes is None else dtypes
    batches = allowed(BATCHES if x is None else _batches_of(len(batch_of(x, input_shape))), exempt)
    if over_batch(layer):  # one row has no variance
        batches = tuple(batch for batch in batches if math.prod(batch) != 1)
    batches += batches[: 1 - len(batches) % 2]  # dtypes and regimes have even periods
    for i in range(examples):
        draws, dtype = key.fold_in(i).generator(), dtypes[i % len(dtypes)]
        regime, batch = REGIMES[i // 2 % len(REGIMES)], batches[i % len(batches)]
        if i >= _IN_TURN and len(batch) == 1:
            batch = (int(draws.integers("batch.empty" in exempt, 100)),)
        as_initialized = params is not None or i // 2 % len(REGIMES) == 3
        drawn = layer.init(key.fold_in(i), input_shape, dtype) if params is None else cast(params, dtype)
        if not as_initialized:
            drawn = _tracked(layer, map_floats(partial(_moved, draws), drawn), input_shape, dtype, draws)
        if x is None:
            at = _numbers(partial(regime, draws), batch, input_shape)
        else:
            at = x if i == 0 else _rows(draws, x, batch_of(x, input_shape), batch)
        at = cast_parts(at, dtype)
        case = Case(
            layer,
            drawn,
            at,
            np.zeros(()),
            input_shape,
            tuple(symmetries),
            x is not None,
            exempt=exempt,
            dtypes=declared,
        )
        yield with_dy(case, dyadic if regime is dyadic else ordinary, draws)


def allowed(batches: tuple[Shape, ...], exempt: Collection[str]) -> tuple[Shape, ...]:
    """The batches but for those of a form whose law is exempt; all of them if that leaves none."""
    return tuple(batch for batch in batches if _form(batch) not in exempt) or batches


def _form(batch: Shape) -> str:
    """The law that is about batches of this form, if there is one."""
    if not batch:
        return "batch.single"
    return "batch.empty" if 0 in batch else "batch.axes" if len(batch) > 1 else ""


def with_dy(case: Case, regime: Callable[[Any, Shape], Array], draws: Any) -> Case:
    """The case with a drawn dy of the shape and dtype of its y; if forward fails, the case itself: a law reports it."""
    try:
        y = map_flow(np.asarray, case.layer.forward(writable(case.params), writable(case.x))[0])  # it may write there
    except Exception:
        return case

    def dy_of(y: Array) -> Array:
        return regime(draws, y.shape).astype(y.dtype if y.dtype.kind == "f" else case.dtype)

    return attrs.evolve(case, dy=map_flow(dy_of, y))


def _accepted(layer: Any, input_shape: Any, params: Tree, x: Flow) -> list[DType]:
    """float64 and float32, or float32 alone if the layer raises TypeError for float64."""
    try:
        at = _numbers(np.ones, (1,), input_shape) if x is None else cast_parts(x, np.float64)
        layer.forward(layer.init(Key(0), input_shape, np.float64) if params is None else cast(params, np.float64), at)
    except TypeError:
        return [np.float32]
    except Exception:  # the laws report it
        pass
    return [np.float64, np.float32]


def _moved(draws: np.random.Generator, p: Array) -> Array:
    """The param away from its initial value, at which biases are 0 and scales 1."""
    return np.asarray(p + (dyadic(draws, p.shape) / 4).astype(p.dtype))


def _tracked(layer: Any, params: Tree, input_shape: Any, dtype: DType, draws: np.random.Generator) -> Tree:
    """The params after a pass in training: running statistics are not always 0 and 1."""
    if not has_buffers(params):
        return params
    try:
        x = cast_parts(_numbers(partial(ordinary, draws), (5,), input_shape), dtype)
        trained = layer.training(Key(0))
        return trained.track(params, trained.forward(params, x)[1])
    except Exception:  # the laws report it
        return params


def _batches_of(axes: int) -> tuple[Shape, ...]:
    """Shapes of batches with this number of axes."""
    return tuple((n,) + (2,) * (axes - 1) for n in (2, 1, 3, 0, 5)) if axes else ((),)


def _numbers(draw: Callable[[Shape], Array], batch: Shape, input_shape: Any) -> Flow:
    """An x whose arrays are drawn one after another."""
    return map_shapes(lambda shape: draw(batch + shape), input_shape)


def _rows(draws: np.random.Generator, x: Flow, given: Shape, batch: Shape) -> Flow:
    """A batch of rows drawn from x, whose own batch is `given`."""
    n = math.prod(given)
    rows = draws.integers(max(n, 1), size=math.prod(batch) if n else 0)

    def of_part(part: Array) -> Array:
        shape = part.shape[len(given) :]
        return part.reshape(n, *shape)[rows].reshape(batch + shape)

    return map_flow(of_part, x)
