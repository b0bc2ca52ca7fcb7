"""Which law catches which broken layer, loss and optimizer: `python -m tests.testing.gallery.kill_table` prints it."""

from typing import Any
from unittest.mock import patch

import attrs

from funcnet.testing import check_layer, check_loss, check_optimizer, layers
from funcnet.values.table import aligned
from tests.testing.gallery import (
    activations,
    axes,
    batches,
    broken_flows,
    broken_losses,
    broken_optimizers,
    broken_statistics,
    hidden,
    numbers,
    params,
    rows,
    state,
    structure,
    subtle,
    writing,
)

EXAMPLES = 200
GALLERIES = (
    activations,
    rows,
    params,
    axes,
    writing,
    state,
    structure,
    batches,
    numbers,
    subtle,
    hidden,
    broken_flows,
    broken_statistics,
)
UNSHRUNK = attrs.evolve(layers.LAYERS, shrunk=lambda case, fails: case)
BROKEN = [exhibit for gallery in GALLERIES for exhibit in gallery.BROKEN]


@attrs.frozen
class Kill:
    """What check_layer raised, None of a survivor, and how many cases it drew."""

    error: Any
    examples: int

    @property
    def law(self):
        return getattr(self.error, "law", type(self.error).__name__ if self.error else "-")


def kill(exhibit):
    """What check_layer says to a broken layer, with no time spent on shrinking."""
    drawn = []
    draw = layers.layer_cases

    def counted(*arguments):
        for case in draw(*arguments):
            drawn.append(case.batch)
            yield case

    with patch.object(layers, "layer_cases", counted), patch.object(layers, "LAYERS", UNSHRUNK):
        try:
            check_layer(exhibit.layer, exhibit.input_shape, examples=EXAMPLES, **exhibit.options)
        except Exception as error:  # what is no LawViolation is a fault of the check, and the table is to show it
            return Kill(error, len(drawn))
    return Kill(None, len(drawn))


def kill_of_loss_or_optimizer(check, broken, **options):
    """What the check says, within its own number of examples."""
    try:
        check(broken, **options)
    except Exception as error:
        return Kill(error, None)
    return Kill(None, None)


def kill_table(kill=kill, kill_of_loss_or_optimizer=kill_of_loss_or_optimizer):
    """The table, a row for each broken layer, loss and optimizer."""
    found = [(exhibit.name, exhibit.bug, kill(exhibit)) for exhibit in BROKEN]
    for loss, options, _ in broken_losses.BROKEN:
        found.append((loss.__name__, loss.__doc__, kill_of_loss_or_optimizer(check_loss, loss(), **options)))
    for optimizer, _ in broken_optimizers.BROKEN:
        found.append((repr(optimizer), type(optimizer).__doc__, kill_of_loss_or_optimizer(check_optimizer, optimizer)))
    table = [(name, k.law, "-" if k.examples is None else str(k.examples), bug) for name, bug, k in found]
    return aligned([("what", "law", "examples", "bug"), *table])


if __name__ == "__main__":
    print(kill_table())
