"""`python -m tests.testing.corpus`: which right layers are blamed, by which law and at which seed; missed bugs."""

import argparse
import sys
import time
from unittest import mock

import attrs

from funcnet.testing import LawViolation, layers
from tests.testing.corpus.entries import ENTRIES

UNSHRUNK = attrs.evolve(layers.LAYERS, shrunk=lambda case, fails: case)


def blame(entry, seed, layer=None):
    """What the check says, in a line; nothing if it is content."""
    with mock.patch.object(layers, "LAYERS", UNSHRUNK):
        try:
            entry.check(seed, layer)
        except LawViolation as violation:
            index = violation.index if violation.index is not None else ""
            said = f"{violation.law}: {violation.at} {index} got {violation.got}, expected {violation.expected}"
            return " ".join(said.split())[:200]
    return ""


def main(arguments):
    options = argparse.ArgumentParser(prog="python -m tests.testing.corpus", description=__doc__)
    options.add_argument("--seeds", type=int, default=1, help="how many seeds right layers are checked at")
    options.add_argument("--first", type=int, default=0, help="the first seed")
    options.add_argument("--family", action="append", help="a family alone, such as norms; may be repeated")
    options.add_argument("--right", action="store_true", help="the right layers alone")
    chosen = options.parse_args(arguments)
    entries = [entry for entry in ENTRIES if not chosen.family or entry.family in chosen.family]
    began, blamed, missed = time.process_time(), [], []
    for entry in entries:
        said = {seed: blame(entry, seed) for seed in range(chosen.first, chosen.first + chosen.seeds)}
        for seed, words in said.items():
            if words:
                blamed.append(entry)
                print(f"BLAMED {entry.family}.{entry.name}, seed {seed}, {words}", flush=True)
        for bug in [] if chosen.right else entry.bugs:
            if blame(entry, chosen.first, bug.layer) in (
                "",
                said[chosen.first],
            ):  # what the right one is told is no news
                missed.append(bug)
                print(f"MISSED {entry.family}.{entry.name}: {bug.sentence}", flush=True)
    bugs = 0 if chosen.right else sum(len(entry.bugs) for entry in entries)
    print(
        f"{len(entries)} right, {len(set(blamed))} blamed; {len(blamed)} of {len(entries) * chosen.seeds} checks; "
        f"{bugs - len(missed)} of {bugs} bugs caught; {time.process_time() - began:.0f} s of CPU"
    )
    return bool(blamed or missed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
