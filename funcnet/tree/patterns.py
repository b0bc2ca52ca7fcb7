"""`fnmatch` patterns of paths, which select leaves of a tree."""

from __future__ import annotations

import re
from collections.abc import Iterable
from fnmatch import fnmatchcase

from funcnet.tree.functions import named_leaves
from funcnet.tree.node import Tree
from funcnet.values import strings

_WILD = re.compile(r"[*?[]")
_LONGEST = 4000  # characters of patterns, which are compiled: "[" * 100_000 takes minutes


def as_patterns(patterns: str | Iterable[str]) -> tuple[str, ...]:
    """One pattern or several, as a tuple.

    Raises TypeError for anything but strings, ValueError if it would take seconds to compile those with wildcards.
    """
    each = strings(patterns, "a string or strings, patterns of paths such as '*.bias'")
    length = sum(len(pattern) for pattern in each if _WILD.search(pattern))
    if length > _LONGEST:
        raise ValueError(
            f"patterns with *, ? or [ may have {_LONGEST} characters in all, got {length}: name the paths without "
            "wildcards, or write shorter patterns such as '*.bias'"
        )
    return each


def matching(tree: Tree, patterns: tuple[str, ...]) -> list[bool]:
    """For each leaf of `tree`, in order, whether its path matches one of the `fnmatch` patterns.

    >>> import numpy as np
    >>> matching((np.array(1.0), (np.array(2.0), np.array(3.0))), ("1.*",))
    [False, True, True]
    """
    wild = [pattern for pattern in patterns if _WILD.search(pattern)]  # others are compared, and not compiled
    names = frozenset(patterns)
    return [path in names or any(fnmatchcase(path, pattern) for pattern in wild) for path in named_leaves(tree)]
