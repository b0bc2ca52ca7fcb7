"""Receipts, the records of runs: digests of inputs and results, and facts about the machine."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Any

import attrs

from funcnet.data import Dataset
from funcnet.experiments.experiment import Experiment
from funcnet.experiments.history import NOT_METRICS, Row, chained_digest, digest
from funcnet.values import from_plain, to_plain

_FORMAT = 1


@attrs.frozen(eq=False)
class Receipt:
    """Record of a run: digests of inputs and results, and the machine; receipts are equal if their digests are.

    Parameters
    ----------
    experiment : Experiment
        The experiment.
    train, test : str
        Digests of the training and test data; `test` is None if there are no test data.
    epochs : tuple of (int, str, str)
        For each row of the history: its epoch, the digest of the params, the digest of the history up to the row.
    metrics : tuple of (str, float)
        Loss and metrics of the last row, by name.
    state : str
        Digest of the final training state, including the optimizer's; "" until the run ends.
    environments : tuple of (int, tuple of (str, str))
        Epochs at which the run started or resumed, each with the facts about the machine from then on.
    """

    experiment: Experiment
    train: str
    test: str | None
    epochs: tuple[tuple[int, str, str], ...] = ()
    metrics: tuple[tuple[str, float], ...] = ()
    state: str = ""
    environments: tuple[tuple[int, tuple[tuple[str, str], ...]], ...] = ()

    @property
    def experiment_digest(self) -> str:
        """SHA-256 of the experiment's JSON form."""
        return digest(self.experiment.to_json())

    @property
    def digest(self) -> str:
        """SHA-256 of the receipt without its environments."""
        return digest(json.dumps(self._result(), allow_nan=False))

    @classmethod
    def begun(cls, experiment: Experiment, train: Dataset, test: Dataset | None) -> Receipt:
        """The receipt of a run before its first epoch. Raises UnregisteredError as `Experiment.to_json` does."""
        experiment.to_json()
        for name, dataset in (("train", train), ("test", test)):
            if not isinstance(dataset, Dataset) and (dataset is not None or name == "train"):
                raise TypeError(f"{name} must be a Dataset, got {dataset!r}")
            if dataset is not None and not len(dataset):
                raise ValueError(f"{name} has no examples")
        return cls(experiment, train.digest, None if test is None else test.digest)

    def after(self, rows: Sequence[Row], state: str) -> Receipt:
        """The receipt of a run that ended with these rows and a state with this digest."""
        digests = zip(rows, list(accumulate(rows, chained_digest, initial=""))[1:], strict=True)
        metrics = [(name, value) for name, value in (rows[-1] if rows else {}).items() if name not in NOT_METRICS]
        epochs = tuple((row["epoch"], row["params"], history) for row, history in digests)
        return attrs.evolve(self, epochs=epochs, metrics=tuple(metrics), state=state)

    def on(self, facts: Mapping[str, str], epoch: int) -> Receipt:
        """The receipt of a run that goes on from `epoch` on a machine with these facts."""
        environment = tuple(facts.items())
        if self.environments and self.environments[-1][1] == environment:
            return self
        return attrs.evolve(self, environments=(*self.environments, (epoch, environment)))

    def _result(self) -> Row:
        return {
            "format": _FORMAT,
            "experiment": to_plain(self.experiment),
            "experiment_sha256": self.experiment_digest,
            "data": {"train": self.train, "test": self.test},
            "epochs": [{"epoch": epoch, "params": params, "history": of} for epoch, params, of in self.epochs],
            "metrics": {name: to_plain(value) for name, value in self.metrics},
            "state": self.state,
        }

    def __eq__(self, other: object) -> bool:
        return self.digest == other.digest if isinstance(other, Receipt) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.digest)

    def to_json(self) -> str:
        """The receipt as JSON."""
        environments = [{"from_epoch": epoch, **dict(facts)} for epoch, facts in self.environments]
        plain = {"digest": self.digest, **self._result(), "environments": environments}
        return json.dumps(plain, indent=1, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Receipt:
        """The receipt that `to_json` wrote. Raises ValueError if the text is not a receipt or was changed."""
        try:
            plain = json.loads(text)
            if plain["format"] != _FORMAT:
                raise ValueError(f"expected a receipt of format {_FORMAT}, got format {plain['format']}")
            read = cls(
                experiment=from_plain(plain["experiment"], "experiment"),
                train=plain["data"]["train"],
                test=plain["data"]["test"],
                epochs=tuple((row["epoch"], row["params"], row["history"]) for row in plain["epochs"]),
                metrics=tuple((name, from_plain(value)) for name, value in plain["metrics"].items()),
                state=plain["state"],
                environments=tuple(map(_environment, plain["environments"])),
            )
            result = {name: value for name, value in plain.items() if name not in ("digest", "environments")}
            experiment = json.dumps(plain["experiment"], indent=2, ensure_ascii=False)
            made = digest(json.dumps(result)), digest(experiment)
            recorded = plain["digest"], plain["experiment_sha256"]
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"not a receipt: {error!r}") from error
        if made != recorded:
            raise ValueError("the receipt was changed: its digest does not match its contents")
        return read


def _environment(plain: dict[str, Any]) -> tuple[int, tuple[tuple[str, str], ...]]:
    facts = [(name, str(value)) for name, value in plain.items() if name != "from_epoch"]
    return int(plain["from_epoch"]), tuple(facts)
