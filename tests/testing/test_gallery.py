"""The tester is tested: broken layers are caught by the law that they break, right ones are blamed by none."""

import math
import re

import pytest

from funcnet.testing import LawViolation, check_layer, check_loss
from tests.testing.gallery import broken_losses, broken_optimizers, forms, formulas, insides, sound
from tests.testing.gallery.kill_table import BROKEN, Kill, kill, kill_of_loss_or_optimizer, kill_table

SURVIVORS: dict[str, str] = {
    "NormUnderflows": "where squares overflow, the textbook's norm gives 0 too, and is accepted",
    "ThresholdAndInput": "kinks moves x alone, not x and params together",
}


GALLERIES = (sound, formulas, forms, insides)
SOUND = [exhibit for gallery in GALLERIES for exhibit in gallery.SOUND]


def marks(name):
    return [pytest.mark.xfail(reason=SURVIVORS[name])] if name in SURVIVORS else []


@pytest.mark.slow
@pytest.mark.parametrize("broken", [pytest.param(e, id=e.name, marks=marks(e.name)) for e in BROKEN])
def test_a_broken_layer_is_caught(broken):
    caught = kill(broken)
    assert isinstance(caught.error, LawViolation)
    assert not broken.laws or caught.law in broken.laws


@pytest.mark.slow
@pytest.mark.parametrize("sound", [pytest.param(exhibit, id=exhibit.name) for exhibit in SOUND])
def test_a_right_layer_is_accepted(sound):
    check_layer(sound.layer, sound.input_shape, **sound.options)


def test_19_in_20_broken_layers_are_caught():
    caught = len(BROKEN) - len(SURVIVORS)  # as the tests above found, one by one
    assert caught >= math.ceil(0.95 * len(BROKEN))


def test_the_galleries_are_large_and_each_exhibit_has_a_name_and_a_sentence():
    assert len(BROKEN) >= 60
    assert len(SOUND) >= 25
    for exhibits in (BROKEN, SOUND):
        assert len({exhibit.name for exhibit in exhibits}) == len(exhibits)
    assert all(exhibit.bug.endswith(".") for exhibit in BROKEN)


def test_the_known_survivors_are_there():
    assert set(SURVIVORS) <= {exhibit.name for exhibit in BROKEN}


def test_the_kill_table_has_a_row_for_each_broken_one():
    """Each exhibit is checked by a test of its own, and not for this one too."""

    def quick(broken):
        return Kill(None if broken.name in SURVIVORS else ValueError(), 3)

    table = kill_table(quick, lambda check, broken, **options: Kill(TypeError(), None))
    rows = [re.split("  +", row) for row in table.splitlines()[1:]]
    assert [row[0] for row in rows[: len(BROKEN)]] == [exhibit.name for exhibit in BROKEN]
    assert len(rows) == len(BROKEN) + len(broken_losses.BROKEN) + len(broken_optimizers.BROKEN)
    assert {row[0] for row in rows if row[1] == "-"} == set(SURVIVORS)
    assert {row[1] for row in rows} == {"-", "ValueError", "TypeError"}


def test_a_kill_knows_its_law_and_how_many_cases_it_took():
    caught = kill(BROKEN[0])
    assert (caught.law, caught.examples) == (caught.error.law, 1)
    assert kill_of_loss_or_optimizer(check_loss, broken_losses.BROKEN[0][0](), **broken_losses.BROKEN[0][1]).law
