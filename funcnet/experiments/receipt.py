"""Receipts, the records of runs: digests of inputs and results, and facts about the machine."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Any

import attrs

from funcnet.errors import shown
from funcnet.experiments.datasets import Datasets, Names
from funcnet.experiments.experiment import Experiment
from funcnet.experiments.history import NOT_METRICS, Row, chained_digest, digest, digests
from funcnet.tree import Tree
from funcnet.values import aligned, from_plain, parsed, to_plain

_FORMAT = 1
_NAMED = 10**6  # characters of the names of metrics
_ROLES = ("train", "validation", "test")
_NOT_DIGESTED = ("digest", "environments", "extended", "names")


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
        Epochs at which the run started or resumed, each with the facts from then on about the machine and about the
        source of classes and functions that are not funcnet's.
    validation : str, optional
        Digest of the validation data.
    initial : str, optional
        Digest of the params from which the run started, where they were given.
    extended : tuple of int, default ()
        Numbers of epochs after which the run had ended before it was extended.
    names : Names
        Names of the features and classes of the training data.
    """

    experiment: Experiment
    train: str
    test: str | None
    epochs: tuple[tuple[int, str, str], ...] = ()
    metrics: tuple[tuple[str, float], ...] = ()
    state: str = ""
    environments: tuple[tuple[int, tuple[tuple[str, str], ...]], ...] = ()
    validation: str | None = None
    initial: str | None = None
    extended: tuple[int, ...] = ()
    names: Names = attrs.field(factory=Names)

    @property
    def experiment_digest(self) -> str:
        """SHA-256 of the experiment's JSON form."""
        return digest(self.experiment.to_json())

    @property
    def digest(self) -> str:
        """SHA-256 of the receipt without environments and extensions, so that of a run as long from the start."""
        return digest(json.dumps(self._result(), allow_nan=False))

    @classmethod
    def begun(cls, experiment: Experiment, data: Datasets, initial: Tree = None) -> Receipt:
        """The receipt of a run before its first epoch. Raises UnregisteredError as `Experiment.to_json` does."""
        experiment.to_json()
        by_role = {name: dataset.digest for name, dataset in data}
        given = None if initial is None else digests(initial)["params"]
        return cls(
            experiment=experiment,
            train=by_role["train"],
            test=by_role.get("test"),
            validation=by_role.get("validation"),
            initial=given,
            names=data.names,
        )

    def after(self, rows: Sequence[Row], state: str) -> Receipt:
        """The receipt of a run that ended with these rows and a state with this digest."""
        chained = zip(rows, list(accumulate(rows, chained_digest, initial=""))[1:], strict=True)
        metrics = [(name, value) for name, value in (rows[-1] if rows else {}).items() if name not in NOT_METRICS]
        epochs = tuple((row["epoch"], row["params"], history) for row, history in chained)
        return attrs.evolve(self, epochs=epochs, metrics=tuple(metrics), state=state)

    def longer(self, epochs: int) -> Receipt:
        """The receipt of a run that has ended and goes on, until there are `epochs` epochs."""
        experiment: Experiment = attrs.evolve(self.experiment, epochs=epochs)  # type: ignore[misc]
        extended = (*self.extended, self.experiment.epochs)
        return attrs.evolve(self, experiment=experiment, epochs=(), metrics=(), state="", extended=extended)

    def on(self, facts: Mapping[str, str], epoch: int) -> Receipt:
        """The receipt of a run that goes on from `epoch` on a machine with these facts, and so has not ended."""
        environment = tuple(facts.items())
        is_known = self.environments and self.environments[-1][1] == environment
        environments = self.environments if is_known else (*self.environments, (epoch, environment))
        return attrs.evolve(self, environments=environments, epochs=(), metrics=(), state="")

    def _result(self) -> Row:
        return {
            "format": _FORMAT,
            "experiment": to_plain(self.experiment),
            "experiment_sha256": self.experiment_digest,
            "data": {"train": self.train, "test": self.test, **_given(validation=self.validation)},
            **_given(initial_params=self.initial),
            "epochs": [{"epoch": epoch, "params": params, "history": of} for epoch, params, of in self.epochs],
            "metrics": {name: to_plain(value) for name, value in self.metrics},
            "state": self.state,
        }

    def __eq__(self, other: object) -> bool:
        return self.digest == other.digest if isinstance(other, Receipt) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.digest)

    def __str__(self) -> str:
        data = [(name, value) for name, value in zip(_ROLES, self._data(), strict=True) if value is not None]
        started = [("initial params", self.initial)] if self.initial else []
        extended = [("extended after", ", ".join(map(str, self.extended)))] if self.extended else []
        last = [(name, f"{value:.6g}") for name, value in self.metrics]
        facts = [row for epoch, facts in self.environments for row in (("from epoch", str(epoch)), *facts)]
        ended = [("state", self.state)] if self.state else [("state", "the run has not ended")]
        return f"receipt {self.digest}\n" + aligned([*data, *started, *extended, *last, *ended, *facts])

    def _data(self) -> tuple[str | None, ...]:
        return self.train, self.validation, self.test

    def to_json(self) -> str:
        """The receipt as JSON."""
        environments = [{"from_epoch": epoch, **dict(facts)} for epoch, facts in self.environments]
        names = _given(feature_names=self.names.features, class_names=self.names.classes)
        plain = {"digest": self.digest, **self._result(), "environments": environments}
        plain |= _given(extended=self.extended or None, names=names or None)
        return json.dumps(plain, indent=1, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Receipt:
        """The receipt that `to_json` wrote. Raises ValueError if the text is not a receipt or was changed."""
        try:
            plain = parsed(text)
        except ValueError as error:
            raise ValueError(f"not a receipt: {error}") from error
        try:
            if plain["format"] != _FORMAT:
                raise ValueError(f"expected a receipt of format {_FORMAT}, got format {shown(plain['format'])}")
            _check_sizes(plain)
            read = cls(
                experiment=from_plain(plain["experiment"], "experiment"),
                train=plain["data"]["train"],
                test=plain["data"]["test"],
                epochs=tuple((row["epoch"], row["params"], row["history"]) for row in plain["epochs"]),
                metrics=tuple((name, from_plain(value)) for name, value in plain["metrics"].items()),
                state=plain["state"],
                environments=tuple(map(_environment, plain["environments"])),
                validation=plain["data"].get("validation"),
                initial=plain.get("initial_params"),
                extended=tuple(plain.get("extended", ())),
                names=_names(**plain.get("names", {})),
            )
            result = {name: value for name, value in plain.items() if name not in _NOT_DIGESTED}
            experiment = json.dumps(plain["experiment"], indent=2, ensure_ascii=False)
            made = digest(json.dumps(result)), digest(experiment)
            recorded = plain["digest"], plain["experiment_sha256"]
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"not a receipt: {error!r}") from error
        if made != recorded:
            raise ValueError("the receipt was changed: its digest does not match its contents")
        return read


