"""The result of an experiment: params, history and receipt, and predictions with the trained model."""

from __future__ import annotations

from functools import reduce
from typing import Any

import attrs
import numpy as np

from funcnet.data.alike import features_like
from funcnet.errors import ShapeError, printable
from funcnet.experiments.datasets import Names
from funcnet.experiments.experiment import Experiment
from funcnet.experiments.history import History
from funcnet.experiments.prediction import outputs, predicted, probabilities
from funcnet.experiments.receipt import Receipt
from funcnet.experiments.stopping import Best, kept_by
from funcnet.training import TrainState
from funcnet.tree import Tree
from funcnet.values import UnregisteredError


def _compared(experiment: Experiment) -> object:
    """What stands for an experiment in comparisons: its JSON form, in which a NaN is equal to a NaN."""
    try:
        return experiment.to_json()
    except (UnregisteredError, TypeError):
        return experiment


@attrs.frozen
class Run:
    """The result of an experiment; runs are equal if their experiments and receipts are.

    Parameters
    ----------
    experiment : Experiment
        The experiment.
    params : Tree
        Trained params: of the best epoch if the experiment has `keep_best`, else of the last.
    history : History
        Loss, metrics and digests of each evaluated epoch, by name.
    receipt : Receipt
        Digests of data, params and history; None if the run failed or was interrupted.
    state : TrainState
        State in which training stopped; None if the run failed before training.
    error : BaseException, optional
        Error or interruption that ended the run; params, history and state are those of the epochs before it.
    names : Names
        Names of the features and classes of the training data, where they are known.

    Examples
    --------
    >>> import funcnet as fn
    >>> experiment = fn.Experiment(fn.Linear(2), fn.SoftmaxCrossEntropy(), fn.SGD(0.5), batch_size=4, epochs=3)
    >>> run = fn.run(experiment, fn.data.parity(3))
    >>> run.history["epoch"], run.state.step, run.error
    ((1, 2, 3), 6, None)
    """

    experiment: Experiment = attrs.field(eq=_compared)
    params: Tree = attrs.field(eq=False, repr=False)
    history: History = attrs.field(eq=False, repr=False)
    receipt: Receipt | None = attrs.field(repr=False)
    state: TrainState | None = attrs.field(eq=False, repr=False)
    error: BaseException | None = attrs.field(default=None, eq=False)
    names: Names = attrs.field(factory=Names, eq=False, repr=False)

    def predict(self, x: Any) -> Any:
        """The labels of examples, or the outputs of the model where the loss is not one for classification.

        Parameters
        ----------
        x : array_like (n, ...), or a tuple of them
            Examples, as in `Dataset`; the columns of a frame are taken by the names they had in training.

        Returns
        -------
        array (n, ...)
            For `SoftmaxCrossEntropy`, the class with the largest score; for the binary cross entropies, 0 or 1, with
            the shape of the outputs; in both cases its name, if classes have names. For other losses, the outputs.

        Raises
        ------
        ShapeError
            If x does not have the shape or the columns of the training examples.

        Examples
        --------
        >>> import funcnet as fn
        >>> experiment = fn.Experiment(fn.Linear(2), fn.SoftmaxCrossEntropy(), fn.SGD(0.5), batch_size=4, epochs=30)
        >>> run = fn.run(experiment, fn.data.Dataset([[0.0], [0.25], [0.75], [1.0]], [0, 0, 1, 1]))
        >>> run.predict([[0.0], [1.0]])
        array([0, 1])
        """
        labels = predicted(self.experiment.loss, self._outputs(x))
        return labels if self.names.classes is None else np.array(self.names.classes)[labels]

    def predict_proba(self, x: Any) -> Any:
        """The probabilities of the classes of examples.

        Parameters
        ----------
        x : array_like (n, ...), or a tuple of them
            Examples, as in `Dataset`; the columns of a frame are taken by the names they had in training.

        Returns
        -------
        array (n, ...)
            For `SoftmaxCrossEntropy`, a probability for each class; for the binary cross entropies, the probability of
            1, with the shape of the outputs.

        Raises
        ------
        TypeError
            If the loss is not one for classification.
        ShapeError
            If x does not have the shape or the columns of the training examples.

        Examples
        --------
        >>> import funcnet as fn
        >>> experiment = fn.Experiment(fn.Linear(2), fn.SoftmaxCrossEntropy(), fn.SGD(0.5), batch_size=4, epochs=30)
        >>> run = fn.run(experiment, fn.data.Dataset([[0.0], [0.25], [0.75], [1.0]], [0, 0, 1, 1]))
        >>> run.predict_proba([[0.0], [1.0]]).sum(axis=1).round(6)
        array([1., 1.], dtype=float32)
        """
        return probabilities(self.experiment.loss, self._outputs(x))

    def _outputs(self, x: Any) -> Any:
        is_series = type(x).__module__.partition(".")[0] in ("pandas", "polars") and len(x.shape) == 1
        if is_series and isinstance(self.names.features, tuple):  # whose order nobody would check
            raise ShapeError("x is one row of a frame: give a frame of one row, such as frame.iloc[[0]] or frame[:1]")
        return outputs(self.experiment.model, self.params, features_like(self.names.features, x))

    def __str__(self) -> str:
        receipt = [f"receipt {self.receipt.digest}"] if self.receipt else []
        return "\n".join([str(self.experiment), "", str(self.history), "", self.end, *receipt])

    @property
    def end(self) -> str:
        """How far the run came, and of which epoch its params are, in words.

        Examples
        --------
        >>> import funcnet as fn
        >>> experiment = fn.Experiment(fn.Linear(2), fn.SoftmaxCrossEntropy(), fn.SGD(0.5), batch_size=4, epochs=3)
        >>> fn.run(experiment, fn.data.parity(3)).end
        '3 of 3 epochs; params of the last epoch'
        """
        experiment, epoch = self.experiment, self.history["epoch"][-1] if self.history else 0
        end = f"{epoch} of {experiment.epochs} epochs"
        if self.error is not None:
            return printable(f"{end}, then {type(self.error).__name__}: {self.error}".rstrip(": "))
        watch = kept_by(experiment)
        if watch is None:
            return f"{end}; params of the last epoch"
        best = reduce(Best.after, self.history.rows(), Best(watch))
        return printable(f"{end}; params of epoch {best.epoch}, the best by {watch.metric}")
