"""The command `laws`."""

import re

from funcnet.testing.laws import LAYER_LAWS, LOSS_LAWS, OPTIMIZER_LAWS


def test_every_law_is_listed_with_a_sentence(said):
    code, out, _ = said("laws")
    assert code == 0
    for block, laws in zip(out.split("\n\n"), (LAYER_LAWS, LOSS_LAWS, OPTIMIZER_LAWS), strict=True):
        rows = [re.split("  +", row) for row in block.strip().splitlines()[1:]]
        assert [row[0] for row in rows] == [*laws]
        assert all(row[1].endswith(".") and "{" not in row[1] for row in rows)


def test_one_law_is_that_of_every_kind(said):
    _, out, _ = said("laws", "kinks")
    assert re.findall(r"^kinks +(.*)$", out, flags=re.MULTILINE) == [
        "At a tie or a corner of one number of y, <dx, v> lies between the slopes along v on its sides.",
        "At a tie or a corner of one number of value, <dy, v> lies between the slopes along v on its sides.",
    ]
    assert "optimizer" not in out


def test_a_law_that_there_is_not(refused):
    assert "unknown law 'kinky'; the laws are init, structure" in refused("laws", "kinky")
