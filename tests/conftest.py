"""Settings of all tests."""

import hypothesis
import pytest

# The machine that runs the tests may be busy; the examples are the same in every run.
hypothesis.settings.register_profile("funcnet", deadline=None, derandomize=True)
hypothesis.settings.load_profile("funcnet")

LONGEST = 32  # characters of one value in a test's name
LINE = 120  # characters of the name


def pytest_itemcollected(item):
    """Hold names to what can be read, and typed after pytest's -k."""
    if len(item.name) > LINE:
        raise pytest.UsageError(f"the name of {item.nodeid} is longer than {LINE} characters: give its values ids")


def pytest_make_parametrize_id(val, argname):
    """A value's part in a test's name: the same in every process, which xdist needs, and short enough for a line."""
    text = named(val)
    return text if len(text) <= LONGEST and text.isprintable() and "<" not in text else argname


def named(value):
    """The value as one would write it, functions and classes by their names, sets in order."""
    if isinstance(value, tuple | list):
        return f"({', '.join(map(named, value))})"
    if isinstance(value, set | frozenset):
        return named(sorted(value))
    return str(getattr(value, "__name__", value))
