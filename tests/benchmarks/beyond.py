"""What is measured beside a step: a whole training, inference, memory, depth, trees of many leaves."""

import tracemalloc
import warnings

import numpy as np

import funcnet as fn
from tests.benchmarks.measuring import medians
from tests.benchmarks.networks import Network
from tests.benchmarks.sides import SIDES


def against_scikit_learn(rounds, steps=200):
    """The time of a step of 784-50-10 over that of MLPClassifier at the same settings."""
    from sklearn.neural_network import MLPClassifier

    network = Network((784, 50, 10), 100)
    rows = 100 * steps
    draws = np.random.default_rng(0)
    dataset = fn.data.Dataset(draws.standard_normal((rows, 784)).astype(np.float32), np.arange(rows) % 10)
    options = {"solver": "sgd", "batch_size": 100, "momentum": 0, "alpha": 0, "learning_rate_init": 0.1}
    theirs = MLPClassifier((50,), max_iter=1, shuffle=True, random_state=0, **options)
    model, loss = fn.sequential(fn.Linear(50), fn.ReLU(), fn.Linear(10)), fn.SoftmaxCrossEntropy()
    params = model.init(fn.Key(0), network.sizes[:1])

    def ours():
        new = params
        for x, labels in fn.data.batches(dataset, 100, fn.Key(0), 0):
            _, grads = fn.value_and_grad(model, loss, new, x, labels)
            new = fn.sgd_step(new, grads, 0.1)

    def fit():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # one epoch does not converge
            theirs.fit(dataset.x, dataset.y)

    our_time, their_time = medians([ours, fit], rounds)
    return our_time / their_time


def inference(rounds, rows=10_000):
    """The time of `apply` on 784-512-512-10 over PyTorch's."""
    import torch

    network = Network((784, 512, 512, 10), rows)
    x, _ = network.data()
    model = fn.sequential(fn.Linear(512), fn.ReLU(), fn.Linear(512), fn.ReLU(), fn.Linear(10))
    params = model.init(fn.Key(0), (784,))
    torch.set_num_threads(2)
    linear = [torch.nn.Linear(n, m) for n, m in zip(network.sizes, network.sizes[1:], strict=False)]
    theirs = torch.nn.Sequential(linear[0], torch.nn.ReLU(), linear[1], torch.nn.ReLU(), linear[2])
    there = torch.from_numpy(x)

    def infer():
        with torch.no_grad():
            theirs(there)

    our_time, their_time = medians([lambda: model.apply(params, x), infer], rounds)
    return our_time / their_time


def peak_memory(network):
    """The peak of a step's memory over params, grads and activations."""
    step, weights = SIDES["funcnet"](network)
    step()
    params = sum(array.nbytes for pair in weights() for array in pair)
    activations = 4 * network.batch * sum(2 * n for n in network.sizes[1:-1]) + 4 * network.batch * network.sizes[-1]
    return (peak_of(step) + params) / (2 * params + activations)


def peak_of(function):
    """The most memory that a call holds beside what there was, in bytes."""
    tracemalloc.start()
    function()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak


def per_layer(rounds, depths=(10, 100, 1000)):
    """The time of a step per layer, in microseconds, of networks so many layers deep."""
    steps = [SIDES["funcnet"](Network((8,) * (depth + 1), 16))[0] for depth in depths]
    return {depth: 1e6 * time / depth for depth, time in zip(depths, medians(steps, rounds), strict=True)}


def per_leaf(rounds, counts=(100, 1000, 10_000)):
    """The time of `sgd_step` per leaf, in microseconds, of trees of so many leaves."""
    trees = [tuple(np.ones(3, np.float32) for _ in range(count)) for count in counts]
    updates = [lambda tree=tree: fn.sgd_step(tree, tree, 0.1) for tree in trees]
    return {count: 1e6 * time / count for count, time in zip(counts, medians(updates, rounds), strict=True)}
