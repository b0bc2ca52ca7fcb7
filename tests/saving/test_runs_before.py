"""Runs that an earlier funcnet made: they verify, are read and go on.

`before/directories` has the directories of `fn.run(*RUNS[name], directory=...)`, and as `stopped-...` those of the same
runs that ended with a KeyboardInterrupt while epoch 4 ("adam") or 3 ("exact") was evaluated: so they have the epochs
before. They were made as the files of test_before.py were, with NumPy 2.4 and one thread of BLAS.

All of the run "exact" is the same on every machine: its numbers are never rounded. The other runs come out bit for bit
where the machine is as theirs was, and elsewhere to rounding.
"""

import json
import shutil
from pathlib import Path

import pytest

import funcnet as fn

BEFORE = Path(__file__).parent / "before"
SAID_OF_THE_PROGRAM = {"Python", "system", "funcnet", "funcnet's commit"}  # the other facts are the machine's
DIGITS, PARITY = fn.data.digits(), fn.data.parity(5)
EXACT_DATA = fn.data.one_hot(fn.data.parity(3), 2)
ADAM = fn.Experiment(
    model=fn.sequential(fn.Linear(8), fn.ReLU(), fn.Dropout(0.25), fn.Linear(10)),
    loss=fn.SoftmaxCrossEntropy(),
    optimizer=fn.Adam(fn.schedules.warmup(4, fn.schedules.cosine(0.05, 100))),
    batch_size=32,
    epochs=20,
    seed=1,
    early_stopping=fn.EarlyStopping("test loss", "min", patience=3),
    keep_best=fn.KeepBest("test loss", "min"),
)
MOMENTUM = fn.Experiment(
    model=fn.sequential(fn.Linear(6), fn.residual(fn.sequential(fn.Linear(6), fn.Tanh())), fn.Linear(2)),
    loss=fn.SoftmaxCrossEntropy(),
    optimizer=fn.SGD(0.05, momentum=0.9, nesterov=True),
    batch_size=8,
    epochs=6,
    seed=2,
    penalty=fn.L2(1e-3),
)
ADD = fn.Experiment(
    model=fn.sequential(
        fn.add(fn.Linear(6), fn.Linear(6, bias=False)),
        fn.concatenate(fn.Tanh(), fn.sequential(fn.Linear(3), fn.SiLU()), fn.Identity()),
        fn.Linear(2),
    ),
    loss=fn.SoftmaxCrossEntropy(),
    optimizer=fn.RMSProp(0.01, momentum=0.5),
    batch_size=8,
    epochs=5,
    seed=3,
    evaluate_every=2,
)
EXACT = fn.Experiment(
    model=fn.sequential(fn.Dropout(0.5), fn.Linear(2, weight_init=fn.initializers.constant(0.25))),
    loss=fn.MeanSquaredError(reduction="sum"),
    optimizer=fn.SGD(2**-4, momentum=0.5),
    batch_size=4,
    epochs=3,
    seed=7,
    keep_best=fn.KeepBest("test loss", "min"),
    dtype="float64",
)
RUNS = {
    "adam": (ADAM, DIGITS.take(slice(160)), DIGITS.take(slice(160, 240))),
    "momentum": (MOMENTUM, PARITY, None),
    "add": (ADD, PARITY.take(slice(24)), PARITY.take(slice(24, None))),
    "exact": (EXACT, EXACT_DATA, EXACT_DATA.take(slice(4))),
}
STOPPED = {"stopped-adam": "adam", "stopped-exact": "exact"}
ALL = {name: RUNS[STOPPED.get(name, name)] for name in (*RUNS, *STOPPED)}
EXACT_RECEIPT = "d2130e55f15b99ca1e93faa7366ee407c3bbe9c41663bce941652dae96e9ab39"


def verified(name):
    return fn.verify(BEFORE / "directories" / name, *ALL[name][1:])


def resumed(name, folder):
    """The run that goes on from a copy of the directory; one that ended is read."""
    shutil.copytree(BEFORE / "directories" / name, folder / name)
    return fn.run(*ALL[name], directory=folder / name)


def is_on_one_machine(receipt):
    """Whether all epochs were made on machines between which only programs differ."""
    environments = [
        {fact: value for fact, value in facts if fact not in SAID_OF_THE_PROGRAM} for _, facts in receipt.environments
    ]
    return all(environment == environments[0] for environment in environments)


@pytest.mark.parametrize("name", ALL)
def test_a_run_comes_out_as_it_did(name):
    verification = verified(name)
    if {fact for fact, _, _ in verification.environment} <= SAID_OF_THE_PROGRAM:
        assert verification.identical, str(verification)
    assert all(distance < 1e-5 for _, distance in verification.distances), str(verification)


@pytest.mark.parametrize("name", ["exact", "stopped-exact"])
def test_a_run_in_which_nothing_is_rounded_comes_out_as_it_did_everywhere(name):
    verification = verified(name)
    assert verification.identical, str(verification)
    assert verification.epochs == {"exact": 3, "stopped-exact": 2}[name]


@pytest.mark.parametrize("name", RUNS)
def test_a_run_that_ended_is_read_and_its_files_are_left_as_they_are(name, tmp_path):
    made = resumed(name, tmp_path)
    assert made.experiment == RUNS[name][0]
    assert made.receipt.digest == json.loads((BEFORE / "directories" / name / "receipt.json").read_text())["digest"]
    assert contents(tmp_path / name) == contents(BEFORE / "directories" / name)


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_stopped_run_in_which_nothing_is_rounded_goes_on_to_the_same_end(tmp_path):
    made, straight = resumed("stopped-exact", tmp_path), resumed("exact", tmp_path)
    assert made.receipt.digest == straight.receipt.digest == EXACT_RECEIPT
    assert fn.tree.equal(made.params, straight.params)
    assert fn.tree.equal(made.state, straight.state)
    assert made.history == straight.history


def test_a_stopped_run_goes_on_to_the_same_end_on_a_machine_as_it_had(tmp_path):
    made, straight = resumed("stopped-adam", tmp_path), resumed("adam", tmp_path)
    assert made.history["epoch"][:3] == (1, 2, 3)
    assert made.state.step > 15
    if is_on_one_machine(made.receipt):
        assert made == straight
        assert made.receipt.digest == straight.receipt.digest
        assert fn.tree.equal(made.params, straight.params)
        assert made.history == straight.history


def test_the_checkpoint_of_a_run_is_a_file_as_any_other():
    model, progress = fn.load(BEFORE / "directories" / "stopped-adam" / "checkpoint.npz")
    assert model == ADAM.model
    assert (progress.epoch, progress.state.step) == (3, 15)
