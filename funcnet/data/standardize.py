"""Standardization as a layer: mean and standard deviation of each feature of the training data, part of the model."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import attrs
import numpy as np

from funcnet.cache import Cache, opened
from funcnet.data.finite import is_finite, not_finite
from funcnet.data.inputs import Features, inputs
from funcnet.errors import ShapeError
from funcnet.layers.checks import check_params, with_features
from funcnet.layers.combinators import parallel
from funcnet.layers.layer import Layer
from funcnet.layers.norm_params import check_features
from funcnet.layers.reshaping import Identity
from funcnet.numerics.sums import wide
from funcnet.numerics.underflow import past_underflow
from funcnet.random import Key, checked_key
from funcnet.tree import Array, Buffer, DType, Flow, Shape, as_array, as_dtype, is_integer, node, one_array
from funcnet.values import code, real, register, specification

_ROWS = 2**12  # of a part whose squares are summed at a time
_LINE = 80  # characters of a repr that has all numbers


@register
@node
class StandardizeParams:
    """The params of `Standardize`: two buffers, which no optimizer moves.

    Parameters
    ----------
    mean, std : Buffer (n,)
        Mean and standard deviation of each feature.

    Examples
    --------
    >>> import funcnet as fn
    >>> params = fn.data.Standardize([1.0], [2.0]).init(fn.Key(0), (1,))
    >>> fn.tree.size(params), params.std
    (0, Buffer(value=array([2.], dtype=float32)))
    """

    mean: Buffer
    std: Buffer


def _numbers(values: Iterable[Any]) -> tuple[float, ...]:
    return tuple(map(real, values))


def _finite(instance: Any, attribute: Any, value: tuple[float, ...]) -> None:
    if not np.isfinite(value).all() or (attribute.name == "std" and min(value, default=1.0) <= 0):
        wanted = "finite numbers above 0" if attribute.name == "std" else "finite numbers"
        raise ValueError(f"'{attribute.name}' must have {wanted}, got {value!r:.200}")


@register
@specification
class Standardize(Layer):
    """Features with mean 0 and standard deviation 1: (x - mean) / std, as `fit` finds them in the training data.

    y = (x - mean) / std, dx = dy / std, with x and y (..., n), mean and std (n,). The difference is taken in the dtype
    of x, if that is the wider one, and y has the dtype of the params. `Standardize` is the first layer of a model, so
    that whoever has the model has the numbers too: they are buffers among its params.

    Parameters
    ----------
    mean : sequence of float
        Mean of each feature.
    std : sequence of float
        Standard deviation of each feature, above 0.

    Raises
    ------
    ShapeError
        If there are not as many standard deviations as means, or x does not have n features.
    TreeError
        If params are not those that `init` makes.
    TypeError
        If a number is not real.
    ValueError
        If a number is not finite, or a standard deviation not above 0; in `init`, if the dtype cannot hold a number.

    References
    ----------
    Y. LeCun, L. Bottou, G. B. Orr, K.-R. Müller: Efficient BackProp. In: Neural Networks: Tricks of the Trade, 1998.

    Examples
    --------
    >>> import numpy as np, funcnet as fn
    >>> x = np.array([[1.0, 50.0], [3.0, 50.0]])
    >>> standardize = fn.data.Standardize.fit(x)
    >>> standardize
    Standardize(mean=(2.0, 50.0), std=(1.0, 1.0))
    >>> model = fn.sequential(standardize, fn.Linear(1))
    >>> params = model.init(fn.Key(0), (2,))
    >>> standardize.apply(params[0], x)
    array([[-1.,  0.],
           [ 1.,  0.]], dtype=float32)
    """

    takes_integers = True
    mean: tuple[float, ...] = attrs.field(converter=_numbers, validator=_finite)
    std: tuple[float, ...] = attrs.field(converter=_numbers, validator=_finite)

    def __attrs_post_init__(self) -> None:
        if len(self.mean) != len(self.std):
            raise ShapeError(f"expected a std for each mean, got {len(self.mean)} means and {len(self.std)} stds")

    def __repr__(self) -> str:
        whole = f"Standardize(mean={code(self.mean)}, std={code(self.std)})"
        if len(whole) <= _LINE:
            return whole
        fields = ("mean", self.mean), ("std", self.std)
        ends = ", ".join(f"{name}=({each[0]:.4g}, ..., {each[-1]:.4g})" for name, each in fields)
        return f"Standardize({ends}) of {len(self.mean)} features"

    @staticmethod
    def fit(x: Any) -> Layer:
        """The layer with mean and standard deviation of each feature of x, computed in float64.

        A feature that is the same in all rows gets the standard deviation 1, and so the value 0. For several inputs,
        a tuple, it is `parallel` with a layer for each; inputs of integers, which are ids, are passed on as they are.

        Parameters
        ----------
        x : array_like (..., n), or a tuple of them
            Training examples, such as `train.x`.

        Returns
        -------
        Layer
            `Standardize`; for a tuple, `parallel` of such layers.

        Raises
        ------
        ShapeError
            If x has no rows or no axis of features.
        DTypeError
            If x is not made of numbers.
        ValueError
            If a number is NaN or infinite; the message names its row and column.

        Examples
        --------
        >>> import numpy as np, funcnet as fn
        >>> fn.data.Standardize.fit((np.array([[1.0], [3.0]]), np.array([7, 8])))
        parallel(Standardize(mean=(2.0,), std=(1.0,)), Identity())
        """
        return _fitted(*inputs(x), "x")

    def output_shape(self, input_shape: Shape) -> Shape:
        shape = with_features(input_shape, self)
        if shape[-1] != len(self.mean):
            raise ShapeError(f"expected an input_shape of (..., {len(self.mean)}), got {shape}")
        return shape

    def init(self, key: Key, input_shape: Shape, dtype: DType = np.float32) -> StandardizeParams:
        checked_key(key)
        self.output_shape(input_shape)
        with np.errstate(over="ignore", under="ignore"):
            mean, std = np.array(self.mean, dtype), np.array(self.std, dtype)
        _check_held(self, mean, std)
        return StandardizeParams(Buffer(mean), Buffer(std))

    @past_underflow
    def forward(self, params: StandardizeParams, x: Array) -> tuple[Array, Cache]:
        mean, std = self._statistics(params)
        numbers, dtype = one_array(self, x, _dtype(x, mean))
        check_features(numbers, len(mean))
        y = as_dtype((numbers - mean) / std, mean.dtype)
        return y, Cache(self, y.shape, None, None if dtype is None else mean.dtype)

    @past_underflow
    def backward(self, params: StandardizeParams, cache: Cache, dy: Array) -> tuple[Array, StandardizeParams]:
        _, std = self._statistics(params)
        _, dy = opened(self, cache, dy)
        return cache.dx(as_dtype(dy / std, dy.dtype)), params  # params without leaves are their own gradient

    def _statistics(self, params: StandardizeParams) -> tuple[Array, Array]:
        n = len(self.mean)
        check_params(params, StandardizeParams, {"mean.value": (n,), "std.value": (n,)})
        return params.mean.value, params.std.value


def _check_held(layer: Standardize, mean: Array, std: Array) -> None:
    """Raise ValueError, which names the feature, if a dtype has made a number infinite or a deviation 0."""
    lost = np.flatnonzero(~np.isfinite(mean) | ~np.isfinite(std) | (std == 0))
    if lost.size:
        k = int(lost[0])
        raise ValueError(
            f"feature {k} has the mean {layer.mean[k]:.4g} and the std {layer.std[k]:.4g}, which {mean.dtype} cannot "
            "hold: use a wider dtype, or a different unit for the feature"
        )


def _dtype(x: Any, mean: Array) -> np.dtype[Any]:
    """The dtype in which x - mean loses least: that of x, if it is the wider one."""
    own = getattr(x, "dtype", None)
    if isinstance(own, np.dtype) and own.kind in "biuf" and mean.dtype.kind == "f":
        return wide(np.promote_types(own, mean.dtype))
    return mean.dtype


def _of_part(x: Flow, features: Features, name: str) -> Layer:
    return Identity() if not isinstance(x, tuple) and is_integer(x) else _fitted(x, features, name)


@past_underflow
def _fitted(x: Flow, features: Features, name: str) -> Layer:
    """The layer for x, or `parallel` with one for each part of a tuple."""
    if isinstance(x, tuple):
        named = enumerate(zip(x, features or (None,) * len(x), strict=True))
        return parallel(*(_of_part(part, each, f"{name}[{index}]") for index, (part, each) in named))
    if x.ndim < 2 or not x.size:
        hint = f"; write {name}[:, None] for one feature" if x.ndim < 2 else ""
        raise ShapeError(f"expected {name} of shape (n, ..., features), with a row and a feature, got {x.shape}{hint}")
    if not is_finite(x):
        raise ValueError(not_finite(x, "", name, features))
    rows = as_array(x).reshape(-1, x.shape[-1])
    is_constant = rows.max(axis=0) == rows.min(axis=0)
    mean = np.where(is_constant, rows[0], rows.mean(axis=0, dtype=np.float64))
    parts = (rows[start : start + _ROWS] - mean for start in range(0, len(rows), _ROWS))
    variance = sum((part**2).sum(axis=0) for part in parts) / len(rows)
    return Standardize(mean.tolist(), np.sqrt(np.where(variance == 0, 1.0, variance)).tolist())
