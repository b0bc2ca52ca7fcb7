"""Hypothesis strategies for property tests of one's own: keys, arrays, params, layers, whole networks and the rest.

What they draw is valid by construction and shrinks to what is short to read: numbers to 0, then 1, then small
fractions; options to their defaults or 0; networks to `sequential()`. A test file that uses them:

>>> import funcnet as fn
>>> from hypothesis import given
>>> from hypothesis import strategies as st
>>> from funcnet.testing import strategies
>>> @given(strategies.models((3,)), strategies.inputs((3,)), st.data())
... def test_sequential_of_one_model_is_the_model(model, x, data):
...     params = data.draw(strategies.params(model, (3,)))
...     assert fn.tree.equal(fn.sequential(model).apply((params,), x), model.apply(params, x))
>>> test_sequential_of_one_model_is_the_model()
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import cache, partial
from string import ascii_lowercase
from typing import Any

import numpy as np

from funcnet.errors import needs
from funcnet.layers.activations import Elementwise, Sigmoid, Softplus, Tanh
from funcnet.layers.combinators import add, concatenate, residual, sequential
from funcnet.layers.dropout import Dropout
from funcnet.layers.layer import Layer, checked_shape, with_features
from funcnet.layers.linear import Linear
from funcnet.layers.rectifiers import ELU, GELU, LeakyReLU, ReLU, SiLU
from funcnet.layers.reshaping import Flatten, Identity
from funcnet.layers.softmax import LogSoftmax, Softmax
from funcnet.losses.binary_cross_entropy import BinaryCrossEntropy, SigmoidBinaryCrossEntropy
from funcnet.losses.loss import Loss
from funcnet.losses.softmax_cross_entropy import SoftmaxCrossEntropy
from funcnet.losses.squared_error import MeanSquaredError
from funcnet.optimizers.adam import Adam, AdamW
from funcnet.optimizers.adaptive import Adagrad, RMSProp
from funcnet.optimizers.optimizer import Optimizer
from funcnet.optimizers.sgd import SGD
from funcnet.random import Key
from funcnet.tree import Array, DType, Shape, Tree, as_dtype, flatten
from funcnet.values import integer

with needs("hypothesis", extra="testing"):
    import hypothesis.extra.numpy
    from hypothesis import strategies as st


def _sixteenths(least: float, most: float) -> st.SearchStrategy[float]:
    """Integers over 16: exact in every dtype, their sums and products from float32 on. Made of floats, which shrink
    best: to 0, then 1, then other integers, then simple fractions.
    """
    return st.floats(least, most).map(lambda x: round(x * 16) / 16)


# Other numbers are not tiny, so that products of a few are normal in float32: no law fails for having underflowed.
_NUMBERS = _sixteenths(-4, 4) | st.floats(2**-10, 4) | st.floats(-4, -(2**-10))


def keys() -> st.SearchStrategy[Key]:
    """Keys of any seed, and a path of up to three positions and short names.

    >>> hypothesis.find(keys(), lambda key: True)
    Key(seed=0)
    """
    parts = st.integers(0, 2**32 - 1) | st.text(ascii_lowercase, min_size=1, max_size=4)
    return st.builds(Key, st.integers(0, 2**128 - 1), st.lists(parts, max_size=3).map(tuple))


def shapes(max_dims: int = 2, max_side: int = 4) -> st.SearchStrategy[Shape]:
    """Shapes of one example: one axis to `max_dims`, each of 1 to `max_side`.

    >>> hypothesis.find(shapes(), lambda shape: True)
    (1,)
    """
    return hypothesis.extra.numpy.array_shapes(max_dims=max_dims, max_side=max_side)


def batches() -> st.SearchStrategy[Shape]:
    """Shapes of a batch: `()`, a single example; `(n,)`; or `(n, m)`, both from 0 to 4.

    >>> hypothesis.find(batches(), lambda batch: batch != ())
    (0,)
    """
    return hypothesis.extra.numpy.array_shapes(min_dims=0, max_dims=2, min_side=0, max_side=4)


def arrays(
    shape: Shape | st.SearchStrategy[Shape], dtype: DType = np.float64, *, scale: float = 1.0
) -> st.SearchStrategy[Array]:
    """Arrays of a shape, or of those a strategy draws, of floating-point numbers up to 4 in size, times `scale`.

    An entry is an integer over 16, or any number of at least 2**-10 in size.

    >>> hypothesis.find(arrays((2,), np.float32), lambda x: True)
    array([0., 0.], dtype=float32)
    """
    return _arrays(shape, np.float64, _NUMBERS).map(lambda array: as_dtype(array * scale, dtype))


def _arrays(
    shape: Shape | st.SearchStrategy[Shape], dtype: DType, entries: st.SearchStrategy[Any]
) -> st.SearchStrategy[Array]:
    """In large arrays only some entries are drawn by themselves, so they are cheap; the others are one number."""
    if isinstance(shape, st.SearchStrategy):
        return shape.flatmap(lambda drawn: _arrays(drawn, dtype, entries))
    fill = st.just(0) | entries if math.prod(shape) > 16 else st.nothing()
    return hypothesis.extra.numpy.arrays(np.dtype(dtype), shape, elements=entries, fill=fill)


def inputs(input_shape: Shape, dtype: DType = np.float64) -> st.SearchStrategy[Array]:
    """Inputs x of `batch + input_shape`, the batch one of `batches()`.

    >>> hypothesis.find(inputs((3,)), lambda x: x.size > 0)
    array([0., 0., 0.])
    """
    input_shape = checked_shape(input_shape)
    return arrays(batches().map(lambda batch: batch + input_shape), dtype)


def labels(n: int, batch: Shape | st.SearchStrategy[Shape] | None = None) -> st.SearchStrategy[Array]:
    """Integer labels in 0..n-1, of the shape `batch`, of those it draws, or of `batches()`.

    >>> hypothesis.find(labels(10, (2,)), lambda y: True)
    array([0, 0])
    """
    return _arrays(batches() if batch is None else batch, np.int64, st.integers(0, integer(n, "n", 1) - 1))


def params(layer: Layer, input_shape: Shape, dtype: DType = np.float64) -> st.SearchStrategy[Tree]:
    """Params of the layer as `init` makes them, but every leaf one of `arrays`: biases are not always 0.

    >>> import funcnet as fn
    >>> hypothesis.find(params(fn.Linear(1), (2,)), lambda params: True)
    LinearParams(weight=array([[0.],
           [0.]]), bias=array([0.]))
    """
    leaves, structure = flatten(layer.init(Key(0), input_shape, dtype))
    drawn = st.tuples(*(arrays(leaf.shape, leaf.dtype) for leaf in leaves))
    return drawn.map(structure.fill)


def layers() -> st.SearchStrategy[Layer]:
    """Every layer of the library with any options; all take inputs of any shape of at least one axis.

    >>> hypothesis.find(layers(), lambda layer: True)
    Identity()
    """
    return _layers(flatten=True)


@cache
def _layers(flatten: bool) -> st.SearchStrategy[Layer]:
    """Layers, half of them `Linear`; `Flatten` is among them only if `flatten`."""
    kinds: list[Callable[..., Layer]] = [Identity, ReLU, Sigmoid, Tanh]
    kinds += [Softplus, SiLU, GELU, Softmax, LogSoftmax]
    kinds += [partial(Elementwise, np.sin, np.cos), partial(Elementwise, np.positive, np.ones_like)]
    options = {
        LeakyReLU: {"slope": st.just(0.01) | _sixteenths(0, 2)},
        ELU: {"alpha": st.just(1.0) | _sixteenths(0, 2)},
        Dropout: {"rate": _sixteenths(0, 1)},
    }
    kinds += [*options, Flatten] if flatten else [*options]
    linear = st.builds(Linear, st.integers(1, 4), bias=st.sampled_from([True, False]))
    return st.sampled_from(kinds).flatmap(lambda kind: st.builds(kind, **options.get(kind, {}))) | linear


def models(input_shape: Shape, depth: int = 3) -> st.SearchStrategy[Layer]:
    """Networks of every layer and combinator, for inputs of `batch + input_shape` of at least one axis.

    Combinators are nested up to `depth` deep. Where branches must have one shape, those of another end in a `Flatten`
    or a `Linear`, in a `sequential` that does not count as depth.

    >>> hypothesis.find(models((3,), depth=0), lambda model: model.output_shape((3,)) == (2,))
    Linear(n_out=2)
    """
    return _models(with_features(input_shape), integer(depth, "depth", 0), flatten=True)


@st.composite
def _models(draw: st.DrawFn, shape: Shape, depth: int, flatten: bool) -> Layer:
    """Models that make one axis of many only if `flatten`."""
    kinds = ["sequential", "layer", "residual", "add", "concatenate"] if depth else ["layer"]
    kind = draw(st.sampled_from([*kinds, "flatten"] if depth and flatten and len(shape) > 1 else kinds))
    if kind == "flatten":
        return Flatten()
    if kind == "layer":
        return draw(_layers(flatten))
    if kind == "sequential":
        return sequential(*_chain(draw, shape, depth, flatten))
    if kind == "residual":
        return residual(draw(_branches(shape, depth, shape, exact=True)))
    first = draw(_models(shape, depth - 1, flatten))
    others = draw(st.lists(_branches(shape, depth, first.output_shape(shape), exact=kind == "add"), max_size=2))
    return add(first, *others) if kind == "add" else concatenate(first, *others)


def _chain(draw: st.DrawFn, shape: Shape, depth: int, flatten: bool) -> Iterator[Layer]:
    """Up to three models, each for the output of the one before."""
    for _ in range(draw(st.integers(0, 3))):
        model = draw(_models(shape, depth - 1, flatten))
        yield model
        shape = model.output_shape(shape)


@st.composite
def _branches(draw: st.DrawFn, shape: Shape, depth: int, target: Shape, exact: bool) -> Layer:
    """Models whose output has the shape `target`; or, if not `exact`, another last axis."""
    body = draw(_models(shape, depth - 1, flatten=len(target) == 1))
    ends: list[Layer] = [] if len(body.output_shape(shape)) == len(target) else [Flatten()]
    if exact and sequential(body, *ends).output_shape(shape) != target:
        ends.append(Linear(target[-1]))
    return sequential(body, *ends) if ends else body


def losses() -> st.SearchStrategy[Loss]:
    """Every loss with every reduction; "mean" and "batch" raise ValueError for an empty batch.

    >>> hypothesis.find(losses(), lambda loss: True)
    MeanSquaredError()
    """
    kinds: list[Callable[[str], Loss]]
    kinds = [MeanSquaredError, SoftmaxCrossEntropy, SigmoidBinaryCrossEntropy, BinaryCrossEntropy]
    reductions = st.sampled_from(["mean", "batch", "sum"])
    return st.one_of([st.builds(kind, reductions) for kind in kinds])


def optimizers() -> st.SearchStrategy[Optimizer]:
    """Every optimizer with any options; its learning rate is from 2**-10 to 1 and its eps above 0.

    >>> hypothesis.find(optimizers(), lambda optimizer: True)
    SGD(learning_rate=1.0)
    """
    unit, above_zero, fractions = _sixteenths(0, 1), _sixteenths(1 / 16, 1), _sixteenths(0, 15 / 16)
    shared = {"learning_rate": above_zero | st.floats(2**-10, 1), "weight_decay": unit}
    eps = st.just(1e-8) | above_zero
    momentum = _sixteenths(1 / 16, 15 / 16)
    betas = st.just((0.9, 0.999)) | st.tuples(fractions, fractions)
    # Below 1/2, few equal gradients make the variance of `centered` what rounding leaves of it, which may be negative.
    alpha = st.just(0.99) | _sixteenths(0.5, 15 / 16)
    return st.one_of(
        st.builds(SGD, **shared),
        st.builds(SGD, momentum=momentum, nesterov=st.booleans(), **shared),
        st.builds(Adam, betas=betas, eps=eps, **shared),
        st.builds(AdamW, betas=betas, eps=eps, **shared),
        st.builds(RMSProp, alpha=alpha, eps=eps, momentum=fractions, centered=st.booleans(), **shared),
        st.builds(Adagrad, lr_decay=unit, initial_accumulator_value=unit, eps=st.just(1e-10) | above_zero, **shared),
    )
