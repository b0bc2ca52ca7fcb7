"""How gradients change params. An optimizer is a value with two pure functions.

`init(params) -> state` and `update(params, grads, state) -> (params, state)`. Each is the optimizer of the same name
in PyTorch, number for number. `learning_rate` is a float or a schedule; leaves whose path matches a pattern of
`frozen` are left alone. Rates and factors that are negative or NaN raise ValueError.
"""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np

from funcnet import tree
from funcnet.arrays import FLOATS, Array, as_array, as_dtype, wide
from funcnet.errors import DTypeError, TreeError
from funcnet.patterns import as_patterns, matching
from funcnet.schedules import Schedule, as_learning_rate, is_learning_rate, learning_rate_at
from funcnet.specification import is_bool, real, specification
from funcnet.tree import Tree, node


def sgd_step(params: Tree, grads: Tree, learning_rate: float) -> Tree:
    """params - learning_rate * grads, as new params.

    Raises TreeError if grads are of another structure or shape, ValueError for a negative or NaN learning rate.

    >>> import funcnet as fn
    >>> params = fn.LinearParams(weight=np.array([[1.0]]), bias=np.array([0.0]))
    >>> fn.sgd_step(params, params, 0.5)
    LinearParams(weight=array([[0.5]]), bias=array([0.]))
    """
    rate = real(learning_rate)
    if not rate >= 0:
        raise ValueError(f"learning_rate must not be negative or NaN, got {rate}")

    def descended(p: Array, g: Array) -> Array:
        if p.dtype is g.dtype and p.dtype in FLOATS and p.ndim:
            return _descended(p, g, rate)
        wide_p, wide_g = _wide(p, g)
        return as_dtype(_descended(wide_p, wide_g, rate), p.dtype)

    return tree.map_new(descended, params, grads, name="grads")


def _descended(p: Array, g: Array, rate: float) -> Array:
    """p - rate * g, with no other array of that size made."""
    new: Array = g * np.asarray(-rate, g.dtype)  # it takes longer to convert a number of Python's
    new += p
    return new


def _wide(p: Array, *others: Array) -> list[Any]:
    """All of them in the dtype to compute in: p's, unless it is float16, in which eps would be 0."""
    dtype = wide(p.dtype)
    if dtype.kind not in "fcO":
        raise DTypeError(f"expected params of floating-point numbers, got {dtype}")
    return [as_array(array, dtype) for array in (p, *others)]


@node
class OptimizerState:
    """How many updates were made, and the optimizer's moments, each a tree like params."""

    step: int
    moments: tuple[Tree, ...]


@specification
class Optimizer:
    """What optimizers share. One is its rule for a single array: `moments`, and `step`."""

    learning_rate: float | Schedule = attrs.field(converter=as_learning_rate, validator=is_learning_rate)
    frozen: tuple[str, ...] = attrs.field(default=(), converter=as_patterns, kw_only=True)

    def moments(self, p: Array) -> tuple[Array, ...]:
        """The moments of a param before the first update."""
        raise NotImplementedError

    def step(self, t: int, rate: float, p: Array, g: Array, *moments: Array) -> tuple[Array, ...]:
        """The new param and moments, from gradient g at update t = 1, 2, ... and its learning rate."""
        raise NotImplementedError

    def init(self, params: Tree) -> OptimizerState:
        """The state before the first update. Raises ValueError if a pattern of `frozen` matches no path."""
        for pattern in self.frozen:
            if not any(matching(params, (pattern,))):
                raise ValueError(
                    f"no path matches frozen={pattern!r}; there are {', '.join(tree.named_leaves(params))}"
                )
        leaves, structure = tree.flatten(params)
        return OptimizerState(0, self._trees(structure, [self.moments(p) for p in leaves], self._count()))

    def update(self, params: Tree, grads: Tree, state: OptimizerState) -> tuple[Tree, OptimizerState]:
        """New params and state. Raises TreeError if grads or state are not those of such params."""
        if not isinstance(state, OptimizerState):
            raise TypeError(f"expected the OptimizerState that init makes, got {state!r}")
        if len(state.moments) != self._count():
            raise TreeError(f"expected a state of {self!r} with {self._count()} moments, got {len(state.moments)}")
        rate = learning_rate_at(self.learning_rate, state.step)
        others = [("grads", grads), *(("optimizer state", moment) for moment in state.moments)]
        rows, structure = tree.rows_like(params, others)
        is_frozen = matching(params, self.frozen) if self.frozen else [False] * len(rows)
        stepped = [
            self._kept(p, *moments) if kept else self._stepped(state.step + 1, rate, p, g, *moments)
            for kept, (p, g, *moments) in zip(is_frozen, rows, strict=True)
        ]
        new, *moments = self._trees(structure, stepped, 1 + len(state.moments))
        return new, tree.build(OptimizerState, state.step + 1, tuple(moments))

    def _stepped(self, t: int, rate: float, p: Array, *rest: Array) -> tuple[Array, ...]:
        return tuple(as_dtype(new, p.dtype) for new in self.step(t, rate, *_wide(p, *rest)))

    @staticmethod
    def _kept(*arrays: Array) -> tuple[Array, ...]:
        return tuple(array.copy() for array in arrays)  # the caller may be able to write to the params it gave

    def _count(self) -> int:
        return len(self.moments(np.zeros(0)))

    @staticmethod
    def _trees(structure: Any, rows: list[tuple[Array, ...]], count: int) -> tuple[Tree, ...]:
        """The trees of which each row has one leaf."""
        return tuple(tree.unflatten(structure, iter([row[i] for row in rows])) for i in range(count))


