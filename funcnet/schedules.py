"""Schedules, which are learning rates that change: functions `step -> float`, where `step` counts the updates so far.

Each schedule is a value: it compares, pickles, and prints as the code that makes it. A negative rate or a length below
1 raises ValueError.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from typing import Any, TypeAlias

import attrs

from funcnet.values import at_least, instead_of, is_no_class, real, register, specification

__all__ = ["Schedule", "constant", "cosine", "exponential", "step", "warmup"]

Schedule: TypeAlias = Callable[[int], float]

_is_rate: Any = attrs.validators.ge(0)


def as_learning_rate(value: Any) -> float | Schedule:
    """A converter: a schedule stays as it is, a number becomes a float."""
    if isinstance(value, str):
        raise TypeError(f"expected a learning rate or a schedule, got {value!r}{instead_of(value, 'schedules')}")
    return value if callable(value) else real(value)


def is_learning_rate(instance: object, attribute: Any, value: Any) -> None:
    """A validator: a schedule, or a number that is neither negative nor NaN."""
    is_no_class(instance, attribute, value)
    if not callable(value):
        _is_rate(instance, attribute, value)


def learning_rate_field(default: Any = attrs.NOTHING) -> Any:
    """The field of an optimizer or a schedule for a learning rate: a number or a schedule."""
    return attrs.field(default=default, converter=as_learning_rate, validator=is_learning_rate)


def learning_rate_at(learning_rate: float | Schedule, step: int) -> float:
    """The learning rate at a step; ValueError if a schedule gives a rate that is negative or NaN.

    >>> learning_rate_at(0.1, 5), learning_rate_at(exponential(1.0, 0.5), 1)
    (0.1, 0.5)
    """
    rate = real(learning_rate(step)) if callable(learning_rate) else learning_rate
    if not rate >= 0:
        raise ValueError(f"learning_rate must not be negative or NaN, got {rate} at step {step}")
    return rate


def _decayed(schedule: Schedule, rate: float, factor: float, times: int, step: int) -> float:
    """rate * factor**times, also where the power alone is too large; ValueError if the rate itself is too large."""
    try:
        decayed = rate * factor ** (int(times) if hasattr(times, "__index__") else times)
    except OverflowError:
        logarithm = math.log(rate) + times * math.log(factor) if rate else -math.inf
        decayed = math.exp(logarithm) if logarithm < math.log(sys.float_info.max) else math.inf
    if math.isinf(decayed) and math.isfinite(rate) and math.isfinite(factor):
        raise ValueError(f"the rate of {schedule!r} is too large for a float at step {step}")
    return decayed


@register(name="schedules.constant")
@specification
class constant:  # noqa: N801, schedules are used as functions
    """The same rate at every step.

    Parameters
    ----------
    rate : float
        Learning rate; at least 0.

    Raises
    ------
    TypeError
        If the rate is not a number.
    ValueError
        If the rate is negative or NaN.

    Examples
    --------
    >>> constant(0.1)(1000)
    0.1
    """

    rate: float = attrs.field(converter=real, validator=_is_rate)

    def __call__(self, step: int) -> float:
        return self.rate


@register(name="schedules.exponential")
@specification
class exponential:  # noqa: N801
    """Exponential decay: `rate * decay**step`.

    Parameters
    ----------
    rate : float
        Learning rate at step 0; at least 0.
    decay : float
        Factor of each step; at least 0.

    Raises
    ------
    TypeError
        If `rate` or `decay` is not a number.
    ValueError
        If `rate` or `decay` is negative or NaN.

    Examples
    --------
    >>> exponential(1.0, decay=0.5)(2)
    0.25
    """

    rate: float = attrs.field(converter=real, validator=_is_rate)
    decay: float = attrs.field(converter=real, validator=_is_rate)

    def __call__(self, step: int) -> float:
        return _decayed(self, self.rate, self.decay, step, step)


@register(name="schedules.step")
@specification
class step:  # noqa: N801
    """Decay in steps: `rate * factor**(step // every)`.

    Parameters
    ----------
    rate : float
        Learning rate at step 0; at least 0.
    every : int
        Number of updates from one change to the next; at least 1.
    factor : float, default 0.1
        Factor of each change; at least 0.

    Raises
    ------
    TypeError
        If `every` is not an integer, or `rate` or `factor` is not a number.
    ValueError
        If `every` is below 1, or `rate` or `factor` is negative or NaN.

    Examples
    --------
    >>> decay = step(1.0, every=10, factor=0.5)
    >>> decay(9), decay(10), decay(25)
    (1.0, 0.5, 0.25)
    """

    rate: float = attrs.field(converter=real, validator=_is_rate)
    every: int = attrs.field(converter=at_least(1, "every"))
    factor: float = attrs.field(default=0.1, converter=real, validator=_is_rate)

    def __call__(self, step: int) -> float:
        return _decayed(self, self.rate, self.factor, step // self.every, step)


@register(name="schedules.cosine")
@specification
class cosine:  # noqa: N801
    """Half a cosine from `rate` at step 0 to `final` at step `steps`, then `final`.

    final + (rate - final) * (1 + cos(pi * step / steps)) / 2, up to step `steps`.

    Parameters
    ----------
    rate : float
        Learning rate at step 0; at least 0.
    steps : int
        Number of updates from `rate` to `final`; at least 1.
    final : float, default 0.0
        Learning rate at step `steps` and later; at least 0.

    Raises
    ------
    TypeError
        If `steps` is not an integer, or a rate is not a number.
    ValueError
        If `steps` is below 1, or a rate is negative or NaN.

    References
    ----------
    I. Loshchilov, F. Hutter: SGDR: stochastic gradient descent with warm restarts. ICLR 2017, eq. 5.

    Examples
    --------
    >>> decay = cosine(1.0, steps=10)
    >>> decay(0), round(decay(5), 6), decay(10), decay(1000)
    (1.0, 0.5, 0.0, 0.0)
    """

    rate: float = attrs.field(converter=real, validator=_is_rate)
    steps: int = attrs.field(converter=at_least(1, "steps"))
    final: float = attrs.field(default=0.0, converter=real, validator=_is_rate)

    def __call__(self, step: int) -> float:
        done = min(step, self.steps) / self.steps
        return self.final + (self.rate - self.final) * (1 + math.cos(math.pi * done)) / 2


@register(name="schedules.warmup")
@specification
class warmup:  # noqa: N801
    """A linear rise to the first rate of `then` in the first `steps` updates, followed by `then`.

    (step + 1) / steps * (the rate of `then` at 0) while step < steps, then the rate of `then` at step - steps.

    Parameters
    ----------
    steps : int
        Number of updates of the rise; at least 1.
    then : float or callable
        Learning rate, or the schedule of it, after the rise; at least 0.

    Raises
    ------
    TypeError
        If `steps` is not an integer, or `then` is neither a number nor a schedule.
    ValueError
        If `steps` is below 1, or `then` is, or gives, a rate that is negative or NaN.

    References
    ----------
    P. Goyal et al.: Accurate, large minibatch SGD: training ImageNet in 1 hour. arXiv 1706.02677, 2017, section 2.2.

    Examples
    --------
    >>> rate = warmup(4, then=constant(1.0))
    >>> rate(0), rate(1), rate(3), rate(4)
    (0.25, 0.5, 1.0, 1.0)
    """

    steps: int = attrs.field(converter=at_least(1, "steps"))
    then: float | Schedule = attrs.field(converter=as_learning_rate, validator=is_learning_rate)

    def __call__(self, step: int) -> float:
        if step < self.steps:
            return learning_rate_at(self.then, 0) * (step + 1) / self.steps
        return learning_rate_at(self.then, step - self.steps)
