"""The directory of a run that keeps no files."""

from __future__ import annotations

from collections.abc import Sequence

from funcnet.experiments.history import Row
from funcnet.experiments.progress import Epochs
from funcnet.experiments.receipt import Receipt
from funcnet.tree import Tree


class Nowhere:
    """The directory of a run that keeps no files: the methods of `Directory` that `run` calls, without effect."""

    def has_epochs(self) -> bool:
        """Return False."""
        return False

    def check_fits(self, receipt: Receipt) -> None:
        """Every run fits."""

    def begin(self, receipt: Receipt, initial: Tree = None) -> Receipt:
        """Return the receipt as it is."""
        return receipt

    def resume_point(self) -> None:
        """Return None: there is nothing to go on from."""

    def checkpointing(self, epochs: Epochs, receipt: Receipt, every: int, rows: Sequence[Row]) -> Epochs:
        """Return the epochs as they are."""
        return epochs

    def write_resumed(self, receipt: Receipt, rows: Sequence[Row]) -> None:
        """Write nothing."""

    def write(self, receipt: Receipt) -> None:
        """Write nothing."""
