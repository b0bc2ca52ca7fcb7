"""A network with two layers reads digits, and its backpropagation is compared with numerical gradients.

    python examples/two_layer_net.py [--seed 0] [--out two-layer-net-out] [--data DIR] [--quick]

The network is 784-50-10: affine, ReLU, affine, softmax with cross entropy; initial weights have the standard deviation
0.01. The lesson: backpropagation gives in one pass what differences give in 79,520, and more exactly. A difference with
the step h has an error of rounding / h and of h^2; dual numbers, the exact oracle here, have rounding errors only. ReLU
is not suitable as an output function: it would turn every negative logit into 0, without a gradient, so the network
could never correct a class that it wrongly takes for unlikely.
"""

from itertools import islice
from time import perf_counter

import numpy as np
from program import Result, at_least, at_most, example_parser, exit_with, print_results, save_figures
from tqdm import tqdm

import funcnet as fn
from funcnet.testing import check_gradients

BATCH_SIZE, RATE = 100, 0.1
THEIRS = {
    "0.bias": ("b1", 9.704e-13),
    "2.weight": ("W2", 8.411e-13),
    "2.bias": ("b2", 1.195e-10),
    "0.weight": ("W1", 2.223e-13),
}
STEP = 1e-4  # of the central difference; it reproduces their figures
SMALL = fn.initializers.normal(0.01)
MODEL = fn.sequential(fn.Linear(50, weight_init=SMALL), fn.ReLU(), fn.Linear(10, weight_init=SMALL))
LOSS = fn.SoftmaxCrossEntropy()


def main():
    """Check the gradients, train the network, print the results."""
    options = example_parser(__doc__, out="two-layer-net-out", mnist=True).parse_options()
    began, key = perf_counter(), fn.Key(options.seed)
    train, test = fn.data.mnist(options.data)
    results = gradients(train.take(slice(3)), key, sample=200 if options.quick else None)
    params, history = fit(train, test, 600 if options.quick else 10_000, key)
    save_figures(
        options.out,
        {"accuracy": fn.plot.curves(history), "units": fn.plot.images(params[0].weight.T, symmetric=True)},
    )
    bar = 0.85 if options.quick else 0.97
    return print_results(
        [
            *results,
            Result("training accuracy", "-", f"{history['accuracy'][-1]:.4f}"),
            at_least("test accuracy", "-", history["test accuracy"][-1], bar),
            at_most("seconds in all", "-", perf_counter() - began, 60),
        ]
    )


def gradients(few, key, sample):
    """For each array of params, the difference between backpropagation and two oracles, on three images."""
    params = MODEL.init(key.fold_in("init"), (784,), np.float64)
    _, grads = fn.value_and_grad(MODEL, LOSS, params, few.x, few.y)
    largest = {path: np.abs(grad).max() for path, grad in fn.tree.named_leaves(grads).items()}
    for method in ("exact", "central"):
        began = perf_counter()
        print(f"gradients by the {method} oracle")
        report = check_gradients(MODEL, LOSS, params, few.x, few.y, method=method, step=STEP, sample=sample)
        for leaf in sorted(report.leaves, key=lambda leaf: list(THEIRS).index(leaf.path)):
            letter, theirs = THEIRS[leaf.path]
            bar = 1e-15 * largest[leaf.path] if method == "exact" else 10 * theirs
            name = f"{letter} ({leaf.path}), mean difference, {method}"
            yield at_most(name, f"{theirs:.3e}", leaf.mean, bar)
        yield at_most(f"seconds of the {method} oracle", "-", perf_counter() - began, 30)


def fit(train, test, iterations, key):
    """The params after `iterations` steps, and the accuracies after each epoch."""
    params, optimizer = MODEL.init(key.fold_in("init"), (784,)), fn.SGD(RATE)
    state = fn.TrainState(0, params, optimizer.init(params))
    batches = fn.data.stream(train, BATCH_SIZE, key.fold_in("shuffle"))
    steps = islice(fn.train(MODEL, LOSS, optimizer, state, batches, key.fold_in("training")), iterations)
    history = {"accuracy": [], "test accuracy": []}
    print(f"{iterations:,} steps")
    for state, _ in tqdm(steps, total=iterations, unit="step", disable=None):
        if state.step % fn.data.steps_per_epoch(train, BATCH_SIZE) == 0 or state.step == iterations:
            for name, dataset in (("accuracy", train), ("test accuracy", test)):
                history[name].append(fn.metrics.accuracy(dataset.y, MODEL.apply(state.params, dataset.x)))
    return state.params, history


if __name__ == "__main__":
    exit_with(main)
