"""The tester is tested: broken layers are caught by the law that they break, right ones are blamed by none."""

import math
import re
from itertools import chain

import pytest

from funcnet.testing import LawViolation, check_layer, check_loss
from tests.testing.gallery import broken_losses, broken_optimizers, flows, forms, formulas, insides, sound
from tests.testing.gallery.kill_table import BROKEN, Kill, kill, kill_of_loss_or_optimizer, kill_table

SURVIVORS: dict[str, str] = {
    "NormUnderflows": "where squares overflow, the textbook's norm gives 0 too, and is accepted",
}


GALLERIES = (sound, formulas, forms, insides, flows)
SOUND = [exhibit for gallery in GALLERIES for exhibit in gallery.SOUND]


def marks(name):
    """Those of a survivor's test, which has to fail: it would be an error of the test if the layer were caught."""
    return [pytest.mark.xfail(reason=SURVIVORS[name], strict=True)] if name in SURVIVORS else []


CASES = [pytest.param(exhibit, id=exhibit.name, marks=marks(exhibit.name)) for exhibit in BROKEN]


@pytest.mark.slow
@pytest.mark.parametrize("broken", CASES)
def test_a_broken_layer_is_caught(broken):
    caught = kill(broken)
    assert isinstance(caught.error, LawViolation)
    assert not broken.laws or caught.law in broken.laws


@pytest.mark.slow
@pytest.mark.parametrize("sound", [pytest.param(exhibit, id=exhibit.name) for exhibit in SOUND])
def test_a_right_layer_is_accepted(sound):
    check_layer(sound.layer, sound.input_shape, **sound.options)


def test_19_in_20_broken_layers_have_a_test_that_fails_if_they_are_not_caught():
    # No kill is computed here: each is a test of its own above, which without a mark passes only if the layer is
    # caught. A survivor's mark is strict: if the layer is caught after all, its test fails until it is off the list.
    without_mark = [case for case in CASES if not case.marks]
    assert [case.values for case in CASES] == [(exhibit,) for exhibit in BROKEN]
    assert len(without_mark) >= math.ceil(0.95 * len(BROKEN))
    assert all(mark.kwargs["strict"] for case in CASES for mark in case.marks)


def test_the_galleries_are_large_and_each_exhibit_has_a_name_and_a_sentence():
    assert len(BROKEN) >= 60
    assert len(SOUND) >= 25
    for exhibits in (BROKEN, SOUND):
        assert len({exhibit.name for exhibit in exhibits}) == len(exhibits)
    assert all(exhibit.bug.endswith(".") for exhibit in BROKEN)


def test_the_known_survivors_are_there():
    assert set(SURVIVORS) <= {exhibit.name for exhibit in BROKEN}


def test_the_kill_table_has_a_row_for_each_broken_one():
    """The first of each gallery is checked here; the others by tests of their own alone, and not for this one too."""
    losses, optimizers = [row[0] for row in broken_losses.BROKEN], [row[0] for row in broken_optimizers.BROKEN]

    def quick(broken):
        return kill(broken) if broken is BROKEN[0] else Kill(None if broken.name in SURVIVORS else ValueError(), 3)

    def quick_too(check, broken, **options):
        is_first = type(broken) is losses[0] or broken is optimizers[0]
        return kill_of_loss_or_optimizer(check, broken, **options) if is_first else Kill(TypeError(), None)

    rows = [re.split("  +", row) for row in kill_table(quick, quick_too).splitlines()[1:]]
    names = [exhibit.name for exhibit in BROKEN], [loss.__name__ for loss in losses], list(map(repr, optimizers))
    assert [row[0] for row in rows] == list(chain(*names))
    assert {row[0] for row in rows if row[1] == "-"} == set(SURVIVORS)
    assert {row[1] for row in rows} == {"-", "ValueError", "TypeError", *real(rows, names)}


def real(rows, names):
    """The laws in the rows of the kills that were computed: they are those that the exhibits say."""
    laws = {row[0]: row[1] for row in rows}
    said = BROKEN[0].laws, broken_losses.BROKEN[0][2], broken_optimizers.BROKEN[0][1]
    assert all(laws[first] in each for (first, *_), each in zip(names, said, strict=True))
    assert rows[0][2] == "1"
    return {laws[first] for first, *_ in names}


def test_a_kill_knows_its_law_and_how_many_cases_it_took():
    caught = kill(BROKEN[0])
    assert (caught.law, caught.examples) == (caught.error.law, 1)
    assert kill_of_loss_or_optimizer(check_loss, broken_losses.BROKEN[0][0](), **broken_losses.BROKEN[0][1]).law
