"""What to write in place of a string that other libraries take for a layer, a loss, an optimizer or a function."""

from __future__ import annotations

import sys
from typing import Any

import attrs

from funcnet.values.registry import public_items

_MODULES = ("initializers", "metrics", "schedules")
_ELSEWHERE = {  # names in Keras, PyTorch and scikit-learn, without case and underscores
    "bce": "BinaryCrossEntropy",
    "categoricalcrossentropy": "SoftmaxCrossEntropy",
    "cosinesimilarity": "CosineSimilarityLoss",
    "crossentropy": "SoftmaxCrossEntropy",
    "crossentropyloss": "SoftmaxCrossEntropy",
    "dense": "Linear",
    "kaimingnormal": "he_normal",
    "kaiminguniform": "he_uniform",
    "l1loss": "MeanAbsoluteError",
    "leakyrelu": "LeakyReLU",
    "logistic": "Sigmoid",
    "mse": "MeanSquaredError",
    "mseloss": "MeanSquaredError",
    "sparsecategoricalcrossentropy": "SoftmaxCrossEntropy",
    "squarederror": "MeanSquaredError",
    "swish": "SiLU",
    "xaviernormal": "glorot_normal",
    "xavieruniform": "glorot_uniform",
}


def instead_of(value: object, module: str = "") -> str:
    """What to write for the string "relu" and the like, first in the module; "" for what names nothing of the library.

    >>> instead_of("relu"), instead_of("he_normal"), instead_of("adam"), instead_of("?")
    (': write fn.ReLU()', ': write fn.initializers.he_normal', ': write fn.Adam()', '')
    """
    if not isinstance(value, str):
        return ""
    name = _by_plain_name(module).get(_plain(_ELSEWHERE.get(_plain(value), value)))
    return "" if name is None else f": write fn.{name}"


def _plain(name: str) -> str:
    return "".join(filter(str.isalnum, name.rpartition(".")[2])).lower()


def _by_plain_name(first: str) -> dict[str, str]:
    """The calls of the public names, by these names without case and underscores."""
    public = public_items()  # loads the modules too
    places = {f"{module}.": vars(sys.modules[f"funcnet.{module}"]) for module in _MODULES}
    places[""] = {name: public[name] for name in public["__all__"]}
    return {
        _plain(name): prefix + name + _arguments(item)
        for prefix, items in sorted(places.items(), key=lambda place: place[0] == f"{first}.")
        for name, item in items.items()
        if name in items.get("__all__", items) and callable(item)
    }


def _arguments(item: Any) -> str:
    """The arguments in the call of a class: none, or dots where there must be some. A function stays as it is."""
    if not isinstance(item, type):
        return ""
    must = attrs.has(item) and any(field.default is attrs.NOTHING and field.init for field in attrs.fields(item))
    return "(...)" if must else "()"
