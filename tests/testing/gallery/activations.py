"""Broken layers that act on each number by itself; all from life."""

import attrs
import numpy as np

import funcnet as fn
from tests.testing.gallery.exhibits import DERIVATIVE, Pointwise, exhibit


@attrs.frozen
class ReLUPassesAll(fn.ReLU):
    """The mask is forgotten in backward: the gradient is 1 for negative numbers too."""

    def backward(self, params, cache, dy):
        return dy.copy(), ()


@attrs.frozen
class ReLUTwoAtZero(Pointwise):
    """Two masks that overlap, x >= 0 and x <= 0, are added: the gradient at 0 is 2."""

    def f(self, x):
        return np.maximum(x, 0)

    def slope(self, x):
        return (x >= 0) * 1.0 + (x == 0)


@attrs.frozen
class ReLUMinusAtZero(ReLUTwoAtZero):
    """The gradient at 0 comes from a sign that is -1 there."""

    def slope(self, x):
        return np.where(x > 0, 1.0, np.where(x == 0, -1.0, 0.0))


@attrs.frozen
class LeakyForgotten(fn.LeakyReLU):
    """The slope of the negative side is forgotten in backward, which was copied from ReLU."""

    def backward(self, params, cache, dy):
        return (dy * (cache.saved > 0)).astype(dy.dtype), ()


@attrs.frozen
class ELUFromOutput(Pointwise):
    """The derivative of ELU at negative numbers is written alpha * y, without + alpha."""

    def f(self, x):
        return np.where(x > 0, x, np.expm1(np.minimum(x, 0)))

    def slope(self, x):
        return np.where(x > 0, 1, np.expm1(np.minimum(x, 0)))


@attrs.frozen
class GELUApproximated(fn.GELU):
    """The derivative is that of the approximation by tanh, though forward is exact."""

    def backward(self, params, cache, dy):
        x, c = cache.saved, np.sqrt(2 / np.pi)
        t = np.tanh(c * (x + 0.044715 * x**3))
        slope = 0.5 * (1 + t) + 0.5 * x * (1 - t**2) * c * (1 + 3 * 0.044715 * x**2)
        return (dy * slope).astype(dy.dtype), ()


@attrs.frozen
class SigmoidTail(fn.Sigmoid):
    """The gradient is set to 0 where |x| > 15, "where it vanishes anyway"."""

    takes_integers = False

    def backward(self, params, cache, dy):
        dx, grads = fn.Sigmoid.backward(fn.Sigmoid(), params, attrs.evolve(cache, owner=fn.Sigmoid()), dy)
        return np.where(np.abs(cache.saved) > 15, 0, dx).astype(dy.dtype), grads


@attrs.frozen
class TanhOfInput(Pointwise):
    """1 - x**2 instead of 1 - y**2: the cache holds x where the textbook's formula wants y."""

    def f(self, x):
        return np.tanh(x)

    def slope(self, x):
        return 1 - x**2


@attrs.frozen
class SoftplusMirrored(fn.Softplus):
    """The derivative is sigmoid(-x): a sign lost on paper."""

    def backward(self, params, cache, dy):
        return (dy / (1 + np.exp(cache.saved))).astype(dy.dtype), ()


@attrs.frozen
class SiLUHalfProduct(Pointwise):
    """The product rule with one of its two terms."""

    def f(self, x):
        return x / (1 + np.exp(-x))

    def slope(self, x):
        return 1 / (1 + np.exp(-x))


@attrs.frozen
class SquareOnce(Pointwise):
    """The factor 2 of the square's derivative is left out."""

    def f(self, x):
        return x * x

    def slope(self, x):
        return x


@attrs.frozen
class AbsWithoutSign(Pointwise):
    """The gradient of abs is that of x: right for positive numbers."""

    def f(self, x):
        return np.abs(x)

    def slope(self, x):
        return np.ones_like(x)


@attrs.frozen
class ClipStraightThrough(Pointwise):
    """A clip passes the gradient through outside its range too."""

    def f(self, x):
        return np.clip(x, -1, 1)

    def slope(self, x):
        return np.ones_like(x)


@attrs.frozen
class WrongSignNearZero(Pointwise):
    """The sign is wrong where 0 < |x| < 1e-7, a series used near 0 having a typing error."""

    def f(self, x):
        return np.sin(x)

    def slope(self, x):
        return np.where((np.abs(x) < 1e-7) & (x != 0), -np.cos(x), np.cos(x))


@attrs.frozen
class StepsOverSmall(Pointwise):
    """The gradient of sin(x) / x is taken for 0 where |x| < 0.01, "to be safe from dividing by 0"."""

    def f(self, x):
        return np.sinc(x / np.pi)

    def slope(self, x):
        safe = np.where(np.abs(x) < 0.01, 1.0, x)
        return np.where(np.abs(x) < 0.01, 0.0, (np.cos(safe) - np.sin(safe) / safe) / safe)


BROKEN = [
    exhibit(ReLUPassesAll(), (4,), *DERIVATIVE),
    exhibit(ReLUTwoAtZero(), (4,), "kinks"),
    exhibit(ReLUMinusAtZero(), (4,), "kinks"),
    exhibit(LeakyForgotten(), (4,), *DERIVATIVE),
    exhibit(ELUFromOutput(), (4,), *DERIVATIVE),
    exhibit(GELUApproximated(), (4,), *DERIVATIVE),
    exhibit(SigmoidTail(), (4,), *DERIVATIVE),
    exhibit(TanhOfInput(), (4,), *DERIVATIVE),
    exhibit(SoftplusMirrored(), (4,), *DERIVATIVE),
    exhibit(SiLUHalfProduct(), (4,), *DERIVATIVE),
    exhibit(SquareOnce(), (4,), *DERIVATIVE),
    exhibit(AbsWithoutSign(), (4,), *DERIVATIVE),
    exhibit(ClipStraightThrough(), (4,), *DERIVATIVE),
    exhibit(WrongSignNearZero(), (4,), *DERIVATIVE),
    exhibit(StepsOverSmall(), (4,), *DERIVATIVE),
]
