"""Strategies for layers, whole networks and their params, for losses and for optimizers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache, partial
from typing import Any

import attrs
import numpy as np
from hypothesis import strategies as st

from funcnet.errors import ShapeError
from funcnet.layers.activations import Elementwise, Tanh
from funcnet.layers.batch_norm import BatchNorm
from funcnet.layers.cells import SimpleCell
from funcnet.layers.checks import with_features
from funcnet.layers.combinators import add, branches, concatenate, parallel, residual, sequential
from funcnet.layers.dropout import Dropout
from funcnet.layers.embedding import Embedding
from funcnet.layers.layer import Layer
from funcnet.layers.linear import Linear
from funcnet.layers.merging import Concatenate, Multiply, Select, Sum
from funcnet.layers.normalization import GroupNorm, LayerNorm
from funcnet.layers.rectifiers import ELU, LeakyReLU, ReLU
from funcnet.layers.recurrent import recurrent
from funcnet.layers.reshaping import Flatten, Identity
from funcnet.layers.tying import tied
from funcnet.losses.loss import Loss
from funcnet.optimizers.adam import Adam, AdamW
from funcnet.optimizers.adaptive import Adagrad, RMSProp
from funcnet.optimizers.optimizer import Optimizer
from funcnet.optimizers.sgd import SGD
from funcnet.random import Key
from funcnet.testing.strategies.arrays import arrays, sixteenths
from funcnet.tree import DType, Shape, Tree, flatten, is_nested
from funcnet.values import integer, public_items


def params(layer: Layer, input_shape: Shape, dtype: DType = np.float64) -> st.SearchStrategy[Tree]:
    """Params of a layer as `init` makes them, but every leaf drawn from `arrays`: biases are not always 0.

    Parameters
    ----------
    layer : Layer
        Layer to make params for.
    input_shape : tuple of int, or tuple of such tuples
        Shape of one example of its input; for several inputs, the tuple of their shapes.
    dtype : dtype, default float64
        Floating-point dtype of the params.

    Returns
    -------
    SearchStrategy of Tree
        Shrinks to params of zeros.

    Examples
    --------
    >>> import funcnet as fn
    >>> from hypothesis import find
    >>> find(params(fn.Linear(1), (2,)), lambda params: True)
    LinearParams(weight=array([[0.],
           [0.]]), bias=array([0.]))
    """
    leaves, structure = flatten(layer.init(Key(0), input_shape, dtype))
    drawn = st.tuples(*(arrays(leaf.shape, leaf.dtype) for leaf in leaves))
    return drawn.map(structure.fill)


def layers() -> st.SearchStrategy[Layer]:
    """Every layer of the library of one array, with any options; each takes any shape of at least one axis.

    Returns
    -------
    SearchStrategy of Layer
        Shrinks to `Identity()`.

    Examples
    --------
    >>> from hypothesis import find
    >>> find(layers(), lambda layer: True)
    Identity()
    """
    return _layers(flatten=True)


@cache
def _layers(flatten: bool) -> st.SearchStrategy[Layer]:
    """Layers, half of them `Linear`; `Flatten` is among them only if `flatten`."""
    options: dict[Any, dict[str, Any]] = {
        LeakyReLU: {"slope": st.just(0.01) | sixteenths(0, 2)},
        ELU: {"alpha": st.just(1.0) | sixteenths(0, 2)},
        Dropout: {"rate": sixteenths(0, 1)},
        BatchNorm: {"affine": st.booleans()},
        LayerNorm: {"affine": st.booleans()},
    }
    kinds: list[Callable[..., Layer]] = [Identity, *(kind for kind in _without_options() if kind not in options)]
    kinds += [partial(Elementwise, np.sin, np.cos), partial(Elementwise, np.positive, np.ones_like), *options]
    kinds += [Flatten] if flatten else []
    linear = st.builds(Linear, st.integers(1, 4), bias=st.sampled_from([True, False]))
    return st.sampled_from(kinds).flatmap(lambda kind: st.builds(kind, **options.get(kind, {}))) | linear


def _without_options() -> list[type[Layer]]:
    """The public layers of one array that need no arguments, other than those that `_layers` treats by name."""
    kinds = [item for item in public_items().values() if isinstance(item, type) and issubclass(item, Layer)]
    by_name = (Layer, Identity, Flatten)
    return [
        kind
        for kind in kinds
        if kind not in by_name
        and kind.n_inputs == 1
        and all(field.default is not attrs.NOTHING for field in attrs.fields(kind))
    ]


def models(input_shape: Any, depth: int = 3, n_ids: int | None = None) -> st.SearchStrategy[Layer]:
    """Networks of every layer and combinator.

    Where branches must give the same shape, a branch of a different shape ends in a `Flatten` or a `Linear`, in a
    `sequential` that does not count as depth. In training, a network with a `BatchNorm` needs two rows.

    Parameters
    ----------
    input_shape : tuple of int, or of such tuples
        Shape of one example of the input, with at least one axis; a tuple of shapes for several inputs.
    depth : int, default 3
        Largest depth of nested combinators; 0 gives single layers.
    n_ids : int, optional
        Number of ids, if the input is made of integer ids; the network then begins with an `Embedding`.

    Returns
    -------
    SearchStrategy of Layer
        Shrinks to `sequential()`, or to `Identity()` at depth 0.

    Raises
    ------
    ShapeError
        If a shape has no axis.
    ValueError
        If depth is negative, or n_ids below 1.

    Examples
    --------
    >>> from hypothesis import find
    >>> find(models((3,), depth=0), lambda model: model.output_shape((3,)) == (2,))
    Linear(n_out=2)
    >>> find(models((3,), n_ids=5), lambda model: True).layers[0]
    Embedding(n_in=5, n_out=1)
    >>> find(models(((3,), (2,))), lambda model: True)
    sequential(parallel(sequential(), sequential()), Select(index=0))
    """
    integer(depth, "depth", 0)
    if is_nested(input_shape):
        inputs = [models(shape, depth, n_ids) for shape in input_shape]
        return st.tuples(*inputs).flatmap(lambda each: _merged(parallel(*each), input_shape))
    if n_ids is None:
        return _models(with_features(input_shape), depth, flatten=True)
    return st.integers(1, 4).flatmap(lambda n: _of_ids(Embedding(n_ids, n), with_features(input_shape), depth))


def _of_ids(embedding: Embedding, shape: Shape, depth: int) -> st.SearchStrategy[Layer]:
    return _models(embedding.output_shape(shape), depth, flatten=True).map(lambda model: sequential(embedding, model))


@st.composite
def _merged(draw: st.DrawFn, layer: Layer, shape: Any) -> Layer:
    """A layer whose output is a tuple, and then one that makes an array of it."""
    shapes: Any = layer.output_shape(shape)
    fitting: list[Layer] = [Select(index) for index in range(len(shapes))]
    fitting += [merge for merge in (Sum(), Multiply(), Concatenate()) if _takes(merge, shapes)]
    return sequential(layer, draw(st.sampled_from(fitting)))


def _takes(layer: Layer, shape: Any) -> bool:
    try:
        layer.output_shape(shape)
    except ShapeError:
        return False
    return True


@st.composite
def _models(draw: st.DrawFn, shape: Shape, depth: int, flatten: bool) -> Layer:
    """Models; only if `flatten` may they make one axis of several."""
    kinds = ["sequential", "layer", "residual", "add", "concatenate", "branches", "tied"] if depth else ["layer"]
    kinds += [*(["group norm"] if shape[-1] > 1 else []), *(["recurrent"] if len(shape) == 2 and flatten else [])]
    kind = draw(st.sampled_from([*kinds, "flatten"] if depth and flatten and len(shape) > 1 else kinds))
    if kind in _OF_SHAPE:
        return draw(_OF_SHAPE[kind](shape))
    if kind == "layer":
        return draw(_layers(flatten))
    if kind == "sequential":
        return sequential(*_chain(draw, shape, depth, flatten))
    if kind == "residual":
        return residual(draw(_branches(shape, depth, shape, exact=True)))
    first = draw(_models(shape, depth - 1, flatten))
    others = draw(st.lists(_branches(shape, depth, first.output_shape(shape), exact=kind != "concatenate"), max_size=2))
    if kind == "branches":
        return draw(_merged(branches(first, *others), shape))
    return add(first, *others) if kind == "add" else concatenate(first, *others)


def _group_norms(shape: Shape) -> st.SearchStrategy[Layer]:
    n = shape[-1]
    return st.sampled_from([groups for groups in range(1, n + 1) if n % groups == 0] or [1]).map(GroupNorm)


def _recurrent(shape: Shape) -> st.SearchStrategy[Layer]:
    activations = st.sampled_from([Tanh(), ReLU()])
    cells = st.builds(SimpleCell, st.integers(1, 3), activations)
    return st.builds(recurrent, cells, reverse=st.booleans(), last_only=st.booleans() if shape[0] else st.just(False))


def _autoencoders(shape: Shape) -> st.SearchStrategy[Layer]:
    """Networks to fewer or more features and back, by the transposed weight."""
    ends = st.integers(1, 3).map(lambda n: sequential(Linear(n), Tanh(), Linear(shape[-1])))
    return ends.map(lambda model: tied(model, {"2.weight": "0.weight.T"}))


_OF_SHAPE: dict[str, Callable[[Shape], st.SearchStrategy[Layer]]] = {
    "flatten": lambda shape: st.just(Flatten()),
    "group norm": _group_norms,
    "recurrent": _recurrent,
    "tied": _autoencoders,
}


def _chain(draw: st.DrawFn, shape: Shape, depth: int, flatten: bool) -> Iterator[Layer]:
    """Up to three models, each for the output of the one before."""
    for _ in range(draw(st.integers(0, 3))):
        model = draw(_models(shape, depth - 1, flatten))
        yield model
        shape = model.output_shape(shape)


@st.composite
def _branches(draw: st.DrawFn, shape: Shape, depth: int, target: Shape, exact: bool) -> Layer:
    """Models whose output has the shape `target` or, if not `exact`, differs from it in the last axis."""
    body = draw(_models(shape, depth - 1, flatten=len(target) == 1))
    ends: list[Layer] = [] if len(body.output_shape(shape)) == len(target) else [Flatten()]
    if exact and sequential(body, *ends).output_shape(shape) != target:
        ends.append(Linear(target[-1]))
    return sequential(body, *ends) if ends else body


def losses() -> st.SearchStrategy[Loss]:
    """Every loss of the library with every reduction; "mean" and "batch" raise ValueError for an empty batch.

    Returns
    -------
    SearchStrategy of Loss
        Shrinks to `MeanSquaredError()`.

    Examples
    --------
    >>> from hypothesis import find
    >>> find(losses(), lambda loss: True)
    MeanSquaredError()
    """
    kinds = [item for item in public_items().values() if isinstance(item, type) and hasattr(item, "reduction")]
    reductions = st.sampled_from(["mean", "batch", "sum"])
    return st.sampled_from(kinds).flatmap(lambda kind: st.builds(kind, reduction=reductions))


def optimizers() -> st.SearchStrategy[Optimizer]:
    """Every optimizer of the library with any options: learning rates from 2**-10 to 1, and eps above 0.

    Returns
    -------
    SearchStrategy of Optimizer
        Shrinks to `SGD(1.0)`.

    Examples
    --------
    >>> from hypothesis import find
    >>> find(optimizers(), lambda optimizer: True)
    SGD(learning_rate=1.0)
    """
    unit, above_zero, fractions = sixteenths(0, 1), sixteenths(1 / 16, 1), sixteenths(0, 15 / 16)
    shared = {"learning_rate": above_zero | st.floats(2**-10, 1), "weight_decay": unit}
    eps = st.just(1e-8) | above_zero
    momentum = sixteenths(1 / 16, 15 / 16)
    betas = st.just((0.9, 0.999)) | st.tuples(fractions, fractions)
    # Below 1/2, few equal gradients make the variance of `centered` what rounding leaves of it, which may be negative.
    alpha = st.just(0.99) | sixteenths(0.5, 15 / 16)
    return st.one_of(
        st.builds(SGD, **shared),
        st.builds(SGD, momentum=momentum, nesterov=st.booleans(), **shared),
        st.builds(Adam, betas=betas, eps=eps, **shared),
        st.builds(AdamW, betas=betas, eps=eps, **shared),
        st.builds(RMSProp, alpha=alpha, eps=eps, momentum=fractions, centered=st.booleans(), **shared),
        st.builds(Adagrad, lr_decay=unit, initial_accumulator_value=unit, eps=st.just(1e-10) | above_zero, **shared),
    )
