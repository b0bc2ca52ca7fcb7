"""Sweeps: as lazy as they are asked, in order, to the same bits on any executor; a failure is its run's alone."""

import multiprocessing
import os
import pickle
import sys
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import nullcontext

import attrs
import pytest

import funcnet as fn
from funcnet.experiments.environment import blas_threads
from funcnet.testing.cases.snapshots import snapshot
from tests.experiments.sweep_cases import (
    DIVERGING,
    EIGHT,
    EXPERIMENT,
    TEST,
    TRAIN,
    WIDE,
    Dying,
    Idle,
    Inline,
    Stumbling,
    UnpicklableError,
    UnreadableError,
    interruptible_share,
    of,
    threads,
)

pytestmark = pytest.mark.slow  # pools of processes are started

DIGITS = fn.data.digits().take(slice(None, 640))
MISFIT = attrs.evolve(EXPERIMENT, loss=fn.MeanSquaredError())


def new_pool():
    """Two workers that know nothing but what they import."""
    return ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn"))


def new_threads():
    return ThreadPoolExecutor(2)


@pytest.fixture(scope="module")
def pool():
    with new_pool() as pool:
        yield pool


@pytest.fixture(scope="module")
def serial():
    return list(fn.sweep(EIGHT, TRAIN, TEST))


def same(runs, others):
    """Whether the runs are the same to the bit: params, state of the optimizer, history and receipt."""
    runs, others = (tuple(run for _, run in each) for each in (runs, others))
    told = [[(snapshot((run.params, run.state)), run.history, run.receipt) for run in each] for each in (runs, others)]
    return told[0] == told[1] and all(run.error is None for run in runs)


def asked_for(experiments, taken):
    """The experiments, and a note in `taken` of each that was taken."""
    for experiment in experiments:
        taken.append(experiment)
        yield experiment


def test_a_pool_of_processes_has_the_bits_of_a_serial_sweep(pool, serial):
    assert same(fn.sweep(EIGHT, TRAIN, TEST, pool), serial)
    assert len({run.receipt.digest for _, run in serial}) == 8


def test_threads_have_the_bits_of_a_serial_sweep(serial):
    with new_threads() as executor:
        assert same(fn.sweep(EIGHT, TRAIN, TEST, executor), serial)


def test_an_executor_of_ones_own_has_the_bits_of_a_serial_sweep(serial):
    executor = Inline()
    assert same(fn.sweep(EIGHT, TRAIN, TEST, executor), serial)
    assert executor.submitted == 8


def test_a_run_of_a_sweep_is_that_of_run(serial):
    with blas_threads(1):
        alone = [(experiment, fn.run(experiment, TRAIN, TEST)) for experiment in EIGHT]
    assert same(alone, serial)


def test_products_on_two_threads_of_blas_have_the_same_bits(pool):
    experiments = fn.grid(WIDE, seed=range(2))
    with blas_threads(2):
        serial = list(fn.sweep(experiments, DIGITS))
        assert same(fn.sweep(experiments, DIGITS, executor=pool), serial)
        with new_threads() as executor:
            assert same(fn.sweep(experiments, DIGITS, executor=executor), serial)
    with blas_threads(1):
        assert same([(each, fn.run(each, DIGITS)) for each in experiments], serial)


@pytest.mark.parametrize("make", [nullcontext, new_threads, Inline, new_pool])
def test_receipts_say_that_blas_had_one_thread(make):
    with blas_threads(2), make() as executor:
        runs = [run for _, run in fn.sweep(EIGHT[:2], TRAIN, executor=executor)]
    assert [dict(facts)["BLAS threads"] for run in runs for _, facts in run.receipt.environments] == ["1", "1"]


@pytest.mark.parametrize("make", [nullcontext, new_threads, Inline])
def test_blas_has_its_threads_again_after_a_sweep(make):
    with blas_threads(2), make() as executor:
        assert all(run.error is None for _, run in fn.sweep(EIGHT[:2], TRAIN, executor=executor))
        assert threads() == "2"
        runs = fn.sweep(EIGHT, TRAIN, executor=executor)
        next(runs)
        runs.close()
        assert threads() == "2"
        assert [run.error is None for _, run in fn.sweep([DIVERGING], TRAIN, executor=executor)] == [False]
        assert threads() == "2"


def test_experiments_come_back_in_their_order_with_their_runs(pool):
    slow_first = fn.grid(EXPERIMENT, epochs=[60, 1, 2, 1, 30, 1])
    for executor in (None, pool):
        runs = list(fn.sweep(slow_first, TRAIN, TEST, executor))
        assert [experiment for experiment, _ in runs] == list(slow_first)
        assert all(run.experiment == experiment for experiment, run in runs)
        assert [run.history["epoch"][-1] for _, run in runs] == [60, 1, 2, 1, 30, 1]


def test_nothing_is_done_before_it_is_asked_for():
    taken, executor = [], Inline()
    for each in (None, executor):
        fn.sweep(asked_for(EIGHT, taken), TRAIN, executor=each)
    assert (taken, executor.submitted) == ([], 0)


def test_a_serial_sweep_takes_one_experiment_at_a_time():
    taken = []
    runs = fn.sweep(asked_for(EIGHT, taken), TRAIN)
    for n in (1, 2, 3):
        next(runs)
        assert len(taken) == n


def test_an_executor_gets_a_few_experiments_more_than_it_has_workers():
    taken = []
    with ThreadPoolExecutor(1) as executor:
        runs = fn.sweep(asked_for(EIGHT, taken), TRAIN, executor=executor)
        next(runs)
        assert 1 < len(taken) < 5
        next(runs)
        assert 2 < len(taken) < 6
        runs.close()


