"""Optimizers that are right but unusual: `check_optimizer` has to accept them."""

import math

import attrs
import numpy as np

from funcnet import tree
from tests.testing.gallery.broken_optimizers import RightAdam, RightMomentum, State, smoothed


@attrs.frozen
class SignSGD:
    """p -= rate * sign(g), without a state."""

    rate: float = 0.125

    def init(self, params):
        return None

    def update(self, params, grads, state):
        return tree.map(lambda p, g: p - self.rate * np.sign(g), params, grads), None


@attrs.frozen
class Lion:
    """The sign of a mean of momentum and gradient. Chen et al., Symbolic discovery of optimization algorithms, 2023."""

    learning_rate: float = 0.125
    weight_decay: float = 0.125

    def init(self, params):
        return tree.zeros_like(params)

    def update(self, params, grads, m):
        direction = tree.map(np.sign, smoothed(0.875, m, grads))
        decayed = tree.map(lambda p: p * (1 - self.learning_rate * self.weight_decay), params)
        return tree.map(lambda p, d: p - self.learning_rate * d, decayed, direction), smoothed(0.96875, m, grads)


class UncorrectedAdam(RightAdam):
    """Adam without bias correction, as Keras had it once."""

    def corrections(self, t, b1, b2):
        return 1, 1


class RectifiedAdam(RightAdam):
    """Momentum until the variance can be trusted, then Adam. Liu et al., On the variance of the adaptive rate, 2020."""

    def update(self, params, grads, state):
        adaptive, after = super().update(params, grads, state)
        t, (b1, b2) = after.step, self.betas
        most = 2 / (1 - b2) - 1
        rho = most - 2 * t * b2**t / (1 - b2**t)
        if rho <= 5:
            return tree.map(lambda p, m: p - self.rate * m / (1 - b1**t), params, after.m), after
        r = math.sqrt((rho - 4) * (rho - 2) * most / ((most - 4) * (most - 2) * rho))
        return tree.map(lambda p, q: p + r * (q - p), params, adaptive), after


class Normalised(RightMomentum):
    """The step is divided by the norm of the gradients of all leaves."""

    def update(self, params, grads, state):
        norm = math.sqrt(math.fsum(float(x) ** 2 for g in tree.leaves(grads) for x in g.ravel())) or 1.0
        return super().update(params, tree.map(lambda g: g / norm, grads), state)


@attrs.frozen
class Lookahead:
    """Every fifth step goes half way back to where the five began. Zhang et al., Lookahead optimizer, 2019."""

    rate: float = 0.125

    def init(self, params):
        return State(0, tree.map(np.copy, params), ())

    def update(self, params, grads, state):
        fast, t, slow = tree.map(lambda p, g: p - self.rate * g, params, grads), state.step + 1, state.m
        if t % 5 == 0:
            fast = tree.map(lambda f, s: s + (f - s) / 2, fast, slow)
        return fast, State(t, fast if t % 5 == 0 else slow, ())


@attrs.frozen
class Accumulating:
    """Moves at every second update, along the sum of two gradients."""

    learning_rate: float = 0.125

    def init(self, params):
        return State(0, tree.zeros_like(params), ())

    def update(self, params, grads, state):
        total = tree.map(np.add, state.m, grads)
        if state.step % 2 == 0:
            return tree.map(np.copy, params), State(state.step + 1, total, ())
        moved = tree.map(lambda p, g: p - self.learning_rate * g, params, total)
        return moved, State(state.step + 1, tree.zeros_like(params), ())


@attrs.frozen
class Cosine:
    """Its rate falls to 0 as a cosine does, from a step count in its state."""

    steps: int = 100

    def init(self, params):
        return State(0, (), ())

    def update(self, params, grads, state):
        rate = 0.125 * (1 + math.cos(math.pi * min(state.step / self.steps, 1))) / 2
        return tree.map(lambda p, g: p - rate * g, params, grads), State(state.step + 1, (), ())


class InDict(RightMomentum):
    """Its state is a dict, as that of many optimizers is."""

    def init(self, params):
        return {"velocity": super().init(params)}

    def update(self, params, grads, state):
        new, velocity = super().update(params, grads, state["velocity"])
        return new, {"velocity": velocity}


class Clipped(RightMomentum):
    """Each number of the gradient is clipped, in a copy."""

    def velocity(self, state, grads):
        return super().velocity(state, [np.clip(g, -0.5, 0.5) for g in grads])
