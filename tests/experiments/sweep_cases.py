"""Experiments for sweeps and replays, and layers that fail; the workers of pools import them from here."""

import json
import os
from concurrent.futures import Executor, Future

import attrs
import numpy as np

import funcnet as fn
from funcnet.experiments.directory import Directory
from funcnet.experiments.environment import facts
from funcnet.experiments.history import to_line

NUMBERS = fn.data.parity(6)
TRAIN, TEST = NUMBERS.take(slice(None, 48)), NUMBERS.take(slice(48, None))
LOSS = fn.SoftmaxCrossEntropy()
MOMENTUM, ADAM = fn.SGD(0.1, momentum=0.9), fn.Adam(0.05)
MODEL = fn.sequential(fn.Linear(8), fn.Tanh(), fn.Dropout(0.2), fn.Linear(2))
EXPERIMENT = fn.Experiment(MODEL, LOSS, MOMENTUM, batch_size=10, epochs=4)
EIGHT = fn.grid(EXPERIMENT, optimizer=[MOMENTUM, ADAM], seed=range(4))
# With one thread of BLAS the sums of its products round otherwise than with two.
WIDE = attrs.evolve(
    EXPERIMENT, model=fn.sequential(fn.Linear(300), fn.Linear(200), fn.Linear(10)), batch_size=320, epochs=2
)
DIVERGING = attrs.evolve(
    EXPERIMENT, model=fn.sequential(fn.Linear(8), fn.Linear(2)), optimizer=fn.SGD(fn.schedules.step(1e-3, 10, 1e30))
)


def of(*layers, **changes):
    """The experiment with another model."""
    return attrs.evolve(EXPERIMENT, model=fn.sequential(*layers, fn.Linear(2)), **changes)


def threads():
    return facts()["BLAS threads"]


class Inline(Executor):
    """An executor of one's own: the future has ended before `submit` returns."""

    def __init__(self):
        self.submitted = 0

    def submit(self, function, /, *arguments, **options):
        self.submitted += 1
        future = Future()
        future.set_result(function(*arguments, **options))
        return future


class Idle(Executor):
    """It never starts anything."""

    def __init__(self):
        self.futures = []

    def submit(self, function, /, *arguments, **options):
        self.futures.append(Future())
        return self.futures[-1]


class UnpicklableError(Exception):
    def __init__(self):
        super().__init__(lambda: 0)


class UnreadableError(Exception):
    """It is pickled, and can't be unpickled."""

    def __init__(self, first, second):
        super().__init__("two words")


ERRORS = {"unpicklable": UnpicklableError, "unreadable": lambda: UnreadableError(1, 2)}


@fn.register
@attrs.frozen
class Stumbling(fn.Layer):
    """It raises in its init."""

    error: str

    def init(self, key, input_shape, dtype=np.float32):
        raise ERRORS[self.error]()


@fn.register
@attrs.frozen
class Dying(fn.Layer):
    """It ends the process; the one that imported this with the tests excepted."""

    parent: int

    def init(self, key, input_shape, dtype=np.float32):
        if os.getpid() == self.parent:
            raise ValueError("no worker of a pool")
        os._exit(3)


DRIFT = [1.0]


@fn.register
@attrs.frozen
class Drifting(fn.Layer):
    """y = x * DRIFT, which is nothing that the experiment tells of."""

    def forward(self, params, x):
        return x * np.asarray(DRIFT[0], x.dtype), None

    def backward(self, params, cache, dy):
        return dy * np.asarray(DRIFT[0], dy.dtype), ()


@fn.register
@attrs.frozen
class WronglyTrained(fn.Layer):
    """y = x**2, whose gradient is wrong in training alone."""

    factor: float = 2.0

    def training(self, key):
        return WronglyTrained(3.0)

    def forward(self, params, x):
        return x * x, x

    def backward(self, params, x, dy):
        return np.asarray(self.factor, x.dtype) * x * dy, ()


@fn.register
@attrs.frozen
class WrongPenalty:
    """The sum of all params, whose gradient it takes for 2."""

    def forward(self, params):
        return sum(leaf.sum() for leaf in fn.tree.leaves(params)), params

    def backward(self, cache):
        return fn.tree.map(lambda leaf: np.full_like(leaf, 2), cache)


WRONG_GRADIENTS = {"layer": of(fn.Linear(3), WronglyTrained()), "penalty": of(penalty=WrongPenalty())}

CALLS_LEFT = [None]


@fn.register
def interruptible_share(targets, predictions):
    """The accuracy, until the user, who let so many calls pass, presses Ctrl-C."""
    if CALLS_LEFT[0] is not None:
        if CALLS_LEFT[0] == 0:
            raise KeyboardInterrupt
        CALLS_LEFT[0] -= 1
    return float(np.mean(np.argmax(predictions, axis=-1) == targets))


THREADS_SEEN = []


@fn.register
def threads_seen(targets, predictions):
    THREADS_SEEN.append(threads())
    return 0.0


# --- How the files of a run are tampered with ---


def change_checkpoint(path, change):
    model, progress = fn.load(path / "checkpoint.npz")
    fn.save(path / "checkpoint.npz", model, change(progress))


def change_rows(path, change):
    rows = change(Directory(path).rows())
    (path / "history.jsonl").write_text("".join(map(to_line, rows)))
    return rows


def change_receipt(path, **changes):
    """As a forger does who computes the digest again."""
    Directory(path).write(attrs.evolve(Directory(path).receipt(), **changes))


def change_environment(path, **changes):
    plain = json.loads((path / "receipt.json").read_text())
    plain["environments"] = [{**facts, **changes} for facts in plain["environments"]]
    (path / "receipt.json").write_text(json.dumps(plain))


def nudged(tree, name, factor=1.5):
    """The tree with the first entry of one leaf multiplied."""
    position = list(fn.tree.named_leaves(tree)).index(name)
    count = iter(range(100))

    def nudge(leaf):
        if next(count) != position:
            return leaf
        leaf = leaf.copy()
        leaf.flat[0] *= factor
        return leaf

    return fn.tree.map(nudge, tree)


# --- What the command line is given ---

# A module of one's own.
LAYERS = """
import attrs, numpy as np, funcnet as fn
@fn.register
@attrs.frozen
class {name}(fn.Layer):
    def forward(self, params, x):
        return x * x, x
    def backward(self, params, x, dy):
        return 2 * x * dy, ()
"""

# Fields of an experiment's JSON form, each with what it can't be.
WRONG = {
    **{"batch_size": "3", "epochs": -1, "seed": 10**40, "model": None, "loss": 3, "optimizer": {"type": "SGD"}},
    **{"dtype": "int32", "penalty": 3, "metrics": [3], "keep_best": {"type": "Linear", "n_out": 1}, "more": 1},
    **{"early_stopping": 3, "evaluate_every": 0},
}
