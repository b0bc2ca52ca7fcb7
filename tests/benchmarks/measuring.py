"""Times of several functions, taken in turn."""

from statistics import median
from time import perf_counter


def medians(functions, rounds, seconds=0.02):
    """The median time of a call of each function, in seconds, over so many rounds of them all in turn.

    In a round each is called until about `seconds` are over, so that the clock is read seldom.
    """
    counts = []
    for function in functions:
        function()
        began = perf_counter()
        function()
        counts.append(max(1, round(seconds / (perf_counter() - began))))
    times = [[] for _ in functions]
    for _ in range(rounds):
        for function, count, own in zip(functions, counts, times, strict=True):
            began = perf_counter()
            for _ in range(count):
                function()
            own.append((perf_counter() - began) / count)
    return [median(own) for own in times]
