"""The layer that looks rows up: integer ids to vectors."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np

from funcnet.cache import Cache, opened
from funcnet.errors import DTypeError
from funcnet.initializers import Initializer, normal
from funcnet.initializers.distributions import is_initializer
from funcnet.layers.checks import check_inputs, check_params, checked_shape, drawn
from funcnet.layers.layer import Layer
from funcnet.numerics.labels import checked_classes
from funcnet.numerics.sums import rows_of, sums_by_index
from funcnet.random import Key, checked_key
from funcnet.tree import Array, DType, Shape, as_dtype, build, node, shape_of, to_array
from funcnet.values import at_least, register, specification


@register
@node
class EmbeddingParams:
    """The params of `Embedding`: a vector for each id.

    Parameters
    ----------
    weight : ndarray (n_in, n_out)
        The vectors, one in each row.

    Examples
    --------
    >>> import numpy as np, funcnet as fn
    >>> fn.EmbeddingParams(np.array([[1.0, 2.0], [3.0, 4.0]])).weight.shape
    (2, 2)
    """

    weight: Array


@register
@specification
class Embedding(Layer):
    """A vector for each integer id: rows of a matrix, looked up.

    y = weight[x], with ids x (...) from 0 to n_in - 1, weight (n_in, n_out) and y (..., n_out). dx is None: ids have no
    gradient. Row i of grads.weight is the sum of dy wherever x is i.

    Parameters
    ----------
    n_in : int
        Number of ids, at least 1.
    n_out : int
        Size of the vectors; 0 is allowed.
    weight_init : callable, default initializers.normal(1.0)
        Initializer `(key, shape, dtype) -> array` of the weight.

    Raises
    ------
    DTypeError
        If x is not made of integers.
    IndexError
        If an id is not in 0..n_in - 1; the message has the id and its index.
    ShapeError
        If x is a tuple, or the initializer returns a different shape.
    TreeError
        If params are not EmbeddingParams with n_in rows and n_out columns.
    TypeError
        If n_in or n_out is not an integer, or the initializer is a class.
    ValueError
        If n_in is below 1 or n_out negative.

    References
    ----------
    Y. Bengio, R. Ducharme, P. Vincent, C. Jauvin: A neural probabilistic language model. JMLR 3, 2003.

    Examples
    --------
    >>> import numpy as np, funcnet as fn
    >>> params = fn.EmbeddingParams(np.array([[1.0, 2.0], [3.0, 4.0]]))
    >>> layer = fn.Embedding(2, 2)
    >>> y, cache = layer.forward(params, np.array([1, 0, 1]))
    >>> y
    array([[3., 4.],
           [1., 2.],
           [3., 4.]])
    >>> layer.backward(params, cache, np.ones((3, 2)))
    (None, EmbeddingParams(weight=array([[1., 1.],
           [2., 2.]])))
    """

    takes_integers = True
    n_in: int = attrs.field(converter=at_least(1, "n_in"))
    n_out: int = attrs.field(converter=at_least(0, "n_out"))
    weight_init: Initializer = attrs.field(default=normal(1.0), validator=is_initializer)

    def output_shape(self, input_shape: Shape) -> Shape:
        return (*checked_shape(input_shape, self), self.n_out)

    def init(self, key: Key, input_shape: Shape, dtype: DType = np.float32) -> EmbeddingParams:
        self.output_shape(input_shape)  # raises if that is not the shape of one array
        key = checked_key(key).fold_in("weight")
        return EmbeddingParams(drawn(self.weight_init, key, (self.n_in, self.n_out), dtype))

    def forward(self, params: EmbeddingParams, x: Array) -> tuple[Array, Cache]:
        weight = self._weight(params)
        if isinstance(x, tuple):
            check_inputs(self, shape_of(x))
        ids = to_array(x)
        if ids.dtype.kind not in "iu":
            raise DTypeError(f"{self!r} takes integer ids, got {ids.dtype}{_HINT if ids.dtype.kind == 'f' else ''}")
        ids = checked_classes("id", ids, self.n_in, IndexError, "ids")
        y = weight.take(ids, axis=0)
        return y, Cache(self, y.shape, ids)

    def backward(self, params: EmbeddingParams, cache: Cache, dy: Array) -> tuple[None, EmbeddingParams]:
        weight = self._weight(params)
        ids, dy = opened(self, cache, dy)
        sums = sums_by_index(ids.reshape(-1), rows_of(dy), self.n_in)
        return None, build(EmbeddingParams, as_dtype(sums, weight.dtype))

    def _weight(self, params: Any) -> Array:
        check_params(params, EmbeddingParams, {"weight": (self.n_in, self.n_out)})
        return params.weight  # type: ignore[no-any-return]


_HINT = "; a layer of your own with an Embedding in it declares takes_integers, or it is given floats for integers"
