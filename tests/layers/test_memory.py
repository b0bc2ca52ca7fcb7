"""What a layer of the library hands out can be written to only where nothing else reads it."""

import numpy as np
import pytest

from funcnet import Key
from funcnet.testing.cases.case import named, parts
from funcnet.testing.reports.comparing import same_bits
from funcnet.tree import map_flow
from tests.layers.row import every_row
from tests.layers.table import ALL
from tests.passes import overwrite


@every_row(ALL)
@pytest.mark.parametrize("is_trained", [False, True])
def test_y_is_read_only_where_the_cache_has_it(row, is_trained):
    layer = row.layer.training(Key(1)) if is_trained else row.layer
    params = layer.init(Key(0), row.shapes[0], np.float64)
    x = row.x((5,), row.shapes[0])
    y, cache = layer.forward(params, x)
    dy = map_flow(lambda part: np.ones(np.shape(part)), y)
    expected = named((), *layer.backward(params, cache, dy))
    y, cache = layer.forward(params, x)
    for part in parts("y", y).values():
        overwrite(part)
    same_bits(named((), *layer.backward(params, cache, dy)), expected, "y that nobody writes into")
