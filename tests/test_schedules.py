"""Schedules against their formulas and PyTorch's schedulers of the same meaning."""

import math
from itertools import pairwise

import numpy as np
import pytest

from funcnet import schedules
from tests.values.is_a_value import assert_is_a_value

# A schedule, and its rate at step t by the formula of its docstring.
FORMULAS = [
    (schedules.constant(0.3), lambda t: 0.3),
    (schedules.exponential(0.5, decay=0.9), lambda t: 0.5 * math.exp(t * math.log(0.9))),
    (schedules.exponential(0.5, decay=1.1), lambda t: 0.5 * math.exp(t * math.log(1.1))),
    (schedules.exponential(0.5, decay=0.0), lambda t: 0.5 if t == 0 else 0.0),
    (schedules.step(0.8, every=3, factor=0.5), lambda t: 0.8 * math.prod(0.5 for u in range(1, t + 1) if u % 3 == 0)),
    (schedules.step(0.8, every=1), lambda t: 0.8 * math.prod([0.1] * t)),
    (schedules.cosine(0.8, steps=10), lambda t: 0.4 * (1 + math.cos(math.pi * t / 10)) if t < 10 else 0.0),
    (schedules.cosine(0.8, 10, final=0.2), lambda t: 0.2 + 0.3 * (1 + math.cos(math.pi * t / 10)) if t < 10 else 0.2),
    (schedules.cosine(0.2, 10, final=0.8), lambda t: 0.8 - 0.3 * (1 + math.cos(math.pi * t / 10)) if t < 10 else 0.8),
    (schedules.warmup(4, then=0.8), lambda t: 0.8 * min((t + 1) / 4, 1)),
    (schedules.warmup(1, then=0.8), lambda t: 0.8),
    (
        schedules.warmup(4, then=schedules.exponential(0.8, decay=0.5)),
        lambda t: 0.8 * (t + 1) / 4 if t < 4 else 0.8 * math.exp((t - 4) * math.log(0.5)),
    ),
    (
        schedules.warmup(2, then=schedules.warmup(3, then=0.9)),
        lambda t: [0.15, 0.3, 0.3, 0.6][t] if t < 4 else 0.9,
    ),
]
SCHEDULES = [schedule for schedule, _ in FORMULAS]
every_schedule = pytest.mark.parametrize("schedule", SCHEDULES)


@pytest.mark.parametrize(("schedule", "formula"), FORMULAS)
def test_the_rate_at_each_step_is_that_of_the_formula(schedule, formula):
    steps = [*range(21), 1000]
    assert [schedule(t) for t in steps] == pytest.approx([formula(t) for t in steps], rel=1e-12, abs=1e-300)


@pytest.mark.parametrize(
    ("schedule", "name", "options", "steps"),
    [
        (schedules.constant(0.3), "ConstantLR", {"factor": 1.0}, 20),
        (schedules.exponential(0.3, decay=0.9), "ExponentialLR", {"gamma": 0.9}, 20),
        (schedules.step(0.3, every=3, factor=0.5), "StepLR", {"step_size": 3, "gamma": 0.5}, 20),
        (schedules.step(0.3, every=3), "StepLR", {"step_size": 3}, 20),
        # Up to T_max: after it, theirs rises again.
        (schedules.cosine(0.3, steps=10), "CosineAnnealingLR", {"T_max": 10}, 10),
        (schedules.cosine(0.3, steps=10, final=0.1), "CosineAnnealingLR", {"T_max": 10, "eta_min": 0.1}, 10),
        (schedules.warmup(4, then=0.3), "LinearLR", {"start_factor": 1 / 4, "total_iters": 3}, 20),
    ],
)
def test_the_rate_at_each_step_is_that_of_torch(schedule, name, options, steps):
    torch = pytest.importorskip("torch", reason="the other implementation to compare with is not installed")
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=0.3)
    scheduler = getattr(torch.optim.lr_scheduler, name)(optimizer, **options)
    for t in range(steps + 1):
        # torch works its rates out one from the other and adds up rounding errors; near 0 they are all there is.
        assert schedule(t) == pytest.approx(scheduler.get_last_lr()[0], rel=1e-12, abs=1e-16)
        optimizer.step()
        scheduler.step()


# --- Laws ---


@every_schedule
def test_a_schedule_remembers_no_call(schedule):
    forwards = {t: schedule(t) for t in range(30)}
    assert {t: schedule(t) for t in reversed(range(30))} == forwards


@pytest.mark.parametrize("then", SCHEDULES)
@pytest.mark.parametrize("steps", [1, 2, 7])
def test_a_warm_up_rises_evenly_to_the_first_rate_and_goes_on_from_there(steps, then):
    schedule = schedules.warmup(steps, then)
    rates = [schedule(t) for t in range(steps)]
    assert rates[-1] == schedule(steps) == then(0)
    assert [after - before for before, after in pairwise([0, *rates])] == pytest.approx(
        [then(0) / steps] * steps, rel=1e-12
    )
    assert [schedule(steps + t) for t in range(20)] == [then(t) for t in range(20)]


