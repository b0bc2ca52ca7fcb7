"""An entry of the corpus: a right layer as users write it, and what goes wrong in it, as replacements in its source."""

import inspect
import re
from zlib import crc32

import attrs
import numpy as np

import funcnet as fn
from funcnet.testing import check_layer

ROWS = dict.fromkeys(["batch.single", "batch.axes"], "x must be a matrix with a row for each example")
IMAGES = dict.fromkeys(["batch.single", "batch.axes"], "x is unpacked as n, c, h, w")
SEQUENCES = dict.fromkeys(["batch.single", "batch.axes"], "x is unpacked as n, t, d")
RESHAPED = {"batch.empty": "no rows can't be reshaped to (0, -1)"}
DOUBLE = {"dtypes": ("float64",)}


@attrs.frozen(eq=False)
class Bug:
    """A layer with something wrong in it, said in a sentence."""

    sentence: str
    layer: object


@attrs.frozen(eq=False)
class Entry:
    """A right layer, the arguments of `check_layer` for it, and its broken variants."""

    family: str
    name: str
    layer: object
    arguments: dict
    bugs: list

    def check(self, seed=0, layer=None):
        check_layer(self.layer if layer is None else layer, seed=seed, **self.arguments)


ENTRIES = []


def layer(input_shape=None, bugs=(), params=None, **arguments):
    """Enter what the function below makes: a layer, or a pair of functions with params of the given shapes.

    `bugs` maps a sentence to what is written and what should be.
    """

    def enter(make):
        family, name = make.__module__.rpartition(".")[-1], make.__name__
        if params is not None:
            arguments["params"] = drawn(params, np.random.default_rng(crc32(name.encode())))
        source = inspect.getsource(make)
        source = source[re.search(r"^def ", source, flags=re.MULTILINE).start() :]
        broken = [Bug(sentence, made(source, make, name, *change)) for sentence, change in dict(bugs).items()]
        ENTRIES.append(Entry(family, name, make(), {"input_shape": input_shape, **arguments}, broken))
        return make

    return enter


def made(source, make, name, old, new):
    """What the function makes with other words in its source."""
    assert source.count(old) == 1, f"{name}: {old!r} is there {source.count(old)} times"
    names = dict(make.__globals__)
    exec(compile(source.replace(old, new), f"<{name}>", "exec"), names)
    return names[name]()


def drawn(shapes, draws):
    """Params of these shapes: normal numbers, halved. A function draws its own; an array stays as it is."""
    if isinstance(shapes, dict):
        return {key: drawn(shape, draws) for key, shape in shapes.items()}
    if isinstance(shapes, list):
        return [drawn(shape, draws) for shape in shapes]
    if callable(shapes):
        return shapes(draws)
    return shapes if isinstance(shapes, np.ndarray) else draws.normal(size=shapes) / 2


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def softmax(z):
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def softmax_backward(p, dp):
    return p * (dp - (p * dp).sum(axis=-1, keepdims=True))


__all__ = [
    "DOUBLE",
    "IMAGES",
    "RESHAPED",
    "ROWS",
    "SEQUENCES",
    "fn",
    "layer",
    "np",
    "sigmoid",
    "softmax",
    "softmax_backward",
]
