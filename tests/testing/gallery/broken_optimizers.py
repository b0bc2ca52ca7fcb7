"""Broken optimizers, each of a real bug, and the laws of `check_optimizer` that may say so."""

import attrs
import numpy as np

from funcnet import tree
from funcnet.tree import Tree

LAST = {}


@tree.node
class State:
    step: int = tree.static()
    m: Tree
    v: Tree


def smoothed(beta, mean, new):
    return tree.map(lambda a, b: a * beta + b * (1 - beta), mean, new)


@attrs.frozen
class RightAdam:
    """Adam, a method for each of its parts."""

    rate: float = 0.125
    betas: tuple = (0.9, 0.999)

    def init(self, params):
        return State(0, tree.zeros_like(params), tree.zeros_like(params))

    def update(self, params, grads, state):
        t, (b1, b2) = state.step + 1, self.betas
        m, v = smoothed(b1, state.m, grads), smoothed(b2, state.v, tree.map(np.square, grads))
        c1, c2 = self.corrections(t, b1, b2)
        new = tree.map(lambda p, m, v: p - self.rate * (m / c1) / (np.sqrt(v / c2) + 1e-8), params, m, v)
        return new, State(t, m, v)

    def corrections(self, t, b1, b2):
        return 1 - b1**t, 1 - b2**t


@attrs.frozen
class Uncorrected(RightAdam):
    """Bias correction is forgotten at one step: the first, where a resumed run begins, or where a branch ends."""

    step: int = 1

    def corrections(self, t, b1, b2):
        return (1, 1) if t == self.step else super().corrections(t, b1, b2)


@attrs.frozen
class CountsFromZero(RightAdam):
    """The step count starts at 0, so that the first correction divides by 0."""

    def corrections(self, t, b1, b2):
        return super().corrections(t - 1, b1, b2)


@attrs.frozen
class RightMomentum:
    """Momentum, its state a tuple of arrays that can be written to."""

    learning_rate: float = 0.125

    def init(self, params):
        return tuple(np.zeros_like(p) for p in tree.leaves(params))

    def update(self, params, grads, state):
        velocity = tuple(self.velocity(state, tree.leaves(grads)))
        return self.moved(params, velocity), velocity

    def velocity(self, state, grads):
        return tuple(0.5 * v + g for v, g in zip(state, grads, strict=True))

    def moved(self, params, velocity):
        steps = iter(velocity)
        return tree.map(lambda p: self.step(p, next(steps)), params)

    def step(self, p, v):
        return p - self.learning_rate * v


class MutatesState(RightMomentum):
    """v *= momentum; v += g: a state saved before the update is the one after it."""

    def velocity(self, state, grads):
        for v, g in zip(state, grads, strict=True):
            np.multiply(v, 0.5, out=v)
            np.add(v, g, out=v)
        return state


class WritesParams(RightMomentum):
    """p -= rate * v writes into the params of whoever kept them, the best so far."""

    def step(self, p, v):
        p -= self.learning_rate * v
        return p


class WritesGrads(RightMomentum):
    """Clips the gradients in place."""

    def velocity(self, state, grads):
        for g in grads:
            np.clip(g, -1, 1, out=g)
        return super().velocity(state, grads)


class WritesWhatItCan(RightMomentum):
    """Updates in place if the array lets it, and makes a copy if not."""

    def step(self, p, v):
        return np.subtract(p, self.learning_rate * v, out=p if p.flags.writeable else None)


class DecaysAll(RightMomentum):
    """A decay of all params that has no name and cannot be turned off."""

    def step(self, p, v):
        return p * 0.9375 - self.learning_rate * v


class DecaysBiases(RightMomentum):
    """The condition that was to leave vectors out of the decay leaves matrices out."""

    def step(self, p, v):
        return p * (0.9375 if p.ndim == 1 else 1) - self.learning_rate * v


class Ascends(RightMomentum):
    """The sign is that of a reward."""

    def step(self, p, v):
        return p + self.learning_rate * v


class CountsInItself(RightMomentum):
    """The step count is kept outside the state: a second run starts where the first one ended."""

    def velocity(self, state, grads):
        LAST["step"] = LAST.get("step", 0) + 1
        return [v / LAST["step"] for v in super().velocity(state, grads)]


class OneMoment(RightMomentum):
    """One running norm for all leaves, moved on at each of them: the order of the layers matters."""

    def init(self, params):
        return (np.zeros(()),)

    def update(self, params, grads, state):
        (norm,), each = state, []
        for g in tree.leaves(grads):
            norm = 0.5 * norm + 0.5 * np.sqrt(np.sum(g * g, dtype=np.float64))
            each.append(g / g.dtype.type(norm + 1))
        return self.moved(params, each), (norm,)


