"""The code of a run: digests of the source of classes and functions in the experiment that are not funcnet's."""

from __future__ import annotations

from funcnet.errors import ExperimentError
from funcnet.experiments.experiment import Experiment
from funcnet.experiments.receipt import Receipt
from funcnet.values import sources

_SOURCE = "source of "  # before the name of a class or function, in the facts of a receipt


def code_of(experiment: Experiment) -> dict[str, str]:
    """Facts about the code: the digest of the source of each class and function, see `sources`."""
    return {_SOURCE + name: digest for name, digest in sources(experiment).items()}


def check_code(receipt: Receipt, experiment: Experiment, directory: object) -> None:
    """Raise ExperimentError if the source of a class or function is not the one with which the run was made."""
    facts = receipt.environments[-1][1] if receipt.environments else ()
    recorded = {fact: digest for fact, digest in facts if fact.startswith(_SOURCE)}
    now = code_of(experiment) if recorded else {}
    changed = [fact for fact, digest in recorded.items() if now.get(fact, digest) != digest]
    if changed:
        raise ExperimentError(
            f"the {' and the '.join(changed)} has changed since the run ({directory}/receipt.json): its history is "
            "that of the code before; write to a new directory, or go on with accept_changes=True"
        )
