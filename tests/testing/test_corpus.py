"""The corpus is what it says: what is entered as right agrees with differences, and what is broken does not."""

import pytest

from tests.testing.corpus.entries import ENTRIES
from tests.testing.corpus.verifying import is_broken, is_right

RIGHT = [pytest.param(entry, id=entry.name) for entry in ENTRIES]
BROKEN = [pytest.param(entry, bug, id=f"{entry.name}-{i}") for entry in ENTRIES for i, bug in enumerate(entry.bugs)]


def test_the_corpus_is_large_and_each_layer_and_bug_has_a_name_of_its_own():
    assert len({entry.name for entry in ENTRIES}) == len(RIGHT) >= 100
    assert len({(entry.name, bug.sentence) for entry in ENTRIES for bug in entry.bugs}) == len(BROKEN) >= 250
    assert all(bug.sentence.endswith(".") for entry in ENTRIES for bug in entry.bugs)


@pytest.mark.parametrize("entry", RIGHT)
def test_a_layer_entered_as_right_agrees_with_differences(entry):
    assert is_right(entry)


@pytest.mark.parametrize(("entry", "bug"), BROKEN)
def test_a_layer_entered_as_broken_does_not(entry, bug):
    assert is_broken(entry, bug.layer)