def _check_sizes(plain: Any) -> None:
    """Raise ValueError for more epochs than the experiment has, what is not a digest, and endless names of metrics."""
    if len(plain["epochs"]) > plain["experiment"]["epochs"]:
        raise ValueError(f"it has {len(plain['epochs'])} epochs, and its experiment has fewer")
    rows = (row[name] for row in plain["epochs"] for name in ("params", "history"))
    for each in (*plain["data"].values(), plain.get("initial_params"), plain["state"], *rows):
        if each is not None and not (isinstance(each, str) and len(each) in (0, 64)):
            raise ValueError(f"expected a digest, got {shown(each)}")
    if (length := sum(map(len, plain["metrics"]))) > _NAMED:
        raise ValueError(f"the names of its metrics have {length} characters")


def _given(**entries: Any) -> dict[str, Any]:
    """The entries that are not None: receipts without them keep the digests they have always had."""
    return {name: value for name, value in entries.items() if value is not None}


def _names(feature_names: Any = None, class_names: Any = None) -> Names:
    return Names(from_plain(feature_names), from_plain(class_names))


def _environment(plain: dict[str, Any]) -> tuple[int, tuple[tuple[str, str], ...]]:
    facts = [(name, str(value)) for name, value in plain.items() if name != "from_epoch"]
    return int(plain["from_epoch"]), tuple(facts)
