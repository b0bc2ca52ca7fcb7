"""The end of a model and the loss after it: a loss of logits must not get probabilities."""

from __future__ import annotations

from typing import Any

from funcnet.errors import warn_user
from funcnet.layers.activations import Sigmoid
from funcnet.layers.composites import Sequential
from funcnet.layers.dropout import Dropout
from funcnet.layers.linear import Linear
from funcnet.layers.reshaping import Flatten, Identity
from funcnet.layers.softmax import Softmax
from funcnet.layers.tying import Tied
from funcnet.losses.binary_cross_entropy import SigmoidBinaryCrossEntropy
from funcnet.losses.loss import takes_logits
from funcnet.losses.softmax_cross_entropy import SoftmaxCrossEntropy

_OF_LOGITS = frozenset({SoftmaxCrossEntropy, SigmoidBinaryCrossEntropy})
_MAKE_PROBABILITIES = frozenset({Softmax, Sigmoid})
_PASS_ON = frozenset({Identity, Flatten, Dropout})


def check_ends(model: Any, loss: Any) -> None:
    """Raise ValueError if the model ends with a layer that makes probabilities, and the loss takes logits.

    >>> import funcnet as fn
    >>> check_ends(fn.sequential(fn.Linear(3), fn.Softmax()), fn.SoftmaxCrossEntropy())
    Traceback (most recent call last):
    ...
    ValueError: SoftmaxCrossEntropy() takes logits, not probabilities: leave out the Softmax() at the end of the model
    """
    if type(loss) in _OF_LOGITS and type(end := _last(model)) in _MAKE_PROBABILITIES:
        raise ValueError(takes_logits(loss, end))


def warn_of_ends(model: Any, loss: Any) -> None:
    """Warn where `check_ends` raises."""
    if type(model) is Sequential and model.layers and type(model.layers[-1]) is Linear:
        return  # as most models end: each step asks
    if type(loss) in _OF_LOGITS and type(end := _last(model)) in _MAKE_PROBABILITIES:
        warn_user(takes_logits(loss, end))


def _last(model: Any) -> Any:
    """The last layer inside that computes something, or None."""
    if type(model) is Sequential:
        for layer in reversed(model.layers):
            if type(layer) not in _PASS_ON and (end := _last(layer)) is not None:
                return end
        return None
    return _last(model.model) if type(model) is Tied else model