def test_a_warm_up_to_a_number_is_one_to_a_constant():
    number, constant = schedules.warmup(4, 0.8), schedules.warmup(4, schedules.constant(0.8))
    assert [number(t) for t in range(8)] == [constant(t) for t in range(8)]


def test_a_cosine_falls_without_pause_from_rate_to_final_and_is_symmetric():
    rates = [schedules.cosine(0.8, steps=10, final=0.2)(t) for t in range(11)]
    assert (rates[0], rates[-1]) == (pytest.approx(0.8), pytest.approx(0.2))
    assert all(before > after for before, after in pairwise(rates))
    assert [rate + mirrored for rate, mirrored in zip(rates, rates[::-1], strict=True)] == pytest.approx([1.0] * 11)


# --- Values ---


@every_schedule
def test_a_schedule_is_a_value(schedule):
    assert_is_a_value(schedule)


def test_schedules_with_other_options_are_not_equal():
    assert len(set(SCHEDULES)) == len(SCHEDULES)


@pytest.mark.parametrize(
    ("kind", "option"),
    [
        (schedules.constant, "rate"),
        (schedules.exponential, "rate"),
        (schedules.exponential, "decay"),
        (schedules.step, "rate"),
        (schedules.step, "factor"),
        (schedules.cosine, "rate"),
        (schedules.cosine, "final"),
        (schedules.warmup, "then"),
    ],
)
@pytest.mark.parametrize("value", [-0.1, -math.inf, math.nan])
def test_negative_and_nan_rates_are_refused(kind, option, value):
    with pytest.raises(ValueError, match=option):
        make(kind, option, value)


@pytest.mark.parametrize(
    ("kind", "option"), [(schedules.step, "every"), (schedules.cosine, "steps"), (schedules.warmup, "steps")]
)
@pytest.mark.parametrize(("value", "error"), [(0, ValueError), (-3, ValueError), (2.5, TypeError), ("3", TypeError)])
def test_lengths_are_positive_integers(kind, option, value, error):
    with pytest.raises(error, match=option):
        make(kind, option, value)


def make(kind, option, value):
    """A schedule with one option of this value, and fair values for the others."""
    fair = {
        schedules.constant: {"rate": 0.1},
        schedules.exponential: {"rate": 0.1, "decay": 0.5},
        schedules.step: {"rate": 0.1, "every": 10},
        schedules.cosine: {"rate": 0.1, "steps": 10},
        schedules.warmup: {"steps": 10, "then": 0.1},
    }
    return kind(**fair[kind] | {option: value})


@pytest.mark.parametrize("step", [0, 1, 4])
@pytest.mark.parametrize("rate", [-0.5, math.nan])
def test_a_warm_up_to_a_schedule_that_gives_a_bad_rate_is_an_error(step, rate):
    schedule = schedules.warmup(2, then=lambda step: rate)
    with pytest.raises(ValueError, match=f"learning_rate must not be negative or NaN, got {rate}"):
        schedule(step)


# --- Rates too large for a float ---

GROWING = [schedules.exponential(1e-7, 1.1), schedules.step(1e-7, every=1, factor=1.1)]
every_growing = pytest.mark.parametrize("schedule", GROWING)


@every_growing
def test_a_rate_that_fits_is_computed_where_the_power_alone_does_not(schedule):
    assert schedule(7500) == pytest.approx(math.exp(math.log(1e-7) + 7500 * math.log(1.1)), rel=1e-9)
    assert math.isfinite(schedule(np.int64(7600)))


@every_growing
@pytest.mark.parametrize("step", [8000, 10**6, np.int64(8000)])
def test_a_rate_that_does_not_fit_is_an_error_that_names_the_step(schedule, step):
    with pytest.raises(ValueError, match=rf"the rate of schedules\..* is too large for a float at step {step}"):
        schedule(step)
    with pytest.raises(ValueError, match="too large"):
        schedules.warmup(1, then=schedule)(step + 1)


def test_a_product_that_does_not_fit_is_an_error_too():
    with pytest.raises(ValueError, match="too large for a float at step 2"):
        schedules.exponential(1e300, 1e5)(2)
    assert schedules.exponential(math.inf, 0.5)(3) == math.inf


def test_a_rate_of_0_stays_0():
    assert schedules.exponential(0.0, 1.1)(8000) == 0.0


def test_a_number_of_steps_may_be_as_large_as_an_int():
    assert schedules.cosine(1.0, steps=10)(10**400) == 0.0
