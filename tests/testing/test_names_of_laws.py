"""The names that `exempt` takes, as the docstrings list them."""

import inspect
import re

import pytest

from funcnet.testing import check_layer, check_loss, check_optimizer
from funcnet.testing.laws import LAYER_LAWS, LOSS_LAWS, OPTIMIZER_LAWS


@pytest.mark.parametrize("check", [check_layer, check_loss, check_optimizer])
def test_a_check_returns_nothing_as_its_signature_says(check):
    signature = inspect.signature(check)
    assert signature.return_annotation is None
    assert {"exempt", "examples", "seed"} <= set(signature.parameters)


@pytest.mark.parametrize(
    ("check", "laws"), [(check_layer, LAYER_LAWS), (check_loss, LOSS_LAWS), (check_optimizer, OPTIMIZER_LAWS)]
)
def test_the_docstring_lists_every_law(check, laws):
    listed = re.search(r"names that `exempt` takes: (.+?)\.\n\n", inspect.getdoc(check), flags=re.DOTALL)
    assert re.split(r",\s+", listed[1]) == [*laws]
