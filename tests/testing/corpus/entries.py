"""All entries of the corpus."""

from importlib import import_module
from pathlib import Path

from tests.testing.corpus.entry import ENTRIES

NOT_FAMILIES = {"entry", "entries", "verifying", "__main__"}
FAMILIES = sorted(path.stem for path in Path(__file__).parent.glob("*.py") if path.stem not in NOT_FAMILIES)

for family in FAMILIES:
    import_module(f"tests.testing.corpus.{family}")

__all__ = ["ENTRIES", "FAMILIES"]
