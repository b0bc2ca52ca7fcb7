"""The table of layers is whole: whatever is public and a layer, or makes one of others, has a row."""

import inspect
import typing

import funcnet as fn
from tests.layers.table import ALL, COMBINATORS, IDS, LAYERS

PUBLIC = [getattr(fn, name) for name in fn.__all__]
COMPOSITES = {type(fn.sequential())}


def test_every_public_layer_has_a_row():
    layers = {value for value in PUBLIC if inspect.isclass(value) and issubclass(value, fn.Layer)} - {fn.Layer}
    assert fn.Linear in layers
    assert layers == {type(row.layer) for row in [*LAYERS, *IDS]} - COMPOSITES


def test_every_public_combinator_has_rows():
    functions = [value for value in PUBLIC if inspect.isfunction(value)]
    combinators = {f for f in functions if typing.get_type_hints(f).get("return") is fn.Layer}
    assert fn.add in combinators
    assert combinators == {combinator for combinator, rows in COMBINATORS.items() if rows}


def test_no_layer_has_two_rows():
    assert len({row.layer for row in ALL}) == len({row.name for row in ALL}) == len(ALL)
