"""Receipts: the digests of two runs as they have to come out everywhere, and what a receipt tells and hides."""

import copy
import json
from hashlib import sha256

import attrs
import numpy as np
import pytest

import funcnet as fn
from funcnet.experiments import running
from funcnet.experiments.environment import blas_threads, facts
from funcnet.experiments.history import digests
from funcnet.experiments.receipt import Receipt
from funcnet.training import TrainState
from tests.experiments.cases import ADAM, MOMENTUM, assert_same_run, interrupted, run

# --- A golden run: no number in it is ever rounded, so its receipt is the same on every machine ---

WHOLE = np.array([[1, 2, 0], [3, -1, 1], [0, 2, -2], [-1, 0, 1], [2, 1, 1], [0, -3, 1], [1, 1, -1]], np.float64)
TARGETS = np.array([[1, 0], [0, 2], [-1, 1], [3, 0], [0, 0], [1, -2], [2, 1]], np.float64)
EXACT_DATA = fn.data.Dataset(WHOLE, TARGETS)
EXACT = fn.Experiment(
    model=fn.sequential(fn.Dropout(0.5), fn.Linear(2, weight_init=fn.initializers.constant(0.25))),
    loss=fn.MeanSquaredError(reduction="sum"),
    optimizer=fn.SGD(2**-5, momentum=0.5),
    batch_size=4,
    epochs=2,
    seed=7,
    dtype="float64",
)


def test_the_receipt_of_exact_arithmetic_is_the_same_everywhere():
    made = fn.run(EXACT, EXACT_DATA, EXACT_DATA.take(slice(4)))
    assert made.receipt.experiment_digest == "6bacc00910bae797c482cbc3f942c95ef63519dc4d5367f5370751f18e7c0a45"
    assert (made.receipt.train, made.receipt.test) == (
        "f80452d8e3f0f1d814c8868e54eb4a361a8db0b5bd267ed5dec23e21c85722a5",
        "e165548371b10ef985aa44ca717b6586a8849f6954c5716f6ca6fca95b18a736",
    )
    assert made.history["loss"] == (52.43913269042969, 95.05115301534534)
    assert made.receipt.digest == "fa174863ec8890aeeac5c4f2c40bd0e31dfd060d5633cd49cd1d5a4d20b51873"


def test_that_arithmetic_is_exact():
    made, key = fn.run(EXACT, EXACT_DATA), fn.Key(7)
    params = fn.tree.map(np.longdouble, EXACT.model.init(key.fold_in("init"), (3,), "float64"))
    state = TrainState(0, params, EXACT.optimizer.init(params))
    batches = ((x.astype("g"), y.astype("g")) for x, y in fn.data.stream(EXACT_DATA, 4, key.fold_in("shuffle")))
    steps = fn.train(EXACT.model, EXACT.loss, EXACT.optimizer, state, batches, key.fold_in("training"))
    for _, (state, _) in zip(range(4), steps, strict=False):  # noqa: B007, the last is needed
        pass
    for wide, double in zip(fn.tree.leaves(state.params), fn.tree.leaves(made.params), strict=True):
        assert wide.dtype == np.longdouble
        assert (wide == double).all()
    y = EXACT.model.apply(state.params, WHOLE.astype("g"))
    assert EXACT.loss.forward(y, TARGETS.astype("g"))[0] == made.history["loss"][-1]


# --- A golden run as they are: what is drawn is the same everywhere, what is computed is so to rounding ---
#
# BLAS may add up the terms of a product in any order, which its version, its kernel for the processor and the number
# of its threads decide, and NumPy's exp and log may differ in the last bit from libm to libm and from one SIMD
# extension to another. So the metrics may differ between machines, by a few units of float64's last digits that some
# epochs of training make larger. Keys, and so weights, shuffles and masks, are integers and products with them: none
# of their bits may differ.

