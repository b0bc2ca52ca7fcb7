"""The layers there are, one family a file."""

from funcnet.layers.activations import (
    ELU,
    GELU,
    Elementwise,
    LeakyReLU,
    ReLU,
    Sigmoid,
    SiLU,
    Softplus,
    Tanh,
)
from funcnet.layers.dropout import Dropout
from funcnet.layers.linear import Linear, LinearParams
from funcnet.layers.reshaping import Flatten, FlattenParams, Identity
from funcnet.layers.softmax import LogSoftmax, Softmax

__all__ = [
    "ELU",
    "GELU",
    "Dropout",
    "Elementwise",
    "Flatten",
    "FlattenParams",
    "Identity",
    "LeakyReLU",
    "Linear",
    "LinearParams",
    "LogSoftmax",
    "ReLU",
    "SiLU",
    "Sigmoid",
    "Softmax",
    "Softplus",
    "Tanh",
]
