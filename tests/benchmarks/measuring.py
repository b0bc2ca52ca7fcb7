"""Times of several functions, taken in turn."""

from statistics import median
from time import perf_counter


def medians(functions, rounds, seconds=0.02):
    """The median time of a call of each function, in seconds, over so many rounds of them all in turn.

    In a round each is called until about `seconds` are over, so that the clock is read seldom; before that, half as
    often untimed: threads of the one before may still be spinning, and its data fill the caches.
    """
    counts = [_count(function, seconds) for function in functions]
    times = [[] for _ in functions]
    for _ in range(rounds):
        for function, count, own in zip(functions, counts, times, strict=True):
            _time(function, (count + 1) // 2)
            own.append(_time(function, count) / count)
    return [median(own) for own in times]


def _count(function, seconds):
    function()
    return max(1, round(seconds / _time(function, 1)))


def _time(function, count):
    began = perf_counter()
    for _ in range(count):
        function()
    return perf_counter() - began