DIGITS = fn.data.digits().take(slice(200))
REAL = fn.Experiment(
    model=fn.sequential(fn.Linear(16), fn.ReLU(), fn.Dropout(0.25), fn.Linear(10)),
    loss=fn.SoftmaxCrossEntropy(),
    optimizer=fn.Adam(0.01),
    batch_size=32,
    epochs=3,
    seed=11,
    dtype="float64",
)


def test_what_is_drawn_is_the_same_everywhere():
    key = fn.Key(REAL.seed)
    params = fn.run(attrs.evolve(REAL, epochs=0), DIGITS).params
    batches = tuple(fn.data.batches(DIGITS, 32, key.fold_in("shuffle"), 0))
    dropout = REAL.model.training(key.fold_in("training").fold_in(3)).layers[2]
    assert DIGITS.digest == "abc8da90872943b4b56282a1c00bb1857ce4227d871636de0a71b3588ca3b55c"
    assert digests(params)["params"] == "feff1683bcd6f5f12d45642246ade341405fff421b0ccf7f52fdf47cd06601e2"
    assert digests(batches)["params"] == "6db335d1facd1ba50543bf6a864a56bb9bf591cf6451890c4f185c3160268cce"
    mask = dropout.apply((), np.ones((32, 16)))
    assert digests(mask)["params"] == "6e9e15ede89f9fe9d747227a162abe4b18bd1c5f5fd4ece2fa24cd28bbf9aa85"


def test_what_is_computed_is_the_same_to_rounding():
    history = fn.run(REAL, DIGITS).history
    np.testing.assert_allclose(history["loss"], [2.014436179578213, 1.7570704654358194, 1.4633157379836297], rtol=1e-6)
    np.testing.assert_allclose(history["accuracy"], [0.4, 0.54, 0.8], rtol=1e-6)


# --- What it tells ---


@pytest.fixture(scope="module")
def receipt():
    return run(ADAM).receipt


def test_a_receipt_tells_what_went_in_and_what_came_out(receipt):
    made = run(ADAM)
    history = made.history
    assert receipt.experiment == ADAM
    assert receipt.experiment_digest == sha256(ADAM.to_json().encode()).hexdigest()
    assert [(epoch, params) for epoch, params, _ in receipt.epochs] == list(
        zip(history["epoch"], history["params"], strict=True)
    )
    assert len({so_far for _, _, so_far in receipt.epochs}) == len(history["epoch"])
    assert dict(receipt.metrics) == {
        name: history[name][-1] for name in history if name.endswith(("loss", "accuracy", "hooked"))
    }
    assert receipt.state == digests(made.state)["params"]


def test_a_digest_of_the_history_depends_on_all_before_it(receipt):
    shorter = run(attrs.evolve(ADAM, epochs=4, early_stopping=None)).receipt
    assert shorter.epochs == receipt.epochs[:4]
    other = run(attrs.evolve(ADAM, seed=3)).receipt
    assert not {row[1:] for row in other.epochs} & {row[1:] for row in receipt.epochs}


def test_the_digest_of_data_is_of_its_numbers_and_not_of_its_memory():
    x, y = np.float32([[1, 2], [3, 4], [5, 6]]), np.array([0, 1, 2])
    text = b"<f4 (3, 2)\n" + x.astype("<f4").tobytes() + b"<i8 (3,)\n" + y.astype("<i8").tobytes()
    for each in (x, np.asfortranarray(x), x.astype(">f4"), np.repeat(x, 2, axis=0)[::2]):
        assert fn.data.Dataset(each, y).digest == sha256(text).hexdigest()
    others = [(x[::-1], y), (x, y[::-1]), (x.astype("f8"), y), (x, y.astype("i4")), (x[:2], y[:2]), (x[:, :1], y)]
    assert len({fn.data.Dataset(*other).digest for other in others} | {sha256(text).hexdigest()}) == 7


def test_the_machine_is_reported():
    ((epoch, environment),) = run(attrs.evolve(MOMENTUM, metrics=())).receipt.environments
    there = dict(environment)
    names = {"Python", "system", "processor", "SIMD", "NumPy", "BLAS", "BLAS kernel", "BLAS threads", "funcnet"}
    assert epoch == 1
    assert there.keys() == names | {"funcnet's commit"}
    assert all(isinstance(value, str) and value for value in there.values())
    assert there["NumPy"] == np.__version__
    assert there["funcnet"] == fn.__version__
    with blas_threads(1):  # as small products have
        assert there == facts()