_is_factor: Any = attrs.validators.ge(0)
_is_decay: Any = [attrs.validators.ge(0), attrs.validators.lt(1)]  # of a running mean


def _as_betas(betas: Any) -> tuple[float, float]:
    if not isinstance(betas, tuple | list) or len(betas) != 2 or not all(0 <= real(beta) < 1 for beta in betas):
        raise ValueError(f"expected betas, two numbers in [0, 1), got {betas!r}")
    return real(betas[0]), real(betas[1])


@specification
class SGD(Optimizer):
    """Gradient descent, with momentum v if `momentum` is not 0, by Nesterov's rule if asked for.

    g += weight_decay * p;  v = momentum * v + g;  p -= rate * v, or rate * (g + momentum * v) with `nesterov`.
    Raises ValueError for `nesterov` without momentum.
    Sutskever, Martens, Dahl, Hinton: On the importance of initialization and momentum in deep learning, ICML 2013.

    >>> optimizer = SGD(0.5)
    >>> params = (np.array([1.0]),)
    >>> optimizer.update(params, (np.array([1.0]),), optimizer.init(params))[0]
    (array([0.5]),)
    """

    momentum: float = attrs.field(default=0.0, converter=real, validator=_is_factor)
    nesterov: bool = attrs.field(default=False, validator=is_bool)
    weight_decay: float = attrs.field(default=0.0, converter=real, validator=_is_factor)

    def __attrs_post_init__(self) -> None:
        if self.nesterov and not self.momentum:
            raise ValueError("nesterov needs a momentum")

    def moments(self, p: Array) -> tuple[Array, ...]:
        return (np.zeros_like(p),) if self.momentum else ()

    def step(self, t: int, rate: float, p: Array, g: Array, *moments: Array) -> tuple[Array, ...]:
        g = _decayed(g, p, self.weight_decay)
        if not moments:
            return (_descended(p, g, rate),)
        v = self.momentum * moments[0] + g
        return _descended(p, g + self.momentum * v if self.nesterov else v, rate), v


@specification
class Adam(Optimizer):
    """Steps of about the learning rate: means of g and g**2, corrected for having begun at 0.

    With (b1, b2) = betas: g += weight_decay * p;  m = b1 * m + (1 - b1) * g;  v = b2 * v + (1 - b2) * g**2;
    p -= rate * m / (1 - b1**t) / (sqrt(v / (1 - b2**t)) + eps).
    Kingma, Ba: Adam, a method for stochastic optimization, ICLR 2015, algorithm 1.

    >>> optimizer = Adam(0.1)
    >>> params = (np.array([1.0]),)
    >>> optimizer.update(params, (np.array([5.0]),), optimizer.init(params))[0]
    (array([0.9]),)
    """

    learning_rate: float | Schedule = attrs.field(default=1e-3, converter=as_learning_rate, validator=is_learning_rate)
    betas: tuple[float, float] = attrs.field(default=(0.9, 0.999), converter=_as_betas)
    eps: float = attrs.field(default=1e-8, converter=real, validator=_is_factor)
    weight_decay: float = attrs.field(default=0.0, converter=real, validator=_is_factor)

    def moments(self, p: Array) -> tuple[Array, ...]:
        return np.zeros_like(p), np.zeros_like(p)

    def step(self, t: int, rate: float, p: Array, g: Array, *moments: Array) -> tuple[Array, ...]:
        return self._adam_step(t, rate, p, _decayed(g, p, self.weight_decay), *moments)

    def _adam_step(self, t: int, rate: float, p: Array, g: Array, m: Array, v: Array) -> tuple[Array, ...]:
        b1, b2 = self.betas
        m = b1 * m + (1 - b1) * g
        v = b2 * v + (1 - b2) * g * g
        return p - rate / (1 - b1**t) * m / (np.sqrt(v / (1 - b2**t)) + self.eps), m, v


