"""`check_layer` on the corpus: no right layer is blamed, and every broken one is caught."""

import pytest

from tests.testing.corpus.__main__ import blame
from tests.testing.test_corpus import BROKEN, RIGHT


@pytest.mark.slow
@pytest.mark.parametrize("entry", RIGHT)
def test_a_right_layer_is_accepted(entry):
    assert blame(entry, 0) == ""


@pytest.mark.slow
@pytest.mark.parametrize(("entry", "bug"), BROKEN)
def test_a_broken_layer_is_caught(entry, bug):
    assert blame(entry, 0, bug.layer) != ""