def test_a_run_that_goes_on_elsewhere_tells_from_which_epoch_on(tmp_path, monkeypatch, receipt):
    with blas_threads(1):
        here = facts()
    for epoch, threads in ((3, "64"), (2, "64"), (2, "8")):
        interrupted(ADAM, tmp_path, epoch)
        monkeypatch.setattr(running, "facts", lambda threads=threads: here | {"BLAS threads": threads})
    made = run(ADAM, tmp_path)
    assert [(e, dict(there)["BLAS threads"]) for e, there in made.receipt.environments] == [
        (1, here["BLAS threads"]),
        (3, "64"),
        (5, "8"),
    ]
    assert made.receipt == receipt  # in which the machine does not count
    assert made.receipt.digest == receipt.digest


# --- What it is as a file ---


@pytest.mark.parametrize("experiment", [MOMENTUM, ADAM, EXACT, attrs.evolve(MOMENTUM, epochs=0)], ids=range(4))
def test_a_receipt_comes_back_from_json(experiment):
    made = (fn.run(experiment, EXACT_DATA) if experiment is EXACT else run(experiment)).receipt
    again = Receipt.from_json(made.to_json())
    assert again == made
    assert (again.digest, again.environments, again.to_json()) == (made.digest, made.environments, made.to_json())


def places(plain, path=()):
    """The paths of all that is no dict or list."""
    if not isinstance(plain, dict | list):
        return [path]
    items = plain.items() if isinstance(plain, dict) else enumerate(plain)
    return [place for name, child in items for place in places(child, (*path, name))]


def changed(plain, path, change):
    """A copy, changed at the path: `change` is given what holds what is to change, and its name."""
    made = copy.deepcopy(plain)
    holder = made
    for name in path[:-1]:
        holder = holder[name]
    change(holder, path[-1])
    return json.dumps(made)


def another(holder, name):
    value = holder[name]
    holder[name] = f"0{value[1:]}x"[: max(len(value), 1)] if isinstance(value, str) else (value or 0) + 1


CHANGES = [another, lambda holder, name: holder.pop(name), lambda holder, name: holder.__setitem__(name, None)]


@pytest.mark.parametrize("change", CHANGES, ids=["another", "none", "null"])
def test_a_receipt_that_was_changed_is_reported(receipt, change):
    plain = json.loads(receipt.to_json())
    paths = [path for path in places(plain) if path[0] != "environments"]
    assert len(paths) > 50
    for path in paths + [(name,) for name in plain if name != "environments"]:
        if json.loads(changed(plain, path, change)) != plain if path in paths else change is not another:
            with pytest.raises(ValueError, match=r"receipt|registered|Experiment|experiment|format"):
                Receipt.from_json(changed(plain, path, change))


@pytest.mark.parametrize("text", ["", "null", "[]", "{}", "3", '{"format": 1}', '{"format": 2}', "NaN"])
def test_what_is_not_a_receipt_is_a_value_error(text):
    with pytest.raises(ValueError, match=r"receipt|Expecting|format"):
        Receipt.from_json(text)


def test_a_metric_that_is_not_a_number_comes_back_too():
    digest = "a" * 64
    rows = [{"epoch": 1, "step": 1, "loss": np.inf, "own": np.nan, "params": digest, "leaves": (), "seconds": 0.1}]
    made = Receipt(MOMENTUM, digest, None).after(rows, digest)
    again = Receipt.from_json(made.to_json())
    assert again.digest == made.digest
    assert repr(again.metrics) == repr(made.metrics) == "(('loss', inf), ('own', nan))"


def test_runs_are_equal_if_their_receipts_are(receipt):
    assert_same_run(run(ADAM), run(ADAM))
    assert run(ADAM) != run(attrs.evolve(ADAM, keep_best=None))