@specification
class AdamW(Adam):
    """Adam whose weight decay is a step of its own: p -= rate * weight_decay * p before Adam's step with the bare g.

    Loshchilov, Hutter: Decoupled weight decay regularization, ICLR 2019, algorithm 2.

    >>> optimizer = AdamW(0.1, weight_decay=0.5)
    >>> params = (np.array([1.0]),)
    >>> optimizer.update(params, (np.array([5.0]),), optimizer.init(params))[0]
    (array([0.85]),)
    """

    weight_decay: float = attrs.field(default=1e-2, converter=real, validator=_is_factor)

    def step(self, t: int, rate: float, p: Array, g: Array, *moments: Array) -> tuple[Array, ...]:
        return self._adam_step(t, rate, p * (1 - rate * self.weight_decay), g, *moments)


@specification
class RMSProp(Optimizer):
    """Steps relative to the root of the running mean of g**2 (less the squared mean of g if `centered`).

    g += weight_decay * p;  v = alpha * v + (1 - alpha) * g**2;  p -= rate * g / (sqrt(v) + eps), or with momentum
    b = momentum * b + g / (sqrt(v) + eps);  p -= rate * b.
    Tieleman, Hinton: Lecture 6.5, Neural Networks for Machine Learning, 2012; centered: Graves, arXiv 1308.0850, 2013.

    >>> optimizer = RMSProp(0.1, alpha=0.75)
    >>> params = (np.array([1.0]),)
    >>> optimizer.update(params, (np.array([5.0]),), optimizer.init(params))[0]
    (array([0.8]),)
    """

    learning_rate: float | Schedule = attrs.field(default=1e-2, converter=as_learning_rate, validator=is_learning_rate)
    alpha: float = attrs.field(default=0.99, converter=real, validator=_is_decay)
    eps: float = attrs.field(default=1e-8, converter=real, validator=_is_factor)
    weight_decay: float = attrs.field(default=0.0, converter=real, validator=_is_factor)
    momentum: float = attrs.field(default=0.0, converter=real, validator=_is_factor)
    centered: bool = attrs.field(default=False, validator=is_bool)

    def moments(self, p: Array) -> tuple[Array, ...]:
        return tuple(np.zeros_like(p) for _ in range(1 + self.centered + (self.momentum > 0)))

    def step(self, t: int, rate: float, p: Array, g: Array, *moments: Array) -> tuple[Array, ...]:
        g = _decayed(g, p, self.weight_decay)
        v, *others = moments
        v = self.alpha * v + (1 - self.alpha) * g * g
        kept, variance = [v], v
        if self.centered:
            mean = self.alpha * others[0] + (1 - self.alpha) * g
            kept, variance = [v, mean], np.maximum(v - mean * mean, 0)  # which rounding may take below 0
        update = g / (np.sqrt(variance) + self.eps)
        if self.momentum:
            update = self.momentum * others[-1] + update
            kept.append(update)
        return p - rate * update, *kept


@specification
class Adagrad(Optimizer):
    """Steps relative to the root of the sum of all g**2 so far.

    g += weight_decay * p;  s += g**2;  p -= rate / (1 + (t - 1) * lr_decay) * g / (sqrt(s) + eps).
    Duchi, Hazan, Singer: Adaptive subgradient methods for online learning and stochastic optimization, JMLR 12, 2011.

    >>> optimizer = Adagrad(0.1)
    >>> params = (np.array([1.0]),)
    >>> optimizer.update(params, (np.array([5.0]),), optimizer.init(params))[0]
    (array([0.9]),)
    """

    learning_rate: float | Schedule = attrs.field(default=1e-2, converter=as_learning_rate, validator=is_learning_rate)
    lr_decay: float = attrs.field(default=0.0, converter=real, validator=_is_factor)
    weight_decay: float = attrs.field(default=0.0, converter=real, validator=_is_factor)
    initial_accumulator_value: float = attrs.field(default=0.0, converter=real, validator=_is_factor)
    eps: float = attrs.field(default=1e-10, converter=real, validator=_is_factor)

    def moments(self, p: Array) -> tuple[Array, ...]:
        return (np.full_like(p, self.initial_accumulator_value),)

    def step(self, t: int, rate: float, p: Array, g: Array, *moments: Array) -> tuple[Array, ...]:
        g = _decayed(g, p, self.weight_decay)
        s = moments[0] + g * g
        return p - rate / (1 + (t - 1) * self.lr_decay) * g / (np.sqrt(s) + self.eps), s


def _decayed(g: Array, p: Array, weight_decay: float) -> Array:
    return g + weight_decay * p if weight_decay else g
