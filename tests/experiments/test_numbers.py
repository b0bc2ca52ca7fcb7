"""Numbers at their ends: those that are too large are refused by name, and a NaN is the NaN that it is elsewhere."""

import math

import attrs
import pytest

import funcnet as fn
from funcnet.experiments.differences import difference
from funcnet.experiments.environment import blas_threads, facts
from funcnet.experiments.history import History
from tests.experiments.cases import MOMENTUM, TEST, TRAIN, assert_same_run, interrupted, run

LARGE = 10**400
KEY = fn.Key(0)
SHORT = attrs.evolve(MOMENTUM, epochs=2)
TOO_LARGE = {
    "batch_size": lambda: attrs.evolve(MOMENTUM, batch_size=LARGE),
    "epochs": lambda: attrs.evolve(MOMENTUM, epochs=LARGE),
    "evaluate_every": lambda: attrs.evolve(MOMENTUM, evaluate_every=LARGE),
    "a seed": lambda: attrs.evolve(MOMENTUM, seed=LARGE),
    "patience": lambda: fn.EarlyStopping("loss", "min", patience=LARGE),
    "checkpoint_every": lambda: run(SHORT, checkpoint_every=LARGE),
    "threads": lambda: run(SHORT, threads=LARGE),
    "steps": lambda: fn.schedules.warmup(LARGE, 0.1),
    "every": lambda: fn.schedules.step(0.1, LARGE, 0.5),
    "n": lambda: fn.accumulated(LARGE),
    "n_out": lambda: fn.Linear(LARGE),
    "step": lambda: next(fn.data.stream(TRAIN, 2, KEY, LARGE)),
    "k": lambda: TRAIN.folds(KEY, LARGE),
}


@pytest.mark.parametrize("name", TOO_LARGE)
def test_an_integer_that_nothing_can_count_is_refused_by_its_name(name):
    with pytest.raises(ValueError, match=rf"{name} must be an integer from \d+ to \d+, got one of 1329 bits"):
        TOO_LARGE[name]()


def test_the_largest_integers_are_accepted():
    large = attrs.evolve(SHORT, batch_size=2**63 - 1, evaluate_every=2**63 - 1)
    assert run(large, checkpoint_every=2**63 - 1).history["epoch"] == (2,)


def test_a_number_of_threads_that_is_refused_leaves_blas_as_it_was():
    before = facts()["BLAS threads"]
    with pytest.raises(ValueError, match="threads must be an integer from 1 to 2147483647"):
        run(SHORT, threads=2**31)
    assert run(SHORT, threads=1) == run(SHORT)
    assert facts()["BLAS threads"] == before


# --- NaN ---


@fn.register
def undefined(targets, predictions):
    return float("nan")


@fn.register
@attrs.frozen
class Missing(fn.Layer):
    """y = x; its field says for what number a value that is missing stands."""

    value: float = 0.0
    values: tuple[float, ...] = ()

    def forward(self, params, x):
        return x, None

    def backward(self, params, cache, dy):
        return dy, ()


def with_nan():
    """An experiment in which each NaN is an object of its own, as one that was read has it."""
    missing = Missing(float("nan"), (1.0, float("nan")))
    return attrs.evolve(SHORT, model=fn.sequential(missing, *MOMENTUM.model.layers), metrics=(undefined,))


def test_histories_with_nan_are_equal_and_those_of_other_numbers_are_not():
    def history(value, seconds=0.0):
        return History.of([{"epoch": 1, "loss": value, "params": "ab", "leaves": ("a",), "seconds": seconds}])

    assert history(float("nan")) == history(float("nan"), 1.0)
    assert history(float("nan")) != history(math.inf)
    assert history(float("nan")) != history(0.0) != history(1.0)
    assert history(0.0) == history(-0.0)


def test_an_experiment_with_a_nan_is_run_read_resumed_and_extended_in_a_folder(tmp_path):
    straight = run(with_nan())
    assert (
        run(with_nan(), tmp_path / "new") == straight == fn.read(tmp_path / "new") == run(with_nan(), tmp_path / "new")
    )
    assert fn.read(tmp_path / "new").history == straight.history
    assert fn.verify(tmp_path / "new", TRAIN, TEST)
    longer = attrs.evolve(with_nan(), epochs=4)
    assert run(longer, tmp_path / "new") == run(longer)
    assert fn.read(tmp_path / "new").receipt.extended == (2,)
    hooked = attrs.evolve(with_nan(), metrics=MOMENTUM.metrics)
    assert interrupted(hooked, tmp_path / "stopped", 2)
    assert_same_run(run(hooked, tmp_path / "stopped"), run(hooked))


def test_runs_that_failed_are_equal_if_their_experiments_are_but_for_the_nan():
    failed = [run(attrs.evolve(with_nan(), epochs=0)) for _ in range(2)]
    assert attrs.evolve(failed[0], receipt=None) == attrs.evolve(failed[1], receipt=None)
    assert len({hash(each) for each in failed}) == 1
    assert attrs.evolve(failed[0], receipt=None) != attrs.evolve(run(attrs.evolve(SHORT, epochs=0)), receipt=None)


def test_where_nan_is_only_there_experiments_differ():
    other = attrs.evolve(SHORT, model=fn.sequential(Missing(1.0), *MOMENTUM.model.layers), metrics=(undefined,))
    assert difference(with_nan(), with_nan()) == ""
    assert difference(with_nan(), other) == "model.layers.0.value is float('nan') there and 1.0 here"
    assert fn.labels([with_nan(), with_nan()]) == ["", ""]


def test_a_limit_that_blas_refuses_is_not_in_force():
    before = facts()["BLAS threads"]
    with pytest.raises(Exception, match="too long to convert"), blas_threads(2**70):
        pass
    with blas_threads(1):
        assert facts()["BLAS threads"] == "1"
    assert facts()["BLAS threads"] == before
