"""What a strategy draws: any value of which a condition holds, and the simplest."""

from hypothesis import Phase, find, settings


def some(strategy, condition, phases=(Phase.generate,)):
    """Any value of which the condition holds, without the time it takes to find the simplest."""
    return find(strategy, condition, settings=settings(max_examples=2000, phases=phases))


def simplest(strategy, condition=lambda value: True):
    return some(strategy, condition, (Phase.generate, Phase.shrink))
