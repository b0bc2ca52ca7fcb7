"""`fnmatch` patterns of paths, which select leaves of a tree."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase

from funcnet.tree.functions import named_leaves
from funcnet.tree.node import Tree


def as_patterns(patterns: str | Iterable[str]) -> tuple[str, ...]:
    """One pattern or several, as a tuple. Raises TypeError for anything but strings."""
    if isinstance(patterns, str):
        return (patterns,)
    if not isinstance(patterns, Iterable) or not all(isinstance(pattern, str) for pattern in patterns):
        raise TypeError(f"expected a string or strings, patterns of paths such as '*.bias', got {patterns!r}")
    return tuple(patterns)


def matching(tree: Tree, patterns: tuple[str, ...]) -> list[bool]:
    """For each leaf of `tree`, in order, whether its path matches one of the `fnmatch` patterns.

    >>> import numpy as np
    >>> matching((np.array(1.0), (np.array(2.0), np.array(3.0))), ("1.*",))
    [False, True, True]
    """
    return [any(fnmatchcase(path, pattern) for pattern in patterns) for path in named_leaves(tree)]
