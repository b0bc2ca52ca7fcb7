"""Experiments with all that could go wrong at a resumption: dropout, shuffling, momentum, Adam, schedules, the best."""

import attrs
import numpy as np

import funcnet as fn


def clusters(n, seed):
    """Points around three centres, near enough to each other that no network tells them all apart."""
    draws = np.random.default_rng(seed)
    y = draws.integers(0, 3, n)
    x = draws.normal(size=(n, 6)) + np.eye(3, 6)[y]
    return fn.data.Dataset(x.astype(np.float32), y)


TRAIN, TEST = clusters(40, 0), clusters(20, 1)


@fn.register
def margin(labels, predictions):
    """How far the right score is above the mean of all: a metric of a user's own."""
    return float(np.mean(predictions[np.arange(len(labels)), labels] - predictions.mean(axis=1)))


@attrs.define
class Hook:
    """What the metric `hooked` does when it is called."""

    call: object = None


HOOK = Hook()


@fn.register
def hooked(labels, predictions):
    """A metric that a test can make do what it likes; else 0."""
    return 0.0 if HOOK.call is None else HOOK.call(labels, predictions)


# 40 examples in batches of 16: three in an epoch, the last of them short.
MOMENTUM = fn.Experiment(
    model=fn.sequential(fn.Linear(8), fn.Tanh(), fn.Dropout(0.25), fn.Linear(3)),
    loss=fn.SoftmaxCrossEntropy(),
    optimizer=fn.SGD(0.05, momentum=0.9),
    batch_size=16,
    epochs=6,
    seed=1,
    penalty=fn.L2(1e-3),
    metrics=(fn.metrics.accuracy, margin, hooked),
)
# Stops early, at epoch 6 of 12, and its best epoch is before that.
ADAM = fn.Experiment(
    model=fn.sequential(fn.Linear(8), fn.ReLU(), fn.Dropout(0.5), fn.Linear(3)),
    loss=fn.SoftmaxCrossEntropy(),
    optimizer=fn.Adam(fn.schedules.warmup(4, fn.schedules.cosine(0.1, 60))),
    batch_size=16,
    epochs=12,
    seed=2,
    metrics=(fn.metrics.accuracy, hooked),
    early_stopping=fn.EarlyStopping("test loss", "min", patience=3),
    keep_best=fn.KeepBest("test accuracy", "max"),
)


@fn.register
@attrs.frozen
class Bins(fn.Layer):
    """The whole numbers below x, as ids from 0 to 6, which have no gradient."""

    def forward(self, params, x):
        return np.clip(np.floor(x) + 3, 0, 6).astype(np.int64), x.shape

    def backward(self, params, shape, dy):
        return np.zeros(shape, np.float32), ()


STATISTICS = fn.Experiment(
    model=fn.sequential(
        Bins(),
        fn.Embedding(7, 3),
        fn.Flatten(),
        fn.Linear(8),
        fn.BatchNorm(),
        fn.ReLU(),
        fn.Dropout(0.25),
        fn.Linear(3),
    ),
    loss=fn.SoftmaxCrossEntropy(),
    optimizer=fn.AdamW(0.01, weight_decay=0.1),
    batch_size=16,
    epochs=6,
    seed=3,
    metrics=(fn.metrics.accuracy, hooked),
    gradient=fn.clipped(1.0, fn.accumulated(2)),
)
EXPERIMENTS = {"momentum": MOMENTUM, "Adam, early stopping": ADAM, "AdamW, statistics": STATISTICS}


def run(experiment=MOMENTUM, directory=None, data=(TRAIN, TEST), **options):
    """The run of an experiment on the data of here."""
    return fn.run(experiment, *data, directory=directory, **options)


def assert_same_run(made, expected):
    """Every bit of the results of two runs is the same."""
    assert made == expected
    assert made.state == expected.state
    assert fn.tree.equal(made.params, expected.params)
    assert made.history == expected.history
    assert made.receipt.digest == expected.receipt.digest


def interrupted(experiment, directory, epoch, error=KeyboardInterrupt, **options):
    """Start the run, or go on with it, and raise an error inside a metric while an epoch is evaluated."""

    def call(labels, predictions):
        raise error

    def count(labels, predictions):
        calls.append(1)
        return 0.0 if len(calls) < 2 * epoch else call(labels, predictions)  # on train and on test data

    calls = []
    HOOK.call = count
    try:
        run(experiment, directory, **options)
    except error:
        return True
    finally:
        HOOK.call = None
    return False