class WideParams(RightMomentum):
    """Moments are kept in float64 and make the params float64 at the first step."""

    def init(self, params):
        return tuple(np.zeros(p.shape) for p in tree.leaves(params))


class NumpyRate(RightMomentum):
    """A learning rate from np.linspace is a float64 that promotes what it meets."""

    def step(self, p, v):
        return p - np.linspace(0.125, 0.25, 3)[:1] * v


class Forgetful(tuple):
    """A tuple that pickles as zeros."""

    def __reduce__(self):
        return Forgetful, (tuple(np.zeros_like(v) for v in self),)


class LosesMoments(RightMomentum):
    """The moments are not saved: after loading, momentum starts at 0."""

    def update(self, params, grads, state):
        new, velocity = super().update(params, grads, state)
        return new, Forgetful(velocity)


class StateIsGrads(RightMomentum):
    """The first velocity is the array of the gradients, which the next backward pass may reuse."""

    def velocity(self, state, grads):
        return [g if not v.any() else 0.5 * v + g for v, g in zip(state, grads, strict=True)]


class ParamsAreParams(RightMomentum):
    """Where nothing is to be done the same array is returned: who writes into the new params writes into the old."""

    def step(self, p, v):
        return super().step(p, v) if p.ndim > 1 else p


class MovesAtZero(RightMomentum):
    """The sign of a gradient of 0 is 1: a dead unit's params wander off."""

    def step(self, p, v):
        return p - self.learning_rate * np.where(v < 0, -1, 1).astype(p.dtype)


class SwapsMoments(RightMomentum):
    """The moments come back in the other order."""

    def update(self, params, grads, state):
        new, velocity = super().update(params, grads, state)
        return new, velocity[::-1]


class SwapsAlike(RightMomentum):
    """The moments of the first and the last leaf, where they are of one shape, change places: all stays well-formed."""

    def update(self, params, grads, state):
        new, (*velocity,) = super().update(params, grads, state)
        if velocity[0].shape == velocity[-1].shape:
            velocity[0], velocity[-1] = velocity[-1], velocity[0]
        return new, tuple(velocity)


class ReversesMoments(RightMomentum):
    """The moments of each leaf come back in the other order, as they may from a flattened vector."""

    def update(self, params, grads, state):
        new, velocity = super().update(params, grads, state)
        return new, tuple(v.ravel()[::-1].reshape(v.shape) for v in velocity)


class SameParams(RightMomentum):
    """The new params are made and the old ones returned."""

    def moved(self, params, velocity):
        super().moved(params, velocity)
        return tree.map(np.copy, params)


class SkipsLast(RightMomentum):
    """The last leaf is left out, by a range that ends too early."""

    def velocity(self, state, grads):
        return [*super().velocity(state, grads)[:-1], np.zeros_like(grads[-1])]


class Noisy(RightMomentum):
    """Gradient noise from the global generator: no two runs are the same."""

    def velocity(self, state, grads):
        draws = np.random.default_rng()
        return [v + 0.01 * draws.normal(size=v.shape).astype(v.dtype) for v in super().velocity(state, grads)]


class ByMemory(RightMomentum):
    """Gradients are read in the order of memory."""

    def velocity(self, state, grads):
        return super().velocity(state, [g.ravel(order="K").reshape(g.shape) for g in grads])


BROKEN = [
    (Uncorrected(step=1), ("steadiness",)),
    (Uncorrected(step=2), ("steadiness",)),
    (Uncorrected(step=5), ("steadiness",)),
    (CountsFromZero(), ("zero", "descent")),
    (MutatesState(), ("purity",)),
    (WritesParams(), ("purity",)),
    (WritesGrads(), ("purity",)),
    (WritesWhatItCan(), ("purity",)),
    (DecaysAll(), ("zero",)),
    (DecaysBiases(), ("zero",)),
    (Ascends(), ("descent",)),
    (CountsInItself(), ("purity", "determinism")),
    (OneMoment(), ("order",)),
    (WideParams(), ("structure", "dtype")),
    (NumpyRate(), ("structure", "dtype")),
    (LosesMoments(), ("resumption",)),
    (StateIsGrads(), ("aliasing",)),
    (ParamsAreParams(), ("aliasing", "descent")),
    (MovesAtZero(), ("zero",)),
    (SwapsMoments(), ("structure", "descent", "steadiness", "order")),
    (ReversesMoments(), ("steadiness", "descent")),
    (SameParams(), ("descent",)),
    (SkipsLast(), ("descent",)),
    (Noisy(), ("purity", "determinism")),
    (ByMemory(), ("layout",)),
]
