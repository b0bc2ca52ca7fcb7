"""What `check_gradients` reports: how far a gradient is from an oracle's, leaf by leaf."""

from __future__ import annotations

import math

import attrs
import numpy as np

from funcnet import tree
from funcnet.tree import Array, Shape
from funcnet.values import aligned


@attrs.frozen
class LeafReport:
    """Differences between the model's gradient a of one leaf and the oracle's n.

    Parameters
    ----------
    path : str
        Path of the leaf in the params.
    shape : tuple of int
        Shape of the leaf.
    largest, mean : float
        Largest and mean absolute difference |n - a|.
    relative : float
        ||n - a|| / (||n|| + ||a||), 0 where both are 0 or not above rounding.
    corners : int, default 0
        Number of coordinates at a corner, where the derivative depends on the side: a may be any number between.

    Examples
    --------
    >>> LeafReport("bias", (3,), largest=2e-9, mean=1e-9, relative=1e-8).relative <= 1e-7
    True
    """

    path: str
    shape: Shape
    largest: float
    mean: float
    relative: float
    corners: int = 0


@attrs.frozen
class GradientReport:
    """Differences between the model's gradient a and the oracle's n, leaf by leaf and overall; prints as a table.

    Parameters
    ----------
    method : str
        Oracle that gave n: "exact", "richardson" or "central".
    leaves : tuple of LeafReport
        Reports of the leaves, in order; those of x, if asked for, are the last.
    mean : float
        Mean absolute difference |n - a| over all leaves.
    relative : float
        ||n - a|| / (||n|| + ||a||) over all leaves, 0 where both are 0.
    reason : str, default ""
        Why "exact" did not judge where nobody chose a method, such as "np.linalg.eigh has no rule".

    Examples
    --------
    >>> leaf = LeafReport("bias", (3,), largest=2e-9, mean=1e-9, relative=1e-8)
    >>> report = GradientReport("exact", (leaf,), mean=1e-9, relative=1e-8)
    >>> report.worst.path, report.ok(1e-7)
    ('bias', True)
    """

    method: str
    leaves: tuple[LeafReport, ...]
    mean: float
    relative: float
    reason: str = ""

    @property
    def worst(self) -> LeafReport:
        """The leaf with the largest relative difference; NaN is larger than any.

        Raises
        ------
        ValueError
            If there are no leaves.
        """
        if not self.leaves:
            raise ValueError("the report has no leaves, so none is the worst")
        return max(self.leaves, key=lambda leaf: (math.isnan(leaf.relative), leaf.relative))

    def ok(self, tolerance: float) -> bool:
        """Whether the relative difference of every leaf is at most the tolerance; NaN is not.

        Parameters
        ----------
        tolerance : float
            Largest relative difference to accept.

        Returns
        -------
        bool
            True also for a report without leaves.
        """
        return all(leaf.relative <= tolerance for leaf in self.leaves)

    def __str__(self) -> str:
        rows = [
            (leaf.path or "-", str(leaf.shape), *(f"{x:.3e}" for x in (leaf.largest, leaf.mean, leaf.relative)))
            for leaf in self.leaves
        ]
        worst = largest(np.array([leaf.largest for leaf in self.leaves]))
        total = ("all", self.method, *(f"{x:.3e}" for x in (worst, self.mean, self.relative)))
        table = aligned([("path", "shape", "max |n - a|", "mean |n - a|", "relative"), *rows, total])
        corners = [f"{leaf.path or '-'}: {leaf.corners} at a corner" for leaf in self.leaves if leaf.corners]
        notes = [f"judged by differences, as {self.reason}"] if self.reason else []
        return "\n".join([table, *corners, *notes])


def largest(difference: Array) -> float:
    """The largest absolute difference, 0 of none."""
    return float(np.max(np.abs(difference), initial=0))


def mean(difference: Array) -> float:
    """The mean absolute difference, 0 of none."""
    return float(np.abs(difference).mean()) if difference.size else 0.0


def relative(n: Array, a: Array) -> float:
    """||n - a|| / (||n|| + ||a||), and 0 where both are 0."""
    scale = tree.norm((n,)) + tree.norm((a,))  # this norm neither overflows nor vanishes
    return tree.norm((n - a,)) / scale if scale != 0 else 0.0