def test_closing_a_sweep_cancels_what_waits(monkeypatch):
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    executor = Idle()
    runs = fn.sweep(asked_for(EIGHT, []), TRAIN, executor=executor)
    with ThreadPoolExecutor(1) as other:
        first = other.submit(next, runs)
        while len(executor.futures) < 5:
            assert not first.done()
        executor.futures[0].set_result(fn.run(EIGHT[0], TRAIN))
        assert first.result()[0] == EIGHT[0]
    runs.close()
    assert [future.cancelled() for future in executor.futures] == [False, *[True] * (len(executor.futures) - 1)]


def test_a_slow_first_run_does_not_keep_the_workers_waiting(monkeypatch):
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    executor, run = Idle(), fn.run(EIGHT[0], TRAIN)
    runs = fn.sweep(asked_for(EIGHT, []), TRAIN, executor=executor)
    with ThreadPoolExecutor(1) as other:
        first = other.submit(next, runs)
        for index in range(1, len(EIGHT)):
            while len(executor.futures) <= index:
                assert not first.done()
            executor.futures[index].set_result(run)
        assert not first.done()
        executor.futures[0].set_result(run)
        assert first.result()[0] == EIGHT[0]
    assert tuple(experiment for experiment, _ in runs) == EIGHT[1:]


def test_an_error_of_the_experiments_is_not_swallowed():
    def experiments():
        yield from EIGHT[:2]
        raise LookupError("no more")

    with new_threads() as threads:
        for executor in (None, Inline(), threads):
            runs = fn.sweep(experiments(), TRAIN, executor=executor)
            assert [next(runs)[0], next(runs)[0]] == list(EIGHT[:2])  # as without it: nothing that was run is lost
            with pytest.raises(LookupError, match="no more"):
                next(runs)


def test_of_a_loss_that_is_not_finite_there_is_the_run_until_then(pool):
    for executor in (None, pool):
        (_, before), (experiment, run), (_, after) = fn.sweep([EIGHT[0], DIVERGING, EIGHT[1]], TRAIN, TEST, executor)
        assert (before.error, after.error, experiment) == (None, None, DIVERGING)
        assert isinstance(run.error, fn.NonFiniteError)
        assert (run.error.epoch, run.history["epoch"], run.state.step, run.receipt) == (3, (1, 2), 10, None)
        good = fn.run(attrs.evolve(DIVERGING, epochs=2), TRAIN, TEST)
        assert (run.history, snapshot(run.params)) == (good.history, snapshot(good.params))


def test_an_error_of_a_layer_is_the_error_of_its_run(pool):
    for executor in (None, pool):
        _, (_, run), _ = found = list(fn.sweep([EIGHT[0], MISFIT, EIGHT[1]], TRAIN, TEST, executor))
        assert [each.error is None for _, each in found] == [True, False, True]
        assert isinstance(run.error, fn.ShapeError)
        assert (run.history, run.receipt, run.params, run.state) == (run.history.of([]), None, None, None)


def test_a_failed_run_survives_pickle():
    ((_, run),) = fn.sweep([DIVERGING], TRAIN, TEST)
    again = pickle.loads(pickle.dumps(run))
    assert (again, str(again.error)) == (run, str(run.error))


@pytest.mark.slow
@pytest.mark.parametrize(("name", "error"), [("unpicklable", UnpicklableError), ("unreadable", UnreadableError)])
def test_an_error_that_pickle_refuses_is_its_runs_alone(name, error):
    experiments = [EIGHT[0], of(Stumbling(name)), *EIGHT[1:7]]
    (_, run) = list(fn.sweep(experiments, TRAIN))[1]
    assert type(run.error) is error
    with new_pool() as pool:
        found = [run.error for _, run in fn.sweep(experiments, TRAIN, executor=pool)]
    assert found[1] is not None
    assert found[:1] + found[2:] == [None] * 7


@pytest.mark.slow
def test_a_worker_that_dies_fails_its_run_alone():
    experiments = [EIGHT[0], of(Dying(os.getpid())), *EIGHT[1:7]]
    with new_pool() as pool:
        runs = list(fn.sweep(experiments, TRAIN, executor=pool))
    assert [experiment for experiment, _ in runs] == experiments
    assert "terminated abruptly" in str(runs[1][1].error)
    for _, run in runs:  # a pool that broke takes no more, which each run says
        assert run.error is None or "terminated abruptly" in str(run.error)


def test_an_experiment_that_cannot_be_sent_fails_alone(pool):
    unsent = attrs.evolve(EXPERIMENT, metrics=(lambda targets, predictions: 0.0,))
    for executor in (None, pool):
        found = [run.error for _, run in fn.sweep([EIGHT[0], unsent, EIGHT[1]], TRAIN, executor=executor)]
        assert found[::2] == [None, None]
        assert found[1] is not None


def test_an_interruption_ends_the_sweep(monkeypatch):
    monkeypatch.setattr("tests.experiments.sweep_cases.CALLS_LEFT", [3])
    experiments = fn.grid(attrs.evolve(EXPERIMENT, metrics=(interruptible_share,)), seed=range(3))
    with pytest.raises(KeyboardInterrupt):
        list(fn.sweep(experiments, TRAIN))


def test_without_threadpoolctl_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "threadpoolctl", None)
    for executor in (None, Inline()):
        with pytest.raises(fn.MissingExtraError, match=r'threadpoolctl is not installed: .*"funcnet\[experiments\]"'):
            list(fn.sweep(EIGHT, TRAIN, executor=executor))


def test_no_experiments_have_no_runs(pool):
    assert list(fn.sweep([], TRAIN)) == list(fn.sweep([], TRAIN, executor=pool)) == []
