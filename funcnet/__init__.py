"""funcnet: backpropagation as plain functions on plain data.

A layer is a value with two pure functions, `forward(params, x) -> (y, cache)` and
`backward(params, cache, dy) -> (dx, grads)`. `sequential` composes layers, `value_and_grad` differentiates a loss,
`sgd_step` returns new params.
"""

# The public names, on one screen.
# fmt: off
from importlib import import_module as _import_module
from typing import TYPE_CHECKING as _TYPE_CHECKING
from typing import Any as _Any

from funcnet import initializers, schedules, tree
from funcnet.combinators import add, concatenate, residual, sequential
from funcnet.errors import CacheError, DTypeError, MissingExtraError, ShapeError, TreeError
from funcnet.gradient import value_and_grad
from funcnet.layer import Layer, summary
from funcnet.layers import (
    ELU, GELU, Dropout, Elementwise, Flatten, FlattenParams, Identity, LeakyReLU, Linear, LinearParams, LogSoftmax,
    ReLU, Sigmoid, SiLU, Softmax, Softplus, Tanh,
)
from funcnet.losses import BinaryCrossEntropy, MeanSquaredError, SigmoidBinaryCrossEntropy, SoftmaxCrossEntropy
from funcnet.optimizers import SGD, Adagrad, Adam, AdamW, OptimizerState, RMSProp, clip_by_global_norm, sgd_step
from funcnet.penalties import L2
from funcnet.random import Key

if _TYPE_CHECKING:
    from funcnet import data, metrics, plot as plot

__version__ = "0.1.0"

__all__ = [
    "ELU", "GELU", "L2", "SGD", "Adagrad", "Adam", "AdamW", "BinaryCrossEntropy", "CacheError", "DTypeError",
    "Dropout", "Elementwise", "Flatten", "FlattenParams", "Identity", "Key", "Layer", "LeakyReLU", "Linear",
    "LinearParams", "LogSoftmax", "MeanSquaredError", "MissingExtraError", "OptimizerState", "RMSProp", "ReLU",
    "ShapeError", "SiLU", "Sigmoid", "SigmoidBinaryCrossEntropy", "Softmax", "SoftmaxCrossEntropy", "Softplus",
    "Tanh", "TreeError", "add", "clip_by_global_norm", "concatenate", "data", "initializers", "metrics",
    "residual", "schedules", "sequential", "sgd_step", "summary", "tree", "value_and_grad",
]


def __getattr__(name: str) -> _Any:
    """Load a module that models do not need when it is first used."""
    if name in ("data", "metrics", "plot"):
        return _import_module(f"funcnet.{name}")
    raise AttributeError(f"module 'funcnet' has no attribute {name!r}")
