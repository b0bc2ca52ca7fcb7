"""Leaves that are frozen, and learning rates that follow a schedule."""

import attrs
import numpy as np
import pytest

import funcnet as fn
from funcnet.tree import equal, named_leaves
from tests.optimizers.cases import GRADIENTS, PARAMS, STEPS, after, every_optimizer, trajectory

# --- frozen ---


@every_optimizer
@pytest.mark.parametrize(
    ("frozen", "still"),
    [
        ("0.weight", {"0.weight"}),
        (("*.bias", "1.*"), {"0.bias", "1.1"}),
        ("0.*", {"0.weight", "0.bias"}),
        ("*", {"0.weight", "0.bias", "1.1"}),
    ],
)
def test_frozen_leaves_keep_their_bits_and_the_others_learn(optimizer, frozen, still):
    start, free = named_leaves(PARAMS), named_leaves(after(optimizer)[0])
    for path, leaf in named_leaves(after(attrs.evolve(optimizer, frozen=frozen))[0]).items():
        assert equal(leaf, start[path] if path in still else free[path])
        assert (path in still) == equal(leaf, start[path])


def test_a_frozen_leaf_has_its_own_memory():
    base = np.ones(3)
    view = base[:]
    view.flags.writeable = False
    optimizer = fn.SGD(0.1, frozen="0")
    new, _ = optimizer.update((view,), (view,), optimizer.init((view,)))
    base[:] = 5
    assert new[0].tolist() == [1, 1, 1]


# --- Learning rates ---


@every_optimizer
def test_a_schedule_is_asked_for_the_rate_of_steps_0_1_2(optimizer):
    asked = []
    after(attrs.evolve(optimizer, learning_rate=lambda step: asked.append(step) or 0.1))
    assert asked == list(range(STEPS))


@every_optimizer
def test_a_schedule_is_its_rate_at_each_step(optimizer):
    schedule = fn.schedules.exponential(0.1, decay=0.5)
    params, state = PARAMS, optimizer.init(PARAMS)
    for step, (scheduled, scheduled_state) in enumerate(
        trajectory(attrs.evolve(optimizer, learning_rate=schedule), PARAMS, GRADIENTS)
    ):
        fixed = attrs.evolve(optimizer, learning_rate=0.1 * 0.5**step)
        params, state = fixed.update(params, GRADIENTS[step], state)
        assert equal((scheduled, scheduled_state), (params, state))


@attrs.frozen
class AMSGrad(fn.Adam):
    """An optimizer of a user's own, with one moment more than Adam."""

    def moments(self, p):
        return *fn.Adam.moments(self, p), np.zeros_like(p)

    def step(self, t, rate, p, g, m, v, largest):
        p, m, v = fn.Adam.step(self, t, rate, p, g, m, v)
        return p, m, v, np.maximum(v, largest)


def test_a_subclass_has_the_moments_that_it_makes():
    params = (np.ones(2),)
    state = AMSGrad(0.1).init(params)
    for _ in range(2):
        params, state = AMSGrad(0.1).update(params, (np.array([1.0, -1.0]),), state)
    assert len(state.moments) == 3
    with pytest.raises(fn.TreeError, match="3 moments"):
        AMSGrad(0.1).update(params, params, fn.Adam(0.1).init(params))
