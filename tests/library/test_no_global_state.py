"""Nothing is shared: runs do not disturb each other, and no generator but those of keys is drawn from."""

import random
import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, get_ident

import attrs
import numpy as np
import pytest

import funcnet as fn
from funcnet.testing import check_layer, check_loss, check_optimizer
from tests.experiments.cases import ADAM, HOOK, MOMENTUM, TEST, TRAIN, assert_same_run, run

PLAIN = [attrs.evolve(experiment, early_stopping=None, epochs=6) for experiment in (MOMENTUM, ADAM)]


@pytest.fixture
def switching():
    """Threads take turns as often as can be."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)
    HOOK.call = None


def test_runs_that_wait_for_each_other_are_the_serial_ones(switching):
    serial, seen, barrier = [run(experiment) for experiment in PLAIN], [], Barrier(2, timeout=30)

    def meet(labels, predictions):
        barrier.wait()
        seen.append(get_ident())
        return 0.0

    HOOK.call = meet
    with ThreadPoolExecutor(2) as pool:
        for made, expected in zip(pool.map(run, PLAIN), serial, strict=True):
            assert_same_run(made, expected)
    assert len(seen) == 2 * 2 * 6
    assert len(set(seen)) == 2


@pytest.mark.slow
def test_many_runs_at_once_are_the_serial_ones(switching, tmp_path):
    experiments = fn.grid(attrs.evolve(MOMENTUM, epochs=2), seed=range(3)) + fn.grid(PLAIN[1], epochs=[1, 2])
    serial = [run(experiment) for experiment in experiments]

    def one(index):
        experiment, kept = experiments[index % 5], tmp_path / str(index)
        return run(experiment, kept if index % 2 else None)

    with ThreadPoolExecutor(8) as pool:
        for index, made in enumerate(pool.map(one, range(40))):
            assert_same_run(made, serial[index % 5])


def test_a_run_is_the_same_inside_another():
    def inner(labels, predictions):
        HOOK.call = None
        within.append(run())
        HOOK.call = inner
        return 0.0

    expected, within, HOOK.call = run(), [], inner
    try:
        made = run(attrs.evolve(PLAIN[1], epochs=2))
    finally:
        HOOK.call = None
    assert_same_run(made, run(attrs.evolve(PLAIN[1], epochs=2)))
    for each in within:
        assert_same_run(each, expected)
    assert len(within) == 4


MODEL = MOMENTUM.model
PARAMS = MODEL.init(fn.Key(0), (6,))


def trained():
    state = fn.TrainState(0, PARAMS, MOMENTUM.optimizer.init(PARAMS))
    batches = fn.data.batches(TRAIN, 16, fn.Key(0), 0)
    return list(fn.train(MODEL, MOMENTUM.loss, MOMENTUM.optimizer, state, batches, fn.Key(1)))


def saved(folder):
    fn.save(folder / "model.npz", MODEL, PARAMS)
    return fn.load(folder / "model.npz")


def verified(folder):
    run(MOMENTUM, folder / "run")
    return fn.verify(folder / "run", TRAIN, TEST)


THINGS = {
    "run": lambda folder: run(),
    "run in a directory": lambda folder: run(ADAM, folder / "run"),
    "verify": verified,
    "sweep": lambda folder: list(fn.sweep(fn.grid(attrs.evolve(MOMENTUM, epochs=1), seed=range(2)), TRAIN, TEST)),
    "train": lambda folder: trained(),
    "init": lambda folder: MODEL.init(fn.Key(5), (6,)),
    "data": lambda folder: (fn.data.digits().split(fn.Key(0), 0.5), fn.data.linearly_separable(9, fn.Key(1))),
    "save and load": saved,
    "check_layer": lambda folder: check_layer(fn.sequential(fn.Linear(2), fn.Dropout(0.5)), (3,), examples=3),
    "check_loss": lambda folder: check_loss(fn.MeanSquaredError()),
    "check_optimizer": lambda folder: check_optimizer(fn.Adam(0.1)),
    "summary": lambda folder: fn.summary(MODEL, (6,)),
}


def global_state():
    """What belongs to the whole process, and not to the library."""
    kind, keys, *rest = np.random.get_state()  # noqa: NPY002
    return kind, keys.tobytes(), rest, random.getstate(), np.geterr(), np.get_printoptions(), sys.getrecursionlimit()


@pytest.mark.parametrize("thing", THINGS.values(), ids=THINGS)
@pytest.mark.slow
def test_the_global_generators_are_left_alone(thing, tmp_path):
    before = global_state()
    thing(tmp_path)
    assert global_state() == before


@pytest.mark.parametrize("name", ["run", "run in a directory", "train", "init", "data"])
def test_the_global_generators_change_nothing(name, tmp_path):
    results = []
    for seed in (0, 1):
        np.random.seed(seed)  # noqa: NPY002
        random.seed(seed)
        results.append(THINGS[name](tmp_path / str(seed)))
    assert repr(results[0]) == repr(results[1])
    if name.startswith("run"):
        assert_same_run(*results)
