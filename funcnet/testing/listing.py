"""The laws in words, for the command line."""

from __future__ import annotations

from funcnet.testing.laws.losses import NAMES
from funcnet.testing.layers import LAYERS
from funcnet.testing.losses import LOSSES
from funcnet.testing.optimizers import OPTIMIZERS
from funcnet.values import aligned

_KINDS = {
    "a layer": (LAYERS, {}),
    "a loss": (LOSSES, NAMES),
    "an optimizer": (OPTIMIZERS, {}),
}


def listed(law: str | None = None) -> str:
    """Every law with its sentence, or one of them. Raises ValueError for an unknown law."""
    parts = []
    for name, (kind, names) in _KINDS.items():
        rows = [(each, kind.statement(each, names)) for each in kind.laws if law in (None, each)]
        if rows:
            parts.append(aligned([(f"law of {name}", f"what {kind.check.removesuffix('_law')} asks"), *rows]))
    if not parts:
        every = dict.fromkeys(each for kind, _ in _KINDS.values() for each in kind.laws)
        raise ValueError(f"unknown law {law!r}; the laws are {', '.join(every)}")
    return "\n\n".join(parts)
