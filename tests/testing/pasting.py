"""What becomes of a violation's case where it is pasted."""

import pytest

from funcnet.testing import LawViolation


def pasted(case):
    with pytest.raises(LawViolation) as caught:
        exec(case, {})
    return caught.value


def is_like(again, found):
    assert (again.law, again.at, again.layer) == (found.law, found.at, found.layer)
    return True
